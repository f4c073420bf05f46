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
	if passed(now, l.unansweredAt()) {
		l.lost(now, l.failure(StageAnswer, fmt.Errorf("%w for %v", ErrSilent, now.Sub(c.turn))), false)
		return
	} else if passed(now, l.stalledAt()) {
		l.lost(now, l.failure(StageWrite, fmt.Errorf("%w for %v", ErrSilent, now.Sub(l.out.since))), false)
		return
	}
	if passed(now, c.renewAt) {
		c.renewAt, c.renewing = time.Time{}, true
	}
	switch {
	case l.out.busy:
	case c.renewing:
		if l.flights.len() == 0 {
			l.renew(now)
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

// renew authenticates again, or ends the connection to a broker that may not be as old as it seemed.
func (l *Link) renew(now time.Time) {
	if l.con.versions.Old != "" {
		l.do(&Learned{Forget: true})
		l.part(now, nil, false)
		return
	}
	l.shakeHands(now)
	l.writePending(now)
}

// unansweredAt is when the broker has taken too long to answer, zero if it need not answer.
//
// Answers come in order, so only the first request in flight can be blamed on the broker: the
// others wait for that.
func (l *Link) unansweredAt() time.Time {
	if l.flights.len() == 0 || l.out.busy && l.flights.first >= l.out.first {
		return time.Time{}
	}
	return l.con.turn.Add(l.flights.head().patience)
}

// stalledAt is when the broker has taken too long to read what is written, zero if nothing is.
func (l *Link) stalledAt() time.Time {
	if !l.out.busy {
		return time.Time{}
	}
	return l.out.since.Add(l.cfg.RequestTimeout)
}

// idleAt is when a connection is closed because nobody uses it.
func (l *Link) idleAt() time.Time {
	if l.cfg.IdleTimeout < 0 || l.out.busy || l.flights.len() > 0 || l.queue.len > 0 {
		return time.Time{}
	}
	return l.con.used.Add(l.cfg.IdleTimeout)
}

func (l *Link) readyDeadline(d time.Time) time.Time {
	d = sooner(sooner(sooner(d, l.unansweredAt()), l.stalledAt()), l.idleAt())
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
	c.turn = now
	switch x := l.flights.pop(); x.kind {
	case kindRequest:
		c.used = now
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
	if until := now.Add(d); d > 0 && until.After(l.throttled) && !l.closed {
		l.throttled = until
		l.do(&Note{Kind: NoteThrottled, For: d})
	}
}
