package segment_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/franzi-kafka/franzi/cmd/franzi/internal/segment"
	"github.com/franzi-kafka/franzi/kmsg/batch"
)

// made is a batch of n records from an offset on, as a broker keeps it.
func made(magic batch.Magic, offset int64, n int) []byte {
	b := batch.NewBuilder(nil, magic)
	b.BaseOffset = offset
	for i := range n {
		b.Append(1_700_000_000_000+int64(i), []byte("key"), []byte(strings.Repeat("value", i)), nil)
	}
	s := b.Seal()
	s.Checksum()
	return s.Bytes
}

// described reads all and says in short what there was.
func described(t *testing.T, r *segment.Reader) string {
	t.Helper()
	var parts []string
	for {
		item, err := r.Next()
		if err == io.EOF {
			return strings.Join(parts, ", ")
		}
		if err != nil {
			return strings.Join(append(parts, err.Error()), ", ")
		}
		switch item.Kind {
		case segment.Batch:
			parts = append(parts, fmt.Sprintf("batch %d", item.Batch.BaseOffset))
		case segment.Partial:
			parts = append(parts, fmt.Sprintf("partial %d of %d", item.Size, item.Need))
		case segment.Garbage:
			parts = append(parts, fmt.Sprintf("garbage %d", item.Size))
		case segment.Zeros:
			parts = append(parts, fmt.Sprintf("zeros %d", item.Size))
		}
	}
}

func join(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

// changed is b with one byte replaced.
func changed(b []byte, at int, to byte) []byte {
	b = bytes.Clone(b)
	b[at] = to
	return b
}

func TestReader(t *testing.T) {
	a, b, c := made(batch.V2, 0, 3), made(batch.V2, 3, 2), made(batch.V2, 5, 1)
	noise := bytes.Repeat([]byte("noise"), 40_000)
	for _, tt := range []struct {
		name string
		data []byte
		want string
	}{
		{"nothing", nil, ""},
		{"batches", join(a, b, c), "batch 0, batch 3, batch 5"},
		{"old messages", join(made(batch.V0, 0, 1), made(batch.V1, 1, 1), made(batch.V2, 2, 1)), "batch 0, batch 1, batch 2"},
		{"a batch with a wrong checksum is a batch", join(a, changed(b, 70, 99), c), "batch 0, batch 3, batch 5"},
		{"the end within a batch", join(a, b[:40]), fmt.Sprintf("batch 0, partial 40 of %d", len(b))},
		{"the end within a size", join(a, []byte{0, 0, 0, 0, 0, 0, 0, 3, 0, 0}), "batch 0, partial 10 of 0"},
		{"zeros", make([]byte, 100_000), "zeros 100000"},
		{"few zeros", join(a, make([]byte, 5)), "batch 0, zeros 5"},
		{"zeros after batches", join(a, make([]byte, 70_000)), "batch 0, zeros 70000"},
		{"batches after zeros", join(a, make([]byte, 70_000), b), "batch 0, garbage 70000, batch 3"},
		{"noise", noise, "garbage 200000"},
		{"batches after noise", join(a, noise, b, c), "batch 0, garbage 200000, batch 3, batch 5"},
		{"a format that is unknown", join(a, changed(b, 16, 3), c), fmt.Sprintf("batch 0, garbage %d, batch 5", len(b))},
		{"a size too small", join(a, changed(b, 11, 1), c), fmt.Sprintf("batch 0, garbage %d, batch 5", len(b))},
		{"a negative size", join(a, changed(b, 8, 0xff), c), fmt.Sprintf("batch 0, garbage %d, batch 5", len(b))},
		{"a size beyond what brokers take", join(a, changed(b, 8, 0x7f), c), fmt.Sprintf("batch 0, garbage %d, batch 5", len(b))},
		{"a size beyond the end", join(a, changed(b, 9, 1), c), fmt.Sprintf("batch 0, garbage %d, batch 5", len(b))},
		{"a size beyond the end, and nothing after", join(a, changed(b, 9, 1)), fmt.Sprintf("batch 0, partial %d of %d", len(b), len(b)+1<<16)},
		{"offsets that go back are no sign of a batch", join(c, changed(a, 16, 9), b), fmt.Sprintf("batch 5, garbage %d", len(a)+len(b))},
		{"nor is a wrong checksum", join(a, changed(b, 16, 9), changed(c, 70, 99)), fmt.Sprintf("batch 0, garbage %d", len(b)+len(c))},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := described(t, segment.NewReader(bytes.NewReader(tt.data))); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
			if got := described(t, segment.NewReader(iotest.HalfReader(iotest.DataErrReader(bytes.NewReader(tt.data))))); got != tt.want {
				t.Errorf("in pieces: got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

// What an answer to Fetch cuts off is partial, whatever it has inside.
func TestReaderCutOff(t *testing.T) {
	inside := made(batch.V2, 1000, 1)
	b := batch.NewBuilder(nil, batch.V2)
	b.Append(1, nil, inside, nil)
	b.Append(2, nil, make([]byte, 1000), nil)
	s := b.Seal()
	s.Checksum()
	cut := s.Bytes[:500]
	r := segment.NewReader(bytes.NewReader(cut))
	r.CutOff = true
	if got, want := described(t, r), fmt.Sprintf("partial 500 of %d", len(s.Bytes)); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// A stream that fails is not one that ends, wherever it fails.
func TestReaderFails(t *testing.T) {
	failure := errors.New("the disk is gone")
	data := join(made(batch.V2, 0, 3), []byte(strings.Repeat("noise", 100)), made(batch.V2, 3, 1))
	for n := range data {
		r := segment.NewReader(io.MultiReader(bytes.NewReader(data[:n]), iotest.ErrReader(failure)))
		var err error
		for err == nil {
			_, err = r.Next()
		}
		if !errors.Is(err, failure) {
			t.Fatalf("after %d bytes: got %v", n, err)
		}
	}
}

// Bytes that are no batch come back up to a limit.
func TestReaderKeeps(t *testing.T) {
	noise := bytes.Repeat([]byte("noise"), 1000)
	for keep, want := range map[int]int{len(noise): len(noise), len(noise) - 1: 0} {
		r := segment.NewReader(bytes.NewReader(noise))
		r.Keep = keep
		item, err := r.Next()
		if err != nil || len(item.Bytes) != want || item.Size != int64(len(noise)) {
			t.Errorf("keep %d: got %d of %d bytes, %v, want %d", keep, len(item.Bytes), item.Size, err, want)
		}
	}
}

// A size alone takes no memory, and a stream without end not more and more.
func TestReaderMemory(t *testing.T) {
	claim := binary.BigEndian.AppendUint32(make([]byte, 8), 90<<20)
	claim = append(claim, make([]byte, 100)...)
	claim[16] = byte(batch.V2)
	if got := allocated(func() {
		r := segment.NewReader(bytes.NewReader(claim))
		if item, err := r.Next(); err != nil || item.Kind != segment.Partial {
			t.Error(item, err)
		}
	}); got > 200<<10 {
		t.Errorf("got %d bytes for a claim of 90 MiB", got)
	}
	if got := allocated(func() {
		random := rand.NewChaCha8([32]byte{1})
		r := segment.NewReader(io.LimitReader(random, 2<<20))
		r.Keep = 0
		if item, err := r.Next(); err != nil || item.Size != 2<<20 {
			t.Error(item, err)
		}
	}); got > 1<<20 {
		t.Errorf("got %d bytes for 2 MiB of noise", got)
	}
}

// allocated is how many bytes f allocates.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// Items cover all bytes, in order, and come back as they are.
func FuzzReader(f *testing.F) {
	a, b := made(batch.V2, 0, 3), made(batch.V1, 3, 2)
	f.Add(join(a, b), true)
	f.Add(join(a, []byte("noise"), b, make([]byte, 20)), false)
	f.Add(join(a, changed(b, 9, 1), a[:30]), false)
	f.Fuzz(func(t *testing.T, data []byte, cutOff bool) {
		r := segment.NewReader(bytes.NewReader(data))
		r.Keep, r.CutOff = len(data), cutOff
		var back []byte
		for {
			item, err := r.Next()
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			if item.Position != int64(len(back)) || item.Size != int64(len(item.Bytes)) || item.Size == 0 || r.Position() != item.Position+item.Size {
				t.Fatalf("after %d bytes: %+v, position %d", len(back), item, r.Position())
			}
			if item.Kind == segment.Garbage && item.Err == nil {
				t.Fatalf("garbage without a reason: %+v", item)
			}
			back = append(back, item.Bytes...)
		}
		if !bytes.Equal(back, data) {
			t.Fatalf("got %x, want %x", back, data)
		}
	})
}

func BenchmarkReader(b *testing.B) {
	data := bytes.Repeat(made(batch.V2, 0, 100), 100)
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		r := segment.NewReader(bytes.NewReader(data))
		for {
			if _, err := r.Next(); err != nil {
				break
			}
		}
	}
}
