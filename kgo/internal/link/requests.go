package link

import "time"

func (l *Link) onRequest(now time.Time, r *Request) {
	r.Version, r.Frame, r.Err, r.Written = -1, nil, nil, WrittenNo
	r.Queued, r.Sent, r.Ended, r.SentBytes = now, time.Time{}, time.Time{}, 0
	r.held = false
	if l.closed {
		l.finish(now, r, l.why)
		return
	}
	r.state = stateQueued
	l.queue.push(r)
	l.expiry = sooner(l.expiry, r.Deadline)
}

func (l *Link) onCancel(now time.Time, r *Request) {
	if r.state == stateNew || r.state == stateDone || r.held {
		return
	}
	l.fail(now, r, l.failure(r.stage(), ErrCanceled))
}

// stage is where a request is, for failures that are its own.
func (r *Request) stage() Stage {
	switch r.state {
	case stateWriting:
		return StageWrite
	case stateInFlight:
		return StageAnswer
	}
	return StageQueue
}

// fail ends a request wherever it is; its answer will be dropped.
func (l *Link) fail(now time.Time, r *Request, f *Failure) {
	switch r.state {
	case stateQueued:
		l.queue.remove(r)
	case stateWriting:
		r.Written = WrittenMaybe
		l.forget(r)
	case stateInFlight:
		l.forget(r)
	}
	l.finish(now, r, f)
}

// forget leaves the answer to a request to nobody.
func (l *Link) forget(r *Request) {
	if !r.NoAnswer && r.flight >= l.flights.first && r.flight < l.flights.next {
		l.flights.at(r.flight).req = nil
	}
}

// finish ends a request that is neither queued nor in flight. Those whose bytes may be read
// just now are held until they are not.
func (l *Link) finish(now time.Time, r *Request, f *Failure) {
	r.Err, r.Ended = f, now
	if r.state == stateWriting {
		if r.spliced {
			r.held = true
			return
		}
		l.out.batch[r.place].req = nil
	}
	l.release(r)
}

// release hands a request back.
func (l *Link) release(r *Request) {
	r.state, r.held = stateDone, false
	r.done.Request = r
	l.do(&r.done)
}

// failQueue fails all that waits to be written.
func (l *Link) failQueue(now time.Time, f *Failure) {
	for r := l.queue.first; r != nil; r = l.queue.first {
		l.queue.remove(r)
		l.finish(now, r, f)
	}
}

// failFlights fails all that was written. What is being written waits until it is known how
// much of it left.
func (l *Link) failFlights(now time.Time, f *Failure) {
	for n := l.flights.first; n < l.flights.next; n++ {
		if r := l.flights.at(n).req; r != nil && r.state == stateInFlight {
			l.flights.at(n).req = nil
			l.finish(now, r, f)
		}
	}
}

// expire fails the requests whose deadline has passed, and finds the next.
func (l *Link) expire(now time.Time) {
	var next time.Time
	late := func(r *Request) bool {
		if passed(now, r.Deadline) {
			return true
		}
		next = sooner(next, r.Deadline)
		return false
	}
	var waiting *Failure
	for r := l.queue.first; r != nil; {
		after := r.next
		if late(r) {
			if waiting == nil {
				waiting = l.waitedTooLong(now)
			}
			l.fail(now, r, waiting)
		}
		r = after
	}
	for n := l.flights.first; n < l.flights.next; n++ {
		if r := l.flights.at(n).req; r != nil && r.state == stateInFlight && late(r) {
			l.fail(now, r, l.failure(StageAnswer, ErrTimeout))
		}
	}
	var stalled *Failure
	for i := range l.out.batch {
		r := l.out.batch[i].req
		if r == nil || !late(r) {
			continue
		}
		f := l.failure(StageWrite, ErrTimeout)
		if !r.held {
			l.fail(now, r, f)
		}
		if r.held {
			stalled = f // its bytes come back only with the connection's end
		}
	}
	l.expiry = next
	if stalled != nil && l.phase == phaseReady {
		l.lost(now, stalled, false)
	}
}

// waitedTooLong says what requests waited for when their time was up.
func (l *Link) waitedTooLong(now time.Time) *Failure {
	f := l.failure(StageQueue, ErrTimeout)
	if l.phase != phaseReady {
		f.Stage, f.Last = l.stage(), l.last
	}
	if now.Before(l.throttled) {
		f.Throttled = l.throttled.Sub(now)
	}
	return f
}
