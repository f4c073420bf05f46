package sim

import (
	"flag"
	"fmt"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

var (
	seeds = flag.Int("seeds", 1000, "how many lives TestSeeds plays")
	first = flag.Uint64("first", 1, "the seed of the first")
	seed  = flag.Uint64("seed", 0, "play this one alone, and print what happens")
)

// TestSeeds plays lives. One that fails is played again, with its trace.
func TestSeeds(t *testing.T) {
	if *seed != 0 {
		r := Run(*seed, true)
		for _, line := range r.Trace {
			fmt.Println(line)
		}
		if r.Failure != nil {
			t.Error(r.Failure)
		}
		return
	}
	var next, records, failed atomic.Int64
	var frames, virtual atomic.Int64
	begin := time.Now()
	stop := make(chan struct{})
	if *seeds > 5000 {
		go progress(stop, begin, &next)
	}
	var playing sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		playing.Go(func() {
			for failed.Load() < 5 {
				n := next.Add(1)
				if n > int64(*seeds) {
					return
				}
				r := Run(*first+uint64(n)-1, false)
				records.Add(int64(r.Records))
				frames.Add(int64(r.Frames))
				virtual.Add(int64(r.Lasted))
				if r.Failure != nil {
					failed.Add(1)
					report(t, r)
				}
			}
		})
	}
	playing.Wait()
	close(stop)
	took, played := time.Since(begin), min(next.Load(), int64(*seeds)) // fewer if some failed
	t.Logf("%d lives in %v, %.0f a minute: %d records, %d requests, %v of virtual time",
		played, took.Round(time.Millisecond), float64(played)/took.Minutes(), records.Load(), frames.Load(), time.Duration(virtual.Load()).Round(time.Second))
}

func progress(stop <-chan struct{}, begin time.Time, next *atomic.Int64) {
	tick := time.NewTicker(10 * time.Second)
	defer tick.Stop()
	for {
		select {
		case <-stop:
			return
		case <-tick.C:
			n := next.Load()
			fmt.Fprintf(os.Stderr, "%d of %d lives, %.0f a minute\n", n, *seeds, float64(n)/time.Since(begin).Minutes())
		}
	}
}

// report plays a life that failed once more.
func report(t *testing.T, failed *Report) {
	r := Run(failed.Seed, true)
	if fmt.Sprint(r.Failure) != fmt.Sprint(failed.Failure) {
		t.Errorf("seed %d: played twice: %v, then %v", failed.Seed, failed.Failure, r.Failure)
		return
	}
	t.Errorf("seed %d: %v\n%v\nThe end of what happened; -seed %d prints all:", r.Seed, r.Failure, r.Plan, r.Seed)
	for _, line := range r.Trace[max(0, len(r.Trace)-60):] {
		t.Log(line)
	}
}

// Lives that found something once.
func TestFound(t *testing.T) {
	for _, seed := range []uint64{
		7606, 7831, // a topic made anew was forgotten by a session that knows it by name
		2332, 2974, 3505, // of a position that was lost nobody was told
		1008307, // a broker that was cut off three times was taken for 0.8.2 for ever
	} {
		if r := Run(seed, false); r.Failure != nil {
			report(t, r)
		}
	}
}

// A seed gives the same life each time.
func TestReplay(t *testing.T) {
	for seed := uint64(1); seed <= 20; seed++ {
		one, two := Run(seed, true), Run(seed, true)
		if one.Digest != two.Digest {
			for i := range one.Trace {
				if i >= len(two.Trace) || one.Trace[i] != two.Trace[i] {
					t.Fatalf("seed %d: line %d is %q, then %q", seed, i, one.Trace[i], two.Trace[min(i, len(two.Trace)-1)])
				}
			}
			t.Fatalf("seed %d: two lives", seed)
		}
	}
}

// Lives are worth something: most records arrive and are read, some fail, positions are lost, and every kind of fault occurs.
func TestLivesAreVaried(t *testing.T) {
	seen := map[string]int{}
	var records, acked, failed, shown, told int
	for seed := uint64(1); seed <= 100; seed++ {
		r := Run(seed, false)
		for _, name := range r.Plan.Faults {
			seen[name]++
		}
		records, acked, failed = records+r.Records, acked+r.Acked, failed+r.Failed
		shown, told = shown+r.Shown, told+r.Told
	}
	for _, name := range faultNames() {
		if seen[name] == 0 {
			t.Errorf("%q does not occur in 100 lives", name)
		}
	}
	if records < 10_000 || acked < records/2 || failed == 0 {
		t.Errorf("%d records, %d acknowledged, %d failed", records, acked, failed)
	}
	if shown < records/2 || told == 0 {
		t.Errorf("%d records, %d shown, %d positions were lost", records, shown, told)
	}
}
