package broker

import (
	"slices"
	"sort"

	"github.com/franzi-kafka/franzi/kmsg/batch"
)

// Memory of a log grows from the smaller to the larger of these, in bytes.
const (
	minChunk = 4 << 10
	maxChunk = 1 << 20
)

// A log holds the batches of a partition, one after the other, in format 2.
type log struct {
	batches []logged // ascending; those that end before start are dropped
	start   int64    // offset of the first record that can be read
	end     int64    // offset of the next record
	size    int64    // bytes appended so far, whether or not they are still there
	epochs  []epochStart
	chunk   *chunk // where the next batch goes, if it has the room
	changed int64  // when a batch was appended last, in milliseconds

	// Transactions that have not ended, by producer, and those that were aborted (KIP-98).
	open    map[int64]int64 // first offset
	aborted []abortedTxn
}

// A chunk is memory that batches are appended to. It never moves: views of it stay good.
type chunk struct{ buf []byte }

// logged is a batch in the log.
type logged struct {
	chunk *chunk
	off   int32 // in the chunk
	size  int32
	base  int64
	last  int64 // offset of the last record
	pos   int64 // of its first byte, counted from the log's first

	maxTimestamp int64
	producerID   int64
	sequence     int32
	epoch        int32 // of the leader
	count        int32 // of records
	attributes   batch.Attributes
	prodEpoch    int16
}

func (b *logged) raw() []byte { return b.chunk.buf[b.off : b.off+b.size : b.off+b.size] }

// An epochStart says where the records of a leader epoch begin (KIP-101).
type epochStart struct {
	epoch int32
	start int64
}

// An abortedTxn is a transaction that was aborted.
type abortedTxn struct {
	producerID  int64
	first, last int64 // last is the offset of its marker
}

// append adds a batch, with the offset and the epoch that the caller has given it, which must not
// lie before the log's end. Raw is copied.
func (l *log) append(nowMs int64, raw []byte, h *batch.Header) {
	l.changed = nowMs
	ck := l.chunk
	if ck == nil || cap(ck.buf)-len(ck.buf) < len(raw) {
		size := minChunk
		if ck != nil {
			size = min(2*cap(ck.buf), maxChunk)
		}
		ck = &chunk{make([]byte, 0, max(size, len(raw)))}
		l.chunk = ck
	}
	b := logged{
		chunk: ck, off: int32(len(ck.buf)), size: int32(len(raw)), pos: l.size,
		base: h.BaseOffset, last: h.LastOffset(), epoch: h.LeaderEpoch, maxTimestamp: h.MaxTimestamp, count: h.Count,
		producerID: h.ProducerID, prodEpoch: h.ProducerEpoch, sequence: h.BaseSequence, attributes: h.Attributes,
	}
	ck.buf = append(ck.buf, raw...)
	l.batches = append(l.batches, b)
	l.size += int64(len(raw))
	l.end = b.last + 1
	l.startEpoch(b.epoch, b.base)
	l.transact(&b)
}

// transact keeps count of transactions.
func (l *log) transact(b *logged) {
	switch {
	case !b.attributes.Transactional():
	case !b.attributes.Control():
		if l.open == nil {
			l.open = map[int64]int64{}
		}
		if _, known := l.open[b.producerID]; !known {
			l.open[b.producerID] = b.base
		}
	default:
		first, known := l.open[b.producerID]
		delete(l.open, b.producerID)
		if known && isAbort(b.raw()) {
			l.aborted = append(l.aborted, abortedTxn{b.producerID, first, b.last})
		}
	}
}

// lastStable is the offset before which every transaction has ended, at most highWatermark.
func (l *log) lastStable(highWatermark int64) int64 {
	stable := highWatermark
	for _, first := range l.open {
		stable = min(stable, first)
	}
	return stable
}

// abortedIn lists the aborted transactions whose records may lie from one offset up to another.
func (l *log) abortedIn(from, to int64) []abortedTxn {
	var in []abortedTxn
	for _, a := range l.aborted {
		if a.last >= from && a.first < to {
			in = append(in, a)
		}
	}
	return in
}

// find returns the index of the first batch that has the offset or a later one.
func (l *log) find(offset int64) int {
	return sort.Search(len(l.batches), func(i int) bool { return l.batches[i].last >= offset })
}

// position returns how many bytes lie before the batch with the offset.
func (l *log) position(offset int64) int64 {
	if i := l.find(offset); i < len(l.batches) {
		return l.batches[i].pos
	}
	return l.size
}

// read returns the bytes of the batches from the one with an offset up to another offset, at most
// limit of them, which may cut a batch off. With whole the first batch comes whole, however large
// it is (KIP-74). They are the log's own: to be read only.
func (l *log) read(from, to int64, limit int, whole bool) []byte {
	i := l.find(from)
	rest := l.batches[i:max(i, l.find(to))]
	if len(rest) == 0 {
		return nil
	}
	if whole {
		limit = max(limit, int(rest[0].size))
	}
	var out []byte
	for joined := false; len(rest) > 0 && len(out) < limit; joined = true {
		piece := run(&rest)
		piece = piece[:min(len(piece), limit-len(out))]
		if !joined {
			out = slices.Clip(piece) // mostly all there is, and then without a copy
			continue
		}
		out = append(out, piece...)
	}
	return out
}

// run takes the batches that lie side by side from the front of a list and returns their bytes.
func run(list *[]logged) []byte {
	first := (*list)[0]
	end := first.off
	n := 0
	for ; n < len(*list); n++ {
		if b := &(*list)[n]; b.chunk != first.chunk || b.off != end {
			break
		} else {
			end += b.size
		}
	}
	*list = (*list)[n:]
	return first.chunk.buf[first.off:end]
}

// truncate removes everything from an offset on. A batch that the offset lies within goes whole,
// and the log then ends where that began, so that no offset is left out.
func (l *log) truncate(offset int64) {
	if offset >= l.end {
		return
	}
	i := l.find(offset)
	l.end = offset
	if i < len(l.batches) {
		l.end = min(offset, l.batches[i].base)
	}
	l.end = max(l.end, l.start)
	l.batches = l.batches[:i]
	l.chunk = nil // what was removed may still be on its way to somebody
	l.epochs = slices.DeleteFunc(l.epochs, func(e epochStart) bool { return e.start >= l.end })
	l.open, l.aborted = nil, nil
	for i := range l.batches {
		l.transact(&l.batches[i])
	}
}

// trim moves the start.
func (l *log) trim(offset int64) {
	if offset <= l.start {
		return
	}
	l.start = offset
	l.end = max(l.end, offset)
	i := l.find(offset)
	l.batches = append([]logged(nil), l.batches[i:]...)
	l.aborted = slices.DeleteFunc(l.aborted, func(a abortedTxn) bool { return a.last < offset })
	for len(l.epochs) > 1 && l.epochs[1].start <= offset {
		l.epochs = l.epochs[1:]
	}
	if len(l.epochs) > 0 {
		l.epochs[0].start = max(l.epochs[0].start, offset)
	}
}

// startEpoch notes that records from an offset on are of a leader epoch. An epoch that turns out
// to have none is forgotten.
func (l *log) startEpoch(epoch int32, offset int64) {
	if n := len(l.epochs); n > 0 && l.epochs[n-1].epoch >= epoch {
		return
	}
	l.epochs = slices.DeleteFunc(l.epochs, func(e epochStart) bool { return e.start >= offset })
	l.epochs = append(l.epochs, epochStart{epoch, offset})
}

// lastEpoch is that of the last record, -1 without any.
func (l *log) lastEpoch() int32 {
	if n := len(l.epochs); n > 0 {
		return l.epochs[n-1].epoch
	}
	return -1
}

// epochAt is the leader epoch of the record at an offset, -1 if it is not known.
func (l *log) epochAt(offset int64) int32 {
	for i := len(l.epochs) - 1; i >= 0; i-- {
		if l.epochs[i].start <= offset {
			return l.epochs[i].epoch
		}
	}
	return -1
}

// endOfEpoch returns the largest epoch that is not above one, and the offset after its last
// record; -1 for both if that is not known (KIP-101, KIP-320).
func (l *log) endOfEpoch(epoch int32) (int32, int64) {
	if epoch < 0 || epoch > l.lastEpoch() {
		return -1, -1
	}
	if epoch == l.lastEpoch() {
		return epoch, l.end
	}
	i := sort.Search(len(l.epochs), func(i int) bool { return l.epochs[i].epoch > epoch })
	if i == 0 {
		return epoch, l.epochs[0].start
	}
	return l.epochs[i-1].epoch, l.epochs[i].start
}
