package def

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestNormalFormOfSpec: each file of spec/ is its own normal form, to the byte, and each
// definition, also those written by hand, has the same layouts in its normal form.
func TestNormalFormOfSpec(t *testing.T) {
	definitions(t, func(name string, text []byte, normal bool) {
		m, err := Parse(name, text, Options{})
		if err != nil {
			t.Error(err)
			return
		}
		if got := Format(m); normal && !bytes.Equal(got, text) {
			t.Errorf("%s (-got +want):\n%s", name, cmp.Diff(string(got), string(text)))
		}
		n, err := Normal(m)
		if err != nil {
			t.Error(err)
			return
		}
		if got, want := Format(n), Format(m); !bytes.Equal(got, want) {
			t.Errorf("%s: the normal form of the normal form (-got +want):\n%s", name, cmp.Diff(string(got), string(want)))
		}
		if n.File != name {
			t.Errorf("got the file %s, want %s", n.File, name)
		}
		m.Valid.Each(func(v int16) {
			if d := cmp.Diff(LayoutOf(n, v), LayoutOf(m, v)); d != "" {
				t.Errorf("%s version %d (-got +want):\n%s", name, v, d)
			}
		})
	})
}

// TestNormalForm: no prose, no version that does not exist, one field a line.
func TestNormalForm(t *testing.T) {
	got := string(Format(parse(t, `
// Licensed to somebody.
{
  "apiKey": 1,
  "type": "request",
  "listeners": ["zkBroker", "broker"],
  "name": "LongRequest",
  // Version 4 adds the thing.
  "validVersions": "2-4",
  "deprecatedVersions": "0-2",
  "flexibleVersions": "3+",
  "latestVersionUnstable": true,
  "fields": [
    { "name": "Before", "type": "int32", "versions": "0-1", "about": "Is gone." },
    { "name": "Whole", "type": "int32", "versions": "0-9", "about": "Was always there." },
    { "name": "Early", "type": "string", "versions": "1-3", "nullableVersions": "0-2", "ignorable": true, "mapKey": false, "about": "" },
    { "name": "Late", "type": "[]Item", "versions": "4", "nullableVersions": "4-7", "fields": [
      { "name": "Key", "type": "string", "versions": "0+", "entityType": "topicName", "mapKey": true, "about": "x" },
      { "name": "Data", "type": "bytes", "versions": "4+", "zeroCopy": true, "nullableVersions": "0-3" }]},
    { "name": "Future", "type": "string", "versions": "5+", "taggedVersions": "5+", "tag": 2 },
    { "name": "Tagged", "type": "Used", "versions": "3+", "taggedVersions": "3+", "tag": 0 },
    { "name": "TaggedLate", "type": "int8", "versions": "2+", "taggedVersions": "4+", "tag": 1, "default": "0x1F" }
  ],
  "commonStructs": [
    { "name": "Unused", "versions": "0+", "fields": [ { "name": "A", "type": "int8", "versions": "0+" } ]},
    { "name": "Used", "versions": "1+", "fields": [ { "name": "B", "type": "int8", "versions": "1-3" }, { "name": "C", "type": "int8", "versions": "0-1" } ]}
  ]
}`)))
	want := `{
  "name": "LongRequest",
  "apiKey": 1,
  "type": "request",
  "listeners": ["zkBroker", "broker"],
  "latestVersionUnstable": true,
  "validVersions": "2-4",
  "deprecatedVersions": "2",
  "flexibleVersions": "3+",
  "fields": [
    {"name": "Whole", "type": "int32", "versions": "2+"},
    {"name": "Early", "type": "string", "versions": "2-3", "nullableVersions": "2", "ignorable": true},
    {"name": "Late", "type": "[]Item", "versions": "4+", "nullableVersions": "4+", "fields": [
      {"name": "Key", "type": "string", "versions": "2+", "mapKey": true, "entityType": "topicName"},
      {"name": "Data", "type": "bytes", "versions": "4+", "zeroCopy": true}
    ]},
    {"name": "Tagged", "type": "Used", "versions": "3+", "taggedVersions": "3+", "tag": 0},
    {"name": "TaggedLate", "type": "int8", "versions": "2+", "taggedVersions": "4+", "tag": 1, "default": "31"}
  ],
  "commonStructs": [
    {"name": "Used", "versions": "2+", "fields": [
      {"name": "B", "type": "int8", "versions": "2-3"}
    ]}
  ]
}
`
	if d := cmp.Diff(got, want); d != "" {
		t.Errorf("(-got +want):\n%s", d)
	}
}

// TestNormalFlexible: flexible versions are those that exist, so that it does not matter
// from which versions on a file says so, or those that will be.
func TestNormalFlexible(t *testing.T) {
	for _, row := range []struct{ valid, flexible, want string }{
		{"2-3", "0+", "2+"},
		{"2-3", "2+", "2+"},
		{"2-3", "3+", "3+"},
		{"0-3", "none", "none"},
		{"0-3", "4+", "4+"},
	} {
		m, err := Normal(parse(t, msg(row.valid, row.flexible)))
		if err != nil {
			t.Fatal(err)
		}
		if got := m.Flexible.String(); got != row.want {
			t.Errorf("valid in %s, flexible in %s: got %s, want %s", row.valid, row.flexible, got, row.want)
		}
	}
}

// TestNormalKeepsAbout: sentences are no facts, but a reader of the normal form has them.
func TestNormalKeepsAbout(t *testing.T) {
	m := parse(t, msg("1-2", "none", field("A", "[]S", "0+", `"about": "All of A."`, fields(field("B", "int8", "0", `"about": "Gone."`), field("C", "int8", "1+", `"about": "In A."`)))))
	if text := Format(m); bytes.Contains(text, []byte("A.")) {
		t.Errorf("got prose in\n%s", text)
	}
	n, err := Normal(m)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for path, f := range n.Walk() {
		got[path] = f.About
	}
	if d := cmp.Diff(got, map[string]string{"A": "All of A.", "A.C": "In A."}); d != "" {
		t.Errorf("(-got +want):\n%s", d)
	}
}

// TestNormalReportsItsSource: a message that nobody has parsed may break rules; the error
// says whose normal form it is.
func TestNormalReportsItsSource(t *testing.T) {
	_, err := Normal(&Message{Name: "AData", Kind: "wrong", Valid: Versions{0, 0}, Deprecated: None, Flexible: None, APIKey: NoKey, File: "its/A.json"})
	if err == nil || !strings.HasPrefix(err.Error(), "the normal form of its/A.json breaks the rules: its/A.json:3:3: ") {
		t.Errorf("got %v, want an error that names the file", err)
	}
}
