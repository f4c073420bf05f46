package kbin_test

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/franzi-kafka/franzi/kbin"
)

// FuzzTags reads sections, writes what it has read, and reads that again.
func FuzzTags(f *testing.F) {
	for _, seed := range []string{
		"00", "03 00020102 0500 ac020109", "0201030368690304000000 07", "05 00 01 aa 01 03 036869 02 00 03 04 00000007 c801 02 bbcc",
		"02 05 01 aa 02 01 bb", "02 01 04 0261 ffff 03 04 00000007", "ffffffff0f", "01 05 ffffffff0f aabb",
	} {
		b := unhex(f, seed)
		f.Add(b, false)
		f.Add(b, true)
	}
	f.Fuzz(func(t *testing.T, in []byte, lenient bool) {
		r := &kbin.Reader{Lenient: lenient}
		r.Reset(in)
		var m tagged
		if got, limit := allocated(func() { m.read(r) }), uint64(32*len(in)+64<<10); got > limit {
			t.Fatalf("%d bytes of input allocated %d, the limit is %d", len(in), got, limit)
		}
		if r.Err() != nil {
			return
		}
		last := int64(-1)
		for _, u := range m.unknown.All() {
			if int64(u.Number) <= last || u.Number == 1 || u.Number == 3 {
				t.Fatalf("got tag %d after %d", u.Number, last)
			}
			last = int64(u.Number)
		}
		written := m.append(nil)
		var again tagged
		strict := kbin.NewReader(written)
		again.read(strict)
		if err := strict.Finish(); err != nil {
			t.Fatalf("reading %x again: got error %v, want none", written, err)
		}
		if again.name != m.name || again.number != m.number || !again.unknown.Equal(m.unknown) {
			t.Errorf("read again: got %+v, want %+v", again, m)
		}
		if got := again.append(nil); !bytes.Equal(got, written) {
			t.Errorf("written again: got %x, want %x", got, written)
		}

		// All of them unknown: the same, and no byte of their content is lost.
		r.Reset(in)
		var all kbin.Tags
		if got, limit := allocated(func() { r.Tags(&all) }), uint64(32*len(in)+64<<10); got > limit {
			t.Fatalf("%d bytes of input as unknown tags allocated %d, the limit is %d", len(in), got, limit)
		}
		if r.Err() != nil {
			t.Fatalf("as unknown tags: got error %v, want none", r.Err())
		}
		plain := kbin.AppendTags(nil, all)
		strict.Reset(plain)
		var allAgain kbin.Tags
		strict.Tags(&allAgain)
		if strict.Finish() != nil || !allAgain.Equal(all) {
			t.Errorf("unknown tags read again: got %v and error %v, want %v", allAgain, strict.Err(), all)
		}
	})
}

func BenchmarkTags(b *testing.B) {
	for name, in := range map[string][]byte{
		"none":    {0},
		"unknown": {2, 0, 1, 7, 5, 4, 0, 0, 0, 1},
		"known":   (&tagged{name: "cluster", number: 7}).append(nil),
	} {
		b.Run("read/"+name, func(b *testing.B) {
			r := kbin.NewReader(in)
			var m tagged
			b.SetBytes(int64(len(in)))
			b.ReportAllocs()
			for b.Loop() {
				r.Reset(in)
				m.read(r)
			}
			if err := r.Finish(); err != nil {
				b.Fatal(err)
			}
		})
		b.Run("append/"+name, func(b *testing.B) {
			var m tagged
			m.read(kbin.NewReader(in))
			dst := make([]byte, 0, 100)
			b.SetBytes(int64(len(in)))
			b.ReportAllocs()
			for b.Loop() {
				dst = m.append(dst[:0])
			}
		})
	}
}

func ExampleTags() {
	// A newer broker sends a tagged field that this definition does not know.
	var tags kbin.Tags
	r := kbin.NewReader([]byte{1, 7, 2, 'h', 'i'})
	r.Tags(&tags)
	if err := r.Finish(); err != nil {
		fmt.Println(err)
	}
	data, ok := tags.Get(7)
	fmt.Printf("%s %v\n", data, ok)
	fmt.Println(tags)

	// It is written back as it came.
	fmt.Println(kbin.AppendTags(nil, tags))
	// Output:
	// hi true
	// [7: 2 bytes]
	// [1 7 2 104 105]
}

func ExampleReader_TagSection() {
	frame := kbin.Tags{}.Writer(nil, 1)
	frame.End(kbin.AppendCompactString(frame.Begin(0), "cluster"))

	var clusterID string
	var unknown kbin.Tags
	r := kbin.NewReader(frame.Finish())
	for s := r.TagSection(); s.Next(); {
		switch s.Number {
		case 0:
			clusterID = r.CompactString()
		default:
			s.Unknown(&unknown)
		}
	}
	fmt.Println(clusterID, unknown.Len(), r.Finish())
	// Output: cluster 0 <nil>
}
