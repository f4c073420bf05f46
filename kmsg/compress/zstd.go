package compress

import "github.com/klauspost/compress/zstd"

// zstdLevel is the library's level for one of Kafka's. The default is the fastest: the next
// takes 1.3 times as long for 2 % fewer bytes, and for records of 100 bytes it makes more.
func zstdLevel(level int) zstd.EncoderLevel {
	if level == 0 {
		return zstd.SpeedFastest
	}
	return zstd.EncoderLevelFromZstd(level)
}

// newZstdEncoder makes the state of a level, of 1.3, 2.2, 6.5 or 37 MiB. The window is 512 KiB: one
// of 128 KiB is up to 9 % slower, since the library moves its history more often, and misses
// what repeats; one of 1 MiB, a whole batch, is for who asks for the upper levels. The batch has
// a CRC, so the frame needs none.
func newZstdEncoder(level zstd.EncoderLevel) (*zstd.Encoder, error) {
	window, small := 512<<10, true
	if level > zstd.SpeedDefault {
		window, small = 1<<20, false
	}
	return zstd.NewWriter(nil,
		zstd.WithWindowSize(window), // before the level, which would make blocks smaller
		zstd.WithEncoderLevel(level),
		zstd.WithLowerEncoderMem(small),
		zstd.WithEncoderCRC(false),
		zstd.WithZeroFrames(true), // nothing becomes a frame too, as in newer releases of Java
		zstd.WithEncoderConcurrency(1))
}

func (c *Codecs) zstd(dst, src []byte, level int) ([]byte, error) {
	l := zstdLevel(level)
	e := c.zstdEncoders[l].take()
	if e == nil {
		var err error
		if e, err = newZstdEncoder(l); err != nil {
			return nil, err
		}
	}
	dst = e.EncodeAll(src, dst)
	c.zstdEncoders[l].give(e)
	return dst, nil
}
