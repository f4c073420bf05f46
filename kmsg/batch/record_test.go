package batch_test

import (
	"bytes"
	"testing"

	"github.com/franzi-kafka/franzi/kmsg/batch"
)

// walkAll returns a walker's records without copying them.
func walkAll(t *testing.T, raw []byte) (all []batch.Record) {
	t.Helper()
	r := batch.NewReader(raw)
	for r.Next() {
		w := r.Batch.Walk(raw[r.Pos()-len(r.Batch.Raw)+batch.HeaderSize : r.Pos()])
		for w.Next() {
			all = append(all, w.Record)
		}
		if w.Err() != nil {
			t.Fatal(w.Err())
		}
	}
	if r.Err() != nil {
		t.Fatal(r.Err())
	}
	return all
}

// What Clone returns is the record, also when what was read changes, and it is made at once.
func TestRecordClone(t *testing.T) {
	for seed := range uint64(50) {
		c := newChance(seed)
		b := c.batch(batch.V2, 0)
		raw := writePlain(t, &b)
		var clones []batch.Record
		for _, r := range walkAll(t, raw) {
			var clone batch.Record
			if allocs := testing.AllocsPerRun(5, func() { clone = r.Clone() }); allocs > 1 {
				t.Errorf("got %v allocations for a clone, want one at most", allocs)
			}
			clones = append(clones, clone)
		}
		for i := range raw {
			raw[i] = 0xee
		}
		for i, r := range clones {
			compare(t, "clone", plainOf(&r), b.Records[i])
			// Whoever appends to a part of it changes no other.
			_ = append(append(r.Key, "xx"...), r.Value...)
			compare(t, "clone after an append to its key", plainOf(&r), b.Records[i])
		}
	}
}

// Views end where they end: an append to one does not change what follows.
func TestViewsAreCapped(t *testing.T) {
	for seed := range uint64(50) {
		c := newChance(seed)
		b := c.batch(batch.V2, 0)
		raw := writePlain(t, &b)
		want := bytes.Clone(raw)
		for _, r := range walkAll(t, raw) {
			_ = append(append([]byte(nil), r.Key...), 1)
			_ = append(r.Key, 1)
			_ = append(r.Value, 1)
			for k, v := range r.Headers.All() {
				_, _ = append(k, 1), append(v, 1)
			}
		}
		r := batch.NewReader(raw)
		for r.Next() {
			_ = append(r.Batch.Raw, 1)
			payload, _, err := r.Batch.Payload(nil, nil, 0)
			if err != nil {
				t.Fatal(err)
			}
			_ = append(payload, 1)
		}
		if !bytes.Equal(raw, want) {
			t.Fatal("an append to a view changed what was read")
		}
	}
}

func TestHeaders(t *testing.T) {
	b := batch.NewBuilder(nil, batch.V2)
	want := []batch.RecordHeader{{Key: "a", Value: []byte("1")}, {Key: "", Value: []byte{}}, {Key: "a", Value: nil}, {Key: "b", Value: []byte("2")}}
	b.Append(1, nil, nil, want)
	b.Append(1, nil, nil, nil)
	s := b.Seal()
	s.Checksum()
	all := walkAll(t, s.Bytes)
	h := all[0].Headers
	if h.Len() != 4 || all[1].Headers.Len() != 0 {
		t.Errorf("got %d and %d headers, want 4 and none", h.Len(), all[1].Headers.Len())
	}
	compare(t, "headers", h.AppendTo(nil), want)
	for _, test := range []struct {
		key   string
		value []byte
		found bool
	}{{"a", nil, true}, {"b", []byte("2"), true}, {"", []byte{}, true}, {"c", nil, false}} {
		value, found := h.Get(test.key)
		if found != test.found {
			t.Errorf("header %q: found %t, want %t", test.key, found, test.found)
		}
		compare(t, test.key, value, test.value)
	}
	for range h.All() {
		break // and nothing happens
	}
}
