package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"

	"github.com/franzi-kafka/franzi/cmd/franzi/internal/output"
	"github.com/franzi-kafka/franzi/cmd/franzi/internal/recordtext"
	"github.com/franzi-kafka/franzi/kgo"
	"github.com/franzi-kafka/franzi/kmsg"
)

const produceHelp = `produce reads records from stdin and writes them to a topic. Each line is JSON, as consume writes
it; all of its fields may be left out:

  {"key":"k","value":"v","headers":[{"key":"a","value":null}],"timestamp":1700000000000}

With -f lines have another format. ` + recordtext.FormatHelp + `

It ends when all of stdin is written or has failed, or at something wrong in there: then what came
before is written. With -o it shows where each record is.`

// A produceCommand is what franzi produce was told.
type produceCommand struct {
	c         connection
	p         producing
	partition partitionFlag
	format    string
	null      string
	key       string
	headers   []string
	create    bool
}

func (a *app) produceCommand() *cobra.Command {
	var f produceCommand
	cmd := &cobra.Command{
		Use:   "produce [TOPIC]",
		Short: "Write records to a topic, from stdin",
		Long:  produceHelp,
		Example: "  echo hello | franzi produce orders -f %v -b localhost:9092\n" +
			"  franzi produce orders -f '%k %v' -z zstd -H source=shell < orders.txt\n" +
			"  franzi consume orders -e | franzi produce copy",
		Args:              takes(0, 1),
		ValidArgsFunction: a.completeTopics(&f.c, false),
		RunE:              func(cmd *cobra.Command, args []string) error { return a.produce(cmd, &f, args) },
	}
	f.c.add(cmd)
	cmd.Flags().Lookup("timeout").Usage = "how long connecting may take, and each record (default for records 2m)"
	f.p.add(cmd)
	f.partition.add(cmd)
	flags := cmd.Flags()
	flags.StringVarP(&f.format, "format", "f", "", "the format of the lines, like '%k %v' (default JSON)")
	flags.StringVar(&f.null, "null", "", "the text that stands for null, in a format's keys and values")
	flags.StringVarP(&f.key, "key", "k", "", "the key of records that have none")
	flags.StringArrayVarP(&f.headers, "header", "H", nil, "a header for all records, key=value")
	flags.BoolVar(&f.create, "create", false, "let the brokers create the topic, if they do such things")
	for _, name := range []string{"format", "null", "key", "header"} {
		complete(cmd, name, completeNothing)
	}
	return cmd
}

// A recordReader reads records from text.
type recordReader interface{ Read(*kgo.Record) error }

// reader reads what stdin has.
func (f *produceCommand) reader(cmd *cobra.Command, in io.Reader) (r recordReader, named bool, err error) {
	if !cmd.Flags().Changed("format") {
		if f.null != "" {
			return nil, false, misused(cmd, "--null is for formats: in JSON null is null")
		}
		return recordtext.NewJSONReader(in), true, nil
	}
	format, err := recordtext.ParseFormat(f.format)
	if err != nil {
		return nil, false, misused(cmd, "--format: %v", err)
	}
	format.Null = f.null
	if r, err = recordtext.NewReader(in, format); err != nil {
		return nil, false, misused(cmd, "--format: %v", err)
	}
	return r, format.Has('p'), nil
}

func (a *app) produce(cmd *cobra.Command, f *produceCommand, args []string) error {
	var headers []kgo.Header
	for _, text := range f.headers {
		key, value, ok := strings.Cut(text, "=")
		if !ok {
			return misused(cmd, "--header: %q is not key=value", text)
		}
		headers = append(headers, kgo.Header{Key: key, Value: []byte(value)})
	}
	if f.create {
		f.c.options = append(f.c.options, kgo.AllowAutoTopicCreation())
	}
	stdin, err := a.open(cmd.Context(), "-")
	if err != nil {
		return err
	}
	in, named, err := f.reader(cmd, stdin)
	if err != nil {
		return err
	}
	s, err := a.connected(cmd, &f.c)
	if err != nil {
		return err
	}
	defer s.close()
	p, err := f.p.producer(s, f.partition.options(named)...)
	if err != nil {
		return err
	}
	o := newOutcomes(s)
	end := func() {}
	switch {
	case !a.terminal:
		end = a.follow(o.progress)
	case cmd.Flags().Changed("format"):
		a.say("type records; Ctrl-D ends")
	default:
		a.say("type records as JSON, like {\"value\":\"hello\"}, or begin anew with -f %%v; Ctrl-D ends")
	}
	topics := map[string]bool{}
	var r kgo.Record
	for n := int64(1); ; n++ {
		if err = in.Read(&r); err != nil {
			break
		}
		if len(args) > 0 {
			r.Topic = args[0]
		}
		if !topics[r.Topic] {
			if err = f.check(s, n, r.Topic); err != nil {
				break
			}
			topics[r.Topic] = true
		}
		if f.partition.set {
			r.Partition = f.partition.n
		}
		if r.Key == nil && cmd.Flags().Changed("key") {
			r.Key = []byte(f.key)
		}
		r.Headers = append(r.Headers, headers...)
		o.produce(cmd.Context(), p, n, &r)
	}
	flushErr := finish(cmd.Context(), p)
	end()
	return o.verdict(f.inputError(err, cmd), flushErr)
}

// check looks whether a topic exists, before records wait for it.
func (f *produceCommand) check(s *session, n int64, topic string) error {
	if topic == "" {
		return misused(s.cmd, "record %d names no topic, and no TOPIC is given", n)
	}
	if f.create || f.c.explain {
		return nil
	}
	s.renew()
	err := s.exists(topic)
	if errors.Is(err, kmsg.UnknownTopicOrPartition) {
		return failed("%s: there is no such topic: create it with franzi topic create, or let --create do it", topic)
	}
	return s.wrap(err)
}

// inputError says why reading stdin ended, nil at its end.
func (f *produceCommand) inputError(err error, cmd *cobra.Command) error {
	var wrong *recordtext.Error
	switch {
	case err == io.EOF:
		return nil
	case errors.As(err, &wrong) && wrong.NotJSON:
		return failed("%v; for lines that are values say -f %%v, see %s --help", err, cmd.CommandPath())
	case errors.As(err, &wrong):
		return failed("%v", err)
	}
	return err
}

// flushMax is how long an interrupted command waits for what it has handed over.
const flushMax = 5 * time.Second

// finish ends a producer, when all records are written or have failed; for a short while only if the
// command is interrupted.
func finish(ctx context.Context, p *kgo.Producer) error {
	err := p.Flush(ctx)
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), flushMax)
	defer cancel()
	if shutErr := p.Shutdown(last); err == nil {
		err = shutErr
	}
	return err
}

// A producedRecord is what came of a record.
type producedRecord struct {
	Topic     string  `json:"topic"`
	Partition *int32  `json:"partition"` // null if it failed before it had one
	Offset    *int64  `json:"offset"`    // null if it is not known
	Timestamp int64   `json:"timestamp"` // in milliseconds
	Error     *string `json:"error"`
}

// outcomes collects what came of records.
type outcomes struct {
	s       *session
	begun   time.Time
	show    *output.Writer // nil unless each record is to be shown
	written atomic.Int64
	bytes   atomic.Int64

	mu       sync.Mutex
	failed   int64
	code     int // the exit code of the first failure
	writeErr error
}

// saidMax is how many failures are told one by one.
const saidMax = 10

func newOutcomes(s *session) *outcomes {
	o := &outcomes{s: s, begun: time.Now()}
	if s.cmd.Flags().Changed("output") && s.app.explains == nil {
		o.show = output.NewStream(s.app.out, s.app.format, output.TableFormat)
	}
	return o
}

func (o *outcomes) produce(ctx context.Context, p *kgo.Producer, n int64, r *kgo.Record) {
	size := int64(len(r.Key) + len(r.Value))
	p.Produce(ctx, r, func(md kgo.RecordMetadata, err error) {
		o.done(n, size, err)
		if o.show != nil {
			o.showRecord(md, err)
		}
	})
}

// done takes note of the outcome of the nth record.
func (o *outcomes) done(n, size int64, err error) {
	if err != nil {
		o.fail(n, err)
		return
	}
	o.written.Add(1)
	o.bytes.Add(size)
}

func (o *outcomes) failures() int64 {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.failed
}

func (o *outcomes) fail(n int64, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.failed++
	if o.failed == 1 {
		o.code = exitCodeOf(err)
	}
	if o.failed <= saidMax && o.s.cmd.Context().Err() == nil && !o.s.explained() {
		o.s.app.say("record %d: %s", n, o.s.errorText(err))
	}
}

func (o *outcomes) showRecord(md kgo.RecordMetadata, err error) {
	r := producedRecord{Topic: md.Topic, Timestamp: md.Timestamp.UnixMilli()}
	partition, offset := "-", "-"
	if md.Partition >= 0 {
		r.Partition, partition = &md.Partition, strconv.Itoa(int(md.Partition))
	}
	if md.Offset >= 0 {
		r.Offset, offset = &md.Offset, strconv.FormatInt(md.Offset, 10)
	}
	if md.Timestamp.IsZero() {
		r.Timestamp = -1
	}
	if err != nil {
		text := codeOrText(err)
		r.Error = &text
	}
	writeErr := o.show.Write(output.Result{Value: &r, Table: func(t *output.Table) {
		t.Heading("TOPIC", "PARTITION", "OFFSET", "TIMESTAMP", "ERROR")
		t.Row(r.Topic, partition, offset, strconv.FormatInt(r.Timestamp, 10), dashIfNull(r.Error))
	}})
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.writeErr == nil {
		o.writeErr = writeErr
	}
}

// progress says how much is written.
func (o *outcomes) progress() string {
	n, took := o.written.Load(), time.Since(o.begun)
	return fmt.Sprintf("%s records written, %s in %.1f s, %s/s, %s/s", many(n), volume(float64(o.bytes.Load())), took.Seconds(),
		many(int64(rate(n, took))), volume(rate(o.bytes.Load(), took)))
}

// verdict says how the command ends, when all outcomes are known.
func (o *outcomes) verdict(err, flushErr error) error {
	o.mu.Lock()
	failures, code, writeErr := o.failed, o.code, o.writeErr
	o.mu.Unlock()
	if o.s.explained() {
		return errExplained
	}
	if more := failures - saidMax; more > 0 && o.s.cmd.Context().Err() == nil {
		o.s.app.say("%s more records failed", many(more))
	}
	if o.s.app.watched {
		o.s.app.say("%s", o.progress())
	}
	switch {
	case err != nil:
		if o.s.cmd.Context().Err() != nil || failures > 0 || o.written.Load() > 0 {
			o.s.app.say("%s written before that", plural(int(o.written.Load()), "record was", "records were"))
		}
		return o.s.wrap(err)
	case writeErr != nil:
		return writeErr
	case failures > 0:
		return &failure{code: code}
	}
	return flushErr
}
