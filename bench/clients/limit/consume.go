package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"iter"
	"net"

	"github.com/franzi-kafka/franzi/bench/clients/adapter"
	"github.com/franzi-kafka/franzi/kmsg/batch"
	"github.com/franzi-kafka/franzi/kmsg/compress"
)

// record is about what a client hands to its user.
type record struct {
	Key, Value []byte
	Headers    []struct {
		Key   string
		Value []byte
	}
	Timestamp   int64
	Offset      int64
	Topic       string
	Partition   int32
	LeaderEpoch int32
	Attrs       uint8
}

type consumer struct {
	cfg     *adapter.Config
	c       net.Conn
	offsets []int64
	req     []byte
	buf     []byte
	corr    uint32
	dec     compress.Codecs
	room    []byte // decompressed, used again
	recs    []record
	sum     int64
	pending bool
	fresh   bool
}

func newConsumer(cfg *adapter.Config) (adapter.Consumer, error) {
	c, err := dial(cfg)
	if err != nil {
		return nil, err
	}
	return &consumer{cfg: cfg, c: c, offsets: make([]int64, cfg.Partitions), buf: make([]byte, 1<<20),
		fresh: cfg.Variant == "fresh" || cfg.Variant == "iterfresh"}, nil
}

func (k *consumer) Close() { k.c.Close() }

// send writes a Fetch v4 request for every partition.
func (k *consumer) send() error {
	k.corr++
	b := header(k.req[:0], 1, 4, k.corr)
	b = be.AppendUint32(b, ^uint32(0))
	b = be.AppendUint32(b, 500)
	b = be.AppendUint32(b, 1)
	b = be.AppendUint32(b, 50<<20)
	b = append(b, 0)
	b = be.AppendUint32(b, 1)
	b = be.AppendUint16(b, uint16(len(k.cfg.Topic)))
	b = append(b, k.cfg.Topic...)
	b = be.AppendUint32(b, uint32(len(k.offsets)))
	for p, o := range k.offsets {
		b = be.AppendUint32(b, uint32(p))
		b = be.AppendUint64(b, uint64(o))
		b = be.AppendUint32(b, uint32(k.cfg.FetchBytes))
	}
	be.PutUint32(b, uint32(len(b)-4))
	k.req = b
	_, err := k.c.Write(b)
	return err
}

func (k *consumer) ConsumeN(n int64) (records, bytes int64, err error) {
	for records < n {
		if !k.pending {
			if err := k.send(); err != nil {
				return records, bytes, err
			}
		}
		var l [4]byte
		if _, err := readFull(k.c, l[:]); err != nil {
			return records, bytes, err
		}
		size := int(be.Uint32(l[:]))
		if k.fresh {
			k.buf, k.recs = nil, nil
		}
		if cap(k.buf) < size {
			k.buf = make([]byte, size)
		}
		b := k.buf[:size]
		if _, err := readFull(k.c, b); err != nil {
			return records, bytes, err
		}
		// First pass over the headers for the next offsets, so that the
		// next request is on its way while this one is walked.
		type part struct {
			id   int32
			recs []byte
		}
		var parts [256]part
		np := 0
		r := b[8:] // correlation id, throttle
		r = r[4:]  // one topic
		r = r[2+int(be.Uint16(r)):]
		cnt := int(be.Uint32(r))
		r = r[4:]
		for i := 0; i < cnt; i++ {
			id := int32(be.Uint32(r))
			if code := be.Uint16(r[4:]); code != 0 {
				return records, bytes, fmt.Errorf("fetch error %d", code)
			}
			r = r[4+2+8+8:]
			if na := int32(be.Uint32(r)); na > 0 {
				return records, bytes, errors.New("aborted transactions")
			}
			sz := int(be.Uint32(r[4:]))
			recs := r[8 : 8+sz]
			r = r[8+sz:]
			parts[np] = part{id, recs}
			np++
			for len(recs) >= headerLen {
				bl := int(be.Uint32(recs[offLength:])) + 12
				if bl > len(recs) {
					break
				}
				k.offsets[id] = int64(be.Uint64(recs)) + int64(be.Uint32(recs[offLastDelta:])) + 1
				recs = recs[bl:]
			}
		}
		if err := k.send(); err != nil {
			return records, bytes, err
		}
		k.pending = true
		for _, p := range parts[:np] {
			recs := p.recs
			for len(recs) >= headerLen {
				bl := int(be.Uint32(recs[offLength:])) + 12
				if bl > len(recs) {
					break
				}
				nr, nb, err := k.walk(p.id, recs[:bl])
				if err != nil {
					return records, bytes, err
				}
				records += nr
				bytes += nb
				recs = recs[bl:]
			}
		}
	}
	return records, bytes, nil
}

func (k *consumer) walk(id int32, b []byte) (records, bytes int64, err error) {
	if crc32.Checksum(b[offAttributes:], castagnoli) != be.Uint32(b[offCRC:]) {
		return 0, 0, errors.New("crc")
	}
	n := count(b)
	recs := b[headerLen:]
	if codec := int(b[offAttributes+1] & 7); codec != 0 {
		if k.fresh {
			k.room = nil
		}
		if k.room, err = k.dec.Decompress(k.room[:0], recs, compress.Codec(codec), batch.DefaultLimit); err != nil {
			return 0, 0, err
		}
		recs = k.room
	}
	switch k.cfg.Variant {
	case "":
	case "iter", "iterfresh":
		for r := range each(k.cfg.Topic, id, b, recs, n) {
			if len(r.Value) > 0 {
				k.sum += int64(r.Value[0])
			}
			bytes += int64(len(r.Value))
			records++
		}
		return records, bytes, nil
	default:
		return k.materialise(id, b, recs, n)
	}
	for i := 0; i < n; i++ {
		l, w := varint(recs)
		r := recs[w : w+l]
		recs = recs[w+l:]
		at := 1
		_, w = varint(r[at:])
		at += w
		_, w = varint(r[at:])
		at += w
		kl, w := varint(r[at:])
		at += w
		if kl > 0 {
			at += kl
		}
		vl, w := varint(r[at:])
		at += w
		v := r[at : at+vl]
		if vl > 0 {
			k.sum += int64(v[0])
		}
		bytes += int64(len(v))
		at += vl
		if r[at] != 0 {
			return 0, 0, errors.New("headers")
		}
	}
	return int64(n), bytes, nil
}

// each yields the records of a batch by value.
func each(topic string, id int32, b, recs []byte, n int) iter.Seq[record] {
	return func(yield func(record) bool) {
		base, baseTime := int64(be.Uint64(b)), int64(be.Uint64(b[offBaseTime:]))
		o := record{Topic: topic, Partition: id, LeaderEpoch: int32(be.Uint32(b[12:])), Attrs: b[offAttributes+1]}
		for range n {
			l, w := varint(recs)
			r := recs[w : w+l]
			recs = recs[w+l:]
			at := 1
			td, w := varint(r[at:])
			at += w
			od, w := varint(r[at:])
			at += w
			kl, w := varint(r[at:])
			at += w
			if kl >= 0 {
				o.Key = r[at : at+kl : at+kl]
				at += kl
			} else {
				o.Key = nil
			}
			vl, w := varint(r[at:])
			at += w
			o.Value = r[at : at+vl : at+vl]
			at += vl
			if r[at] != 0 {
				panic("headers")
			}
			o.Timestamp, o.Offset = baseTime+int64(td), base+int64(od)
			if !yield(o) {
				return
			}
		}
	}
}

func (k *consumer) materialise(id int32, b, recs []byte, n int) (records, bytes int64, err error) {
	base, baseTime := int64(be.Uint64(b)), int64(be.Uint64(b[offBaseTime:]))
	epoch, attrs := int32(be.Uint32(b[12:])), b[offAttributes+1]
	if k.fresh || cap(k.recs) < n {
		k.recs = make([]record, n)
	}
	out := k.recs[:n]
	for i := range out {
		l, w := varint(recs)
		r := recs[w : w+l]
		recs = recs[w+l:]
		at := 1
		td, w := varint(r[at:])
		at += w
		od, w := varint(r[at:])
		at += w
		o := &out[i]
		kl, w := varint(r[at:])
		at += w
		if kl >= 0 {
			o.Key = r[at : at+kl : at+kl]
			at += kl
		} else {
			o.Key = nil
		}
		vl, w := varint(r[at:])
		at += w
		o.Value = r[at : at+vl : at+vl]
		at += vl
		if r[at] != 0 {
			return 0, 0, errors.New("headers")
		}
		o.Headers = nil
		o.Timestamp = baseTime + int64(td)
		o.Offset = base + int64(od)
		o.Topic = k.cfg.Topic
		o.Partition = id
		o.LeaderEpoch = epoch
		o.Attrs = attrs
	}
	for i := range out {
		v := out[i].Value
		if len(v) > 0 {
			k.sum += int64(v[0])
		}
		bytes += int64(len(v))
	}
	return int64(n), bytes, nil
}

// varint decodes a zigzag varint with fast paths for one and two bytes.
func varint(b []byte) (int, int) {
	if len(b) >= 2 {
		x := b[0]
		if x < 0x80 {
			return int(x>>1) ^ -int(x&1), 1
		}
		y := b[1]
		if y < 0x80 {
			u := uint(x&0x7f) | uint(y)<<7
			return int(u>>1) ^ -int(u&1), 2
		}
	}
	v, w := binary.Varint(b)
	if w <= 0 {
		return 0, 1
	}
	return int(v), w
}
