package sim

import (
	"errors"
	"fmt"
	"time"

	"github.com/franzi-kafka/franzi/kgo/internal/cluster"
	"github.com/franzi-kafka/franzi/kgo/internal/fetch"
	"github.com/franzi-kafka/franzi/kgo/internal/link"
	"github.com/franzi-kafka/franzi/kgo/internal/route"
	"github.com/franzi-kafka/franzi/kmsg"
	"github.com/franzi-kafka/franzi/kmsg/batch"
	"github.com/franzi-kafka/franzi/kmsg/compress"
)

// A consumer does what the shell of consumers does, and has a user who keeps a book of what is
// shown, see [reader].
type consumer struct {
	*host[fetch.Event, fetch.Action]
	c       *client
	codecs  compress.Codecs
	room    []byte // that is decompressed into
	purse   purse
	lanes   map[laneID]*fetchLane
	parts   []*reader
	ready   []*reader // have something to be read
	reading bool      // the user will look
	shown   int       // records
	told    int       // positions that were lost
	asking  int       // questions under way
	blind   bool      // brokers were asked in versions without leader epochs
	closed  bool
}

type laneID struct {
	broker int32
	number int
}

func newConsumer(c *client, plan *Plan) *consumer {
	o := &consumer{c: c, lanes: map[laneID]*fetchLane{}}
	o.purse = purse{limit: int64(plan.BufferBytes), room: func() { o.post(&fetch.Room{}) }}
	o.host = &host[fetch.Event, fetch.Action]{w: c.w, name: "consumer", act: o.act}
	cfg := fetch.Config{
		Isolation: plan.Isolation, MaxWait: 500 * time.Millisecond, MinBytes: 1,
		Bite: plan.Bite, PartitionBytes: 4 * plan.Bite, BufferBytes: int64(plan.BufferBytes), FrameBytes: 1 << 20,
		Lanes: plan.Lanes, Recheck: time.Second, Reset: plan.Reset, Patience: requestTimeout,
		Backoff: cluster.DefaultBackoff, Random: c.w.rand.Float64, Budget: &o.purse,
	}
	if plan.Racks {
		cfg.Rack = rackOf(1)
	}
	o.cell = fetch.NewCell(cfg)
	c.w.hosts = append(c.w.hosts, o)
	return o
}

// update takes note of a new snapshot. Partitions are read from where the plan says if they are
// there at first, those that come later from their begin.
func (o *consumer) update(s *cluster.Snapshot) {
	if o.closed {
		return
	}
	o.post(&fetch.Known{Snapshot: s})
	assign := &fetch.Assign{}
	for _, t := range o.c.producer.topics {
		known := s.Topic(t.name)
		if known == nil {
			continue
		}
		first := t.read == 0
		for ; t.read < len(known.Partitions); t.read++ {
			r := &reader{o: o, part: t.parts[t.read]}
			r.core = fetch.New(t.name, int32(t.read), r)
			o.parts = append(o.parts, r)
			start := fetch.Start{Place: fetch.Earliest}
			if first {
				start = o.w.plan().Start
			}
			r.restart(start)
			assign.Parts = append(assign.Parts, fetch.Assigned{Partition: r.core, Stamp: r.stamp, Start: start})
		}
	}
	if len(assign.Parts) > 0 {
		o.post(assign)
	}
}

func (o *consumer) act(a fetch.Action) {
	switch a := a.(type) {
	case *fetch.Request:
		o.send(a)
	case *fetch.Deliver:
		o.deliver(a)
	case *fetch.Positioned:
		a.Partition.Tag.(*reader).positioned(a)
	case *fetch.Report:
		o.w.tracef("consumer: %s", reportOf(a))
		if a.Partition != nil {
			a.Partition.Tag.(*reader).reported(a)
		}
	case *fetch.Truncated:
		a.Partition.Tag.(*reader).truncated(a)
	case *fetch.AskOffsets:
		o.askOffsets(a)
	case *fetch.AskEpochs:
		o.askEpochs(a)
	case *fetch.Stale:
		o.c.meta.post(&cluster.Need{Topics: a.Topics, Newer: o.c.snapshot.Seq, Reason: a.Reason})
	case *fetch.Hint:
		o.hint(&a.LeaderHint)
	case *fetch.Short:
		for _, r := range o.parts {
			if r.paused && !r.waits() && r.hasChunk() {
				untold, from, epoch := r.untold()
				r.seek(fetch.Start{Place: fetch.Offset, Offset: from, Epoch: epoch}, false)
				r.lost = untold
			}
		}
	default:
		panic(fmt.Sprintf("sim: unknown action %T", a))
	}
}

// reportOf shows a report.
func reportOf(a *fetch.Report) string {
	where := fmt.Sprintf("broker %d", a.Broker)
	if a.Partition != nil {
		where = a.Partition.Tag.(*reader).String()
	}
	return fmt.Sprintf("%s: report %d: %v %v from %d to %d", where, a.Why, a.Code, a.Err, a.From, a.To)
}

// hint passes on who leads, and asks if that is nothing new.
func (o *consumer) hint(h *cluster.LeaderHint) {
	s := o.c.snapshot
	if !h.Helps(s) {
		o.c.meta.post(&cluster.Need{Topics: []string{h.Topic}, Newer: s.Seq, Reason: "a broker does not lead a partition"})
		return
	}
	o.c.meta.post(h)
}

// askOffsets asks once. The level of isolation makes no difference, for there are no transactions.
func (o *consumer) askOffsets(a *fetch.AskOffsets) {
	req := a.Request()
	req.IsolationLevel = kmsg.IsolationReadUncommitted
	o.asking++
	o.c.once(req, func(resp kmsg.Response, err error, _ bool) {
		o.asking--
		e := &fetch.Offsets{To: a, Err: err}
		e.Response, _ = resp.(*kmsg.ListOffsetsResponse)
		o.post(e)
	})
}

func (o *consumer) askEpochs(a *fetch.AskEpochs) {
	o.asking++
	o.c.once(a.Request(), func(resp kmsg.Response, err error, unsupported bool) {
		o.asking--
		e := &fetch.Epochs{To: a, Err: err, Unsupported: unsupported}
		e.Response, _ = resp.(*kmsg.OffsetForLeaderEpochResponse)
		o.blind = o.blind || unsupported || e.Response != nil && e.Response.Version < 2
		o.post(e)
	})
}

// once makes a request without trying again. There is no answer if it was not a broker that failed
// it.
func (c *client) once(req kmsg.Request, done func(resp kmsg.Response, err error, unsupported bool)) {
	c.call(req, route.Options{Deadline: c.w.now.Add(30 * time.Second), Seed: c.w.rand.Uint64(), Once: true}, func(resp kmsg.Response, failures []route.Failure) {
		var err error
		var unsupported *link.UnsupportedError
		for i := range failures {
			if f := &failures[i]; !f.Answered {
				resp, err = nil, f.Err
			}
		}
		done(resp, err, resp == nil && errors.As(err, &unsupported))
	})
}

// A fetchLane sends a lane's requests, one at a time.
type fetchLane struct {
	link.Request
	o       *consumer
	lane    *lane
	request *fetch.Request
	event   fetch.Answered
	message kmsg.FetchRequest
	answer  kmsg.FetchResponse
	frame   *frame // of the last answer
}

func (o *consumer) send(r *fetch.Request) {
	id := laneID{r.Broker, r.Lane}
	l := o.lanes[id]
	if l == nil {
		l = &fetchLane{o: o}
		o.lanes[id] = l
	}
	l.request = r
	l.Request = link.Request{Key: kmsg.KeyFetch, Min: r.MinVersion, Max: r.MaxVersion, Body: l, To: l, Expect: int(r.Reserved), Timeout: requestTimeout + r.MaxWait}
	l.lane = o.c.lane(r.Broker, "", forFetch+kind(r.Lane))
	o.c.send(l.lane, &l.Request)
}

// Encode writes the request.
func (l *fetchLane) Encode(dst []byte, h *kmsg.RequestHeader, version int16) ([]byte, []link.Splice, error) {
	l.request.Fill(&l.message, version)
	l.o.blind = l.o.blind || version < 9
	dst, err := link.AppendRequest(dst, h, &l.message)
	return dst, nil, err
}

// Done decodes the answer and tells the cell.
func (l *fetchLane) Done(*link.Request) {
	o, r := l.o, l.request
	e := &l.event
	*e = fetch.Answered{Request: r}
	if len(o.ready) == 0 {
		e.Waited = l.Ended.Sub(l.Sent)
	}
	if l.Err != nil {
		e.Failure = l.Err
		var unsupported *link.UnsupportedError
		e.Fatal = errors.As(l.Err, &unsupported)
	} else {
		l.answer.SetAPIVersion(l.Version)
		if _, err := kmsg.DecodeResponseLenient(l.Frame, &l.answer); err != nil {
			o.w.fail("BYTES: an answer to Fetch that cannot be read: %v", err)
			return
		}
		e.Response = &l.answer
		if d := time.Duration(l.answer.ThrottleTimeMs) * time.Millisecond; d > 0 {
			l.lane.post(&link.Throttle{Key: l.Key, Version: l.Version, For: d})
		}
	}
	used := -r.Reserved
	if e.Response != nil && !o.closed {
		l.frame = &frame{purse: &o.purse, buf: l.Frame, over: max(0, int64(len(l.Frame))-r.Reserved)}
		o.purse.over += l.frame.over
		used += int64(len(l.Frame)) // until it is consumed
	}
	o.w.tracef("%v: fetched: %d bytes for %d reserved, error %v; %d used of %d", l.lane, len(l.Frame), r.Reserved, l.Err, o.purse.used+used, o.purse.limit)
	o.purse.change(used, 0)
	l.Frame = nil
	o.post(e)
}

// deliver hands out chunks.
func (o *consumer) deliver(a *fetch.Deliver) {
	f := o.lanes[laneID{a.Request.Broker, a.Request.Lane}].frame
	f.chunks++ // until all are handed out
	for i := range a.Chunks {
		k := &a.Chunks[i]
		r := k.Partition.Tag.(*reader)
		if r.stamp != k.Stamp || o.closed || len(k.Records) == 0 && k.End == k.From {
			continue
		}
		if k.Broken {
			o.w.fail("BYTES: %v: what was fetched at %d is no batch", r, k.From)
		}
		f.chunks++
		n := &chunk{Chunk: *k, frame: f}
		n.reader.Reset(k.Records)
		n.aborted.Reset(k.Aborted)
		r.enqueue(event{chunk: n})
		o.purse.change(0, int64(len(k.Records)))
	}
	f.consumed()
}

// A chunk is what one answer brought for a partition, with what the user has read of it.
type chunk struct {
	fetch.Chunk
	frame   *frame
	reader  batch.Reader
	aborted batch.Aborted
}

// free gives back the memory of a chunk.
func (k *chunk) free() {
	k.frame.purse.change(0, -int64(len(k.Records)))
	k.frame.consumed()
}

// A frame is the memory of an answer, which is overwritten when all of it was read.
type frame struct {
	purse  *purse
	buf    []byte
	chunks int   // that are not read
	over   int64 // bytes that were not asked for
}

func (f *frame) consumed() {
	if f.chunks--; f.chunks > 0 {
		return
	}
	for i := range f.buf {
		f.buf[i] = 0xdb
	}
	f.purse.over -= f.over
	f.purse.change(-int64(len(f.buf)), 0)
}

// A purse is the budget of a consumer.
type purse struct {
	limit, used  int64
	over         int64 // of used: what brokers sent beyond what they were asked for
	most         int64 // that was used, without that
	waiting      int64 // bytes of records that are delivered and not read
	starved      bool
	least, ahead int64 // what would have helped
	room         func()
}

// Take takes room for an answer, see [fetch.Budget].
func (m *purse) Take(least, most, ahead int64) int64 {
	n := min(most, m.limit-m.used)
	if n >= least && m.waiting <= ahead || m.used == 0 {
		n = max(n, least)
		m.used += n
		m.most = max(m.most, m.used-m.over)
		return n
	}
	if !m.starved {
		m.starved, m.least, m.ahead = true, least, ahead
	}
	m.least, m.ahead = min(m.least, least), max(m.ahead, ahead)
	return 0
}

// change adds to what is used, and to what waits to be read.
func (m *purse) change(used, waiting int64) {
	m.used += used
	m.waiting += waiting
	m.most = max(m.most, m.used-m.over)
	if m.starved && (m.used == 0 || m.used+m.least <= m.limit && m.waiting <= m.ahead) {
		m.starved = false
		m.room()
	}
}

// close drops all that was fetched.
func (o *consumer) close() {
	o.closed = true
	for _, r := range o.parts {
		r.drop()
	}
	o.post(&fetch.Close{})
}
