package main

import (
	"bytes"
	"fmt"
	"hash/crc32"
	"math/rand/v2"

	"github.com/twmb/franz-go/pkg/kgo"
	theirs "github.com/twmb/franz-go/pkg/kmsg"

	"github.com/franzi-kafka/franzi/bench/internal/measure"
	"github.com/franzi-kafka/franzi/kmsg/batch"
	"github.com/franzi-kafka/franzi/kmsg/compress"
)

const theirModule = "github.com/twmb/franz-go"

// A benchCase compares two operations.
type benchCase struct {
	name         string
	unit         string // what a figure is of
	per          int    // how many of them an operation does
	ours, theirs measure.Operation
	ratio        float64 // to reach; 0 asks for nothing
}

// A kind says which records there are.
type kind struct {
	name    string
	size    int // of a value, in bytes
	headers int
	codec   compress.Codec
}

var kinds = []kind{
	{"100 B", 100, 0, compress.None},
	{"100 B, 2 headers", 100, 2, compress.None},
	{"1 KiB", 1 << 10, 0, compress.None},
	{"100 B, lz4", 100, 0, compress.LZ4},
	{"100 B, zstd", 100, 0, compress.Zstd},
	{"1 KiB, lz4", 1 << 10, 0, compress.LZ4},
	{"1 KiB, zstd", 1 << 10, 0, compress.Zstd},
}

// sizes are how large batches are before they are compressed, and how many an answer has.
const (
	batchSize = 100_000
	batches   = 10
)

// value makes the same value for the same number, of words that compress to about a third.
func (k *kind) value(n uint64) []byte {
	rnd := rand.New(rand.NewPCG(n, 0))
	var b []byte
	for len(b) < k.size {
		b = fmt.Appendf(b, "word%d ", rnd.IntN(1000))
	}
	return b[:k.size]
}

// An answer is what a broker sends of a partition.
type answer struct {
	kind
	records []byte
	count   int
}

func newAnswer(k kind) (*answer, error) {
	a := &answer{kind: k}
	var codecs compress.Codecs
	var headers []batch.RecordHeader
	for i := range k.headers {
		headers = append(headers, batch.RecordHeader{Key: fmt.Sprint("header", i), Value: []byte("a value")})
	}
	for range batches {
		b := batch.NewBuilder(nil, batch.V2)
		b.BaseOffset = int64(a.count)
		b.SetLimit(batchSize)
		for b.Append(1_700_000_000_000+int64(a.count), fmt.Append(nil, "key", a.count%1000), k.value(uint64(a.count)), headers) {
			a.count++
		}
		s := b.Seal()
		if _, err := s.Compress(&codecs, compress.Settings{Codec: k.codec}, nil); err != nil {
			return nil, err
		}
		a.records = append(a.records, s.Bytes...)
	}
	return a, nil
}

// walk goes over all records as our consumer does: the checksum, the payload, each record's
// key, value and headers. Buffers are used again.
func (a *answer) walk(see func(*batch.Record)) measure.Operation {
	var codecs compress.Codecs
	var payload, room []byte
	var err error
	var r batch.Reader
	return func(n int) {
		for range n {
			r.Reset(a.records)
			for r.Next() {
				must(r.Batch.Verify())
				payload, room, err = r.Batch.Payload(&codecs, room, batch.DefaultLimit)
				must(err)
				w := r.Batch.Walk(payload)
				for w.Next() {
					see(&w.Record)
				}
				must(w.Err())
			}
			must(r.Err())
		}
	}
}

// sink keeps the compiler from leaving work out.
var sink int

func touch(r *batch.Record) {
	sink += len(r.Key) + len(r.Value)
	for key, value := range r.Headers.All() {
		sink += len(key) + len(value)
	}
}

// keep clones records, as one who wants them to stay does.
func keep(kept *[]batch.Record) func(*batch.Record) {
	return func(r *batch.Record) { *kept = append(*kept, r.Clone()) }
}

// process is what franz-go does with an answer.
func (a *answer) process(pools ...kgo.Pool) measure.Operation {
	decompressor := kgo.DefaultDecompressor(pools...)
	return func(n int) {
		for range n {
			p := theirs.NewFetchResponseTopicPartition()
			p.RecordBatches = a.records
			p.HighWatermark = int64(a.count)
			got, _ := kgo.ProcessFetchPartition(kgo.ProcessFetchPartitionOpts{Topic: "topic", Pools: pools}, &p, decompressor, nil)
			must(got.Err)
			if len(got.Records) != a.count {
				panic(fmt.Sprintf("got %d records, want %d", len(got.Records), a.count))
			}
			for _, r := range got.Records {
				sink += len(r.Key) + len(r.Value)
				for _, h := range r.Headers {
					sink += len(h.Key) + len(h.Value)
				}
			}
			if len(pools) > 0 { // every record is done with
				for _, r := range got.Records {
					r.Recycle()
				}
			}
		}
	}
}

// appendOurs encodes records into a batch in a buffer that is used again, and seals it: out is
// the batch.
func (a *answer) appendOurs(out *[]byte) measure.Operation {
	keys, values := a.input()
	headers := make([]batch.RecordHeader, a.headers)
	for i := range headers {
		headers[i] = batch.RecordHeader{Key: fmt.Sprint("header", i), Value: []byte("a value")}
	}
	buf := make([]byte, 0, 2*len(values)*(a.size+100))
	var b batch.Builder
	return func(n int) {
		for range n {
			b.Reset(buf, batch.V2)
			for i := range values {
				if _, ok := b.TryAppend(1_700_000_000_000+int64(i), keys[i], values[i], headers); !ok {
					panic("a record does not fit")
				}
			}
			s := b.Seal()
			s.Checksum()
			*out = s.Bytes
		}
	}
}

// appendTheirs does the same with the records of franz-go's kmsg: what kgo writes batches with
// is not reachable. Record.AppendTo wants to be told the record's length.
func (a *answer) appendTheirs(out *[]byte) measure.Operation {
	keys, values := a.input()
	headers := make([]theirs.Header, a.headers)
	for i := range headers {
		headers[i] = theirs.Header{Key: fmt.Sprint("header", i), Value: []byte("a value")}
	}
	buf := make([]byte, 0, 2*len(values)*(a.size+100))
	table := crc32.MakeTable(crc32.Castagnoli)
	return func(n int) {
		for range n {
			records := buf[:batch.HeaderSize]
			for i := range values {
				r := theirs.Record{TimestampDelta64: int64(i), OffsetDelta: int32(i), Key: keys[i], Value: values[i], Headers: headers}
				r.Length = lengthOf(&r)
				records = r.AppendTo(records)
			}
			h := theirs.RecordBatch{
				Length: int32(len(records) - 12), PartitionLeaderEpoch: -1, Magic: 2, LastOffsetDelta: int32(len(values) - 1),
				FirstTimestamp: 1_700_000_000_000, MaxTimestamp: 1_700_000_000_000 + int64(len(values)) - 1,
				ProducerID: -1, ProducerEpoch: -1, FirstSequence: -1, NumRecords: int32(len(values)),
			}
			h.AppendTo(records[:0])
			h.CRC = int32(crc32.Checksum(records[21:], table))
			h.AppendTo(records[:0])
			*out = records
		}
	}
}

// lengthOf is how many bytes follow a record's length.
func lengthOf(r *theirs.Record) int32 {
	n := 1 + varintLen(r.TimestampDelta64) + varintLen(int64(r.OffsetDelta)) + varintLen(int64(len(r.Key))) + len(r.Key) +
		varintLen(int64(len(r.Value))) + len(r.Value) + varintLen(int64(len(r.Headers)))
	for i := range r.Headers {
		h := &r.Headers[i]
		n += varintLen(int64(len(h.Key))) + len(h.Key) + varintLen(int64(len(h.Value))) + len(h.Value)
	}
	return int32(n)
}

func varintLen(v int64) int {
	n := 1
	for u := uint64(v<<1 ^ v>>63); u >= 0x80; u >>= 7 {
		n++
	}
	return n
}

// input are the keys and values of a batch.
func (a *answer) input() (keys, values [][]byte) {
	for i := range a.count / batches {
		keys = append(keys, fmt.Append(nil, "key", i%1000))
		values = append(values, a.value(uint64(i)))
	}
	return keys, values
}

// mebibyte is a batch of a MiB, in a buffer with its builder.
func mebibyte() (*batch.Builder, []byte) {
	buf := make([]byte, 0, 1<<20)
	b := batch.NewBuilder(buf, batch.V2)
	value := bytes.Repeat([]byte("value"), 20)
	for {
		if _, ok := b.TryAppend(1_700_000_000_000, nil, value, nil); !ok {
			return b, buf
		}
	}
}

// seal seals a MiB again and again: a copy of the builder is as good as new.
func seal() measure.Operation {
	full, _ := mebibyte()
	return func(n int) {
		for range n {
			b := *full
			s := b.Seal()
			s.Checksum()
			sink += int(s.Bytes[20])
		}
	}
}

// checksum goes over as many bytes and nothing else.
func checksum() measure.Operation {
	_, buf := mebibyte()
	table := crc32.MakeTable(crc32.Castagnoli)
	return func(n int) {
		for range n {
			sink += int(crc32.Checksum(buf[21:cap(buf)], table))
		}
	}
}

// number numbers a batch of a MiB again.
func number() measure.Operation {
	full, _ := mebibyte()
	s := full.Seal()
	s.Checksum()
	return func(n int) {
		for i := range n {
			s.Number(4711, 1, int32(i))
		}
		sink += int(s.Bytes[20])
	}
}

// decompress decompresses the batches of an answer and does nothing else.
func (a *answer) decompress() measure.Operation {
	var codecs compress.Codecs
	payloads := a.payloads()
	var room []byte
	return func(n int) {
		for range n {
			for _, p := range payloads {
				out, err := codecs.Decompress(room[:0], p, a.codec, batch.DefaultLimit)
				must(err)
				room = out
			}
		}
		sink += len(room)
	}
}

func allCases() (all []benchCase, err error) {
	add := func(c benchCase) { all = append(all, c) }
	var answers []*answer
	for _, k := range kinds {
		a, err := newAnswer(k)
		if err != nil {
			return nil, err
		}
		answers = append(answers, a)
		// Of compressed and of large records the codec and the checksum take most of the time, which
		// both have: there it is not to be reached.
		add(benchCase{"walk beside ProcessFetchPartition: " + k.name, "record", a.count, a.walk(touch), a.process(), 0.2})
	}
	for _, a := range answers {
		add(benchCase{"walk beside ProcessFetchPartition with pools: " + a.name, "record", a.count, a.walk(touch), a.process(newPools()...), 0})
	}
	for _, a := range answers {
		kept := make([]batch.Record, 0, a.count)
		walk := a.walk(keep(&kept))
		clone := func(n int) {
			for range n {
				clear(kept)
				kept = kept[:0]
				walk(1)
			}
		}
		add(benchCase{"walk and Clone beside ProcessFetchPartition: " + a.name, "record", a.count, clone, a.process(), 0})
	}
	for _, a := range answers[:3] {
		add(benchCase{"append beside franz-go's kmsg.Record: " + a.name, "record", a.count / batches, a.appendOurs(new([]byte)), a.appendTheirs(new([]byte)), 0})
	}
	for _, a := range answers[3:] {
		add(benchCase{"walk beside Decompress alone: " + a.name, "record", a.count, a.walk(touch), a.decompress(), 0})
	}
	codecs, err := codecCases()
	if err != nil {
		return nil, err
	}
	all = append(all, codecs...)
	add(benchCase{"seal 1 MiB beside CRC-32C alone", "batch", 1, seal(), checksum(), 1.2})
	add(benchCase{"number 1 MiB again beside CRC-32C of it", "batch", 1, number(), checksum(), 0.1})
	return all, nil
}

// must stops at what cannot happen: the cases are tested.
func must(err error) {
	if err != nil {
		panic(err)
	}
}
