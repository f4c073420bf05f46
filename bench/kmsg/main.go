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
	"slices"
	"strings"
	"time"

	"github.com/franzi-kafka/franzi/bench/internal/measure"
)

// settings are what the flags say.
type settings struct {
	rounds        int
	slice         time.Duration // of CPU time for one library in one round
	compileRounds int
	parts         []string
	only          *regexp.Regexp
}

// parts are the tables, in the order in which they are measured.
var parts = []struct {
	name string
	run  func(context.Context, io.Writer, settings) error
}{
	{"speed", speed},
	{"all", sweep},
	{"hostile", hostile},
	{"compile", compile},
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Stdout, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "kmsg:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, out io.Writer, args []string) error {
	var s settings
	names := make([]string, len(parts))
	for i, p := range parts {
		names[i] = p.name
	}
	flags := flag.NewFlagSet("kmsg", flag.ContinueOnError)
	flags.IntVar(&s.rounds, "rounds", 21, "rounds of each case")
	flags.DurationVar(&s.slice, "slice", 50*time.Millisecond, "CPU time of each library in a round of a case")
	flags.IntVar(&s.compileRounds, "compile-rounds", 5, "compilations of each package")
	wanted := flags.String("parts", strings.Join(names, ","), "tables to print")
	only := flags.String("only", "", "regular expression of the cases to measure")
	procs := flags.Int("gomaxprocs", 1, "GOMAXPROCS while measuring")
	if err := flags.Parse(args); errors.Is(err, flag.ErrHelp) {
		return nil
	} else if err != nil {
		return err
	}
	if flags.NArg() > 0 {
		return fmt.Errorf("arguments where there are only flags: %q", flags.Args())
	}
	if s.rounds < 1 || s.compileRounds < 1 || s.slice <= 0 || *procs < 1 {
		return fmt.Errorf("rounds, slice and gomaxprocs must be above zero")
	}
	var err error
	if s.only, err = regexp.Compile(*only); err != nil {
		return err
	}
	s.parts = strings.Split(*wanted, ",")
	for _, p := range s.parts {
		if !slices.Contains(names, p) {
			return fmt.Errorf("no part %q, there are %s", p, strings.Join(names, ", "))
		}
	}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(*procs))
	if err := describe(out, s); err != nil {
		return err
	}
	for _, p := range parts {
		if slices.Contains(s.parts, p.name) {
			if err := p.run(ctx, out, s); err != nil {
				return err
			}
		}
	}
	return nil
}

// describe prints what was measured, where and how.
func describe(out io.Writer, s settings) error {
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
	_, err := fmt.Fprintf(out, "Beside %s %s. %s %s/%s, %s, GOMAXPROCS=%d, GOGC=%s, %d rounds of %v of CPU time for each library and case, %d compilations.\n\n",
		theirModule, version, runtime.Version(), runtime.GOOS, runtime.GOARCH, measure.CPUModel(), runtime.GOMAXPROCS(0), gogc, s.rounds, s.slice, s.compileRounds)
	return err
}
