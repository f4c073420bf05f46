package link

import (
	"fmt"
	"time"

	"github.com/franzi-kafka/franzi/kmsg"
)

// ready takes note that requests can be sent.
func (l *Link) ready(now time.Time) {
	l.phase = phaseReady
	c := &l.con
	c.deadline, c.ready, c.used = time.Time{}, true, now
	l.do(&Note{Kind: NoteReady, Took: now.Sub(c.since)})
}

// advanceReady does what the time and the state allow on a connection that is ready.
func (l *Link) advanceReady(now time.Time) {
	c := &l.con
	if passed(now, l.silentAt()) {
		stage, since := StageAnswer, c.turn
		if l.out.busy {
			stage, since = StageWrite, l.out.since
		}
		l.lost(now, l.failure(stage, fmt.Errorf("%w for %v", ErrSilent, now.Sub(since))), false)
		return
	}
	if passed(now, c.renewAt) {
		c.renewAt, c.renewing = time.Time{}, true
	}
	switch {
	case l.out.busy:
	case c.renewing:
		if l.flights.len() == 0 {
			l.shakeHands(now)
			l.writePending(now)
		}
	case l.queue.len > 0:
		if !now.Before(l.throttled) {
			l.writeRequests(now)
		}
	case passed(now, l.idleAt()):
		c.idle = true
		l.part(now, nil, false)
	}
}

// silentAt is when a connection is given up because the broker does not read or does not
// answer, zero if it has nothing to do.
//
// Answers come in order, so only the first request in flight can be blamed on the broker: the
// others wait for that.
func (l *Link) silentAt() time.Time {
	switch {
	case l.out.busy:
		t := l.out.since.Add(l.cfg.RequestTimeout)
		if l.flights.len() > 0 && l.flights.first < l.out.first {
			t = sooner(t, l.con.turn.Add(l.flights.head().patience))
		}
		return t
	case l.flights.len() > 0:
		return l.con.turn.Add(l.flights.head().patience)
	}
	return time.Time{}
}

// idleAt is when a connection is closed because nobody uses it.
func (l *Link) idleAt() time.Time {
	if l.cfg.IdleTimeout < 0 || l.out.busy || l.flights.len() > 0 || l.queue.len > 0 {
		return time.Time{}
	}
	return l.con.used.Add(l.cfg.IdleTimeout)
}

func (l *Link) readyDeadline(d time.Time) time.Time {
	d = sooner(sooner(d, l.silentAt()), l.idleAt())
	if !l.con.renewing {
		d = sooner(d, l.con.renewAt)
	}
	if l.queue.len > 0 && !l.out.busy && !l.con.renewing && l.flights.len() < l.cfg.MaxInFlight {
		d = sooner(d, l.throttled)
	}
	return d
}

func (l *Link) onFrame(now time.Time, b []byte) {
	switch l.phase {
	case phaseIdle, phaseDialing, phaseLeaving:
		return
	}
	c := &l.con
	if l.flights.len() == 0 {
		l.unlike(now, b, "the broker answered what was not asked")
		return
	}
	x := l.flights.head()
	if x.kind != kindRaw {
		id, ok := kmsg.CorrelationID(b)
		if !ok {
			l.unlike(now, b, "an answer of %d bytes has no correlation id", len(b))
			return
		}
		if id != x.id {
			l.unlike(now, b, "the answer has the correlation id %d, not %d", id, x.id)
			return
		}
	}
	c.frames++
	c.turn, c.used = now, now
	switch x := l.flights.pop(); x.kind {
	case kindRequest:
		c.answers++
		l.succeeded()
		if r := x.req; r != nil {
			r.Frame, r.Written = b, WrittenYes
			l.finish(now, r, nil)
		}
	case kindVersions:
		l.onVersions(now, b)
	case kindMetadata:
		l.onProbeMetadata(now, b)
	case kindListGroups:
		l.onProbeListGroups(now)
	case kindHandshake:
		l.onHandshake(now, b)
	case kindAuth:
		l.onAuthAnswer(now, b)
	case kindRaw:
		l.challenge(b)
	}
}

// succeeded takes note that the broker serves requests.
func (l *Link) succeeded() { l.failures, l.last = 0, nil }

// unlike ends a connection on which something came that is not Kafka's protocol.
func (l *Link) unlike(now time.Time, b []byte, format string, args ...any) {
	f := l.failure(l.stage(), fmt.Errorf("%w: "+format, append([]any{ErrProtocol}, args...)...))
	f.Head = append([]byte(nil), b[:min(16, len(b))]...)
	l.broken(now, f, false)
}

func (l *Link) onThrottle(now time.Time, e *Throttle) {
	if !Throttles(e.Key, e.Version) {
		return
	}
	l.throttle(now, e.For)
}

// throttle holds the next writes back, on this connection and those after it.
func (l *Link) throttle(now time.Time, d time.Duration) {
	if until := now.Add(d); d > 0 && until.After(l.throttled) {
		l.throttled = until
		l.do(&Note{Kind: NoteThrottled, For: d})
	}
}
