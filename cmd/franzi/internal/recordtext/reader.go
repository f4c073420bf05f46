package recordtext

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strconv"

	"github.com/franzi-kafka/franzi/kgo"
)

// A Reader reads records that are written in a [Format].
type Reader struct {
	format *Format
	in     *bufio.Reader
	line   int // of input, or number of the record if the format has several lines or none
	buf    []byte
}

// NewReader returns a reader of records. The error says why a format does not tell where its fields
// end.
func NewReader(in io.Reader, f *Format) (*Reader, error) {
	sized := map[byte]bool{}
	for i, it := range f.items {
		switch it.field {
		case 'K':
			sized['k'] = true
		case 'V':
			sized['v'] = true
		}
		if it.field == 0 || sized[it.field] {
			continue
		}
		if i+1 == len(f.items) || f.items[i+1].field != 0 {
			return nil, fmt.Errorf("nothing says where %%%c ends: put text behind it, or its size before it", it.field)
		}
	}
	return &Reader{format: f, in: bufio.NewReaderSize(in, 64<<10)}, nil
}

var errLong = errors.New("too long")

// Read reads the next record, into memory of its own. What the format lacks is "" in Topic, -1 in
// Partition and Offset, zero in Timestamp, nil in Key and Value. At the end it returns [io.EOF], and
// for what is wrong an *[Error].
func (d *Reader) Read(r *kgo.Record) error {
	if _, err := d.in.Peek(1); err != nil {
		return err
	}
	d.line++
	*r = kgo.Record{Partition: -1, Offset: -1, LeaderEpoch: -1}
	size := map[byte]int{}
	items := d.format.items
	for i := 0; i < len(items); i++ {
		it := items[i]
		if it.field == 0 {
			if err := d.text(it.text, i == len(items)-1); err != nil {
				return err
			}
			continue
		}
		b, n := d.buf[:0], 0
		var err error
		if known, ok := size[it.field]; ok {
			if known < 0 {
				continue // null
			}
			if b, err = readN(d.in, b, known); err != nil {
				return d.ended(err, it.field)
			}
		} else {
			i++ // the text that ends it
			end := items[i].text
			b, err = readUntil(d.in, b, end, lineMax)
			n = len(end)
			switch {
			case err == io.EOF && i == len(items)-1:
				n = 0 // the last line has no end
			case err != nil:
				return d.ended(err, it.field)
			}
		}
		d.buf = b
		b = b[:len(b)-n]
		if it.field == 'K' || it.field == 'V' {
			n, err := strconv.ParseInt(string(b), 10, 32)
			if err != nil || n < -1 || n > lineMax {
				return d.wrong(fmt.Sprintf("%q is no size", b))
			}
			size[it.field-'A'+'a'] = int(n)
			continue
		}
		if err := d.format.set(r, it.field, b); err != nil {
			return d.wrong(err.Error())
		}
	}
	return nil
}

// text reads text that must be there, but for the last at the end of the input.
func (d *Reader) text(want string, last bool) error {
	b, err := readN(d.in, d.buf[:0], len(want))
	d.buf = b
	switch {
	case err == nil && string(b) == want, last && len(b) == 0 && err != nil:
		return nil
	case err != nil && err != io.EOF && err != io.ErrUnexpectedEOF:
		return err
	}
	return d.wrong(fmt.Sprintf("%q stands where the format has %q", b, want))
}

func (d *Reader) wrong(reason string) error { return &Error{Line: d.line, Reason: reason} }

// ended says that a field has no end.
func (d *Reader) ended(err error, field byte) error {
	switch err {
	case io.EOF, io.ErrUnexpectedEOF:
		return d.wrong(fmt.Sprintf("the input ends in %%%c", field))
	case errLong:
		return d.wrong(fmt.Sprintf("%%%c is longer than any record", field))
	}
	return err
}

// readN appends n bytes to dst, growing it as they come.
func readN(in *bufio.Reader, dst []byte, n int) ([]byte, error) {
	for n > 0 {
		b, err := in.Peek(min(n, in.Size()))
		dst = append(dst, b...)
		in.Discard(len(b))
		if n -= len(b); err != nil {
			return dst, err
		}
	}
	return dst, nil
}

// readUntil appends to dst what comes up to and with a text that ends it.
func readUntil(in *bufio.Reader, dst []byte, end string, limit int) ([]byte, error) {
	last := end[len(end)-1]
	for {
		b, err := in.ReadSlice(last)
		dst = append(dst, b...)
		switch {
		case err == nil && equalEnd(dst, end):
			return dst, nil
		case len(dst) > limit:
			return dst, errLong
		case err != nil && err != bufio.ErrBufferFull:
			return dst, err
		}
	}
}
