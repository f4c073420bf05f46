package main

import (
	"encoding/binary"
	"net"
	"time"

	"github.com/franzi-kafka/franzi/kmsg"
)

// A partition is a connection's own copy of the batches to fetch, over and over, so that those of
// an answer are in one piece. Their base offsets are set in place, between writes: the checksum
// does not cover them.
type partition struct {
	buf []byte
	at  []int // where the batches begin in buf, and where the last ends
}

func (k *conn) partition(index int32) *partition {
	p := k.fetched[index]
	if p != nil {
		return p
	}
	p = &partition{}
	for i, size := 0, 0; size < k.fetchBytes || i < 2*len(k.ring); i++ {
		b := k.ring[i%len(k.ring)]
		p.at = append(p.at, len(p.buf))
		p.buf = append(p.buf, b...)
		if i >= len(k.ring) { // an answer may begin anywhere in the first round
			size += len(b)
		}
	}
	p.at = append(p.at, len(p.buf))
	k.fetched[index] = p
	return p
}

// from returns the batches that begin with the one that has the offset, and how many they are.
func (p *partition) from(offset int64, perBatch, ring, limit int) ([]byte, int) {
	number := offset / int64(perBatch)
	first := int(number % int64(ring))
	last := first
	for last < len(p.at)-1 && (last == first || p.at[last+1]-p.at[first] <= limit) {
		binary.BigEndian.PutUint64(p.buf[p.at[last]:], uint64((number+int64(last-first))*int64(perBatch)))
		last++
	}
	return p.buf[p.at[first]:p.at[last]], last - first
}

// fetch answers version 4 to 17. It writes the answer by hand, since the batches stay where they
// are and are written after what is before them.
func (k *conn) fetch(correlation int32, req *kmsg.FetchRequest) error {
	k.fetchRequests.Add(1)
	be := binary.BigEndian
	flexible := req.Version >= 12
	array := func(b []byte, n int) []byte {
		if flexible {
			return binary.AppendUvarint(b, uint64(n+1))
		}
		return be.AppendUint32(b, uint32(n))
	}
	type splice struct {
		at    int // in b
		batch []byte
	}
	var splices []splice
	left, records, size := int(req.MaxBytes), 0, 0
	b := append(k.out[:0], 0, 0, 0, 0)
	b = be.AppendUint32(b, uint32(correlation))
	if flexible {
		b = append(b, 0)
	}
	b = be.AppendUint32(b, 0) // throttle
	if req.Version >= 7 {
		b = append(b, 0, 0, 0, 0, 0, 0) // no error, no session
	}
	b = array(b, len(req.Topics))
	for _, t := range req.Topics {
		switch {
		case req.Version >= 13:
			b = append(b, t.TopicID[:]...)
		case flexible:
			b = append(binary.AppendUvarint(b, uint64(len(t.Topic)+1)), t.Topic...)
		default:
			b = append(be.AppendUint16(b, uint16(len(t.Topic))), t.Topic...)
		}
		b = array(b, len(t.Partitions))
		for _, p := range t.Partitions {
			var got []byte
			if (left > 0 || size == 0) && int(p.Partition) < k.partitions {
				var n int
				got, n = k.partition(p.Partition).from(p.FetchOffset, k.perBatch, len(k.ring), min(int(p.PartitionMaxBytes), k.fetchBytes, max(left, 1)))
				records += n * k.perBatch
			}
			b = be.AppendUint32(b, uint32(p.Partition))
			b = append(b, 0, 0)
			b = be.AppendUint64(b, highWatermark)
			b = be.AppendUint64(b, highWatermark) // last stable offset
			if req.Version >= 5 {
				b = be.AppendUint64(b, 0) // log start
			}
			if flexible { // no aborted transactions
				b = append(b, 0)
			} else {
				b = be.AppendUint32(b, ^uint32(0))
			}
			if req.Version >= 11 {
				b = be.AppendUint32(b, ^uint32(0)) // no preferred replica
			}
			b = array(b, len(got))
			if len(got) > 0 {
				splices = append(splices, splice{len(b), got})
			}
			size += len(got)
			left -= len(got)
			if flexible {
				b = append(b, 0)
			}
		}
		if flexible {
			b = append(b, 0)
		}
	}
	if flexible {
		b = append(b, 0)
	}
	be.PutUint32(b, uint32(len(b)-4+size))
	k.out = b
	k.fetchedBytes.Add(int64(size))
	k.fetchedRecords.Add(int64(records))
	if size == 0 {
		k.emptyFetches.Add(1)
		time.Sleep(time.Duration(min(max(req.MaxWaitMs, 1), 500)) * time.Millisecond)
	}
	bufs, from := k.bufs[:0], 0
	for _, s := range splices {
		bufs = append(bufs, b[from:s.at], s.batch)
		from = s.at
	}
	bufs = append(bufs, b[from:])
	k.bufs = bufs
	w := net.Buffers(bufs) // WriteTo eats it
	_, err := w.WriteTo(k.Conn)
	return err
}
