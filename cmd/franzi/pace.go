package main

import (
	"context"
	"time"
)

// A pace says when things are due that are to be done so many times a second.
type pace struct {
	each  time.Duration // 0 for as fast as it goes
	begun time.Time
	n     int64
}

func newPace(perSecond float64, begun time.Time) *pace {
	p := &pace{begun: begun}
	if perSecond > 0 {
		p.each = time.Duration(float64(time.Second) / perSecond)
	}
	return p
}

// wait waits until the next one is due, and returns when that was. Who is late catches up. It
// returns false if ctx ends.
func (p *pace) wait(ctx context.Context) (due time.Time, ok bool) {
	if p.each == 0 {
		return time.Time{}, ctx.Err() == nil
	}
	due = p.begun.Add(time.Duration(p.n) * p.each)
	p.n++
	if d := time.Until(due); d > 0 {
		t := time.NewTimer(d)
		defer t.Stop()
		select {
		case <-t.C:
		case <-ctx.Done():
			return due, false
		}
	}
	return due, ctx.Err() == nil
}
