package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/franzi-kafka/franzi/cmd/franzi/internal/ledger"
	"github.com/franzi-kafka/franzi/cmd/franzi/internal/output"
	"github.com/franzi-kafka/franzi/cmd/franzi/internal/settings"
	"github.com/franzi-kafka/franzi/kgo/ktest"
	"github.com/franzi-kafka/franzi/kmsg"
)

const demoHelp = `demo runs a Kafka cluster in memory, writes records to it and reads them at the same time, kills a
broker in the middle and brings it back, and counts at the end: every record that was acknowledged
must have been read, once, in order, and as it was written. The exit code is 1 if that is not so.
With --acks 0 no record is acknowledged, and so none can be lost: what was not read is missing.

With -b or -p it runs on a real cluster, in a topic that it creates and deletes again; there it
kills nobody. Ctrl-C ends it with the count.`

// A demo is what franzi demo was told, and what it is made of.
type demo struct {
	c          connection
	p          producing
	duration   time.Duration
	rate       float64
	size       int
	nodes      int
	partitions int32
	replicas   int16
	writers    int
	readers    int

	s       *session
	cluster *ktest.Cluster // nil for a real one
	topic   string
	down    int32 // the broker that was killed, 0 for none
	work    *demoWork
	view    demoView
}

func (a *app) demoCommand() *cobra.Command {
	var d demo
	cmd := &cobra.Command{
		Use:               "demo",
		Short:             "See records go through a cluster, and prove that none is lost",
		Long:              demoHelp,
		Example:           "  franzi demo\n  franzi demo --rate 0 --duration 30s -z zstd\n  franzi demo -b localhost:9092",
		Args:              takes(0, 0),
		ValidArgsFunction: completeNothing,
		RunE: func(cmd *cobra.Command, _ []string) error {
			switch {
			case d.duration <= 0 || d.nodes < 1 || d.partitions < 1 || d.writers < 1 || d.readers < 1:
				return misused(cmd, "--duration, --nodes, --partitions, --producers and --consumers must be above 0")
			case d.rate < 0:
				return misused(cmd, "--rate cannot be below 0")
			case d.size < ledger.MinSize:
				return misused(cmd, "--size must be at least %d", ledger.MinSize)
			case d.c.explain:
				return misused(cmd, "--explain shows nothing of this")
			}
			return a.demo(cmd, &d)
		},
	}
	d.c.add(cmd)
	noExplain(cmd)
	d.p.add(cmd)
	flags := cmd.Flags()
	flags.DurationVar(&d.duration, "duration", 10*time.Second, "how long to write")
	flags.Float64Var(&d.rate, "rate", 50_000, "records a second; 0 for as fast as they go")
	flags.IntVar(&d.size, "size", 100, "the size of values, in bytes")
	flags.IntVar(&d.nodes, "nodes", 3, "how many brokers the cluster in memory has")
	flags.Int32Var(&d.partitions, "partitions", 12, "how many partitions the topic has")
	flags.Int16Var(&d.replicas, "replicas", -1, "how many replicas each has; -1 leaves it to the brokers")
	flags.IntVar(&d.writers, "producers", 2, "how many producers there are")
	flags.IntVar(&d.readers, "consumers", 2, "how many consumers there are")
	for _, name := range []string{"duration", "rate", "size", "nodes", "partitions", "replicas", "producers", "consumers"} {
		complete(cmd, name, completeNothing)
	}
	return cmd
}

// A demoReport is what came of it all.
type demoReport struct {
	Brokers    int     `json:"brokers"`
	Partitions int32   `json:"partitions"`
	Seconds    float64 `json:"seconds"`
	ledger.Balance
	Right     bool          `json:"right"`
	ProduceMs *benchLatency `json:"produceMs"` // from handed over to acknowledged, or sent
	WholeMs   *benchLatency `json:"wholeMs"`   // from handed over to read
}

// inMemory reports whether no cluster was named.
func (d *demo) inMemory(cmd *cobra.Command) bool {
	for _, name := range []string{"brokers", "profile", "command-config", "set"} {
		if cmd.Flags().Changed(name) {
			return false
		}
	}
	return true
}

// acknowledged reports whether brokers say what they have.
func (d *demo) acknowledged() bool { return kmsg.Acks(d.p.acks) != kmsg.AcksNone }

// sessionTimeout is how long the brokers in memory take until they notice that one is gone: less than
// Kafka's 9 seconds, as nobody wants to look at that for so long.
const sessionTimeout = time.Second

// start makes a session with a cluster in memory.
func (d *demo) start(cmd *cobra.Command, a *app) (err error) {
	d.cluster, err = ktest.Start(ktest.Brokers(d.nodes), ktest.SessionTimeout(sessionTimeout), ktest.Property("min.insync.replicas", strconv.Itoa(min(2, d.nodes))))
	if err != nil {
		return failed("%s", strings.ReplaceAll(err.Error(), "ktest: ", ""))
	}
	if d.replicas < 0 {
		d.replicas = int16(min(3, d.nodes))
	}
	a.dial = d.cluster.DialContext
	a.environ = nil // it is about another cluster
	d.c.set = append(d.c.set, settings.Assignment{Key: "bootstrap.servers", Value: strings.Join(d.cluster.Addrs(), ","), From: "-b"})
	return nil
}

func (a *app) demo(cmd *cobra.Command, d *demo) (err error) {
	if d.inMemory(cmd) {
		if err := d.start(cmd, a); err != nil {
			return err
		}
		defer d.cluster.Close()
	}
	if d.s, err = a.connected(cmd, &d.c); err != nil {
		return err
	}
	defer d.s.close()
	name, drop, err := d.s.ownTopic("demo", d.partitions, d.replicas)
	if err != nil {
		return err
	}
	defer drop()
	d.topic = name
	if d.work, err = newDemoWork(d); err != nil {
		return err
	}
	d.view.begin(a, d)
	report, err := d.run(cmd.Context())
	d.view.end()
	if err != nil {
		return err
	}
	return a.showDemo(d, report)
}

// run writes and reads until the time is over, and counts.
func (d *demo) run(ctx context.Context) (*demoReport, error) {
	until, cancel := context.WithTimeout(ctx, d.duration)
	defer cancel()
	w := d.work
	brokers := len(d.s.client.Metadata().Brokers())
	w.begin(until)
	acts := d.acts()
	tick := time.NewTicker(d.view.every())
	defer tick.Stop()
	for running := true; running; {
		var next <-chan time.Time
		if len(acts) > 0 {
			next = time.After(time.Until(w.begun.Add(acts[0].at)))
		}
		select {
		case <-tick.C:
			d.view.show()
		case <-next:
			acts[0].do()
			acts = acts[1:]
		case <-until.Done():
			running = false
		}
	}
	for _, act := range acts {
		if act.always {
			act.do() // nobody can count what is on a dead broker
		}
	}
	took := time.Since(w.begun)
	d.view.event("all is written; the rest is read")
	w.finish(tick.C, d.view.show)
	r := &demoReport{Brokers: brokers, Partitions: d.partitions, Seconds: took.Seconds(), Balance: w.ledger.End()}
	r.Right = r.Balance.Right()
	r.ProduceMs, r.WholeMs = newBenchLatency(w.produced.total()), newBenchLatency(w.whole.total())
	return r, nil
}

// An act is something that happens to the cluster.
type act struct {
	at     time.Duration
	always bool // also when the time is over before
	do     func()
}

// acts is the drama: a broker is killed, comes back, and leads again.
func (d *demo) acts() []act {
	if d.cluster == nil {
		return nil
	}
	var victim int32
	var led []int32
	return []act{
		{at: d.duration * 3 / 10, do: func() {
			victim, led = d.busiest()
			d.view.event("broker %d, which leads %s, is killed", victim, plural(len(led), "partition", "partitions"))
			d.cluster.Kill(victim)
			d.down = victim
		}},
		{at: d.duration * 6 / 10, always: true, do: func() {
			if victim == 0 {
				return
			}
			if err := d.cluster.Start(victim); err != nil {
				d.view.event("broker %d does not start: %v", victim, err)
				return
			}
			d.down = 0
			d.view.event("broker %d is back", victim)
		}},
		{at: d.duration * 8 / 10, do: func() {
			moved := 0
			for _, p := range led {
				if d.cluster.MoveLeader(d.topic, p, victim) == nil {
					moved++
				}
			}
			d.view.event("broker %d leads %s again", victim, plural(moved, "partition", "partitions"))
		}},
	}
}

// busiest is the broker that leads most partitions.
func (d *demo) busiest() (id int32, led []int32) {
	by := map[int32][]int32{}
	for i, p := range d.cluster.Partitions(d.topic) {
		by[p.Leader] = append(by[p.Leader], int32(i))
		if n := len(by[p.Leader]); n > len(led) || n == len(led) && p.Leader > id {
			id, led = p.Leader, by[p.Leader]
		}
	}
	return id, led
}

func (a *app) showDemo(d *demo, r *demoReport) error {
	where := "a real cluster"
	if d.cluster != nil {
		where = "memory"
	}
	err := a.write(output.TableFormat, output.Result{Value: r, Table: func(t *output.Table) {
		t.Row("cluster", fmt.Sprintf("%s in %s, %s, %s and %s", plural(r.Brokers, "broker", "brokers"), where, plural(int(r.Partitions), "partition", "partitions"),
			plural(d.writers, "producer", "producers"), plural(d.readers, "consumer", "consumers")))
		done, known, away, n := "written", "acknowledged", "lost", r.Lost
		if !d.acknowledged() {
			done, known, away, n = "sent", "sent", "missing", r.Missing
		}
		t.Row(done, fmt.Sprintf("%s records in %.1f s, %s failed", many(r.Done()), r.Seconds, many(r.Failed)))
		t.Row("read", many(r.Read)+" records")
		t.Row(away, many(n))
		t.Row("doubled", many(r.Doubled))
		t.Row("out of order", many(r.OutOfOrder))
		t.Row("changed", many(r.Corrupt))
		if r.Unordered+r.Pending != 0 {
			t.Row("told wrongly", many(r.Unordered+r.Pending))
		}
		for _, l := range []struct {
			name string
			ms   *benchLatency
		}{{known, r.ProduceMs}, {"read", r.WholeMs}} {
			if l.ms != nil {
				t.Row(l.name+" after", fmt.Sprintf("p50 %.4g ms, p99 %.4g, max %.4g", l.ms.P50, l.ms.P99, l.ms.Max))
			}
		}
	}})
	if err == nil && r.Sent > 0 {
		a.say("with --acks 0 nobody acknowledges a record, so nothing was promised of the %s that are missing, %s doubled and %s out of order", many(r.Missing), many(r.Doubled), many(r.OutOfOrder))
	}
	switch {
	case err != nil:
		return err
	case !r.Right && r.Sent > 0:
		return &failure{code: exitFailed, text: "records were changed, or their writers not told", final: true}
	case !r.Right:
		return &failure{code: exitFailed, text: "not every record was read once and in order", final: true}
	case r.Failed > 0:
		return &failure{code: exitFailed, text: many(r.Failed) + " records failed, as their writers were told", final: true}
	case r.Done() == 0:
		return &failure{code: exitFailed, text: "no record was written", final: true}
	}
	return nil
}
