package batch_test

import (
	"errors"
	"testing"

	"github.com/franzi-kafka/franzi/kmsg/batch"
	"github.com/franzi-kafka/franzi/kmsg/compress"
)

// Both halves together are the batch, with its flags, in its order (KAFKA-5340 lost the flags).
func TestSplitRandomBatches(t *testing.T) {
	for seed := range uint64(200) {
		c := newChance(seed)
		magic, codec := batch.V2, compress.Codec(c.IntN(5))
		if c.oneIn(4) {
			magic, codec = batch.Magic(c.IntN(2)), compress.Gzip
		}
		b := c.batch(magic, codec)
		raw := writePlain(t, &b)
		r := batch.NewReader(raw)
		r.Next()
		payload, _, err := r.Batch.Payload(codecs, nil, plainLimit)
		if err != nil {
			t.Fatal(err)
		}
		left, right := batch.NewBuilder(nil, magic), batch.NewBuilder(nil, magic)
		err = batch.Split(&r.Batch, payload, left, right)
		if len(b.Records) < 2 {
			if !errors.Is(err, batch.ErrOneRecord) || left.Len()+right.Len() != 0 {
				t.Fatalf("seed %d: got %v and %d records, want %v and none", seed, err, left.Len()+right.Len(), batch.ErrOneRecord)
			}
			continue
		}
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		n := len(b.Records)
		if left.Len() != n/2 || right.Len() != n-n/2 {
			t.Fatalf("seed %d: got %d and %d records of %d", seed, left.Len(), right.Len(), n)
		}
		rest := b.Records
		for _, half := range []*batch.Builder{left, right} {
			n := half.Len()
			want := rest[:n]
			rest = rest[n:]
			for i := range want {
				want[i].Offset = int64(i)
			}
			s := half.Seal()
			if _, err := s.Compress(codecs, compress.Settings{Codec: codec}, nil); err != nil {
				t.Fatal(err)
			}
			got, err := readPlain(s.Bytes)
			if err != nil {
				t.Fatal(err)
			}
			compare(t, "records", recordsOf(got), want)
			h := got[0].Header
			if flags := batch.Attributes(0x38); h.Attributes&flags != b.Header.Attributes&flags || h.ProducerID != -1 || h.BaseOffset != 0 && magic == batch.V2 {
				t.Fatalf("seed %d: got %v, want the flags of %v", seed, h, b.Header)
			}
		}
	}
}

func TestSplitErrors(t *testing.T) {
	raw, start := valid(t, batch.V2, compress.None)
	r := batch.NewReader(raw[start:])
	r.Next()
	payload := r.Batch.Raw[batch.HeaderSize:]
	left, right := batch.NewBuilder(nil, batch.V2), batch.NewBuilder(nil, batch.V2)
	right.SetLimit(100)
	if err := batch.Split(&r.Batch, payload, left, right); !errors.Is(err, batch.ErrBuilderLimit) {
		t.Errorf("got %v, want %v", err, batch.ErrBuilderLimit)
	}
	left, right = batch.NewBuilder(nil, batch.V2), batch.NewBuilder(nil, batch.V2)
	err := batch.Split(&r.Batch, payload[:len(payload)-1], left, right)
	if !isError(err) || left.Len()+right.Len() != 0 {
		t.Errorf("of a payload that is cut, got %v and %d records, want an *Error and none", err, left.Len()+right.Len())
	}
}
