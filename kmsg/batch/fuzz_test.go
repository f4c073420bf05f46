package batch_test

import (
	"bytes"
	"encoding/binary"
	"math"
	"testing"

	"github.com/franzi-kafka/franzi/kmsg/batch"
	"github.com/franzi-kafka/franzi/kmsg/compress"
)

// signAll makes the checksums of whole batches right, as far as their lengths lead.
func signAll(data []byte) []byte {
	b := data
	for len(b) >= 22 {
		n := int64(int32(binary.BigEndian.Uint32(b[8:])))
		if n < 10 || n > int64(len(b)-12) {
			break
		}
		sign(b[:12+n])
		b = b[12+n:]
	}
	return data
}

// agree wants both readers to see the same in data.
func agree(t *testing.T, data []byte) {
	t.Helper()
	want, plainErr := readPlain(data)
	got, err := readOurs(data)
	if (err == nil) != (plainErr == nil) {
		t.Fatalf("got the error %v, the plain reader has %v", err, plainErr)
	}
	if err != nil && !isError(err) {
		t.Fatalf("got the error %v, want an *Error", err)
	}
	compare(t, "batches", got, want)
}

// Bytes as a broker or a client may send them, with the right checksums.
func FuzzRead(f *testing.F) {
	for _, format := range formats {
		raw, _ := valid(f, format.magic, format.codec)
		f.Add(raw)
		f.Add(raw[:len(raw)-3])
	}
	f.Fuzz(func(t *testing.T, data []byte) { agree(t, signAll(bytes.Clone(data))) })
}

// Records in a batch whose header is what it should be.
func FuzzRecords(f *testing.F) {
	raw, start := valid(f, batch.V2, compress.None)
	f.Add(raw[start+batch.HeaderSize:], int32(5), int32(4), uint8(0))
	f.Add(raw[start+batch.HeaderSize:], int32(5), int32(4), uint8(1))
	f.Fuzz(func(t *testing.T, records []byte, count, last int32, codec uint8) {
		header, start := valid(t, batch.V2, compress.None)
		b := header[start : start+batch.HeaderSize : start+batch.HeaderSize]
		b = append(b, compressed(t, records, compress.Codec(codec%5), false)...)
		binary.BigEndian.PutUint32(b[8:], uint32(len(b)-12))
		b[22] = codec % 5
		binary.BigEndian.PutUint32(b[23:], uint32(last))
		binary.BigEndian.PutUint32(b[57:], uint32(count))
		sign(b)
		agree(t, b)
	})
}

// Messages in a compressed one.
func FuzzMessages(f *testing.F) {
	for magic := batch.V0; magic <= batch.V1; magic++ {
		var inside []byte
		for i := range int64(3) {
			inside = append(inside, oneMessage(&batch.Header{Magic: magic}, i, 5, []byte("key"), []byte("value"))...)
		}
		f.Add(inside, uint8(magic), uint8(1), int64(100))
		f.Add(inside, uint8(magic), uint8(0), int64(-1))
	}
	f.Fuzz(func(t *testing.T, inside []byte, magic, codec uint8, offset int64) {
		magic, codec = magic%2, 1+codec%3
		value := compressed(t, signAll(bytes.Clone(inside)), compress.Codec(codec), magic == 0)
		agree(t, oneMessage(&batch.Header{Magic: batch.Magic(magic), Attributes: batch.Attributes(codec)}, offset, 5, nil, value))
	})
}

// What is read of a control record is written as something that reads the same.
func FuzzControl(f *testing.F) {
	f.Add([]byte(abortKey), []byte("\x00\x00\x00\x00\x00\x07"))
	f.Add([]byte(changeKey), []byte("\x00\x01\x00\x00\x00\x07\x01\x01\x00"))
	f.Add([]byte("\x00\x00\x00\x06"), []byte("\x00\x00\x01\x00"))
	f.Fuzz(func(t *testing.T, key, value []byte) {
		kind, m, err := batch.DecodeControl(&batch.Record{Key: key, Value: value})
		if err != nil || m == nil {
			return
		}
		key, value, err = batch.EncodeControl(kind, m)
		if err != nil {
			return // what is read need not pass Check, which knows what Kafka would not write
		}
		again, m2, err := batch.DecodeControl(&batch.Record{Key: key, Value: value})
		if err != nil || again != kind {
			t.Fatalf("got %v and %v, want %v", again, err, kind)
		}
		compare(t, "message", m2, m)
	})
}

// refused reports whether there are batches that a converter is documented to refuse.
func refused(to batch.Magic, from []plainBatch) bool {
	for _, b := range from {
		codec := b.Header.Attributes.Codec()
		switch {
		case b.Header.Magic == to, b.Header.Attributes.Control():
			continue
		case codec == compress.Zstd && to < batch.V2:
			return true
		}
		for i, r := range b.Records {
			if i > 0 && (r.Offset <= b.Records[i-1].Offset || r.Offset-b.Records[0].Offset > math.MaxInt32) {
				return true
			}
		}
	}
	return false
}

// What is converted has the records that the format can carry.
func FuzzConvert(f *testing.F) {
	for _, format := range formats {
		raw, _ := valid(f, format.magic, format.codec)
		for to := range uint8(3) {
			f.Add(raw, to)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte, to uint8) {
		data = signAll(bytes.Clone(data))
		conv := batch.Converter{To: batch.Magic(to % 3), Codecs: codecs, Limit: plainLimit}
		out, err := conv.Append(nil, data)
		want, plainErr := readPlain(data)
		if err != nil {
			if !isError(err) {
				t.Fatalf("got the error %v, want an *Error", err)
			}
			if plainErr == nil && !refused(conv.To, want) {
				t.Fatalf("got the error %v, and nothing is wrong with %x", err, data)
			}
			return
		}
		if plainErr != nil {
			return // what has the format already is copied unread
		}
		got, err := readPlain(out)
		if err != nil {
			t.Fatalf("what was written is wrong: %v", err)
		}
		compare(t, "records", recordsOf(got), converted(conv.To, want))
	})
}

// A batch that is built of whatever is given is read as that.
func FuzzBuild(f *testing.F) {
	f.Add([]byte("key"), []byte("value"), "header", []byte("its value"), int64(1000), int64(999), uint8(2), uint8(1))
	f.Fuzz(func(t *testing.T, key, value []byte, header string, headerValue []byte, first, second int64, magic, codec uint8) {
		magic, codec = magic%3, codec%5
		if magic < 2 {
			codec %= 4
		}
		headers := []batch.RecordHeader{{Key: header, Value: headerValue}, {}}
		b := batch.NewBuilder(nil, batch.Magic(magic))
		var want []plainRecord
		for i, timestamp := range []int64{first, second} {
			if !b.Append(timestamp, key, value, headers) {
				t.Fatal("without a limit, it does not fit")
			}
			r := plainRecord{int64(i), timestamp, key, value, []plainHeader{{header, headerValue}, {}}}
			if magic < 2 {
				r.Headers = nil
			}
			if magic == 0 {
				r.Timestamp = batch.NoTimestamp
			}
			want = append(want, r)
		}
		s := b.Seal()
		if _, err := s.Compress(codecs, compress.Settings{Codec: compress.Codec(codec)}, nil); err != nil {
			t.Fatal(err)
		}
		s.Number(first, int16(second), int32(second))
		got, err := readPlain(s.Bytes)
		if err != nil {
			t.Fatal(err)
		}
		compare(t, "records", recordsOf(got), want)
	})
}
