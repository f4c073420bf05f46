package sim

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/franzi-kafka/franzi/kgo/internal/broker"
	"github.com/franzi-kafka/franzi/kgo/internal/cluster"
	"github.com/franzi-kafka/franzi/kgo/internal/link"
	"github.com/franzi-kafka/franzi/kgo/internal/produce"
	"github.com/franzi-kafka/franzi/kgo/internal/route"
	"github.com/franzi-kafka/franzi/kmsg"
	"github.com/franzi-kafka/franzi/kmsg/batch"
	"github.com/franzi-kafka/franzi/kmsg/compress"
)

// A Report is what came of a life.
type Report struct {
	Seed    uint64
	Plan    *Plan
	Failure error // what is wrong, nil if all is well

	Records, Acked, Failed int
	Shown, Told            int           // records, and positions that were lost
	Frames                 int           // that brokers got
	Lasted                 time.Duration // in virtual time
	Steps                  int
	Recovery               time.Duration // until records arrive that came as soon as all was well

	// Trace is what happened, and Digest stands for it, if they were asked for.
	Trace  []string
	Digest uint64
}

// A life is a client, a cluster and a user, from begin to end.
type life struct {
	w        *world
	plan     *Plan
	c        *client
	p        *producer
	o        *consumer
	rules    []*broker.Fault
	down     []int32 // brokers that are stopped
	recovery time.Duration
	doing    bool // the plan's time is not over
}

var errAborted = errors.New("sim: given up by the user")

// Run plays the life of a seed. With a trace it takes longer.
func Run(seed uint64, trace bool) *Report {
	w := newWorld(seed, trace)
	l := &life{w: w, plan: newPlan(rand.New(rand.NewPCG(seed, 0x52)))}
	w.life = l
	w.tracef("seed %d: %v", seed, l.plan)
	l.start()
	l.live()
	l.heal()
	l.settle()
	l.catchUp()
	l.checkLog()
	l.close()
	r := &Report{Seed: seed, Plan: l.plan, Failure: w.failure, Records: len(l.p.records), Shown: l.o.shown, Told: l.o.told, Frames: l.c.frames, Lasted: w.now.Sub(w.begin), Steps: w.total, Trace: w.trace, Digest: w.digest, Recovery: l.recovery}
	for i := range l.p.records {
		if l.p.records[i].err != nil {
			r.Failed++
		} else if l.p.records[i].ended {
			r.Acked++
		}
	}
	return r
}

// start makes the cluster and the client.
func (l *life) start() {
	w, plan := l.w, l.plan
	cfg := broker.Config{Version: plan.Release, ReplicationDelay: plan.ReplicationDelay, NoLeaderHints: plan.NoLeaderHints, Properties: plan.Properties}
	var seeds []string
	for id := int32(1); id <= int32(plan.Brokers); id++ {
		cfg.Brokers = append(cfg.Brokers, broker.Broker{ID: id, Rack: plan.rack(id), Listeners: []broker.Listener{{Host: fmt.Sprintf("broker%d", id), Port: 9092}}})
		seeds = append(seeds, addrOf(id))
	}
	var err error
	if w.cluster, err = broker.New(cfg, rand.New(rand.NewPCG(w.seed, 0x53))); err != nil {
		panic(fmt.Sprintf("sim: %v", err))
	}
	var topics []string
	for i, n := range plan.Partitions {
		name := fmt.Sprintf("topic%d", i+1)
		topics = append(topics, name)
		if err := w.cluster.CreateTopic(w.now, name, int32(n), int16(plan.Brokers), nil); err != nil {
			panic(fmt.Sprintf("sim: %v", err))
		}
	}
	set := &produce.Settings{
		Acks: plan.Acks, Linger: plan.Linger, RequestBytes: 2000, InFlight: plan.InFlight, DeliveryTimeout: plan.DeliveryTimeout, Tries: plan.Tries,
		BackoffMin: cluster.DefaultBackoff.Base, BackoffMax: cluster.DefaultBackoff.Max, Prepare: plan.Codec != compress.None,
	}
	l.c = newClient(w, seeds)
	l.p = newProducer(l.c, set, compress.Settings{Codec: plan.Codec}, topics, plan.Idempotent)
	l.c.producer = l.p
	l.o = newConsumer(l.c, plan)
	l.c.consumer = l.o
}

// live lets things happen for the time of the plan.
func (l *life) live() {
	w := l.w
	l.doing = true
	end := w.now.Add(l.plan.Lasts)
	w.after(w.between(0, l.plan.Pause), l.user)
	w.after(w.between(0, 2*l.plan.Every), l.trouble)
	w.after(time.Second, l.tidy)
	w.at(end, func() { l.doing = false })
	for l.doing && w.step() {
	}
}

// user hands over records.
func (l *life) user() {
	if !l.doing {
		return
	}
	if q := l.anyPart(); q != nil {
		for range 1 + l.w.rand.IntN(1+l.w.rand.IntN(10)) {
			if !l.p.append(q, false) {
				break
			}
		}
	}
	if l.w.chance(300) {
		l.list()
	}
	l.w.after(l.w.between(0, 2*l.plan.Pause), l.user)
}

// list makes a request as users do, for the ends of partitions.
func (l *life) list() {
	q := l.anyPart()
	if q == nil {
		return
	}
	req := kmsg.NewListOffsetsRequest()
	t := kmsg.NewListOffsetsRequestTopic()
	t.Name = q.topic.name
	for i := range q.topic.parts {
		p := kmsg.NewListOffsetsRequestPartition()
		p.PartitionIndex, p.Timestamp = int32(i), kmsg.TimestampLatest
		t.Partitions = append(t.Partitions, p)
	}
	req.Topics = append(req.Topics, t)
	ends := 0
	l.c.do(req, 20*time.Second, func(resp kmsg.Response, failures []route.Failure) {
		if ends++; ends > 1 {
			l.w.fail("PROMISE: a call ends twice")
		}
		if resp == nil && len(failures) == 0 {
			l.w.fail("PROMISE: a call ends without an answer and without a failure")
		}
	})
}

// trouble lets something go wrong.
func (l *life) trouble() {
	if !l.doing {
		return
	}
	name := l.plan.Faults[l.w.rand.IntN(len(l.plan.Faults))]
	for _, f := range faults {
		if f.name == name {
			l.w.tracef("fault: %s", name)
			f.do(l)
			l.w.serve()
		}
	}
	l.w.after(l.w.between(0, 2*l.plan.Every), l.trouble)
}

// tidy forgets what is gone.
func (l *life) tidy() {
	l.c.sweep()
	if l.doing {
		l.w.after(time.Second, l.tidy)
	}
}

// killed takes note that a leader may be gone: without all acks it may take records along.
func (l *life) killed() {
	if l.plan.Acks != kmsg.AcksAll {
		for _, t := range l.p.topics {
			l.loses(t)
		}
	}
}

// loses takes note that a topic loses records.
func (l *life) loses(t *topic) {
	t.lossy = true
	for _, q := range t.parts {
		q.lossy = true
	}
}

// heal ends all that is wrong, but for connections that are half open: who has them must notice.
func (l *life) heal() {
	w := l.w
	if w.failure != nil {
		return
	}
	w.tracef("all is well again")
	for _, f := range l.rules {
		w.cluster.RemoveFault(f)
	}
	l.plan.dialFails = false
	for id := int32(1); id <= int32(l.plan.Brokers); id++ {
		w.cluster.Start(w.now, id)
		w.cluster.FreezeMetadata(w.now, id, false)
		for _, t := range l.p.topics {
			for n := range w.cluster.Partitions(t.name) {
				w.cluster.HoldReplication(w.now, t.name, int32(n), id, false)
			}
		}
	}
	w.serve()
}

// until goes on until something holds, and reports whether it did within a time.
func (l *life) until(within time.Duration, holds func() bool) bool {
	bound := l.w.now.Add(within)
	for !holds() {
		if l.w.now.After(bound) || !l.w.step() {
			return holds()
		}
	}
	return true
}

// settle waits for all outcomes, and then for those of records that come now, which must arrive.
func (l *life) settle() {
	w := l.w
	if w.failure != nil {
		return
	}
	within := l.plan.DeliveryTimeout + 4*requestTimeout
	l.recover()
	if !l.until(within, func() bool { return l.p.open == 0 }) && w.failure == nil {
		w.fail("LIVE: %d records have no outcome %v after all was well", l.p.open, within)
		return
	}
	// Connections that are half open are found by now, or by what is sent over them.
	begin, frames := w.now, l.c.frames
	for round := range 3 {
		first := len(l.p.records)
		for _, t := range l.p.topics {
			for _, q := range t.parts {
				if int(q.number) < len(w.cluster.Partitions(t.name)) {
					l.p.append(q, true)
				}
			}
		}
		if len(l.p.records) == first && !l.until(time.Minute, func() bool { return len(l.p.topics[0].parts) > 0 }) {
			w.fail("LIVE: no partition is known after all was well")
		}
		if !l.until(within, func() bool { return l.p.open == 0 }) && w.failure == nil {
			w.fail("LIVE: %d records of those that came when all was well have no outcome after %v", l.p.open, within)
		}
		if w.failure != nil {
			return
		}
		var failed error
		for n := first; n < len(l.p.records); n++ {
			if err := l.p.records[n].err; err != nil {
				failed = fmt.Errorf("record %d of %v: %w", n, l.p.records[n].part, err)
			}
		}
		if failed == nil && round > 0 {
			break
		}
		if failed != nil && round == 2 {
			w.fail("LIVE: all is well, and %v", failed)
			return
		}
		if failed != nil { // until a connection that is half open, or stuck, has been found
			l.until(2*requestTimeout, func() bool { return false })
		}
	}
	if took := w.now.Sub(begin); l.c.frames-frames > 1000+int(200*took/time.Second) {
		w.fail("LIVE: %d requests in %v when all was well", l.c.frames-frames, took)
	}
}

// checkLog compares the log with the book.
func (l *life) checkLog() {
	w := l.w
	if w.failure != nil {
		return
	}
	if sent, lasted := l.c.frames, w.now.Sub(w.begin); float64(sent) > 5000+1000*lasted.Seconds() {
		w.fail("LIVE: brokers got %d requests in %v", sent, lasted)
	}
	if l.p.memory.used != 0 && !l.until(2*requestTimeout, func() bool { return l.p.memory.used == 0 }) {
		w.fail("MEM: %d buffers are in use when all has an outcome", l.p.memory.used)
	}
	if most := l.p.memory.most; most > 3*maxBuffers {
		w.fail("MEM: %d buffers were in use, %d for new records are allowed", most, maxBuffers)
	}
	for _, t := range l.p.topics {
		for _, q := range t.parts {
			if w.failure == nil && int(q.number) < len(w.cluster.Partitions(t.name)) {
				l.checkPart(q)
			}
		}
	}
	for n := range l.p.records {
		x := &l.p.records[n]
		lossy := x.part.lossy || x.part.topic.lossy
		switch {
		case x.err != nil && !x.written && x.logs > 0:
			w.fail("PROMISE: record %d of %v is in the log, and was said not to be: %v", n, x.part, x.err)
		case x.err == nil && x.logs == 0 && !lossy && l.plan.Acks != kmsg.AcksNone:
			w.fail("LOSS: record %d of %v", n, x.part)
		}
	}
}

// recover takes the time until records arrive that are handed over as soon as all is well.
func (l *life) recover() {
	w := l.w
	begin, first := w.now, len(l.p.records)
	for _, t := range l.p.topics {
		for _, q := range t.parts {
			l.p.append(q, true)
		}
	}
	last := len(l.p.records)
	l.until(2*l.plan.DeliveryTimeout, func() bool {
		for n := first; n < last; n++ {
			if !l.p.records[n].ended {
				return false
			}
		}
		return true
	})
	if l.recovery = w.now.Sub(begin); l.recovery > recoverWithin && !l.plan.slow() && w.failure == nil {
		w.fail("LIVE: it took %v until records arrived that came when all was well", l.recovery)
	}
}

// recoverWithin bounds that where nothing makes anybody wait: no silence that only time tells from
// slowness, and no batches that the broker takes in pieces only.
const recoverWithin = 15 * time.Second

func (p *Plan) slow() bool {
	for _, name := range []string{"half open", "stuck", "no answer", "hold", "delay", "pause", "throttle"} {
		if slices.Contains(p.Faults, name) {
			return true
		}
	}
	return p.Properties["message.max.bytes"] != ""
}

func (l *life) checkPart(q *part) {
	w := l.w
	lossy := q.lossy || q.topic.lossy
	before := -1
	err := w.cluster.Walk(q.topic.name, q.number, func(_ *batch.Batch, r *batch.Record) bool {
		n := numberOf(r.Value)
		if n == compacted {
			return true
		}
		if n < 0 || n >= len(l.p.records) || l.p.records[n].part != q || l.p.records[n].value != string(r.Value) {
			w.fail("BYTES: %v has a record at %d that nobody handed over: %q", q, r.Offset, r.Value)
			return false
		}
		x := &l.p.records[n]
		x.logs++
		if x.ended && x.err == nil && x.offset >= 0 && !lossy && l.plan.Idempotent && !l.plan.forgets && x.offset != r.Offset {
			w.fail("LOSS: record %d of %v is at %d and was said to be at %d", n, q, r.Offset, x.offset)
		}
		if l.plan.Idempotent && !lossy && !l.plan.forgets {
			if x.logs > 1 {
				w.fail("DUP: record %d of %v", n, q)
			}
			if n < before {
				w.fail("ORDER: record %d of %v comes after %d", n, q, before)
			}
		}
		before = n
		return w.failure == nil
	})
	if err != nil {
		w.fail("BYTES: the log of %v cannot be read: %v", q, err)
	}
}

// catchUp waits until all that the log has is read, and looks whether it is what was shown.
func (l *life) catchUp() {
	w, o := l.w, l.o
	if w.failure != nil {
		return
	}
	for _, r := range o.parts {
		if r.paused {
			r.pause(false)
		}
	}
	if slices.Contains(l.plan.Faults, "compacted") { // logs may end with offsets that have no record
		for range 2 * len(o.parts) {
			l.compacted()
		}
		w.serve()
	}
	var behind *reader
	caughtUp := func() bool {
		for _, behind = range o.parts {
			if behind.position != behind.log().end || len(behind.queue) > 0 {
				return false
			}
		}
		return true
	}
	// Who is at the end may still have to hear that the log is another.
	hears := 3 * time.Second
	if l.plan.slow() {
		hears += requestTimeout
	}
	const within = 4 * requestTimeout
	if l.until(within, caughtUp) && !l.until(hears, func() bool { return false }) && l.until(within, caughtUp) {
		behind = nil
	}
	if behind != nil && w.failure == nil {
		w.fail("LIVE: %v is at %d of %d, %v after all was well; %v", behind, behind.position, behind.log().end, within, behind.state())
	}
	if o.purse.most > o.purse.limit && w.failure == nil {
		w.fail("MEM: the consumer had %d bytes, %d are allowed", o.purse.most, o.purse.limit)
	}
	for _, r := range o.parts {
		if w.failure == nil {
			r.check()
		}
	}
}

// close ends the client, and looks whether anything is left.
func (l *life) close() {
	w := l.w
	if w.failure != nil {
		return
	}
	l.p.closed = true
	l.o.close()
	for _, t := range l.p.topics {
		l.c.meta.post(&cluster.Unwant{Topics: []string{t.name}})
	}
	l.c.closed = true
	l.c.meta.post(&cluster.Close{Err: errGivenUp})
	for _, r := range w.hosts {
		if call, ok := r.(*caller); ok {
			call.cancel()
		}
	}
	for _, lane := range l.c.lanes {
		lane.post(&link.Close{Err: errGivenUp})
	}
	gone := func() bool {
		for _, lane := range l.c.lanes {
			if !lane.gone || lane.open > 0 {
				return false
			}
		}
		return l.c.calls == 0 && l.o.asking == 0 && len(w.ready) == 0
	}
	if !l.until(time.Minute, gone) && w.failure == nil {
		var left []string
		for _, lane := range l.c.lanes {
			if !lane.gone || lane.open > 0 {
				left = append(left, fmt.Sprintf("%v (%d requests)", lane, lane.open))
			}
		}
		w.fail("CLOSE: left after a minute: %s, %d calls", strings.Join(left, ", "), l.c.calls)
		return
	}
	if l.o.purse.used != 0 || l.o.purse.waiting != 0 {
		w.fail("CLOSE: the consumer still has %d bytes, %d of them wait to be read", l.o.purse.used, l.o.purse.waiting)
		return
	}
	var waits runner
	idle := func() bool {
		for _, waits = range w.hosts {
			if !waits.deadline().IsZero() {
				return false
			}
		}
		return true
	}
	// Sinks look once more at queues that rested.
	if !l.until(time.Minute, idle) && w.failure == nil {
		w.fail("CLOSE: %v still has a deadline, in %v", waits, waits.deadline().Sub(w.now))
	}
}
