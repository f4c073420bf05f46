package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/franzi-kafka/franzi/cmd/franzi/internal/latency"
	"github.com/franzi-kafka/franzi/cmd/franzi/internal/output"
	"github.com/franzi-kafka/franzi/kbin"
	"github.com/franzi-kafka/franzi/kgo"
	"github.com/franzi-kafka/franzi/kmsg"
)

func (a *app) benchCommand() *cobra.Command {
	return group(&cobra.Command{
		Use:     "bench",
		Short:   "Measure how fast a cluster is written and read",
		Example: "  franzi bench produce -b localhost:9092 --size 1000 -z zstd",
	}, a.benchProduceCommand(), a.benchConsumeCommand())
}

// A benchReport is what was measured, and with which settings.
type benchReport struct {
	Topic      string         `json:"topic"`
	Partitions int            `json:"partitions"`
	Settings   []benchSetting `json:"settings"`
	Records    int64          `json:"records"`
	Failed     int64          `json:"failed"`
	Bytes      int64          `json:"bytes"` // of keys and values
	Seconds    float64        `json:"seconds"`
	PerSecond  float64        `json:"recordsPerSecond"`
	Volume     float64        `json:"bytesPerSecond"`
	CPUNanos   *float64       `json:"cpuNanosPerRecord"` // of this process; null where it is not known
	LatencyMs  *benchLatency  `json:"latencyMs"`         // null if none was measured
}

type benchSetting struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

type benchLatency struct {
	P50  float64 `json:"p50"`
	P95  float64 `json:"p95"`
	P99  float64 `json:"p99"`
	P999 float64 `json:"p999"`
	Max  float64 `json:"max"`
}

func newBenchLatency(s *latency.Snapshot) *benchLatency {
	if s.Count == 0 {
		return nil
	}
	ms := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
	return &benchLatency{ms(s.Quantile(0.5)), ms(s.Quantile(0.95)), ms(s.Quantile(0.99)), ms(s.Quantile(0.999)), ms(s.Max)}
}

// measured fills in what follows from the rest.
func (r *benchReport) measured(took, cpu time.Duration) {
	r.Seconds = took.Seconds()
	r.PerSecond, r.Volume = rate(r.Records, took), rate(r.Bytes, took)
	if r.Records > 0 && cpu > 0 {
		each := float64(cpu.Nanoseconds()) / float64(r.Records)
		r.CPUNanos = &each
	}
}

func (a *app) showBench(r *benchReport) error {
	return a.write(output.TableFormat, output.Result{Value: r, Table: func(t *output.Table) {
		t.Row("topic", fmt.Sprintf("%s, %s", r.Topic, plural(r.Partitions, "partition", "partitions")))
		for _, s := range r.Settings {
			t.Row(s.Name, s.Value)
		}
		t.Line("")
		t.Row("records", many(r.Records))
		if r.Failed > 0 {
			t.Row("failed", many(r.Failed))
		}
		t.Row("time", fmt.Sprintf("%.2f s", r.Seconds))
		t.Row("rate", fmt.Sprintf("%s records/s, %s/s", many(int64(r.PerSecond)), volume(r.Volume)))
		if r.CPUNanos != nil {
			t.Row("cpu", fmt.Sprintf("%.0f ns a record", *r.CPUNanos))
		}
		if l := r.LatencyMs; l != nil {
			ms := func(x float64) string { return strconv.FormatFloat(x, 'g', 4, 64) }
			t.Row("latency", fmt.Sprintf("p50 %s ms, p95 %s, p99 %s, p99.9 %s, max %s", ms(l.P50), ms(l.P95), ms(l.P99), ms(l.P999), ms(l.Max)))
		}
	}})
}

// ownTopic creates a topic for a command, with a name that no other has, which drop deletes.
func (s *session) ownTopic(kind string, partitions int32, replicas int16) (name string, drop func(), err error) {
	name = fmt.Sprintf("franzi-%s-%08x", kind, rand.Uint32())
	switch _, err := s.create(newTopic(name, partitions, replicas)); {
	case err == errNoCreation && kind == "bench":
		return "", nil, failed("%v: name one that is there", err)
	case err == errNoCreation:
		return "", nil, failed("%v, and franzi %s needs one of its own", err, kind)
	case err != nil:
		return "", nil, s.wrap(err)
	}
	s.settle(name)
	return name, func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(s.cmd.Context()), s.flags.timeout)
		defer cancel()
		req := kmsg.NewDeleteTopicsRequest()
		req.TimeoutMs = s.waitMs()
		one := kmsg.NewDeleteTopicsRequestDeleteTopicState()
		one.Name = kbin.Str(name)
		req.Topics = []kmsg.DeleteTopicsRequestDeleteTopicState{one}
		if _, err := kgo.Do(ctx, s.client, req); err != nil {
			s.app.say("the topic %s is left over: %s", name, s.errorText(err))
		}
	}, nil
}
