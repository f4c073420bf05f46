package loop

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// A script is a cell whose parts are functions: what it handles it does.
type script struct {
	handle   func(now time.Time, event int)
	actions  []int
	deadline time.Time
	polls    int
}

func (s *script) Handle(now time.Time, event int) { s.handle(now, event) }

func (s *script) Poll(now time.Time) (int, bool) {
	s.polls++
	if !s.deadline.IsZero() && !now.Before(s.deadline) {
		s.deadline = time.Time{}
		return -1, true
	}
	if len(s.actions) == 0 {
		return 0, false
	}
	a := s.actions[0]
	s.actions = s.actions[1:]
	return a, true
}

func (s *script) Deadline() time.Time { return s.deadline }

// echo is a cell that answers each event with an action of the same number.
func echo() *script {
	s := new(script)
	s.handle = func(_ time.Time, event int) { s.actions = append(s.actions, event) }
	return s
}

func TestPostHandlesBeforeItReturns(t *testing.T) {
	var got []int
	l := New(echo(), func(a int) { got = append(got, a) })
	for i := range 3 {
		if !l.Post(i) {
			t.Fatalf("event %d was not taken", i)
		}
		if want := i + 1; len(got) != want {
			t.Fatalf("got %d actions after %d events, want as many", len(got), want)
		}
	}
}

// An action that posts to its own loop does not recurse: its event comes after what is there.
func TestPostInAnActionAppends(t *testing.T) {
	var got []int
	depth := 0
	var l *Loop[int, int]
	l = New(echo(), func(a int) {
		depth++
		defer func() { depth-- }()
		if depth > 1 {
			t.Fatal("an action is performed inside an action")
		}
		got = append(got, a)
		if a < 10 {
			l.Post(a * 10)
			l.Post(a*10 + 1)
		}
	})
	l.Post(1)
	l.Post(2)
	if want := []int{1, 10, 11, 2, 20, 21}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// All actions of an event are performed before the next event is handled.
func TestActionsComeBeforeTheNextEvent(t *testing.T) {
	var log []string
	s := new(script)
	s.handle = func(_ time.Time, event int) {
		log = append(log, fmt.Sprint("event ", event))
		s.actions = append(s.actions, event*10, event*10+1)
	}
	var l *Loop[int, int]
	l = New(s, func(a int) {
		log = append(log, fmt.Sprint("action ", a))
		if a == 10 {
			l.Post(2)
		}
	})
	l.Post(1)
	want := []string{"event 1", "action 10", "action 11", "event 2", "action 20", "action 21"}
	if !slices.Equal(log, want) {
		t.Errorf("got %q, want %q", log, want)
	}
}

// Mail of one goroutine keeps its order, none is lost, and the cell is never run by two.
func TestManyGoroutinesPost(t *testing.T) {
	const goroutines, each = 8, 2000
	var inside atomic.Int32
	var last [goroutines]int
	total := 0
	s := new(script)
	s.handle = func(_ time.Time, event int) {
		if inside.Add(1) != 1 {
			t.Error("two goroutines run the cell")
		}
		from, n := event/each, event%each
		if n != last[from] {
			t.Errorf("got event %d of goroutine %d, want %d", n, from, last[from])
		}
		last[from] = n + 1
		total++ // the race detector watches: no lock of ours guards it
		inside.Add(-1)
	}
	synctest.Test(t, func(t *testing.T) {
		l := New(s, func(int) {})
		for g := range goroutines {
			go func() {
				for n := range each {
					l.Post(g*each + n)
				}
			}()
		}
		synctest.Wait()
		if total != goroutines*each {
			t.Errorf("got %d events, want %d", total, goroutines*each)
		}
	})
}

// Two cells that answer each other for long neither recurse nor deadlock.
func TestCellsThatPostToEachOther(t *testing.T) {
	const rounds = 10000
	synctest.Test(t, func(t *testing.T) {
		var loops [3]*Loop[int, int]
		deepest, last := 0, 0
		for i := range loops {
			loops[i] = New(echo(), func(a int) {
				deepest = max(deepest, frames())
				last = a
				if a < rounds {
					loops[(i+1)%len(loops)].Post(a + 1)
				}
			})
		}
		loops[0].Post(1)
		synctest.Wait()
		if last != rounds {
			t.Errorf("the conversation ended at %d, want %d", last, rounds)
		}
		if deepest > 60 {
			t.Errorf("got %d frames on the stack: calls nest", deepest)
		}
	})
}

func frames() int { return runtime.Callers(0, make([]uintptr, 1000)) }

// A caller handles some events of others, but not without end.
func TestARunnerHandsOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var l *Loop[int, int]
		var byCaller, byOthers int
		l = New(echo(), func(a int) {
			if strings.Contains(stack(), "loop.call(") {
				byCaller++
			} else {
				byOthers++
			}
			if a < 10*shift {
				l.Post(a + 1)
			}
		})
		call(l)
		synctest.Wait()
		if byCaller != shift {
			t.Errorf("the caller handled %d events, want %d", byCaller, shift)
		}
		if want := 10*shift + 1; byCaller+byOthers != want {
			t.Errorf("got %d events handled, want %d", byCaller+byOthers, want)
		}
	})
}

//go:noinline
func call(l *Loop[int, int]) { l.Post(0) }

// stack names the functions that called; a goroutine that was started names who did only after
// "created by", which is cut off.
func stack() string {
	b := make([]byte, 64<<10)
	s, _, _ := strings.Cut(string(b[:runtime.Stack(b, false)]), "created by")
	return s
}

// The order holds while the runner changes.
func TestOrderAcrossShifts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var got []int
		var l *Loop[int, int]
		l = New(echo(), func(a int) {
			if a == 0 {
				for i := range 5 * shift {
					l.Post(i + 1)
				}
			}
			got = append(got, a)
		})
		l.Post(0)
		synctest.Wait()
		if len(got) != 5*shift+1 || !slices.IsSorted(got) {
			t.Errorf("got %d actions, sorted: %v; want %d in order", len(got), slices.IsSorted(got), 5*shift+1)
		}
	})
}

func TestTimer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		var at []time.Duration
		s := new(script)
		s.handle = func(now time.Time, event int) {
			s.deadline = now.Add(time.Duration(event) * time.Second)
		}
		l := New(s, func(int) { at = append(at, time.Since(start)) })

		l.Post(10) // at 10 s
		l.Post(3)  // earlier: at 3 s
		time.Sleep(4 * time.Second)
		l.Post(5) // at 9 s
		time.Sleep(time.Second)
		l.Post(7) // later: at 12 s; the alarm at 9 s finds nothing to do
		time.Sleep(time.Minute)
		synctest.Wait()
		if want := []time.Duration{3 * time.Second, 12 * time.Second}; !slices.Equal(at, want) {
			t.Errorf("the deadlines were met at %v, want %v", at, want)
		}
	})
}

// Deadlines that move to later, as those of requests do, do not move the alarm: it goes off
// once in a while and finds nothing.
func TestTheAlarmIsLazy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := new(script)
		s.handle = func(now time.Time, _ int) { s.deadline = now.Add(30 * time.Second) }
		l := New(s, func(a int) { t.Errorf("got the action %d", a) })
		const posts = 3000
		for range posts {
			l.Post(0)
			time.Sleep(100 * time.Millisecond) // 300 s in all
		}
		synctest.Wait()
		if woken := s.polls - posts; woken < 9 || woken > 11 {
			t.Errorf("the alarm went off %d times, want about 10", woken)
		}
		l.Stop()
	})
}

// A cell without a deadline has no timer.
func TestNoDeadlineNoTimer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := new(script)
		s.handle = func(now time.Time, event int) {
			s.deadline = time.Time{}
			if event > 0 {
				s.deadline = now.Add(time.Hour)
			}
		}
		l := New(s, func(a int) { t.Errorf("got the action %d", a) })
		l.Post(1)
		l.Post(0)
		if l.timer.Stop() {
			t.Error("the timer was still set")
		}
		polls := s.polls
		time.Sleep(2 * time.Hour)
		synctest.Wait()
		if s.polls != polls {
			t.Errorf("got %d polls afterwards, want none", s.polls-polls)
		}
	})
}

// Time does not run backwards for a cell, even if many post and the runner changes.
func TestTimeRunsForward(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var last time.Time
		s := new(script)
		s.handle = func(now time.Time, _ int) {
			if now.Before(last) {
				t.Errorf("got %v after %v", now, last)
			}
			last = now
		}
		l := New(s, func(int) {})
		var done sync.WaitGroup
		for range 4 {
			done.Go(func() {
				for range 500 {
					l.Post(0)
					time.Sleep(time.Microsecond)
				}
			})
		}
		done.Wait()
	})
}

func TestStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var l *Loop[int, int]
		var got []int
		s := new(script)
		s.handle = func(now time.Time, event int) {
			s.deadline = now.Add(time.Second)
			s.actions = append(s.actions, event, event+1)
		}
		l = New(s, func(a int) {
			got = append(got, a)
			if a == 10 {
				l.Post(20)
				l.Stop()
			}
		})
		l.Post(1)
		l.Post(10) // stops in its first action, so that there is no second, nor an event 20
		if l.Post(30) {
			t.Error("an event was taken after Stop")
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if want := []int{1, 2, 10}; !slices.Equal(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
		if l.timer != nil && l.timer.Stop() {
			t.Error("the timer was still set")
		}
		l.Stop() // again
	})
}

// A mailbox that is never empty does not grow for ever.
func TestTheMailboxIsCompacted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var l *Loop[int, int]
		largest := 0
		l = New(echo(), func(a int) {
			l.mu.Lock()
			largest = max(largest, cap(l.mail))
			l.mu.Unlock()
			if a < 100_000 {
				l.Post(a + 2)
			}
		})
		l.Post(0)
		l.Post(1)
		synctest.Wait()
		if largest > 16 {
			t.Errorf("the mailbox grew to %d for 2 events at a time", largest)
		}
	})
}

func BenchmarkPost(b *testing.B) {
	b.Run("idle", func(b *testing.B) {
		s := &script{handle: func(time.Time, int) {}}
		l := New(s, func(int) {})
		b.ReportAllocs()
		for b.Loop() {
			l.Post(1)
		}
	})
	// As a connection does: every event moves the deadline.
	b.Run("deadline", func(b *testing.B) {
		s := new(script)
		s.handle = func(now time.Time, _ int) { s.deadline = now.Add(30 * time.Second) }
		l := New(s, func(int) {})
		b.ReportAllocs()
		for b.Loop() {
			l.Post(1)
		}
		l.Stop()
	})
	// An action that posts, as cells that talk to each other do; the clock is read once.
	b.Run("in an action", func(b *testing.B) {
		s := new(script)
		acts := make([]int, 1)
		s.handle = func(_ time.Time, event int) {
			if event > 0 {
				acts[0] = event
				s.actions = acts
			}
		}
		var l *Loop[int, int]
		l = New(s, func(a int) { l.Post(a - 1) })
		b.ReportAllocs()
		for b.Loop() {
			l.Post(10)
		}
	})
}

func Example() {
	s := echo()
	l := New(s, func(a int) { fmt.Println("do", a) })
	l.Post(1)
	l.Post(2)
	// Output:
	// do 1
	// do 2
}
