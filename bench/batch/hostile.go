package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"runtime"

	"github.com/twmb/franz-go/pkg/kgo"
	theirs "github.com/twmb/franz-go/pkg/kmsg"

	"github.com/franzi-kafka/franzi/bench/internal/measure"
	"github.com/franzi-kafka/franzi/kmsg/batch"
	"github.com/franzi-kafka/franzi/kmsg/compress"
)

// An attack is a batch with a valid checksum that is to make its reader take memory.
type attack struct {
	name  string
	batch []byte
	list  bool // the reader makes a list of the headers
	bomb  bool // much comes out, of which the reader allows bombLimit
}

const (
	attackSize = 1 << 20
	bombLimit  = 1 << 20
)

// raw makes a batch of records as they are given, compressed or not.
func raw(codec compress.Codec, count int32, records []byte) []byte {
	b := append(make([]byte, batch.HeaderSize), records...)
	binary.BigEndian.PutUint32(b[8:], uint32(len(b)-12))
	b[16], b[22] = byte(batch.V2), byte(codec)
	binary.BigEndian.PutUint32(b[23:], uint32(count-1))
	binary.BigEndian.PutUint64(b[43:], 1<<64-1) // no producer
	binary.BigEndian.PutUint32(b[57:], uint32(count))
	binary.BigEndian.PutUint32(b[17:], crc32.Checksum(b[21:], crc32.MakeTable(crc32.Castagnoli)))
	return b
}

// dense are the smallest records there are.
func dense() []byte {
	var b []byte
	n := int32(0)
	for ; len(b) < attackSize; n++ {
		body := append(binary.AppendVarint([]byte{0, 0}, int64(n)), 1, 1, 0)
		b = append(append(b, byte(2*len(body))), body...)
	}
	return raw(compress.None, n, b)
}

// headers is one record of the smallest headers.
func headers() []byte {
	const n = attackSize / 2
	body := append([]byte{0, 0, 0, 1, 1}, binary.AppendVarint(nil, n)...)
	body = append(body, bytes.Repeat([]byte{0, 1}, n)...)
	return raw(compress.None, 1, append(binary.AppendVarint(nil, int64(len(body))), body...))
}

// attacks are those on batches, and those on codecs: sizes that are lies, corrupt bytes where much
// is expected, and bombs.
func attacks() (all []attack, err error) {
	var codecs compress.Codecs
	corrupt := func(name string, codec compress.Codec, parts ...[]byte) {
		all = append(all, attack{name: name, batch: raw(codec, 1, bytes.Join(parts, nil))})
	}
	all = append(all,
		attack{name: "smallest records", batch: dense()},
		attack{name: "smallest headers, walked", batch: headers()},
		attack{name: "smallest headers, in a list", batch: headers(), list: true},
		attack{name: "2^31-1 records that are not there", batch: raw(compress.None, 1<<31-1, make([]byte, attackSize))},
	)
	gib := []byte{0, 0, 0, 0x40}
	zeros, ones := make([]byte, attackSize), bytes.Repeat([]byte{0xff}, attackSize)
	gzip := []byte("\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff")
	corrupt("gzip: nonsense", compress.Gzip, gzip, ones)
	corrupt("gzip: a trailer of 1 GiB", compress.Gzip, gzip, ones, gib)
	corrupt("snappy: a length of 21 times", compress.Snappy, binary.AppendUvarint(nil, 21*attackSize), zeros)
	block := []byte{0, 0, 1, 0}
	corrupt("lz4: nonsense", compress.LZ4, []byte("\x04\x22\x4d\x18\x60\x40\x82"), block, zeros)
	corrupt("lz4: long copies from nowhere", compress.LZ4, []byte("\x04\x22\x4d\x18\x60\x70\x73"), block, []byte("\x1fx\xff\xff"), ones)
	nonsense := bytes.Repeat([]byte("\x44\x00\x00nonsense"), attackSize/11) // compressed blocks
	last := []byte{1, 0, 0}
	corrupt("zstd: nonsense", compress.Zstd, []byte("\x28\xb5\x2f\xfd\x00\x58"), nonsense, last)
	corrupt("zstd: a size of 1 GiB", compress.Zstd, []byte("\x28\xb5\x2f\xfd\xa0"), gib, nonsense, last)
	much := make([]byte, 64*bombLimit)
	for codec := compress.Gzip; codec <= compress.Zstd; codec++ {
		packed, err := codecs.Compress(nil, much, compress.Settings{Codec: codec})
		if err != nil {
			return nil, err
		}
		all = append(all, attack{name: codec.String() + ": a bomb of 64 MiB, with a limit of 1 MiB", batch: raw(codec, 1, packed), bomb: true})
	}
	return all, nil
}

// learned has the states of all codecs, and has seen much come out of little.
func learned() (*compress.Codecs, error) {
	codecs := new(compress.Codecs)
	for codec := compress.Gzip; codec <= compress.Zstd; codec++ {
		packed, err := codecs.Compress(nil, make([]byte, 8<<20), compress.Settings{Codec: codec})
		if err != nil {
			return nil, err
		}
		if _, err := codecs.Decompress(nil, packed, codec, 8<<20); err != nil {
			return nil, err
		}
	}
	return codecs, nil
}

// read walks a batch as our consumer does, and reports whether it is good.
func (a *attack) read(codecs *compress.Codecs) bool {
	limit := batch.DefaultLimit
	if a.bomb {
		limit = bombLimit
	}
	var list []batch.RecordHeader
	r := batch.NewReader(a.batch)
	for r.Next() {
		must(r.Batch.Verify())
		payload, _, err := r.Batch.Payload(codecs, nil, limit)
		if err != nil {
			return false
		}
		w := r.Batch.Walk(payload)
		for w.Next() {
			if a.list {
				list = w.Record.Headers.AppendTo(list[:0])
			}
			touch(&w.Record)
		}
		if w.Err() != nil {
			return false
		}
	}
	must(r.Err())
	return true
}

// readTheirs is what franz-go makes of it.
func (a *attack) readTheirs(decompressor kgo.Decompressor) {
	p := theirs.NewFetchResponseTopicPartition()
	p.RecordBatches, p.HighWatermark = a.batch, 1<<40
	got, _ := kgo.ProcessFetchPartition(kgo.ProcessFetchPartitionOpts{Topic: "topic"}, &p, decompressor, nil)
	sink += len(got.Records)
}

// allocated returns how many bytes f allocates in all, garbage included.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// hostile prints the table of what attacks make both libraries allocate.
func hostile(out io.Writer) error {
	const most = 16
	all, err := attacks()
	if err != nil {
		return err
	}
	codecs, err := learned()
	if err != nil {
		return err
	}
	decompressor := kgo.DefaultDecompressor()
	t := measure.NewTable("batch", "bytes", "Franzi allocates", "for each byte", "franz-go allocates", "for each byte", "to reach", "reached")
	for i := range all {
		a := &all[i]
		a.readTheirs(decompressor) // so that its states exist too
		ours := allocated(func() { a.read(codecs) })
		others := allocated(func() { a.readTheirs(decompressor) })
		size := float64(len(a.batch))
		per := func(n uint64) string { return fmt.Sprintf("%.1f", float64(n)/size) }
		toReach, reached := fmt.Sprint(most), "yes"
		bound := most * size
		if a.bomb {
			toReach, bound = "4 of the limit", 4*bombLimit
		}
		if float64(ours) > bound+512<<10 { // sizes rounded up, and a block of Zstd
			reached = "**no**"
		}
		t.Row(a.name, fmt.Sprint(len(a.batch)), fmt.Sprint(ours), "**"+per(ours)+"**", fmt.Sprint(others), per(others), toReach, reached)
	}
	return t.Print(out, "Memory that hostile batches take")
}
