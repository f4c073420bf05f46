package kbin

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// A Tag is a tagged field as it stands on the wire: a number and what it holds.
type Tag struct {
	Number uint32
	Data   []byte
}

// Tags are the tagged fields of a struct that its definition does not know: they are kept
// as they came and written back. The zero value has none and takes one word. The numbers
// ascend.
//
// Tags cannot be compared with ==, and so neither can structs of messages: those that can
// today could not when Kafka adds an array to them.
type Tags struct {
	_    [0]func()
	list *[]Tag // nil without tags
}

// NewTags returns the given tags, sorted. Of two with the same number the last counts.
func NewTags(tags ...Tag) Tags {
	var t Tags
	for _, tag := range tags {
		t.Set(tag.Number, tag.Data)
	}
	return t
}

// Len returns how many tags there are.
func (t Tags) Len() int { return len(t.All()) }

// All returns the tags in ascending order. They belong to t.
func (t Tags) All() []Tag {
	if t.list == nil {
		return nil
	}
	return *t.list
}

// Get returns the data of a tag, and whether it is there.
func (t Tags) Get(number uint32) ([]byte, bool) {
	i, found := t.find(number)
	if !found {
		return nil, false
	}
	return t.All()[i].Data, true
}

// Set adds a tag or replaces its data. Copies of t see it too.
func (t *Tags) Set(number uint32, data []byte) {
	i, found := t.find(number)
	if found {
		(*t.list)[i].Data = data
		return
	}
	if t.list == nil {
		t.list = new([]Tag)
	}
	*t.list = slices.Insert(*t.list, i, Tag{number, data})
}

func (t Tags) find(number uint32) (int, bool) {
	return slices.BinarySearchFunc(t.All(), number, func(tag Tag, n uint32) int { return cmp.Compare(tag.Number, n) })
}

// Clone returns a copy that shares no memory with t.
func (t Tags) Clone() Tags {
	if t.list == nil {
		return Tags{}
	}
	list := slices.Clone(*t.list)
	for i := range list {
		list[i].Data = slices.Clone(list[i].Data)
	}
	return Tags{list: &list}
}

// Equal reports whether t and u have the same tags with the same data.
func (t Tags) Equal(u Tags) bool {
	return slices.EqualFunc(t.All(), u.All(), func(a, b Tag) bool { return a.Number == b.Number && bytes.Equal(a.Data, b.Data) })
}

// String shows the numbers and sizes of the tags.
func (t Tags) String() string {
	parts := make([]string, 0, t.Len())
	for _, tag := range t.All() {
		parts = append(parts, fmt.Sprintf("%d: %d bytes", tag.Number, len(tag.Data)))
	}
	return "[" + strings.Join(parts, ", ") + "]"
}

// Fits reports whether a version can carry the tags: it has tag sections, and a field of
// its own for none of the numbers. Known has a bit for each field it has.
func (t Tags) Fits(flex bool, known uint64) bool { return t.list == nil || t.fit(flex, known) }

//go:noinline
func (t Tags) fit(flex bool, known uint64) bool {
	if len(*t.list) == 0 {
		return true
	}
	if !flex {
		return false
	}
	for _, tag := range *t.list {
		if tag.Number < 64 && known>>tag.Number&1 != 0 {
			return false
		}
	}
	return true
}

// TagsFit is Fits for where it is called rarely. It does not inline.
//
//go:noinline
func TagsFit(t Tags, flex bool, known uint64) bool { return t.Fits(flex, known) }

// AppendTags appends the tag section of a struct that has no tagged fields of its own.
func AppendTags(dst []byte, t Tags) []byte {
	if t.list == nil {
		return append(dst, 0)
	}
	return appendSome(dst, t)
}

func appendSome(dst []byte, t Tags) []byte {
	w := t.Writer(dst, len(*t.list))
	return w.Finish()
}

// A TagWriter writes a tag section with known fields between unknown ones. It is for
// generated code.
type TagWriter struct {
	dst     []byte
	unknown []Tag // not written yet
}

// Writer begins a tag section of count fields, unknown ones included.
//
//go:noinline
func (t Tags) Writer(dst []byte, count int) TagWriter {
	return TagWriter{dst: AppendUvarint(dst, uint32(count)), unknown: t.All()}
}

// Begin begins a field: the caller appends what it holds to the slice that Begin returns,
// and hands the result to End. Numbers ascend.
func (w *TagWriter) Begin(number uint32) []byte {
	for len(w.unknown) > 0 && w.unknown[0].Number < number {
		w.next()
	}
	w.dst = append(AppendUvarint(w.dst, number), 0)
	return w.dst
}

// End ends a field. Its size was not known at the beginning, where there is a byte of room
// for it: more of them move what the field holds.
func (w *TagWriter) End(dst []byte) {
	start := len(w.dst)
	size := uint32(len(dst) - start)
	if size >= 0x80 {
		more := UvarintLen(size) - 1
		dst = append(dst, zeros[:more]...)
		copy(dst[start+more:], dst[start:len(dst)-more])
	}
	AppendUvarint(dst[:start-1], size)
	w.dst = dst
}

// Finish writes the unknown fields that are left and returns the whole.
//
//go:noinline
func (w *TagWriter) Finish() []byte {
	for len(w.unknown) > 0 {
		w.next()
	}
	return w.dst
}

func (w *TagWriter) next() {
	tag := w.unknown[0]
	w.unknown = w.unknown[1:]
	w.dst = AppendUvarint(w.dst, tag.Number)
	w.dst = AppendUvarint(w.dst, uint32(len(tag.Data)))
	w.dst = append(w.dst, tag.Data...)
}

// Tags reads the tag section of a struct that has no tagged fields of its own.
func (r *Reader) Tags(t *Tags) {
	if r.off < len(r.buf) && r.buf[r.off] == 0 && t.list == nil {
		r.off++
		return
	}
	r.tags(t)
}

// FlexTags reads the tag section if flex, else there are no tags.
func (r *Reader) FlexTags(t *Tags, flex bool) {
	switch {
	case !flex:
		t.list = nil
	case r.off < len(r.buf) && r.buf[r.off] == 0 && t.list == nil:
		r.off++
	default:
		r.tags(t)
	}
}

func (r *Reader) tags(t *Tags) {
	t.list = nil
	for s := r.TagSection(); s.Next(); {
		s.Unknown(t)
	}
}

// HasTags is false if the tag section that comes next is a zero, as nearly all are, and moves past
// it. What else there is, or is not, [Reader.TagSection] will tell.
func (r *Reader) HasTags() bool {
	if r.off < len(r.buf) && r.buf[r.off] == 0 {
		r.off++
		return false
	}
	return true
}

// A TagSection walks the tagged fields at the end of a struct:
//
//	for s := r.TagSection(); s.Next(); {
//		switch s.Number {
//		case 0:
//			m.ClusterID = r.CompactString()
//		default:
//			s.Unknown(&m.UnknownTags)
//		}
//	}
//
// While a field is read the reader is confined to it. A strict reader demands that numbers
// ascend and that fields are read to their end; a lenient one takes any order and skips.
type TagSection struct {
	Number uint32 // of the field that Next began

	r         *Reader
	left      int
	last      int64  // number of the field before, -1 at first
	rest      []byte // the reader's bytes beyond the field
	open      bool
	unordered bool   // a lenient reader met a number after a higher one, or twice
	kept      *[]Tag // what Unknown keeps
}

// TagSection reads how many tagged fields follow.
func (r *Reader) TagSection() TagSection {
	s := TagSection{r: r, last: -1}
	n := r.Uvarint()
	if remain := min(len(r.buf)-r.off, r.room); int64(n)*2 > int64(remain) {
		r.fail(true, "%d tagged fields where %d bytes remain", n, remain)
		return s
	}
	r.room -= 2 * int(n)
	s.left = int(n)
	return s
}

// Next ends the field before and begins the next one. It is false after the last one, and
// after an error.
func (s *TagSection) Next() bool {
	if s.open {
		s.end()
	}
	if s.left > 0 && s.begin() {
		return true
	}
	s.left = 0
	if s.unordered && s.kept != nil {
		*s.kept = inOrder(*s.kept)
		s.kept = nil
	}
	return false
}

func (s *TagSection) begin() bool {
	s.left--
	r := s.r
	number, size := r.Uvarint(), r.Uvarint()
	switch remain := len(r.buf) - r.off; {
	case r.err != nil:
	case int64(number) <= s.last && !r.Lenient:
		r.fail(false, "tag %d after tag %d", number, s.last)
	case int64(size) > int64(remain):
		r.fail(true, "a tagged field of %d bytes where %d remain", size, remain)
	}
	if r.err != nil {
		return false
	}
	s.unordered = s.unordered || int64(number) <= s.last
	s.Number, s.last, s.open = number, int64(number), true
	s.rest, r.buf = r.buf, r.buf[:r.off+int(size)]
	return true
}

func (s *TagSection) end() {
	r := s.r
	s.open = false
	if r.err == nil && r.off < len(r.buf) && !r.Lenient {
		r.fail(false, "%d bytes after the end of a tagged field", len(r.buf)-r.off)
	}
	r.off, r.buf = len(r.buf), s.rest
	if r.err != nil {
		s.left = 0
		r.err.Size = len(r.buf)
		r.off = len(r.buf)
	}
}

// Unknown keeps the field as it is.
func (s *TagSection) Unknown(t *Tags) {
	data := s.r.Rest()
	if s.r.err != nil {
		return
	}
	if t.list == nil {
		list := make([]Tag, 0, s.left+1)
		t.list = &list
	}
	*t.list = append(*t.list, Tag{s.Number, data})
	s.kept = t.list
}

// inOrder sorts tags that came in any order. Of two with the same number the last counts.
// Inserting each where it belongs would take the square of their number.
func inOrder(list []Tag) []Tag {
	slices.SortStableFunc(list, func(a, b Tag) int { return cmp.Compare(a.Number, b.Number) })
	n := 0
	for i, tag := range list {
		if i+1 < len(list) && list[i+1].Number == tag.Number {
			continue
		}
		list[n] = tag
		n++
	}
	return list[:n]
}
