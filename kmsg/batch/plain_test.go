package batch_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"math"
	"reflect"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/franzi-kafka/franzi/kmsg/batch"
	"github.com/franzi-kafka/franzi/kmsg/compress"
)

// A second reader and writer of all formats, slow and simple, that share no code with the
// package: what tests hold it against.

// A plainRecord is a record with everything it has. Nil is null.
type plainRecord struct {
	Offset    int64
	Timestamp int64
	Key       []byte
	Value     []byte
	Headers   []plainHeader
}

type plainHeader struct {
	Key   string
	Value []byte
}

// A plainBatch is a batch of format 2, or a message of format 0 or 1.
type plainBatch struct {
	Header  batch.Header
	Records []plainRecord
}

// codecs are for all tests: what codecs need is dear to make.
var codecs = new(compress.Codecs)

const plainLimit = 1 << 20 // of a decompressed batch

var errPlain = errors.New("not what the format says")

// plainReader reads bytes one after the other, and panics with an error when it finds wrong ones.
type plainReader struct{ data []byte }

func (r *plainReader) require(ok bool, format string, args ...any) {
	if !ok {
		panic(fmt.Errorf("%w: %s", errPlain, fmt.Sprintf(format, args...)))
	}
}

func (r *plainReader) take(n int64) []byte {
	r.require(n >= 0 && n <= int64(len(r.data)), "%d bytes, where %d remain", n, len(r.data))
	taken := r.data[:n]
	r.data = r.data[n:]
	return taken
}

func (r *plainReader) fixed(size int64) int64 {
	var v int64
	b := r.take(size)
	for i, c := range b {
		if i == 0 {
			v = int64(int8(c))
		} else {
			v = v*256 + int64(c)
		}
	}
	return v
}

func (r *plainReader) varint() int64 {
	var u uint64
	for shift := 0; ; shift += 7 {
		c := uint64(r.take(1)[0])
		r.require(shift < 63 || shift == 63 && c <= 1, "a varint of more than 64 bits")
		u += (c % 128) << shift
		if c < 128 {
			break
		}
	}
	if u%2 == 1 {
		return -int64(u/2) - 1
	}
	return int64(u / 2)
}

// nullable reads as many bytes as a length says that has been read; -1 is null.
func (r *plainReader) nullable(n int64) []byte {
	if n == -1 {
		return nil
	}
	return append([]byte{}, r.take(n)...)
}

// readPlain reads the batches that are whole, up to the first that is wrong.
func readPlain(data []byte) (all []plainBatch, err error) {
	defer func() {
		if p := recover(); p != nil {
			if err, _ = p.(error); !errors.Is(err, errPlain) {
				panic(p)
			}
		}
	}()
	r := plainReader{data}
	for len(r.data) >= 12 {
		length := (&plainReader{r.data[8:]}).fixed(4)
		r.require(length >= 14, "length %d", length)
		if len(r.data) < 17 {
			break
		}
		magic := int8(r.data[16])
		r.require(magic >= 0 && magic <= 2, "format %d", magic)
		r.require(length >= []int64{14, 22, 49}[magic], "length %d", length)
		if length > int64(len(r.data)-12) {
			break
		}
		b := plainReader{r.take(12 + length)}
		if magic == 2 {
			all = append(all, b.batch())
		} else {
			all = append(all, b.message())
		}
	}
	return all, nil
}

func (r *plainReader) batch() plainBatch {
	sum := crc32.Checksum(r.data[21:], crc32.MakeTable(crc32.Castagnoli))
	h := batch.Header{
		BaseOffset:      r.fixed(8),
		Length:          int32(r.fixed(4)),
		LeaderEpoch:     int32(r.fixed(4)),
		Magic:           batch.Magic(r.fixed(1)),
		CRC:             uint32(r.fixed(4)),
		Attributes:      batch.Attributes(r.fixed(2)),
		LastOffsetDelta: int32(r.fixed(4)),
		BaseTimestamp:   r.fixed(8),
		MaxTimestamp:    r.fixed(8),
		ProducerID:      r.fixed(8),
		ProducerEpoch:   int16(r.fixed(2)),
		BaseSequence:    int32(r.fixed(4)),
		Count:           int32(r.fixed(4)),
	}
	r.require(sum == h.CRC, "checksum")
	r.require(h.Count >= 0 && h.LastOffsetDelta >= 0 && int64(h.Count) <= int64(h.LastOffsetDelta)+1, "count %d", h.Count)
	r.require(h.BaseOffset < 0 || h.BaseOffset+int64(h.LastOffsetDelta) < math.MaxInt64 && h.BaseOffset+int64(h.LastOffsetDelta) >= 0, "offset %d", h.BaseOffset)
	if codec := h.Attributes & 7; codec != 0 && (h.Count > 0 || len(r.data) > 0) {
		r.data = r.decompress(int(codec))
	}
	b := plainBatch{Header: h}
	last := int64(-1)
	for range h.Count {
		rec := plainReader{r.take(r.varint())}
		rec.take(1)
		p := plainRecord{Timestamp: h.BaseTimestamp + rec.varint()}
		if h.Attributes&8 != 0 {
			p.Timestamp = h.MaxTimestamp
		}
		delta := rec.varint()
		r.require(delta > last && delta <= int64(h.LastOffsetDelta), "offset delta %d", delta)
		last = delta
		p.Offset = h.BaseOffset + delta
		p.Key = rec.nullable(rec.varint())
		p.Value = rec.nullable(rec.varint())
		n := rec.varint()
		r.require(n >= 0, "%d headers", n)
		for range n {
			key := string(rec.take(rec.varint()))
			p.Headers = append(p.Headers, plainHeader{key, rec.nullable(rec.varint())})
		}
		r.require(len(rec.data) == 0, "the record goes on")
		b.Records = append(b.Records, p)
	}
	r.require(len(r.data) == 0, "the batch goes on")
	return b
}

// message reads one message, and those in it if it is compressed.
func (r *plainReader) message() plainBatch {
	h, p := r.oneMessage()
	h.Count = 1
	codec := int(h.Attributes & 7)
	if codec == 0 {
		return plainBatch{h, []plainRecord{p}}
	}
	h.Count = -1
	r.require(p.Value != nil, "no value")
	inside := plainReader{(&plainReader{p.Value}).decompress(codec)}
	b := plainBatch{Header: h}
	var offsets []int64
	for len(inside.data) > 0 {
		length := (&plainReader{(&plainReader{inside.data}).take(12)[8:]}).fixed(4)
		r.require(length >= 0, "length %d", length)
		one := plainReader{inside.take(12 + length)}
		ih, ip := one.oneMessage()
		r.require(ih.Magic == h.Magic && ih.Attributes&7 == 0, "magic or codec")
		if h.Magic == batch.V1 {
			if h.Attributes&8 != 0 {
				ip.Timestamp = h.MaxTimestamp
			}
		}
		offsets = append(offsets, ip.Offset)
		b.Records = append(b.Records, ip)
	}
	if n := len(offsets); h.Magic == batch.V1 && n > 0 {
		zeros := slices.Max(offsets) == 0 && slices.Min(offsets) == 0
		for i, offset := range offsets {
			r.require(zeros || i == 0 || offset > offsets[i-1], "offset %d", i)
			r.require(offset >= 0 && offset <= math.MaxInt32, "offset %d", i)
		}
		switch last := offsets[n-1]; {
		case h.BaseOffset == 0: // as some producers leave it
		case h.BaseOffset < last:
			r.require(false, "offset %d before %d", h.BaseOffset, last)
		default:
			for i := range b.Records {
				b.Records[i].Offset += h.BaseOffset - last
			}
		}
	}
	return b
}

func (r *plainReader) oneMessage() (batch.Header, plainRecord) {
	r.require(len(r.data) >= 17, "length")
	sum := crc32.ChecksumIEEE(r.data[16:])
	h := batch.Header{
		BaseOffset:    r.fixed(8),
		Length:        int32(r.fixed(4)),
		LeaderEpoch:   -1,
		CRC:           uint32(r.fixed(4)),
		Magic:         batch.Magic(r.fixed(1)),
		Attributes:    batch.Attributes(r.fixed(1)),
		BaseTimestamp: -1,
		MaxTimestamp:  -1,
		ProducerID:    -1,
		ProducerEpoch: -1,
		BaseSequence:  -1,
	}
	if h.Magic == batch.V1 {
		h.Attributes &= 15
		h.BaseTimestamp = r.fixed(8)
		h.MaxTimestamp = h.BaseTimestamp
	} else {
		h.Attributes &= 7
	}
	r.require(sum == h.CRC, "checksum")
	r.require(h.BaseOffset < math.MaxInt64, "offset %d", h.BaseOffset)
	p := plainRecord{Offset: h.BaseOffset, Timestamp: h.MaxTimestamp}
	p.Key = r.nullable(r.fixed(4))
	p.Value = r.nullable(r.fixed(4))
	r.require(len(r.data) == 0, "the message goes on")
	return h, p
}

// decompress takes what is left, see decompressPlain.
func (r *plainReader) decompress(codec int) []byte {
	out, err := decompressPlain(compress.Codec(codec), r.data)
	r.require(err == nil && len(out) <= plainLimit, "codec %d: %d bytes, %v", codec, len(out), err)
	return out
}

// writePlain writes a batch and sets Length, CRC and Count in its header to what they are.
func writePlain(t testing.TB, b *plainBatch) []byte {
	t.Helper()
	if b.Header.Magic != batch.V2 {
		return writeMessage(t, b)
	}
	var records []byte
	for _, r := range b.Records {
		var body []byte
		body = append(body, 0)
		body = binary.AppendVarint(body, r.Timestamp-b.Header.BaseTimestamp)
		body = binary.AppendVarint(body, r.Offset-b.Header.BaseOffset)
		body = appendNullable(body, r.Key)
		body = appendNullable(body, r.Value)
		body = binary.AppendVarint(body, int64(len(r.Headers)))
		for _, h := range r.Headers {
			body = appendNullable(body, append([]byte{}, h.Key...))
			body = appendNullable(body, h.Value)
		}
		records = binary.AppendVarint(records, int64(len(body)))
		records = append(records, body...)
	}
	records = compressed(t, records, b.Header.Attributes.Codec(), false)
	h := &b.Header
	h.Count = int32(len(b.Records))
	h.Length = int32(49 + len(records))
	var tail bytes.Buffer
	write(&tail, h.Attributes, h.LastOffsetDelta, h.BaseTimestamp, h.MaxTimestamp, h.ProducerID, h.ProducerEpoch, h.BaseSequence, h.Count, records)
	h.CRC = crc32.Checksum(tail.Bytes(), crc32.MakeTable(crc32.Castagnoli))
	var out bytes.Buffer
	write(&out, h.BaseOffset, h.Length, h.LeaderEpoch, h.Magic, h.CRC, tail.Bytes())
	return out.Bytes()
}

// writeMessage writes a message of format 0 or 1, of one record or, compressed, of several.
func writeMessage(t testing.TB, b *plainBatch) []byte {
	t.Helper()
	h := &b.Header
	codec := h.Attributes.Codec()
	if codec == compress.None {
		h.Count = 1
		return oneMessage(h, b.Records[0].Offset, b.Records[0].Timestamp, b.Records[0].Key, b.Records[0].Value)
	}
	var inside []byte
	for _, r := range b.Records {
		ih := batch.Header{Magic: h.Magic, Attributes: h.Attributes &^ 7}
		offset := r.Offset
		if h.Magic == batch.V1 {
			offset -= b.Records[0].Offset
		}
		inside = append(inside, oneMessage(&ih, offset, r.Timestamp, r.Key, r.Value)...)
	}
	h.Count = -1
	value := compressed(t, inside, codec, h.Magic == batch.V0)
	return oneMessage(h, b.Records[len(b.Records)-1].Offset, h.MaxTimestamp, nil, value)
}

func oneMessage(h *batch.Header, offset, timestamp int64, key, value []byte) []byte {
	var tail, out bytes.Buffer
	write(&tail, h.Magic, int8(h.Attributes))
	if h.Magic == batch.V1 {
		write(&tail, timestamp)
	}
	for _, b := range [][]byte{key, value} {
		if b == nil {
			write(&tail, int32(-1))
		} else {
			write(&tail, int32(len(b)), b)
		}
	}
	h.BaseOffset = offset
	h.Length = int32(4 + tail.Len())
	h.CRC = crc32.ChecksumIEEE(tail.Bytes())
	write(&out, offset, h.Length, h.CRC, tail.Bytes())
	return out.Bytes()
}

func appendNullable(dst, b []byte) []byte {
	if b == nil {
		return binary.AppendVarint(dst, -1)
	}
	return append(binary.AppendVarint(dst, int64(len(b))), b...)
}

func write(out *bytes.Buffer, values ...any) {
	for _, v := range values {
		if err := binary.Write(out, binary.BigEndian, v); err != nil {
			panic(err)
		}
	}
}

// readOurs reads batches with the package, and copies what it sees. Like readPlain it returns
// the batches before the first that is wrong.
func readOurs(data []byte) (all []plainBatch, err error) {

	var room []byte
	r := batch.NewReader(data)
	for r.Next() {
		if err := r.Batch.Verify(); err != nil {
			return all, err
		}
		var payload []byte
		if payload, room, err = r.Batch.Payload(codecs, room, plainLimit); err != nil {
			return all, err
		}
		records, err := walk(&r.Batch, payload)
		if err != nil {
			return all, err
		}
		all = append(all, plainBatch{r.Batch.Header, records})
	}
	return all, r.Err()
}

// walk returns the records of a batch, and panics if walkers that copy see others.
func walk(b *batch.Batch, payload []byte) (all []plainRecord, err error) {
	w := b.Walk(payload)
	for w.Next() {
		all = append(all, plainOf(&w.Record))
	}
	for _, n := range []int{0, 50, 1 << 20} {
		copied, copyErr := walkCopies(b, bytes.Clone(payload), n)
		if !reflect.DeepEqual(copied, all) || fmt.Sprint(copyErr) != fmt.Sprint(w.Err()) {
			panic(fmt.Sprintf("with %d bytes copied ahead: got %v and the error %v, want %v and %v", n, copied, copyErr, all, w.Err()))
		}
	}
	return all, w.Err()
}

// walkCopies looks at records when the payload that they were in is no more.
func walkCopies(b *batch.Batch, payload []byte, n int) (all []plainRecord, err error) {
	w := b.Walk(payload)
	w.CopyAhead(n)
	var kept []batch.Record
	for w.Next() {
		kept = append(kept, w.Record)
	}
	for i := range payload {
		payload[i] = 0xdb
	}
	for i := range kept {
		all = append(all, plainOf(&kept[i]))
	}
	return all, w.Err()
}

// plainOf copies a record.
func plainOf(r *batch.Record) plainRecord {
	p := plainRecord{r.Offset, r.Timestamp, bytes.Clone(r.Key), bytes.Clone(r.Value), nil}
	for k, v := range r.Headers.All() {
		p.Headers = append(p.Headers, plainHeader{string(k), bytes.Clone(v)})
	}
	return p
}

// records returns the records of all batches.
func recordsOf(batches []plainBatch) (all []plainRecord) {
	for _, b := range batches {
		all = append(all, b.Records...)
	}
	return all
}

// headersOf returns a record's headers as the builder takes them.
func headersOf(r *plainRecord) (all []batch.RecordHeader) {
	for _, h := range r.Headers {
		all = append(all, batch.RecordHeader(h))
	}
	return all
}

// compare wants got to be want. Nil is not empty.
func compare(t testing.TB, what string, got, want any) {
	t.Helper()
	if !reflect.DeepEqual(got, want) { // cmp compares byte by byte, and takes its time
		t.Fatalf("%s, got (-), want (+):\n%s", what, cmp.Diff(got, want))
	}
}

// sign makes the checksum of one batch right.
func sign(raw []byte) {
	if raw[16] == 2 {
		binary.BigEndian.PutUint32(raw[17:], crc32.Checksum(raw[21:], crc32.MakeTable(crc32.Castagnoli)))
	} else {
		binary.BigEndian.PutUint32(raw[12:], crc32.ChecksumIEEE(raw[16:]))
	}
}
