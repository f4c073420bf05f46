package main

import (
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/franzi-kafka/franzi/kgo"
	"github.com/franzi-kafka/franzi/kmsg"
	"github.com/franzi-kafka/franzi/kmsg/compress"
)

// producing has the flags that say how records are written.
type producing struct {
	codec  codecFlag
	acks   acksFlag
	linger time.Duration
	batch  int
}

// init sets what counts without flags.
func (p *producing) init() {
	*p = producing{codec: codecFlag{compress.Settings{Codec: compress.LZ4}}, acks: acksFlag(kmsg.AcksAll), linger: 5 * time.Millisecond, batch: 1_000_000}
}

func (p *producing) add(cmd *cobra.Command) {
	p.init()
	flags := cmd.Flags()
	flags.VarP(&p.codec, "compression", "z", "none, gzip, snappy, lz4 or zstd, or one with a level: zstd:9")
	flags.Var(&p.acks, "acks", "who must have a record: all that are in sync, 1 for the leader, 0 for nobody")
	flags.DurationVar(&p.linger, "linger", p.linger, "how long a batch may wait for more while a request is under way")
	flags.IntVar(&p.batch, "batch-bytes", p.batch, "how large a batch, and so a record, may be")
	complete(cmd, "compression", cobra.FixedCompletions(codecNames(), cobra.ShellCompDirectiveNoFileComp))
	complete(cmd, "acks", cobra.FixedCompletions([]string{"all", "1", "0"}, cobra.ShellCompDirectiveNoFileComp))
	complete(cmd, "linger", completeNothing)
	complete(cmd, "batch-bytes", completeNothing)
}

// producer makes a producer of what flags say. How long a record may take is the client's default,
// unless --timeout says it.
func (p *producing) producer(s *session, more ...kgo.ProducerOption) (*kgo.Producer, error) {
	opts := append([]kgo.ProducerOption{
		kgo.Compression(p.codec.Codec, p.codec.Level), kgo.RequiredAcks(kmsg.Acks(p.acks)),
		kgo.Linger(p.linger), kgo.BatchBytes(p.batch), kgo.TopicTimeout(s.flags.timeout),
	}, more...)
	if s.cmd.Flags().Changed("timeout") {
		opts = append(opts, kgo.DeliveryTimeout(s.flags.timeout))
	}
	if s.flags.explain {
		opts = append(opts, kgo.ProduceRetries(1))
	}
	producer, err := s.client.NewProducer(opts...)
	if err != nil {
		return nil, misused(s.cmd, "%s", strings.ReplaceAll(strings.NewReplacer("BatchBytes", "--batch-bytes", "Linger", "--linger", "Compression", "--compression", "compress: ", "").Replace(err.Error()), "\n", "; "))
	}
	return producer, nil
}

// A codecFlag is how records are compressed.
type codecFlag struct{ compress.Settings }

func codecNames() []string {
	var names []string
	for c := compress.None; c <= compress.Zstd; c++ {
		names = append(names, c.String())
	}
	return names
}

// Set reads NAME or NAME:LEVEL.
func (f *codecFlag) Set(s string) error {
	name, level, leveled := strings.Cut(s, ":")
	if _, err := oneOf("codec", name, codecNames()); err != nil {
		return err
	}
	codec, err := compress.ParseCodec(strings.ToLower(name))
	if err != nil {
		return err
	}
	f.Settings = compress.Settings{Codec: codec}
	if leveled {
		if f.Level, err = strconv.Atoi(level); err != nil {
			return errors.New(strconv.Quote(level) + " is no level")
		}
	}
	if err := f.Check(); err != nil {
		return errors.New(strings.TrimPrefix(err.Error(), "compress: "))
	}
	return nil
}

// String returns what was given.
func (f *codecFlag) String() string {
	if f.Level != 0 {
		return f.Codec.String() + ":" + strconv.Itoa(f.Level)
	}
	return f.Codec.String()
}

// Type names what the flag takes, for help.
func (*codecFlag) Type() string { return "codec" }

// An acksFlag is which replicas must have a record.
type acksFlag kmsg.Acks

// Set reads all, 1 or 0.
func (f *acksFlag) Set(s string) error {
	switch s {
	case "all", "-1":
		*f = acksFlag(kmsg.AcksAll)
	case "1":
		*f = acksFlag(kmsg.AcksLeader)
	case "0":
		*f = acksFlag(kmsg.AcksNone)
	default:
		return errors.New(strconv.Quote(s) + " is none of all, 1 and 0")
	}
	return nil
}

// String returns what was given.
func (f *acksFlag) String() string {
	if kmsg.Acks(*f) == kmsg.AcksAll {
		return "all"
	}
	return strconv.Itoa(int(*f))
}

// Type names what the flag takes, for help.
func (*acksFlag) Type() string { return "acks" }

// A partitionFlag says which partitions records go to.
type partitionFlag struct {
	n   int32
	set bool // to n
	key bool // chosen by the key, whatever the record says
}

func (f *partitionFlag) add(cmd *cobra.Command) {
	cmd.Flags().Var(f, "partition", "the partition of all records; or key, to choose by the key even where input names one")
	complete(cmd, "partition", completeNothing)
}

// Set reads a partition, or key.
func (f *partitionFlag) Set(s string) error {
	if s == "key" {
		*f = partitionFlag{key: true}
		return nil
	}
	n, err := strconv.ParseInt(s, 10, 32)
	if err != nil || n < 0 {
		return errors.New(strconv.Quote(s) + " is neither a partition nor key")
	}
	*f = partitionFlag{n: int32(n), set: true}
	return nil
}

// String returns what was given.
func (f *partitionFlag) String() string {
	switch {
	case f.set:
		return strconv.Itoa(int(f.n))
	case f.key:
		return "key"
	}
	return ""
}

// Type names what the flag takes, for help.
func (*partitionFlag) Type() string { return "partition" }

// options says how partitions are chosen of records that may name theirs, or do not.
func (f *partitionFlag) options(named bool) []kgo.ProducerOption {
	if f.set || named && !f.key {
		return []kgo.ProducerOption{kgo.Partitioning(kgo.ManualPartitioner())}
	}
	return nil
}
