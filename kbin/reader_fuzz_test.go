package kbin_test

import (
	"errors"
	"fmt"
	"math"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/franzi-kafka/franzi/kbin"
)

// allocated tells how many bytes f makes the heap grow, garbage included.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// FuzzReader takes its first input for a list of reads, tag sections among them, and runs
// them over the second. What they allocate is in proportion to it: each may leave an error
// or a small value, beyond that 32 bytes of memory go for a byte of input.
func FuzzReader(f *testing.F) {
	f.Add([]byte{0, 2, 4, 13, 21, 33}, unhex(f, "0100050000000600036162630000000401020304000000020000000100000002"), false)
	f.Add([]byte{14, 37, 100, 22}, unhex(f, "046162630201020304050300"), false)
	f.Add([]byte{101, 37, 14, 101, 0}, unhex(f, "02000201020105030201000500"), true)
	f.Add([]byte{38, 38, 38, 101}, unhex(f, "ffffffff0f8080808008"), true)
	f.Fuzz(func(t *testing.T, ops, input []byte, lenient bool) {
		limit := uint64(32*len(input) + 1024*len(ops) + 64<<10)
		r := &kbin.Reader{Lenient: lenient}
		if len(ops)%2 == 1 {
			r.Arena = new(kbin.Arena)
		}
		r.Reset(input)
		var first error
		var run func(depth int)
		run = func(depth int) {
			for range 4 {
				if len(ops) == 0 {
					return
				}
				op := int(ops[0])
				ops = ops[1:]
				if op >= len(reads) && depth < 8 { // what is inside fields is read by operations too
					var tags kbin.Tags
					for s := r.TagSection(); s.Next(); {
						if s.Number%3 == 0 {
							s.Unknown(&tags)
						} else {
							run(depth + 1)
						}
					}
				} else {
					name := reads[op%len(reads)].name
					got := reads[op%len(reads)].read(r)
					if failed := r.Err() != nil && !strings.HasPrefix(name, "Tag"); (failed || first != nil) && !isEmpty(got) {
						t.Fatalf("%s with error %v: got %v, want nothing", name, r.Err(), got)
					}
				}
				if r.Offset() < 0 || r.Len() < 0 || r.Offset()+r.Len() > len(input) {
					t.Fatalf("got Offset %d, Len %d, of %d", r.Offset(), r.Len(), len(input))
				}
				if first == nil {
					first = r.Err()
				}
				if first != nil && (r.Err() != first || r.Len() != 0) {
					t.Fatalf("after %v: got error %v and Len %d, want the same and 0", first, r.Err(), r.Len())
				}
			}
		}
		if got := allocated(func() {
			for len(ops) > 0 {
				run(0)
			}
		}); got > limit {
			t.Fatalf("%d bytes of input allocated %d, the limit is %d", len(input), got, limit)
		}
		var e *kbin.Error
		if errors.As(r.Finish(), &e) && (e.Offset < 0 || e.Offset > e.Size || e.Size != len(input)) {
			t.Fatalf("got an error at byte %d of %d, the input has %d", e.Offset, e.Size, len(input))
		}
	})
}

// FuzzRoundTrip writes a value of every primitive and reads all of them.
func FuzzRoundTrip(f *testing.F) {
	f.Add(int64(0), uint64(0), "", []byte(nil), false)
	f.Add(int64(-1), uint64(math.MaxUint64), "topic", []byte{1, 2}, true)
	f.Add(int64(math.MinInt64), uint64(math.MaxInt32), strings.Repeat("ü", 200), make([]byte, 200), true)
	f.Fuzz(func(t *testing.T, i int64, u uint64, text string, data []byte, flag bool) {
		text = text[:min(len(text), kbin.MaxString)]
		null := kbin.NullString{}
		if flag {
			null = kbin.Str(text)
		}
		id := kbin.UUID(kbin.AppendInt64(kbin.AppendInt64(nil, i), int64(u)))
		ints := make([]int32, len(data))
		for i, b := range data {
			ints[i] = int32(b) - 128
		}
		type pair struct {
			name   string
			append func([]byte) []byte
			read   func(*kbin.Reader) any
			want   any
		}
		var pairs []pair
		add := func(name string, appendTo func([]byte) []byte, read func(*kbin.Reader) any, want any) {
			pairs = append(pairs, pair{name, appendTo, read, want})
		}
		add("bool", func(d []byte) []byte { return kbin.AppendBool(d, flag) }, func(r *kbin.Reader) any { return r.Bool() }, flag)
		add("int8", func(d []byte) []byte { return kbin.AppendInt8(d, int8(i)) }, func(r *kbin.Reader) any { return r.Int8() }, int8(i))
		add("int16", func(d []byte) []byte { return kbin.AppendInt16(d, int16(i)) }, func(r *kbin.Reader) any { return r.Int16() }, int16(i))
		add("uint16", func(d []byte) []byte { return kbin.AppendUint16(d, uint16(u)) }, func(r *kbin.Reader) any { return r.Uint16() }, uint16(u))
		add("int32", func(d []byte) []byte { return kbin.AppendInt32(d, int32(i)) }, func(r *kbin.Reader) any { return r.Int32() }, int32(i))
		add("uint32", func(d []byte) []byte { return kbin.AppendUint32(d, uint32(u)) }, func(r *kbin.Reader) any { return r.Uint32() }, uint32(u))
		add("int64", func(d []byte) []byte { return kbin.AppendInt64(d, i) }, func(r *kbin.Reader) any { return r.Int64() }, i)
		add("float64", func(d []byte) []byte { return kbin.AppendFloat64(d, math.Float64frombits(u)) },
			func(r *kbin.Reader) any { return math.Float64bits(r.Float64()) }, u)
		add("uuid", func(d []byte) []byte { return kbin.AppendUUID(d, id) }, func(r *kbin.Reader) any { return r.UUID() }, id)
		add("uvarint", func(d []byte) []byte { return kbin.AppendUvarint(d, uint32(u)) }, func(r *kbin.Reader) any { return r.Uvarint() }, uint32(u))
		add("uvarlong", func(d []byte) []byte { return kbin.AppendUvarlong(d, u) }, func(r *kbin.Reader) any { return r.Uvarlong() }, u)
		add("varint", func(d []byte) []byte { return kbin.AppendVarint(d, int32(i)) }, func(r *kbin.Reader) any { return r.Varint() }, int32(i))
		add("varlong", func(d []byte) []byte { return kbin.AppendVarlong(d, i) }, func(r *kbin.Reader) any { return r.Varlong() }, i)
		for _, flex := range []bool{false, true} {
			add("string", func(d []byte) []byte { return kbin.AppendFlexString(d, text, flex) },
				func(r *kbin.Reader) any { return flexString(r, flex) }, text)
			add("nullable string", func(d []byte) []byte { return kbin.AppendFlexNullableString(d, null, flex) },
				func(r *kbin.Reader) any { return flexNullableString(r, flex) }, null)
			add("bytes", func(d []byte) []byte { return kbin.AppendFlexBytes(d, data, flex) },
				func(r *kbin.Reader) any { return string(r.FlexBytes(flex)) }, string(data))
			add("nullable bytes", func(d []byte) []byte { return kbin.AppendFlexNullableBytes(d, data, flex) },
				func(r *kbin.Reader) any { b := r.FlexNullableBytes(flex); return fmt.Sprintf("%v %t", b, b == nil) }, fmt.Sprintf("%v %t", data, data == nil))
			add("int32s", func(d []byte) []byte { return kbin.AppendFlexInt32s(d, ints, flex) },
				func(r *kbin.Reader) any { return r.FlexInt32s(nil, flex) }, ints)
			add("nullable int32s null", func(d []byte) []byte { return kbin.AppendFlexNullableInt32s(d, nil, flex) },
				func(r *kbin.Reader) any { return r.FlexNullableInt32s(ints, flex) }, []int32(nil))
		}
		var b []byte
		for _, p := range pairs {
			b = p.append(b)
		}
		r := kbin.NewReader(b)
		for _, p := range pairs {
			if d := cmp.Diff(p.read(r), p.want); d != "" {
				t.Errorf("%s (-got +want):\n%s", p.name, d)
			}
		}
		if err := r.Finish(); err != nil {
			t.Errorf("Finish: got %v, want nil", err)
		}
	})
}

func BenchmarkFlexString(b *testing.B) {
	for _, flex := range []bool{false, true} {
		for name, old := range map[string]string{"equal": "some-topic-name", "other": "another-topic-n"} {
			b.Run(fmt.Sprintf("flex=%v/%s", flex, name), func(b *testing.B) {
				in := kbin.AppendFlexString(nil, "some-topic-name", flex)
				r := kbin.NewReader(in)
				b.SetBytes(int64(len(in)))
				b.ReportAllocs()
				for b.Loop() {
					s := old
					r.Reset(in)
					r.FlexString(&s, flex)
				}
			})
		}
	}
}

// BenchmarkNext reads what generated code reads of a fetched partition: one run of fields
// of fixed size, against one call a field.
func BenchmarkNext(b *testing.B) {
	const n = 100
	in := make([]byte, 34*n)
	var sum int64
	b.Run("run", func(b *testing.B) {
		r := kbin.NewReader(in)
		b.SetBytes(int64(len(in)))
		b.ReportAllocs()
		for b.Loop() {
			r.Reset(in)
			for range n {
				p := (*[34]byte)(r.Next(34))
				sum += int64(p[3]) + int64(p[33])
			}
		}
	})
	b.Run("fields", func(b *testing.B) {
		r := kbin.NewReader(in)
		b.SetBytes(int64(len(in)))
		b.ReportAllocs()
		for b.Loop() {
			r.Reset(in)
			for range n {
				sum += int64(r.Int32()) + int64(r.Int16()) + r.Int64() + r.Int64() + r.Int64() + int64(r.Int32())
			}
		}
	})
	if sum != 0 {
		b.Errorf("got a sum of %d, want 0", sum)
	}
}
