package batch

import (
	"cmp"
	"slices"

	"github.com/franzi-kafka/franzi/kmsg"
	"github.com/franzi-kafka/franzi/kmsg/compress"
)

// Aborted tells which batches of an answer to Fetch belong to aborted transactions: a broker
// that is asked for committed records sends them too, with a list of the transactions, and
// leaves it to the client to drop them (KIP-98). The zero value knows of none. It is for one
// goroutine at a time.
type Aborted struct {
	coming []kmsg.FetchResponseAbortedTransaction // by offset, latest first
	open   map[int64]struct{}                     // producers inside one, at the batch that was seen last
}

// Reset begins a new answer with its list, of which it keeps a copy, in whatever order the
// broker sent it. It allocates only for a list longer than those before.
func (a *Aborted) Reset(list []kmsg.FetchResponseAbortedTransaction) {
	a.coming = append(a.coming[:0], list...)
	slices.SortFunc(a.coming, func(x, y kmsg.FetchResponseAbortedTransaction) int { return cmp.Compare(y.FirstOffset, x.FirstOffset) })
	clear(a.open)
}

// Drop reports whether the records of a batch must not be seen: it is of an aborted
// transaction, or a control batch, which no user wants. Batches must come in the order of
// their offsets, each once, compressed or not; those before the offset that was asked for may
// be left out. The error, that of [Batch.Check] or of a marker that cannot be read, is an
// *[Error].
func (a *Aborted) Drop(b *Batch) (bool, error) {
	if err := b.Check(); err != nil {
		return true, err
	}
	for n := len(a.coming); n > 0 && a.coming[n-1].FirstOffset <= b.LastOffset(); n = len(a.coming) {
		if a.open == nil {
			a.open = map[int64]struct{}{}
		}
		a.open[a.coming[n-1].ProducerID] = struct{}{}
		a.coming = a.coming[:n-1]
	}
	if b.Attributes.Control() {
		return true, a.marker(b)
	}
	if len(a.open) == 0 || !b.Attributes.Transactional() {
		return false, nil
	}
	_, aborted := a.open[b.ProducerID]
	return aborted, nil
}

// marker ends a transaction. Whatever the marker says, the producer's next batch is of another
// one; compaction may have removed what it said.
func (a *Aborted) marker(b *Batch) error {
	if !b.Attributes.Transactional() || len(a.open) == 0 {
		return nil // KRaft's own, or one of a transaction that does not matter
	}
	if b.Count > 0 {
		if b.Attributes.Codec() != compress.None {
			return b.fail(atAttributes, "a marker that is compressed, which none is")
		}
		w := b.Walk(b.Raw[HeaderSize:])
		if !w.Next() {
			return w.Err()
		}
		t, err := ControlType(w.Record.Key)
		if err != nil {
			return b.fail(HeaderSize, "%v", err)
		}
		if !isMarker(t) {
			return nil
		}
	}
	delete(a.open, b.ProducerID)
	return nil
}
