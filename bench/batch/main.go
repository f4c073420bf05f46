// Command batch measures Franzi's kmsg/batch beside franz-go: how much CPU time and memory they
// take to walk the records in the same answer of Fetch and to encode records into a batch, what
// sealing and numbering a batch costs beside its checksum, what codecs cost beside their libraries,
// and what memory hostile batches take. It prints Markdown tables.
//
//	go run ./batch
//
// README.md of this module says how it measures.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"regexp"
	"runtime"
	"runtime/debug"
	"time"

	"github.com/franzi-kafka/franzi/bench/internal/measure"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Stdout, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "batch:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, out io.Writer, args []string) error {
	flags := flag.NewFlagSet("batch", flag.ContinueOnError)
	rounds := flags.Int("rounds", 21, "rounds of each case")
	slice := flags.Duration("slice", 50*time.Millisecond, "CPU time of each side in a round of a case")
	only := flags.String("only", "", "regular expression of the cases to measure; \"hostile\" is the table of memory")
	procs := flags.Int("gomaxprocs", 1, "GOMAXPROCS while measuring")
	if err := flags.Parse(args); errors.Is(err, flag.ErrHelp) {
		return nil
	} else if err != nil {
		return err
	}
	wanted, err := regexp.Compile(*only)
	switch {
	case err != nil:
		return err
	case flags.NArg() > 0:
		return fmt.Errorf("arguments where there are only flags: %q", flags.Args())
	case *rounds < 1 || *slice <= 0 || *procs < 1:
		return errors.New("rounds, slice and gomaxprocs must be above zero")
	}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(*procs))
	if err := describe(ctx, out, *rounds, *slice); err != nil {
		return err
	}
	cases, err := allCases()
	if err != nil {
		return err
	}
	t := measure.NewTable("case", "each", "Franzi", "beside", "ratio", "rounds", "allocations", "bytes allocated", "to reach", "reached")
	for _, c := range cases {
		if !wanted.MatchString(c.name) {
			continue
		}
		r, err := measure.Compare(ctx, *rounds, *slice, c.ours, c.theirs)
		if err != nil {
			return err
		}
		per := float64(c.per)
		toReach, reached := "", ""
		if c.ratio > 0 {
			toReach, reached = fmt.Sprintf("%.2f", c.ratio), "**no**"
			if r.Ratio <= c.ratio {
				reached = "yes"
			}
		}
		t.Row(c.name, c.unit, measure.Nanos(r.Ours.NS/per), measure.Nanos(r.Theirs.NS/per), fmt.Sprintf("**%.2f**", r.Ratio),
			fmt.Sprintf("%.2f-%.2f", r.Lowest, r.Highest),
			measure.Count(r.Ours.Allocs/per)+" / "+measure.Count(r.Theirs.Allocs/per), measure.Count(r.Ours.Bytes/per)+" / "+measure.Count(r.Theirs.Bytes/per), toReach, reached)
	}
	runtime.KeepAlive(sink)
	if err := t.Print(out, "CPU time, and what is allocated, of each record or batch"); err != nil {
		return err
	}
	if !wanted.MatchString("hostile") {
		return nil
	}
	return hostile(out)
}

// describe prints what was measured, where and how, and what reading the clock takes, by which
// machines can be compared.
func describe(ctx context.Context, out io.Writer, rounds int, slice time.Duration) error {
	version := "of unknown version"
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, m := range info.Deps {
			if m.Path == theirModule {
				version = m.Version
			}
		}
	}
	gogc := os.Getenv("GOGC")
	if gogc == "" {
		gogc = "100"
	}
	var now time.Time
	clock := func(n int) {
		for range n {
			now = time.Now()
		}
	}
	r, err := measure.Compare(ctx, rounds, slice, clock, clock)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "Beside %s %s. %s %s/%s, %s, GOMAXPROCS=%d, GOGC=%s, %d rounds of %v of CPU time for each side and case. Reading the clock takes %s (%t).\n\n",
		theirModule, version, runtime.Version(), runtime.GOOS, runtime.GOARCH, measure.CPUModel(), runtime.GOMAXPROCS(0), gogc, rounds, slice, measure.Nanos(r.Ours.NS), !now.IsZero())
	return err
}
