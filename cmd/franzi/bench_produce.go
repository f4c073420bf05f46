package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"

	"github.com/franzi-kafka/franzi/cmd/franzi/internal/latency"
	"github.com/franzi-kafka/franzi/kgo"
)

// A benchProduce is what franzi bench produce was told, and what it counts.
type benchProduce struct {
	c          connection
	p          producing
	duration   time.Duration
	warmup     time.Duration
	records    int64
	size       int
	keys       int
	rate       float64
	payload    string
	partitions int32
	replicas   int16
	writers    int

	s        *session
	producer *kgo.Producer
	topic    string
	values   [][]byte
	measures atomic.Bool // no longer warming up
	begun    atomic.Int64
	written  atomic.Int64
	failed   atomic.Int64
	latency  latency.Histogram
	failure  atomic.Pointer[error] // the first
}

func (a *app) benchProduceCommand() *cobra.Command {
	var b benchProduce
	cmd := &cobra.Command{
		Use:   "produce [TOPIC]",
		Short: "Measure how fast records are written",
		Long: `produce writes records to a topic, or without one to a topic that it creates and deletes again, and
says how many there were and how long they took: from when they were handed over, or with --rate
from when they were due, until the broker had them. All are timed up to 10,000 a second, and
beyond one in 100. Ctrl-C ends it with the figures so far.`,
		Example: "  franzi bench produce -b localhost:9092\n" +
			"  franzi bench produce orders --size 1000 -z zstd --rate 1000 --duration 30s -o json",
		Args:              takes(0, 1),
		ValidArgsFunction: a.completeTopics(&b.c, false),
		RunE: func(cmd *cobra.Command, args []string) error {
			switch {
			case b.size < 0 || b.keys < 0 || b.rate < 0 || b.records < 0 || b.warmup < 0:
				return misused(cmd, "--size, --keys, --rate, --records and --warmup cannot be below 0")
			case b.duration <= 0 || b.writers < 1:
				return misused(cmd, "--duration and --writers must be above 0")
			}
			if len(args) > 0 {
				b.topic = args[0]
				for _, name := range []string{"partitions", "replicas"} {
					if cmd.Flags().Changed(name) {
						return misused(cmd, "--%s is for a topic of its own, and %s is not", name, b.topic)
					}
				}
			}
			return a.benchProduce(cmd, &b)
		},
	}
	b.c.add(cmd)
	b.p.add(cmd)
	flags := cmd.Flags()
	flags.DurationVar(&b.duration, "duration", 10*time.Second, "how long to measure")
	flags.DurationVar(&b.warmup, "warmup", time.Second, "how long to write before that")
	flags.Int64Var(&b.records, "records", 0, "end after so many records, warm-up included (default as many as there is time for)")
	flags.IntVar(&b.size, "size", 100, "the size of values, in bytes")
	flags.IntVar(&b.keys, "keys", 0, "how many different keys there are; 0 for records without")
	flags.Float64Var(&b.rate, "rate", 0, "records a second (default as fast as they go)")
	flags.StringVar(&b.payload, "payload", "text", "what values are of: text, random or zeros")
	flags.Int32Var(&b.partitions, "partitions", 6, "how many partitions a topic of its own has")
	flags.Int16Var(&b.replicas, "replicas", -1, "how many replicas a topic of its own has; -1 leaves it to the brokers")
	flags.IntVar(&b.writers, "writers", 1, "how many goroutines write")
	for _, name := range []string{"duration", "warmup", "records", "size", "keys", "rate", "partitions", "replicas", "writers"} {
		complete(cmd, name, completeNothing)
	}
	complete(cmd, "payload", cobra.FixedCompletions(payloads, cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

var payloads = []string{"text", "random", "zeros"}

// payloadWords make text that compresses about as text does.
var payloadWords = []string{"order", "customer", "amount", "street", "city", "paid", "open", "shipped", "item", "price", "euro", "name", "date", "red", "green", "blue"}

// values makes different values of a size.
func values(payload string, size int) ([][]byte, error) {
	payload, err := oneOf("payload", payload, payloads)
	if err != nil {
		return nil, err
	}
	random := rand.NewChaCha8([32]byte{})
	draw := rand.New(random)
	all := make([][]byte, 256)
	for i := range all {
		v := make([]byte, size)
		switch payload {
		case "random":
			random.Read(v)
		case "text":
			for n := 0; n < size; {
				n += copy(v[n:], payloadWords[draw.IntN(len(payloadWords))])
				n += copy(v[n:], " "+strconv.Itoa(draw.IntN(10000))+" ")
			}
		}
		all[i] = v
	}
	return all, nil
}

func (a *app) benchProduce(cmd *cobra.Command, b *benchProduce) error {
	var err error
	if b.values, err = values(b.payload, b.size); err != nil {
		return err
	}
	if b.s, err = a.connected(cmd, &b.c); err != nil {
		return err
	}
	defer b.s.close()
	if b.topic == "" {
		name, drop, err := b.s.ownTopic("bench", b.partitions, b.replicas)
		if err != nil {
			return err
		}
		b.topic = name
		defer drop()
	} else if err := b.s.exists(b.topic); err != nil {
		return b.s.wrap(err)
	}
	if b.producer, err = b.p.producer(b.s); err != nil {
		return err
	}
	if err := b.first(); err != nil {
		b.producer.Close()
		return b.s.wrap(err)
	}
	r, err := b.run(cmd.Context(), a)
	if err != nil {
		return err
	}
	if err := a.showBench(r); err != nil {
		return err
	}
	if first := b.failure.Load(); first != nil {
		a.say("%s failed, the first: %s", plural(int(b.failed.Load()), "record", "records"), b.s.errorText(*first))
		return &failure{code: exitCodeOf(*first)}
	}
	return cmd.Context().Err()
}

// first writes a record and waits for it, so that all is connected and known before the clock runs.
func (b *benchProduce) first() error {
	b.s.renew()
	_, err := b.producer.ProduceSync(b.s.ctx, &kgo.Record{Topic: b.topic, Value: b.values[0]})
	return err
}

// run writes until the time is over, and says what came of it.
func (b *benchProduce) run(ctx context.Context, a *app) (*benchReport, error) {
	until, cancel := context.WithTimeout(ctx, b.warmup+b.duration)
	defer cancel()
	var cpu time.Duration
	begin := func() {
		b.written.Store(0)
		b.failed.Store(0)
		b.latency.Take()
		cpu = cpuTime()
		b.begun.Store(time.Now().UnixNano())
		b.measures.Store(true)
	}
	if b.records > 0 {
		begin()
	} else {
		warm := time.AfterFunc(b.warmup, begin)
		defer warm.Stop()
	}
	end := a.follow(func() string {
		if !b.measures.Load() {
			return "warming up"
		}
		n, took := b.written.Load(), b.took()
		return fmt.Sprintf("%.1f s, %s records, %s/s, %s/s", took.Seconds(), many(n), many(int64(rate(n, took))), volume(rate(n*int64(b.size), took)))
	})
	var left atomic.Int64
	left.Store(b.records)
	var writers sync.WaitGroup
	for i := range b.writers {
		writers.Go(func() { b.write(until, i, &left) })
	}
	writers.Wait()
	if b.records > 0 {
		finish(ctx, b.producer)
	}
	r := &benchReport{Topic: b.topic, Settings: b.settings(), Records: b.written.Load(), Failed: b.failed.Load(), LatencyMs: newBenchLatency(b.latency.Take())}
	r.Bytes = r.Records * int64(b.size+b.keySize())
	if b.measures.Load() {
		r.measured(b.took(), cpuTime()-cpu)
	}
	end()
	finish(ctx, b.producer)
	t, _ := b.s.client.Metadata().Topic(b.topic)
	r.Partitions = len(t.Partitions)
	return r, nil
}

func (b *benchProduce) took() time.Duration {
	return time.Duration(time.Now().UnixNano() - b.begun.Load())
}

// sampled is one of how many records is timed when they come fast.
const sampled, slow = 100, 10_000

// write hands over records until ctx ends, or none are left.
func (b *benchProduce) write(ctx context.Context, writer int, left *atomic.Int64) {
	draw := rand.New(rand.NewPCG(uint64(writer), 1))
	pace := newPace(b.rate/float64(b.writers), time.Now())
	r := kgo.Record{Topic: b.topic}
	plain := func(_ kgo.RecordMetadata, err error) { b.done(err) }
	for i := 0; b.records == 0 || left.Add(-1) >= 0; i++ {
		due, ok := pace.wait(ctx)
		if !ok {
			return
		}
		r.Value = b.values[i%len(b.values)]
		if b.keys > 0 {
			r.Key = fmt.Appendf(r.Key[:0], "%0*d", b.keySize(), draw.IntN(b.keys))
		}
		callback := plain
		if b.rate > 0 && b.rate <= slow || i%sampled == 0 {
			if due.IsZero() {
				due = time.Now()
			}
			from := due
			callback = func(_ kgo.RecordMetadata, err error) {
				if err == nil && b.measures.Load() {
					b.latency.Add(time.Since(from))
				}
				b.done(err)
			}
		}
		b.producer.Produce(b.s.cmd.Context(), &r, callback)
	}
}

// done counts an outcome.
func (b *benchProduce) done(err error) {
	switch {
	case err == nil:
		b.written.Add(1)
	case b.s.cmd.Context().Err() == nil:
		b.failed.Add(1)
		b.failure.CompareAndSwap(nil, &err)
	}
}

// keySize is how long keys are.
func (b *benchProduce) keySize() int {
	if b.keys == 0 {
		return 0
	}
	return len(strconv.Itoa(b.keys - 1))
}

func (b *benchProduce) settings() []benchSetting {
	all := []benchSetting{
		{"values", fmt.Sprintf("%d bytes of %s", b.size, b.payload)},
		{"compression", b.p.codec.String()},
		{"acks", b.p.acks.String()},
		{"linger", b.p.linger.String()},
		{"batch-bytes", strconv.Itoa(b.p.batch)},
		{"writers", strconv.Itoa(b.writers)},
	}
	if b.keys > 0 {
		all = append(all, benchSetting{"keys", strconv.Itoa(b.keys)})
	}
	if b.rate > 0 {
		all = append(all, benchSetting{"rate", fmt.Sprintf("%g records/s", b.rate)})
	}
	return all
}
