package gen

import (
	"bytes"
	"go/format"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/franzi-kafka/franzi/gen/def"
	"github.com/franzi-kafka/franzi/gen/model"
	"github.com/franzi-kafka/franzi/spec"
)

// kafka is the model of spec/.
func kafka(t testing.TB) *model.Model {
	t.Helper()
	m, err := model.Load(spec.FS)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// own is the model of definitions of somebody's own, by file.
func own(t *testing.T, files map[string]string) *model.Model {
	t.Helper()
	dir := fstest.MapFS{}
	for name, text := range files {
		dir[name] = &fstest.MapFile{Data: []byte(text)}
	}
	m, err := model.LoadWith(spec.FS, dir)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// write generates a package.
func write(t *testing.T, m *model.Model, opts Options) map[string][]byte {
	t.Helper()
	files, err := Write(m, opts)
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// text makes files comparable.
func text(files map[string][]byte) map[string]string {
	all := map[string]string{}
	for name, data := range files {
		all[name] = string(data)
	}
	return all
}

// The corners of the language are generated as package synthetic has them, where they are
// proven to be right.
func TestSynthetic(t *testing.T) {
	m, err := model.LoadWith(spec.FS, os.DirFS(filepath.Join("..", "testdata", "synthetic")))
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join("..", "kmsg", "internal", "synthetic")
	got := write(t, m, Options{Package: "synthetic", ImportPath: kmsgPath + "/internal/synthetic"})
	want := map[string][]byte{}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if want[e.Name()], err = os.ReadFile(filepath.Join(dir, e.Name())); err != nil {
			t.Fatal(err)
		}
	}
	if d := cmp.Diff(text(got), text(want)); d != "" {
		t.Errorf("run go generate; (-got +want):\n%s", d)
	}
}

// Generating again gives the same bytes, in the form of gofmt, whatever the order in which
// maps are walked.
func TestWriteAgain(t *testing.T) {
	m := kafka(t)
	opts := Options{Package: "wire", Only: []string{"Fetch", "AlterConfigs", "StreamsGroupHeartbeat", "OffsetCommitValue"}}
	first := text(write(t, m, opts))
	for name, code := range first {
		formatted, err := format.Source([]byte(code))
		if err != nil {
			t.Fatal(err)
		}
		if string(formatted) != code {
			t.Errorf("%s: gofmt would change it", name)
		}
		if !strings.HasPrefix(code, header) {
			t.Errorf("%s does not begin with %q", name, header)
		}
	}
	for range 3 {
		if d := cmp.Diff(text(write(t, m, opts)), first); d != "" {
			t.Fatalf("(-got +want):\n%s", d)
		}
	}
	if d := cmp.Diff(text(write(t, kafka(t), opts)), first); d != "" {
		t.Errorf("of a model that was loaded again (-got +want):\n%s", d)
	}
}

// Names stand for APIs and for messages.
func TestOnly(t *testing.T) {
	m := kafka(t)
	for _, tt := range []struct {
		only  []string
		files []string
		types []string
		not   []string
	}{
		{[]string{"Fetch"}, []string{"fetch.go"}, []string{"FetchRequest", "FetchResponse"}, nil},
		{[]string{"FetchRequest"}, []string{"fetch.go"}, []string{"FetchRequest", "FetchResponse"}, nil}, // whose NewResponse makes it
		{[]string{"FetchResponse"}, []string{"fetch.go"}, []string{"FetchResponse"}, []string{"FetchRequest"}},
		{[]string{"Fetch", "FetchResponse", "Fetch"}, []string{"fetch.go"}, []string{"FetchRequest", "FetchResponse"}, nil},
		{[]string{"ApiVersions", "OffsetCommitKey"}, []string{"api_versions.go", "offset_commit.go"}, []string{"APIVersionsRequest", "OffsetCommitKey"}, []string{"OffsetCommitRequest", "OffsetCommitValue"}},
		{[]string{"OffsetCommit", "OffsetCommitKey", "OffsetCommitValue"}, []string{"offset_commit.go"}, []string{"OffsetCommitRequest", "OffsetCommitResponse", "OffsetCommitKey", "OffsetCommitValue"}, nil},
		{[]string{"LeaderChangeMessage", "PartitionRecord"}, []string{"leader_change_message.go", "partition_record.go"}, []string{"LeaderChangeMessage", "PartitionRecord"}, nil},
	} {
		files := write(t, m, Options{Package: "wire", Only: tt.only})
		if got := slices.Sorted(maps.Keys(files)); !slices.Equal(got, tt.files) {
			t.Errorf("%q: got the files %q, want %q", tt.only, got, tt.files)
		}
		code := string(bytes.Join(slices.Collect(maps.Values(files)), nil))
		for _, name := range tt.types {
			if !strings.Contains(code, "\ntype "+name+" struct") {
				t.Errorf("%q: there is no type %s", tt.only, name)
			}
		}
		for _, name := range tt.not {
			if strings.Contains(code, "\ntype "+name+" struct") {
				t.Errorf("%q: there is a type %s", tt.only, name)
			}
		}
	}
}

// What cannot be written is an error that says what can.
func TestWriteFails(t *testing.T) {
	var tags []string
	for i := range 65 {
		tags = append(tags, strings.ReplaceAll(`{"name": "T#", "type": "int8", "versions": "0+", "taggedVersions": "0+", "tag": #}`, "#", string(rune('0'+i/10))+string(rune('0'+i%10))))
	}
	manyTags := strings.ReplaceAll(strings.Join(tags, ", "), `"tag": 0`, `"tag": `)
	manyTags = strings.Replace(manyTags, `"tag": }`, `"tag": 0}`, 1)
	for _, tt := range []struct {
		name string
		m    *model.Model
		opts Options
		want string
	}{
		{"a mistyped name", kafka(t), Options{Package: "wire", Only: []string{"Fetch", "Fetsch"}}, `there is no message "Fetsch": did you mean Fetch?`},
		{"a mistyped message", kafka(t), Options{Package: "wire", Only: []string{"OfsetCommitVlaue"}}, `there is no message "OfsetCommitVlaue": did you mean OffsetCommitValue?`},
		{"a name like none", kafka(t), Options{Package: "wire", Only: []string{"Zzzzz"}}, `there is no message "Zzzzz": names are Kafka's, like Fetch, FetchResponse or OffsetCommitValue`},
		{"a name in Go's form", kafka(t), Options{Package: "wire", Only: []string{"APIVersions"}}, `there is no message "APIVersions": did you mean ApiVersions?`},
		{"no package", kafka(t), Options{}, `"" cannot be the name of a package`},
		{"a keyword for a package", kafka(t), Options{Package: "type"}, `"type" cannot be the name of a package`},
		{"a blank package", kafka(t), Options{Package: "_"}, `"_" cannot be the name of a package`},
		{"more tags than can be told apart", own(t, map[string]string{"A.json": `{"type": "data", "name": "AData", "validVersions": "0", "flexibleVersions": "0+", "fields": [` + manyTags + `]}`}),
			Options{Package: "wire"}, "AData has 65 tagged fields, generated code can tell 64 apart"},
	} {
		if files, err := Write(tt.m, tt.opts); err == nil || err.Error() != tt.want {
			t.Errorf("%s: got %d files, %v\nwant the error %s", tt.name, len(files), err, tt.want)
		}
	}
}

// Which header goes before a message that package kmsg does not know.
func TestHeaderVersions(t *testing.T) {
	type ranges = []def.HeaderVersion
	from := func(v int16, header int16) def.HeaderVersion {
		return def.HeaderVersion{Versions: def.Versions{Min: v, Max: v}, Header: header}
	}
	for _, tt := range []struct {
		name string
		d    def.Message
		want ranges
	}{
		{"a classic request", def.Message{Kind: def.Request, Valid: def.Versions{Min: 0, Max: 3}, Flexible: def.None}, ranges{from(0, 1)}},
		{"a request that became flexible", def.Message{Kind: def.Request, Valid: def.Versions{Min: 1, Max: 3}, Flexible: def.Versions{Min: 2, Max: def.Open}}, ranges{from(1, 1), from(2, 2)}},
		{"a response that became flexible", def.Message{Kind: def.Response, Valid: def.Versions{Min: 0, Max: 3}, Flexible: def.Versions{Min: 3, Max: def.Open}}, ranges{from(0, 0), from(3, 1)}},
		{"ControlledShutdown", def.Message{Kind: def.Request, APIKey: 7, Valid: def.Versions{Min: 0, Max: 3}, Flexible: def.Versions{Min: 3, Max: def.Open}}, ranges{from(0, 0), from(1, 1), from(3, 2)}},
		{"the answer to ApiVersions", def.Message{Kind: def.Response, APIKey: 18, Valid: def.Versions{Min: 0, Max: 5}, Flexible: def.Versions{Min: 3, Max: def.Open}}, ranges{from(0, 0)}},
		{"headers of its own", def.Message{Kind: def.Request, Valid: def.Versions{Min: 0, Max: 1}, Flexible: def.None, HeaderVersions: ranges{from(0, 5)}}, ranges{from(0, 5)}},
	} {
		if d := cmp.Diff(headerVersions(&tt.d), tt.want); d != "" {
			t.Errorf("%s (-got +want):\n%s", tt.name, d)
		}
	}
}

// Elements of arrays are named after them, and never after something that means something.
func TestElementNames(t *testing.T) {
	sc := newScope(nil)
	for _, tt := range []struct{ array, want string }{
		{"Topics", "topic"}, {"APIKeys", "apiKey"}, {"Entries", "entry"}, {"Replicas", "replica"}, {"Addresses", "address"}, {"StateBatches", "stateBatch"},
		{"ISR", "isr"}, {"ELRs", "elr"}, {"MatchingACLs", "matchingACL"}, {"Status", "status"}, {"Access", "access"},
		{"Types", "innerType"}, {"Ranges", "innerRange"}, {"Ints", "innerInt"}, {"Trues", "innerTrue"}, {"Lens", "innerLen"}, {"Errs", "innerErr"},
		{"Is", "innerI"}, {"B12s", "innerB12"}, {"Bees", "bee"}, {"Topics", "innerTopic"}, {"Topics", "innerInnerTopic"}, // all of them in one function
	} {
		if got := sc.elementName(&model.Field{GoName: tt.array}); got != tt.want {
			t.Errorf("%s: got %s, want %s", tt.array, got, tt.want)
		}
	}
}

// Files are named after APIs and records.
func TestFileNames(t *testing.T) {
	for _, tt := range []struct {
		name string
		kind def.Kind
		want string
	}{
		{"ApiVersionsRequest", def.Request, "api_versions.go"},
		{"SaslHandshakeResponse", def.Response, "sasl_handshake.go"},
		{"OffsetCommitKey", def.CoordinatorKey, "offset_commit.go"},
		{"OffsetCommitValue", def.CoordinatorValue, "offset_commit.go"},
		{"KRaftVersionRecord", def.Data, "kraft_version_record.go"},
		{"LeaderChangeMessage", def.Data, "leader_change_message.go"},
	} {
		if got := fileName(&model.Message{Def: &def.Message{Name: tt.name, Kind: tt.kind}}); got != tt.want {
			t.Errorf("%s: got %s, want %s", tt.name, got, tt.want)
		}
	}
}

func TestFold(t *testing.T) {
	for _, tt := range []struct {
		text string
		want []string
	}{
		{"", []string{""}},
		{"one", []string{"one"}},
		{"one two\tthree\nfour", []string{"one two", "three four"}},
		{"a-word-longer-than-the-line and on", []string{"a-word-longer-than-the-line", "and on"}},
	} {
		if d := cmp.Diff(fold(tt.text, 10), tt.want); d != "" {
			t.Errorf("%q (-got +want):\n%s", tt.text, d)
		}
	}
}

// BenchmarkWrite writes all messages, which is most of go generate.
func BenchmarkWrite(b *testing.B) {
	m := kafka(b)
	b.ReportAllocs()
	for b.Loop() {
		files, err := Write(m, Options{Package: "wire"})
		if err != nil || len(files) < 100 {
			b.Fatalf("%d files, %v", len(files), err)
		}
	}
}
