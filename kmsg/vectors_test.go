package kmsg_test

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/franzi-kafka/franzi/kbin"
	"github.com/franzi-kafka/franzi/kmsg/kjson"
	"github.com/franzi-kafka/franzi/spec"

	"github.com/franzi-kafka/franzi/kmsg/internal/interpreter"
)

// Every version of every message reads and writes as Kafka's own classes do.
func TestVectors(t *testing.T) {
	var codec kjson.Codec
	covered := map[string]bool{}
	requests := 0
	for _, v := range vectors(t) {
		if id := v.String(); !covered[id] {
			covered[id] = true
			if kind := definitions[v.message].Type; kind == "request" || kind == "response" {
				requests++
			}
		}

		fromJSON := v.new()
		if err := codec.Unmarshal([]byte(v.json), fromJSON); err != nil {
			t.Fatalf("%s: %v in %s", v, err, v.json)
		}
		if err := fromJSON.Check(); err != nil {
			t.Fatalf("%s: %v", v, err)
		}
		if got := fromJSON.AppendTo(nil); !bytes.Equal(got, v.data) {
			t.Fatalf("%s from %s:\ngot  %x\nwant %x", v, v.json, got, v.data)
		}

		decoded := v.new()
		if err := decoded.DecodeFrom(kbin.NewReader(v.data)); err != nil {
			t.Fatalf("%s: %v in %x", v, err, v.data)
		}
		if got := decoded.AppendTo(nil); !bytes.Equal(got, v.data) {
			t.Fatalf("%s decoded and encoded:\ngot  %x\nwant %x", v, got, v.data)
		}
		text, err := codec.Append(nil, decoded)
		if err != nil {
			t.Fatalf("%s: %v", v, err)
		}
		if d := cmp.Diff(parseJSON(t, text), withoutDefaults(t, v), floats); d != "" {
			t.Fatalf("%s: JSON (-got +want):\n%s", v, d)
		}
	}
	if requests != 736 {
		t.Errorf("vectors cover %d versions of requests and responses, want 736", requests)
	}
	// What spec/ has, and nothing else.
	all, err := interpreter.Load(spec.FS)
	if err != nil {
		t.Fatal(err)
	}
	want := 0
	for _, m := range all {
		if low, high := m.Versions(); high >= low {
			want += high - low + 1
		}
	}
	if len(covered) != want {
		t.Errorf("vectors cover %d versions, want %d", len(covered), want)
	}
	t.Logf("%d versions equal to Kafka's classes, %d of them of requests and responses", len(covered), requests)
}

// withoutDefaults is the value of a vector as it comes back: tagged structs that are as
// their default is are not written, though the vector's JSON has them.
func withoutDefaults(t *testing.T, v vector) any {
	t.Helper()
	value, err := definitions.Decode(v.message, v.version, definitions.Encode(v.message, v.version, v.value(t)))
	if err != nil {
		t.Fatalf("%s: the interpreter cannot read what it wrote: %v", v, err)
	}
	return value
}

// The interpreter, which is to judge the generated code on values that Kafka has not seen,
// agrees with Kafka.
func TestInterpreterAgreesWithKafka(t *testing.T) {
	for _, v := range vectors(t) {
		if got := definitions.Encode(v.message, v.version, v.value(t)); !bytes.Equal(got, v.data) {
			t.Fatalf("%s from %s:\ngot  %x\nwant %x", v, v.json, got, v.data)
		}
		if _, err := definitions.Decode(v.message, v.version, v.data); err != nil {
			t.Fatalf("%s: %v", v, err)
		}
	}
}

// Nothing of a message that was decoded before shows up in the next one, whatever the
// versions of the two.
func TestDecodeAgainLeaksNothing(t *testing.T) {
	byMessage := map[string][]vector{}
	for _, v := range vectors(t) {
		byMessage[v.message] = append(byMessage[v.message], v)
	}
	r := rand.New(rand.NewPCG(1, 2))
	for _, vs := range byMessage {
		m := vs[0].new()
		order := slices.Concat(r.Perm(len(vs)), r.Perm(len(vs)), r.Perm(len(vs))) // each after three others
		for _, i := range order {
			v := vs[i]
			m.SetAPIVersion(int16(v.version))
			if err := m.DecodeFrom(kbin.NewReader(v.data)); err != nil {
				t.Fatalf("%s: %v", v, err)
			}
			// Check finds what the version cannot carry; the bytes show the rest.
			if err := m.Check(); err != nil {
				t.Fatalf("%s: left over: %v", v, err)
			}
			if got := m.AppendTo(nil); !bytes.Equal(got, v.data) {
				t.Fatalf("%s decoded into a used value:\ngot  %x\nwant %x", v, got, v.data)
			}
			fresh := v.new()
			if err := fresh.DecodeFrom(kbin.NewReader(v.data)); err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(m, fresh, cmpopts.EquateEmpty()); d != "" { // of fields that cannot be null
				t.Fatalf("%s: a used value (-) and a fresh one (+):\n%s", v, d)
			}
		}
	}
}

// A message that is cut off is an error at each place, never a panic or a message.
func TestEveryPrefixFails(t *testing.T) {
	for _, v := range vectors(t) {
		m := v.new()
		for n := range v.data {
			if err := m.DecodeFrom(kbin.NewReader(v.data[:n])); err == nil && definitions[v.message].Type != "header" {
				t.Fatalf("%s: the first %d of %d bytes decode: %x", v, n, len(v.data), v.data)
			}
		}
	}
}

// A strict reader refuses bytes after the end, a lenient one does not mind.
func TestTrailingBytes(t *testing.T) {
	for _, v := range vectors(t) {
		if definitions[v.message].Type == "header" {
			continue // a body follows
		}
		long := append(bytes.Clone(v.data), 0)
		if err := v.new().DecodeFrom(kbin.NewReader(long)); err == nil {
			t.Fatalf("%s: a byte after the end is accepted", v)
		}
		r := kbin.NewReader(long)
		r.Lenient = true
		if err := v.new().DecodeFrom(r); err != nil {
			t.Fatalf("%s: a lenient reader: %v", v, err)
		}
	}
}
