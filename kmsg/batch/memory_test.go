package batch_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"runtime"
	"testing"

	"github.com/franzi-kafka/franzi/kmsg"
	"github.com/franzi-kafka/franzi/kmsg/batch"
	"github.com/franzi-kafka/franzi/kmsg/compress"
)

// allocated returns how many bytes f allocates in all, garbage included.
func allocated(f func()) int {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return int(after.TotalAlloc - before.TotalAlloc)
}

// dense is a batch of about a MiB of the smallest records there are, or of one record with the
// smallest headers.
func dense(t testing.TB, headers bool) []byte {
	h := plainBatch{Header: batch.Header{Magic: batch.V2}}
	raw := writePlain(t, &h)
	n := int32(0)
	if headers {
		const count = 1 << 19
		body := append([]byte{0, 0, 0, 1, 1}, binary.AppendVarint(nil, count)...)
		for range count {
			body = append(body, 0, 1)
		}
		raw = append(binary.AppendVarint(raw, int64(len(body))), body...)
		n = 1
	} else {
		for ; len(raw) < 1<<20; n++ {
			body := append([]byte{0, 0}, binary.AppendVarint(nil, int64(n))...)
			body = append(body, 1, 1, 0)
			raw = append(binary.AppendVarint(raw, int64(len(body))), body...)
		}
	}
	binary.BigEndian.PutUint32(raw[8:], uint32(len(raw)-12))
	binary.BigEndian.PutUint32(raw[23:], uint32(n-1))
	binary.BigEndian.PutUint32(raw[57:], uint32(n))
	sign(raw)
	return raw
}

// within is a bound on memory: 16 bytes for each byte received.
func within(t *testing.T, what string, got, received int) {
	t.Helper()
	if most := 16*received + 4096; got > most {
		t.Errorf("%s: got %d bytes allocated for %d received, want %d at most", what, got, received, most)
	}
}

// Bytes that are as many records, headers or lies as they can be cost no memory to speak of.
func TestMemoryOfHostileBytes(t *testing.T) {
	huge, start := valid(t, batch.V2, compress.None)
	huge = huge[start:]
	binary.BigEndian.PutUint32(huge[23:], 1<<31-1)
	binary.BigEndian.PutUint32(huge[57:], 1<<31-1)
	sign(huge)
	lie, _ := valid(t, batch.V2, compress.None)
	lie = lie[start:]
	copy(lie[batch.HeaderSize+13:], "\xfe\xff\xff\xff\x0f") // a value of 2 GiB
	sign(lie)
	cut := bytes.Clone(huge)
	binary.BigEndian.PutUint32(cut[8:], 1<<31-1)
	for name, data := range map[string][]byte{
		"zeros": make([]byte, 1<<20), "records": dense(t, false), "headers": dense(t, true),
		"huge counts": huge, "a huge value": lie, "a huge batch": cut,
	} {
		records := 0
		got := allocated(func() {
			r := batch.NewReader(data)
			for r.Next() {
				if r.Batch.Verify() != nil {
					t.Errorf("%s: the checksum is wrong", name)
				}
				w := r.Batch.Walk(r.Batch.Raw[batch.HeaderSize:])
				for w.Next() {
					records++
					for range w.Record.Headers.All() {
					}
				}
			}
		})
		within(t, name, got, 0) // nothing but an error
		if name == "records" && records < 1<<16 || name == "headers" && records != 1 {
			t.Errorf("%s: got %d records", name, records)
		}
	}
}

// A list of headers has 40 bytes for each, made once, which is 20 for each byte of the smallest;
// and none in a list that has room.
func TestMemoryOfHeaders(t *testing.T) {
	data := dense(t, true)
	r := batch.NewReader(data)
	r.Next()
	w := r.Batch.Walk(r.Batch.Raw[batch.HeaderSize:])
	w.Next()
	var list []batch.RecordHeader
	if got, most := allocated(func() { list = w.Record.Headers.AppendTo(nil) }), 20*len(data)+8192; got > most || len(list) != 1<<19 {
		t.Errorf("got %d bytes allocated for %d headers, want %d at most", got, len(list), most)
	}
	if got := testing.AllocsPerRun(3, func() { list = w.Record.Headers.AppendTo(list[:0]) }); got != 0 || len(list) != 1<<19 {
		t.Errorf("into a list with room: got %v allocations and %d headers", got, len(list))
	}
}

// A long list of aborted transactions costs a few times its size.
func TestMemoryOfAborted(t *testing.T) {
	const n = 1 << 16
	list := make([]kmsg.FetchResponseAbortedTransaction, n)
	for i := range list {
		list[i] = kmsg.FetchResponseAbortedTransaction{ProducerID: int64(i), FirstOffset: int64(n - i)}
	}
	last := one(n, 1, txn, "")
	got := allocated(func() {
		var a batch.Aborted
		a.Reset(list)
		if drop, err := a.Drop(last); !drop || err != nil {
			t.Errorf("got %t and %v", drop, err)
		}
	})
	within(t, "aborted transactions", got, n*16) // that is how they come
}

// Conversion makes records larger, but not without bound.
func TestMemoryOfConversion(t *testing.T) {
	data := dense(t, false)
	for to := batch.V0; to <= batch.V1; to++ {
		conv := batch.Converter{To: to, Codecs: codecs}
		var out []byte
		got := allocated(func() {
			var err error
			if out, err = conv.Append(nil, data); err != nil {
				t.Error(err)
			}
		})
		if len(out) > 16*len(data) || got > 4*len(out) {
			t.Errorf("to format %d: got %d bytes allocated for %d that came out of %d", to, got, len(out), len(data))
		}
	}
}

// A bomb stops at the limit (MEM), with memory in proportion to that.
func TestMemoryOfBombs(t *testing.T) {
	const limit = 1 << 20
	for _, codec := range []compress.Codec{compress.Gzip, compress.Snappy, compress.LZ4, compress.Zstd} {
		raw, start := valid(t, batch.V2, compress.None)
		b := append(raw[start:start+batch.HeaderSize:start+batch.HeaderSize], compressed(t, make([]byte, 64*limit), codec, false)...)
		binary.BigEndian.PutUint32(b[8:], uint32(len(b)-12))
		b[22] = byte(codec)
		r := batch.NewReader(b)
		r.Next()
		var own compress.Codecs
		if _, _, err := r.Batch.Payload(&own, nil, limit); !errors.Is(err, compress.ErrLimit) { // which makes the codec's state
			t.Errorf("%s: got %v, want %v", codec, err, compress.ErrLimit)
		}
		got := allocated(func() {
			_, room, err := r.Batch.Payload(&own, nil, limit)
			if !errors.Is(err, compress.ErrLimit) || room != nil {
				t.Errorf("%s: got %v, want %v", codec, err, compress.ErrLimit)
			}
		})
		if most := 16*len(b) + 4*limit; got > most {
			t.Errorf("%s: got %d bytes allocated for a bomb of %d with a limit of %d, want %d at most", codec, got, len(b), limit, most)
		}
	}
}
