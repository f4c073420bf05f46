package link

import (
	"encoding/binary"
	"fmt"
	"math"
	"time"

	"github.com/franzi-kafka/franzi/kmsg"
)

const (
	// joinBytes is how much is joined into one write, and then one request more. More would only
	// delay the first.
	joinBytes = 64 << 10
	// keepBytes is the largest buffer that is used again.
	keepBytes = 64 << 10
)

// An outbox is what the writer has to write. There is one write at a time, so that it is known
// of each request whether its bytes have left, and so that what comes meanwhile is joined.
type outbox struct {
	busy    bool // the write is the shell's
	since   time.Time
	secret  bool // the buffer is to be wiped
	first   uint64
	batch   []batched // the requests that are being written
	written int       // bytes that left of an unfinished write

	write Write     // used again for each
	buf   []byte    // what was encoded
	cuts  []segment // of buf and of spliced bytes, in order
}

// A batched request is one that is being written.
type batched struct {
	req      *Request // nil if it is done already
	from, to int      // its bytes in the write
}

// A segment is bytes of the outbox's buffer, which may move while it grows, or bytes spliced in.
type segment struct {
	from, to int
	splice   []byte
}

// kind is what a flight is about.
type kind uint8

const (
	kindRequest kind = iota
	kindVersions
	kindMetadata
	kindListGroups
	kindHandshake
	kindAuth
	kindRaw // a frame of SASL without a header
)

// An internal is a request of the link's own.
type internal struct {
	kind kind
	msg  kmsg.Request
	raw  []byte // for kindRaw
}

// ask has a request of the link's own written as soon as the outbox is free.
func (l *Link) ask(kind kind, msg kmsg.Request) { l.con.pending = &internal{kind: kind, msg: msg} }

func (l *Link) writePending(now time.Time) {
	p := l.con.pending
	if p == nil || l.out.busy {
		return
	}
	l.con.pending = nil
	l.corr = next(l.corr)
	x := flight{kind: p.kind, id: l.corr}
	var err error
	start := len(l.out.buf)
	if p.kind == kindRaw {
		l.out.buf = binary.BigEndian.AppendUint32(l.out.buf, uint32(len(p.raw)))
		l.out.buf = append(l.out.buf, p.raw...)
	} else {
		l.header.CorrelationID = l.corr
		l.out.buf, err = AppendRequest(l.out.buf, &l.header, p.msg)
	}
	if err != nil {
		l.out.buf = l.out.buf[:start]
		l.broken(now, l.failure(StageEncode, err), false)
		return
	}
	l.out.secret = p.kind == kindAuth || p.kind == kindRaw
	l.out.first = l.flights.push(x)
	l.out.cuts = append(l.out.cuts, segment{from: start, to: len(l.out.buf)})
	l.send(now)
}

// writeRequests writes what waits, joined as long as it is small.
func (l *Link) writeRequests(now time.Time) {
	l.out.first = l.flights.next
	size := 0
	for r := l.queue.first; r != nil && l.flights.len() < l.cfg.MaxInFlight && size < joinBytes; r = l.queue.first {
		l.queue.remove(r)
		version, err := l.con.versions.choose(r.Key, r.Min, r.Max)
		if err == nil {
			r.Version = version
			size, err = l.encode(r, size)
		}
		if err != nil {
			l.finish(now, r, l.failure(StageEncode, err))
			continue
		}
		r.Sent = now
		r.state = stateWriting
		if r.NoAnswer {
			continue
		}
		if l.flights.len() == 0 {
			l.con.turn = now
		}
		patience := r.Timeout
		if patience == 0 {
			patience = l.cfg.RequestTimeout
		}
		r.flight = l.flights.push(flight{req: r, id: l.corr, patience: patience})
		if r.Expect > 0 || r.Room != nil {
			l.out.write.Answers = append(l.out.write.Answers, Answer{l.corr, r.Expect, r.Room})
		}
	}
	if len(l.out.cuts) > 0 {
		l.con.used = now
		l.send(now)
	}
}

// encode adds a request to what is to be written, after size bytes, and returns the new size.
func (l *Link) encode(r *Request, size int) (int, error) {
	out := &l.out
	start := len(out.buf)
	l.corr = next(l.corr)
	l.header.CorrelationID = l.corr
	buf, splices, err := r.Body.Encode(out.buf, &l.header, r.Version)
	if err != nil {
		return size, err
	}
	out.buf = buf
	at, total := start, len(buf)-start
	cuts := len(out.cuts)
	for _, s := range splices {
		if s.At < at-start || s.At > len(buf)-start || s.At < 4 {
			panic(fmt.Sprintf("link: a splice at byte %d of %d, after one at %d", s.At, len(buf)-start, at-start))
		}
		if len(s.Bytes) == 0 {
			continue
		}
		out.cuts = append(out.cuts, segment{from: at, to: start + s.At}, segment{splice: s.Bytes})
		at = start + s.At
		total += len(s.Bytes)
	}
	out.cuts = append(out.cuts, segment{from: at, to: len(buf)})
	if total-4 > math.MaxInt32 {
		out.buf, out.cuts = buf[:start], out.cuts[:cuts]
		return size, fmt.Errorf("%v version %d takes %d bytes, a frame holds %d", r.Key, r.Version, total-4, math.MaxInt32)
	}
	binary.BigEndian.PutUint32(buf[start:], uint32(total-4))
	r.SentBytes = total
	r.spliced = len(splices) > 0
	r.place = len(out.batch)
	out.batch = append(out.batch, batched{req: r, from: size, to: size + total})
	return size + total, nil
}

// send hands what was encoded to the writer.
func (l *Link) send(now time.Time) {
	out := &l.out
	w := &out.write
	w.Size = 0
	joined := -1 // where a run of the buffer's own bytes began
	for i, c := range out.cuts {
		switch {
		case c.splice != nil:
			w.Buffers = append(w.Buffers, c.splice)
			w.Size += len(c.splice)
			continue
		case joined < 0:
			joined = c.from
		}
		if i+1 == len(out.cuts) || out.cuts[i+1].splice != nil {
			if c.to > joined {
				w.Buffers = append(w.Buffers, out.buf[joined:c.to])
				w.Size += c.to - joined
			}
			joined = -1
		}
	}
	out.busy, out.since = true, now
	l.do(w)
}

func (l *Link) onWrote(now time.Time) {
	if !l.out.busy || l.phase == phaseIdle || l.phase == phaseDialing {
		return
	}
	if l.flights.len() > 0 && l.flights.first >= l.out.first {
		l.con.turn = now
	}
	for _, b := range l.out.batch {
		r := b.req
		switch {
		case r == nil:
		case r.held:
			l.release(r)
		case r.NoAnswer:
			r.Written = WrittenYes
			r.state = stateInFlight // its bytes are free
			l.succeeded()
			l.finish(now, r, nil)
		default:
			r.Written = WrittenYes
			r.state = stateInFlight
			if l.phase == phaseLeaving {
				l.forget(r)
				l.finish(now, r, l.writeFailure())
			}
		}
	}
	l.emptyOut()
}

// settleOut ends what was being written when the connection ended.
func (l *Link) settleOut(now time.Time) {
	var f *Failure
	for _, b := range l.out.batch {
		r := b.req
		if r == nil {
			continue
		}
		r.state = stateInFlight // nothing reads its bytes any more
		if r.held {
			l.release(r)
			continue
		}
		if f == nil {
			f = l.writeFailure()
		}
		switch {
		case l.out.written >= b.to:
			r.Written = WrittenYes
		case l.out.written > b.from:
			r.Written = WrittenMaybe
		}
		l.finish(now, r, f)
	}
	l.emptyOut()
}

// writeFailure is the failure of requests that were being written when the connection ended.
func (l *Link) writeFailure() *Failure {
	if l.closed {
		return l.failure(StageWrite, l.why.Err)
	}
	f := *l.cause
	f.Stage = StageWrite
	return &f
}

func (l *Link) emptyOut() {
	out := &l.out
	if out.secret {
		clear(out.buf)
	}
	if cap(out.buf) > keepBytes {
		out.buf = nil
	}
	clear(out.batch)
	clear(out.cuts)
	clear(out.write.Buffers)
	clear(out.write.Answers)
	out.write.Buffers = out.write.Buffers[:0]
	out.write.Answers = out.write.Answers[:0]
	out.buf, out.cuts, out.batch = out.buf[:0], out.cuts[:0], out.batch[:0]
	out.busy, out.secret, out.written = false, false, 0
}

// next returns the correlation id after one. They stay positive: some proxies are not prepared
// for others.
func next(id int32) int32 { return (id + 1) & math.MaxInt32 }
