package batch_test

import (
	"bytes"
	"math"
	"slices"
	"testing"

	"github.com/franzi-kafka/franzi/kmsg/batch"
	"github.com/franzi-kafka/franzi/kmsg/compress"
)

// converted says what a conversion must leave of records.
func converted(to batch.Magic, from []plainBatch) (all []plainRecord) {
	for _, b := range from {
		if to < batch.V2 && b.Header.Magic == batch.V2 && b.Header.Attributes.Control() {
			continue
		}
		for _, r := range b.Records {
			if b.Header.Magic != to {
				r.Headers = nil
				if to == batch.V0 || b.Header.Magic == batch.V0 {
					r.Timestamp = batch.NoTimestamp
				}
			}
			all = append(all, r)
		}
	}
	return all
}

// Random logs of all formats, to each format and on to the others: the records are what a
// format can carry of them.
func TestConvertRandomLogs(t *testing.T) {
	conv := batch.Converter{Codecs: codecs}
	for seed := range uint64(50) {
		c := newChance(seed)
		var raw []byte
		var want []plainBatch
		for range 1 + c.IntN(12) {
			f := formats[c.IntN(len(formats))]
			if f.codec == compress.Zstd {
				f.codec = compress.Gzip
			}
			for range 1 + c.IntN(4) {
				b := c.batch(f.magic, f.codec)
				raw = append(raw, writePlain(t, &b)...)
				want = append(want, b)
			}
		}
		for range 4 {
			conv.To = batch.Magic(c.IntN(3))
			prefix := []byte("before")
			out, err := conv.Append(prefix, raw)
			if err != nil || !bytes.HasPrefix(out, prefix) {
				t.Fatalf("seed %d to format %d: %v", seed, conv.To, err)
			}
			out = out[len(prefix):]
			got, err := readPlain(out)
			if err != nil {
				t.Fatalf("seed %d to format %d: the plain reader: %v", seed, conv.To, err)
			}
			compare(t, "records", recordsOf(got), converted(conv.To, want))
			for _, g := range got {
				if g.Header.Magic != conv.To {
					t.Fatalf("seed %d: got format %d, want %d", seed, g.Header.Magic, conv.To)
				}
			}
			// What is of the format already stays as it is.
			again, err := conv.Append(nil, out)
			if err != nil || !bytes.Equal(again, out) {
				t.Fatalf("seed %d to format %d: converting again changes something: %v", seed, conv.To, err)
			}
			raw, want = out, got
		}
	}
}

// Format 2 to 1 to 0 and back to 2 keeps keys, values and offsets, codec and flags as far as
// there are such.
func TestConvertThereAndBack(t *testing.T) {
	conv := batch.Converter{Codecs: codecs}
	for _, codec := range []compress.Codec{compress.None, compress.Gzip, compress.Snappy, compress.LZ4} {
		b := plainBatch{Header: batch.Header{BaseOffset: 50, Magic: batch.V2, Attributes: batch.Attributes(codec) | 8, LastOffsetDelta: 20, BaseTimestamp: 1000, MaxTimestamp: 2000}}
		for i := range int64(10) {
			b.Records = append(b.Records, plainRecord{Offset: 52 + i, Timestamp: 2000, Key: []byte("key key key"), Value: bytes.Repeat([]byte("value "), 10), Headers: []plainHeader{{"a", nil}}})
		}
		raw := writePlain(t, &b)
		for _, to := range []batch.Magic{batch.V1, batch.V0, batch.V2} {
			conv.To = to
			var err error
			if raw, err = conv.Append(nil, raw); err != nil {
				t.Fatal(err)
			}
			got, err := readPlain(raw)
			if err != nil {
				t.Fatal(err)
			}
			wantBatches := 1
			if to < batch.V2 && codec == compress.None {
				wantBatches = 10
			}
			if len(got) != wantBatches {
				t.Errorf("%s to format %d: got %d batches, want %d", codec, to, len(got), wantBatches)
			}
			for i := range b.Records {
				b.Records[i].Headers = nil
				if to == batch.V0 {
					b.Records[i].Timestamp = batch.NoTimestamp
				}
			}
			compare(t, "records", recordsOf(got), b.Records)
			for _, g := range got {
				if g.Header.Attributes.Codec() != codec || g.Header.Attributes.LogAppendTime() != (to == batch.V1) {
					t.Errorf("%s to format %d: got %v", codec, to, g.Header)
				}
			}
		}
	}
}

// Which messages become one batch.
func TestConvertJoins(t *testing.T) {
	one := func(offset, timestamp int64, attributes batch.Attributes) []byte {
		b := plainBatch{Header: batch.Header{Magic: batch.V1, Attributes: attributes, MaxTimestamp: timestamp}, Records: []plainRecord{{Offset: offset, Timestamp: timestamp, Value: bytes.Repeat([]byte("value "), 20)}}}
		return writePlain(t, &b)
	}
	for _, test := range []struct {
		name     string
		messages [][]byte
		want     [][]int64 // offsets, by batch
	}{
		{"in order", [][]byte{one(5, 1, 0), one(6, 1, 0), one(9, 2, 0)}, [][]int64{{5, 6, 9}}},
		{"all at offset 0, as some producers send", [][]byte{one(0, 1, 0), one(0, 1, 0), one(0, 1, 0)}, [][]int64{{0}, {0}, {0}}},
		{"backwards", [][]byte{one(7, 1, 0), one(6, 1, 0), one(8, 1, 0)}, [][]int64{{7}, {6, 8}}},
		{"too far apart", [][]byte{one(0, 1, 0), one(math.MaxInt32, 1, 0), one(math.MaxInt32+1, 1, 0)}, [][]int64{{0, math.MaxInt32}, {math.MaxInt32 + 1}}},
		{"of different kinds of timestamps", [][]byte{one(0, 1, 0), one(1, 1, 8), one(2, 1, 8), one(3, 1, 0)}, [][]int64{{0}, {1, 2}, {3}}},
		{"appended at different times", [][]byte{one(0, 1, 8), one(1, 2, 8), one(2, 2, 8)}, [][]int64{{0}, {1, 2}}},
		{"round a compressed one", [][]byte{one(0, 1, 0), one(1, 1, 1), one(2, 1, 0), one(3, 1, 0)}, [][]int64{{0}, {1}, {2, 3}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			conv := batch.Converter{To: batch.V2, Codecs: codecs}
			src := slices.Concat(test.messages...)
			out, err := conv.Append(nil, src)
			if err != nil {
				t.Fatal(err)
			}
			got, err := readPlain(out)
			if err != nil {
				t.Fatal(err)
			}
			want, _ := readPlain(src)
			compare(t, "records", recordsOf(got), recordsOf(want))
			var offsets [][]int64
			for _, g := range got {
				var in []int64
				for _, r := range g.Records {
					in = append(in, r.Offset)
				}
				offsets = append(offsets, in)
			}
			compare(t, "offsets", offsets, test.want)
		})
	}
}

// Joined messages make batches of a bounded size.
func TestConvertJoinsUpToASize(t *testing.T) {
	var src []byte
	for i := range int64(60) {
		b := plainBatch{Header: batch.Header{Magic: batch.V0}, Records: []plainRecord{{Offset: i, Value: make([]byte, 50_000)}}}
		src = append(src, writePlain(t, &b)...)
	}
	conv := batch.Converter{To: batch.V2, Codecs: codecs}
	out, err := conv.Append(nil, src)
	if err != nil {
		t.Fatal(err)
	}
	r := batch.NewReader(out)
	n := 0
	for ; r.Next(); n++ {
		if len(r.Batch.Raw) > 1<<20+50_100 {
			t.Errorf("got a batch of %d bytes, want 1 MiB and a message at most", len(r.Batch.Raw))
		}
	}
	if n != 3 {
		t.Errorf("got %d batches for 3 MB, want 3", n)
	}
}

func TestConvertErrors(t *testing.T) {
	zstd, start := valid(t, batch.V2, compress.Zstd)
	broken, _ := valid(t, batch.V2, compress.None)
	broken[start+batch.HeaderSize] = 0x7e
	alien, _ := valid(t, batch.V2, compress.None)
	alien[start+16] = 7
	bomb := oneMessage(&batch.Header{Magic: batch.V1, Attributes: 1}, 9, 9, nil, compressed(t, make([]byte, plainLimit+1), compress.Gzip, false))
	// Two messages too far apart for one batch.
	inside := append(oneMessage(&batch.Header{}, 0, 0, nil, nil), oneMessage(&batch.Header{}, 1<<31, 0, nil, nil)...)
	far := oneMessage(&batch.Header{Attributes: 1}, 1<<31, 0, nil, compressed(t, inside, compress.Gzip, false))
	for _, test := range []struct {
		name string
		to   batch.Magic
		src  []byte
		pos  int
		want error
	}{
		{"zstd", batch.V1, zstd, start, compress.ErrUnknownCodec},
		{"records that lie", batch.V0, broken, start + batch.HeaderSize, batch.ErrMalformed},
		{"an unknown format", batch.V1, alien, start, batch.ErrMalformed},
		{"a bomb", batch.V2, bomb, 34, compress.ErrLimit},
		{"offsets too far apart", batch.V2, far, 0, batch.ErrMalformed},
		{"offsets all 0", batch.V2, loose[0].message(t), 0, batch.ErrMalformed},
		{"offsets all 0", batch.V0, loose[0].message(t), 0, batch.ErrMalformed},
	} {
		t.Run(test.name, func(t *testing.T) {
			conv := batch.Converter{To: test.to, Codecs: codecs, Limit: plainLimit}
			dst := append(make([]byte, 0, 1000), "before"...)
			out, err := conv.Append(dst, test.src)
			checkError(t, err, test.want, false, test.pos, "")
			if string(out) != "before" {
				t.Errorf("got %q, want what was there before", out)
			}
			// The converter is good for the next.
			good, _ := valid(t, batch.V1, compress.Gzip)
			if out, err = conv.Append(nil, good); err != nil {
				t.Fatal(err)
			}
			got, err := readPlain(out)
			want, _ := readPlain(good)
			if err != nil {
				t.Fatal(err)
			}
			compare(t, "records after an error", recordsOf(got), converted(test.to, want))
		})
	}
}

// What is cut off at the end, control batches and batches without records are left out.
func TestConvertLeavesOut(t *testing.T) {
	whole, start := valid(t, batch.V2, compress.Gzip)
	want, _ := readPlain(whole)
	marked := plainBatch{Header: batch.Header{BaseOffset: 10, Magic: batch.V2, Attributes: 0x30, MaxTimestamp: 1}, Records: []plainRecord{{Offset: 10, Key: []byte(abortKey)}}}
	empty := plainBatch{Header: batch.Header{BaseOffset: 20, Magic: batch.V2, LastOffsetDelta: 5}}
	src := slices.Concat(writePlain(t, &marked), writePlain(t, &empty), whole, whole[start:len(whole)-1])
	conv := batch.Converter{To: batch.V1, Codecs: codecs}
	out, err := conv.Append(nil, src)
	if err != nil {
		t.Fatal(err)
	}
	got, err := readPlain(out)
	if err != nil {
		t.Fatal(err)
	}
	compare(t, "records", recordsOf(got), converted(batch.V1, want))
}
