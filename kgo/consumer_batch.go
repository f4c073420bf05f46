package kgo

import (
	"iter"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/franzi-kafka/franzi/kmsg/batch"
)

// A Batch is a batch of records as it stands in a partition's log. It is the user's until its
// Release, or for ever: then the garbage collector takes its memory, which is that of all that came
// with it, up to some MiB.
//
// One goroutine at a time may walk it, any.
type Batch struct {
	Topic     string
	Partition int32
	// HighWatermark is behind the last record of the partition that all in-sync replicas have,
	// LastStableOffset behind the last of which it is known that it belongs to no open
	// transaction, LogStartOffset is that of the first record: as of when the batch was
	// fetched. They are -1 if the broker does not tell.
	HighWatermark, LastStableOffset, LogStartOffset int64

	c       *Consumer
	of      *consumed
	stamp   uint64
	frame   *frame
	batch   batch.Batch
	payload []byte
	room    []byte // of the payload, if that was decompressed
	counted int64  // bytes of the budget, until the next step
	from    int64  // offset of the first record to be shown
	limit   int64  // before which to stop

	failed   atomic.Pointer[walkFailure]
	released atomic.Bool
	record   Record
	headers  []Header
}

// A walkFailure is why a walk ended, and the offset at which.
type walkFailure struct {
	at  int64
	err error
}

// Header is what the batch says of itself: offsets, leader epoch, codec, whose it is. Its offsets and
// Count are those of the whole batch, of which the first records may have been shown before.
func (b *Batch) Header() batch.Header { return b.batch.Header }

// LogAppendTime reports whether timestamps are those at which the broker appended the records, and
// not the producer's (KIP-32).
func (b *Batch) LogAppendTime() bool { return b.batch.Attributes.LogAppendTime() }

// Control reports whether these are markers of Kafka's own, see [KeepControlRecords].
func (b *Batch) Control() bool { return b.batch.Attributes.Control() }

// NextOffset is where the partition goes on behind the batch.
func (b *Batch) NextOffset() int64 { return b.batch.LastOffset() + 1 }

// Records walks the records. The record that is handed out is overwritten with the next; its key,
// value and headers' values are views of the batch's memory and hold as long as that does. To keep
// one, see [Record.Clone]. The walk ends early if a record is malformed, which [Batch.Err] tells. It may
// be walked again.
func (b *Batch) Records() iter.Seq[*Record] {
	return func(yield func(*Record) bool) {
		if b.released.Load() {
			b.failed.CompareAndSwap(nil, &walkFailure{b.from, ErrReleased})
			return
		}
		w := b.batch.Walk(b.payload)
		w.SkipTo(b.from)
		at := b.from
		rec := &b.record
		rec.Topic, rec.Partition, rec.LeaderEpoch = b.Topic, b.Partition, b.batch.LeaderEpoch
		for w.Next() {
			r := &w.Record
			if r.Offset >= b.limit {
				return
			}
			at = r.Offset + 1
			rec.Offset, rec.Key, rec.Value = r.Offset, r.Key, r.Value
			rec.Timestamp = recordTime(r.Timestamp)
			if r.Headers.Len() > 0 {
				b.headers = b.c.keys.appendTo(b.headers[:0], r.Headers)
				rec.Headers = b.headers
			} else {
				rec.Headers = nil
			}
			if !yield(rec) {
				return
			}
		}
		if err := w.Err(); err != nil {
			b.failed.Store(&walkFailure{at, err})
		}
	}
}

// Err returns what ended the last walk early, a [BatchError], nil if nothing did.
func (b *Batch) Err() error {
	f := b.failed.Load()
	if f == nil {
		return nil
	}
	return &BatchError{f.at, f.err}
}

// Release lets the memory of the batch be used again, when nobody needs its records any more, nor
// what they point to. Further calls do nothing.
func (b *Batch) Release() {
	if b.released.Swap(true) {
		return
	}
	if b.room != nil {
		b.c.memory.put(b.room)
		b.room = nil
	}
	b.payload = nil
	b.frame.release()
}

func recordTime(ms int64) time.Time {
	if ms == batch.NoTimestamp {
		return time.Time{}
	}
	return time.UnixMilli(ms)
}

// Clone returns a copy that shares no memory with the record, to keep it.
func (r *Record) Clone() *Record {
	n := len(r.Key) + len(r.Value)
	for i := range r.Headers {
		n += len(r.Headers[i].Value)
	}
	room := make([]byte, 0, n)
	c := *r
	c.Key, room = copyInto(room, r.Key)
	c.Value, room = copyInto(room, r.Value)
	c.Headers = slices.Clone(r.Headers)
	for i := range c.Headers {
		c.Headers[i].Value, room = copyInto(room, c.Headers[i].Value)
	}
	return &c
}

// copyInto appends b to room, which is large enough, and returns the copy and the room.
func copyInto(room, b []byte) (view, rest []byte) {
	if b == nil {
		return nil, room
	}
	if len(b) == 0 {
		return []byte{}, room // empty is not null
	}
	n := len(room)
	room = append(room, b...)
	return room[n:len(room):len(room)], room
}

// headerKeys has the keys of headers as strings, so that they need not be made for each record: a
// topic has a few. Beyond maxKeys they are made.
type headerKeys struct {
	known atomic.Pointer[map[string]string] // is replaced, not changed
	mu    sync.Mutex                        // of who replaces it
}

const (
	maxKeys   = 256
	maxKeyLen = 256
)

func (h *headerKeys) get(key []byte) string {
	known := h.known.Load()
	if known != nil {
		if s, ok := (*known)[string(key)]; ok {
			return s
		}
	}
	return h.add(key)
}

func (h *headerKeys) add(key []byte) string {
	s := string(key)
	h.mu.Lock()
	defer h.mu.Unlock()
	known := map[string]string{}
	if was := h.known.Load(); was != nil {
		if len(*was) >= maxKeys || len(s) > maxKeyLen {
			return s
		}
		known = maps.Clone(*was)
	}
	known[s] = s
	h.known.Store(&known)
	return s
}

// appendTo appends headers to list; values are views.
func (h *headerKeys) appendTo(list []Header, headers batch.Headers) []Header {
	for k, v := range headers.All() {
		list = append(list, Header{Key: h.get(k), Value: v})
	}
	return list
}

// A recordSlab makes the records of a batch, many at a time.
type recordSlab struct {
	records []Record
	left    int // that the batch may still have
	most    int // at a time
}

// One record that is kept keeps those that were made with it, and with them the copies of about as many
// bytes of the batch as are copied at a time.
const (
	slabRecords = 240 // of 136 bytes, which fit in what the allocator has ready
	slabBytes   = 64 << 10
)

// begin is for a batch with a payload of so many bytes, decompressed.
func (s *recordSlab) begin(b *batch.Batch, size int) {
	*s = recordSlab{left: int(b.Count)}
	s.most = min(slabRecords, slabBytes/max(size/max(s.left, 1), 1)) // of the usual size
}

// make returns a record of a chunk's open batch with the views of r.
func (s *recordSlab) make(k *chunk, r *batch.Record, keys *headerKeys) *Record {
	if len(s.records) == 0 {
		n := max(min(s.left, s.most), 1)
		s.left -= n
		s.records = make([]Record, n)
	}
	rec := &s.records[0]
	s.records = s.records[1:]
	rec.Topic, rec.Partition, rec.LeaderEpoch = k.of.topic.name, k.of.index, k.reader.Batch.LeaderEpoch
	rec.Offset, rec.Timestamp = r.Offset, recordTime(r.Timestamp)
	rec.Key, rec.Value = r.Key, r.Value
	if n := r.Headers.Len(); n > 0 {
		rec.Headers = keys.appendTo(make([]Header, 0, n), r.Headers)
	}
	return rec
}
