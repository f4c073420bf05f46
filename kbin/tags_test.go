package kbin_test

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/franzi-kafka/franzi/kbin"
)

// tagged is what a message with two known tags holds: tag 1, a string, and tag 3, an int32.
type tagged struct {
	name    string
	number  int32
	unknown kbin.Tags
}

// append writes tags as generated code does.
func (m *tagged) append(dst []byte) []byte {
	count := m.unknown.Len()
	if m.name != "" {
		count++
	}
	if m.number != 0 {
		count++
	}
	w := m.unknown.Writer(dst, count)
	if m.name != "" {
		dst = w.Begin(1)
		dst = kbin.AppendCompactString(dst, m.name)
		w.End(dst)
	}
	if m.number != 0 {
		dst = w.Begin(3)
		dst = kbin.AppendInt32(dst, m.number)
		w.End(dst)
	}
	return w.Finish()
}

// read reads tags as generated code does.
func (m *tagged) read(r *kbin.Reader) {
	*m = tagged{}
	for s := r.TagSection(); s.Next(); {
		switch s.Number {
		case 1:
			m.name = r.CompactString()
		case 3:
			m.number = r.Int32()
		default:
			s.Unknown(&m.unknown)
		}
	}
}

func tag(number uint32, hexData string) kbin.Tag {
	data, err := hex.DecodeString(hexData)
	if err != nil {
		panic(err)
	}
	return kbin.Tag{Number: number, Data: data}
}

// TestTagSections reads and writes sections of unknown tags.
func TestTagSections(t *testing.T) {
	for _, row := range []struct {
		name string
		hex  string
		want []kbin.Tag
	}{
		{"none", "00", nil},
		// The rest as TaggedFields of kafka-clients 4.4.0 writes them.
		{"numbers of one and two bytes", "03 00020102 0500 ac020109", []kbin.Tag{tag(0, "0102"), tag(5, ""), tag(300, "09")}},
		{"sizes of one and two bytes", "02 7f7f" + zerosHex(127) + "80018001" + zerosHex(128), []kbin.Tag{tag(127, zerosHex(127)), tag(128, zerosHex(128))}},
		{"a size of three bytes", "01 00 808001" + zerosHex(16384), []kbin.Tag{tag(0, zerosHex(16384))}},
		{"the highest number", "01 ffffffff0f 0101", []kbin.Tag{tag(1<<32-1, "01")}},
	} {
		b := unhex(t, row.hex)
		for _, lenient := range []bool{false, true} {
			got := kbin.NewTags(tag(77, "00")) // from the message before
			r := &kbin.Reader{Lenient: lenient}
			r.Reset(b)
			r.Tags(&got)
			if err := r.Finish(); err != nil {
				t.Errorf("%s, lenient %v: got error %v, want none", row.name, lenient, err)
			}
			if d := cmp.Diff(got.All(), row.want); d != "" {
				t.Errorf("%s, lenient %v (-got +want):\n%s", row.name, lenient, d)
			}
			if written := kbin.AppendTags([]byte("x"), got)[1:]; !bytes.Equal(written, b) {
				t.Errorf("%s, lenient %v, written: got %s, want %s", row.name, lenient, short(hex.EncodeToString(written)), short(row.hex))
			}
		}
		if got := kbin.AppendTags(nil, kbin.NewTags(row.want...)); !bytes.Equal(got, b) {
			t.Errorf("%s, appended: got %s, want %s", row.name, short(hex.EncodeToString(got)), short(row.hex))
		}
	}
}

// TestHasTags: an empty section is passed, any other is left to TagSection, errors too.
func TestHasTags(t *testing.T) {
	for _, row := range []struct {
		hex  string
		want bool
		left int
	}{
		{"00", false, 0},
		{"00 01", false, 1},
		{"01 0500", true, 3},
		{"8000", true, 2}, // none, written longer than need be
		{"", true, 0},     // TagSection will say that there are no bytes
	} {
		r := kbin.NewReader(unhex(t, row.hex))
		if got := r.HasTags(); got != row.want || r.Len() != row.left || r.Err() != nil {
			t.Errorf("%q: got %v, %d bytes left and error %v, want %v, %d and none", row.hex, got, r.Len(), r.Err(), row.want, row.left)
		}
	}
}

// TestTagWriter writes and reads known fields between unknown ones.
func TestTagWriter(t *testing.T) {
	for _, row := range []struct {
		name string
		hex  string
		m    tagged
	}{
		{"nothing", "00", tagged{}},
		{"known ones alone", "02 01 03 036869 03 04 00000007", tagged{"hi", 7, kbin.Tags{}}},
		{"unknown ones before, between and behind", "05 00 01 aa 01 03 036869 02 00 03 04 00000007 c801 02 bbcc",
			tagged{"hi", 7, kbin.NewTags(tag(200, "bbcc"), tag(2, ""), tag(0, "aa"))}},
		{"unknown ones alone", "02 00 01 aa 05 00", tagged{"", 0, kbin.NewTags(tag(0, "aa"), tag(5, ""))}},
		{"only the last known one", "02 02 01 dd 03 04 00000007", tagged{"", 7, kbin.NewTags(tag(2, "dd"))}},
		// A size is known only when the field is written; then it takes its one, two or three
		// bytes before it.
		{"a size of one byte, the highest", "01 01 7f 7f" + xsHex(126), tagged{xs(126), 0, kbin.Tags{}}},
		{"a size of two bytes, the lowest", "01 01 8101 8001" + xsHex(127), tagged{xs(127), 0, kbin.Tags{}}},
		{"a size of two bytes, the highest", "01 01 ff7f fe7f" + xsHex(16381), tagged{xs(16381), 0, kbin.Tags{}}},
		{"a size of three bytes, the lowest", "01 01 808001 ff7f" + xsHex(16382), tagged{xs(16382), 0, kbin.Tags{}}},
		{"a field behind a long one", "02 01 808001 ff7f" + xsHex(16382) + "03 04 00000001", tagged{xs(16382), 1, kbin.Tags{}}},
	} {
		want := strings.ReplaceAll(row.hex, " ", "")
		for name, dst := range map[string][]byte{"no room": []byte("x"), "room": append(make([]byte, 0, 20000), 'x')} {
			got := row.m.append(dst)
			if got[0] != 'x' || hex.EncodeToString(got[1:]) != want {
				t.Errorf("%s, %s: got %s, want %s", row.name, name, short(hex.EncodeToString(got[1:])), short(want))
			}
		}
		var m tagged
		r := kbin.NewReader(unhex(t, row.hex))
		m.read(r)
		if err := r.Finish(); err != nil {
			t.Errorf("%s: got error %v, want none", row.name, err)
		}
		if m.name != row.m.name || m.number != row.m.number || !m.unknown.Equal(row.m.unknown) {
			t.Errorf("%s: got %q, %d, %v, want %q, %d, %v", row.name, short(m.name), m.number, m.unknown, short(row.m.name), row.m.number, row.m.unknown)
		}
	}
}

// TestTagSizes: a size takes as many bytes as it needs, on both sides of each length.
func TestTagSizes(t *testing.T) {
	for _, size := range []int{0, 1, 127, 128, 129, 16383, 16384} {
		w := kbin.Tags{}.Writer(nil, 1)
		field := bytes.Repeat([]byte{7}, size)
		w.End(append(w.Begin(3), field...))
		want := append(kbin.AppendUvarint([]byte{1, 3}, uint32(size)), field...)
		if got := w.Finish(); !bytes.Equal(got, want) {
			t.Errorf("a field of %d bytes: got %s, want %s", size, short(hex.EncodeToString(got)), short(hex.EncodeToString(want)))
		}
	}
}

// TestTagWriterAsKafka holds a writer of known and unknown tags against the tags of an
// ApiVersionsResponse of version 3, as its Java class writes them: FinalizedFeaturesEpoch
// is tag 1, ZkMigrationReady tag 3, and two tags are unknown.
func TestTagWriterAsKafka(t *testing.T) {
	unknown := kbin.NewTags(tag(4, "01"), tag(200, "0203"))
	w := unknown.Writer(nil, 2+unknown.Len())
	w.End(kbin.AppendInt64(w.Begin(1), 7))
	w.End(kbin.AppendBool(w.Begin(3), true))
	if got, want := hex.EncodeToString(w.Finish()), "0401080000000000000007030101040101c801020203"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// TestMalformedTags has every way in which a tag section can be wrong, and what a lenient
// reader makes of it.
func TestMalformedTags(t *testing.T) {
	type result struct {
		name    string
		number  int32
		unknown string
	}
	for _, row := range []struct {
		name    string
		hex     string
		err     kbin.Error // Reason may be a part
		lenient *result    // nil if it is an error too
	}{
		{"out of order", "02 05 01 aa 02 01 bb", kbin.Error{Offset: 6, Size: 7, Reason: "tag 2 after tag 5"},
			&result{"", 0, "02=bb 05=aa"}},
		{"a number twice", "02 05 01 aa 05 01 bb", kbin.Error{Offset: 6, Size: 7, Reason: "tag 5 after tag 5"},
			&result{"", 0, "05=bb"}}, // the last counts, as with known ones
		{"a known number twice", "02 01 02 0261 01 02 0262", kbin.Error{Offset: 7, Size: 9, Reason: "tag 1 after tag 1"},
			&result{"b", 0, ""}},
		{"an unknown one after a known one of a higher number", "02 03 04 00000007 00 01 aa", kbin.Error{Offset: 9, Size: 10, Reason: "tag 0 after tag 3"},
			&result{"", 7, "00=aa"}},
		{"bytes left in a field", "02 01 04 0261 ffff 03 04 00000007", kbin.Error{Offset: 5, Size: 13, Reason: "2 bytes after the end of a tagged field"},
			&result{"a", 7, ""}}, // the next field starts where the size says
		{"a field that needs more than its size", "02 03 02 0000 05 02 0007", kbin.Error{Offset: 3, Size: 9, Reason: "2 bytes remain, more are needed", Short: true}, nil},
		{"a string that reaches beyond its field", "02 01 02 0361 05 02 6200", kbin.Error{Offset: 4, Size: 9, Reason: "a string of 2 bytes where 1 remain", Short: true}, nil},
		{"a size beyond the rest", "01 05 03 aabb", kbin.Error{Offset: 3, Size: 5, Reason: "a tagged field of 3 bytes where 2 remain", Short: true}, nil},
		{"a size beyond int32", "01 05 ffffffff0f aabb", kbin.Error{Offset: 7, Size: 9, Reason: "a tagged field of 4294967295 bytes where 2 remain", Short: true}, nil},
		{"more fields than fit", "03 0500 06", kbin.Error{Offset: 1, Size: 4, Reason: "3 tagged fields where 3 bytes remain", Short: true}, nil},
		{"the highest count", "ffffffff0f", kbin.Error{Offset: 5, Size: 5, Reason: "4294967295 tagged fields where 0 bytes remain", Short: true}, nil},
		{"no count", "", kbin.Error{Reason: "0 bytes remain", Short: true}, nil},
		{"a broken count", "ffffffffff", kbin.Error{Offset: 5, Size: 5, Reason: "a varint of more than 32 bits"}, nil},
		{"a broken number", "02 ffffffff1f 00", kbin.Error{Offset: 6, Size: 7, Reason: "a varint of more than 32 bits"}, nil},
		{"a broken size", "02 05 ffffffff1f 00", kbin.Error{Offset: 7, Size: 8, Reason: "a varint of more than 32 bits"}, nil},
		{"a number and no size", "01 8001", kbin.Error{Offset: 3, Size: 3, Reason: "0 bytes remain", Short: true}, nil},
		{"an error in the second field keeps the first", "02 01 02 0261 03 01 00", kbin.Error{Offset: 7, Size: 8, Reason: "1 bytes remain", Short: true}, nil},
	} {
		t.Run(row.name, func(t *testing.T) {
			b := unhex(t, row.hex)
			var m tagged
			r := kbin.NewReader(b)
			m.read(r)
			checkError(t, r, &row.err)
			if got := r.Int64(); got != 0 || r.Len() != 0 || r.Offset() != len(b) {
				t.Errorf("behind the section: got %d, Len %d, Offset %d, want 0, 0, %d", got, r.Len(), r.Offset(), len(b))
			}

			r = &kbin.Reader{Lenient: true}
			r.Reset(b)
			m.read(r)
			if row.lenient == nil {
				checkError(t, r, &row.err)
				return
			}
			if err := r.Finish(); err != nil {
				t.Errorf("lenient: got error %v, want none", err)
			}
			var unknown []string
			for _, u := range m.unknown.All() {
				unknown = append(unknown, fmt.Sprintf("%02d=%x", u.Number, u.Data))
			}
			if got := (result{m.name, m.number, strings.Join(unknown, " ")}); got != *row.lenient {
				t.Errorf("lenient: got %+v, want %+v", got, *row.lenient)
			}
		})
	}
}

// TestFlexTags: what is read and checked by whether the version has tag sections.
func TestFlexTags(t *testing.T) {
	two := kbin.NewTags(tag(0, "aa"), tag(3, ""))
	for _, row := range []struct {
		name string
		flex bool
		hex  string
		want kbin.Tags
	}{
		{"not flexible", false, "", kbin.Tags{}},
		{"none", true, "00", kbin.Tags{}},
		{"two", true, "02 0001aa 0300", two},
	} {
		for _, before := range []kbin.Tags{{}, kbin.NewTags(tag(7, "bb"))} { // which must not stay
			got := before.Clone()
			r := kbin.NewReader(unhex(t, row.hex))
			r.FlexTags(&got, row.flex)
			if err := r.Finish(); err != nil || !got.Equal(row.want) {
				t.Errorf("%s after %v: got %v, %v, want %v", row.name, before, got, err, row.want)
			}
		}
	}
	r := kbin.NewReader(nil)
	var tags kbin.Tags
	if r.FlexTags(&tags, true); r.Finish() == nil {
		t.Error("a section that is not there: got no error")
	}
	for _, row := range []struct {
		tags  kbin.Tags
		flex  bool
		known uint64
		want  bool
	}{
		{kbin.Tags{}, false, 0, true},
		{two, false, 0, false},
		{two, true, 0b0110, true},
		{two, true, 0b1000, false}, // the version has a field of that number
	} {
		if got := kbin.TagsFit(row.tags, row.flex, row.known); got != row.want {
			t.Errorf("TagsFit(%v, %t, %b): got %t, want %t", row.tags, row.flex, row.known, got, row.want)
		}
	}
}

// TestLenientTagsAnyOrder: a lenient reader sorts what it keeps, so that it is written back
// as the protocol demands; of two with one number the last counts.
func TestLenientTagsAnyOrder(t *testing.T) {
	r := &kbin.Reader{Lenient: true}
	r.Reset(unhex(t, "07 0901aa 0201bb 0501cc 0901dd 0001ee 6401ff 0501ab"))
	var tags kbin.Tags
	r.Tags(&tags)
	if err := r.Finish(); err != nil {
		t.Fatal(err)
	}
	want := []kbin.Tag{tag(0, "ee"), tag(2, "bb"), tag(5, "ab"), tag(9, "dd"), tag(100, "ff")}
	if d := cmp.Diff(tags.All(), want); d != "" {
		t.Errorf("(-got +want):\n%s", d)
	}
	if got, want := hex.EncodeToString(kbin.AppendTags(nil, tags)), "050001ee0201bb0501ab0901dd6401ff"; got != want {
		t.Errorf("written: got %s, want %s", got, want)
	}
}

// TestTagSectionInTaggedField: a section inside a field is confined to it, and errors tell
// the place in the whole input.
func TestTagSectionInTaggedField(t *testing.T) {
	read := func(r *kbin.Reader) (inner []uint32, after int32) {
		for s := r.TagSection(); s.Next(); {
			for s := r.TagSection(); s.Next(); {
				for s := r.TagSection(); s.Next(); {
					_ = r.Int8()
					inner = append(inner, s.Number)
				}
			}
		}
		return inner, r.Int32()
	}
	for _, row := range []struct {
		name string
		hex  string
		err  *kbin.Error
	}{
		// The first level has a field of 13 bytes, which has two, each of which has one.
		{"well-formed", "01 00 0d  02 00 04 01 07 01 ff  01 04 01 08 01 ee  00000009", nil},
		{"too short in the third level", "01 00 0d  02 00 04 01 07 00 ff  01 04 01 08 01 ee  00000009",
			&kbin.Error{Offset: 9, Size: 20, Reason: "0 bytes remain, more are needed", Short: true}},
		{"too long in the third level", "01 00 0e  02 00 04 01 07 01 ff  01 05 01 08 02 eedd  00000009",
			&kbin.Error{Offset: 16, Size: 21, Reason: "1 bytes after the end of a tagged field"}},
		{"too many in the second level", "01 00 0d  08 00 04 01 07 01 ff  01 04 01 08 01 ee  00000009",
			&kbin.Error{Offset: 4, Size: 20, Reason: "8 tagged fields where 12 bytes remain", Short: true}},
		{"a size of the second level beyond the first", "01 00 0d  02 00 04 01 07 01 ff  01 05 01 08 01 ee  00000009",
			&kbin.Error{Offset: 12, Size: 20, Reason: "a tagged field of 5 bytes where 4 remain", Short: true}},
	} {
		t.Run(row.name, func(t *testing.T) {
			r := kbin.NewReader(unhex(t, row.hex))
			inner, after := read(r)
			if row.err != nil {
				checkError(t, r, row.err)
				if after != 0 || r.Len() != 0 {
					t.Errorf("behind the section: got %d and Len %d, want 0, 0", after, r.Len())
				}
				return
			}
			if d := cmp.Diff(inner, []uint32{7, 8}); d != "" || after != 9 || r.Finish() != nil {
				t.Errorf("got %v, then %d, error %v, want [7 8], 9, none", inner, after, r.Finish())
			}
		})
	}
}

// TestTagViews: what a tag holds is a view of the input; a clone has its own.
func TestTagViews(t *testing.T) {
	b := unhex(t, "01 05 02 aabb")
	var tags kbin.Tags
	kbin.NewReader(b).Tags(&tags)
	clone := tags.Clone()
	clear(b[3:])
	if got, _ := tags.Get(5); !bytes.Equal(got, []byte{0, 0}) {
		t.Errorf("view after the input changed: got %x, want 0000", got)
	}
	if got, _ := clone.Get(5); !bytes.Equal(got, []byte{0xaa, 0xbb}) {
		t.Errorf("clone after the input changed: got %x, want aabb", got)
	}
	clone.Set(6, []byte{1})
	if got := tags.Len(); got != 1 {
		t.Errorf("tags after its clone got another: got %d, want 1", got)
	}
	if got := (kbin.Tags{}).Clone(); got.Len() != 0 {
		t.Errorf("clone of none: got %v, want none", got)
	}
}

// TestTagsDoNotLeak: reading into a value of before keeps nothing of it, and does not write
// into memory that somebody may still hold.
func TestTagsDoNotLeak(t *testing.T) {
	var tags kbin.Tags
	r := kbin.NewReader(unhex(t, "02 05 01 aa 06 01 bb"))
	r.Tags(&tags)
	held := tags.All()
	r.Reset(unhex(t, "01 07 01 cc"))
	r.Tags(&tags)
	if d := cmp.Diff(tags.All(), []kbin.Tag{tag(7, "cc")}); d != "" {
		t.Errorf("(-got +want):\n%s", d)
	}
	if d := cmp.Diff(held, []kbin.Tag{tag(5, "aa"), tag(6, "bb")}); d != "" {
		t.Errorf("tags from before (-got +want):\n%s", d)
	}
	r.Reset([]byte{0})
	r.Tags(&tags)
	if tags.Len() != 0 || r.Finish() != nil {
		t.Errorf("after a section without tags: got %v and error %v, want none", tags, r.Err())
	}
}

func TestTagsSetAndGet(t *testing.T) {
	var tags kbin.Tags
	if _, ok := tags.Get(0); ok || tags.Len() != 0 || tags.All() != nil {
		t.Errorf("the zero value: got %v, want no tags", tags)
	}
	for _, number := range []uint32{5, 0, 1 << 31, 2} {
		tags.Set(number, []byte{byte(number)})
	}
	tags.Set(2, []byte("again"))
	var numbers []uint32
	for _, u := range tags.All() {
		numbers = append(numbers, u.Number)
	}
	if d := cmp.Diff(numbers, []uint32{0, 2, 5, 1 << 31}); d != "" {
		t.Errorf("numbers (-got +want):\n%s", d)
	}
	for number, want := range map[uint32]string{0: "\x00", 2: "again", 5: "\x05", 1 << 31: "\x00"} {
		if got, ok := tags.Get(number); !ok || string(got) != want {
			t.Errorf("Get(%d): got %q, %v, want %q", number, got, ok, want)
		}
	}
	for _, number := range []uint32{1, 3, 1<<32 - 1} {
		if got, ok := tags.Get(number); ok || got != nil {
			t.Errorf("Get(%d): got %q, %v, want none", number, got, ok)
		}
	}
	if got, want := tags.String(), "[0: 1 bytes, 2: 5 bytes, 5: 1 bytes, 2147483648: 1 bytes]"; got != want {
		t.Errorf("String: got %s, want %s", got, want) // sizes only: what unknown tags hold may be secret
	}
	if got, want := (kbin.Tags{}).String(), "[]"; got != want {
		t.Errorf("String of none: got %s, want %s", got, want)
	}
}

func TestTagsEqual(t *testing.T) {
	none, one := kbin.Tags{}, kbin.NewTags(tag(1, "aa"))
	for _, row := range []struct {
		a, b kbin.Tags
		want bool
	}{
		{none, none, true},
		{none, kbin.NewTags(), true},
		{one, kbin.NewTags(tag(1, "bb"), tag(1, "aa")), true}, // the last of a number counts
		{one, none, false},
		{one, kbin.NewTags(tag(2, "aa")), false},
		{one, kbin.NewTags(tag(1, "ab")), false},
		{one, kbin.NewTags(tag(1, "aa"), tag(2, "")), false},
		{kbin.NewTags(tag(1, "")), kbin.NewTags(kbin.Tag{Number: 1}), true}, // empty is empty
	} {
		if got := row.a.Equal(row.b); got != row.want {
			t.Errorf("%v and %v: got %v, want %v", row.a, row.b, got, row.want)
		}
		if got := row.b.Equal(row.a); got != row.want {
			t.Errorf("%v and %v: got %v, want %v", row.b, row.a, got, row.want)
		}
	}
}

func TestTagsFit(t *testing.T) {
	for _, row := range []struct {
		tags  kbin.Tags
		flex  bool
		known uint64
		want  bool
	}{
		{kbin.Tags{}, false, 0, true},
		{kbin.Tags{}, true, 1<<64 - 1, true},
		{kbin.NewTags(tag(5, "")), false, 0, false}, // such a version has no tags
		{kbin.NewTags(tag(5, "")), true, 0, true},
		{kbin.NewTags(tag(5, "")), true, 1 << 4, true},
		{kbin.NewTags(tag(5, "")), true, 1 << 5, false}, // the version has a field for it
		{kbin.NewTags(tag(4, ""), tag(9, "")), true, 1<<9 | 1, false},
		{kbin.NewTags(tag(63, "")), true, 1 << 63, false},
		{kbin.NewTags(tag(64, "")), true, 1<<64 - 1, true}, // no struct knows that many
		{kbin.NewTags(tag(1<<32-1, "")), true, 1<<64 - 1, true},
	} {
		if got := row.tags.Fits(row.flex, row.known); got != row.want {
			t.Errorf("%v, flex %v, known %b: got %v, want %v", row.tags, row.flex, row.known, got, row.want)
		}
	}
}

// section writes count fields of no content, as numbers say.
func section(count int, number func(i int) uint32) []byte {
	b := kbin.AppendUvarint(nil, uint32(count))
	for i := range count {
		b = append(kbin.AppendUvarint(b, number(i)), 0)
	}
	return b
}

// TestTagAllocations: a Tag takes 32 bytes and a tagged field at least two, so nobody can
// make us allocate more than 16 bytes for one of theirs.
func TestTagAllocations(t *testing.T) {
	const n = 1 << 14
	claim := kbin.AppendUvarint(nil, n)                           // of n fields ...
	claim = append(claim, 5, 0)                                   // ... that has one ...
	claim = append(claim, bytes.Repeat([]byte{0xff}, 2*(n-1))...) // ... and is broken then
	endless := append(kbin.AppendUvarint(nil, 1<<31), make([]byte, 4*n)...)
	for _, row := range []struct {
		name string
		in   []byte
	}{
		{"ascending", section(n, func(i int) uint32 { return uint32(i) })},
		{"descending", section(n, func(i int) uint32 { return uint32(n - i) })},
		{"all the same", section(n, func(int) uint32 { return 0 })},
		{"back and forth", section(n, func(i int) uint32 { return uint32(i%2*n + i) })},
		{"broken after the first", claim},
		{"more than there are", endless},
	} {
		for _, lenient := range []bool{false, true} {
			r := &kbin.Reader{Lenient: lenient}
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			var tags kbin.Tags
			r.Reset(row.in)
			r.Tags(&tags)
			runtime.ReadMemStats(&after)
			const constant = 4 << 10
			if got, limit := after.TotalAlloc-before.TotalAlloc, uint64(16*len(row.in)+constant); got > limit {
				t.Errorf("%s, lenient %v: %d bytes of input took %d bytes, %d for one, want at most 16", row.name, lenient, len(row.in), got, got/uint64(len(row.in)))
			}
		}
	}
}

// TestManyLenientTags: sorting what a lenient reader takes in any order must not become
// slow for many of them. With an insertion for each, these would take minutes.
func TestManyLenientTags(t *testing.T) {
	const n = 1 << 19
	in := section(n, func(i int) uint32 { return uint32(n - i) })
	r := &kbin.Reader{Lenient: true}
	r.Reset(in)
	var tags kbin.Tags
	r.Tags(&tags)
	if err := r.Finish(); err != nil {
		t.Fatal(err)
	}
	if all := tags.All(); len(all) != n || all[0].Number != 1 || all[n-1].Number != n {
		t.Errorf("got %d tags, want %d in order", len(all), n)
	}
}

// TestNoTagsNoAllocation: nearly all structs have none.
func TestNoTagsNoAllocation(t *testing.T) {
	in := make([]byte, 8)
	r := kbin.NewReader(in)
	var m tagged
	var dst []byte
	if got := testing.AllocsPerRun(100, func() {
		r.Reset(in)
		for range in {
			r.Tags(&m.unknown)
		}
		r.Reset(in)
		m.read(r)
		dst = m.append(kbin.AppendTags(dst[:0], m.unknown))
	}); got != 0 {
		t.Errorf("got %v allocations, want 0", got)
	}
	if !bytes.Equal(dst, []byte{0, 0}) {
		t.Errorf("written: got %x, want 0000", dst)
	}
}
