package link

import (
	"errors"
	"fmt"
	"time"
)

// tryConnect connects if somebody wants it and the time has come.
func (l *Link) tryConnect(now time.Time) {
	switch {
	case l.closed:
		if !l.said {
			l.said, l.expiry = true, time.Time{}
			l.do(&Closed{})
		}
		return
	case l.trying:
	case l.queue.len == 0 || now.Before(l.retry):
		return
	default:
		l.target, l.more = Fresh, false
	}
	l.trying = false
	l.attempt++
	l.phase = phaseDialing
	l.do(&Connect{To: l.target, Timeout: l.cfg.DialTimeout})
}

func (l *Link) onConnected(now time.Time, e *Connected) {
	if l.phase != phaseDialing {
		return // it is being ended already
	}
	if l.target != Same { // which says nothing of the others
		l.more = e.More
	}
	l.con = connection{tls: e.TLS, peer: e.Peer, since: now, step: now, used: now}
	l.do(&Note{Kind: NoteConnected, Took: e.Took, Local: e.Local, Remote: e.Remote})
	l.findVersions(now)
}

func (l *Link) onConnectFailed(now time.Time, e *ConnectFailed) {
	switch l.phase {
	case phaseDialing:
		l.more = l.more && l.target == Same // else all were tried
		f := &Failure{Stage: StageDial, Err: e.Err, TLS: e.TLS, Mechanism: l.cfg.Mechanism, Head: e.Head, Ended: e.Ended}
		if e.TLS {
			f.Stage = StageTLS
		}
		l.setupFailed(now, f, true)
	case phaseLeaving:
		l.gone(now)
	}
}

// failure returns a failure with what is known of the connection.
func (l *Link) failure(stage Stage, err error) *Failure {
	return &Failure{
		Stage: stage, Err: err,
		TLS: l.con.tls, Mechanism: l.cfg.Mechanism, Ready: l.con.ready, Answers: l.con.answers,
	}
}

// stage is where the connection is, for failures.
func (l *Link) stage() Stage {
	switch l.phase {
	case phaseDialing:
		return StageDial
	case phaseVersions:
		return StageVersions
	case phaseHandshake, phaseAuth:
		return StageAuth
	case phaseReady:
		if l.flights.len() == 0 {
			return StageIdle
		}
		return StageAnswer
	}
	return StageQueue
}

func (l *Link) onDisconnected(now time.Time, e *Disconnected) {
	l.out.written = e.Written
	switch l.phase {
	case phaseIdle, phaseDialing:
		return
	case phaseLeaving:
		l.gone(now)
		return
	}
	f := l.failure(l.stage(), e.Err)
	f.Ended, f.Head = e.Ended, e.Head
	if e.Protocol {
		f.Err = protocolError(e.Err)
	}
	if l.phase == phaseVersions {
		if e.TLS {
			f.Stage = StageTLS
		} else if e.Ended && l.suspect(now, f, true) {
			return
		}
	}
	l.broken(now, f, true)
}

// onSetupTimeout is told that a step of the setup takes too long.
func (l *Link) onSetupTimeout(now time.Time) {
	f := l.failure(l.stage(), fmt.Errorf("%w for %v", ErrSilent, now.Sub(l.con.step)))
	if l.con.waiting {
		f.Err = fmt.Errorf("the mechanism took longer than %v", l.cfg.RequestTimeout)
	} else if l.phase == phaseVersions && l.suspect(now, f, false) {
		return
	}
	l.broken(now, f, false)
}

// broken ends a connection that cannot be used. It may be gone already.
func (l *Link) broken(now time.Time, f *Failure, gone bool) {
	if l.con.ready {
		l.lost(now, f, gone)
	} else {
		l.setupFailed(now, f, gone)
	}
}

// setupFailed gives a connection up that never was ready. If there are other addresses, the
// next is tried; if not, all that wait have waited in vain, since they would only wait for the
// same again.
func (l *Link) setupFailed(now time.Time, f *Failure, gone bool) {
	l.trial, l.first = trialNone, nil
	if l.more && l.queue.len > 0 {
		l.trying, l.target = true, Next
	} else {
		pause := l.backOff(now, f)
		l.do(&Note{Kind: NoteConnectFailed, For: pause, Failure: f})
		l.failQueue(now, f)
	}
	l.part(now, f, gone)
}

// lost gives a connection up that was ready. What was written fails; what waits goes on to
// wait, for the next connection.
func (l *Link) lost(now time.Time, f *Failure, gone bool) {
	inVain := l.con.answers == 0 && l.flights.len() > 0
	if inVain && f.Ended && l.con.recalled {
		l.do(&Learned{Forget: true}) // it is not the old broker any more
	}
	if f.Ended && l.con.versions.Assumed && l.flights.len() > 0 {
		l.doubted = true
	}
	l.failFlights(now, f)
	if inVain || l.con.renewing {
		l.backOff(now, f)
	}
	l.part(now, f, gone)
}

// backOff notes that a connection was of no use, and returns how long to wait until the next:
// longer each time, and never quite the same (KIP-580).
func (l *Link) backOff(now time.Time, f *Failure) time.Duration {
	l.failures++
	l.last = f
	pause := l.cfg.BackoffMin
	for n := 1; n < l.failures && pause < l.cfg.BackoffMax; n++ {
		pause *= 2
	}
	pause = min(pause, l.cfg.BackoffMax)
	pause += time.Duration(float64(pause) * 0.2 * (2*l.cfg.Random() - 1))
	l.retry = now.Add(pause)
	return pause
}

// part ends the connection, unless it has ended.
func (l *Link) part(now time.Time, f *Failure, gone bool) {
	l.cause = f
	if gone {
		l.gone(now)
		return
	}
	l.phase = phaseLeaving
	l.do(&Disconnect{Abrupt: f != nil})
}

// gone takes note that there is no connection, and that nothing reads what was to be written.
func (l *Link) gone(now time.Time) {
	l.phase = phaseIdle
	l.settleOut(now)
	l.flights.clear()
	if c := &l.con; !c.since.IsZero() {
		n := &Note{Kind: NoteDisconnected, Took: now.Sub(c.since), Failure: l.cause, Idle: c.idle}
		l.do(n)
	}
	l.con = connection{}
	l.cause = nil
}

func (l *Link) onClose(now time.Time, err error) {
	if l.closed {
		return
	}
	l.closed, l.trying = true, false
	l.why = &Failure{Stage: StageQueue, Err: ErrClosed}
	if err != nil {
		l.why.Err = fmt.Errorf("%w: %w", ErrClosed, err)
	}
	l.failQueue(now, l.why)
	l.failFlights(now, l.failure(StageAnswer, l.why.Err))
	switch l.phase {
	case phaseIdle, phaseLeaving:
	default:
		l.part(now, nil, false)
	}
}

// protocolError marks what came as not of Kafka's protocol.
func protocolError(err error) error {
	if err == nil || errors.Is(err, ErrProtocol) {
		return err
	}
	return fmt.Errorf("%w: %w", ErrProtocol, err)
}
