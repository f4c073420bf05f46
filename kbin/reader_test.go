package kbin_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/franzi-kafka/franzi/kbin"
)

// TestMalformed has every way in which a length, a count or a varint can be wrong, for both
// kinds of readers: what a lenient one accepts is told, the rest both refuse alike.
func TestMalformed(t *testing.T) {
	str := func(flex bool) func(*kbin.Reader) any {
		return func(r *kbin.Reader) any { return flexString(r, flex) }
	}
	nullStr := func(flex bool) func(*kbin.Reader) any {
		return func(r *kbin.Reader) any { return flexNullableString(r, flex) }
	}
	bin := func(flex bool) func(*kbin.Reader) any {
		return func(r *kbin.Reader) any { return r.FlexBytes(flex) }
	}
	nullBin := func(flex bool) func(*kbin.Reader) any {
		return func(r *kbin.Reader) any { return r.FlexNullableBytes(flex) }
	}
	array := func(minSize int, flex bool) func(*kbin.Reader) any {
		return func(r *kbin.Reader) any { return count(r.FlexArrayLen(minSize, flex)) }
	}
	nullArray := func(minSize int, flex bool) func(*kbin.Reader) any {
		return func(r *kbin.Reader) any { return count(r.FlexNullableArrayLen(minSize, flex)) }
	}
	uvarint := func(r *kbin.Reader) any { return r.Uvarint() }
	varint := func(r *kbin.Reader) any { return r.Varint() }
	uvarlong := func(r *kbin.Reader) any { return r.Uvarlong() }
	varlong := func(r *kbin.Reader) any { return r.Varlong() }
	ints := func(flex bool) func(*kbin.Reader) any {
		return func(r *kbin.Reader) any { return r.FlexInt32s(nil, flex) }
	}

	const fine = "" // in lenient: it is accepted as empty
	for _, row := range []struct {
		name   string
		hex    string
		read   func(*kbin.Reader) any
		reason string
		offset int
		short  bool
		// lenient is what a lenient reader says; "same" for the same.
		lenient string
	}{
		{"string null", "ffff", str(false), "a string is null but must not be", 2, false, fine},
		{"compact string null", "00", str(true), "a string is null but must not be", 1, false, fine},
		{"string of a length below null", "8000", str(false), "a string is null but must not be", 2, false, fine}, // Java: any negative
		{"string longer than the rest", "0004616263", str(false), "a string of 4 bytes where 3 remain", 2, true, "same"},
		{"compact string longer than the rest", "05616263", str(true), "a string of 4 bytes where 3 remain", 1, true, "same"},
		{"compact string of one byte that is not there", "02", str(true), "a string of 1 bytes where 0 remain", 1, true, "same"},
		{"compact string longer than strings may be", "818002" + xsHex(32768), str(true), "a string of 32768 bytes, the protocol allows 32767", 3, false, "same"},
		{"compact string longer than int32", "8080808008", str(true), "a length of 2147483647", 5, false, "same"},
		{"compact string of the longest varint", "ffffffff0f", str(true), "a length of 4294967294", 5, false, "same"},
		{"compact string of a broken varint", "ffffffff1f", str(true), "a varint of more than 32 bits", 5, false, "same"},
		{"nullable string longer than the rest", "000461", nullStr(false), "a string of 4 bytes where 1 remain", 2, true, "same"},
		{"compact nullable string longer than the rest", "0561", nullStr(true), "a string of 4 bytes where 1 remain", 1, true, "same"},
		{"compact nullable string too long", "818002" + xsHex(32768), nullStr(true), "a string of 32768 bytes", 3, false, "same"},

		{"bytes null", "ffffffff", bin(false), "a byte field is null but must not be", 4, false, fine}, // Event Hubs sends these
		{"bytes below null", "80000000", bin(false), "a byte field is null but must not be", 4, false, fine},
		{"compact bytes null", "00", bin(true), "a byte field is null but must not be", 1, false, fine},
		{"bytes longer than the rest", "0000000401", bin(false), "bytes of 4 bytes where 1 remain", 4, true, "same"},
		{"bytes of the highest length", "7fffffff01", bin(false), "bytes of 2147483647 bytes where 1 remain", 4, true, "same"},
		{"compact bytes longer than the rest", "0501", bin(true), "bytes of 4 bytes where 1 remain", 1, true, "same"},
		{"compact bytes longer than int32", "8180808008", bin(true), "a length of 2147483648", 5, false, "same"},
		{"nullable bytes longer than the rest", "0000000401", nullBin(false), "bytes of 4 bytes where 1 remain", 4, true, "same"},
		{"compact nullable bytes longer than the rest", "0501", nullBin(true), "bytes of 4 bytes where 1 remain", 1, true, "same"},

		{"array null", "ffffffff", array(1, false), "an array is null but must not be", 4, false, fine},
		{"compact array null", "00", array(1, true), "an array is null but must not be", 1, false, fine},
		{"array below null", "fffffffe", array(1, false), "an array is null but must not be", 4, false, fine},
		{"count above the rest", "0000000301ff", array(1, false), "an array of 3 elements of at least 1 bytes where 2 remain", 4, true, "same"},
		{"count times size above the rest", "00000002" + zerosHex(15), array(8, false), "an array of 2 elements of at least 8 bytes where 15 remain", 4, true, "same"},
		{"compact count times size above the rest", "03" + zerosHex(15), array(8, true), "an array of 2 elements of at least 8 bytes where 15 remain", 1, true, "same"},
		{"count times size beyond 32 bits", "7fffffff" + zerosHex(4), array(128, false), "an array of 2147483647 elements", 4, true, "same"},
		{"compact count beyond int32", "8080808008", array(1, true), "a length of 2147483647", 5, false, "same"},
		{"elements of no size still count one byte", "0000000201", array(0, false), "an array of 2 elements", 4, true, "same"}, // as in Java
		{"compact elements of no size", "0301", array(0, true), "an array of 2 elements", 1, true, "same"},
		{"nullable count above the rest", "00000002ff", nullArray(1, false), "an array of 2 elements", 4, true, "same"},
		{"compact nullable count above the rest", "03ff", nullArray(1, true), "an array of 2 elements", 1, true, "same"},
		{"int32s above the rest", "00000002" + zerosHex(7), ints(false), "an array of 2 elements of at least 4 bytes where 7 remain", 4, true, "same"},
		{"compact int32s above the rest", "03" + zerosHex(7), ints(true), "an array of 2 elements of at least 4 bytes where 7 remain", 1, true, "same"},
		{"int32s null", "ffffffff", ints(false), "an array is null but must not be", 4, false, fine},
		{"compact int32s null", "00", ints(true), "an array is null but must not be", 1, false, fine},

		{"uvarint of six bytes", "808080808001", uvarint, "a varint of more than 32 bits", 5, false, "same"},
		{"uvarint with a bit too much in its fifth byte", "ffffffff10", uvarint, "a varint of more than 32 bits", 5, false, "same"},
		{"uvarint without an end", "8080", uvarint, "0 bytes remain", 2, true, "same"},
		{"varint of six bytes", "808080808001", varint, "a varint of more than 32 bits", 5, false, "same"},
		{"varint with a bit too much", "ffffffff1f", varint, "a varint of more than 32 bits", 5, false, "same"},
		{"varint without an end", "ffff", varint, "0 bytes remain", 2, true, "same"},
		{"uvarlong of eleven bytes", "8080808080808080808001", uvarlong, "a varint of more than 64 bits", 10, false, "same"},
		{"uvarlong with a bit too much in its tenth byte", "ffffffffffffffffff02", uvarlong, "a varint of more than 64 bits", 10, false, "same"},
		{"varlong of eleven bytes", "8080808080808080808001", varlong, "a varint of more than 64 bits", 10, false, "same"},
		{"varlong without an end", "ffffffffffff", varlong, "0 bytes remain", 6, true, "same"},

		{"raw of a negative length", "00", func(r *kbin.Reader) any { return r.Raw(-1) }, "a run of -1 bytes", 0, false, "same"},
		{"raw beyond the rest", "00", func(r *kbin.Reader) any { return r.Raw(2) }, "a run of 2 bytes where 1 remain", 0, true, "same"},
	} {
		t.Run(row.name, func(t *testing.T) {
			b := unhex(t, row.hex)
			r := kbin.NewReader(b)
			got := row.read(r)
			checkError(t, r, &kbin.Error{Offset: row.offset, Size: len(b), Reason: row.reason, Short: row.short})
			if !isEmpty(got) {
				t.Errorf("read: got %v, want nothing", got)
			}

			r = &kbin.Reader{Lenient: true}
			r.Reset(b)
			got = row.read(r)
			if !isEmpty(got) {
				t.Errorf("lenient read: got %v, want nothing", got)
			}
			if row.lenient != fine {
				checkError(t, r, &kbin.Error{Offset: row.offset, Size: len(b), Reason: row.reason, Short: row.short})
			} else if err := r.Finish(); err != nil {
				t.Errorf("lenient read: got error %v, want none", err)
			} else if s, ok := got.([]byte); ok && s == nil { // null is for what may be null
				t.Errorf("lenient read: got nil, want empty")
			} else if s, ok := got.([]int32); ok && s == nil {
				t.Errorf("lenient read: got nil, want empty")
			}
		})
	}
}

// checkError holds a reader's error against want, whose Reason may be a part of it.
func checkError(t *testing.T, r *kbin.Reader, want *kbin.Error) {
	t.Helper()
	var got *kbin.Error
	if !errors.As(r.Err(), &got) {
		t.Errorf("error: got %v, want %q", r.Err(), want.Reason)
		return
	}
	if !strings.Contains(got.Reason, want.Reason) {
		t.Errorf("reason: got %q, want %q", got.Reason, want.Reason)
	}
	want.Reason = got.Reason
	if d := cmp.Diff(got, want); d != "" {
		t.Errorf("error (-got +want):\n%s", d)
	}
	if is := errors.Is(r.Err(), io.ErrUnexpectedEOF); is != want.Short {
		t.Errorf("errors.Is(err, io.ErrUnexpectedEOF): got %v, want %v", is, want.Short)
	}
}

func TestErrorText(t *testing.T) {
	r := kbin.NewReader([]byte{0, 0, 1})
	r.Int16()
	r.Int64()
	if got, want := fmt.Sprint(r.Err()), "kbin: at byte 2 of 3: 1 bytes remain, more are needed"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// reads has every method that reads, each with a value from before where it takes one.
var reads = []struct {
	name string
	read func(*kbin.Reader) any
}{
	{"Bool", func(r *kbin.Reader) any { return r.Bool() }},
	{"Int8", func(r *kbin.Reader) any { return r.Int8() }},
	{"Int16", func(r *kbin.Reader) any { return r.Int16() }},
	{"Uint16", func(r *kbin.Reader) any { return r.Uint16() }},
	{"Int32", func(r *kbin.Reader) any { return r.Int32() }},
	{"Uint32", func(r *kbin.Reader) any { return r.Uint32() }},
	{"Int64", func(r *kbin.Reader) any { return r.Int64() }},
	{"Float64", func(r *kbin.Reader) any { return r.Float64() }},
	{"UUID", func(r *kbin.Reader) any { return r.UUID() }},
	{"Uvarint", func(r *kbin.Reader) any { return r.Uvarint() }},
	{"Uvarlong", func(r *kbin.Reader) any { return r.Uvarlong() }},
	{"Varint", func(r *kbin.Reader) any { return r.Varint() }},
	{"Varlong", func(r *kbin.Reader) any { return r.Varlong() }},
	{"String", func(r *kbin.Reader) any { return r.String() }},
	{"CompactString", func(r *kbin.Reader) any { return r.CompactString() }},
	{"NullableString", func(r *kbin.Reader) any { return r.NullableString() }},
	{"CompactNullableString", func(r *kbin.Reader) any { return r.CompactNullableString() }},
	{"FlexString classic", func(r *kbin.Reader) any { s := "old"; r.FlexString(&s, false); return s }},
	{"FlexString compact", func(r *kbin.Reader) any { s := "old"; r.FlexString(&s, true); return s }},
	{"FlexNullableString classic", func(r *kbin.Reader) any { s := kbin.Str("old"); r.FlexNullableString(&s, false); return s }},
	{"FlexNullableString compact", func(r *kbin.Reader) any { s := kbin.Str("old"); r.FlexNullableString(&s, true); return s }},
	{"Bytes", func(r *kbin.Reader) any { return r.Bytes() }},
	{"CompactBytes", func(r *kbin.Reader) any { return r.CompactBytes() }},
	{"NullableBytes", func(r *kbin.Reader) any { return r.NullableBytes() }},
	{"CompactNullableBytes", func(r *kbin.Reader) any { return r.CompactNullableBytes() }},
	{"Raw", func(r *kbin.Reader) any { return r.Raw(3) }},
	{"Rest", func(r *kbin.Reader) any { return r.Rest() }},
	{"Next", func(r *kbin.Reader) any { return r.Next(4)[0] != 0 }},
	{"Run", func(r *kbin.Reader) any { return r.Run(4)[3] != 0 }},
	{"ArrayLen", func(r *kbin.Reader) any { return count(r.ArrayLen(2)) }},
	{"CompactArrayLen", func(r *kbin.Reader) any { return count(r.CompactArrayLen(2)) }},
	{"NullableArrayLen", func(r *kbin.Reader) any { return count(r.NullableArrayLen(2)) }},
	{"CompactNullableArrayLen", func(r *kbin.Reader) any { return count(r.CompactNullableArrayLen(2)) }},
	{"FlexInt32s classic", func(r *kbin.Reader) any { return r.FlexInt32s([]int32{1, 2, 3}, false) }},
	{"FlexInt32s compact", func(r *kbin.Reader) any { return r.FlexInt32s([]int32{1, 2, 3}, true) }},
	{"FlexNullableInt32s classic", func(r *kbin.Reader) any { return r.FlexNullableInt32s([]int32{1, 2, 3}, false) }},
	{"FlexNullableInt32s compact", func(r *kbin.Reader) any { return r.FlexNullableInt32s([]int32{1, 2, 3}, true) }},
	{"Tags", func(r *kbin.Reader) any {
		tags := kbin.NewTags(kbin.Tag{Number: 9, Data: []byte("old")})
		r.Tags(&tags)
		return tags
	}},
	{"TagSection", func(r *kbin.Reader) any {
		n := 0
		for s := r.TagSection(); s.Next(); {
			n++
		}
		return count(n)
	}},
}

// TestStickyError: after the first error, whatever it was, every read brings nothing and
// the first error stays.
func TestStickyError(t *testing.T) {
	for name, fail := range map[string]func(*kbin.Reader){
		"too few bytes":      func(r *kbin.Reader) { r.Next(100) },
		"a length too large": func(r *kbin.Reader) { r.Bytes() },
		"null":               func(r *kbin.Reader) { r.Raw(8); r.Bytes() },
		"a broken varint":    func(r *kbin.Reader) { r.Raw(8); r.Uvarint() },
		"tags out of order": func(r *kbin.Reader) {
			r.Raw(13)
			for s := r.TagSection(); s.Next(); {
				_ = r.Rest()
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := unhex(t, "7fffffff 00000000 ffffffffff 02 0500 0500 ffffffffffffffffffffffffffffffffffffffff")
			for _, lenient := range []bool{false, true} {
				if lenient && (name == "null" || name == "tags out of order") {
					continue // these are none then
				}
				for _, op := range reads {
					r := kbin.NewReader(b)
					r.Lenient = lenient
					fail(r)
					first := r.Err()
					if first == nil {
						t.Fatal("got no error, want the first one")
					}
					for range 2 {
						if got := op.read(r); !isEmpty(got) {
							t.Errorf("%s after the error: got %v, want nothing", op.name, got)
						}
						if got := r.Err(); got != first {
							t.Errorf("error after %s: got %v, want %v", op.name, got, first)
						}
						if got := r.Len(); got != 0 {
							t.Errorf("Len after %s: got %d, want 0", op.name, got)
						}
					}
					if got := r.Finish(); got != first {
						t.Errorf("Finish: got %v, want %v", got, first)
					}
					r.Reset([]byte{1})
					if got := r.Bool(); !got || r.Finish() != nil {
						t.Errorf("after Reset: got %v and error %v, want true and none", got, r.Finish())
					}
				}
			}
		})
	}
}

// TestZerosStay: what failed reads return is shared by all of them, so nobody may have
// written to it.
func TestZerosStay(t *testing.T) {
	r := kbin.NewReader(nil)
	if got := r.Next(kbin.MaxNext); !bytes.Equal(got[:kbin.MaxNext], make([]byte, kbin.MaxNext)) {
		t.Errorf("got %x, want %d zeros", got, kbin.MaxNext)
	}
}

// TestZeroReader: the zero value reads nothing, and says so.
func TestZeroReader(t *testing.T) {
	var r kbin.Reader
	if err := r.Finish(); err != nil {
		t.Errorf("Finish of nothing: got %v, want nil", err)
	}
	if r.Len() != 0 || r.Offset() != 0 {
		t.Errorf("got Len %d, Offset %d, want 0, 0", r.Len(), r.Offset())
	}
	if got := r.Int32(); got != 0 || !errors.Is(r.Err(), io.ErrUnexpectedEOF) {
		t.Errorf("Int32: got %d and error %v, want 0 and io.ErrUnexpectedEOF", got, r.Err())
	}
}

// TestFinish: bytes after the end are an error, except for a lenient reader.
func TestFinish(t *testing.T) {
	b := []byte{0, 5, 9, 9}
	r := kbin.NewReader(b)
	if got := r.Int16(); got != 5 {
		t.Errorf("Int16: got %d, want 5", got)
	}
	if err := r.Err(); err != nil {
		t.Errorf("Err before Finish: got %v, want nil", err)
	}
	_ = r.Finish()
	checkError(t, r, &kbin.Error{Offset: 2, Size: 4, Reason: "2 bytes after the end"})

	r = &kbin.Reader{Lenient: true}
	r.Reset(b)
	r.Int16()
	if err := r.Finish(); err != nil {
		t.Errorf("lenient Finish: got %v, want nil", err)
	}
	if got := r.Len(); got != 2 {
		t.Errorf("lenient Len after Finish: got %d, want 2", got)
	}
}

func TestOffset(t *testing.T) {
	r := kbin.NewReader([]byte{0, 0, 0, 1, 7, 8, 9})
	r.Int32()
	if r.Offset() != 4 || r.Len() != 3 {
		t.Errorf("after an int32: got Offset %d, Len %d, want 4, 3", r.Offset(), r.Len())
	}
	if got := r.Rest(); !bytes.Equal(got, []byte{7, 8, 9}) {
		t.Errorf("Rest: got %v, want [7 8 9]", got)
	}
	if r.Offset() != 7 || r.Len() != 0 || r.Finish() != nil {
		t.Errorf("after Rest: got Offset %d, Len %d, error %v, want 7, 0, none", r.Offset(), r.Len(), r.Finish())
	}
	if got := r.Rest(); len(got) != 0 || r.Err() != nil {
		t.Errorf("Rest at the end: got %v, error %v, want none of both", got, r.Err())
	}
}

// TestNext: a view starts with the next bytes and may go on; moving past it counts them.
func TestNext(t *testing.T) {
	for name, next := range map[string]func(*kbin.Reader, int) []byte{"Next": (*kbin.Reader).Next, "Run": (*kbin.Reader).Run} {
		b := make([]byte, kbin.MaxNext+2)
		for i := range b {
			b[i] = byte(i)
		}
		r := kbin.NewReader(b)
		first, all, last := next(r, 1), next(r, kbin.MaxNext), next(r, 1)
		if first[0] != 0 || all[0] != 1 || all[kbin.MaxNext-1] != kbin.MaxNext || last[0] != kbin.MaxNext+1 {
			t.Errorf("%s: got %d, %d..%d, %d, want 0, 1..128, 129", name, first[0], all[0], all[kbin.MaxNext-1], last[0])
		}
		if err := r.Finish(); err != nil {
			t.Errorf("%s: got error %v, want none", name, err)
		}
		if got := next(r, 1)[0]; got != 0 || r.Err() == nil {
			t.Errorf("%s beyond the end: got %d and error %v, want 0 and an error", name, got, r.Err())
		}
	}
}

// TestViewsAreCapped: appending to a view copies; what follows in the input stays.
func TestViewsAreCapped(t *testing.T) {
	for _, row := range []struct {
		name string
		hex  string
		read func(*kbin.Reader) []byte
	}{
		{"Bytes", "00000002 0102", (*kbin.Reader).Bytes},
		{"Bytes empty", "00000000", (*kbin.Reader).Bytes},
		{"CompactBytes", "03 0102", (*kbin.Reader).CompactBytes},
		{"CompactBytes empty", "01", (*kbin.Reader).CompactBytes},
		{"NullableBytes", "00000002 0102", (*kbin.Reader).NullableBytes},
		{"CompactNullableBytes", "03 0102", (*kbin.Reader).CompactNullableBytes},
		{"Raw", "0102", func(r *kbin.Reader) []byte { return r.Raw(2) }},
		{"Raw of nothing", "", func(r *kbin.Reader) []byte { return r.Raw(0) }},
		{"Rest of a tagged field", "01 05 02 0102", func(r *kbin.Reader) []byte {
			s := r.TagSection()
			s.Next()
			return r.Rest()
		}},
		{"an unknown tag", "01 05 02 0102", func(r *kbin.Reader) []byte {
			var tags kbin.Tags
			r.Tags(&tags)
			data, _ := tags.Get(5)
			return data
		}},
	} {
		b := append(unhex(t, row.hex), "behind"...)
		view := row.read(kbin.NewReader(b))
		if view == nil {
			t.Errorf("%s: got nil, want a view", row.name)
		}
		_ = append(view, 'X', 'Y')
		if got := string(b[len(b)-len("behind"):]); got != "behind" {
			t.Errorf("%s: what follows the view: got %q, want %q", row.name, got, "behind")
		}
		if cap(view) != len(view) {
			t.Errorf("%s: capacity of the view: got %d, want %d", row.name, cap(view), len(view))
		}
	}
}

// TestStringsAreCopies: the input may be written over once a message is read.
func TestStringsAreCopies(t *testing.T) {
	for _, arena := range []*kbin.Arena{nil, {}} {
		b := unhex(t, "0003616263 04616263")
		r := kbin.NewReader(b)
		r.Arena = arena
		s, c := r.String(), r.CompactString()
		clear(b)
		if s != "abc" || c != "abc" {
			t.Errorf("with arena %v: got %q and %q, want %q twice", arena != nil, s, c, "abc")
		}
	}
}

// TestFlexStringReuse: a string that is equal already stays the string it was, others are
// replaced.
func TestFlexStringReuse(t *testing.T) {
	long := xs(300)
	for _, flex := range []bool{false, true} {
		for _, text := range []string{"", "topic", long} {
			b := kbin.AppendFlexString(nil, text, flex)
			r := kbin.NewReader(b)
			s := strings.Clone(text)
			n := kbin.Str(strings.Clone(text))
			if got := testing.AllocsPerRun(100, func() {
				r.Reset(b)
				r.FlexString(&s, flex)
				r.Reset(b)
				r.FlexNullableString(&n, flex)
			}); got != 0 {
				t.Errorf("equal string of %d bytes, flex %v: got %v allocations, want 0", len(text), flex, got)
			}
			if s != text || n != kbin.Str(text) || r.Err() != nil {
				t.Errorf("flex %v: got %q, %v, error %v, want %q", flex, short(s), n, r.Err(), short(text))
			}
			s, n = "other", kbin.NullString{}
			r.Reset(b)
			r.FlexString(&s, flex)
			r.Reset(b)
			r.FlexNullableString(&n, flex)
			if s != text || n != kbin.Str(text) {
				t.Errorf("over another string, flex %v: got %q, %v, want %q", flex, short(s), n, short(text))
			}
		}
		// Null leaves nothing of the value before.
		b := kbin.AppendFlexNullableString(nil, kbin.NullString{}, flex)
		n := kbin.Str("before")
		r := kbin.NewReader(b)
		r.FlexNullableString(&n, flex)
		if n != (kbin.NullString{}) || r.Finish() != nil {
			t.Errorf("null over a string, flex %v: got %#v, error %v, want null", flex, n, r.Err())
		}
	}
}

// TestNullsOfAnyNegativeLength: Java takes every negative length for null.
func TestNullsOfAnyNegativeLength(t *testing.T) {
	for _, length := range []string{"ffff", "fffe", "8000"} {
		r := kbin.NewReader(unhex(t, length))
		if got := r.NullableString(); got.Valid || r.Finish() != nil {
			t.Errorf("NullableString of length %s: got %v, error %v, want null", length, got, r.Err())
		}
	}
	for _, length := range []string{"ffffffff", "fffffffe", "80000000"} {
		r := kbin.NewReader(unhex(t, length))
		if got := r.NullableBytes(); got != nil || r.Finish() != nil {
			t.Errorf("NullableBytes of length %s: got %v, error %v, want nil", length, got, r.Err())
		}
		r = kbin.NewReader(unhex(t, length))
		if got := r.NullableArrayLen(1); got != -1 || r.Finish() != nil {
			t.Errorf("NullableArrayLen of length %s: got %d, error %v, want -1", length, got, r.Err())
		}
		r = kbin.NewReader(unhex(t, length))
		if got := r.FlexNullableInt32s([]int32{1}, false); got != nil || r.Finish() != nil {
			t.Errorf("FlexNullableInt32s of length %s: got %v, error %v, want nil", length, got, r.Err())
		}
	}
}

// TestArrayLenLimits: a count is accepted if its elements may be there, to the byte.
func TestArrayLenLimits(t *testing.T) {
	for _, row := range []struct {
		n, minSize, rest int
		want             int
	}{
		{0, 1, 0, 0},
		{0, 100, 0, 0},
		{3, 1, 3, 3},
		{3, 1, 2, 0},
		{3, 5, 15, 3},
		{3, 5, 14, 0},
		{126, 2, 252, 126}, // counts of one byte and of two
		{126, 2, 251, 0},
		{127, 2, 254, 127},
		{127, 2, 253, 0},
		{5, 0, 5, 5}, // no size counts one byte
		{5, 0, 4, 0},
	} {
		for _, flex := range []bool{false, true} {
			b := kbin.AppendFlexArrayLen(nil, row.n, flex)
			b = append(b, make([]byte, row.rest)...)
			r, null := kbin.NewReader(b), kbin.NewReader(b)
			if got, gotNull := r.FlexArrayLen(row.minSize, flex), null.FlexNullableArrayLen(row.minSize, flex); got != row.want || gotNull != row.want {
				t.Errorf("%d elements of %d bytes where %d remain, flex %v: got %d, nullable %d, want %d",
					row.n, row.minSize, row.rest, flex, got, gotNull, row.want)
			}
			if refused := row.want != row.n; (r.Err() != nil) != refused || (null.Err() != nil) != refused {
				t.Errorf("%d elements of %d bytes where %d remain, flex %v: got errors %v and %v, want %v",
					row.n, row.minSize, row.rest, flex, r.Err(), null.Err(), refused)
			}
		}
	}
}

// TestArraysShareBytes: arrays inside each other cannot claim the same bytes twice, neither
// can tagged fields; but all that really is there may be claimed.
func TestArraysShareBytes(t *testing.T) {
	for _, flex := range []bool{false, true} {
		// 100 arrays, each of two elements of one byte.
		var b []byte
		b = kbin.AppendFlexArrayLen(b, 100, flex)
		inner := len(kbin.AppendFlexArrayLen(nil, 2, flex)) // the shortest element of the outer one
		for range 100 {
			b = append(kbin.AppendFlexArrayLen(b, 2, flex), 1, 2)
		}
		r := kbin.NewReader(b)
		r.FlexArrayLen(inner, flex)
		for range 100 {
			for range r.FlexArrayLen(1, flex) {
				r.Int8()
			}
		}
		if err := r.Finish(); err != nil {
			t.Errorf("flex %v: an honest message: %v", flex, err)
		}

		// The outer array claims all that follows: nothing is left for the inner one.
		n := 2000
		b = append(kbin.AppendFlexArrayLen(nil, n, flex), make([]byte, n)...)
		copy(b[len(b)-n:], kbin.AppendFlexArrayLen(nil, n/2, flex))
		for name, claim := range map[string]func(*kbin.Reader) int{
			"array":          func(r *kbin.Reader) int { return r.FlexArrayLen(1, flex) },
			"nullable array": func(r *kbin.Reader) int { return r.FlexNullableArrayLen(1, flex) },
		} {
			r := kbin.NewReader(b)
			if got := r.FlexArrayLen(1, flex); got != n {
				t.Fatalf("flex %v: got %d elements, want %d", flex, got, n)
			}
			if got := claim(r); got != 0 || !errors.Is(r.Err(), io.ErrUnexpectedEOF) {
				t.Errorf("%s, flex %v: got %d elements and %v, want none and %v", name, flex, got, r.Err(), io.ErrUnexpectedEOF)
			}
			r.Reset(b)
			if got := r.FlexArrayLen(1, flex); got != n {
				t.Errorf("flex %v, after Reset: got %d elements, want %d", flex, got, n)
			}
		}
	}
	// A short count goes another way through the reader.
	classic := append([]byte{0, 0, 0, 100, 0, 0, 0, 50}, make([]byte, 96)...)
	r := kbin.NewReader(classic)
	if got := r.ArrayLen(1); got != 100 {
		t.Fatalf("got %d elements, want 100", got)
	}
	if got := r.ArrayLen(1); got != 0 || !errors.Is(r.Err(), io.ErrUnexpectedEOF) {
		t.Errorf("a short count, classic: got %d elements and %v, want none and %v", got, r.Err(), io.ErrUnexpectedEOF)
	}
	b := append([]byte{101, 51}, make([]byte, 99)...)
	r.Reset(b)
	if got := r.CompactArrayLen(1); got != 100 {
		t.Fatalf("got %d elements, want 100", got)
	}
	if got := r.CompactArrayLen(1); got != 0 || !errors.Is(r.Err(), io.ErrUnexpectedEOF) {
		t.Errorf("a short count: got %d elements and %v, want none and %v", got, r.Err(), io.ErrUnexpectedEOF)
	}
	r.Reset(b)
	r.CompactArrayLen(1)
	if s := r.TagSection(); s.Next() || !errors.Is(r.Err(), io.ErrUnexpectedEOF) {
		t.Errorf("tagged fields: got tag %d and %v, want none and %v", s.Number, r.Err(), io.ErrUnexpectedEOF)
	}
	// 50 tagged fields claim all, of which the first is a struct with 45 of its own.
	r.Reset(append([]byte{50, 0, 98, 45, 0, 0}, make([]byte, 95)...))
	if s := r.TagSection(); !s.Next() {
		t.Fatalf("tagged fields: got none and %v, want one", r.Err())
	}
	if s := r.TagSection(); s.Next() || !errors.Is(r.Err(), io.ErrUnexpectedEOF) {
		t.Errorf("tagged fields of a tagged struct: got tag %d and %v, want none and %v", s.Number, r.Err(), io.ErrUnexpectedEOF)
	}
}

func TestPresent(t *testing.T) {
	for b, want := range map[byte]bool{0: true, 1: true, 127: true, 128: false, 255: false} { // the writer's are 1 and -1
		if got := kbin.NewReader([]byte{b}).Present(); got != want {
			t.Errorf("Present of %#02x: got %v, want %v", b, got, want)
		}
	}
}

// TestNullBeforeMuch: a classic length of null is not the length that its bits are without a sign,
// though as many bytes follow.
func TestNullBeforeMuch(t *testing.T) {
	b := append([]byte{0xff, 0xff, 0xff, 0xff}, make([]byte, 1<<17)...)
	r := kbin.NewReader(b)
	if s := r.NullableString(); s.Valid || r.Offset() != 2 || r.Err() != nil {
		t.Errorf("NullableString: got %d bytes, valid %v, at %d, error %v, want null at 2", len(s.S), s.Valid, r.Offset(), r.Err())
	}
	r.Reset(b)
	if got := r.NullableBytes(); got != nil || r.Offset() != 4 || r.Err() != nil {
		t.Errorf("NullableBytes: got %d bytes at %d, error %v, want null at 4", len(got), r.Offset(), r.Err())
	}
	r.Reset(b)
	if got := r.String(); got != "" || r.Err() == nil {
		t.Errorf("String: got %d bytes and no error, want one", len(got))
	}
	r.Reset(b)
	r.Lenient = true
	if got := r.String(); got != "" || r.Offset() != 2 || r.Err() != nil {
		t.Errorf("String, lenient: got %d bytes at %d, error %v, want none at 2", len(got), r.Offset(), r.Err())
	}
}
