package def

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// msg is data of some versions with some fields, one a line.
func msg(valid, flexible string, fields ...string) string {
	return fmt.Sprintf(`{"type": "data", "name": "AData", "validVersions": %q, "flexibleVersions": %q, "fields": [%s]}`, valid, flexible, strings.Join(fields, ",\n"))
}

// commons adds common structs to a message.
func commons(message string, structs ...string) string {
	return strings.TrimSuffix(message, "}") + `, "commonStructs": [` + strings.Join(structs, ",\n") + `]}`
}

func field(name, kind, versions string, more ...string) string {
	return fmt.Sprintf(`{"name": %q, "type": %q, "versions": %q%s}`, name, kind, versions, strings.Join(append([]string{""}, more...), ", "))
}

func fields(f ...string) string { return `"fields": [` + strings.Join(f, ", ") + "]" }

func below(n int16) func(int16) bool { return func(v int16) bool { return v < n } }
func versionsOf(n ...int16) func(int16) bool {
	return func(v int16) bool {
		for _, x := range n {
			if x == v {
				return true
			}
		}
		return false
	}
}

func renamed(from, to string) func(string) string {
	return func(name string) string {
		if name == from {
			return to
		}
		return name
	}
}

// TestMerge joins a newer definition (base) with an older one (other), which Kafka's
// releases show in every way of these.
func TestMerge(t *testing.T) {
	const tagged2 = `"taggedVersions": "2+", "tag": 0`
	for _, row := range []struct {
		why         string
		base, other string
		fromOther   func(int16) bool
		alias       func(string) string
		want        string // the fields of the result in their normal form, and its versions
	}{
		{"ranges were trimmed", // as 4.0 did with what it dropped
			msg("3-5", "4+", field("A", "int32", "3+"), field("B", "string", "3+", `"nullableVersions": "4+"`)),
			msg("0-4", "4+", field("A", "int32", "0+"), field("B", "string", "2+", `"nullableVersions": "3+"`)),
			below(3), nil,
			`0-5 flexible 4+
			A int32 0+
			B string 2+ nullable 4+`},
		{"a newer version is the newer one's alone",
			msg("0-5", "4+", field("A", "int32", "0+"), field("B", "string", "5+")),
			msg("0-4", "4+", field("A", "int32", "0+")),
			func(int16) bool { return false }, nil,
			`0-5 flexible 4+
			A int32 0+
			B string 5+`},
		{"fields were deleted at both ends and in the middle",
			msg("2-3", "none", field("B", "int32", "2+"), field("D", "int32", "2+")),
			msg("0-2", "none", field("A1", "int8", "0"), field("A2", "int16", "0-1"), field("B", "int32", "0+"), field("C1", "int8", "0-1"), field("C2", "int16", "1"),
				field("D", "int32", "1+"), field("E", "bool", "0-1")),
			below(2), nil,
			`0-3 flexible none
			A1 int8 0
			A2 int16 0-1
			B int32 0+
			C1 int8 0-1
			C2 int16 1
			D int32 1+
			E bool 0-1`},
		{"a deleted field stands behind its predecessor, before what is new there",
			msg("1-2", "none", field("A", "int32", "1+"), field("New", "int64", "2+"), field("Z", "int32", "1+")),
			msg("0-1", "none", field("A", "int32", "0+"), field("Old", "int64", "0"), field("Z", "int32", "0+")),
			below(1), nil,
			`0-2 flexible none
			A int32 0+
			Old int64 0
			New int64 2+
			Z int32 0+`},
		{"fields of a struct were deleted",
			msg("2-3", "none", field("T", "[]T", "2+", fields(field("Id", "uuid", "2+")))),
			msg("0-2", "none", field("T", "[]T", "0+", fields(field("Name", "string", "0-1"), field("Id", "uuid", "2+"), field("Sub", "S", "0", fields(field("X", "int8", "0")))))),
			below(2), nil,
			`0-3 flexible none
			T []T 0+
			 Name string 0-1
			 Id uuid 2+
			 Sub S 0
			  X int8 0`},
		{"a whole struct was deleted",
			msg("1", "none", field("A", "int8", "1")),
			msg("0", "none", field("T", "[]T", "0", fields(field("X", "int8", "0"))), field("A", "int8", "0")),
			below(1), nil,
			`0-1 flexible none
			T []T 0
			 X int8 0
			A int8 0+`},
		{"a field was renamed",
			msg("1-2", "none", field("ReplicaEpoch", "int32", "1+"), field("B", "int8", "1+")),
			msg("0-1", "none", field("CandidateEpoch", "int32", "0+"), field("B", "int8", "0+")),
			below(1), renamed("CandidateEpoch", "ReplicaEpoch"),
			`0-2 flexible none
			ReplicaEpoch int32 0+
			B int8 0+`},
		{"a field was renamed, and versions of both lie among each other",
			msg("0-3", "none", field("GenerationIdOrMemberEpoch", "int32", "0+")),
			msg("1-2", "none", field("GenerationId", "int32", "0+")),
			versionsOf(1, 2), renamed("GenerationId", "GenerationIdOrMemberEpoch"),
			`0-3 flexible none
			GenerationIdOrMemberEpoch int32 0+`},
		{"a renamed field of a struct",
			msg("1", "none", field("T", "T", "1", fields(field("New", "int32", "1")))),
			msg("0", "none", field("T", "T", "0", fields(field("Old", "int32", "0")))),
			below(1), renamed("Old", "New"),
			`0-1 flexible none
			T T 0+
			 New int32 0+`},
		{"two fields of other names are two fields",
			msg("1-2", "none", field("New", "int32", "1+")),
			msg("0-1", "none", field("Old", "int32", "0+")),
			below(1), nil,
			`0-2 flexible none
			Old int32 0
			New int32 1+`},
		{"a field became tagged",
			msg("1-3", "2+", field("A", "int32", "1+", tagged2)),
			msg("0-1", "2+", field("A", "int32", "0+")),
			below(1), nil,
			`0-3 flexible 2+
			A int32 0+ tagged 2+ as 0`},
		{"a field was tagged, in versions of the older one only",
			msg("0-1", "2+", field("A", "int32", "0+")),
			msg("2-3", "2+", field("A", "int32", "2+", tagged2)),
			versionsOf(2, 3), nil,
			`0-3 flexible 2+
			A int32 0+ tagged 2+ as 0`},
		{"a tagged field was added to a released version", // KIP-584
			msg("2-3", "2+", field("A", "int8", "2+", tagged2), field("B", "int8", "2+", `"taggedVersions": "2+", "tag": 1`)),
			msg("2-2", "2+", field("A", "int8", "2+", tagged2)),
			func(int16) bool { return false }, nil,
			`2-3 flexible 2+
			A int8 2+ tagged 2+ as 0
			B int8 2+ tagged 2+ as 1`},
		{"null is in ranges of both",
			msg("2-4", "none", field("A", "string", "2+", `"nullableVersions": "2-3"`), field("B", "[]int8", "2+", `"nullableVersions": "3+"`)),
			msg("0-2", "none", field("A", "string", "0+", `"nullableVersions": "1+"`), field("B", "[]int8", "0+")),
			below(2), nil,
			`0-4 flexible none
			A string 0+ nullable 1-3
			B []int8 0+ nullable 3+`},
		{"ignorable, defaults, keys and the rest are the newer one's",
			msg("1-2", "none", field("A", "string", "1+", `"ignorable": true`, `"default": "x"`, `"entityType": "topicName"`)),
			msg("0-1", "none", field("A", "string", "0+", `"default": "y"`)),
			below(1), nil,
			`0-2 flexible none
			A string 0+ default x ignorable topicName`},
		{"of a field that the newer one has only from the older one, too, all is the older one's", // as when 2.6, 4.0 and 3.5 come in that order
			msg("0-2", "none", field("A", "string", "0+", `"default": "x"`), field("Old", "int32", "0", `"default": "1"`, `"ignorable": true`)),
			msg("0-1", "none", field("A", "string", "0+", `"default": "y"`), field("Old", "int32", "0", `"default": "7"`)),
			below(2), nil,
			`0-2 flexible none
			A string 0+ default x
			Old int32 0 default 7`},
		{"a field that only the older one has takes the name of today",
			msg("1", "none", field("A", "int8", "1")),
			msg("0-1", "none", field("A", "int8", "0+"), field("Old", "int32", "0")),
			below(1), renamed("Old", "New"),
			`0-1 flexible none
			A int8 0+
			New int32 0`},
		{"an inline struct became common",
			commons(msg("1-2", "none", field("A", "S", "1+"), field("B", "[]S", "2+")), `{"name": "S", "versions": "1+", "fields": [`+field("X", "int8", "1+")+`]}`),
			msg("0-1", "none", field("A", "S", "0+", fields(field("X", "int8", "0+"), field("Y", "int8", "0")))),
			below(1), nil,
			`0-2 flexible none
			A S 0+
			B []S 2+
			S 0+
			 X int8 0+
			 Y int8 0`},
		{"a common struct became inline",
			msg("1-2", "none", field("A", "S", "1+", fields(field("X", "int8", "1+")))),
			commons(msg("0-1", "none", field("A", "S", "0+")), `{"name": "S", "versions": "0+", "fields": [`+field("X", "int8", "0+")+`]}`),
			below(1), nil,
			`0-2 flexible none
			A S 0+
			 X int8 0+`},
		{"common in both, and one place was deleted",
			commons(msg("1-2", "none", field("A", "S", "1+")), `{"name": "S", "versions": "1+", "fields": [`+field("X", "int8", "1+")+`]}`),
			commons(msg("0-1", "none", field("B", "[]S", "0"), field("A", "S", "0+")), `{"name": "S", "versions": "0+", "fields": [`+field("X", "int8", "0+")+", "+field("Y", "bool", "0")+`]}`),
			below(1), nil,
			`0-2 flexible none
			B []S 0
			A S 0+
			S 0+
			 X int8 0+
			 Y bool 0`},
		{"a common struct and its places were deleted",
			msg("1-2", "none", field("A", "int8", "1+")),
			commons(msg("0-1", "none", field("A", "int8", "0+"), field("B", "S", "0"), field("C", "[]S", "0-1")), `{"name": "S", "versions": "0+", "fields": [`+field("X", "int8", "0+")+`]}`),
			below(1), nil,
			`0-2 flexible none
			A int8 0+
			B S 0
			C []S 0
			S 0
			 X int8 0`},
		{"a type changed with the version", // one of them has the field in none of the other's
			msg("1-2", "none", field("A", "int64", "1+")),
			msg("0-1", "none", field("B", "int8", "0+"), field("A", "int32", "1")),
			below(1), nil,
			`0-2 flexible none
			B int8 0
			A int64 1+`},
		{"records became bytes", // the same on the wire
			msg("1", "none", field("A", "bytes", "1")),
			msg("0", "none", field("A", "records", "0")),
			below(1), nil,
			`0-1 flexible none
			A bytes 0+`},
		{"a struct got another name",
			msg("1", "none", field("A", "[]Better", "1", fields(field("X", "int8", "1")))),
			msg("0", "none", field("A", "[]Good", "0", fields(field("X", "int8", "0")))),
			below(1), nil,
			`0-1 flexible none
			A []Better 0+
			 X int8 0+`},
		{"flexible from a version on that neither has",
			msg("1-2", "5+", field("A", "int8", "1+")),
			msg("0-1", "none", field("A", "int8", "0+")),
			below(1), nil,
			`0-2 flexible 5+
			A int8 0+`},
		{"a string that stays classic", // RequestHeader
			msg("1-2", "2+", field("A", "string", "1+", `"flexibleVersions": "none"`)),
			msg("0-1", "none", field("A", "string", "0+")),
			below(1), nil,
			`0-2 flexible 2+
			A string 0+ flexible none`},
		{"the newer one only reserves the name",
			`{"type": "data", "name": "AData", "validVersions": "none"}`,
			msg("0-1", "1+", field("A", "int8", "0+")),
			func(int16) bool { return true }, nil,
			`0-1 flexible 1+
			A int8 0+`},
		{"the older one only reserves the name",
			msg("0-1", "1+", field("A", "int8", "0+")),
			`{"type": "data", "name": "AData", "validVersions": "none"}`,
			func(int16) bool { return true }, nil,
			`0-1 flexible 1+
			A int8 0+`},
	} {
		t.Run(row.why, func(t *testing.T) {
			base, other := parse(t, row.base), parse(t, row.other)
			m, err := Merge(base, other, row.fromOther, row.alias)
			if err != nil {
				t.Fatal(err)
			}
			text := Format(m)
			m = parse(t, string(text)) // all rules hold
			if again := Format(m); !bytes.Equal(again, text) {
				t.Errorf("normal form of the normal form (-got +want):\n%s", cmp.Diff(string(again), string(text)))
			}
			var want []string
			for line := range strings.Lines(row.want) {
				want = append(want, strings.TrimSuffix(strings.TrimPrefix(line, "\t\t\t"), "\n"))
			}
			if d := cmp.Diff(describe(m), want); d != "" {
				t.Errorf("(-got +want):\n%s", d)
			}
			// Each version is, to the byte, as the side says that owns it.
			n := 0
			for v := int16(0); v < 10; v++ {
				owner := base
				if row.fromOther(v) && other.Valid.Has(v) {
					owner = other
				}
				if !owner.Valid.Has(v) {
					if m.Valid.Has(v) {
						t.Errorf("version %d: is there, but nobody has it", v)
					}
					continue
				}
				n++
				if d := Difference(LayoutOf(m, v), LayoutOf(owner, v)); d != "" || !m.Valid.Has(v) {
					t.Errorf("version %d: valid %v, difference %q, want none", v, m.Valid.Has(v), d)
				}
			}
			if got := int(m.Valid.Max) - int(m.Valid.Min) + 1; got != n {
				t.Errorf("got %d versions, want %d", got, n)
			}
		})
	}
}

// describe lists a message in a short notation.
func describe(m *Message) []string {
	lines := []string{fmt.Sprintf("%v flexible %v", m.Valid, m.Flexible)}
	var list func(indent string, fields []*Field)
	list = func(indent string, fields []*Field) {
		for _, f := range fields {
			s := fmt.Sprintf("%s%s %v %v", indent, f.Name, f.Type, f.Versions)
			if f.Tag >= 0 {
				s += fmt.Sprintf(" tagged %v as %d", f.Tagged, f.Tag)
			}
			if !f.Nullable.Empty() {
				s += fmt.Sprintf(" nullable %v", f.Nullable)
			}
			if f.HasFlexible {
				s += fmt.Sprintf(" flexible %v", f.Flexible)
			}
			if f.Default != "" {
				s += " default " + f.Default
			}
			if f.Ignorable {
				s += " ignorable"
			}
			if f.EntityType != "" {
				s += " " + f.EntityType
			}
			lines = append(lines, s)
			if f.Type.Struct != nil && !f.Type.Struct.Common {
				list(indent+" ", f.Type.Struct.Fields)
			}
		}
	}
	list("", m.Fields)
	for _, s := range m.Commons {
		lines = append(lines, fmt.Sprintf("%s %v", s.Name, s.Versions))
		list(" ", s.Fields)
	}
	return lines
}

// TestMergeFails has what no one definition can say. Both sides stay as they are.
func TestMergeFails(t *testing.T) {
	for _, row := range []struct {
		why         string
		base, other string
		fromOther   func(int16) bool
		want        string
	}{
		{"a gap between versions",
			msg("4-5", "none", field("A", "int8", "0+")), msg("0-2", "none", field("A", "int8", "0+")), below(4),
			"AData: versions 4-5 and 0-2 leave a gap"},
		{"a rename without an alias, where versions of both lie among each other",
			msg("0-3", "none", field("GenerationIdOrMemberEpoch", "int32", "0+")), msg("1-2", "none", field("GenerationId", "int32", "0+")), versionsOf(1, 2),
			"AData: the versions of GenerationIdOrMemberEpoch 0+ and none leave a gap: if a field was renamed, give it an alias"},
		{"a gap in the versions of a field",
			msg("0-3", "none", field("A", "int8", "0+"), field("B", "int8", "0+")), msg("1-2", "none", field("A", "int8", "0+")), versionsOf(1),
			"AData: the versions of B 0+ and none leave a gap"},
		{"a gap in nullable versions",
			msg("0-2", "none", field("A", "string", "0+", `"nullableVersions": "0+"`)), msg("0-2", "none", field("A", "string", "0+")), versionsOf(1),
			"AData: the nullableVersions of A 0+ and none leave a gap"},
		{"a gap in flexible versions",
			msg("0-2", "0+", field("A", "string", "0+")), msg("0-2", "none", field("A", "string", "0+")), versionsOf(1),
			"AData: flexibleVersions 0+ and none leave a gap"},
		{"a gap in tagged versions",
			msg("0-2", "0+", field("A", "string", "0+", `"taggedVersions": "0+"`, `"tag": 0`)), msg("0-2", "0+", field("A", "string", "0+")), versionsOf(1),
			"AData: the taggedVersions of A 0+ and none leave a gap"},
		{"a gap in the flexible versions of a field",
			msg("0-2", "0+", field("A", "string", "0+", `"flexibleVersions": "0+"`)), msg("0-2", "0+", field("A", "string", "0+", `"flexibleVersions": "none"`)), versionsOf(1),
			"AData: the flexibleVersions of A 0+ and none leave a gap"},
		{"another type",
			msg("1-2", "none", field("A", "int64", "1+")), msg("0-1", "none", field("A", "int32", "0+")), below(1),
			"AData: the field A is int64 in one release and int32 in another"},
		{"an array of what was one",
			msg("1-2", "none", field("A", "[]int32", "1+")), msg("0-1", "none", field("A", "int32", "0+")), below(1),
			"AData: the field A is []int32 in one release and int32 in another"},
		{"another order",
			msg("1-2", "none", field("A", "int8", "1+"), field("B", "int16", "1+")), msg("0-1", "none", field("B", "int16", "0+"), field("A", "int8", "0+")), below(1),
			"AData: merging changes version 0: A int8 instead of B int16"},
		{"another tag",
			msg("1-2", "0+", field("A", "int8", "1+", `"taggedVersions": "1+"`, `"tag": 0`)),
			msg("0-1", "0+", field("B", "int16", "0+", `"taggedVersions": "0+"`, `"tag": 0`), field("A", "int8", "0+", `"taggedVersions": "0+"`, `"tag": 1`)), below(1),
			"AData: merging changes version 0: "},
		{"another default of a tagged field", // which is not written when it has it
			msg("1-2", "0+", field("A", "int8", "1+", `"taggedVersions": "1+"`, `"tag": 0`, `"default": "7"`)),
			msg("0-1", "0+", field("A", "int8", "0+", `"taggedVersions": "0+"`, `"tag": 0`)), below(1),
			"AData: merging changes version 0: A int8 tag 0 default 7 instead of A int8 tag 0"},
		{"a common struct of two forms",
			commons(msg("1-2", "none", field("A", "S", "1+"), field("B", "S", "1+")), `{"name": "S", "versions": "1+", "fields": [`+field("X", "int8", "1+")+`]}`),
			msg("0-1", "none", field("A", "S", "0+", fields(field("X", "int8", "0+"))), field("B", "T", "0+", fields(field("Y", "int16", "0+")))), below(1),
			"AData: merging changes version 0: "},
	} {
		base, other := parse(t, row.base), parse(t, row.other)
		was := [2]string{string(Format(base)), string(Format(other))}
		m, err := Merge(base, other, row.fromOther, nil)
		if err == nil || !strings.Contains(err.Error(), row.want) {
			t.Errorf("%s: got %v, %v, want the error %q", row.why, m, err, row.want)
		}
		if is := [2]string{string(Format(base)), string(Format(other))}; is != was {
			t.Errorf("%s: Merge changed what it was given (-got +want):\n%s", row.why, cmp.Diff(is, was))
		}
	}
}

// TestMergeOfItself: what both say alike is as it was, whichever side is asked, for all
// definitions of spec/.
func TestMergeOfItself(t *testing.T) {
	for name, fromOther := range map[string]func(int16) bool{
		"never":    func(int16) bool { return false },
		"always":   func(int16) bool { return true },
		"in turns": func(v int16) bool { return v%2 == 0 },
	} {
		definitions(t, func(file string, data []byte, normal bool) {
			m, err := Merge(parse(t, string(data)), parse(t, string(data)), fromOther, nil)
			if err != nil {
				t.Errorf("%s, from the other %s: %v", file, name, err)
				return
			}
			if got, want := Format(m), Format(parse(t, string(data))); !bytes.Equal(got, want) {
				t.Errorf("%s, from the other %s (-got +want):\n%s", file, name, cmp.Diff(string(got), string(want)))
			}
		})
	}
}
