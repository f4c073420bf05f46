package main

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/franzi-kafka/franzi/cmd/franzi/internal/output"
	"github.com/franzi-kafka/franzi/kgo/ktest"
	"github.com/franzi-kafka/franzi/kmsg"
	"github.com/franzi-kafka/franzi/kmsg/kjson"
)

const fakeHelp = `fake runs a Kafka cluster in memory, for tests and demonstrations, until it is interrupted or
--for is over. It prints the addresses of its brokers. What is written is gone at the end.

A fault script has a line for each thing that goes wrong:

  # Requests, by API and narrowed by words, then what happens to them.
  on Produce broker=2 topic=orders nth=3: answer NOT_LEADER_OR_FOLLOWER
  on Fetch after=10 times=5: delay 2s, throttle 1s
  on any client=bad: cut
  # Brokers and partitions, by time.
  at 10s: kill 2
  at 20s: start 2

Words: broker, client, topic, partition=TOPIC/N, nth, times, after. What happens to a request:
answer CODE, answer-after CODE, hold D, delay D, throttle D, stall, cut, cut-after, cut-answer.
At a time: kill, stop, start, pause, continue, cut N (a broker); move TOPIC/N BROKER, delete
TOPIC, recreate TOPIC, create TOPIC:N.`

// A fakeCommand is what fake was asked for.
type fakeCommand struct {
	brokers   int
	topics    []string
	version   string
	zookeeper bool
	auto      bool
	props     []string
	listen    []string
	fault     string
	record    string
	duration  time.Duration
	tls       string
	users     []string
}

func (a *app) fakeCommand() *cobra.Command {
	var f fakeCommand
	cmd := &cobra.Command{
		Use:               "fake",
		Short:             "Run a Kafka cluster in memory",
		Long:              fakeHelp,
		Example:           "  franzi fake --seed-topic orders:12 --listen 127.0.0.1:9092\n  franzi fake --brokers 3 --as-version 2.8 --fault broken.txt",
		Args:              takes(0, 0),
		ValidArgsFunction: completeNothing,
		RunE:              func(cmd *cobra.Command, _ []string) error { return a.fake(cmd, &f) },
	}
	flags := cmd.Flags()
	flags.IntVar(&f.brokers, "brokers", 1, "how many brokers")
	flags.StringArrayVar(&f.topics, "seed-topic", nil, "a topic that is there from the start, NAME or NAME:PARTITIONS")
	flags.StringVar(&f.version, "as-version", "", "speak as that release of Kafka, like 2.8")
	flags.BoolVar(&f.zookeeper, "zookeeper", false, "with ZooKeeper, where a release has both")
	flags.BoolVar(&f.auto, "auto-create", false, "create topics that clients ask for")
	flags.StringArrayVar(&f.props, "property", nil, "a property of the brokers, key=value")
	flags.StringSliceVar(&f.listen, "listen", nil, "the addresses to listen on, one for each broker (default free ports of 127.0.0.1)")
	flags.StringVar(&f.fault, "fault", "", "a fault script")
	flags.StringVar(&f.record, "record", "", "write requests and answers into a file, as jsonl")
	flags.StringVar(&f.tls, "tls-ca", "", "speak TLS, and write the authority of the certificates into that file")
	flags.StringArrayVar(&f.users, "user", nil, "speak SASL, and let that user log in, NAME:PASSWORD")
	flags.DurationVar(&f.duration, "for", 0, "end after that time")
	for _, name := range []string{"brokers", "seed-topic", "property", "listen", "user", "for"} {
		complete(cmd, name, completeNothing)
	}
	complete(cmd, "as-version", completeFakes)
	completeFiles(cmd, "fault")
	completeFiles(cmd, "record")
	return cmd
}

func (f *fakeCommand) options(cmd *cobra.Command) ([]ktest.Option, error) {
	if f.brokers < 1 {
		return nil, misused(cmd, "--brokers: %d are too few", f.brokers)
	}
	opts := []ktest.Option{ktest.Brokers(f.brokers), ktest.Listen(f.listen...)}
	for _, text := range f.topics {
		name, count, _ := strings.Cut(text, ":")
		n := 1
		if count != "" {
			var err error
			if n, err = strconv.Atoi(count); err != nil || n < 1 {
				return nil, misused(cmd, "--seed-topic: %q is not NAME:PARTITIONS", text)
			}
		}
		opts = append(opts, ktest.SeedTopic(name, n))
	}
	for _, text := range f.props {
		key, value, ok := strings.Cut(text, "=")
		if !ok {
			return nil, misused(cmd, "--property: %q is not key=value", text)
		}
		opts = append(opts, ktest.Property(key, value))
	}
	if len(f.users) > 0 {
		opts = append(opts, ktest.SASL())
	}
	for _, text := range f.users {
		name, password, ok := strings.Cut(text, ":")
		if !ok || name == "" || password == "" {
			return nil, misused(cmd, "--user: NAME:PASSWORD is needed")
		}
		opts = append(opts, ktest.User(name, password))
	}
	if f.version != "" {
		opts = append(opts, ktest.Version(f.version))
	}
	if f.zookeeper {
		opts = append(opts, ktest.ZooKeeper())
	}
	if f.auto {
		opts = append(opts, ktest.AutoCreate())
	}
	if f.tls != "" {
		cfg, err := selfSigned(f.tls, f.listen)
		if err != nil {
			return nil, mistaken("--tls-ca: %v", err)
		}
		opts = append(opts, ktest.TLS(cfg))
	}
	return opts, nil
}

// A fakeReport is what is told of the cluster when it runs.
type fakeReport struct {
	Brokers []string `json:"brokers"`
	Release string   `json:"release"`
}

func (a *app) fake(cmd *cobra.Command, f *fakeCommand) error {
	opts, err := f.options(cmd)
	if err != nil {
		return err
	}
	var script *faultScript
	if f.fault != "" {
		text, err := os.ReadFile(f.fault)
		if err != nil {
			return mistaken("%v", err)
		}
		if script, err = parseFaults(f.fault, string(text)); err != nil {
			return mistaken("%v", err)
		}
	}
	cluster, err := ktest.Start(opts...)
	if err != nil {
		text := strings.ReplaceAll(strings.ReplaceAll(err.Error(), "ktest: ", ""), "\n", "; ")
		if _, listening := errors.AsType[*net.OpError](err); listening {
			return failed("%s", text)
		}
		return mistaken("%s", text)
	}
	defer cluster.Close()
	if f.record != "" {
		end, err := record(f.record, cluster)
		if err != nil {
			return mistaken("%v", err)
		}
		defer end()
	}
	r := fakeReport{cluster.Addrs(), f.version}
	if r.Release == "" {
		releases := ktest.Releases()
		r.Release = releases[len(releases)-1]
	}
	if err := a.write(output.RawFormat, output.Result{Value: r, Raw: []byte(strings.Join(r.Brokers, ",") + "\n")}); err != nil {
		return err
	}
	ctx := cmd.Context()
	if f.duration > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, f.duration)
		defer cancel()
	}
	if script != nil {
		script.run(ctx, cluster, func(err error) { a.say("%v", err) })
	}
	<-ctx.Done()
	if cmd.Context().Err() != nil {
		return nil // to be interrupted is how it ends
	}
	return nil
}

// A recordedExchange is a line of a record.
type recordedExchange struct {
	Time     string          `json:"time"`
	API      string          `json:"api"`
	Version  int16           `json:"version"`
	Request  json.RawMessage `json:"request"`
	Response json.RawMessage `json:"response"`
}

// record writes all that the cluster answers into a file.
func record(path string, cluster *ktest.Cluster) (end func(), err error) {
	file, err := os.Create(path)
	if err != nil {
		return nil, err
	}
	var mu sync.Mutex
	enc := json.NewEncoder(file)
	rule := cluster.Fault(ktest.OnAny(), ktest.Rewrite(func(req kmsg.Request, resp kmsg.Response) {
		mu.Lock()
		defer mu.Unlock()
		enc.Encode(recordedExchange{time.Now().UTC().Format(time.RFC3339Nano), req.APIKey().String(), req.APIVersion(),
			json.RawMessage(kjson.MarshalLog(req)), json.RawMessage(kjson.MarshalLog(resp))})
	}))
	return func() {
		rule.Remove()
		file.Close()
	}, nil
}
