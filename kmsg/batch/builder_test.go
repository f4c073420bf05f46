package batch_test

import (
	"bytes"
	"math"
	"testing"

	"github.com/franzi-kafka/franzi/kmsg/batch"
	"github.com/franzi-kafka/franzi/kmsg/compress"
)

// built is a batch as producers make it: no gaps, offsets from base on.
func (c chance) built(magic batch.Magic, base int64) plainBatch {
	b := c.batch(magic, compress.Gzip) // which may have several records in all formats
	h := &b.Header
	h.Attributes &= 0x38
	h.BaseOffset, h.LeaderEpoch, h.ProducerID, h.ProducerEpoch, h.BaseSequence = base, -1, -1, -1, -1
	h.BaseTimestamp, h.LastOffsetDelta = batch.NoTimestamp, 0
	for i := range b.Records {
		b.Records[i].Offset = base + int64(i)
		if magic == batch.V2 {
			h.LastOffsetDelta = int32(i)
			h.BaseTimestamp = b.Records[0].Timestamp
		}
	}
	return b
}

// written are the bytes of a batch by the plain writer, uncompressed.
func written(t testing.TB, b *plainBatch) (raw []byte) {
	t.Helper()
	if b.Header.Magic == batch.V2 {
		return writePlain(t, b)
	}
	for _, r := range b.Records {
		one := plainBatch{b.Header, []plainRecord{r}}
		raw = append(raw, writePlain(t, &one)...)
	}
	return raw
}

// prepare sets a builder's fields for a batch.
func prepare(bld *batch.Builder, h *batch.Header) {
	bld.BaseOffset = h.BaseOffset
	bld.LogAppendTime = h.Attributes.LogAppendTime()
	bld.Transactional = h.Attributes.Transactional()
	bld.Control = h.Attributes.Control()
}

// What the builder writes is, byte for byte, what the plain writer writes; on the way its sizes
// are right.
func TestBuildRandomBatches(t *testing.T) {
	for magic := batch.V0; magic <= batch.V2; magic++ {
		for seed := range uint64(300) {
			c := newChance(seed)
			want := c.built(magic, c.Int64N(2)*c.Int64N(1<<40))
			raw := written(t, &want)
			bld := batch.NewBuilder(make([]byte, c.IntN(400)), magic)
			prepare(bld, &want.Header)
			for i, r := range want.Records {
				size := bld.SizeWith(r.Timestamp, r.Key, r.Value, headersOf(&r))
				if !bld.Append(r.Timestamp, r.Key, r.Value, headersOf(&r)) {
					t.Fatalf("seed %d: Append says that record %d does not fit, without a limit", seed, i)
				}
				if bld.Size() != size || bld.Len() != i+1 {
					t.Fatalf("seed %d: got a size of %d and %d records, want %d and %d", seed, bld.Size(), bld.Len(), size, i+1)
				}
			}
			if bld.MaxTimestamp() != want.Header.MaxTimestamp && magic > batch.V0 && !want.Header.Attributes.LogAppendTime() {
				t.Fatalf("seed %d: got the latest timestamp %d, want %d", seed, bld.MaxTimestamp(), want.Header.MaxTimestamp)
			}
			if size := bld.Size(); size != len(raw) {
				t.Fatalf("seed %d: got a size of %d, want %d", seed, size, len(raw))
			}
			s := bld.Seal()
			s.Checksum()
			if !bytes.Equal(s.Bytes, raw) || s.Magic != magic || int(s.Count) != len(want.Records) {
				t.Fatalf("seed %d, %d records: got\n%x\nwant\n%x", seed, s.Count, s.Bytes, raw)
			}
		}
	}
}

// TryAppend says what the batch would be, and a byte less is too little for it, be it the
// buffer's or the limit's.
func TestTryAppendAtTheEdge(t *testing.T) {
	for magic := batch.V0; magic <= batch.V2; magic++ {
		for seed := range uint64(100) {
			c := newChance(seed)
			want := c.built(magic, 0)
			all := batch.NewBuilder(nil, magic)
			prepare(all, &want.Header)
			for _, r := range want.Records {
				before, beforeBytes := all.Size(), all.Len()
				first, latest := all.FirstTimestamp(), all.MaxTimestamp()
				size, ok := all.TryAppend(r.Timestamp, r.Key, r.Value, headersOf(&r))
				if ok {
					t.Fatalf("seed %d: a record fits into %d bytes, which have none left", seed, before)
				}
				if all.Size() != before || all.Len() != beforeBytes || all.FirstTimestamp() != first || all.MaxTimestamp() != latest {
					t.Fatalf("seed %d: TryAppend failed and changed something", seed)
				}
				old := all.Grow(make([]byte, 0, size-1))
				if got, ok := all.TryAppend(r.Timestamp, r.Key, r.Value, headersOf(&r)); ok || got != size {
					t.Fatalf("seed %d: into a byte too few, got %d and %t, want %d and false", seed, got, ok, size)
				}
				all.Grow(make([]byte, 0, size))
				all.SetLimit(size - 1)
				if got, ok := all.TryAppend(r.Timestamp, r.Key, r.Value, headersOf(&r)); ok || got != size {
					t.Fatalf("seed %d: with a limit of a byte less, got %d and %t, want %d and false", seed, got, ok, size)
				}
				if all.Append(r.Timestamp, r.Key, r.Value, headersOf(&r)) {
					t.Fatalf("seed %d: Append goes above the limit", seed)
				}
				all.SetLimit(size)
				got, ok := all.TryAppend(r.Timestamp, r.Key, r.Value, headersOf(&r))
				if !ok || got != size || all.Size() != size {
					t.Fatalf("seed %d: got %d and %t, want the size %d and true", seed, got, ok, size)
				}
				all.SetLimit(math.MaxInt)
				for i := range old[:cap(old)] {
					old[:cap(old)][i] = 0xee // it is ours again
				}
			}
			s := all.Seal()
			s.Checksum()
			if raw := written(t, &want); !bytes.Equal(s.Bytes, raw) {
				t.Fatalf("seed %d: got\n%x\nwant\n%x", seed, s.Bytes, raw)
			}
		}
	}
}

// Append doubles its buffer, within the limit.
func TestAppendGrows(t *testing.T) {
	b := batch.NewBuilder(nil, batch.V2)
	b.SetLimit(10_000)
	for b.Append(0, nil, make([]byte, 92), nil) {
	}
	if more := b.SizeWith(0, nil, make([]byte, 92), nil); b.Size() > 10_000 || more <= 10_000 {
		t.Errorf("got %d bytes and with one more record %d, want as many as fit in 10,000", b.Size(), more)
	}
	if s := b.Seal(); cap(s.Bytes) > 10_000 {
		t.Errorf("got a buffer of %d bytes, want at most the limit of 10,000", cap(s.Bytes))
	}
}

func TestAppendAtOffsets(t *testing.T) {
	for magic := batch.V0; magic <= batch.V2; magic++ {
		b := batch.NewBuilder(nil, magic)
		b.BaseOffset = 1000
		for _, step := range []struct {
			offset int64
			want   bool
		}{
			{999, false}, // before the base
			{1003, true},
			{1003, false}, // again
			{1002, false},
			{1004, true},
			{1000 + math.MaxInt32 + 1, false}, // a delta has 31 bits
			{math.MaxInt64, false},
			{1000 + math.MaxInt32, true},
			{1000 + math.MaxInt32 + 1, false},
		} {
			n := b.Len()
			if got := b.AppendAt(step.offset, 5, nil, []byte("v"), nil); got != step.want {
				t.Fatalf("format %d: at offset %d, got %t, want %t", magic, step.offset, got, step.want)
			} else if !got && b.Len() != n {
				t.Fatalf("format %d: AppendAt failed and added a record", magic)
			}
		}
		if b.Append(5, nil, nil, nil) {
			t.Errorf("format %d: Append found an offset after the last one", magic)
		}
		if _, ok := b.TryAppend(5, nil, nil, nil); ok {
			t.Errorf("format %d: TryAppend found an offset after the last one", magic)
		}
		s := b.Seal()
		s.Checksum()
		got, err := readOurs(s.Bytes)
		if err != nil {
			t.Fatal(err)
		}
		var offsets []int64
		for _, r := range recordsOf(got) {
			offsets = append(offsets, r.Offset)
		}
		compare(t, "offsets", offsets, []int64{1003, 1004, 1000 + math.MaxInt32})
	}
}

// A batch without records is one.
func TestSealNothing(t *testing.T) {
	for _, buf := range [][]byte{nil, make([]byte, 10), make([]byte, 100)} {
		b := batch.NewBuilder(buf, batch.V2)
		if b.Size() != batch.HeaderSize || b.FirstTimestamp() != batch.NoTimestamp || b.MaxTimestamp() != batch.NoTimestamp {
			t.Errorf("got a size of %d and timestamps %d and %d, want %d and none", b.Size(), b.FirstTimestamp(), b.MaxTimestamp(), batch.HeaderSize)
		}
		s := b.Seal()
		if _, err := s.Compress(codecs, compress.Settings{Codec: compress.LZ4}, nil); err != nil {
			t.Fatal(err)
		}
		got, err := readOurs(s.Bytes)
		if err != nil || len(got) != 1 || len(got[0].Records) != 0 || got[0].Header.BaseTimestamp != batch.NoTimestamp {
			t.Errorf("got %v and %v, want a batch of no records", got, err)
		}
	}
	if s := batch.NewBuilder(nil, batch.V1).Seal(); len(s.Bytes) != 0 {
		t.Errorf("got %d bytes, want none: messages have no batch round them", len(s.Bytes))
	}
}

// After Seal the builder has nothing to do with the batch.
func TestSealLetsGo(t *testing.T) {
	b := batch.NewBuilder(make([]byte, 0, 1000), batch.V2)
	b.Transactional = true
	b.Append(1, nil, []byte("one"), nil)
	s := b.Seal()
	s.Checksum()
	want := bytes.Clone(s.Bytes)
	if b.Len() != 0 || b.Transactional {
		t.Errorf("after Seal, got %d records and transactional %t, want none", b.Len(), b.Transactional)
	}
	b.Append(1, nil, []byte("two"), nil)
	if !bytes.Equal(s.Bytes, want) {
		t.Error("the sealed batch changed with the builder")
	}
}

func TestAppendAllocatesNothing(t *testing.T) {
	headers := []batch.RecordHeader{{Key: "trace", Value: []byte("0123456789")}, {Key: "none"}}
	key, value := []byte("key"), make([]byte, 100)
	for magic := batch.V0; magic <= batch.V2; magic++ {
		buf := make([]byte, 0, 1<<16)
		var b batch.Builder
		b.Reset(buf, magic)
		allocs := testing.AllocsPerRun(1000, func() {
			if _, ok := b.TryAppend(1_700_000_000_000, key, value, headers); !ok {
				b.Reset(buf, magic)
			}
		})
		if allocs != 0 {
			t.Errorf("format %d: got %v allocations for a record, want none", magic, allocs)
		}
	}
}
