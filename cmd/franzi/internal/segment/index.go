package segment

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// An Index checks the entries of an offset index, the .index file beside a segment, as the
// batches of the segment are read. Each entry says that whoever looks for its offset, or one
// after it, may start to read at its position: a batch must begin there, and all before it
// must have lower offsets. The file may end in zeros.
type Index struct {
	Entries int
	Bad     int

	in     *bufio.Reader
	report func(problem string)
	base   int64

	entry         entry // the next one to be checked
	some          bool  // whether there is one
	first         bool
	offset        int64 // of the entry before
	position      int64
	start, behind int64 // of the last batch, and the position behind it
	last          int64 // the highest offset so far
	batches       bool
}

// An entry is eight bytes of an index.
type entry struct{ offset, position int64 }

// NewIndex returns a check of an index whose offsets count from base, the number in the names
// of index and segment. It calls report for each entry that is wrong.
func NewIndex(in io.Reader, base int64, report func(problem string)) *Index {
	return &Index{in: bufio.NewReader(in), report: report, base: base, first: true}
}

// Batch checks the entries that point at a batch, or before it. The error is that of reading.
func (x *Index) Batch(b *Item) error {
	for {
		if err := x.read(); err != nil || !x.some || x.entry.position > b.Position {
			x.start, x.behind, x.batches = b.Position, b.Position+b.Size, true
			x.last = max(x.last, b.Batch.LastOffset())
			return err
		}
		switch e := x.entry; {
		case e.position < b.Position:
			x.stray()
		case x.batches && e.offset <= x.last:
			x.bad("its batch begins at offset %d, but offsets up to %d stand before it", b.Batch.BaseOffset, x.last)
		}
		x.some = false
	}
}

// End checks what is left after the last batch.
func (x *Index) End() error {
	for {
		if err := x.read(); err != nil || !x.some {
			return err
		}
		x.stray()
		x.some = false
	}
}

// stray reports an entry that points at no batch.
func (x *Index) stray() {
	switch p := x.entry.position; {
	case x.batches && p > x.start && p < x.behind:
		x.bad("it points into the batch at position %d", x.start)
	default:
		x.bad("no batch begins there")
	}
}

func (x *Index) bad(format string, args ...any) {
	x.Bad++
	x.report(fmt.Sprintf("entry %d (offset %d at position %d): ", x.Entries, x.entry.offset, x.entry.position) + fmt.Sprintf(format, args...))
}

// read reads the next entry that goes on from the one before it, unless there is one already.
func (x *Index) read() error {
	for !x.some {
		var b [8]byte
		n, err := io.ReadFull(x.in, b[:])
		switch {
		case errors.Is(err, io.ErrUnexpectedEOF):
			x.Bad++
			x.report(fmt.Sprintf("%d bytes after entry %d are no entry", n, x.Entries))
			return nil
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
		e := entry{x.base + int64(int32(binary.BigEndian.Uint32(b[:]))), int64(int32(binary.BigEndian.Uint32(b[4:])))}
		if e == (entry{x.base, 0}) {
			return x.padding()
		}
		x.Entries++
		x.entry = e
		if !x.first && (e.offset <= x.offset || e.position <= x.position) {
			x.bad("it does not go on from offset %d at position %d", x.offset, x.position)
			continue
		}
		x.some, x.first = true, false
		x.offset, x.position = e.offset, e.position
	}
	return nil
}

// padding goes over the zeros at the end: indexes are made as large as they may become.
func (x *Index) padding() error {
	for n := 1; ; n++ {
		var b [8]byte
		_, err := io.ReadFull(x.in, b[:])
		switch {
		case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
			return nil
		case err != nil:
			return err
		case b != [8]byte{}:
			x.Bad++
			x.report(fmt.Sprintf("after entry %d come %d of zeros, and then others", x.Entries, n))
			_, err := io.Copy(io.Discard, x.in)
			return err
		}
	}
}
