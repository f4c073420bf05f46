package kgo

import (
	"sync"
	"time"
)

// A sweeper gives up what has run out of time, and seals what has been open for long. It runs only
// while there is something.
type sweeper struct {
	p     *Producer
	every time.Duration

	mu      sync.Mutex
	timer   *time.Timer
	running bool
	stopped bool
}

// start is called when there is something. What comes later has its time later.
func (s *sweeper) start() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.running || s.stopped {
		return
	}
	s.running = true
	if s.timer == nil {
		s.timer = time.AfterFunc(s.every, s.sweep)
	} else {
		s.timer.Reset(s.every)
	}
}

func (s *sweeper) sweep() {
	at := now()
	next := at.Add(s.every)
	for t := range s.p.allTopics() {
		if due := t.expire(at); !due.IsZero() && due.Before(next) {
			next = due
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.running = s.p.batches.Load() > 0 && !s.stopped; s.running {
		s.timer.Reset(max(next.Sub(now()), time.Millisecond))
	}
}

func (s *sweeper) stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stopped = true
	if s.timer != nil {
		s.timer.Stop()
	}
}

// begun takes note of a batch that was begun, and has no end yet.
func (p *Producer) begun() {
	if p.batches.Add(1) == 1 {
		p.sweeper.start()
	}
}
