package fresh_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/franzi-kafka/franzi/kgo/sasl/internal/fresh"
)

var errDown = errors.New("down")

// A source answers after a while with 1, 2, 3..., good for an hour, or fails.
type source struct {
	takes time.Duration
	down  atomic.Bool
	calls atomic.Int32
}

func (s *source) fetch(ctx context.Context) (int, time.Time, error) {
	n := s.calls.Add(1)
	timer := time.NewTimer(s.takes)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return 0, time.Time{}, ctx.Err()
	case <-timer.C:
	}
	if s.down.Load() {
		return 0, time.Time{}, errDown
	}
	return int(n), time.Now().Add(time.Hour), nil
}

// Those who come while a value is fetched get that one.
func TestOneFetch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var v fresh.Value[int]
		s := &source{takes: time.Second}
		var wg sync.WaitGroup
		for range 20 {
			wg.Go(func() {
				if got, err := v.Get(t.Context(), s.fetch); got != 1 || err != nil {
					t.Errorf("got %d, %v, want 1", got, err)
				}
			})
		}
		wg.Wait()
		if got := s.calls.Load(); got != 1 {
			t.Errorf("there were %d fetches, want 1", got)
		}
	})
}

// They get its error, too, and the next one who comes tries again.
func TestOneFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var v fresh.Value[int]
		s := &source{takes: time.Second}
		s.down.Store(true)
		var wg sync.WaitGroup
		for range 20 {
			wg.Go(func() {
				if _, err := v.Get(t.Context(), s.fetch); !errors.Is(err, errDown) {
					t.Errorf("got %v, want %v", err, errDown)
				}
			})
		}
		wg.Wait()
		if got := s.calls.Load(); got != 1 {
			t.Errorf("there were %d fetches, want 1", got)
		}
		s.down.Store(false)
		if got, err := v.Get(t.Context(), s.fetch); got != 2 || err != nil {
			t.Errorf("got %d, %v, want 2", got, err)
		}
	})
}

// The one who fetches gives up; those who wait do not suffer from it. One who waits gives up
// alone.
func TestGivingUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var v fresh.Value[int]
		s := &source{takes: time.Minute}
		first, stopFirst := context.WithCancel(t.Context())
		waiter, stopWaiter := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		get := func(ctx context.Context, want int, wantErr error) {
			wg.Go(func() {
				if got, err := v.Get(ctx, s.fetch); got != want || !errors.Is(err, wantErr) {
					t.Errorf("got %d, %v, want %d, %v", got, err, want, wantErr)
				}
			})
			synctest.Wait()
		}
		get(first, 0, context.Canceled)
		get(waiter, 0, context.Canceled)
		get(t.Context(), 2, nil)
		get(t.Context(), 2, nil)
		stopWaiter()
		synctest.Wait()
		time.Sleep(time.Second)
		stopFirst()
		wg.Wait()
		if got := s.calls.Load(); got != 2 {
			t.Errorf("there were %d fetches, want 2", got)
		}
	})
}

// A fetch that panics leaves no trace.
func TestPanic(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var v fresh.Value[int]
		s := &source{}
		var wg sync.WaitGroup
		wg.Go(func() {
			defer func() {
				if recover() == nil {
					t.Error("the panic is swallowed")
				}
			}()
			v.Get(t.Context(), func(context.Context) (int, time.Time, error) {
				time.Sleep(time.Second)
				panic("broken")
			})
		})
		synctest.Wait()
		wg.Go(func() {
			if got, err := v.Get(t.Context(), s.fetch); got != 1 || err != nil {
				t.Errorf("got %d, %v, want 1", got, err)
			}
		})
		wg.Wait()
	})
}

// The life of a value, and of one that cannot be renewed.
func TestLife(t *testing.T) {
	steps := []struct {
		at    time.Duration
		down  bool
		want  int // 0 for an error
		calls int32
	}{
		{at: 0, want: 1, calls: 1},
		{at: 47 * time.Minute, want: 1, calls: 1},
		{at: 48 * time.Minute, want: 2, calls: 2},              // four fifths are over
		{at: 90 * time.Minute, want: 2, calls: 2},              // good until 108 minutes
		{at: 96 * time.Minute, down: true, want: 2, calls: 3},  // the old one will do
		{at: 98 * time.Minute, down: true, want: 2, calls: 3},  // nobody asks for a while
		{at: 99 * time.Minute, down: true, want: 2, calls: 4},  // but then
		{at: 108 * time.Minute, down: true, want: 0, calls: 5}, // it ended
		{at: 109 * time.Minute, down: true, want: 0, calls: 6},
		{at: 110 * time.Minute, want: 7, calls: 7},
	}
	synctest.Test(t, func(t *testing.T) {
		var v fresh.Value[int]
		s := &source{}
		begin := time.Now()
		for _, step := range steps {
			time.Sleep(step.at - time.Since(begin))
			s.down.Store(step.down)
			got, err := v.Get(t.Context(), s.fetch)
			if got != step.want || (err != nil) != (step.want == 0) || s.calls.Load() != step.calls {
				t.Errorf("at %v: got %d, %v after %d fetches, want %d after %d", step.at, got, err, s.calls.Load(), step.want, step.calls)
			}
		}
	})
}

// While a value is due but holds, one caller waits for a new one, and not for long.
func TestNobodyWaitsLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var v fresh.Value[int]
		s := &source{}
		if _, err := v.Get(t.Context(), s.fetch); err != nil {
			t.Fatal(err)
		}
		time.Sleep(50 * time.Minute)
		s.takes = time.Hour
		begin := time.Now()
		var wg sync.WaitGroup
		wg.Go(func() {
			if got, err := v.Get(t.Context(), s.fetch); got != 1 || err != nil || time.Since(begin) != 3*time.Second {
				t.Errorf("got %d, %v after %v, want 1 after 3s", got, err, time.Since(begin))
			}
		})
		synctest.Wait()
		for range 3 {
			if got, err := v.Get(t.Context(), s.fetch); got != 1 || err != nil || time.Since(begin) != 0 {
				t.Errorf("got %d, %v after %v, want 1 at once", got, err, time.Since(begin))
			}
		}
		wg.Wait()
		// A caller who could not wait does not count as a failure.
		time.Sleep(3 * time.Minute)
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		calls := s.calls.Load()
		for range 2 {
			if got, err := v.Get(ended, s.fetch); got != 1 || err != nil {
				t.Errorf("got %d, %v, want 1", got, err)
			}
		}
		if got := s.calls.Load() - calls; got != 2 {
			t.Errorf("there were %d fetches, want 2", got)
		}
	})
}

// What is said to end in the past, or not said to end, is good for those who wait, and not kept.
func TestNotKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, expires := range []time.Time{{}, time.Now(), time.Now().Add(-time.Hour)} {
			var v fresh.Value[int]
			calls := 0
			for want := 1; want <= 2; want++ {
				got, err := v.Get(t.Context(), func(context.Context) (int, time.Time, error) {
					calls++
					return calls, expires, nil
				})
				if got != want || err != nil {
					t.Errorf("got %d, %v, want %d", got, err, want)
				}
			}
		}
	})
}

// A value that somebody refuses is fetched again, but not more often than once a minute.
func TestDoubt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var v fresh.Value[int]
		v.Doubt() // there is none yet
		s := &source{}
		begin := time.Now()
		for _, step := range []struct {
			at    time.Duration
			down  bool
			doubt bool // after the value was got
			want  int
		}{
			{at: 0, want: 1, doubt: true},
			{at: 59 * time.Second, want: 1},
			{at: time.Minute, want: 2},
			{at: 30 * time.Minute, want: 2, doubt: true},
			{at: 30 * time.Minute, down: true, want: 2}, // better than none
			{at: 40 * time.Minute, want: 4},
			{at: 60 * time.Minute, want: 4},
		} {
			time.Sleep(step.at - time.Since(begin))
			s.down.Store(step.down)
			got, err := v.Get(t.Context(), s.fetch)
			if got != step.want || err != nil {
				t.Errorf("at %v: got %d, %v, want %d", step.at, got, err, step.want)
			}
			if step.doubt {
				v.Doubt()
			}
		}
	})
}

// Doubts do not make a value that ends soon last longer.
func TestDoubtShortly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var v fresh.Value[int]
		calls := 0
		get := func() int {
			got, err := v.Get(t.Context(), func(context.Context) (int, time.Time, error) {
				calls++
				return calls, time.Now().Add(time.Minute), nil
			})
			if err != nil {
				t.Error(err)
			}
			return got
		}
		get()
		v.Doubt()
		time.Sleep(48 * time.Second)
		if got := get(); got != 2 {
			t.Errorf("got %d after four fifths of a minute, want 2", got)
		}
	})
}
