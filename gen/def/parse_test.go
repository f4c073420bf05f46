package def

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func parse(t testing.TB, text string) *Message {
	t.Helper()
	m, err := Parse("A.json", []byte(text), Options{})
	if err != nil {
		t.Fatalf("%v, in\n%s", err, text)
	}
	return m
}

// TestAccepted has what Kafka's generator accepts and a stricter reader might not. Facts are
// in the normal form.
func TestAccepted(t *testing.T) {
	field := func(facts string) string {
		return `{
  "name": "AData",
  "type": "data",
  "validVersions": "0-3",
  "flexibleVersions": "2+",
  "fields": [
    ` + facts + `
  ]
}
`
	}
	for _, row := range []struct {
		why  string
		in   string
		want string
	}{
		{"comments of both kinds, everywhere",
			"// before\n/* and\nmore */" + data(`// a line
			/**/ {/* in it */ "name" /* : */ : "a" // , "type": "int16"
			, "type": "int8", "versions": "0+" /* * / */}`) + "// behind\n/* too */",
			field(`{"name": "a", "type": "int8", "versions": "0+"}`)},
		{"slashes in strings are no comments", data(`{"name": "a", "type": "string", "versions": "0+", "default": "//x /*y*/"}`),
			field(`{"name": "a", "type": "string", "versions": "0+", "default": "//x /*y*/"}`)},
		{"escapes", data(`{"name": "\u0061", "type": "string", "versions": "0+", "default": "\"\\\/\n\t\u00fc\ud83d\ude00"}`),
			field(`{"name": "a", "type": "string", "versions": "0+", "default": "\"\\/\n\tü😀"}`)},
		{"numbers as strings", data(`{"name": "a", "type": "int8", "versions": "2+", "taggedVersions": "2+", "tag": "0", "default": "7"}`),
			field(`{"name": "a", "type": "int8", "versions": "2+", "taggedVersions": "2+", "tag": 0, "default": "7"}`)},
		{"numbers as strings with spaces", data(`{"name": "a", "type": "int8", "versions": "2+", "taggedVersions": "2+", "tag": " 0 "}`),
			field(`{"name": "a", "type": "int8", "versions": "2+", "taggedVersions": "2+", "tag": 0}`)},
		{"strings as numbers", data(`{"name": "a", "type": "int8", "versions": 1, "default": 7}`),
			field(`{"name": "a", "type": "int8", "versions": "1", "default": "7"}`)},
		{"strings as booleans", data(`{"name": "a", "type": "bool", "versions": "0+", "default": true}`),
			field(`{"name": "a", "type": "bool", "versions": "0+", "default": "true"}`)},
		{"booleans as strings", data(`{"name": "a", "type": "int8", "versions": "0+", "ignorable": "true", "zeroCopy": "false", "mapKey": "FALSE"}`), // 2.8 does
			field(`{"name": "a", "type": "int8", "versions": "0+", "ignorable": true}`)},
		{"a field for an array of one", strings.NewReplacer("[\n", "", "\n]", "").Replace(data(`{"name": "a", "type": "int8", "versions": "0+"}`)),
			field(`{"name": "a", "type": "int8", "versions": "0+"}`)},
		{"versions with spaces around them", data(`{"name": "a", "type": " []int8 ", "versions": " 1-2\t", "nullableVersions": " 2 "}`),
			field(`{"name": "a", "type": "[]int8", "versions": "1-2", "nullableVersions": "2"}`)},
		{"versions that follow from tagged ones", data(`{"name": "a", "type": "int8", "taggedVersions": "3+", "tag": 0}`), // TransactionLogValue
			field(`{"name": "a", "type": "int8", "versions": "3+", "taggedVersions": "3+", "tag": 0}`)},
		{"empty versions are absent ones", data(`{"name": "a", "type": "int8", "versions": "", "taggedVersions": "3+", "tag": 0, "nullableVersions": "", "flexibleVersions": ""}`),
			field(`{"name": "a", "type": "int8", "versions": "3+", "taggedVersions": "3+", "tag": 0}`)},
		{"null is absent", data(`{"name": "a", "type": "int8", "versions": "0+", "tag": null, "taggedVersions": null, "ignorable": null, "entityType": null, "fields": null, "default": null}`),
			field(`{"name": "a", "type": "int8", "versions": "0+"}`)},
		{"a null default is empty, not null", data(`{"name": "a", "type": "[]int8", "versions": "0+", "nullableVersions": "0+", "default": null}`), // ConsumerGroupMemberMetadataValue
			field(`{"name": "a", "type": "[]int8", "versions": "0+", "nullableVersions": "0+"}`)},
		{"a default of \"null\" is null", data(`{"name": "a", "type": "[]int8", "versions": "0+", "nullableVersions": "0+", "default": "null"}`),
			field(`{"name": "a", "type": "[]int8", "versions": "0+", "nullableVersions": "0+", "default": "null"}`)},
		{"a property twice with the same value", data(`{"name": "a", "versions": "1+", "type": "int8", "versions": "1+"}`), // 3.8 and 3.9
			field(`{"name": "a", "type": "int8", "versions": "1+"}`)},
		{"versions of none", data(`{"name": "a", "type": "int8", "versions": "0+", "nullableVersions": "none", "taggedVersions": "none"}`),
			field(`{"name": "a", "type": "int8", "versions": "0+"}`)},
		{"an entity that is unknown", data(`{"name": "a", "type": "int8", "versions": "0+", "entityType": "unknown"}`),
			field(`{"name": "a", "type": "int8", "versions": "0+"}`)},
		{"entities in an array", data(`{"name": "a", "type": "[]int32", "versions": "0+", "entityType": "brokerId"}`),
			field(`{"name": "a", "type": "[]int32", "versions": "0+", "entityType": "brokerId"}`)},
		{"hexadecimal defaults", data(`{"name": "a", "type": "int64", "versions": "0+", "default": "0x7fffffffffffffff"}, {"name": "b", "type": "uint32", "versions": "0+", "default": "0xFFFFFFFF"}`),
			field("{\"name\": \"a\", \"type\": \"int64\", \"versions\": \"0+\", \"default\": \"9223372036854775807\"},\n    {\"name\": \"b\", \"type\": \"uint32\", \"versions\": \"0+\", \"default\": \"4294967295\"}")},
		{"defaults at both ends", data(`{"name": "a", "type": "int8", "versions": "0+", "default": -128}, {"name": "b", "type": "uint16", "versions": "0+", "default": "65535"}`),
			field("{\"name\": \"a\", \"type\": \"int8\", \"versions\": \"0+\", \"default\": \"-128\"},\n    {\"name\": \"b\", \"type\": \"uint16\", \"versions\": \"0+\", \"default\": \"65535\"}")},
		{"a plus sign", data(`{"name": "a", "type": "int8", "versions": "0+", "default": "+5"}`),
			field(`{"name": "a", "type": "int8", "versions": "0+", "default": "5"}`)},
		{"defaults that are the type's own", data(`{"name": "a", "type": "bool", "versions": "0+", "default": "False"}, {"name": "b", "type": "int8", "versions": "0+", "default": "0x0"},
			{"name": "c", "type": "float64", "versions": "0+", "default": "0.0"}, {"name": "d", "type": "uuid", "versions": "0+", "default": "AAAAAAAAAAAAAAAAAAAAAA"}, {"name": "e", "type": "string", "versions": "0+", "default": ""},
			{"name": "f", "type": "records", "versions": "0+", "default": "whatever"}`), // of records it is null, whatever it says
			field(`{"name": "a", "type": "bool", "versions": "0+"},
    {"name": "b", "type": "int8", "versions": "0+"},
    {"name": "c", "type": "float64", "versions": "0+"},
    {"name": "d", "type": "uuid", "versions": "0+"},
    {"name": "e", "type": "string", "versions": "0+"},
    {"name": "f", "type": "records", "versions": "0+"}`)},
		{"defaults in one form", data(`{"name": "a", "type": "bool", "versions": "0+", "default": "TRUE"}, {"name": "c", "type": "float64", "versions": "0+", "default": "15e-1"},
			{"name": "d", "type": "uuid", "versions": "0+", "default": "AAECAwQFBgcICQoLDA0ODw=="}`),
			field(`{"name": "a", "type": "bool", "versions": "0+", "default": "true"},
    {"name": "c", "type": "float64", "versions": "0+", "default": "1.5"},
    {"name": "d", "type": "uuid", "versions": "0+", "default": "AAECAwQFBgcICQoLDA0ODw"}`)},
		{"a text that says null nowhere", data(`{"name": "a", "type": "string", "versions": "0+", "default": "NULL"}`),
			field(`{"name": "a", "type": "string", "versions": "0+", "default": "NULL"}`)},
		{"a string of classic length", data(`{"name": "a", "type": "string", "versions": "0+", "flexibleVersions": "none"}`), // RequestHeader
			field(`{"name": "a", "type": "string", "versions": "0+", "flexibleVersions": "none"}`)},
		{"a field that became tagged", data(`{"name": "a", "type": "string", "versions": "0+", "taggedVersions": "3+", "tag": 0, "nullableVersions": "3+"}`),
			field(`{"name": "a", "type": "string", "versions": "0+", "taggedVersions": "3+", "tag": 0, "nullableVersions": "3+"}`)},
		{"tags in any order", data(`{"name": "a", "type": "int8", "versions": "2+", "taggedVersions": "2+", "tag": 1}, {"name": "b", "type": "int8", "versions": "2+", "taggedVersions": "2+", "tag": 0}`),
			field("{\"name\": \"a\", \"type\": \"int8\", \"versions\": \"2+\", \"taggedVersions\": \"2+\", \"tag\": 1},\n    {\"name\": \"b\", \"type\": \"int8\", \"versions\": \"2+\", \"taggedVersions\": \"2+\", \"tag\": 0}")},
		{"a struct without fields", data(`{"name": "a", "type": "S", "versions": "0+", "fields": []}`),
			field("{\"name\": \"a\", \"type\": \"S\", \"versions\": \"0+\", \"fields\": [\n    ]}")},
		{"a struct all of whose fields are to come", data(`{"name": "a", "type": "S", "versions": "0+", "fields": [{"name": "b", "type": "int8", "versions": "9+"}]}`),
			field("{\"name\": \"a\", \"type\": \"S\", \"versions\": \"0+\", \"fields\": [\n    ]}")},
		{"a reference with no fields to a common struct", `{"type": "data", "name": "AData", "validVersions": "0", "flexibleVersions": "0+", "commonStructs": {"name": "S", "versions": 0, "deprecatedVersions": "0", "fields": {"name": "b", "type": "int8", "versions": 0}},
			"fields": [{"name": "a", "type": "S", "versions": "0", "fields": []}, {"name": "c", "type": "[]S", "versions": "0"}]}`,
			`{
  "name": "AData",
  "type": "data",
  "validVersions": "0",
  "flexibleVersions": "0+",
  "fields": [
    {"name": "a", "type": "S", "versions": "0+"},
    {"name": "c", "type": "[]S", "versions": "0+"}
  ],
  "commonStructs": [
    {"name": "S", "versions": "0+", "fields": [
      {"name": "b", "type": "int8", "versions": "0+"}
    ]}
  ]
}
`},
		{"a message that is not unstable, and no fields at all", `{"apiKey": "7", "type": "request", "name": "ARequest", "validVersions": "0", "flexibleVersions": "none", "latestVersionUnstable": false, "listeners": "broker"}`,
			`{
  "name": "ARequest",
  "apiKey": 7,
  "type": "request",
  "listeners": ["broker"],
  "validVersions": "0",
  "flexibleVersions": "none",
  "fields": [
  ]
}
`},
		{"a reserved key, whatever else it says", `{"apiKey": 4, "type": "request", "name": "GoneRequest", "validVersions": "none", "listeners": ["zkBroker"], "fields": [{"name": "a", "type": "int8", "versions": "0+"}]}`,
			`{
  "name": "GoneRequest",
  "apiKey": 4,
  "type": "request",
  "listeners": ["zkBroker"],
  "validVersions": "none"
}
`},
		{"versions of headers, in any order", request(`"headerVersions": {"2+": 2, "0-1": "1"},`),
			`{
  "name": "ARequest",
  "apiKey": 7,
  "type": "request",
  "headerVersions": {"0-1": "1", "2+": "2"},
  "validVersions": "0-3",
  "flexibleVersions": "2+",
  "fields": [
  ]
}
`},
		{"one header for ApiVersionsResponse", `{"apiKey": 18, "type": "response", "name": "ApiVersionsResponse", "validVersions": "0-3", "deprecatedVersions": "0-1", "flexibleVersions": "3+", "headerVersions": {"0+": "0"}}`,
			`{
  "name": "ApiVersionsResponse",
  "apiKey": 18,
  "type": "response",
  "headerVersions": {"0+": "0"},
  "validVersions": "0-3",
  "deprecatedVersions": "0-1",
  "flexibleVersions": "3+",
  "fields": [
  ]
}
`},
		{"flexible from a version on that does not exist", strings.Replace(data(`{"name": "a", "type": "int8", "versions": "0+"}`), `"2+"`, `"9+"`, 1),
			strings.Replace(field(`{"name": "a", "type": "int8", "versions": "0+"}`), `"2+"`, `"9+"`, 1)},
		{"an int32 of each kind of versions", data(`{"name": "a", "type": "int32", "versions": "1"}, {"name": "b", "type": "int32", "versions": "1-3"}, {"name": "c", "type": "int32", "versions": "2-9"}, {"name": "d", "type": "int32", "versions": "7+"}, {"name": "e", "type": "int32", "versions": "none"}`),
			field("{\"name\": \"a\", \"type\": \"int32\", \"versions\": \"1\"},\n    {\"name\": \"b\", \"type\": \"int32\", \"versions\": \"1+\"},\n    {\"name\": \"c\", \"type\": \"int32\", \"versions\": \"2+\"}")},
	} {
		t.Run(row.why, func(t *testing.T) {
			m := parse(t, row.in)
			got := Format(m)
			if d := cmp.Diff(string(got), row.want); d != "" {
				t.Errorf("normal form (-got +want):\n%s", d)
			}
			if again := Format(parse(t, string(got))); !bytes.Equal(again, got) {
				t.Errorf("normal form of the normal form (-got +want):\n%s", cmp.Diff(string(again), string(got)))
			}
		})
	}
}

// TestOldReleases: what their own generators did not mind is accepted of them only.
func TestOldReleases(t *testing.T) {
	for _, row := range []struct {
		in   string
		opts Options
		good bool
	}{
		{`{"type": "data", "name": "AData", "validVersions": "0", "fields": []}`, Options{NoFlexible: true}, true}, // before 2.4
		{`{"type": "data", "name": "AData", "validVersions": "0", "fields": []}`, Options{Trailing: true}, false},
		{`{"type": "data", "name": "AData", "validVersions": "0", "flexibleVersions": "0+"}}`, Options{Trailing: true}, true}, // DescribeProducersRequest of 2.8
		{`{"type": "data", "name": "AData", "validVersions": "0", "flexibleVersions": "0+"}}`, Options{NoFlexible: true}, false},
		{`{"type": "data", "name": "AData", "validVersions": "0", "flexibleVersions": "0+"`, Options{NoFlexible: true, Trailing: true}, false},
	} {
		m, err := Parse("A.json", []byte(row.in), row.opts)
		if (err == nil) != row.good {
			t.Errorf("%+v of %s: got %v, want no error: %v", row.opts, row.in, err, row.good)
		}
		if err == nil && m.Name != "AData" {
			t.Errorf("got the name %q, want AData", m.Name)
		}
	}
}

// TestParsedMessage holds all that a parsed message has against its definition.
func TestParsedMessage(t *testing.T) {
	m := parse(t, `{
		"apiKey": 3, "type": "request", "name": "AnRequest", "validVersions": "1-4", "deprecatedVersions": "1", "flexibleVersions": "3+",
		"listeners": ["broker", "controller"], "latestVersionUnstable": true, "headerVersions": {"0-2": "1", "3+": "2"},
		"fields": [
			{"name": "Plain", "type": "string", "versions": "1+", "about": "prose", "ignorable": true, "entityType": "topicName"},
			{"name": "Tagged", "type": "bytes", "versions": "2+", "taggedVersions": "4+", "tag": 0, "nullableVersions": "4+", "zeroCopy": true, "flexibleVersions": "4+"},
			{"name": "Items", "type": "[]Item", "versions": "1-3", "fields": [{"name": "Key", "type": "int32", "versions": "1-3", "mapKey": true, "default": "-1"}]},
			{"name": "Shared", "type": "Common", "versions": "2+", "nullableVersions": "2+", "default": "null"}
		],
		"commonStructs": [{"name": "Common", "versions": "2+", "fields": [{"name": "Id", "type": "uuid", "versions": "2+"}]}]}`)
	none := None
	id := &Field{Name: "Id", Type: Type{Base: UUID}, Versions: Versions{2, Open}, Nullable: none, Tagged: none, Tag: -1, Flexible: none}
	common := &Struct{Name: "Common", Versions: Versions{2, Open}, Common: true, Fields: []*Field{id}}
	key := &Field{Name: "Key", Type: Type{Base: Int32}, Versions: Versions{1, 3}, Nullable: none, Tagged: none, Tag: -1, Flexible: none, MapKey: true, Default: "-1"}
	want := &Message{
		Name: "AnRequest", Kind: Request, APIKey: 3, Listeners: []string{"broker", "controller"}, Valid: Versions{1, 4}, Deprecated: Versions{1, 1},
		Flexible: Versions{3, Open}, LatestUnstable: true, File: "A.json",
		HeaderVersions: []HeaderVersion{{Versions{0, 2}, 1}, {Versions{3, Open}, 2}},
		Fields: []*Field{
			{Name: "Plain", Type: Type{Base: String}, Versions: Versions{1, Open}, Nullable: none, Tagged: none, Tag: -1, Flexible: none, Ignorable: true, EntityType: "topicName", About: "prose"},
			{Name: "Tagged", Type: Type{Base: Bytes}, Versions: Versions{2, Open}, Nullable: Versions{4, Open}, Tagged: Versions{4, Open}, Tag: 0, Flexible: Versions{4, Open}, HasFlexible: true, ZeroCopy: true},
			{Name: "Items", Type: Type{Array: true, Base: IsStruct, name: "Item", Struct: &Struct{Name: "Item", Versions: Versions{1, 3}, Fields: []*Field{key}}}, Versions: Versions{1, 3}, Nullable: none, Tagged: none, Tag: -1, Flexible: none},
			{Name: "Shared", Type: Type{Base: IsStruct, name: "Common", Struct: common}, Versions: Versions{2, Open}, Nullable: Versions{2, Open}, Tagged: none, Tag: -1, Flexible: none, Default: "null"},
		},
		Commons: []*Struct{common},
	}
	noPlaces := cmp.FilterValues(func(a, b pos) bool { return true }, cmp.Ignore())
	if d := cmp.Diff(m, want, noPlaces, cmp.AllowUnexported(Struct{}, Field{}, Type{})); d != "" {
		t.Errorf("(-got +want):\n%s", d)
	}

	if got := m.API(); got != "An" {
		t.Errorf("API: got %q, want An", got)
	}
	var structs, fields []string
	for path, s := range m.Structs() {
		structs = append(structs, path+"="+s.Name)
	}
	for path := range m.Walk() {
		fields = append(fields, path)
	}
	if d := cmp.Diff(structs, []string{"Items=Item", "Shared=Common"}); d != "" {
		t.Errorf("Structs (-got +want):\n%s", d)
	}
	if d := cmp.Diff(fields, []string{"Plain", "Tagged", "Items", "Items.Key", "Shared", "Shared.Id"}); d != "" {
		t.Errorf("Walk (-got +want):\n%s", d)
	}
	for range m.Structs() { // an early end
		break
	}
	for path := range m.Walk() {
		if path == "Items.Key" {
			break
		}
	}
	for v, want := range map[int16]string{1: "ff", 2: "ff", 3: "tf", 4: "tt"} {
		got := map[bool]string{false: "f", true: "t"}
		if flex := got[m.Fields[0].FlexibleIn(m, v)] + got[m.Fields[1].FlexibleIn(m, v)]; flex != want {
			t.Errorf("FlexibleIn version %d, with and without an override: got %s, want %s", v, flex, want)
		}
	}
}

func TestTypes(t *testing.T) {
	sizes := map[string]int{"bool": 1, "int8": 1, "int16": 2, "uint16": 2, "int32": 4, "uint32": 4, "int64": 8, "float64": 8, "uuid": 16, "string": 0, "bytes": 0, "records": 0, "Name": 0}
	for name, size := range sizes {
		for _, array := range []bool{false, true} {
			text := name
			if array {
				text = "[]" + name
			}
			got, err := ParseType(" " + text + " ")
			if err != nil || got.Array != array || got.Base.FixedSize() != size || got.String() != text {
				t.Errorf("ParseType(%q): got %v of size %d, array %v, error %v, want size %d", text, got, got.Base.FixedSize(), got.Array, err, size)
			}
			if want := map[bool]string{true: "Name"}[name == "Name"]; got.StructName() != want {
				t.Errorf("StructName of %q: got %q, want %q", text, got.StructName(), want)
			}
			if got, want := got.nullable(), array || size == 0; got != want {
				t.Errorf("%q can be null: got %v, want %v", text, got, want)
			}
		}
	}
	for _, text := range []string{"", "[]", "int", "[][]int8", "struct", "name", "Na me", "[] int8", "1A"} {
		if got, err := ParseType(text); err == nil {
			t.Errorf("ParseType(%q): got %v, want an error", text, got)
		}
	}
}

// definitions calls f for each definition of this repository: those of spec/, which are in
// their normal form, and those that tests write by hand, which are not.
func definitions(tb testing.TB, f func(name string, data []byte, normal bool)) {
	tb.Helper()
	n := 0
	for _, root := range []string{filepath.Join("..", "..", "spec"), filepath.Join("..", "..", "testdata", "synthetic")} {
		normal := filepath.Base(root) == "spec"
		err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			if folder := filepath.Dir(name); d.IsDir() || filepath.Ext(name) != ".json" || normal && (folder == root || filepath.Base(folder) == "overlay") {
				return nil
			}
			data, err := os.ReadFile(name)
			if err == nil {
				n++
				f(name, data, normal)
			}
			return err
		})
		if err != nil {
			tb.Fatal(err)
		}
	}
	if n < 280 {
		tb.Errorf("found %d definitions, want all 280 and more", n)
	}
}

// FuzzParse reads anything: it must not panic, every error must have a place, and what is
// accepted has a normal form, which says the same of every version and is its own.
func FuzzParse(f *testing.F) {
	for _, row := range broken {
		f.Add([]byte(strings.Replace(row.in, "§", "", 1)))
	}
	n := 0
	definitions(f, func(name string, data []byte, normal bool) {
		if n++; n%10 == 0 || !normal {
			f.Add(data)
		}
	})
	f.Fuzz(func(t *testing.T, in []byte) {
		loose, err := Parse("A.json", in, Options{NoFlexible: true, Trailing: true})
		m, strict := Parse("A.json", in, Options{})
		if err != nil {
			if strict == nil {
				t.Fatalf("got the error %v with fewer rules than without", err)
			}
			for _, e := range parts(err) {
				var place *Error
				if !errors.As(e, &place) || place.Line < 1 || place.Column < 1 || place.Line > bytes.Count(in, []byte("\n"))+1 || place.Rule == "" {
					t.Fatalf("got %#v, want an error with a place", e)
				}
			}
			return
		}
		if strict != nil {
			m = loose
		}
		text := Format(m)
		again, err := Parse("A.json", text, Options{})
		if err != nil {
			t.Fatalf("the normal form breaks the rules: %v\n%s", err, text)
		}
		if got := Format(again); !bytes.Equal(got, text) {
			t.Fatalf("the normal form of the normal form (-got +want):\n%s", cmp.Diff(string(got), string(text)))
		}
		for v := m.Valid.Min; v <= min(m.Valid.Max, m.Valid.Min+40) && v >= 0; v++ {
			if d := Difference(LayoutOf(again, v), LayoutOf(m, v)); d != "" {
				t.Fatalf("the normal form changes version %d: %s\n%s", v, d, text)
			}
		}
	})
}

func BenchmarkParse(b *testing.B) {
	in, err := os.ReadFile(filepath.Join("..", "..", "spec", "clients", "FetchResponse.json"))
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(in)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Parse("FetchResponse.json", in, Options{}); err != nil {
			b.Fatal(err)
		}
	}
}

// TestWalkOfSharedStructs: the fields of a shared struct come once for each place.
func TestWalkOfSharedStructs(t *testing.T) {
	m := parse(t, `{"type": "data", "name": "AData", "validVersions": "0", "flexibleVersions": "0+",
		"fields": [{"name": "a", "type": "S", "versions": "0+"}, {"name": "b", "type": "[]S", "versions": "0+"}],
		"commonStructs": [{"name": "S", "versions": "0+", "fields": [{"name": "t", "type": "T", "versions": "0+"}]}, {"name": "T", "versions": "0+", "fields": [{"name": "x", "type": "int8", "versions": "0+"}]}]}`)
	var got []string
	for path, f := range m.Walk() {
		got = append(got, fmt.Sprintf("%s %v", path, f.Type))
	}
	want := []string{"a S", "a.t T", "a.t.x int8", "b []S", "b.t T", "b.t.x int8"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	var structs []string
	for path, s := range m.Structs() {
		structs = append(structs, path+" "+s.Name)
	}
	if want := []string{"a S", "a.t T"}; !slices.Equal(structs, want) {
		t.Errorf("Structs: got %q, want %q", structs, want)
	}
}
