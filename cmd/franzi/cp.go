package main

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/spf13/cobra"

	"github.com/franzi-kafka/franzi/cmd/franzi/internal/output"
	"github.com/franzi-kafka/franzi/kgo"
)

const cpHelp = `cp copies the records of a topic into another, with their keys, values, headers and timestamps, each
into the partition that it is from. It ends where the partitions end now, unless --follow is given.

Either topic may be one of another cluster: PROFILE:TOPIC, with a profile of the configuration file.
Then -b and other settings of the command line do not go for it.

` + rangesHelp

// A cpCommand is what franzi cp was told.
type cpCommand struct {
	c         connection
	r         reading
	p         producing
	partition string
	follow    bool
	create    bool
}

func (a *app) cpCommand() *cobra.Command {
	var f cpCommand
	cmd := &cobra.Command{
		Use:   "cp SOURCE TARGET",
		Short: "Copy records from one topic to another, or to another cluster",
		Long:  cpHelp,
		Example: "  franzi cp orders orders-copy --create -b localhost:9092\n" +
			"  franzi cp prod:orders test:orders -O -1000\n" +
			"  franzi cp orders wider --to-partition key --follow",
		Args:              takes(2, 2),
		ValidArgsFunction: a.completeTopics(&f.c, true),
		RunE:              func(cmd *cobra.Command, args []string) error { return a.cp(cmd, &f, args[0], args[1]) },
	}
	f.c.add(cmd)
	noExplain(cmd)
	cmd.Flags().Lookup("timeout").Usage = "how long connecting may take, and each record (default for records 2m)"
	f.r.add(cmd)
	f.p.add(cmd)
	flags := cmd.Flags()
	flags.BoolVar(&f.follow, "follow", false, "go on as records come")
	flags.BoolVar(&f.create, "create", false, "create the target, with as many partitions as the source has")
	flags.StringVar(&f.partition, "to-partition", "same", "which partition records go to: same, or key, to choose by their keys")
	complete(cmd, "to-partition", cobra.FixedCompletions([]string{"same", "key"}, cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

// side opens the session for one of the topics: that of the flags, unless a profile is named.
func (a *app) side(cmd *cobra.Command, c *connection, arg string) (*session, string, error) {
	profile, topic, other := strings.Cut(arg, ":")
	if !other {
		topic = arg
	} else if profile == "" {
		return nil, "", misused(cmd, "%q is neither TOPIC nor PROFILE:TOPIC", arg)
	}
	if topic == "" || isPattern(topic) {
		return nil, "", misused(cmd, "%q is no topic", topic)
	}
	own := *c
	if other {
		own.profile, own.set, own.file = profile, nil, ""
	}
	s, err := a.connected(cmd, &own)
	return s, topic, err
}

// A copiedPartition is what was copied of a partition.
type copiedPartition struct {
	Partition int32 `json:"partition"` // of the source
	From      int64 `json:"from"`      // offset of the first record
	Next      int64 `json:"next"`      // where another copy would go on
	Records   int64 `json:"records"`   // that are written
}

func (a *app) cp(cmd *cobra.Command, f *cpCommand, from, to string) error {
	if _, err := oneOf("choice of partitions", f.partition, []string{"same", "key"}); err != nil {
		return err
	}
	if f.c.explain {
		return misused(cmd, "--explain shows nothing of this: see consume and produce")
	}
	src, source, err := a.side(cmd, &f.c, from)
	if err != nil {
		return err
	}
	defer src.close()
	dst, target, err := a.side(cmd, &f.c, to)
	if err != nil {
		return err
	}
	defer dst.close()
	src.renew() // connecting the other one may have taken long
	if id := src.client.Metadata().ClusterID(); source == target && id != "" && id == dst.client.Metadata().ClusterID() {
		return misused(cmd, "%s would be copied into itself", source)
	}
	topics, err := src.topics([]string{source}, true)
	if err != nil {
		return err
	}
	if err := f.prepare(dst, target, len(topics[0].Partitions)); err != nil {
		return err
	}
	var opts []kgo.ProducerOption
	if f.partition == "same" {
		opts = append(opts, kgo.Partitioning(kgo.ManualPartitioner()))
	}
	p, err := f.p.producer(dst, opts...)
	if err != nil {
		return err
	}
	rd, err := f.r.open(src, topics, !f.follow)
	if err != nil {
		p.Close()
		return err
	}
	o := newOutcomes(dst)
	o.show = nil // the result is another one
	return f.copy(cmd, a, rd, p, o, target)
}

// prepare looks whether the target can take the records, or creates it.
func (f *cpCommand) prepare(dst *session, target string, partitions int) error {
	if f.create {
		_, err := dst.create(newTopic(target, int32(partitions), -1))
		if err == nil {
			dst.settle(target)
			return nil
		}
		if err == errNoCreation { // it gets as many as the brokers like
			_, err = dst.letCreate(newTopic(target, -1, -1))
		}
		if err != nil {
			return dst.wrap(err)
		}
	}
	topics, err := dst.topics([]string{target}, true)
	if err != nil {
		return err
	}
	if n := len(topics[0].Partitions); n < partitions && f.partition == "same" {
		return failed("%s has %s, and the source has %d: say --to-partition key, or grow it", target, plural(n, "partition", "partitions"), partitions)
	}
	return nil
}

// A copying is a partition that is being copied.
type copying struct {
	copiedPartition
	mu     sync.Mutex
	failed int64 // the first offset that was not written, -1 for none
}

func (c *copying) done(offset int64, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case err == nil:
		c.Records++
		c.Next = max(c.Next, offset+1)
	case c.failed < 0 || offset < c.failed:
		c.failed = offset
	}
}

// result is what was copied, when all is over.
func (c *copying) result() copiedPartition {
	c.mu.Lock()
	defer c.mu.Unlock()
	r := c.copiedPartition
	if c.failed >= 0 {
		r.Next = min(r.Next, c.failed)
	}
	return r
}

// copy copies until reading ends, or something is not written: what came behind it would be out of
// order.
func (f *cpCommand) copy(cmd *cobra.Command, a *app, rd *reader, p *kgo.Producer, o *outcomes, target string) error {
	parts := map[int32]*copying{}
	end := a.follow(o.progress)
	enough := func() error {
		if o.failures() > 0 {
			return errEnough
		}
		return nil
	}
	var n int64
	err := rd.run(cmd.Context(), func(r *kgo.Record) error {
		part, size, offset := parts[r.Partition], int64(len(r.Key)+len(r.Value)), r.Offset
		if part == nil {
			part = &copying{copiedPartition: copiedPartition{Partition: r.Partition, From: offset, Next: offset}, failed: -1}
			parts[r.Partition] = part
		}
		n++
		number := n
		r.Topic = target
		p.Produce(cmd.Context(), r, func(_ kgo.RecordMetadata, err error) {
			o.done(number, size, err)
			part.done(offset, err)
		})
		return enough()
	}, enough)
	told := rd.close()
	flushErr := finish(cmd.Context(), p)
	end()
	if err == errEnough {
		err = nil // the verdict has it
	}
	if err := a.showCopied(parts); err != nil {
		return err
	}
	if err := o.verdict(err, flushErr); err != nil {
		return err
	}
	return told
}

func (a *app) showCopied(parts map[int32]*copying) error {
	all := []copiedPartition{}
	for _, p := range parts {
		all = append(all, p.result())
	}
	slices.SortFunc(all, func(x, y copiedPartition) int { return cmp.Compare(x.Partition, y.Partition) })
	return a.write(output.TableFormat, output.Result{Value: all, Table: func(t *output.Table) {
		t.Heading("PARTITION", "FROM", "NEXT", "RECORDS")
		for _, p := range all {
			t.Row(strconv.Itoa(int(p.Partition)), strconv.FormatInt(p.From, 10), strconv.FormatInt(p.Next, 10), strconv.FormatInt(p.Records, 10))
		}
	}})
}
