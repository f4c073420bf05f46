package compress_test

import (
	"bytes"
	"errors"
	"fmt"
	"log"
	"strings"

	"github.com/franzi-kafka/franzi/kmsg/compress"
)

func ExampleCodecs() {
	var codecs compress.Codecs // one for the program
	records := []byte(strings.Repeat("a record, ", 100))
	for _, settings := range []compress.Settings{
		{Codec: compress.LZ4},
		{Codec: compress.Zstd, Level: 3},
	} {
		packed, err := codecs.Compress(nil, records, settings)
		if err != nil {
			log.Fatal(err)
		}
		unpacked, err := codecs.Decompress(nil, packed, settings.Codec, 1<<20)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(settings.Codec, bytes.Equal(unpacked, records))
	}
	// Output:
	// lz4 true
	// zstd true
}

// A buffer that is used again keeps decompressing free of allocations.
func ExampleCodecs_Predict() {
	var codecs compress.Codecs
	var buffer []byte
	for _, text := range []string{"one", "two", "three"} {
		packed, err := codecs.Compress(nil, []byte(text), compress.Settings{Codec: compress.Snappy})
		if err != nil {
			log.Fatal(err)
		}
		if n := codecs.Predict(packed, compress.Snappy); n > cap(buffer) {
			buffer = make([]byte, 0, 2*n)
		}
		if buffer, err = codecs.Decompress(buffer[:0], packed, compress.Snappy, 1000); err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%s\n", buffer)
	}
	// Output:
	// one
	// two
	// three
}

func ExampleCodecs_Decompress_limit() {
	var codecs compress.Codecs
	bomb, err := codecs.Compress(nil, make([]byte, 10<<20), compress.Settings{Codec: compress.Zstd})
	if err != nil {
		log.Fatal(err)
	}
	_, err = codecs.Decompress(nil, bomb, compress.Zstd, 1<<20)
	fmt.Println(len(bomb) < 2000, errors.Is(err, compress.ErrLimit))
	fmt.Println(err)
	// Output:
	// true true
	// decompress zstd: more bytes than the limit of 1048576
}

// runs is a codec that counts how often a byte follows itself.
type runs struct{}

func (runs) Compress(dst, src []byte, level int) ([]byte, error) {
	for len(src) > 0 {
		n := 1
		for n < min(len(src), 255) && src[n] == src[0] {
			n++
		}
		dst = append(dst, byte(n), src[0])
		src = src[n:]
	}
	return dst, nil
}

func (runs) Decompress(dst, src []byte, limit int) ([]byte, error) {
	end := len(dst) + limit
	for ; len(src) >= 2; src = src[2:] {
		if dst = append(dst, bytes.Repeat(src[1:2], int(src[0]))...); len(dst) > end {
			return nil, compress.ErrLimit
		}
	}
	if len(src) > 0 {
		return nil, compress.ErrCorrupt
	}
	return dst, nil
}

func ExampleReplace() {
	codecs, err := compress.New(compress.Replace(7, runs{}))
	if err != nil {
		log.Fatal(err)
	}
	packed, err := codecs.Compress(nil, []byte("aaaaaaaabbbb"), compress.Settings{Codec: 7})
	if err != nil {
		log.Fatal(err)
	}
	unpacked, err := codecs.Decompress(nil, packed, 7, 100)
	fmt.Printf("%x %s %v\n", packed, unpacked, err)
	// Output: 08610462 aaaaaaaabbbb <nil>
}

func ExampleParseCodec() {
	codec, err := compress.ParseCodec("zstd") // as in compression.type
	if err != nil {
		log.Fatal(err)
	}
	err = compress.Settings{Codec: codec, Level: 23}.Check()
	fmt.Println(codec, err)
	// Output: zstd compress zstd: no level 23: there are -131072 to 22
}
