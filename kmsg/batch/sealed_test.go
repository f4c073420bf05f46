package batch_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"testing"

	"github.com/franzi-kafka/franzi/kmsg/batch"
	"github.com/franzi-kafka/franzi/kmsg/compress"
)

// Numbers may be given again and again, before and after the checksum: the checksum stays that
// of all bytes.
func TestNumberAgainAndAgain(t *testing.T) {
	for seed := range uint64(200) {
		c := newChance(seed)
		b := c.built(batch.V2, 0)
		bld := batch.NewBuilder(nil, batch.V2)
		prepare(bld, &b.Header)
		for _, r := range b.Records {
			bld.Append(r.Timestamp, r.Key, r.Value, headersOf(&r))
		}
		s := bld.Seal()
		if c.oneIn(2) {
			s.Number(1, 2, 3) // before there is a checksum
		}
		if _, err := s.Compress(codecs, compress.Settings{Codec: compress.Codec(c.IntN(5))}, nil); err != nil {
			t.Fatal(err)
		}
		for range 5 {
			id, epoch, sequence := c.Int64(), int16(c.IntN(1<<15)), c.Int32()
			if c.oneIn(4) {
				id, epoch, sequence = -1, -1, -1
			}
			s.Number(id, epoch, sequence)
			fresh := bytes.Clone(s.Bytes)
			sign(fresh)
			if !bytes.Equal(s.Bytes, fresh) {
				t.Fatalf("seed %d: got the checksum %x, want %x", seed, s.Bytes[17:21], fresh[17:21])
			}
			r := batch.NewReader(s.Bytes)
			if !r.Next() || r.Batch.ProducerID != id || r.Batch.ProducerEpoch != epoch || r.Batch.BaseSequence != sequence {
				t.Fatalf("seed %d: got %v, want producer %d epoch %d sequence %d", seed, r.Batch, id, epoch, sequence)
			}
		}
	}
}

// Messages have no numbers and a checksum each.
func TestNumberOfMessages(t *testing.T) {
	b := batch.NewBuilder(nil, batch.V1)
	b.Append(1, nil, []byte("value"), nil)
	s := b.Seal()
	want := bytes.Clone(s.Bytes)
	s.Checksum()
	s.Number(1, 2, 3)
	if !bytes.Equal(s.Bytes, want) {
		t.Errorf("got\n%x\nwant\n%x", s.Bytes, want)
	}
}

// What is compressed reads as what was appended, in every format, with whatever buffer.
func TestCompressRandomBatches(t *testing.T) {
	eachFormat(t, func(t *testing.T, magic batch.Magic, codec compress.Codec) {
		shrunk := 0
		for seed := range uint64(100) {
			c := newChance(seed)
			b := c.built(magic, c.Int64N(2)*c.Int64N(1<<40))
			bld := batch.NewBuilder(nil, magic)
			prepare(bld, &b.Header)
			for _, r := range b.Records {
				bld.Append(r.Timestamp, r.Key, r.Value, headersOf(&r))
			}
			s := bld.Seal()
			before, plain := s.Bytes, bytes.Clone(s.Bytes)
			dst := make([]byte, 3, 3+c.IntN(1000))
			unused, err := s.Compress(codecs, compress.Settings{Codec: codec}, dst)
			if err != nil {
				t.Fatal(err)
			}
			if len(s.Bytes) > len(plain) {
				t.Fatalf("seed %d: compressed it is %d bytes instead of %d", seed, len(s.Bytes), len(plain))
			}
			if len(unused) > 0 && len(s.Bytes) > 0 && &unused[0] == &s.Bytes[0] {
				t.Fatalf("seed %d: the buffer that is returned is in use", seed)
			}
			switch {
			case codec == compress.None || len(s.Bytes) == len(plain):
				if len(plain) > 0 && &s.Bytes[0] != &before[0] {
					t.Fatalf("seed %d: it stays as it is, elsewhere", seed)
				}
			default:
				shrunk++
				if &unused[0] != &before[0] {
					t.Fatalf("seed %d: the old bytes are not returned", seed)
				}
				if r := batch.NewReader(s.Bytes); !r.Next() || r.Batch.Attributes.Codec() != codec {
					t.Fatalf("seed %d: got %v, want %s", seed, r.Batch, codec)
				}
			}
			got, err := readPlain(s.Bytes)
			if err != nil {
				t.Fatalf("seed %d: the plain reader: %v", seed, err)
			}
			compare(t, "records", recordsOf(got), b.Records)
			for _, g := range got {
				if g.Header.Attributes&^7 != b.Header.Attributes || len(got) == 1 && magic > 0 && g.Header.MaxTimestamp != b.Header.MaxTimestamp && !b.Header.Attributes.LogAppendTime() {
					t.Fatalf("seed %d: got %v, want %v", seed, g.Header, b.Header)
				}
			}
		}
		if codec != compress.None && shrunk < 20 {
			t.Errorf("only %d batches of 100 became smaller", shrunk)
		}
	})
}

// Bytes that do not compress stay as they are, with their offsets.
func TestCompressNoise(t *testing.T) {
	noise := make([]byte, 100)
	rnd := rand.New(rand.NewPCG(1, 1))
	for i := range noise {
		noise[i] = byte(rnd.Uint32())
	}
	for magic := batch.V0; magic <= batch.V2; magic++ {
		b := batch.NewBuilder(nil, magic)
		b.BaseOffset = 77
		b.Append(1, nil, noise, nil)
		s := b.Seal()
		s.Checksum()
		want := bytes.Clone(s.Bytes)
		if _, err := s.Compress(codecs, compress.Settings{Codec: compress.Gzip}, nil); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(s.Bytes, want) {
			t.Errorf("format %d: got\n%x\nwant\n%x", magic, s.Bytes, want)
		}
	}
}

// An error leaves the batch as it was, ready for another codec.
func TestCompressErrors(t *testing.T) {
	tests := []struct {
		name  string
		magic batch.Magic
		with  compress.Settings
		want  error
	}{
		{"a codec to come", batch.V2, compress.Settings{Codec: 6}, compress.ErrUnknownCodec},
		{"a level that gzip lacks", batch.V2, compress.Settings{Codec: compress.Gzip, Level: 10}, compress.ErrLevel},
		{"zstd in format 1", batch.V1, compress.Settings{Codec: compress.Zstd}, compress.ErrUnknownCodec},
		{"zstd in format 0", batch.V0, compress.Settings{Codec: compress.Zstd}, compress.ErrUnknownCodec},
		{"a level, after offsets were changed", batch.V1, compress.Settings{Codec: compress.LZ4, Level: 18}, compress.ErrLevel},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			b := batch.NewBuilder(nil, test.magic)
			b.BaseOffset = 5
			b.Append(1, nil, bytes.Repeat([]byte("again "), 100), nil)
			s := b.Seal()
			want := bytes.Clone(s.Bytes)
			dst := make([]byte, 5, 1000)
			unused, err := s.Compress(codecs, test.with, dst)
			if !errors.Is(err, test.want) {
				t.Errorf("got the error %v, want %v", err, test.want)
			}
			if len(unused) != 5 || &unused[0] != &dst[0] {
				t.Error("the buffer did not come back")
			}
			if !bytes.Equal(s.Bytes, want) {
				t.Errorf("the batch is\n%x\nwant as before\n%x", s.Bytes, want)
			}
		})
	}
}

// lz4 has the header checksum of its time in format 0, and the right one since.
func TestCompressOldLZ4(t *testing.T) {
	for magic, want := range []byte{0x1a, 0x82, 0x82} {
		b := batch.NewBuilder(nil, batch.Magic(magic))
		b.Append(1, nil, bytes.Repeat([]byte("again "), 100), nil)
		s := b.Seal()
		if _, err := s.Compress(codecs, compress.Settings{Codec: compress.LZ4}, nil); err != nil {
			t.Fatal(err)
		}
		frame := bytes.Index(s.Bytes, []byte{0x04, 0x22, 0x4d, 0x18})
		if frame < 0 || s.Bytes[frame+6] != want {
			t.Errorf("format %d: got %x, want the header checksum %#x", magic, s.Bytes, want)
		}
	}
}

// Once its buffers are large enough, sealing, compressing and numbering allocate nothing.
func TestSealAllocatesNothing(t *testing.T) {
	buf, dst := make([]byte, 0, 1<<16), make([]byte, 0, 1<<17)
	var own compress.Codecs
	var b batch.Builder
	value := bytes.Repeat([]byte("again "), 20)
	allocs := testing.AllocsPerRun(50, func() {
		b.Reset(buf, batch.V2)
		for {
			if _, ok := b.TryAppend(1, nil, value, nil); !ok {
				break
			}
		}
		s := b.Seal()
		unused, err := s.Compress(&own, compress.Settings{Codec: compress.LZ4}, dst)
		if err != nil {
			t.Fatal(err)
		}
		s.Number(1, 2, 3)
		buf, dst = unused, s.Bytes
		if cap(buf) > cap(dst) {
			buf, dst = dst, buf
		}
	})
	if allocs != 0 {
		t.Errorf("got %v allocations for a batch, want none", allocs)
	}
}

func TestAssign(t *testing.T) {
	eachFormat(t, func(t *testing.T, magic batch.Magic, codec compress.Codec) {
		raw, start := valid(t, magic, codec)
		raw = raw[start:]
		before, err := readOurs(raw)
		if err != nil {
			t.Fatal(err)
		}
		old := before[0].Header
		batch.Assign(raw, old.BaseOffset+1000, 12)
		got, err := readPlain(raw) // which looks at the checksum
		if err != nil {
			t.Fatal(err)
		}
		want := before[0]
		want.Header.BaseOffset += 1000
		if magic == batch.V2 {
			want.Header.LeaderEpoch = 12
		}
		for i := range want.Records {
			if magic == batch.V0 && codec != compress.None {
				break // which has offsets of its own in it
			}
			want.Records[i].Offset += 1000
		}
		compare(t, "after Assign", got, []plainBatch{want})
		batch.AssignTime(raw, 5000)
		if got, err = readPlain(raw); err != nil {
			t.Fatal(err)
		}
		if magic > batch.V0 {
			want.Header.CRC = got[0].Header.CRC
			want.Header.Attributes |= 8
			want.Header.MaxTimestamp = 5000
			if magic == batch.V1 {
				want.Header.BaseTimestamp = 5000
			}
			for i := range want.Records {
				want.Records[i].Timestamp = 5000
			}
		}
		compare(t, "after AssignTime", got, []plainBatch{want})
	})
}

// A batch that is numbered after a broker assigned its time has the right checksum.
func TestNumberAfterAssignTime(t *testing.T) {
	b := batch.NewBuilder(nil, batch.V2)
	b.Append(1, nil, []byte("value"), nil)
	s := b.Seal()
	s.Checksum()
	batch.AssignTime(s.Bytes, 5000)
	s.Number(1, 2, 3)
	fresh := bytes.Clone(s.Bytes)
	sign(fresh)
	if !bytes.Equal(s.Bytes, fresh) {
		t.Errorf("got the checksum %08x, want %08x", binary.BigEndian.Uint32(s.Bytes[17:]), binary.BigEndian.Uint32(fresh[17:]))
	}
}
