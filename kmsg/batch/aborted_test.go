package batch_test

import (
	"slices"
	"testing"

	"github.com/franzi-kafka/franzi/kmsg"
	"github.com/franzi-kafka/franzi/kmsg/batch"
	"github.com/franzi-kafka/franzi/kmsg/compress"
)

// A txnLog is a partition's log with transactions in it, and what is true of them.
type txnLog struct {
	chance
	next    int64
	batches []txnBatch
	aborted []abortedTxn
	open    map[int64]*openTxn // by producer
}

// A txnBatch is a batch and whether its records are to be seen.
type txnBatch struct {
	raw     []byte
	base    int64
	last    int64
	visible []int64 // offsets
}

type openTxn struct {
	first   int64 // offset
	batches []int // indexes of its batches
}

// An abortedTxn is what brokers have in their index.
type abortedTxn struct{ producer, first, last int64 }

// data appends a batch of a producer, -1 for one without an id.
func (l *txnLog) data(producer int64, transactional bool) {
	b := batch.NewBuilder(nil, batch.V2)
	b.BaseOffset, b.Transactional = l.next, transactional
	if transactional {
		if l.open[producer] == nil {
			l.open[producer] = &openTxn{first: l.next}
		}
		l.open[producer].batches = append(l.open[producer].batches, len(l.batches))
	}
	var visible []int64
	for range 1 + l.IntN(4) {
		b.Append(1, nil, []byte("a value, a value, a value, a value"), nil)
		visible = append(visible, l.next)
		l.next++
	}
	l.add(b, producer, visible)
}

// marker ends a producer's transaction, which may have nothing in this partition.
func (l *txnLog) marker(t *testing.T, producer int64, commit bool) {
	txn := l.open[producer]
	delete(l.open, producer)
	kind := kmsg.ControlRecordAbort
	if commit {
		kind = kmsg.ControlRecordCommit
	}
	key, value, err := batch.EncodeControl(kind, kmsg.NewEndTxnMarker())
	if err != nil {
		t.Fatal(err)
	}
	b := batch.NewBuilder(nil, batch.V2)
	b.BaseOffset, b.Transactional, b.Control = l.next, true, true
	compacted := txn != nil && !commit && l.compact(txn)
	if !compacted || l.oneIn(2) {
		b.Append(1, key, value, nil)
	} // else an empty batch keeps the producer's state
	l.add(b, producer, nil)
	l.next++
	if txn == nil || commit {
		return
	}
	for _, i := range txn.batches {
		l.batches[i].visible = nil
	}
	if !compacted {
		l.aborted = append(l.aborted, abortedTxn{producer, txn.first, l.next - 1})
	}
}

// compact takes an aborted transaction's batches away, some or all, and reports whether all:
// then the broker forgets that it was there.
func (l *txnLog) compact(txn *openTxn) bool {
	all := l.oneIn(3)
	for _, i := range txn.batches {
		if all || l.oneIn(3) {
			l.batches[i].raw = nil
		}
	}
	return all
}

func (l *txnLog) add(b *batch.Builder, producer int64, visible []int64) {
	s := b.Seal()
	codec := compress.Codec(0)
	if len(visible) > 0 {
		codec = compress.Codec(l.IntN(3)) // aborted batches are compressed like others
	}
	if _, err := s.Compress(codecs, compress.Settings{Codec: codec}, nil); err != nil {
		panic(err)
	}
	s.Number(producer, 0, 0)
	r := batch.NewReader(s.Bytes)
	r.Next()
	l.batches = append(l.batches, txnBatch{s.Bytes, r.Batch.BaseOffset, r.Batch.LastOffset(), visible})
}

// stable is the last stable offset: up to it, all transactions have ended.
func (l *txnLog) stable() int64 {
	offset := l.next
	for _, txn := range l.open {
		offset = min(offset, txn.first)
	}
	return offset
}

// fetch answers as a broker does: batches from the one that has the offset, below the last
// stable offset, and the aborted transactions that touch them, in any order.
func (l *txnLog) fetch(from int64) (records []byte, visible []int64, aborted []kmsg.FetchResponseAbortedTransaction) {
	end := from
	for size := 1 + l.IntN(30); size > 0 && end < l.stable(); size-- {
		for _, b := range l.batches {
			if b.last >= end {
				end = b.last + 1
				break
			}
		}
	}
	end = min(end, l.stable())
	for _, b := range l.batches {
		if b.last < from || b.base >= end {
			continue
		}
		records = append(records, b.raw...)
		for _, offset := range b.visible {
			if offset >= from {
				visible = append(visible, offset)
			}
		}
	}
	for _, a := range l.aborted {
		if a.last >= from && a.first < end {
			aborted = append(aborted, kmsg.FetchResponseAbortedTransaction{ProducerID: a.producer, FirstOffset: a.first})
		}
	}
	l.Shuffle(len(aborted), func(i, j int) { aborted[i], aborted[j] = aborted[j], aborted[i] })
	return records, visible, aborted
}

// Of random logs, whichever part is fetched, exactly the committed records are seen.
func TestAbortedInRandomLogs(t *testing.T) {
	dropped, seen := 0, 0
	for seed := range uint64(300) {
		l := &txnLog{chance: newChance(seed), open: map[int64]*openTxn{}}
		for range 60 {
			producer := 1 + l.Int64N(4)
			switch l.IntN(8) {
			case 0:
				l.data(-1, false)
			case 1:
				if l.open[producer] == nil {
					l.data(producer, false) // idempotent only
				}
			case 2, 3:
				l.marker(t, producer, l.oneIn(2))
			default:
				l.data(producer, true)
			}
		}
		var a batch.Aborted
		for from := int64(0); from < l.next; from += 1 + l.Int64N(9) {
			records, want, list := l.fetch(from)
			a.Reset(list)
			var got []int64
			r := batch.NewReader(records)
			for r.Next() {
				drop, err := a.Drop(&r.Batch)
				if err != nil {
					t.Fatalf("seed %d: %v", seed, err)
				}
				if drop {
					dropped++
					continue
				}
				payload, _, err := r.Batch.Payload(codecs, nil, plainLimit)
				if err != nil {
					t.Fatal(err)
				}
				w := r.Batch.Walk(payload)
				w.SkipTo(from)
				for w.Next() {
					got = append(got, w.Record.Offset)
					seen++
				}
			}
			if r.Err() != nil || !slices.Equal(got, want) {
				t.Fatalf("seed %d, from %d on with %v: got the records %v and %v, want %v", seed, from, list, got, r.Err(), want)
			}
		}
	}
	if dropped < 1000 || seen < 1000 {
		t.Errorf("%d batches were dropped and %d records seen, want many of both", dropped, seen)
	}
}

// one is a batch for Aborted, of one record.
func one(offset, producer int64, flags batch.Attributes, key string) *batch.Batch {
	b := batch.NewBuilder(nil, batch.V2)
	b.BaseOffset = offset
	b.Transactional, b.Control = flags&0x10 != 0, flags&0x20 != 0
	b.Append(1, []byte(key), []byte("\x00\x00\x00\x00\x00\x00"), nil)
	s := b.Seal()
	s.Checksum()
	s.Number(producer, 0, 0)
	r := batch.NewReader(s.Bytes)
	r.Next()
	return &r.Batch
}

const (
	txn         batch.Attributes = 0x10
	control     batch.Attributes = 0x20
	marker                       = txn | control
	abortKey                     = "\x00\x00\x00\x00"
	commitKey                    = "\x00\x00\x00\x01"
	changeKey                    = "\x00\x00\x00\x02" // leader change
	unknownKey                   = "\x00\x00\x00\x63"
	abortKeyNew                  = "\x00\x05\x00\x00what comes later"
)

// Logs that were, or may be, read wrongly.
func TestAbortedStories(t *testing.T) {
	list := func(pairs ...int64) (all []kmsg.FetchResponseAbortedTransaction) {
		for i := 0; i < len(pairs); i += 2 {
			all = append(all, kmsg.FetchResponseAbortedTransaction{ProducerID: pairs[i], FirstOffset: pairs[i+1]})
		}
		return all
	}
	drops := func(offset, producer int64, flags batch.Attributes, key string) func(*testing.T, *batch.Aborted) {
		return func(t *testing.T, a *batch.Aborted) {
			t.Helper()
			if drop, err := a.Drop(one(offset, producer, flags, key)); err != nil || !drop {
				t.Errorf("the batch at %d: got %t and %v, want it dropped", offset, drop, err)
			}
		}
	}
	shows := func(offset, producer int64, flags batch.Attributes) func(*testing.T, *batch.Aborted) {
		return func(t *testing.T, a *batch.Aborted) {
			t.Helper()
			if drop, err := a.Drop(one(offset, producer, flags, "")); err != nil || drop {
				t.Errorf("the batch at %d: got %t and %v, want it seen", offset, drop, err)
			}
		}
	}
	// wide is a batch of producer 7 whose offsets are 10 to 14.
	wide := func(t *testing.T, a *batch.Aborted) {
		t.Helper()
		b := one(10, 7, txn, "")
		b.LastOffsetDelta = 4
		if drop, err := a.Drop(b); err != nil || !drop {
			t.Errorf("the batch from 10 to 14: got %t and %v, want it dropped", drop, err)
		}
	}
	// emptied is a control batch that compaction left without its record.
	emptied := func(offset, producer int64, flags batch.Attributes) func(*testing.T, *batch.Aborted) {
		return func(t *testing.T, a *batch.Aborted) {
			t.Helper()
			b := one(offset, producer, flags, "")
			b.Count = 0
			b.Raw = b.Raw[:batch.HeaderSize]
			if drop, err := a.Drop(b); err != nil || !drop {
				t.Errorf("the batch at %d: got %t and %v, want it dropped", offset, drop, err)
			}
		}
	}
	steps := func(s ...func(*testing.T, *batch.Aborted)) []func(*testing.T, *batch.Aborted) { return s }
	for _, test := range []struct {
		name  string
		list  []kmsg.FetchResponseAbortedTransaction
		steps []func(*testing.T, *batch.Aborted)
	}{
		{"no list", nil, steps(shows(1, 7, txn), drops(2, 7, marker, commitKey), shows(3, -1, 0))},
		{"an unordered list", list(8, 20, 7, 10), steps(drops(10, 7, txn, ""), shows(12, 8, txn), drops(15, 7, marker, abortKey), drops(20, 8, txn, ""))},
		{"an abort of a transaction without data, then a commit", nil, steps(drops(5, 7, marker, abortKey), shows(6, 7, txn))},
		{"the same with another one aborted", list(8, 4), steps(drops(4, 8, txn, ""), drops(5, 7, marker, abortKey), shows(6, 7, txn), drops(7, 8, txn, ""))},
		{"a list that begins at the marker", list(7, 5), steps(drops(5, 7, marker, abortKey), shows(6, 7, txn))},
		{"two of one producer", list(7, 1, 7, 4), steps(drops(1, 7, txn, ""), drops(2, 7, marker, abortKey), shows(3, 8, txn), drops(4, 7, txn, ""), drops(5, 7, marker, abortKey), shows(6, 7, txn))},
		{"a commit between two aborts", list(7, 1, 7, 5), steps(drops(1, 7, txn, ""), drops(2, 7, marker, abortKey), shows(3, 7, txn), drops(4, 7, marker, commitKey), drops(5, 7, txn, ""))},
		{"the middle of a transaction", list(7, 1), steps(drops(40, 7, txn, ""), drops(41, 7, marker, abortKey), shows(42, 7, txn))},
		{"a batch without a transaction of a producer who is in one", list(7, 1), steps(drops(1, 7, txn, ""), shows(2, 7, 0))},
		{"KRaft's own control record", list(7, 1), steps(drops(1, 7, txn, ""), drops(2, 7, control, changeKey), drops(3, 7, txn, ""))},
		{"a control record that is unknown", list(7, 1), steps(drops(1, 7, txn, ""), drops(2, 7, marker, unknownKey), drops(3, 7, txn, ""))},
		{"a marker with a longer key", list(7, 1), steps(drops(1, 7, txn, ""), drops(2, 7, marker, abortKeyNew), shows(3, 7, txn))},
		{"a marker that compaction emptied", list(7, 1), steps(drops(1, 7, txn, ""), emptied(2, 7, marker), shows(3, 7, txn))},
		{"KRaft's own, emptied", list(7, 1), steps(drops(1, 7, txn, ""), emptied(2, 7, control), drops(3, 7, txn, ""))},
		{"a list that begins within a batch", list(7, 12), steps(wide)},
		{"format 1", list(-1, 0), steps(func(t *testing.T, a *batch.Aborted) {
			raw, _ := valid(t, batch.V1, compress.None)
			r := batch.NewReader(raw)
			for r.Next() {
				if drop, err := a.Drop(&r.Batch); drop || err != nil {
					t.Errorf("got %t and %v, want the message to be seen", drop, err)
				}
			}
		})},
	} {
		t.Run(test.name, func(t *testing.T) {
			var a batch.Aborted
			a.Reset(list(7, 0, 8, 0, 9, 0)) // what was in the answer before
			a.Drop(one(1, 7, txn, ""))
			a.Reset(test.list)
			for _, step := range test.steps {
				step(t, &a)
			}
		})
	}
}

// The list is the caller's: it is neither kept nor sorted.
func TestAbortedLeavesTheList(t *testing.T) {
	list := []kmsg.FetchResponseAbortedTransaction{{ProducerID: 1, FirstOffset: 5}, {ProducerID: 2, FirstOffset: 3}, {ProducerID: 3, FirstOffset: 9}}
	want := slices.Clone(list)
	var a batch.Aborted
	a.Reset(list)
	compare(t, "the list", list, want)
	clear(list)
	if drop, err := a.Drop(one(9, 3, txn, "")); !drop || err != nil {
		t.Errorf("got %t and %v, want the batch to be dropped", drop, err)
	}
}

func TestAbortedErrors(t *testing.T) {
	var a batch.Aborted
	list := []kmsg.FetchResponseAbortedTransaction{{ProducerID: 7, FirstOffset: 0}}

	a.Reset(list)
	_, err := a.Drop(one(1, 7, marker, "\x00\x00\x00"))
	checkError(t, err, batch.ErrMalformed, false, batch.HeaderSize, "a key of 3 bytes")

	a.Reset(list)
	_, err = a.Drop(one(1, 7, marker, "\xff\xff\x00\x00"))
	checkError(t, err, batch.ErrMalformed, false, batch.HeaderSize, "a key of version -1")

	a.Reset(list)
	b := one(1, 7, marker, abortKey)
	b.Raw[batch.HeaderSize] = 0x7f
	_, err = a.Drop(b)
	checkError(t, err, batch.ErrMalformed, false, batch.HeaderSize, "length does not fit")

	a.Reset(list)
	b = one(1, 7, marker, abortKey)
	b.Attributes |= 1
	_, err = a.Drop(b)
	checkError(t, err, batch.ErrMalformed, false, 21, "compressed")

	a.Reset(nil) // nothing to drop, but the offsets lead back
	b = one(1, 7, txn, "")
	b.LastOffsetDelta = -5
	_, err = a.Drop(b)
	checkError(t, err, batch.ErrMalformed, false, 23, "last offset is -5")
}

// Used again, it allocates nothing.
func TestAbortedAllocatesNothing(t *testing.T) {
	list := []kmsg.FetchResponseAbortedTransaction{{ProducerID: 9, FirstOffset: 4}, {ProducerID: 7, FirstOffset: 1}}
	batches := []*batch.Batch{one(1, 7, txn, ""), one(2, 7, marker, abortKey), one(4, 9, txn, ""), one(5, 7, txn, "")}
	var a batch.Aborted
	allocs := testing.AllocsPerRun(100, func() {
		a.Reset(list)
		for _, b := range batches {
			if _, err := a.Drop(b); err != nil {
				t.Fatal(err)
			}
		}
	})
	if allocs != 0 {
		t.Errorf("got %v allocations for an answer, want none", allocs)
	}
}
