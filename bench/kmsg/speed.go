package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/franzi-kafka/franzi/bench/internal/measure"
	"github.com/franzi-kafka/franzi/kmsg"
)

// A speedCase compares one operation of both libraries.
type speedCase struct {
	name         string
	ours, theirs measure.Operation
	reach        reach
}

// A reach is what a case is to reach. Zeros ask for nothing.
type reach struct {
	ratio    float64 // at most this much of franz-go's time
	allocs   float64 // at most this much of franz-go's allocations
	noAllocs bool    // no allocation at all
}

func (r reach) String() string {
	s := ""
	if r.ratio > 0 {
		s = fmt.Sprintf("%.2f", r.ratio)
	}
	if r.allocs > 0 {
		s += fmt.Sprintf(", %.0f %% of the allocations", 100*r.allocs)
	}
	if r.noAllocs {
		s += ", 0 allocations"
	}
	return strings.TrimPrefix(s, ", ")
}

// met reports whether a result is as the reach asks. Samples count what else runs in the
// process too, so that less than a hundredth of an allocation is none.
func (r reach) met(got measure.Result) bool {
	return (r.ratio == 0 || got.Ratio <= r.ratio) &&
		(r.allocs == 0 || got.Ours.Allocs <= r.allocs*got.Theirs.Allocs) &&
		(!r.noAllocs || got.Ours.Allocs < 0.01)
}

const encodeRatio = 1 / 1.25

// A testMessage is a message of the cases.
type testMessage struct {
	name        string
	m           kmsg.Message
	encodeRatio float64 // to reach; 0 where copying the records takes most of the time
}

func samples() []testMessage {
	return []testMessage{
		{"Metadata v12 response, 100 topics x 10", metadata(12), encodeRatio},
		{"Metadata v7 response, 100 topics x 10", metadata(7), encodeRatio},
		{"Fetch v16 response, 100 partitions of 100 B", fetch(16, 100), encodeRatio},
		{"Fetch v11 response, 100 partitions of 100 B", fetch(11, 100), encodeRatio},
		{"Fetch v16 response, 100 partitions of 1 KiB", fetch(16, 1<<10), 0},
		{"Produce v11 request, 50 partitions of 100 B", produce(11, 100), encodeRatio},
		{"Produce v7 request, 50 partitions of 100 B", produce(7, 100), encodeRatio},
		{"Produce v11 request, 50 partitions of 1 KiB", produce(11, 1<<10), 0},
		{"OffsetCommit v9 request, 10 x 10", offsetCommit(9), encodeRatio},
		{"OffsetCommit v7 request, 10 x 10", offsetCommit(7), encodeRatio},
		{"OffsetFetch v9 response, 10 x 10", offsetFetch(9), encodeRatio},
		{"ListOffsets v9 request, 10 x 10", listOffsets(9), encodeRatio},
		{"ApiVersions v4 response", apiVersions(4), encodeRatio},
		{"Heartbeat v4 request", heartbeat(4), encodeRatio},
	}
}

// speedCases returns all cases. Before that, both libraries have read and written the same
// bytes.
func speedCases() ([]speedCase, error) {
	var fresh, again, encode, checked []speedCase
	for i, s := range samples() {
		p, err := pairOf(s.m)
		if err != nil {
			return nil, err
		}
		ps := pairs{p}
		againRatio := 0.5
		if i == 0 {
			fresh = append(fresh,
				speedCase{"decode fresh, arena: " + s.name, ps.decodeOursFreshArena(), ps.decodeTheirsFresh(), reach{ratio: 0.5, allocs: 0.05}},
				speedCase{"decode fresh, no arena: " + s.name, ps.decodeOursFresh(), ps.decodeTheirsFresh(), reach{}},
				speedCase{"decode fresh, arena beside unsafe strings: " + s.name, ps.decodeOursFreshArena(), ps.decodeTheirsFreshUnsafely(), reach{}},
			)
			againRatio = 0.3
		}
		again = append(again,
			speedCase{"decode again: " + s.name, ps.decodeOursAgain(), ps.decodeTheirsAgain(), reach{ratio: againRatio, noAllocs: true}},
			speedCase{"decode again beside unsafe strings: " + s.name, ps.decodeOursAgain(), ps.decodeTheirsAgainUnsafely(), reach{}},
		)
		encode = append(encode, speedCase{"encode: " + s.name, ps.encodeOurs(), ps.encodeTheirs(), reach{ratio: s.encodeRatio, noAllocs: true}})
		checked = append(checked, speedCase{"check and encode: " + s.name, ps.checkAndEncodeOurs(), ps.encodeTheirs(), reach{noAllocs: true}})
	}
	all := append(fresh, again...)
	all = append(all, encode...)
	return append(all, checked...), nil
}

// speed prints the table of CPU time and allocations.
func speed(ctx context.Context, out io.Writer, s settings) error {
	cases, err := speedCases()
	if err != nil {
		return err
	}
	t := measure.NewTable("case", "Franzi", "franz-go", "ratio", "rounds", "allocations", "bytes allocated", "to reach", "reached")
	for _, c := range cases {
		if !s.only.MatchString(c.name) {
			continue
		}
		r, err := measure.Compare(ctx, s.rounds, s.slice, c.ours, c.theirs)
		if err != nil {
			return err
		}
		t.Row(c.name, measure.Nanos(r.Ours.NS), measure.Nanos(r.Theirs.NS), fmt.Sprintf("**%.2f**", r.Ratio), fmt.Sprintf("%.2f-%.2f", r.Lowest, r.Highest),
			measure.Count(r.Ours.Allocs)+" / "+measure.Count(r.Theirs.Allocs), measure.Count(r.Ours.Bytes)+" / "+measure.Count(r.Theirs.Bytes),
			c.reach.String(), verdict(c.reach != reach{}, c.reach.met(r)))
	}
	return t.Print(out, "CPU time of one operation, and what it allocates")
}
