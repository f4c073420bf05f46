package batch_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"testing"

	"github.com/franzi-kafka/franzi/kmsg/batch"
	"github.com/franzi-kafka/franzi/kmsg/compress"
)

// Records whose bytes lie, in a batch with a valid checksum, are errors at the record's byte.
func TestRecordsThatLie(t *testing.T) {
	v := func(n int64) string { return string(binary.AppendVarint(nil, n)) }
	rec := func(body string) string { return v(int64(len(body))) + body }
	// attributes, timestamp, offset, key, value, headers
	good := rec("\x00" + v(1) + v(0) + v(-1) + v(2) + "ab" + v(0))
	tests := []struct {
		name    string
		records string
		pos     int // of the record that is wrong, in the records
		says    string
	}{
		{"nothing", "", 0, "2 records less than the 2"},
		{"one too few", good, len(good), "1 records less than the 2"},
		{"one too many", good + rec("\x00"+v(1)+v(1)+v(-1)+v(-1)+v(0)) + good, 2*len(good) - 2, "bytes after the last record"},
		{"a byte too many", good + rec("\x00"+v(1)+v(1)+v(-1)+v(-1)+v(0)) + "\x00", 2*len(good) - 2, "1 bytes after the last record"},
		{"negative length", good + v(-1), len(good), "length does not fit"},
		{"length beyond the end", good + v(100), len(good), "length does not fit"},
		{"length of all there can be", good + v(math.MaxInt64), len(good), "length does not fit"},
		{"length of 11 bytes", good + "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", len(good), "length does not fit"},
		{"length of 65 bits", good + "\x80\x80\x80\x80\x80\x80\x80\x80\x80\x02", len(good), "length does not fit"},
		{"length without an end", good + "\x80", len(good), "length does not fit"},
		{"empty", good + rec(""), len(good), "too short for its timestamp and offset"},
		{"attributes only", good + rec("\x00"), len(good), "too short"},
		{"no offset", good + rec("\x00"+v(1)), len(good), "too short"},
		{"the same offset", good + rec("\x00"+v(1)+v(0)+v(-1)+v(-1)+v(0)), len(good), "offset is 0 after the batch's, but after 0 and up to 3"},
		{"negative offset", rec("\x00" + v(1) + v(-1) + v(-1) + v(-1) + v(0)), 0, "offset is -1"},
		{"an offset after the last", good + rec("\x00"+v(1)+v(4)+v(-1)+v(-1)+v(0)), len(good), "offset is 4"},
		{"an offset beyond 32 bits", good + rec("\x00"+v(1)+v(1<<32+1)+v(-1)+v(-1)+v(0)), len(good), "offset is 4294967297"},
		{"no key", good + rec("\x00"+v(1)+v(1)), len(good), "key of"},
		{"key of -2", good + rec("\x00"+v(1)+v(1)+v(-2)+v(-1)+v(0)), len(good), "key of -2 bytes"},
		{"key beyond the record", good + rec("\x00"+v(1)+v(1)+v(5)+"abc"), len(good), "key of 5 bytes"},
		{"key of all there can be", good + rec("\x00"+v(1)+v(1)+v(math.MaxInt64)+"abc"), len(good), "key of 9223372036854775807"},
		{"key of the least there can be", good + rec("\x00"+v(1)+v(1)+v(math.MinInt64)+"abc"), len(good), "key of -9223372036854775808"},
		{"no value", good + rec("\x00"+v(1)+v(1)+v(1)+"k"), len(good), "value of"},
		{"value of -2", good + rec("\x00"+v(1)+v(1)+v(-1)+v(-2)+v(0)), len(good), "value of -2 bytes"},
		{"value beyond the record", good + rec("\x00"+v(1)+v(1)+v(-1)+v(2)+"a"), len(good), "value of 2 bytes"},
		{"no headers", good + rec("\x00"+v(1)+v(1)+v(-1)+v(-1)), len(good), "0 headers"},
		{"a byte after no headers", good + rec("\x00"+v(1)+v(1)+v(-1)+v(-1)+v(0)+"x"), len(good), "goes on for 1 bytes"},
		{"negative headers", good + rec("\x00"+v(1)+v(1)+v(-1)+v(-1)+v(-1)), len(good), "-1 headers"},
		{"more headers than bytes", good + rec("\x00"+v(1)+v(1)+v(-1)+v(-1)+v(2)+"\x00\x00\x00"), len(good), "2 headers"},
		{"headers of all there can be", good + rec("\x00"+v(1)+v(1)+v(-1)+v(-1)+v(math.MaxInt64)), len(good), "9223372036854775807 headers"},
		{"headers of 2^62", good + rec("\x00"+v(1)+v(1)+v(-1)+v(-1)+v(1<<62)+"\x00\x00"), len(good), "4611686018427387904 headers"},
		{"a header with a null key", good + rec("\x00"+v(1)+v(1)+v(-1)+v(-1)+v(1)+v(-1)+v(-1)), len(good), "key of a record's header, of -1"},
		{"a header's key beyond the record", good + rec("\x00"+v(1)+v(1)+v(-1)+v(-1)+v(1)+v(5)+"a"), len(good), "key of a record's header, of 5"},
		{"a header's value beyond the record", good + rec("\x00"+v(1)+v(1)+v(-1)+v(-1)+v(1)+v(1)+"a"+v(1)), len(good), "value of a record's header, of 1"},
		{"a header's value of -2", good + rec("\x00"+v(1)+v(1)+v(-1)+v(-1)+v(1)+v(1)+"a"+v(-2)), len(good), "value of a record's header, of -2"},
		{"a header without a value", good + rec("\x00"+v(1)+v(1)+v(-1)+v(-1)+v(1)+v(1)+"a"), len(good), "does not fit"},
		{"bytes after the headers", good + rec("\x00"+v(1)+v(1)+v(-1)+v(-1)+v(1)+v(0)+v(0)+"abc"), len(good), "goes on for 3 bytes"},
	}
	for _, test := range tests {
		for _, codec := range []compress.Codec{compress.None, compress.Gzip} {
			t.Run(fmt.Sprint(test.name, "/", codec), func(t *testing.T) {
				raw, start := valid(t, batch.V2, compress.None)
				records := compressed(t, []byte(test.records), codec, false)
				raw = append(raw[:start+batch.HeaderSize], records...)
				b := raw[start:]
				binary.BigEndian.PutUint32(b[8:], uint32(len(b)-12))
				b[22] = byte(codec)
				binary.BigEndian.PutUint32(b[23:], 3) // last offset
				binary.BigEndian.PutUint32(b[57:], 2) // count
				sign(b)
				_, err := readOurs(raw)
				pos := test.pos
				if codec == compress.None {
					pos += start + batch.HeaderSize
				}
				checkError(t, err, batch.ErrMalformed, codec != compress.None, pos, test.says)
				if got, err := readPlain(raw); err == nil {
					t.Errorf("the plain reader finds nothing wrong with %v", got)
				}
			})
		}
	}
}

// Messages that lie, alone and in a compressed one.
func TestMessagesThatLie(t *testing.T) {
	msg := func(magic batch.Magic, offset int64, change func(b []byte) []byte) []byte {
		b := plainBatch{Header: batch.Header{Magic: magic}, Records: []plainRecord{{Offset: offset, Timestamp: 5, Key: []byte("key"), Value: []byte("value")}}}
		raw := writePlain(t, &b)
		if change != nil {
			raw = change(raw)
			if len(raw) > 16 {
				binary.BigEndian.PutUint32(raw[12:], 0)
				sign(raw)
			}
		}
		return raw
	}
	put := func(at int, v int32) func([]byte) []byte {
		return func(b []byte) []byte { binary.BigEndian.PutUint32(b[at:], uint32(v)); return b }
	}
	const key1 = 26 // where the key's length stands in format 1
	tests := []struct {
		name   string
		magic  batch.Magic
		inside bool
		bytes  []byte
		pos    int // of the message, or in the decompressed ones
		says   string
	}{
		{"key beyond the message", 1, false, msg(1, 9, put(key1, 1000)), 0, "do not add up"},
		{"key of -2", 1, false, msg(1, 9, put(key1, -2)), 0, "do not add up"},
		{"key a byte too short", 1, false, msg(1, 9, put(key1, 2)), 0, "do not add up"},
		{"null key with bytes", 0, false, msg(0, 9, put(18, -1)), 0, "do not add up"},
		{"value beyond the message", 0, false, msg(0, 9, put(18+4+3, 6)), 0, "do not add up"},
		{"value a byte too short", 0, false, msg(0, 9, put(18+4+3, 4)), 0, "do not add up"},
		{"value of the least there can be", 0, false, msg(0, 9, put(18+4+3, math.MinInt32)), 0, "do not add up"},
		{"key beyond the message", 1, true, msg(1, 0, put(key1, 1000)), 0, "do not add up"},
		{"length of 0", 1, true, msg(1, 0, put(8, 0)), 0, "a message's length of 0"},
		{"negative length", 1, true, msg(1, 0, put(8, -1)), 0, "a message's length of -1"},
		{"length beyond the end", 0, true, msg(0, 0, put(8, 100)), 0, "a message's length of 100"},
		{"too short for a timestamp", 1, true, msg(1, 0, put(8, 21)), 0, "a message's length of 21"},
		{"cut off", 0, true, append(msg(0, 0, nil), msg(0, 1, nil)[:30]...), 34, "a message's length of 22"},
		{"only the beginning", 0, true, append(msg(0, 0, nil), 0, 0, 0), 34, "3 bytes after the last"},
		{"another format", 1, true, msg(0, 0, nil), 0, "a message of format 0 in one of format 1"},
		{"format 2", 1, true, append(msg(1, 0, nil), bytes.Repeat([]byte{0, 0, 0, 2}, 16)...), 42, "a message's length of 2"},
		{"compressed twice", 1, true, msg(1, 0, func(b []byte) []byte { b[17] = 1; return b }), 0, "a compressed message in a compressed one"},
		{"the same offset", 1, true, append(msg(1, 1, nil), msg(1, 1, nil)...), 42, "relative offset 1 after one with 1"},
		{"negative offset", 1, true, msg(1, -1, nil), 0, "relative offset -1"},
		{"an offset beyond 31 bits", 1, true, msg(1, 1<<31, nil), 0, "relative offset 2147483648"},
	}
	for _, test := range tests {
		t.Run(fmt.Sprint(test.name, " in ", test.magic, " inside ", test.inside), func(t *testing.T) {
			raw, start := valid(t, test.magic, compress.None)
			raw = append(raw[:start], test.bytes...)
			pos := start + test.pos
			if test.inside {
				wrapper := batch.Header{Magic: test.magic, Attributes: 1}
				raw = append(raw[:start], oneMessage(&wrapper, 100, 5, nil, compressed(t, test.bytes, compress.Gzip, false))...)
				pos = test.pos
			}
			_, err := readOurs(raw)
			checkError(t, err, batch.ErrMalformed, test.inside, pos, test.says)
			if got, err := readPlain(raw); err == nil {
				t.Errorf("the plain reader finds nothing wrong with %v", got)
			}
		})
	}
}

// The checksum of a compressed message says nothing of those in it, which have their own.
func TestChecksumInside(t *testing.T) {
	for magic := batch.V0; magic <= batch.V1; magic++ {
		inner := oneMessage(&batch.Header{Magic: magic}, 0, 5, nil, []byte("value"))
		inner = append(inner, inner...)
		inner[7+len(inner)/2] = 1
		inner[len(inner)-1]++
		raw := oneMessage(&batch.Header{Magic: magic, Attributes: 1}, 100, 5, nil, compressed(t, inner, compress.Gzip, false))
		_, err := readOurs(raw)
		checkError(t, err, batch.ErrChecksum, true, len(inner)/2, "the checksum of a message is")
	}
}

// A compressed message without a value, or with a value that is no such thing.
func TestPayloadErrors(t *testing.T) {
	bomb := compressed(t, make([]byte, plainLimit+1), compress.Gzip, false)
	tests := []struct {
		name  string
		magic batch.Magic
		codec batch.Attributes
		value []byte
		pos   int
		err   error
	}{
		{"null value", 0, 1, nil, 18, batch.ErrMalformed},
		{"null value", 1, 1, nil, 26, batch.ErrMalformed},
		{"garbage", 0, 1, []byte("garbage"), 26, compress.ErrCorrupt},
		{"nothing", 1, 3, []byte{}, 34, compress.ErrCorrupt},
		{"garbage", 2, 2, []byte("garbage"), 61, compress.ErrCorrupt},
		{"codec 5", 2, 5, []byte("garbage"), 61, compress.ErrUnknownCodec},
		{"codec 7", 1, 7, []byte("garbage"), 34, compress.ErrUnknownCodec},
		{"bomb", 1, 1, bomb, 34, compress.ErrLimit},
		{"bomb", 2, 1, bomb, 61, compress.ErrLimit},
	}
	for _, test := range tests {
		t.Run(fmt.Sprint(test.name, " in ", test.magic), func(t *testing.T) {
			raw, start := valid(t, batch.V2, compress.None)
			if test.magic == batch.V2 {
				raw = append(raw[:start+batch.HeaderSize], test.value...)
				binary.BigEndian.PutUint32(raw[start+8:], uint32(49+len(test.value)))
				raw[start+22] = byte(test.codec)
				sign(raw[start:])
			} else {
				raw = append(raw[:start], oneMessage(&batch.Header{Magic: test.magic, Attributes: test.codec}, 100, 5, nil, test.value)...)
			}
			_, err := readOurs(raw)
			checkError(t, err, test.err, false, start+test.pos, "")
		})
	}
}

// Payload keeps to the limit, and gives the caller's buffer back.
func TestPayloadRoom(t *testing.T) {
	for _, codec := range []compress.Codec{compress.None, compress.Gzip, compress.Snappy, compress.LZ4, compress.Zstd} {
		raw, start := valid(t, batch.V2, codec)
		plain, _ := valid(t, batch.V2, compress.None)
		r := batch.NewReader(raw[start:])
		r.Next()
		size := len(plain) - start - batch.HeaderSize
		buf := make([]byte, 5, 2000)
		payload, room, err := r.Batch.Payload(codecs, buf, size)
		if err != nil || !bytes.Equal(payload, plain[start+batch.HeaderSize:]) {
			t.Fatalf("%s: got %x and %v, want the records", codec, payload, err)
		}
		if &room[:1][0] != &buf[0] {
			t.Errorf("%s: the buffer was large enough, and is not what came back", codec)
		}
		if inBuf := &payload[0] == &buf[0]; inBuf != (codec != compress.None) {
			t.Errorf("%s: the records are in the buffer: %t", codec, inBuf)
		}
		if codec == compress.None {
			continue
		}
		_, room, err = r.Batch.Payload(codecs, buf, size-1)
		if !errors.Is(err, compress.ErrLimit) {
			t.Errorf("%s: got %v, want %v", codec, err, compress.ErrLimit)
		}
		if len(room) == 0 || &room[0] != &buf[0] {
			t.Errorf("%s: after an error the buffer did not come back", codec)
		}
		if payload, room, err = r.Batch.Payload(codecs, nil, size); err != nil || len(payload) != size || &room[0] != &payload[0] {
			t.Errorf("%s: got %d bytes and %v, want %d in a new buffer that is returned", codec, len(payload), err, size)
		}
	}
}

// What compaction leaves: batches of no records, and batches whose last records are gone. Who
// goes on after LastOffset gets ahead.
func TestCompacted(t *testing.T) {
	for codec := compress.None; codec <= compress.Zstd; codec++ {
		b := plainBatch{Header: batch.Header{BaseOffset: 100, Magic: batch.V2, Attributes: batch.Attributes(codec), LastOffsetDelta: 9, BaseTimestamp: 5, MaxTimestamp: 5},
			Records: []plainRecord{{Offset: 103, Timestamp: 5, Value: []byte("left")}, {Offset: 105, Timestamp: 5}}}
		raw := writePlain(t, &b)
		empty := plainBatch{Header: b.Header}
		raw = append(raw, writePlain(t, &empty)...)
		bare := plainBatch{Header: b.Header} // as Kafka writes it: without bytes, whatever the codec
		bare.Header.Attributes = 0
		rawBare := writePlain(t, &bare)
		rawBare[22] = byte(codec)
		sign(rawBare)
		raw = append(raw, rawBare...)
		got, err := readOurs(raw)
		if err != nil {
			t.Fatalf("%s: %v", codec, err)
		}
		if len(got) != 3 {
			t.Fatalf("%s: got %d batches, want 3", codec, len(got))
		}
		compare(t, "records", recordsOf(got), b.Records)
		for _, g := range got {
			if g.Header.LastOffset() != 109 {
				t.Errorf("%s: got the last offset %d, want 109", codec, g.Header.LastOffset())
			}
		}
	}
}

// In a compressed message of format 1 offsets are relative, in one of format 0 they are not
// (KIP-31). Some producers leave the outer offset at 0, others all inner ones: Kafka takes both.
func TestOffsetsInMessages(t *testing.T) {
	for _, test := range []struct {
		magic batch.Magic
		outer int64
		inner []int64
		want  []int64
	}{
		{0, 12, []int64{10, 11, 12}, []int64{10, 11, 12}},
		{0, 0, []int64{0, 1, 2}, []int64{0, 1, 2}},
		{0, 7, []int64{0, 0, 0}, []int64{0, 0, 0}},
		{1, 12, []int64{0, 1, 2}, []int64{10, 11, 12}},
		{1, 12, []int64{3, 5, 9}, []int64{6, 8, 12}}, // others were compacted
		{1, 0, []int64{0, 1, 2}, []int64{0, 1, 2}},
		{1, 0, []int64{4, 7}, []int64{4, 7}},
		{1, 0, []int64{0, 0, 0}, []int64{0, 0, 0}},
		{1, 7, []int64{0, 0, 0}, []int64{7, 7, 7}},
		{1, 2, []int64{0, 1, 2}, []int64{0, 1, 2}},
		{1, 5, nil, nil},
	} {
		var inside []byte
		for _, offset := range test.inner {
			inside = append(inside, oneMessage(&batch.Header{Magic: test.magic}, offset, 5, nil, nil)...)
		}
		raw := oneMessage(&batch.Header{Magic: test.magic, Attributes: 1}, test.outer, 5, nil, compressed(t, inside, compress.Gzip, false))
		got, err := readOurs(raw)
		if err != nil {
			t.Fatal(err)
		}
		var offsets []int64
		for _, r := range recordsOf(got) {
			offsets = append(offsets, r.Offset)
		}
		compare(t, fmt.Sprintf("offsets of %v in a message at %d", test.inner, test.outer), offsets, test.want)
	}
}

// Offsets of which nobody can say what they stand for.
func TestOffsetsThatLie(t *testing.T) {
	for _, test := range []struct {
		outer   int64
		inner   []int64
		message int // that is wrong
		says    string
	}{
		{12, []int64{0, 0, 1}, 1, "relative offset 0 after one with 0"},
		{12, []int64{0, 2, 2}, 2, "relative offset 2 after one with 2"},
		{12, []int64{0, 3, 0}, 1, "relative offset 3 where the last has 0"},
		{0, []int64{3, 3}, 1, "relative offset 3 after one with 3"},
		{1, []int64{0, 1, 2}, 0, "a message at offset 1 with the relative offset 2 in it"},
		{-1, []int64{0}, 0, "a message at offset -1 with the relative offset 0 in it"},
		{1 << 40, []int64{0, 1 << 31}, 1, "relative offset 2147483648"},
		{1 << 40, []int64{-1, 0}, 0, "relative offset -1"},
	} {
		var inside []byte
		for _, offset := range test.inner {
			inside = append(inside, oneMessage(&batch.Header{Magic: batch.V1}, offset, 5, nil, nil)...)
		}
		raw := oneMessage(&batch.Header{Magic: batch.V1, Attributes: 1}, test.outer, 5, nil, compressed(t, inside, compress.Gzip, false))
		_, err := readOurs(raw)
		checkError(t, err, batch.ErrMalformed, true, test.message*34, test.says)
		if got, err := readPlain(raw); err == nil {
			t.Errorf("%v in %d: the plain reader finds nothing wrong with %v", test.inner, test.outer, got)
		}
	}
}

// SkipTo looks at nothing but lengths and offsets of what it leaves out, but at those.
func TestWalkerSkipTo(t *testing.T) {
	raw, start := valid(t, batch.V2, compress.None)
	b := raw[start:]
	const size, key = 26, 4 // of a record, and where its key's length stands
	b[batch.HeaderSize+key] = 99
	sign(b)
	r := batch.NewReader(raw)
	r.Next()
	r.Next()
	w := r.Batch.Walk(b[batch.HeaderSize:])
	w.SkipTo(101)
	var offsets []int64
	for w.Next() {
		offsets = append(offsets, w.Record.Offset)
	}
	if w.Err() != nil {
		t.Fatal(w.Err())
	}
	compare(t, "offsets", offsets, []int64{101, 102, 103, 104})
	b[batch.HeaderSize+3] = 20 // its offset
	w = r.Batch.Walk(b[batch.HeaderSize:])
	w.SkipTo(101)
	if w.Next() {
		t.Fatalf("got the record at offset %d, want an error", w.Record.Offset)
	}
	checkError(t, w.Err(), batch.ErrMalformed, false, start+batch.HeaderSize, "offset is 10 after")
	w = r.Batch.Walk(b[batch.HeaderSize : batch.HeaderSize+size-1])
	w.SkipTo(1000)
	if w.Next() || w.Err() == nil {
		t.Error("a batch that is too short is skipped in silence")
	}
}

// Mutations of valid batches, with the checksum made right: the package and the plain reader
// agree whether they are batches, and on all that is in them.
func TestMutations(t *testing.T) {
	eachFormat(t, func(t *testing.T, magic batch.Magic, codec compress.Codec) {
		accepted, refused := 0, 0
		for seed := range uint64(150) {
			c := newChance(seed)
			b := c.batch(magic, codec)
			for i := range b.Records {
				b.Records[i].Key, b.Records[i].Value = c.bytes(100), c.bytes(100)
			}
			raw := writePlain(t, &b)
			for range 20 {
				mutant := c.mutate(raw)
				want, plainErr := readPlain(mutant)
				got, err := readOurs(mutant)
				if (err == nil) != (plainErr == nil) {
					t.Fatalf("seed %d: got the error %v, the plain reader has %v, for\n%x", seed, err, plainErr, mutant)
				}
				compare(t, fmt.Sprintf("seed %d, batches in %x", seed, mutant), got, want)
				if err == nil {
					accepted++
					continue
				}
				refused++
				var e *batch.Error
				if !errors.As(err, &e) || !e.Inside && (e.Pos < 0 || e.Pos > len(mutant)) {
					t.Fatalf("seed %d: got %#v, want an *Error with a position in %d bytes", seed, err, len(mutant))
				}
			}
		}
		if accepted < 50 || refused < 50 {
			t.Errorf("%d mutants were accepted and %d refused, want some of both", accepted, refused)
		}
	})
}

// mutate changes some bytes of a batch, within the compressed ones if there are any, and makes
// lengths and checksums right again, mostly.
func (c chance) mutate(raw []byte) []byte {
	b := bytes.Clone(raw)
	change := func(b []byte) []byte {
		for range 1 + c.IntN(3) {
			if len(b) == 0 {
				return b
			}
			at := c.IntN(len(b))
			switch c.IntN(6) {
			case 0:
				b[at] = byte(c.Uint32())
			case 1:
				b[at] ^= 1 << c.IntN(8)
			case 2:
				b[at] += byte(c.IntN(5)) - 2
			case 3:
				b = append(b[:at], b[at+1:]...)
			case 4:
				b = append(b[:at:at], append([]byte{byte(c.Uint32())}, b[at:]...)...)
			case 5: // a number's extremes
				copy(b[at:], []([]byte){{0xff, 0xff, 0xff, 0xff}, {0x7f, 0xff, 0xff, 0xff}, {0x80, 0, 0, 0}, {0, 0, 0, 0}, {0xfe, 0xff, 0xff, 0xff, 0x0f}}[c.IntN(5)])
			}
		}
		return b
	}
	header := batch.HeaderSize
	switch b[16] {
	case 0:
		header = 26
	case 1:
		header = 34
	}
	codec := compress.Codec(b[17] & 7)
	if b[16] == 2 {
		codec = compress.Codec(b[22] & 7)
	}
	if codec != compress.None && c.oneIn(2) && len(b) > header {
		if payload, err := decompressPlain(codec, b[header:]); err == nil {
			out, err := compressPlain(codec, change(payload), b[16] == 0)
			if err != nil {
				panic(err)
			}
			b = append(b[:header:header], out...)
		}
	} else if c.oneIn(2) && len(b) > header {
		b = append(b[:header:header], change(b[header:])...)
	} else {
		b = change(b)
	}
	if len(b) > header && c.IntN(20) > 0 {
		binary.BigEndian.PutUint32(b[8:], uint32(len(b)-12))
		if b[16] < 2 && codec != compress.None {
			binary.BigEndian.PutUint32(b[header-4:], uint32(len(b)-header))
		}
		sign(b)
	}
	return b
}

// Walking allocates nothing, whatever is in the batch.
func TestWalkAllocatesNothing(t *testing.T) {
	eachFormat(t, func(t *testing.T, magic batch.Magic, codec compress.Codec) {
		raw, _ := valid(t, magic, codec)
		var r batch.Reader
		var own compress.Codecs
		room := make([]byte, 0, 1<<16)
		sum := 0
		allocs := testing.AllocsPerRun(50, func() {
			r.Reset(raw)
			r.SkipTo(1)
			for r.Next() {
				if r.Batch.Verify() != nil {
					t.Fatal("the checksum is wrong")
				}
				var payload []byte
				var err error
				if payload, room, err = r.Batch.Payload(&own, room, 1<<16); err != nil {
					t.Fatal(err)
				}
				w := r.Batch.Walk(payload)
				w.SkipTo(1)
				for w.Next() {
					sum += len(w.Record.Value)
					v, _ := w.Record.Headers.Get("a")
					for k, v := range w.Record.Headers.All() {
						sum += len(k) + len(v)
					}
					sum += len(v)
				}
			}
		})
		if allocs != 0 || sum == 0 {
			t.Errorf("got %v allocations and %d bytes, want none and some", allocs, sum)
		}
	})
}
