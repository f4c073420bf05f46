package compress

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"

	"github.com/klauspost/compress/gzip"
)

const (
	// gzipDefault is 1.3 times slower than level 4 for a tenth fewer bytes; from 7 on, twice the
	// time saves 3 %.
	gzipDefault = 5
	// gzipRatio is the most that deflate makes of a byte.
	gzipRatio = 1032
)

// appender is the writer that a slice lacks.
type appender struct{ b []byte }

func (a *appender) Write(p []byte) (int, error) {
	a.b = append(a.b, p...)
	return len(p), nil
}

type gzipWriter struct {
	to appender
	z  *gzip.Writer
}

func (c *Codecs) gzip(dst, src []byte, level int) ([]byte, error) {
	if level <= 0 {
		level = gzipDefault
	}
	w := c.gzipWriters[level].take()
	if w == nil {
		w = new(gzipWriter)
		z, err := gzip.NewWriterLevel(&w.to, level)
		if err != nil {
			return nil, err
		}
		w.z = z
	}
	w.to.b = dst
	w.z.Reset(&w.to)
	_, err := w.z.Write(src)
	err = errors.Join(err, w.z.Close())
	dst, w.to.b = w.to.b, nil
	c.gzipWriters[level].give(w)
	return dst, err
}

type gzipReader struct {
	from  bytes.Reader
	z     gzip.Reader
	one   [1]byte
	base  int // where the output begins
	limit int // of its size
	guess int // of its size
}

func (c *Codecs) gunzip(dst, src []byte, limit int) ([]byte, error) {
	r := c.gzipReaders.take()
	if r == nil {
		r = new(gzipReader)
	}
	r.from.Reset(src)
	r.base, r.limit, r.guess = len(dst), limit, predictGzip(src, c.ratios[Gzip].of(len(src)))
	dst, err := r.members(dst)
	r.from.Reset(nil)
	c.gzipReaders.give(r)
	return dst, err
}

// members reads one member after the other. Like Java's reader it ignores what follows the last
// one and begins no other.
func (r *gzipReader) members(dst []byte) ([]byte, error) {
	for first := true; r.from.Len() > 0 || first; first = false {
		if err := r.z.Reset(&r.from); err != nil {
			if first {
				return nil, gzipError(err)
			}
			break
		}
		r.z.Multistream(false)
		var err error
		if dst, err = r.member(dst); err != nil {
			return nil, err
		}
	}
	return dst, nil
}

// member reads to the end of a member, into the room that dst has, and more if there is more.
func (r *gzipReader) member(dst []byte) ([]byte, error) {
	for {
		left := r.limit - (len(dst) - r.base)
		to := dst[len(dst) : len(dst)+min(cap(dst)-len(dst), left)]
		full := len(to) == 0
		if full {
			to = r.one[:] // is there more at all?
		}
		n, err := r.z.Read(to)
		switch {
		case n > 0 && left == 0:
			return nil, ErrLimit
		case n > 0 && full:
			dst = append(growTo(dst, r.base, r.guess, 1, left), r.one[0])
		default:
			dst = dst[:len(dst)+n]
		}
		if err == io.EOF {
			return dst, nil
		}
		if err != nil {
			return nil, gzipError(err)
		}
	}
}

func gzipError(err error) error {
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		return errShort
	}
	return corrupt("%w", err)
}

// predictGzip goes by the size that ends a member, if it is likely. It stands last if there is
// but one member and nothing behind.
func predictGzip(src []byte, guess int) int {
	const smallest = 18 // header and trailer
	if len(src) < smallest {
		return 0
	}
	said := uint64(binary.LittleEndian.Uint32(src[len(src)-4:]))
	if said*2+64 < uint64(len(src)) || said/gzipRatio > uint64(len(src)) {
		return guess
	}
	return claimed(said, len(src))
}
