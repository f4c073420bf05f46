package compress

import "fmt"

// A Codec is a way to compress. Its number stands in the lowest three bits of the attributes
// of record batches and of messages in message sets.
type Codec int8

// The codecs that Kafka knows.
const (
	None   Codec = 0
	Gzip   Codec = 1
	Snappy Codec = 2
	LZ4    Codec = 3 // brokers from 0.8.2 on
	Zstd   Codec = 4 // brokers from 2.1 on, and in record batches only (KIP-110)
)

// maxCodec is the highest number that the attributes have room for.
const maxCodec = 7

var codecNames = [...]string{None: "none", Gzip: "gzip", Snappy: "snappy", LZ4: "lz4", Zstd: "zstd"}

// String is the codec's name in Kafka's configuration, "zstd", or "Codec(5)" for a number that
// has none.
func (c Codec) String() string {
	if c < 0 || int(c) >= len(codecNames) {
		return fmt.Sprintf("Codec(%d)", int8(c))
	}
	return codecNames[c]
}

// ParseCodec finds a codec by its name in Kafka's configuration, compression.type: "none",
// "gzip", "snappy", "lz4" or "zstd". Topics call None "uncompressed", which it takes as well.
// The error is an [*Error] with [ErrUnknownCodec].
func ParseCodec(name string) (Codec, error) {
	for c, n := range codecNames {
		if n == name {
			return Codec(c), nil
		}
	}
	if name == "uncompressed" {
		return None, nil
	}
	return None, &Error{Op: "parse", Codec: None, Err: fmt.Errorf("%w %q", ErrUnknownCodec, name)}
}

// Settings say how to compress. The zero value is [None], which copies.
type Settings struct {
	Codec Codec

	// Level trades time for size. 0 is the choice of this package, see its documentation.
	// Other levels have the range and the meaning that they have in Kafka (KIP-390):
	//
	//   - Gzip: 1 to 9, and -1 for the default (compression.gzip.level)
	//   - LZ4: 1 to 17, the depth of the search; 9 stands for the default as it does in the
	//     Java client, so that 8 and 10 compress better than 9 (compression.lz4.level)
	//   - Zstd: -131072 to 22 (compression.zstd.level); the library has four levels, which
	//     stand for those below 3, 3 to 5, 6 to 9, and 10 or more
	//
	// None and Snappy have no levels.
	Level int

	// Raw leaves out the framing that the Java client writes round Snappy, and with it the
	// blocks. The output is up to 4 % smaller and has to be decompressed at one go.
	Raw bool

	// MessageSetV0 writes LZ4 as it has to be in message sets of version 0: with the wrong
	// header checksum of their time, which brokers and clients of that time insist on (KIP-57).
	MessageSetV0 bool
}

// Check reports a codec that is none of the five or a level out of its range. The error is an
// [*Error] with [ErrUnknownCodec] or [ErrLevel].
func (s Settings) Check() error {
	levels, ok := "", false
	switch s.Codec {
	case None, Snappy:
		levels, ok = "no levels", s.Level == 0
	case Gzip:
		levels, ok = "1 to 9, and -1", s.Level >= -1 && s.Level <= 9
	case LZ4:
		levels, ok = "1 to 17", s.Level >= 0 && s.Level <= 17
	case Zstd:
		levels, ok = "-131072 to 22", s.Level >= -131072 && s.Level <= 22
	default:
		return &Error{Op: "compress", Codec: s.Codec, Err: ErrUnknownCodec}
	}
	if !ok {
		return &Error{Op: "compress", Codec: s.Codec, Err: fmt.Errorf("%w %d: there are %s", ErrLevel, s.Level, levels)}
	}
	return nil
}
