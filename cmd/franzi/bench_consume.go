package main

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"

	"github.com/franzi-kafka/franzi/kgo"
	"github.com/franzi-kafka/franzi/kmsg"
)

// A benchConsume is what franzi bench consume was told, and what it counts.
type benchConsume struct {
	c        connection
	r        reading
	fill     benchProduce // of a topic of its own
	api      string
	duration time.Duration

	begun   time.Time
	records atomic.Int64
	bytes   atomic.Int64
}

// The ways to consume.
const (
	byBatch  = "batches"
	byRecord = "records"
)

func (a *app) benchConsumeCommand() *cobra.Command {
	var b benchConsume
	cmd := &cobra.Command{
		Use:   "consume [TOPIC]",
		Short: "Measure how fast records are read",
		Long: `consume reads a topic to its end, or without one a topic that it creates, fills and deletes again,
and says how many records that were and how long they took, the first question to the brokers
included. Ctrl-C ends it with the figures so far.

` + rangesHelp,
		Example: "  franzi bench consume orders -b localhost:9092\n" +
			"  franzi bench consume --records 5000000 --size 1000 -z zstd",
		Args:              takes(0, 1),
		ValidArgsFunction: a.completeTopics(&b.c, false),
		RunE: func(cmd *cobra.Command, args []string) error {
			api, err := oneOf("way to consume", b.api, []string{byBatch, byRecord})
			if err != nil {
				return err
			}
			b.api = api
			switch {
			case b.fill.records < 1 || b.fill.partitions < 1:
				return misused(cmd, "--records and --partitions must be above 0")
			case b.api == byRecord && b.r.offsets.bounded:
				return misused(cmd, "with --api records there is no end to --offsets")
			case b.fill.size < 0 || b.duration < 0:
				return misused(cmd, "--size and --duration cannot be below 0")
			}
			if len(args) > 0 {
				for _, name := range []string{"records", "size", "payload", "partitions", "replicas", "compression"} {
					if cmd.Flags().Changed(name) {
						return misused(cmd, "--%s is for a topic of its own, and %s is not", name, args[0])
					}
				}
				b.fill.topic = args[0]
			}
			return a.benchConsume(cmd, &b)
		},
	}
	b.c.add(cmd)
	b.r.add(cmd)
	flags := cmd.Flags()
	flags.StringVar(&b.api, "api", byBatch, "how the consumer is asked: batches, or records, which are copies")
	flags.DurationVar(&b.duration, "duration", 0, "end after that time (default at the end of the partitions)")
	flags.Int64Var(&b.fill.records, "records", 1_000_000, "how many records a topic of its own has")
	flags.IntVar(&b.fill.size, "size", 100, "the size of their values, in bytes")
	flags.StringVar(&b.fill.payload, "payload", "text", "what values are of: text, random or zeros")
	flags.Int32Var(&b.fill.partitions, "partitions", 6, "how many partitions a topic of its own has")
	flags.Int16Var(&b.fill.replicas, "replicas", -1, "how many replicas a topic of its own has; -1 leaves it to the brokers")
	b.fill.p.init()
	flags.VarP(&b.fill.p.codec, "compression", "z", "how a topic of its own is compressed: none, gzip, snappy, lz4, zstd, or zstd:9")
	complete(cmd, "api", cobra.FixedCompletions([]string{byBatch, byRecord}, cobra.ShellCompDirectiveNoFileComp))
	complete(cmd, "payload", cobra.FixedCompletions(payloads, cobra.ShellCompDirectiveNoFileComp))
	complete(cmd, "compression", cobra.FixedCompletions(codecNames(), cobra.ShellCompDirectiveNoFileComp))
	for _, name := range []string{"duration", "records", "size", "partitions", "replicas"} {
		complete(cmd, name, completeNothing)
	}
	return cmd
}

func (a *app) benchConsume(cmd *cobra.Command, b *benchConsume) error {
	s, err := a.connected(cmd, &b.c)
	if err != nil {
		return err
	}
	defer s.close()
	own := b.fill.topic == ""
	if own {
		name, drop, err := s.ownTopic("bench", b.fill.partitions, b.fill.replicas)
		if err != nil {
			return err
		}
		b.fill.topic = name
		defer drop()
		if err := b.write(cmd.Context(), a, s); err != nil {
			return err
		}
		s.renew()
	}
	topics, err := s.topics([]string{b.fill.topic}, true)
	if err != nil {
		return err
	}
	r := &benchReport{Topic: b.fill.topic, Partitions: len(topics[0].Partitions), Settings: []benchSetting{{"api", b.api}, {"offsets", b.r.offsets.String()}}}
	if own {
		r.Settings = append(r.Settings, benchSetting{"values", fmt.Sprintf("%d bytes of %s", b.fill.size, b.fill.payload)}, benchSetting{"compression", b.fill.p.codec.String()})
	}
	if err := b.read(cmd.Context(), a, s, topics, r); err != nil {
		return s.wrap(err)
	}
	if err := a.showBench(r); err != nil {
		return err
	}
	return cmd.Context().Err()
}

// write fills the topic.
func (b *benchConsume) write(ctx context.Context, a *app, s *session) (err error) {
	f := &b.fill
	f.s, f.writers, f.duration = s, 1, 24*time.Hour
	if f.values, err = values(f.payload, f.size); err != nil {
		return err
	}
	if f.producer, err = f.p.producer(s); err != nil {
		return err
	}
	if _, err := f.run(ctx, a); err != nil {
		return err
	}
	if first := f.failure.Load(); first != nil {
		return s.wrap(*first)
	}
	return ctx.Err()
}

// read reads the topic, and counts.
func (b *benchConsume) read(ctx context.Context, a *app, s *session, topics []*kmsg.MetadataResponseTopic, r *benchReport) error {
	if b.duration > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, b.duration)
		defer cancel()
	}
	b.begun = time.Now()
	cpu := cpuTime()
	rd, err := b.r.open(s, topics, true)
	if err != nil {
		return err
	}
	end := a.follow(b.progress)
	count := func(rec *kgo.Record) error {
		b.records.Add(1)
		b.bytes.Add(int64(len(rec.Key) + len(rec.Value)))
		return nil
	}
	if b.api == byRecord {
		err = b.oneByOne(ctx, rd, count)
	} else {
		err = rd.run(ctx, count, func() error { return nil })
	}
	took, used := time.Since(b.begun), cpuTime()-cpu
	end()
	told := rd.close()
	if err != nil && ctx.Err() == nil {
		return err
	}
	r.Records, r.Bytes = b.records.Load(), b.bytes.Load()
	r.measured(took, used)
	return told
}

func (b *benchConsume) oneByOne(ctx context.Context, rd *reader, count func(*kgo.Record) error) error {
	for rec, err := range rd.c.Records(ctx) {
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil:
			if err := rd.trouble(err); err != nil {
				return err
			}
		default:
			count(rec)
		}
	}
	return nil
}

func (b *benchConsume) progress() string {
	n, took := b.records.Load(), time.Since(b.begun)
	return fmt.Sprintf("%.1f s, %s records, %s/s, %s/s", took.Seconds(), many(n), many(int64(rate(n, took))), volume(rate(b.bytes.Load(), took)))
}
