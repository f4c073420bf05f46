package sim

import (
	"fmt"
	"slices"
	"time"

	"github.com/franzi-kafka/franzi/kgo/internal/fetch"
	"github.com/franzi-kafka/franzi/kmsg/batch"
)

// A reader is a partition that is consumed, with the user's book of what was shown.
type reader struct {
	o      *consumer
	part   *part
	core   *fetch.Partition
	stamp  uint64
	queue  []event
	listed bool // among those that have something
	paused bool

	position int64 // of the next record to be shown, -1 while it is not known
	lost     *loss // is told when it is known where to go on
	stopped  bool  // it waits for a seek

	// The book. What was shown is all that the log has from offset from on, up to the position.
	from  int64
	shown []shown
	seeks sought
}

// shown is a record that was shown; number is its place in the producer's book.
type shown struct {
	offset int64
	number int
}

// An event is what a partition has for the user: a chunk, or a position that is lost.
type event struct {
	chunk *chunk
	lost  *loss
}

// A loss is a position that was lost. From what offset on the log is another is -1 if all is.
type loss struct {
	why        string
	from, to   int64
	divergence int64
}

// sought is what is to be compared with where a seek leads.
type sought struct {
	place    fetch.Place
	start    int64 // of the log when it began
	recreate int   // of the topic
}

// String names the partition.
func (r *reader) String() string { return fmt.Sprintf("reader of %v", r.part) }

// state shows what a partition waits for.
func (r *reader) state() string {
	o := r.o
	return fmt.Sprintf("%d wait, listed %v, paused %v, stopped %v; of %d partitions that are ready; %d bytes used, %d wait, starved %v",
		len(r.queue), r.listed, r.paused, r.stopped, len(o.ready), o.purse.used, o.purse.waiting, o.purse.starved)
}

// restart forgets what was shown; what comes next begins a new book.
func (r *reader) restart(to fetch.Start) {
	r.stamp++
	r.drop()
	r.lost, r.stopped = nil, false
	r.position = -1
	if to.Place == fetch.Offset {
		r.position = to.Offset
	}
	r.seeks = sought{to.Place, r.log().start, r.part.topic.recreated}
}

// seek moves the partition. Anew says that the user wants to, else nobody shall notice.
func (r *reader) seek(to fetch.Start, anew bool) {
	r.o.w.tracef("%v: seek to %+v", r, to)
	r.restart(to)
	if anew {
		r.shown, r.from = nil, r.position
	}
	r.o.post(&fetch.Seek{Partition: r.core, Stamp: r.stamp, Start: to})
}

// drop lets go of what was not read.
func (r *reader) drop() {
	for _, e := range r.queue {
		if e.chunk != nil {
			e.chunk.free()
		}
	}
	r.queue = nil
}

func (r *reader) hasChunk() bool {
	return slices.ContainsFunc(r.queue, func(e event) bool { return e.chunk != nil })
}

// waits reports whether the partition waits for a seek, or will when the user is told.
func (r *reader) waits() bool {
	return r.stopped || slices.ContainsFunc(r.queue, func(e event) bool { return e.lost != nil && e.lost.to < 0 })
}

// bounds are where a log begins, and up to where it may be read.
type bounds struct{ start, end int64 }

// log returns what the partition has now, nothing if it does not exist.
func (r *reader) log() bounds {
	all := r.o.w.cluster.Partitions(r.part.topic.name)
	if int(r.part.number) >= len(all) {
		return bounds{}
	}
	p := &all[r.part.number]
	return bounds{p.Start, p.HighWatermark}
}

// enqueue adds something for the user.
func (r *reader) enqueue(e event) {
	r.queue = append(r.queue, e)
	r.list()
}

// list has the user look.
func (r *reader) list() {
	o := r.o
	if !r.listed && !r.paused && len(r.queue) > 0 {
		r.listed = true
		o.ready = append(o.ready, r)
	}
	if !o.reading && len(o.ready) > 0 && !o.closed {
		o.reading = true
		o.w.after(o.w.pace(), o.read)
	}
}

// pace is how long the user takes for a batch.
func (w *world) pace() time.Duration {
	if w.life.doing && w.chance(w.plan().Dawdles) {
		return w.between(0, 300*time.Millisecond)
	}
	return w.between(0, 500*time.Microsecond)
}

// positioned takes note of where the partition begins.
func (r *reader) positioned(a *fetch.Positioned) {
	w := r.o.w
	if r.stamp != a.Stamp {
		return
	}
	w.tracef("%v: positioned at %d", r, a.Offset)
	if l := r.lost; l != nil {
		r.lost, l.to = nil, a.Offset
		r.enqueue(event{lost: l})
		return
	}
	if r.position >= 0 {
		if r.position != a.Offset {
			w.fail("SKIP: %v is at %d after a seek to %d", r, a.Offset, r.position)
		}
		return
	}
	if s := r.seeks; s.recreate == r.part.topic.recreated && s.place == fetch.Earliest && (a.Offset < s.start || a.Offset > r.log().start) {
		w.fail("SKIP: %v begins at %d, and the log began at %d and does at %d", r, a.Offset, s.start, r.log().start)
	}
	r.position, r.from = a.Offset, a.Offset
}

// reported takes note of trouble.
func (r *reader) reported(a *fetch.Report) {
	switch {
	case r.stamp != a.Stamp || a.Why == fetch.Failing:
		return
	case a.Why == fetch.TooLarge:
		r.o.w.fail("LIVE: %v: a batch at %d is too large: %v", r, a.From, a.Err)
		return
	}
	r.enqueue(event{lost: &loss{why: fmt.Sprint(a.Code), from: a.From, to: a.To, divergence: -1}})
}

// truncated goes on where the log is another than what was read, as the shell does: of what the user
// has not seen nobody speaks.
func (r *reader) truncated(a *fetch.Truncated) {
	w := r.o.w
	if r.stamp != a.Stamp {
		return
	}
	w.tracef("%v: truncated: fetched to %d, read to %d, diverged at %d in epoch %d", r, a.Position, r.position, a.Diverged, a.Epoch)
	untold, from, _ := r.untold()
	reset := w.plan().Reset
	lost := &loss{"truncated", from, -1, a.Diverged}
	to := fetch.Start{Place: fetch.Offset, Offset: a.Diverged, Epoch: a.Epoch}
	switch {
	case a.Diverged >= 0 && from >= 0 && from <= a.Diverged:
		to.Offset, lost = from, nil
	case reset.Place == fetch.Nowhere || a.Diverged < 0:
		to = reset
	}
	if untold != nil {
		lost = untold
		lost.divergence = min(lost.divergence, a.Diverged)
	}
	r.seek(to, false)
	if lost == nil {
		return
	}
	r.position = lost.from
	if to.Place == fetch.Nowhere {
		r.enqueue(event{lost: lost})
		return
	}
	r.lost = lost
}

// untold returns a lost position that the user has not been told of, nil if there is none, where the
// user is, or will be when told, and the epoch to go back there with, -1 if it is not known.
func (r *reader) untold() (lost *loss, from int64, epoch int32) {
	lost, from, epoch = r.lost, r.position, -1
	chunks := false
	for _, e := range r.queue {
		switch {
		case e.chunk != nil:
			chunks, epoch = true, e.chunk.Epoch
		case e.lost.to >= 0:
			if lost == nil {
				if lost = e.lost; chunks {
					lost.from = from
				}
			}
			from, epoch = e.lost.to, -1
		}
	}
	return lost, from, epoch
}

// read shows the next batch, or tells what is lost.
func (o *consumer) read() {
	o.reading = false
	for len(o.ready) > 0 {
		r := o.ready[0]
		o.ready = o.ready[1:]
		r.listed = false
		if r.paused || len(r.queue) == 0 {
			continue
		}
		if e := r.queue[0]; e.lost != nil {
			r.queue = r.queue[1:]
			r.told(e.lost)
		} else if !r.show(e.chunk) {
			r.queue = r.queue[1:]
			e.chunk.free()
		}
		r.list()
		break
	}
	if len(o.ready) > 0 {
		o.ready[0].list()
	}
}

// told writes into the book that a position was lost, and goes on if the partition does not by
// itself.
func (r *reader) told(l *loss) {
	w := r.o.w
	w.tracef("%v: told: %s from %d to %d, diverged at %d", r, l.why, l.from, l.to, l.divergence)
	r.o.told++
	if l.from != r.position && r.position != l.to {
		w.fail("SKIP: %v has read to %d, and is told that %d was lost", r, r.position, l.from)
	}
	keep := 0
	for l.divergence >= 0 && keep < len(r.shown) && r.shown[keep].offset < l.divergence {
		keep++
	}
	r.shown = r.shown[:keep]
	if l.to >= 0 {
		if keep == 0 || l.to != l.divergence {
			r.shown, r.from = r.shown[:0], l.to
		}
		r.position = l.to
		return
	}
	r.stopped = true
	stamp := r.stamp
	w.after(w.between(0, time.Second), func() {
		if r.stamp == stamp && !r.o.closed {
			r.seek(fetch.Start{Place: fetch.Earliest}, true)
		}
	})
}

// show shows the next batch of a chunk, and reports whether there was one.
func (r *reader) show(k *chunk) bool {
	w := r.o.w
	if !k.reader.Next() {
		if err := k.reader.Err(); err != nil {
			w.fail("BYTES: %v: %v", r, err)
		}
		r.position = max(r.position, k.End)
		return false
	}
	b := &k.reader.Batch
	if err := b.Verify(); err != nil {
		w.fail("BYTES: %v: the batch at %d: %v", r, b.BaseOffset, err)
		return true
	}
	if b.LastOffset() < k.From {
		return true
	}
	if drop, err := k.aborted.Drop(b); drop || err != nil {
		w.fail("RC: %v: a batch at %d of no transaction is left out: %v", r, b.BaseOffset, err)
		return true
	}
	payload, room, err := b.Payload(&r.o.codecs, r.o.room, batch.DefaultLimit)
	if r.o.room = room; err != nil {
		w.fail("BYTES: %v: the batch at %d: %v", r, b.BaseOffset, err)
		return true
	}
	walk := b.Walk(payload)
	walk.SkipTo(k.From)
	for walk.Next() && w.failure == nil {
		r.see(&walk.Record)
	}
	if err := walk.Err(); err != nil {
		w.fail("BYTES: %v: the batch at %d: %v", r, b.BaseOffset, err)
	}
	r.leap(b.LastOffset() + 1)
	return true
}

// see writes a record into the book.
func (r *reader) see(x *batch.Record) {
	w := r.o.w
	n := numberOf(x.Value)
	if all := r.o.c.producer.records; n != compacted && (n < 0 || n >= len(all) || all[n].part != r.part || all[n].value != string(x.Value)) {
		w.fail("BYTES: %v shows a record at %d that nobody handed over: %q", r, x.Offset, x.Value)
	}
	if x.Offset < r.position {
		w.fail("REPEAT: %v shows %d, and has shown all up to %d", r, x.Offset, r.position)
	}
	r.leap(x.Offset)
	r.position = x.Offset + 1
	r.shown = append(r.shown, shown{x.Offset, n})
	r.o.shown++
}

// leap goes on to an offset. There must be nothing before it.
func (r *reader) leap(to int64) {
	for ; r.position < to; r.position++ {
		if !r.part.holes[r.position] {
			r.o.w.fail("SKIP: %v goes to %d, and has not shown %d", r, to, r.position)
			return
		}
	}
}

// check compares the book with the log.
func (r *reader) check() {
	w := r.o.w
	if r.o.blind || r.part.topic.replaced {
		return // nobody can tell that a log is another one
	}
	start, next := r.log().start, 0
	for next < len(r.shown) && r.shown[next].offset < start {
		next++
	}
	err := w.cluster.Walk(r.part.topic.name, r.part.number, func(_ *batch.Batch, x *batch.Record) bool {
		switch n := numberOf(x.Value); {
		case x.Offset < r.from:
		case x.Offset >= r.position:
			return false
		case next == len(r.shown) || r.shown[next].offset > x.Offset:
			w.fail("SKIP: %v has not shown record %d at %d", r, n, x.Offset)
		case r.shown[next].offset < x.Offset:
			w.fail("TRUTH: %v has shown record %d at %d, which the log has lost, and nobody told", r, r.shown[next].number, r.shown[next].offset)
		case r.shown[next].number != n:
			w.fail("TRUTH: %v has shown record %d at %d, and the log has %d there, and nobody told", r, r.shown[next].number, x.Offset, n)
		default:
			next++
		}
		return w.failure == nil
	})
	if err == nil && next < len(r.shown) {
		w.fail("TRUTH: %v has shown record %d at %d, which the log has lost, and nobody told", r, r.shown[next].number, r.shown[next].offset)
	}
	if err != nil {
		w.fail("BYTES: the log of %v cannot be read: %v", r.part, err)
	}
}
