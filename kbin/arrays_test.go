package kbin_test

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/franzi-kafka/franzi/kbin"
)

// Arrays of the types that generated code has: its own, with these below.
type (
	kind   int8
	code   int16
	offset int64
	topic  string
)

// repeat is hex digits n times.
func repeat(digits string, n int) string { return strings.Repeat(digits, n) }

func sevens(n int) []int32 {
	s := make([]int32, n)
	for i := range s {
		s[i] = 7
	}
	return s
}

// TestInt32s holds arrays of int32, which have functions of their own, against Kafka's
// bytes.
func TestInt32s(t *testing.T) {
	for _, row := range []struct {
		name             string
		values           []int32
		classic, compact string
	}{
		{"empty", []int32{}, "00000000", "01"},
		{"signs", []int32{1, -1, 2147483647}, "0000000300000001ffffffff7fffffff", "0400000001ffffffff7fffffff"},
		{"126", sevens(126), "0000007e" + repeat("00000007", 126), "7f" + repeat("00000007", 126)}, // the last count of one byte
		{"127", sevens(127), "0000007f" + repeat("00000007", 127), "8001" + repeat("00000007", 127)},
		{"null", nil, "ffffffff", "00"},
	} {
		for _, flex := range []bool{false, true} {
			want := row.classic
			if flex {
				want = row.compact
			}
			name := fmt.Sprintf("%s, flex %v", row.name, flex)
			b := kbin.AppendFlexNullableInt32s([]byte("x"), row.values, flex)[1:]
			if got := hex.EncodeToString(b); got != want {
				t.Errorf("%s, appended: got %s, want %s", name, short(got), short(want))
			}
			if row.values != nil {
				if got := hex.EncodeToString(kbin.AppendFlexInt32s(nil, row.values, flex)); got != want {
					t.Errorf("%s, appended as not nullable: got %s, want %s", name, short(got), short(want))
				}
			}
			// Into nothing, into too little, into enough, with and without an arena.
			for _, arena := range []*kbin.Arena{nil, {}} {
				for _, room := range []int{-1, 0, 1, 1000} {
					var into []int32
					if room >= 0 {
						into = make([]int32, room)
					}
					r := kbin.NewReader(b)
					r.Arena = arena
					got := r.FlexNullableInt32s(into, flex)
					if err := r.Finish(); err != nil {
						t.Errorf("%s, nullable into %d: got error %v, want none", name, room, err)
					}
					if d := cmp.Diff(got, row.values); d != "" { // tells nil from empty
						t.Errorf("%s, nullable into %d, arena %v (-got +want):\n%s", name, room, arena != nil, d)
					}
					if row.values == nil {
						continue
					}
					r.Reset(b)
					got = r.FlexInt32s(into, flex)
					if err := r.Finish(); err != nil {
						t.Errorf("%s into %d: got error %v, want none", name, room, err)
					}
					if d := cmp.Diff(got, row.values); d != "" {
						t.Errorf("%s into %d, arena %v (-got +want):\n%s", name, room, arena != nil, d)
					}
				}
			}
		}
	}
}

// TestArrays holds all other arrays against Kafka's bytes: counts are read apart, so that
// generated code may have enumerations for elements.
func TestArrays(t *testing.T) {
	one := kbin.UUID{15: 1} // Uuid.ONE_UUID
	for _, row := range []struct {
		name   string
		hex    string
		flex   bool
		size   int // of an element, at least
		append func([]byte) []byte
		read   func(r *kbin.Reader, n int) any
		want   any
		null   any // what a count of -1 gives
	}{
		{"int8s", "00000002 01ff", false, 1,
			func(dst []byte) []byte { return kbin.AppendInt8s(dst, []kind{1, -1}) },
			func(r *kbin.Reader, n int) any { return kbin.Int8s(r, []kind{9}, n) }, []kind{1, -1}, []kind(nil)},
		{"int16s", "03 0001ffff", true, 2,
			func(dst []byte) []byte { return kbin.AppendInt16s(dst, []code{1, -1}) },
			func(r *kbin.Reader, n int) any { return kbin.Int16s(r, []code{9, 9, 9}, n) }, []code{1, -1}, []code(nil)},
		{"int64s", "00000002 0000000000000001ffffffffffffffff", false, 8,
			func(dst []byte) []byte { return kbin.AppendInt64s(dst, []offset{1, -1}) },
			func(r *kbin.Reader, n int) any { return kbin.Int64s(r, []offset(nil), n) }, []offset{1, -1}, []offset(nil)},
		{"uuids", "03 00000000000000000000000000000001 00000000000000000000000000000000", true, 16,
			func(dst []byte) []byte { return kbin.AppendUUIDs(dst, []kbin.UUID{one, {}}) },
			func(r *kbin.Reader, n int) any { return r.UUIDs([]kbin.UUID{one, one}, n) }, []kbin.UUID{one, {}}, []kbin.UUID(nil)},
		{"strings", "00000002 000161 00026263", false, 2,
			func(dst []byte) []byte {
				return kbin.AppendFlexString(kbin.AppendFlexString(dst, "a", false), "bc", false)
			},
			func(r *kbin.Reader, n int) any { return kbin.Strings(r, []topic{"a", "other"}, n, false) }, []topic{"a", "bc"}, []topic(nil)},
		{"compact strings", "03 0261 036263", true, 1,
			func(dst []byte) []byte {
				return kbin.AppendFlexString(kbin.AppendFlexString(dst, "a", true), "bc", true)
			},
			func(r *kbin.Reader, n int) any { return kbin.Strings(r, []topic(nil), n, true) }, []topic{"a", "bc"}, []topic(nil)},
	} {
		want := strings.ReplaceAll(row.hex, " ", "")
		b := row.append(kbin.AppendFlexArrayLen(nil, 2, row.flex))
		if got := hex.EncodeToString(b); got != want {
			t.Errorf("%s, appended: got %s, want %s", row.name, got, want)
		}
		r := kbin.NewReader(b)
		if d := cmp.Diff(row.read(r, r.FlexArrayLen(row.size, row.flex)), row.want); d != "" {
			t.Errorf("%s (-got +want):\n%s", row.name, d)
		}
		if err := r.Finish(); err != nil {
			t.Errorf("%s: got error %v, want none", row.name, err)
		}
		if d := cmp.Diff(row.read(r, -1), row.null); d != "" {
			t.Errorf("%s of null (-got +want):\n%s", row.name, d)
		}
		// Empty is not null, and needs no bytes.
		if got := fmt.Sprintf("%#v", row.read(r, 0)); strings.Contains(got, "nil") || r.Err() != nil {
			t.Errorf("%s of nothing: got %s and error %v, want empty", row.name, got, r.Err())
		}
		// A count that nobody has held against the input is an error, not a crash.
		r.Reset(b[len(b)-1:])
		row.read(r, 2)
		if !errors.Is(r.Err(), io.ErrUnexpectedEOF) {
			t.Errorf("%s beyond the input: got error %v, want io.ErrUnexpectedEOF", row.name, r.Err())
		}
	}
}

// TestArraysReuse: reading again into a value allocates nothing, which is what makes
// decoding into the same message so much faster than anything else.
func TestArraysReuse(t *testing.T) {
	for _, flex := range []bool{false, true} {
		for _, n := range []int{0, 3, 126, 127, 500} {
			ints := kbin.AppendFlexInt32s(nil, sevens(n), flex)
			names := kbin.AppendFlexArrayLen(nil, n, flex)
			for range n {
				names = kbin.AppendFlexString(names, "topic", flex)
			}
			r := kbin.NewReader(nil)
			intsInto, nullInto, namesInto := make([]int32, n), make([]int32, n), make([]topic, n)
			for i := range namesInto {
				namesInto[i] = "topic"
			}
			if got := testing.AllocsPerRun(100, func() {
				r.Reset(ints)
				intsInto = r.FlexInt32s(intsInto, flex)
				r.Reset(ints)
				nullInto = r.FlexNullableInt32s(nullInto, flex)
				r.Reset(names)
				namesInto = kbin.Strings(r, namesInto, r.FlexArrayLen(1, flex), flex)
			}); got != 0 {
				t.Errorf("%d elements, flex %v: got %v allocations, want 0", n, flex, got)
			}
			if len(intsInto) != n || len(namesInto) != n || r.Finish() != nil {
				t.Errorf("flex %v: got %d and %d elements and error %v, want %d", flex, len(intsInto), len(namesInto), r.Finish(), n)
			}
		}
	}
	longs := kbin.AppendInt64s[int64](nil, []int64{1, 2, 3})
	r := kbin.NewReader(longs)
	bytes8, shorts, into, ids := make([]int8, 3), make([]int16, 3), make([]int64, 3), make([]kbin.UUID, 1)
	if got := testing.AllocsPerRun(100, func() {
		r.Reset(longs)
		bytes8 = kbin.Int8s(r, bytes8, 3)
		r.Reset(longs)
		shorts = kbin.Int16s(r, shorts, 3)
		r.Reset(longs)
		into = kbin.Int64s(r, into, 3)
		r.Reset(longs)
		ids = r.UUIDs(ids, 1)
	}); got != 0 {
		t.Errorf("numbers: got %v allocations, want 0", got)
	}
}

func TestResize(t *testing.T) {
	type element struct{ inner []int }
	memory := make([]int, 7)
	full := []element{{memory}, {memory}, {memory}}
	for _, row := range []struct {
		name string
		s    []element
		n    int
		want []int // lengths of what the elements hold; nil for nil
	}{
		{"null", full, -1, nil},
		{"below null", full, -5, nil},
		{"nil to empty", nil, 0, []int{}}, // null and empty are two values
		{"to empty", full, 0, []int{}},
		{"shrunk", full, 2, []int{7, 7}},
		{"same", full, 3, []int{7, 7, 7}},
		{"within capacity", full[:0], 3, []int{7, 7, 7}}, // what is beyond the length is still good
		{"grown", full, 4, []int{7, 7, 7, 0}},
		{"grown from beyond its length", full[:1], 5, []int{7, 7, 7, 0, 0}},
		{"nil grown", nil, 2, []int{0, 0}},
	} {
		got := kbin.Resize(row.s, row.n)
		var lengths []int
		if got != nil {
			lengths = []int{}
		}
		for _, e := range got {
			lengths = append(lengths, len(e.inner))
		}
		if d := cmp.Diff(lengths, row.want); d != "" {
			t.Errorf("%s (-got +want):\n%s", row.name, d)
		}
	}
	if got := testing.AllocsPerRun(100, func() {
		full = kbin.Resize(full, 0)
		full = kbin.Resize(full, 3)
	}); got != 0 {
		t.Errorf("shrinking and growing back: got %v allocations, want 0", got)
	}
}

func BenchmarkFlexInt32s(b *testing.B) {
	for _, flex := range []bool{false, true} {
		for _, n := range []int{3, 300} {
			b.Run(fmt.Sprintf("flex=%v/n=%d", flex, n), func(b *testing.B) {
				in := kbin.AppendFlexInt32s(nil, make([]int32, n), flex)
				r := kbin.NewReader(in)
				var s []int32
				b.SetBytes(int64(len(in)))
				b.ReportAllocs()
				for b.Loop() {
					r.Reset(in)
					s = r.FlexInt32s(s, flex)
				}
			})
		}
	}
}
