package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/franzi-kafka/franzi/kgo"
	"github.com/franzi-kafka/franzi/kmsg"
)

// reading has the flags that say what to read of topics.
type reading struct {
	offsets     rangeFlag
	partitions  []int32
	uncommitted bool
	buffer      int64
}

func (r *reading) add(cmd *cobra.Command) {
	r.offsets = rangeFlag{text: "start", from: spot{kind: spotFromStart}}
	flags := cmd.Flags()
	flags.VarP(&r.offsets, "offsets", "O", "what to read of each partition: FROM or FROM..TO")
	flags.Int32SliceVar(&r.partitions, "partition", nil, "only these partitions")
	flags.Lookup("partition").DefValue = ""
	flags.BoolVar(&r.uncommitted, "uncommitted", false, "also records of transactions that are open or were aborted")
	flags.Int64Var(&r.buffer, "fetch-bytes", 64<<20, "how many bytes may be fetched ahead")
	for _, name := range []string{"offsets", "partition", "fetch-bytes"} {
		complete(cmd, name, completeNothing)
	}
}

// rangesHelp says how ranges are written, for help.
const rangesHelp = `Ranges of -O are FROM or FROM..TO, in each partition, TO not included. Either is an offset, or
start, end, +N and -N (so many behind the start, before the end), @TIME, @now, or -1h. With TO
it ends there, or where the partition ends now.`

// A reader reads what was asked for.
type reader struct {
	s        *session
	c        *kgo.Consumer
	limits   map[place]int64 // offsets at which to stop; those that are not reached yet
	bounded  bool
	troubled bool // something was told
}

// open begins to read topics: to their ends, or on and on.
func (r *reading) open(s *session, topics []*kmsg.MetadataResponseTopic, toEnd bool) (*reader, error) {
	rd := &reader{s: s, bounded: r.offsets.bounded, limits: map[place]int64{}}
	opts := []kgo.ConsumerOption{kgo.StartAt(r.offsets.from.start()), kgo.FetchBufferBytes(r.buffer)}
	if part := int(min(r.buffer, 1<<20)); r.buffer < 1<<20 {
		opts = append(opts, kgo.FetchPartitionBytes(part))
	}
	if toEnd || rd.bounded {
		opts = append(opts, kgo.StopAtEnd())
	}
	if r.uncommitted {
		opts = append(opts, kgo.Isolation(kmsg.IsolationReadUncommitted))
	}
	parts := map[string][]int32{}
	for _, t := range topics {
		if t.ErrorCode != kmsg.None {
			return nil, failed("%s: %s", t.Name.S, strings.TrimSuffix(t.ErrorCode.Error(), "."))
		}
		name := t.Name.S
		for _, n := range r.partitions {
			if !slices.ContainsFunc(t.Partitions, func(p kmsg.MetadataResponsePartition) bool { return p.PartitionIndex == n }) {
				return nil, failed("%s has no partition %d", name, n)
			}
		}
		switch {
		case len(r.partitions) > 0:
			parts[name] = r.partitions
		case rd.bounded:
			for i := range t.Partitions {
				parts[name] = append(parts[name], t.Partitions[i].PartitionIndex)
			}
		default:
			opts = append(opts, kgo.Topics(name))
		}
	}
	if r.offsets.from.kind == spotTime || rd.bounded && r.offsets.to.kind == spotTime {
		if newest, known := s.told(kmsg.KeyListOffsets); known && newest == 0 {
			s.app.say("brokers before Kafka 0.10.1 know the times of segments only: a time stands for the begin of one that has it")
		}
	}
	if rd.bounded {
		for name, list := range parts {
			spots, err := s.find(name, list, r.offsets.to)
			if err != nil {
				return nil, err
			}
			for n, f := range spots {
				rd.limits[place{name, n}] = f.at
			}
		}
	}
	opts = append(opts, kgo.Assign(parts))
	beyond, err := r.beyond(s, topics)
	if err != nil {
		return nil, err
	}
	opts = append(opts, beyond...)
	c, err := s.client.NewConsumer(opts...)
	if err != nil {
		return nil, misused(s.cmd, "%s", strings.ReplaceAll(strings.NewReplacer("FetchBufferBytes", "--fetch-bytes", "FetchPartitionBytes", "--fetch-bytes").Replace(err.Error()), "\n", "; "))
	}
	rd.c = c
	return rd, nil
}

// beyond tells of partitions that end before the offset at which to start, and lets them be read from
// their ends: to a consumer such an offset is one that was lost. If it is so of all, that is an
// error.
func (r *reading) beyond(s *session, topics []*kmsg.MetadataResponseTopic) (opts []kgo.ConsumerOption, err error) {
	if r.offsets.from.kind != spotOffset || s.app.explains != nil {
		return nil, nil
	}
	all := 0
	var texts []string
	for _, t := range topics {
		list := r.partitions
		if len(list) == 0 {
			for i := range t.Partitions {
				list = append(list, t.Partitions[i].PartitionIndex)
			}
		}
		ends, err := s.offsets(t.Name.S, list, kmsg.TimestampLatest)
		if err != nil {
			return nil, err
		}
		for _, n := range list {
			all++
			if ends[n] < r.offsets.from.n {
				opts = append(opts, kgo.StartPartitionAt(t.Name.S, n, kgo.Latest()))
				texts = append(texts, fmt.Sprintf("%s/%d ends at %d, before offset %d", t.Name.S, n, ends[n], r.offsets.from.n))
			}
		}
	}
	if all > 0 && len(texts) == all {
		return nil, failed("%s", strings.Join(texts, "; "))
	}
	for _, text := range texts {
		s.app.say("%s", text)
	}
	return opts, nil
}

// errEnough ends reading where the command wants it to.
var errEnough = errors.New("enough")

// run calls do with each record, which is good until do returns, and after calls flush when there is
// nothing more at the moment. It ends where it was to, with an error of these, or with ctx.
func (rd *reader) run(ctx context.Context, do func(*kgo.Record) error, flush func() error) error {
	if rd.s.app.explains != nil {
		return rd.explain(ctx)
	}
	for {
		batches, err := rd.c.Poll(ctx)
		for _, b := range batches {
			if err := rd.walk(b, do); err != nil {
				if err == errEnough {
					return flush()
				}
				return err
			}
		}
		if err := flush(); err != nil {
			return err
		}
		switch {
		case rd.bounded && len(rd.limits) == 0, err == io.EOF:
			return nil
		case ctx.Err() != nil:
			return ctx.Err()
		}
		for _, e := range parted(err) {
			if e != nil {
				if err := rd.trouble(e); err != nil {
					return err
				}
			}
		}
	}
}

func (rd *reader) walk(b *kgo.Batch, do func(*kgo.Record) error) error {
	at := place{b.Topic, b.Partition}
	limit, limited := rd.limits[at]
	if rd.bounded && !limited {
		b.Release() // came before the partition was removed
		return nil
	}
	for r := range b.Records() {
		if limited && r.Offset >= limit {
			break
		}
		if err := do(r); err != nil {
			return err
		}
	}
	if limited && b.NextOffset() >= limit {
		delete(rd.limits, at)
		rd.c.RemovePartitions(map[string][]int32{b.Topic: {b.Partition}})
	}
	if b.Err() == nil { // or else it is told next
		b.Release()
	}
	return nil
}

// trouble tells what is wrong with a partition, and goes on behind what cannot be read. The error is
// for what does not pass.
func (rd *reader) trouble(err error) error {
	rd.troubled = true
	var e *kgo.Error
	if !errors.As(err, &e) || errors.Is(err, kmsg.TopicAuthorizationFailed) || errors.Is(err, kmsg.SASLAuthenticationFailed) {
		return rd.s.wrap(err)
	}
	text := rd.s.errorText(err)
	var bad *kgo.BatchError
	if errors.As(err, &bad) {
		if next, err := rd.c.Skip(e.Topic, e.Partition); err == nil && next >= 0 {
			text += fmt.Sprintf("; it goes on at offset %d", next)
		}
	}
	rd.s.app.say("%s", text)
	return nil
}

// explain waits until a request that is to be shown was kept back.
func (rd *reader) explain(ctx context.Context) error {
	t := time.NewTicker(5 * time.Millisecond)
	defer t.Stop()
	for !rd.s.explained() {
		select {
		case <-t.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// close ends reading. Its error is for what was told before.
func (rd *reader) close() error {
	ctx, cancel := context.WithTimeout(context.Background(), flushMax)
	defer cancel()
	rd.c.Shutdown(ctx)
	if rd.troubled {
		return errSaid()
	}
	return nil
}
