package batch_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/franzi-kafka/franzi/kmsg/batch"
	"github.com/franzi-kafka/franzi/kmsg/compress"
)

// Batches written by the plain writer are read by both readers.
func TestReadRandomBatches(t *testing.T) {
	eachFormat(t, func(t *testing.T, magic batch.Magic, codec compress.Codec) {
		for seed := range uint64(100) {
			c := newChance(seed)
			want := c.batch(magic, codec)
			raw := writePlain(t, &want)
			got, err := readOurs(raw)
			if err != nil {
				t.Fatalf("seed %d: %v", seed, err)
			}
			compare(t, "batches", got, []plainBatch{want})
			if got, err = readPlain(raw); err != nil {
				t.Fatalf("seed %d: the plain reader: %v", seed, err)
			}
			compare(t, "the plain reader's batches", got, []plainBatch{want})
		}
	})
}

// Batches and payloads end where they end: whoever appends to one does not write over what follows.
func TestBatchesAreCapped(t *testing.T) {
	eachFormat(t, func(t *testing.T, magic batch.Magic, codec compress.Codec) {
		raw, _ := valid(t, magic, codec)
		r := batch.NewReader(raw)
		for r.Next() {
			payload, _, err := r.Batch.Payload(codecs, make([]byte, 0, 1<<16), 1<<16)
			if err != nil {
				t.Fatal(err)
			}
			for name, view := range map[string][]byte{"Raw": r.Batch.Raw, "the payload": payload} {
				if cap(view) != len(view) {
					t.Errorf("%s has %d bytes and room for %d", name, len(view), cap(view))
				}
			}
		}
	})
}

// A log that was upgraded has all formats, one after the other.
func TestReadMixedFormats(t *testing.T) {
	c := newChance(1)
	var raw []byte
	var want []plainBatch
	for range 200 {
		f := formats[c.IntN(len(formats))]
		b := c.batch(f.magic, f.codec)
		raw = append(raw, writePlain(t, &b)...)
		want = append(want, b)
	}
	got, err := readOurs(raw)
	if err != nil {
		t.Fatal(err)
	}
	compare(t, "batches", got, want)
}

// Wherever bytes end, all batches before are read, and what remains is said to be cut off.
func TestEachTruncation(t *testing.T) {
	eachFormat(t, func(t *testing.T, magic batch.Magic, codec compress.Codec) {
		c := newChance(7)
		var raw []byte
		ends := []int{0}
		for range 3 {
			b := c.batch(magic, codec)
			for i := range b.Records {
				b.Records[i].Key, b.Records[i].Value = c.bytes(70), c.bytes(70)
			}
			raw = append(raw, writePlain(t, &b)...)
			ends = append(ends, len(raw))
		}
		whole := 0 // batches
		for n := range raw {
			for n >= ends[whole+1] {
				whole++
			}
			r := batch.NewReader(bytes.Clone(raw[:n])) // whose capacity ends there
			found := 0
			for r.Next() {
				found++
			}
			if r.Err() != nil || found != whole || r.Pos() != ends[whole] {
				t.Fatalf("of %d bytes, got %d batches up to %d and %v, want %d up to %d", n, found, r.Pos(), r.Err(), whole, ends[whole])
			}
			wantHave, wantNeed := n-ends[whole], 0
			if wantHave >= 12 {
				wantNeed = ends[whole+1] - ends[whole]
			}
			if have, need := r.Cut(); have != wantHave || need != wantNeed {
				t.Fatalf("of %d bytes, got %d of %d cut off, want %d of %d", n, have, need, wantHave, wantNeed)
			}
			if r.Next() {
				t.Fatalf("of %d bytes, Next found a batch after it had found none", n)
			}
		}
	})
}

// valid is a batch with nothing wrong, at the offsets 100 to 104, behind another one of 80 bytes.
func valid(t testing.TB, magic batch.Magic, codec compress.Codec) (raw []byte, start int) {
	t.Helper()
	first := plainBatch{Header: batch.Header{Magic: batch.V0}, Records: []plainRecord{{Value: make([]byte, 80-26)}}}
	b := plainBatch{Header: batch.Header{BaseOffset: 100, LeaderEpoch: 3, Magic: magic, Attributes: batch.Attributes(codec),
		LastOffsetDelta: 4, BaseTimestamp: 1000, MaxTimestamp: 1004, ProducerID: 7, ProducerEpoch: 1, BaseSequence: 20}}
	for i := range int64(5) {
		r := plainRecord{Offset: 100 + i, Timestamp: 1000 + i, Key: []byte("key"), Value: []byte("value")}
		if magic == batch.V2 {
			r.Headers = []plainHeader{{"a", []byte("b")}, {"c", nil}}
		}
		b.Records = append(b.Records, r)
	}
	if magic != batch.V2 && codec == compress.None {
		b.Records = b.Records[:1]
	}
	raw = writePlain(t, &first)
	return append(raw, writePlain(t, &b)...), len(raw)
}

func TestHeadersThatLie(t *testing.T) {
	put32 := func(at int, v int32) func([]byte) {
		return func(b []byte) { binary.BigEndian.PutUint32(b[at:], uint32(v)) }
	}
	put8 := func(at int, v byte) func([]byte) { return func(b []byte) { b[at] = v } }
	tests := []struct {
		name  string
		magic batch.Magic
		lie   func([]byte)
		pos   int // from the start of the batch
		err   error
		says  string
	}{
		{"no length", 2, put32(8, 0), 0, batch.ErrMalformed, "a length of 0"},
		{"negative length", 2, put32(8, -1), 0, batch.ErrMalformed, "a length of -1"},
		{"smallest length", 1, put32(8, math.MinInt32), 0, batch.ErrMalformed, "a length of -2147483648"},
		{"too short for the header", 2, put32(8, 48), 0, batch.ErrMalformed, "format 2 takes 49"},
		{"too short for a timestamp", 1, put32(8, 21), 0, batch.ErrMalformed, "format 1 takes 22"},
		{"too short for a message", 0, put32(8, 13), 0, batch.ErrMalformed, "a length of 13"},
		{"a format to come", 2, put8(16, 3), 0, batch.ErrMalformed, "format 3 is unknown"},
		{"a negative format", 2, put8(16, 0xff), 0, batch.ErrMalformed, "format -1 is unknown"},
		{"checksum", 2, put8(20, 1), 17, batch.ErrChecksum, "the checksum is"},
		{"checksum of a message", 0, put8(15, 1), 12, batch.ErrChecksum, "the checksum is"},
		{"negative count", 2, signed(put32(57, -1)), 57, batch.ErrMalformed, "a batch of -1 records"},
		{"more records than offsets", 2, signed(put32(57, 6)), 57, batch.ErrMalformed, "a batch of 6 records whose last offset is 4 after"},
		{"huge count", 2, signed(put32(57, math.MaxInt32)), 57, batch.ErrMalformed, "2147483647 records"},
		{"negative last offset", 2, signed(put32(23, -1)), 23, batch.ErrMalformed, "last offset is -1 after"},
		{"the last offset of all", 2, put32(0, math.MaxInt32), -1, nil, ""}, // high, but possible
		{"offsets end", 2, func(b []byte) { binary.BigEndian.PutUint64(b, math.MaxInt64-4) }, 0, batch.ErrMalformed, "offsets end"},
		{"offsets of messages end", 1, func(b []byte) { binary.BigEndian.PutUint64(b, math.MaxInt64) }, 0, batch.ErrMalformed, "offsets end"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			raw, start := valid(t, test.magic, compress.None)
			test.lie(raw[start:])
			r := batch.NewReader(raw)
			if !r.Next() {
				t.Fatalf("the batch before is not found: %v", r.Err())
			}
			var err error
			if r.Next() {
				err = r.Batch.Verify()
			} else {
				err = r.Err()
				if have, need := r.Cut(); have != 0 || need != 0 {
					t.Errorf("got %d bytes of %d cut off, want none: they are wrong, not cut", have, need)
				}
			}
			checkError(t, err, test.err, false, start+test.pos, test.says)
		})
	}
}

// A length that no format has is wrong, also where too little follows to tell the format.
func TestCutBatchThatLies(t *testing.T) {
	raw, _ := valid(t, batch.V0, compress.None)
	for n := 12; n <= 16; n++ {
		for _, length := range []int32{math.MinInt32, -1, 0, 13} {
			b := bytes.Clone(raw[:n])
			binary.BigEndian.PutUint32(b[8:], uint32(length))
			r := batch.NewReader(b)
			if r.Next() {
				t.Fatalf("got a batch in %d bytes", n)
			}
			checkError(t, r.Err(), batch.ErrMalformed, false, 0, "but every format takes 14 or more")
			if have, need := r.Cut(); have != 0 || need != 0 {
				t.Errorf("got %d bytes of %d cut off, want none", have, need)
			}
		}
	}
}

// checkError wants err to be an *Error of a kind at a position.
func checkError(t *testing.T, err, kind error, inside bool, pos int, says string) {
	t.Helper()
	if kind == nil {
		if err != nil {
			t.Fatalf("got %v, want no error", err)
		}
		return
	}
	var e *batch.Error
	if !errors.As(err, &e) {
		t.Fatalf("got the error %v, want an *Error that says %q", err, says)
	}
	if !errors.Is(err, kind) || e.Inside != inside || e.Pos != pos || !strings.Contains(e.Error(), says) {
		t.Errorf("got %q at %d (inside: %t), want %q at %d (%t) and %v", e, e.Pos, e.Inside, says, pos, inside, kind)
	}
}

func isError(err error) bool {
	var e *batch.Error
	return errors.As(err, &e)
}

// signed makes the checksum right after a lie.
func signed(lie func([]byte)) func([]byte) {
	return func(b []byte) {
		lie(b)
		sign(b)
	}
}

func TestReaderSkipTo(t *testing.T) {
	c := newChance(3)
	var raw []byte
	var want []plainBatch
	for offset := int64(5); offset < 4000; {
		f := formats[c.IntN(len(formats))]
		b := c.batch(f.magic, f.codec)
		// Batches that follow each other, with gaps.
		move := offset - b.Header.BaseOffset
		b.Header.BaseOffset += move
		for i := range b.Records {
			b.Records[i].Offset += move
		}
		raw = append(raw, writePlain(t, &b)...)
		want = append(want, b)
		offset = b.Header.LastOffset() + 1 + c.Int64N(5)
	}
	for from := int64(-2); from < 4100; from += 1 + c.Int64N(30) {
		var left []plainRecord
		for _, r := range recordsOf(want) {
			if r.Offset >= from {
				left = append(left, r)
			}
		}
		r := batch.NewReader(raw)
		r.SkipTo(from)
		var got []plainRecord
		for r.Next() {
			if r.Batch.LastOffset() < from {
				t.Fatalf("from %d on, got a batch that ends at %d", from, r.Batch.LastOffset())
			}
			payload, _, err := r.Batch.Payload(codecs, nil, plainLimit)
			if err != nil {
				t.Fatal(err)
			}
			w := r.Batch.Walk(payload)
			w.SkipTo(from)
			for w.Next() {
				got = append(got, plainOf(&w.Record))
			}
			if w.Err() != nil {
				t.Fatal(w.Err())
			}
		}
		if r.Err() != nil {
			t.Fatal(r.Err())
		}
		compare(t, "records", got, left)
	}
}

// A batch whose offsets lie is not skipped in silence.
func TestSkipToStopsAtLies(t *testing.T) {
	raw, start := valid(t, batch.V2, compress.None)
	binary.BigEndian.PutUint32(raw[start+23:], 0xfffffff0)
	r := batch.NewReader(raw)
	r.SkipTo(101)
	if !r.Next() || r.Batch.Magic != batch.V2 {
		t.Fatal("the batch whose last offset is before its first was skipped")
	}
}

func TestReaderReset(t *testing.T) {
	raw, start := valid(t, batch.V2, compress.None)
	raw[16] = 9
	r := batch.NewReader(raw)
	r.SkipTo(1000)
	if r.Next() || r.Err() == nil {
		t.Fatal("format 9 is no error")
	}
	r.Reset(raw[start:])
	if !r.Next() || r.Err() != nil || r.Batch.BaseOffset != 100 || r.Next() {
		t.Fatalf("after Reset, got %v and %v, want the batch at offset 100 and no more", r.Batch, r.Err())
	}
}

func TestBatchClone(t *testing.T) {
	raw, start := valid(t, batch.V2, compress.None)
	r := batch.NewReader(raw[start:])
	r.Next()
	c := r.Batch.Clone()
	want := bytes.Clone(raw[start:])
	clear(raw)
	if !bytes.Equal(c.Raw, want) {
		t.Error("the copy changed with the bytes that were read")
	}
	if err := c.Verify(); err != nil {
		t.Error(err)
	}
}

func TestHeaderString(t *testing.T) {
	h := batch.Header{BaseOffset: 5, LastOffsetDelta: 2, Magic: batch.V2, Attributes: 0x3b, Count: 3, ProducerID: 7, ProducerEpoch: 1, BaseSequence: 9}
	want := "format 2, offsets 5 to 7, 3 records, lz4, producer 7 epoch 1 sequence 9, log append time, transactional, control"
	if got := h.String(); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if h.Attributes.DeleteHorizon() {
		t.Error("got a delete horizon, want none")
	}
}
