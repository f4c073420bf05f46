package main

import (
	"bytes"
	"context"
	"errors"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/franzi-kafka/franzi/bench/internal/measure"
)

// TestCases: both libraries read and write the same bytes in each case, or there would be no
// cases, and allocations are as few as the cases ask.
func TestCases(t *testing.T) {
	cases, err := speedCases()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range cases {
		ours := testing.AllocsPerRun(20, func() { c.ours(1) })
		theirs := testing.AllocsPerRun(20, func() { c.theirs(1) })
		if c.reach.noAllocs && ours > 0 {
			t.Errorf("%s: got %v allocations, want none", c.name, ours)
		}
		if most := c.reach.allocs * theirs; c.reach.allocs > 0 && ours > most {
			t.Errorf("%s: got %v allocations, want at most %.0f, of %v", c.name, ours, most, theirs)
		}
	}
}

// TestVectors: the vectors have every message at every version, franz-go shares nearly all of
// them, and none is encoded with an allocation.
func TestVectors(t *testing.T) {
	all, err := groups()
	if err != nil {
		t.Fatal(err)
	}
	shared := 0
	for _, g := range all {
		if len(g.pairs) == 0 {
			continue
		}
		shared++
		encode := g.pairs.encodeOurs()
		if got := testing.AllocsPerRun(5, func() { encode(1) }); got > 0 {
			t.Errorf("%s: encoding: got %v allocations, want none", g.name, got)
		}
	}
	if len(all) < 736 || shared < 700 {
		t.Errorf("got %d messages and versions, %d of them shared, want at least 736 and 700", len(all), shared)
	}
}

// TestHostile: no attack makes Franzi exceed its bound, and the attacks are such that their
// lies are believed.
func TestHostile(t *testing.T) {
	all, err := attackAll(t.Context(), 64<<10, decodeHostileOurs)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range overBound(all) {
		t.Errorf("%s: %d bytes allocated %d, want at most %d for each and %d", f.name, f.sent, f.allocated, boundPerByte, boundSlack)
	}
	believed := 0
	for _, f := range all {
		if f.perByte() > 2 {
			believed++
		}
	}
	if len(all) < 1000 || believed < len(all)*9/10 {
		t.Errorf("got %d attacks, %d of them believed, want at least 1000 and nine of ten", len(all), believed)
	}
}

// TestCompile compiles a small package of both modules as the go command does.
func TestCompile(t *testing.T) {
	dir := t.TempDir()
	for module, pkg := range map[string]string{ourModule: ourModule + "/kbin", theirModule: theirModule + "/internal/kbin"} {
		l, err := loadLibrary(t.Context(), module, pkg, dir)
		if err != nil {
			t.Fatal(err)
		}
		c, err := l.compile(t.Context(), dir)
		if err != nil || c.cpu <= 0 || c.size <= 0 || c.allSize < c.size {
			t.Errorf("%s: got %+v and error %v, want CPU time and sizes", pkg, c, err)
		}
	}
}

// TestRun prints small tables.
func TestRun(t *testing.T) {
	var out bytes.Buffer
	args := strings.Fields("-parts speed,all -only ^(encode|decode_again):_(Heartbeat|OffsetDeleteRequest) -rounds 2 -slice 100us")
	for i := range args {
		args[i] = strings.ReplaceAll(args[i], "_", " ")
	}
	if err := run(t.Context(), &out, args); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"Beside github.com/twmb/franz-go/pkg/kmsg", "GOMAXPROCS=1", "2 rounds of 100µs",
		"| encode: Heartbeat v4 request | ", "| 0 / 0 | 0 / 0 | 0.80, 0 allocations | ",
		"| decode again | 11 | ", // five versions of Heartbeat, both ways, and OffsetDelete
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("got\n%s\nwant %q in it", out.String(), want)
		}
	}
}

// TestRunErrors: what the flags cannot mean is an error, before anything is measured.
func TestRunErrors(t *testing.T) {
	for args, want := range map[string]string{
		"-parts sped":       "no part \"sped\"",
		"-rounds 0":         "above zero",
		"-slice 0s":         "above zero",
		"-gomaxprocs 0":     "above zero",
		"-compile-rounds 0": "above zero",
		"-only (":           "missing closing",
		"speed":             "only flags",
	} {
		var out bytes.Buffer
		if err := run(t.Context(), &out, strings.Fields(args)); err == nil || !strings.Contains(err.Error(), want) || out.Len() > 0 {
			t.Errorf("%s: got error %v and output %q, want an error with %q and no output", args, err, out.String(), want)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, part := range parts {
		if err := part.run(ctx, new(bytes.Buffer), testSettings()); !errors.Is(err, context.Canceled) && !strings.Contains(err.Error(), "context canceled") {
			t.Errorf("%s, canceled: got %v, want %v", part.name, err, context.Canceled)
		}
	}
}

// TestReach has what decides between yes and no.
func TestReach(t *testing.T) {
	got := measure.Result{Ours: measure.Sample{Allocs: 4}, Theirs: measure.Sample{Allocs: 100}, Ratio: 0.5}
	for _, row := range []struct {
		reach reach
		met   bool
		text  string
	}{
		{reach{}, true, ""},
		{reach{ratio: 0.5}, true, "0.50"},
		{reach{ratio: 0.49}, false, "0.49"},
		{reach{ratio: 0.5, allocs: 0.04}, true, "0.50, 4 % of the allocations"},
		{reach{allocs: 0.03}, false, "3 % of the allocations"},
		{reach{noAllocs: true}, false, "0 allocations"},
	} {
		if met := row.reach.met(got); met != row.met || row.reach.String() != row.text {
			t.Errorf("%+v: got %v and %q, want %v and %q", row.reach, met, row.reach, row.met, row.text)
		}
	}
}

func testSettings() settings {
	return settings{rounds: 1, slice: time.Millisecond, compileRounds: 1, only: regexp.MustCompile("")}
}

// The cases as Go benchmarks, for profiles:
//
//	go test ./kmsg -run '^$' -bench 'Cases/^encode:_Produce_v11.*100_B/Franzi' -cpuprofile cpu.out
func BenchmarkCases(b *testing.B) {
	cases, err := speedCases()
	if err != nil {
		b.Fatal(err)
	}
	for _, c := range cases {
		for _, side := range []struct {
			name string
			op   measure.Operation
		}{{"Franzi", c.ours}, {"franz-go", c.theirs}} {
			b.Run(c.name+"/"+side.name, func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					side.op(1)
				}
			})
		}
	}
}
