package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"
	theirs "github.com/twmb/franz-go/pkg/kmsg"

	"github.com/franzi-kafka/franzi/kmsg/batch"
)

// Both libraries see the same records in the same answer, with pools too.
func TestSameRecords(t *testing.T) {
	for _, k := range kinds {
		a, err := newAnswer(k)
		if err != nil {
			t.Fatal(err)
		}
		var ours []string
		a.walk(func(r *batch.Record) {
			line := fmt.Sprintf("%d %d %s %s", r.Offset, r.Timestamp, r.Key, r.Value)
			for key, value := range r.Headers.All() {
				line += fmt.Sprintf(" %s=%s", key, value)
			}
			ours = append(ours, line)
		})(1)
		for _, with := range [][]kgo.Pool{nil, newPools()} {
			p := theirs.NewFetchResponseTopicPartition()
			p.RecordBatches, p.HighWatermark = a.records, int64(a.count)
			got, next := kgo.ProcessFetchPartition(kgo.ProcessFetchPartitionOpts{Pools: with}, &p, kgo.DefaultDecompressor(with...), nil)
			if got.Err != nil || len(got.Records) != len(ours) || next != int64(a.count) {
				t.Fatalf("%s: franz-go has %d records up to %d and %v, want %d", k.name, len(got.Records), next, got.Err, len(ours))
			}
			for i, r := range got.Records {
				line := fmt.Sprintf("%d %d %s %s", r.Offset, r.Timestamp.UnixMilli(), r.Key, r.Value)
				for _, h := range r.Headers {
					line += fmt.Sprintf(" %s=%s", h.Key, h.Value)
				}
				if line != ours[i] {
					t.Fatalf("%s: got  %s\nfranz-go has %s", k.name, ours[i], line)
				}
			}
		}
		if a.count < 500 {
			t.Errorf("%s: only %d records", k.name, a.count)
		}
	}
}

// Both libraries encode the same bytes.
func TestSameBytes(t *testing.T) {
	for _, k := range kinds[:3] {
		a, err := newAnswer(k)
		if err != nil {
			t.Fatal(err)
		}
		var ours, others []byte
		a.appendOurs(&ours)(2)
		a.appendTheirs(&others)(2)
		if !bytes.Equal(ours, others) {
			t.Errorf("%s: got\n%x\nfranz-go has\n%x", k.name, ours[:100], others[:100])
		}
	}
}

func TestNoAllocations(t *testing.T) {
	cases, err := allCases()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range cases {
		got := testing.AllocsPerRun(10, func() { c.ours(1) })
		if want := 0.0; !strings.Contains(c.name, "Clone") && got > want {
			t.Errorf("%s: got %v allocations, want none", c.name, got)
		}
	}
}

func TestRun(t *testing.T) {
	var out strings.Builder
	if err := run(t.Context(), &out, []string{"-rounds", "1", "-slice", "1ms", "-only", "seal|number|append"}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"Reading the clock takes", "| seal 1 MiB", "| number 1 MiB", "| append"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is missing in\n%s", want, &out)
		}
	}
	if strings.Contains(out.String(), "| walk") {
		t.Errorf("got more than was asked for:\n%s", &out)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := run(ctx, &out, []string{"-rounds", "1", "-slice", "1ms"}); !errors.Is(err, context.Canceled) {
		t.Errorf("canceled: got %v", err)
	}
	for _, args := range [][]string{{"-rounds", "0"}, {"-only", "("}, {"more"}, {"-slice", "x"}} {
		if err := run(t.Context(), &out, args); err == nil {
			t.Errorf("%v: got no error", args)
		}
	}
}

// Attacks are what their names say: with a checksum that holds, some good batches, the others an
// error, and none that takes more than it may but the list of headers.
func TestHostile(t *testing.T) {
	all, err := attacks()
	if err != nil {
		t.Fatal(err)
	}
	codecs, err := learned()
	if err != nil {
		t.Fatal(err)
	}
	for i := range all {
		a := &all[i]
		if good := a.read(codecs); good != strings.HasPrefix(a.name, "smallest") {
			t.Errorf("%s: it is read to its end: %t", a.name, good)
		}
	}
	var out strings.Builder
	if err := run(t.Context(), &out, []string{"-rounds", "1", "-slice", "1ms", "-only", "hostile"}); err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(out.String()) {
		if missed := strings.Contains(line, "**no**"); missed != strings.Contains(line, "in a list") {
			t.Errorf("got %s", line)
		}
	}
}
