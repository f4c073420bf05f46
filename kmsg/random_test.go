package kmsg_test

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/franzi-kafka/franzi/kbin"
	"github.com/franzi-kafka/franzi/kmsg"
	"github.com/franzi-kafka/franzi/kmsg/kjson"
)

// floats compares json.Numbers that are written differently, "1.5e3" and "1500.0".
var floats = cmp.Comparer(func(a, b json.Number) bool {
	if a == b {
		return true
	}
	if !strings.ContainsAny(string(a)+string(b), ".e") {
		return false
	}
	x, errX := strconv.ParseFloat(string(a), 64)
	y, errY := strconv.ParseFloat(string(b), 64)
	return errX == nil && errY == nil && x == y
})

// The generated code and the interpreter agree on random values of every version, in JSON
// and in bytes, unknown tags included.
func TestRandomValues(t *testing.T) {
	var codec kjson.Codec
	eachVersion(t, func(t *testing.T, name string, version int) {
		r := rand.New(rand.NewPCG(uint64(len(name)), uint64(version)))
		reused := newMessage(name, version)
		for range 12 {
			value := definitions.Random(r, name, version)
			want := definitions.Encode(name, version, value)
			text, err := json.Marshal(value)
			if err != nil {
				t.Fatal(err)
			}

			m := newMessage(name, version)
			if err := codec.Unmarshal(text, m); err != nil {
				t.Fatalf("%s version %d: %v in %s", name, version, err, text)
			}
			if err := m.Check(); err != nil {
				t.Fatalf("%s version %d: %v in %s", name, version, err, text)
			}
			got := m.AppendTo([]byte("before"))
			if rest, ok := bytes.CutPrefix(got, []byte("before")); !ok || !bytes.Equal(rest, want) {
				t.Fatalf("%s version %d from %s:\ngot  %x\nwant %x", name, version, text, got, want)
			}

			if err := reused.DecodeFrom(kbin.NewReader(want)); err != nil {
				t.Fatalf("%s version %d: %v in %x", name, version, err, want)
			}
			back, err := codec.Append(nil, reused)
			if err != nil {
				t.Fatal(err)
			}
			read, err := definitions.Decode(name, version, want)
			if err != nil {
				t.Fatalf("%s version %d: the interpreter: %v", name, version, err)
			}
			if d := cmp.Diff(parseJSON(t, back), read, floats); d != "" {
				t.Fatalf("%s version %d: JSON (-got +want):\n%s", name, version, d)
			}
			if d := cmp.Diff(clone(reused), reused); d != "" {
				t.Fatalf("%s version %d: a clone (-) differs:\n%s", name, version, d)
			}
		}
	})
}

// clone calls Clone, which has a different type in each message.
func clone(m kmsg.Message) kmsg.Message { return callMethod(m, "Clone").(kmsg.Message) }

// A clone shares no memory: garbling the bytes that a message was decoded from, and
// decoding others into it, leaves the clone alone.
func TestCloneSharesNothing(t *testing.T) {
	for _, v := range vectors(t) {
		data := bytes.Clone(v.data)
		m := v.new()
		if err := m.DecodeFrom(kbin.NewReader(data)); err != nil {
			t.Fatal(err)
		}
		c := clone(m)
		for i := range data {
			data[i] ^= 0xff
		}
		garbled := kbin.NewReader(data)
		garbled.Lenient = true
		_ = m.DecodeFrom(garbled) // overwrites what it can
		if got := c.AppendTo(nil); !bytes.Equal(got, v.data) {
			t.Fatalf("%s: the clone changed:\ngot  %x\nwant %x", v, got, v.data)
		}
	}
}

// An arena changes where memory comes from and nothing else.
func TestArena(t *testing.T) {
	var arena kbin.Arena
	for _, v := range vectors(t) {
		r := kbin.NewReader(v.data)
		r.Arena = &arena
		m := v.new()
		if err := m.DecodeFrom(r); err != nil {
			t.Fatalf("%s: %v", v, err)
		}
		if got := m.AppendTo(nil); !bytes.Equal(got, v.data) {
			t.Fatalf("%s:\ngot  %x\nwant %x", v, got, v.data)
		}
	}
}

// Defaults are Kafka's, and good at every version.
func TestNewPassesCheck(t *testing.T) {
	eachVersion(t, func(t *testing.T, name string, version int) {
		m := newMessage(name, version)
		if err := m.Check(); err != nil {
			t.Errorf("%s version %d: %v", name, version, err)
		}
		want := definitions.Encode(name, version, map[string]any{})
		if got := m.AppendTo(nil); !bytes.Equal(got, want) {
			t.Errorf("%s version %d: defaults:\ngot  %x\nwant %x", name, version, got, want)
		}
	})
}
