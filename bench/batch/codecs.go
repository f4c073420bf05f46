package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/s2"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"

	"github.com/franzi-kafka/franzi/bench/internal/measure"
	"github.com/franzi-kafka/franzi/kmsg/batch"
	"github.com/franzi-kafka/franzi/kmsg/compress"
)

// A library decompresses one batch's bytes into room, which is large enough, with nothing of
// Kafka's round it.
type library func(room, packed []byte) ([]byte, error)

// libraries are those that package compress uses itself.
func libraries() (map[compress.Codec]library, error) {
	d, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1))
	if err != nil {
		return nil, err
	}
	return map[compress.Codec]library{
		compress.Gzip:   gunzip(),
		compress.Snappy: unsnappy,
		compress.LZ4:    unlz4,
		compress.Zstd:   func(room, packed []byte) ([]byte, error) { return d.DecodeAll(packed, room[:0]) },
	}, nil
}

func gunzip() library {
	var from bytes.Reader
	z := new(gzip.Reader)
	return func(room, packed []byte) ([]byte, error) {
		from.Reset(packed)
		if err := z.Reset(&from); err != nil {
			return nil, err
		}
		for room = room[:0]; ; {
			n, err := z.Read(room[len(room):cap(room)])
			room = room[:len(room)+n]
			if err == io.EOF {
				return room, nil
			}
			if err != nil {
				return nil, err
			}
		}
	}
}

// unsnappy decompresses the blocks that stand behind a header of 16 bytes, each behind its length.
func unsnappy(room, packed []byte) ([]byte, error) {
	room = room[:0]
	for packed = packed[16:]; len(packed) > 0; {
		n := binary.BigEndian.Uint32(packed)
		out, err := s2.Decode(room[len(room):cap(room)], packed[4:4+n])
		if err != nil {
			return nil, err
		}
		room, packed = room[:len(room)+len(out)], packed[4+n:]
	}
	return room, nil
}

// unlz4 decompresses the blocks of a frame without sizes and checksums.
func unlz4(room, packed []byte) ([]byte, error) {
	room = room[:0]
	for packed = packed[7:]; ; {
		n := binary.LittleEndian.Uint32(packed)
		if n == 0 {
			return room, nil
		}
		m, err := lz4.UncompressBlock(packed[4:4+n], room[len(room):cap(room)])
		if err != nil {
			return nil, err
		}
		room, packed = room[:len(room)+m], packed[4+n:]
	}
}

// codecKinds are what is decompressed beside the libraries alone.
func codecKinds() (all []kind) {
	for codec := compress.Gzip; codec <= compress.Zstd; codec++ {
		for _, size := range []int{100, 1 << 10} {
			all = append(all, kind{fmt.Sprintf("%s, records of %d B", codec, size), size, 0, codec})
		}
	}
	return all
}

// payloads are the records of an answer's batches, as they are compressed.
func (a *answer) payloads() (all [][]byte) {
	r := batch.NewReader(a.records)
	for r.Next() {
		all = append(all, r.Batch.Raw[batch.HeaderSize:])
	}
	return all
}

// predicted decompresses the batches of an answer into a buffer of the size that is predicted
// for the largest of them, made once. The ratio is learned from one batch.
func (a *answer) predicted() (measure.Operation, error) {
	var codecs compress.Codecs
	payloads := a.payloads()
	if _, err := codecs.Decompress(nil, payloads[0], a.codec, batch.DefaultLimit); err != nil {
		return nil, err
	}
	size := 0
	for _, p := range payloads {
		size = max(size, codecs.Predict(p, a.codec))
	}
	room := make([]byte, 0, size)
	return func(n int) {
		for range n {
			for _, p := range payloads {
				out, err := codecs.Decompress(room, p, a.codec, batch.DefaultLimit)
				must(err)
				if &out[:1][0] != &room[:1][0] {
					panic("what was predicted is not enough")
				}
				sink += len(out)
			}
		}
	}, nil
}

// alone decompresses them with the library, into a buffer that is as large as it need be.
func (a *answer) alone(decompress library) (measure.Operation, error) {
	payloads := a.payloads()
	room := make([]byte, 2*batchSize)
	for _, p := range payloads {
		out, err := decompress(room, p)
		if err != nil {
			return nil, err
		}
		if len(out) > batchSize || len(out) < batchSize/2 {
			return nil, errors.New("the library reads something else")
		}
	}
	return func(n int) {
		for range n {
			for _, p := range payloads {
				out, err := decompress(room, p)
				must(err)
				sink += len(out)
			}
		}
	}, nil
}

// codecCases are the codecs beside their libraries.
func codecCases() (all []benchCase, err error) {
	libs, err := libraries()
	if err != nil {
		return nil, err
	}
	for _, k := range codecKinds() {
		a, err := newAnswer(k)
		if err != nil {
			return nil, err
		}
		ours, err := a.predicted()
		if err != nil {
			return nil, err
		}
		theirs, err := a.alone(libs[k.codec])
		if err != nil {
			return nil, err
		}
		all = append(all, benchCase{"decompress into a predicted buffer beside the library alone: " + k.name, "batch", batches, ours, theirs, 1.05})
	}
	return all, nil
}
