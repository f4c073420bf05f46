package compress

import (
	"errors"
	"fmt"
	"math"

	"github.com/klauspost/compress/zstd"
)

// Codecs compresses and decompresses, and keeps what the codecs need for doing so again: tables
// and buffers of 40 KiB to 37 MiB, see the package's documentation. The zero value is ready; a
// program that speaks to one cluster needs one Codecs.
//
// Its methods may be called concurrently; they use the processor and never wait for each other.
// It has no goroutine and needs no closing. It must not be copied once it is used. A Codecs
// that has used Zstd within a bubble of testing/synctest must not use it outside of that bubble:
// the library's state holds a channel, and Go ends the process. The other codecs may.
type Codecs struct {
	methods [maxCodec + 1]Method // by number; nil is ours

	gzipWriters  [10]idle[gzipWriter] // by level
	gzipReaders  idle[gzipReader]
	snappy       idle[snappyWriter]
	lz4Fast      idle[lz4Writer]
	lz4High      idle[lz4Writer]
	zstdEncoders [zstd.SpeedBestCompression + 1]idle[zstd.Encoder] // by level
	zstdDecoders idle[zstd.Decoder]

	ratios [maxCodec + 1]ratio // of what was decompressed, by number
}

// mostBytes is the highest limit.
const mostBytes = math.MaxInt32 - 1<<20

// A Method is a codec of the user's own, given to [Replace]. Its methods must be safe for
// concurrent use, append to dst as append does, and keep neither dst nor src.
type Method interface {
	// Compress appends what src compresses to. The level is the one of [Settings], unchecked.
	Compress(dst, src []byte, level int) ([]byte, error)
	// Decompress appends what src decompresses to, limit bytes at most; beyond them it should
	// stop and return [ErrLimit].
	Decompress(dst, src []byte, limit int) ([]byte, error)
}

// An Option is for [New].
type Option func(*Codecs) error

// Replace lets a codec of the user's own take a number's place, from 1 to 7, for compressing
// and decompressing. Brokers refuse numbers above 4; below, Kafka's own codecs are expected by
// everybody else who reads the topic.
func Replace(codec Codec, method Method) Option {
	return func(c *Codecs) error {
		switch {
		case codec <= None || codec > maxCodec:
			return &Error{Op: "replace", Codec: codec, Err: fmt.Errorf("%w: numbers from 1 to %d can be replaced", ErrUnknownCodec, maxCodec)}
		case method == nil:
			return &Error{Op: "replace", Codec: codec, Err: errors.New("the method is nil")}
		}
		c.methods[codec] = method
		return nil
	}
}

// New makes a Codecs with options; new(Codecs) makes one without. The error joins what is wrong
// with each of them.
func New(opts ...Option) (*Codecs, error) {
	c := new(Codecs)
	var errs []error
	for _, opt := range opts {
		errs = append(errs, opt(c))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return c, nil
}

// method returns the user's own codec, or nil.
func (c *Codecs) method(codec Codec) Method {
	if codec < 0 || codec > maxCodec {
		return nil
	}
	return c.methods[codec]
}

// Compress appends what src compresses to, as append does, and returns dst as it was when it
// fails. What dst has beyond its length is written to. Src is only read, and must not overlap
// with dst. Nothing of them is kept, but that the encoder of Zstd holds the memory of its last
// output until it is used again. It allocates for dst if dst has not the room, of which
// len(src) + len(src)/255 + 64 bytes are always enough, and for the codec's state if all that
// exist are in use.
//
// The error is an [*Error]: with [ErrUnknownCodec], with [ErrLevel], or what a [Method]
// returned.
func (c *Codecs) Compress(dst, src []byte, s Settings) ([]byte, error) {
	if m := c.method(s.Codec); m != nil {
		out, err := m.Compress(dst[:len(dst):cap(dst)], src, s.Level)
		if err == nil && len(out) < len(dst) {
			err = errors.New("the method returned less than it was given")
		}
		if err != nil {
			return dst, &Error{Op: "compress", Codec: s.Codec, Err: err}
		}
		return out, nil
	}
	if err := s.Check(); err != nil {
		return dst, err
	}
	if s.Codec != None && cap(dst) == len(dst) {
		dst = grow(dst, len(src)/2+64)
	}
	var out []byte
	var err error
	switch s.Codec {
	case None:
		out = append(dst, src...)
	case Gzip:
		out, err = c.gzip(dst, src, s.Level)
	case Snappy:
		out, err = c.appendSnappy(dst, src, s.Raw)
	case LZ4:
		out = c.lz4(dst, src, s.Level, s.MessageSetV0)
	case Zstd:
		out, err = c.zstd(dst, src, s.Level)
	}
	if err != nil {
		return dst, &Error{Op: "compress", Codec: s.Codec, Err: err}
	}
	return out, nil
}

// Decompress appends what src decompresses to, as append does, and returns dst as it was when it
// fails. What dst has beyond its length is written to. Src is only read, and must not overlap
// with dst. Nothing of them is kept.
//
// It appends limit bytes at most, and never more than 2 GiB less 1 MiB. If dst has room for what
// comes out nothing is allocated for it. Else it begins with
// what [Codecs.Predict] says, within the limit, and makes as much room again as came out when
// that is full. So bytes of which nothing comes cost 16 bytes for each of them, and with Zstd
// 1 more and up to 256 KiB, where it has to try.
//
// The error is an [*Error] with [ErrLimit], [ErrCorrupt] or [ErrUnknownCodec], or what a
// [Method] returned.
func (c *Codecs) Decompress(dst, src []byte, codec Codec, limit int) ([]byte, error) {
	limit = min(max(limit, 0), mostBytes, math.MaxInt-len(dst)-1<<20) // sums of them stay ints
	var out []byte
	var err error
	switch m := c.method(codec); {
	case m != nil:
		out, err = m.Decompress(dst[:len(dst):cap(dst)], src, limit)
		switch {
		case err != nil:
		case len(out) < len(dst):
			err = errors.New("the method returned less than it was given")
		case len(out)-len(dst) > limit:
			err = ErrLimit
		}
	case codec == None:
		if len(src) > limit {
			err = ErrLimit
			break
		}
		return append(dst, src...), nil
	case codec == Gzip:
		out, err = c.gunzip(dst, src, limit)
	case codec == Snappy:
		out, err = unsnappy(dst, src, limit)
	case codec == LZ4:
		out, err = c.unlz4(dst, src, limit)
	case codec == Zstd:
		out, err = c.unzstd(dst, src, limit)
	default:
		err = ErrUnknownCodec
	}
	if err == ErrLimit {
		err = fmt.Errorf("%w of %d", err, limit)
	}
	if err != nil {
		return dst, &Error{Op: "decompress", Codec: codec, Err: err}
	}
	c.ratios[codec].saw(len(src), len(out)-len(dst))
	return out, nil
}

// Predict guesses how many bytes src decompresses to, for callers that bring a buffer. For None
// it is exact. Snappy, Gzip, Zstd and some frames of LZ4 say the size, which is taken if they can
// hold so much; otherwise it is a little more than the ratio of what was decompressed before. For
// Zstd it is 32 bytes more, which make it a tenth faster. It is never more than 16 bytes for each of src and 4 KiB, since all of that may be a lie. For an
// unknown codec and for corrupt bytes it is 0. It allocates nothing.
func (c *Codecs) Predict(src []byte, codec Codec) int {
	if codec < 0 || codec > maxCodec {
		return 0
	}
	guess := c.ratios[codec].of(len(src))
	switch {
	case c.methods[codec] != nil:
		return guess
	case codec == None:
		return len(src)
	case codec == Gzip:
		return predictGzip(src, guess)
	case codec == Snappy:
		n, err := predictSnappy(src)
		if err != nil {
			return 0
		}
		return claimed(uint64(n), len(src))
	case codec == LZ4:
		return c.predictLZ4(src)
	case codec == Zstd:
		if n := c.predictZstd(src); n > 0 {
			return claimed(uint64(n)+zstdSlack, len(src))
		}
	}
	return 0
}
