// Command client measures what the body of a client costs, without records: a lone request, a refresh
// of the metadata of a large cluster, and doing nothing. franz-go does the same beside it. See
// README.md of the folder above.
package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/franzi-kafka/franzi/bench/internal/measure"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "client:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	serves := flag.Bool("serve", false, "be the brokers (used by the command itself)")
	topics := flag.Int("topics", 1000, "topics of the large cluster")
	partitions := flag.Int("partitions", 100, "partitions of each")
	rounds := flag.Int("rounds", 9, "rounds")
	slice := flag.Duration("slice", 300*time.Millisecond, "CPU time of a round")
	idle := flag.Duration("idle", time.Minute, "how long to do nothing")
	flag.Parse()
	if *serves {
		return serve(*topics, *partitions)
	}
	fmt.Printf("%s, %s, GOMAXPROCS %d\n", measure.CPUModel(), runtime.Version(), runtime.GOMAXPROCS(0))
	if err := rest(ctx, *idle); err != nil { // first, while there is no garbage
		return fmt.Errorf("a client at rest: %w", err)
	}
	if err := lone(ctx, *rounds, *slice); err != nil {
		return fmt.Errorf("a lone request: %w", err)
	}
	if err := large(ctx, *topics, *partitions, *rounds, *slice); err != nil {
		return fmt.Errorf("a large cluster: %w", err)
	}
	return nil
}

// brokers starts three brokers as a process of their own, whose work is not counted.
func brokers(ctx context.Context, topics, partitions int) (addrs []string, stop func() error, err error) {
	self, err := os.Executable()
	if err != nil {
		return nil, nil, err
	}
	cmd := exec.CommandContext(ctx, self, "-serve", fmt.Sprintf("-topics=%d", topics), fmt.Sprintf("-partitions=%d", partitions))
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe() // it ends when this process does
	if err != nil {
		return nil, nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, nil, err
	}
	stop = func() error { return errors.Join(in.Close(), cmd.Wait()) }
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		return nil, nil, errors.Join(err, stop())
	}
	return strings.Fields(line), stop, nil
}

// A client is one of those that are measured.
type client interface {
	metadata(ctx context.Context, topic string) error // a request of a user
	refresh(ctx context.Context) error                // what the client knows of all topics
	askEach(ctx context.Context) error                // each of three brokers
	close()
}

// both runs a measurement with a client of each kind.
func both(ctx context.Context, topics, partitions int, do func(ours, theirs client) error) (err error) {
	addrs, stop, err := brokers(ctx, topics, partitions)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stop()) }()
	ours, err := newFranzi(addrs, topics)
	if err != nil {
		return err
	}
	defer ours.close()
	theirs, err := newFranzGo(addrs, topics)
	if err != nil {
		return err
	}
	defer theirs.close()
	return do(ours, theirs)
}

// compare compares what one thing takes.
func compare(ctx context.Context, rounds int, slice time.Duration, ours, theirs func() error) (r measure.Result, err error) {
	times := func(f func() error) measure.Operation {
		return func(n int) {
			for range n {
				if e := f(); e != nil && err == nil {
					err = e
				}
			}
		}
	}
	r, failed := measure.Compare(ctx, rounds, slice, times(ours), times(theirs))
	return r, errors.Join(err, failed)
}

var head = []string{"", "ours", "franz-go", "ratio", "lowest", "highest"}

func rowsOf(t *measure.Table, what string, r measure.Result) {
	ratio := func(x float64) string { return fmt.Sprintf("%.2g", x) }
	t.Row(what+", CPU", measure.Nanos(r.Ours.NS), measure.Nanos(r.Theirs.NS), ratio(r.Ratio), ratio(r.Lowest), ratio(r.Highest))
	t.Row(what+", allocations", measure.Count(r.Ours.Allocs), measure.Count(r.Theirs.Allocs), ratio(r.Ours.Allocs/r.Theirs.Allocs), "", "")
	t.Row(what+", bytes", measure.Count(r.Ours.Bytes), measure.Count(r.Theirs.Bytes), ratio(r.Ours.Bytes/r.Theirs.Bytes), "", "")
}

// lone measures the round trip of one request after the other.
func lone(ctx context.Context, rounds int, slice time.Duration) error {
	return both(ctx, 1, 3, func(ours, theirs client) error {
		ask := func(c client) func() error { return func() error { return c.metadata(ctx, topicName(0)) } }
		r, err := compare(ctx, rounds, slice, ask(ours), ask(theirs))
		if err != nil {
			return err
		}
		t := measure.NewTable(head...)
		rowsOf(t, "Metadata of one topic", r)
		took := map[client][]float64{}
		for range 20 {
			for _, c := range []client{ours, theirs} {
				for range 200 {
					start := time.Now()
					if err := c.metadata(ctx, topicName(0)); err != nil {
						return err
					}
					took[c] = append(took[c], float64(time.Since(start)))
				}
			}
		}
		for _, at := range []float64{0.5, 0.99} {
			of := func(c client) float64 {
				slices.Sort(took[c])
				return took[c][int(at*float64(len(took[c])))]
			}
			t.Row(fmt.Sprintf("Metadata of one topic, p%.0f", 100*at), measure.Nanos(of(ours)), measure.Nanos(of(theirs)), fmt.Sprintf("%.2f", of(ours)/of(theirs)), "", "")
		}
		return t.Print(os.Stdout, "A lone request")
	})
}

// large measures a refresh of the metadata of many topics, of which one leader has changed.
func large(ctx context.Context, topics, partitions, rounds int, slice time.Duration) error {
	return both(ctx, topics, partitions, func(ours, theirs client) error {
		again := func(c client) func() error { return func() error { return c.refresh(ctx) } }
		r, err := compare(ctx, rounds, slice, again(ours), again(theirs))
		if err != nil {
			return err
		}
		t := measure.NewTable(head...)
		rowsOf(t, fmt.Sprintf("%d partitions", topics*partitions), r)
		return t.Print(os.Stdout, "A refresh with one leader changed")
	})
}

const settles = 500 * time.Millisecond

// rest measures clients that have asked each of three brokers and then do nothing.
func rest(ctx context.Context, lasts time.Duration) (err error) {
	addrs, stop, err := brokers(ctx, 1, 3)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stop()) }()
	t := measure.NewTable("", "goroutines", "sockets", "CPU a minute")
	for _, kind := range []struct {
		name string
		new  func([]string, int) (client, error)
	}{{"ours", newFranzi}, {"franz-go", newFranzGo}} {
		time.Sleep(settles) // what was there before is gone
		goroutines := runtime.NumGoroutine()
		open, err := sockets()
		if err != nil {
			return err
		}
		c, err := kind.new(addrs, 1)
		if err != nil {
			return err
		}
		if err := errors.Join(c.metadata(ctx, topicName(0)), c.askEach(ctx)); err != nil {
			return err
		}
		time.Sleep(settles)
		goroutines = runtime.NumGoroutine() - goroutines
		now, err := sockets()
		if err != nil {
			return err
		}
		debug.FreeOSMemory()
		time.Sleep(settles)
		before := measure.CPUTime()
		select {
		case <-time.After(lasts):
		case <-ctx.Done():
			return ctx.Err()
		}
		used := measure.CPUTime() - before
		c.close()
		t.Row(kind.name, fmt.Sprint(goroutines), fmt.Sprint(now-open), measure.Nanos(float64(used)*float64(time.Minute)/float64(lasts)))
	}
	return t.Print(os.Stdout, "A client at rest, three brokers")
}

// sockets returns how many sockets the process has open.
func sockets() (n int, err error) {
	const fds = "/proc/self/fd"
	all, err := os.ReadDir(fds)
	if err != nil {
		return 0, err
	}
	for _, e := range all {
		if to, err := os.Readlink(fds + "/" + e.Name()); err == nil && strings.HasPrefix(to, "socket:") {
			n++
		}
	}
	return n, nil
}
