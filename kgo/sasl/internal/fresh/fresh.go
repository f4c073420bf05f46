// Package fresh keeps a value that expires, like a token, and fetches it again in time.
package fresh

import (
	"context"
	"sync"
	"time"
)

const (
	// patience is how long a caller waits for a newer value while the old one still holds.
	patience = 3 * time.Second
	// trust is how long a value is used even if somebody refuses it, so that who gives values is
	// not asked again and again in vain.
	trust = time.Minute
)

// A Value is what was fetched, until four fifths of its lifetime are over. The zero Value has
// nothing. It is safe for concurrent use, and has no goroutine and no timer: who finds that the
// value is due fetches it.
type Value[T any] struct {
	mu      sync.Mutex
	value   T
	since   time.Time  // when it was fetched
	due     time.Time  // when to fetch again; zero if there is no value
	expires time.Time  // when value ends; zero if there is none
	fetch   *flight[T] // under way; nil if none
}

// A flight is a fetch that others wait for.
type flight[T any] struct {
	landed    chan struct{} // closed when the fields below are set
	value     T
	err       error
	abandoned bool // by a caller who could not wait, so that it says nothing about the value
}

// Get returns the value, and fetches it if it has none or if it is due. There is one fetch at a
// time, and who has no value waits for it. While a value is due but holds, one caller fetches,
// for at most three seconds, and the others take the old one; so do all for a while if the fetch
// fails. A value that fetch says expires at the zero time, or in the past, is not kept.
//
// Get blocks until ctx ends. Fetch runs on the goroutine of a caller, with its context; if that
// ends, another one who waits fetches.
func (v *Value[T]) Get(ctx context.Context, fetch func(context.Context) (T, time.Time, error)) (T, error) {
	for {
		v.mu.Lock()
		now := time.Now()
		f, holds := v.fetch, now.Before(v.expires)
		if now.Before(v.due) || f != nil && holds {
			defer v.mu.Unlock()
			return v.value, nil
		}
		if f == nil {
			f = &flight[T]{landed: make(chan struct{})}
			v.fetch = f
			v.mu.Unlock()
			return v.fly(ctx, f, holds, fetch)
		}
		v.mu.Unlock()
		select {
		case <-ctx.Done():
			var none T
			return none, context.Cause(ctx)
		case <-f.landed:
			if !f.abandoned {
				return f.value, f.err
			}
		}
	}
}

// fly fetches for all who wait. If fetch panics, another one who waits fetches.
func (v *Value[T]) fly(ctx context.Context, f *flight[T], holds bool, fetch func(context.Context) (T, time.Time, error)) (T, error) {
	f.abandoned = true
	defer func() {
		v.mu.Lock()
		defer v.mu.Unlock()
		v.fetch = nil
		close(f.landed)
	}()
	limited, began := ctx, time.Now()
	if holds {
		var cancel context.CancelFunc
		limited, cancel = context.WithTimeout(ctx, patience)
		defer cancel()
	}
	var expires time.Time
	f.value, expires, f.err = fetch(limited)
	f.abandoned = f.err != nil && ctx.Err() != nil
	v.keep(f, began, expires)
	return f.value, f.err
}

// keep takes note of how a fetch ended, and makes a failed one good as long as the old value holds.
func (v *Value[T]) keep(f *flight[T], began, expires time.Time) {
	v.mu.Lock()
	defer v.mu.Unlock()
	now := time.Now()
	switch {
	case f.err == nil && expires.After(now):
		v.value, v.since, v.due, v.expires = f.value, began, began.Add(expires.Sub(began)/5*4), expires
	case f.err == nil:
		var none T
		v.value, v.due, v.expires = none, time.Time{}, time.Time{}
	case now.Before(v.expires):
		if !f.abandoned { // else the next caller tries
			v.due = now.Add(v.expires.Sub(now) / 5)
		}
		f.value, f.err = v.value, nil
	}
}

// Doubt says that somebody refuses the value, though it should hold: then it is due, unless it was
// fetched within the last minute.
func (v *Value[T]) Doubt() {
	v.mu.Lock()
	defer v.mu.Unlock()
	if soon := v.since.Add(trust); soon.Before(v.due) {
		v.due = soon
	}
}
