package kgo

import (
	"encoding/binary"
	"math/rand/v2"
	"sync/atomic"
)

// A Partitioner chooses the partitions of records; see [Partitioning]. It must be safe for
// concurrent use, not keep the record, and not call the producer.
type Partitioner interface {
	// Partition returns one of the partitions 0 to n-1, or [AnyPartition].
	Partition(r *Record, n int32) int32
}

// AnyPartition lets the default choose, see [Partitioning].
const AnyPartition = -1

// KeyHash returns the hash by which the Java client, and so this one, spreads keys over
// partitions: the partition is KeyHash(key) modulo the number of partitions.
func KeyHash(key []byte) int32 { return int32(murmur2(key) & 0x7fffffff) }

// murmur2 is MurmurHash 2 of 32 bits with Kafka's seed.
func murmur2(b []byte) uint32 {
	const m = 0x5bd1e995
	h := uint32(0x9747b28c) ^ uint32(len(b))
	for len(b) >= 4 {
		k := binary.LittleEndian.Uint32(b) * m
		k ^= k >> 24
		h = h*m ^ k*m
		b = b[4:]
	}
	switch len(b) {
	case 3:
		h ^= uint32(b[2]) << 16
		fallthrough
	case 2:
		h ^= uint32(b[1]) << 8
		fallthrough
	case 1:
		h = (h ^ uint32(b[0])) * m
	}
	h ^= h >> 13
	h *= m
	return h ^ h>>15
}

// ManualPartitioner takes the Partition of each record, which may be [AnyPartition]. One that the
// topic does not have is an error.
func ManualPartitioner() Partitioner { return manualPartitioner{} }

type manualPartitioner struct{}

func (manualPartitioner) Partition(r *Record, _ int32) int32 { return r.Partition }

// RoundRobinPartitioner takes the partitions in turn, whatever the key.
func RoundRobinPartitioner() Partitioner { return &roundRobin{} }

type roundRobin struct{ next atomic.Uint32 }

func (p *roundRobin) Partition(_ *Record, n int32) int32 {
	return int32(p.next.Add(1) % uint32(n))
}

// stickyPartition is the default for records without a key: all go to one partition, so that
// batches fill, until it has had its share, and then to another (KIP-480, KIP-794).
type stickyPartition struct {
	next  atomic.Int32 // the partition, counted from 1; 0 if none was chosen
	since atomic.Int64 // bytes that it got
	share atomic.Int64 // bytes that it gets, if more than leastShare
}

// leastShare is how many bytes a partition gets before it is another's turn. It is more when more
// comes before a batch is sealed, up to a batch: one that is filled at once is still in the
// processor's caches when it is sent. All partitions get the same, whoever is slow.
const leastShare = 64 << 10

// choose returns the partition, and takes another one, at random, when that has had its share of
// bytes or has no leader.
func (s *stickyPartition) choose(size int, parts []*queue) int32 {
	at := s.next.Load() - 1
	known := at >= 0 && int(at) < len(parts)
	if s.since.Add(int64(size)) < max(s.share.Load(), leastShare) && known && parts[at].led.Load() {
		return at
	}
	s.since.Store(0)
	if known {
		s.share.Store(int64(parts[at].usual()))
	}
	n := int32(len(parts))
	next := rand.Int32N(n)
	for range n {
		if parts[next].led.Load() && (next != at || n == 1) {
			break
		}
		next = (next + 1) % n
	}
	s.next.Store(next + 1)
	return next
}
