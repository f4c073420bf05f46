package batch_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/franzi-kafka/franzi/kmsg/batch"
	"github.com/franzi-kafka/franzi/kmsg/compress"
)

// chance makes random records and batches, the same for the same seed.
type chance struct{ *rand.Rand }

func newChance(seed uint64) chance { return chance{rand.New(rand.NewPCG(seed, 0))} }

// oneIn reports true once in n times.
func (c chance) oneIn(n int) bool { return c.IntN(n) == 0 }

// bytes are null, empty, or of a length at which encodings change.
func (c chance) bytes(most int) []byte {
	if c.oneIn(6) {
		return nil
	}
	n := c.IntN(12)
	if c.oneIn(4) {
		n = []int{0, 62, 63, 64, 65, 127, 128, 300, 8191, 8192, 70_000}[c.IntN(11)]
	}
	b := make([]byte, min(n, most))
	for i := range b {
		b[i] = byte(c.IntN(5)) // for the codecs to have something to do
	}
	return b
}

// record is a record with everything.
func (c chance) record(most int) plainRecord {
	r := plainRecord{Key: c.bytes(most), Value: c.bytes(most)}
	for range c.IntN(6) - 3 {
		r.Headers = append(r.Headers, plainHeader{fmt.Sprint("key", c.IntN(3)), c.bytes(most)})
	}
	r.Timestamp = c.timestamp()
	return r
}

func (c chance) timestamp() int64 {
	switch {
	case c.oneIn(20):
		return batch.NoTimestamp
	case c.oneIn(20):
		return c.Int64()
	}
	return 1_700_000_000_000 + c.Int64N(1000) - 200
}

// batch is a batch of a format, as a broker could keep it, or a message.
func (c chance) batch(magic batch.Magic, codec compress.Codec) plainBatch {
	b := plainBatch{Header: batch.Header{
		BaseOffset: c.Int64N(1 << 40), LeaderEpoch: -1, Magic: magic, Attributes: batch.Attributes(codec),
		BaseTimestamp: batch.NoTimestamp, MaxTimestamp: batch.NoTimestamp,
		ProducerID: -1, ProducerEpoch: -1, BaseSequence: -1,
	}}
	h := &b.Header
	if magic > batch.V0 && c.oneIn(4) {
		h.Attributes |= 8
	}
	n := c.IntN(9)
	if magic < batch.V2 {
		n = max(n, 1)
		if codec == compress.None {
			n = 1
		}
	}
	offset := h.BaseOffset
	for i := range n {
		r := c.record(1 << 17)
		if c.oneIn(3) && (magic == batch.V2 || i > 0) {
			offset += c.Int64N(300) // others were compacted
		}
		r.Offset = offset
		offset++
		b.Records = append(b.Records, r)
	}
	for i := range b.Records {
		r := &b.Records[i]
		if magic < batch.V2 {
			r.Headers = nil
		}
		if magic == batch.V0 {
			r.Timestamp = batch.NoTimestamp
		}
		h.MaxTimestamp = max(h.MaxTimestamp, r.Timestamp)
	}
	switch {
	case magic == batch.V2:
		c.header(h, int32(offset-h.BaseOffset))
	case magic == batch.V1:
		h.BaseTimestamp = h.MaxTimestamp
	}
	if h.Attributes.LogAppendTime() {
		for i := range b.Records {
			b.Records[i].Timestamp = h.MaxTimestamp
		}
	}
	return b
}

// header sets what only format 2 has.
func (c chance) header(h *batch.Header, span int32) {
	h.LeaderEpoch = c.Int32N(100) - 1
	h.LastOffsetDelta = max(span-1, 0)
	if c.oneIn(3) {
		h.LastOffsetDelta += c.Int32N(1000) // the last records were compacted
	}
	h.BaseTimestamp = c.timestamp()
	if c.oneIn(2) {
		h.ProducerID, h.ProducerEpoch, h.BaseSequence = c.Int64N(1000), int16(c.IntN(100)), c.Int32()
		for _, flag := range []batch.Attributes{0x10, 0x20, 0x40} { // transactional, control, delete horizon
			if c.oneIn(2) {
				h.Attributes |= flag
			}
		}
	}
}

// formats are all pairs of a format and a codec that exist.
var formats = func() (all []struct {
	magic batch.Magic
	codec compress.Codec
}) {
	for magic := batch.V0; magic <= batch.V2; magic++ {
		for codec := compress.None; codec <= compress.Zstd; codec++ {
			if magic == batch.V2 || codec != compress.Zstd {
				all = append(all, struct {
					magic batch.Magic
					codec compress.Codec
				}{magic, codec})
			}
		}
	}
	return all
}()

// eachFormat runs a subtest for each format and codec.
func eachFormat(t *testing.T, test func(t *testing.T, magic batch.Magic, codec compress.Codec)) {
	for _, f := range formats {
		t.Run(fmt.Sprintf("%d/%s", f.magic, f.codec), func(t *testing.T) { test(t, f.magic, f.codec) })
	}
}
