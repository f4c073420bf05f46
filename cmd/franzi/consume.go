package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"github.com/franzi-kafka/franzi/cmd/franzi/internal/output"
	"github.com/franzi-kafka/franzi/cmd/franzi/internal/recordtext"
	"github.com/franzi-kafka/franzi/kgo"
)

const consumeHelp = `consume reads topics, or those whose names are like a pattern of * and ?, and goes on as records
come, unless -e is given. It belongs to no group, and leaves no trace on the brokers. Each record
is a line of JSON, which franzi produce reads again without a loss, or as -o or -f says: raw are
values, one a line. ` + recordtext.FormatHelp + `

` + rangesHelp

// A consumeCommand is what franzi consume was told.
type consumeCommand struct {
	c      connection
	r      reading
	format string
	null   string
	end    bool
	count  int64
}

func (a *app) consumeCommand() *cobra.Command {
	var f consumeCommand
	cmd := &cobra.Command{
		Use:   "consume TOPIC...",
		Short: "Read records of topics, to stdout",
		Long:  consumeHelp,
		Example: "  franzi consume orders -b localhost:9092\n" +
			"  franzi consume orders -O -10 -e -o table\n" +
			"  franzi consume orders -O @-1h..@now -f '%T %k %v'\n" +
			"  franzi consume orders -e | franzi produce copy",
		Args:              takes(1, 1<<20),
		ValidArgsFunction: a.completeTopics(&f.c, true),
		RunE:              func(cmd *cobra.Command, args []string) error { return a.consume(cmd, &f, args) },
	}
	f.c.add(cmd)
	cmd.Flags().Lookup("timeout").Usage = "how long connecting may take, and finding the topics"
	f.r.add(cmd)
	flags := cmd.Flags()
	flags.BoolVarP(&f.end, "end", "e", false, "end where the partitions end now")
	flags.Int64VarP(&f.count, "count", "n", 0, "end after so many records")
	flags.StringVarP(&f.format, "format", "f", "", "the format of records, like '%k %v' (default JSON)")
	flags.StringVar(&f.null, "null", "", "the text that stands for null, in a format's keys and values")
	for _, name := range []string{"count", "format", "null"} {
		complete(cmd, name, completeNothing)
	}
	return cmd
}

func (a *app) consume(cmd *cobra.Command, f *consumeCommand, args []string) error {
	w, err := a.newRecordWriter(cmd, f)
	if err != nil {
		return err
	}
	if f.count < 0 {
		return misused(cmd, "--count cannot be below 0")
	}
	s, err := a.connected(cmd, &f.c)
	if err != nil {
		return err
	}
	defer s.close()
	topics, err := s.topics(args, true)
	if err != nil {
		return err
	}
	rd, err := f.r.open(s, topics, f.end)
	if err != nil {
		return err
	}
	end := func() {}
	if !a.screen {
		end = a.follow(w.progress)
	}
	err = rd.run(cmd.Context(), func(r *kgo.Record) error {
		if err := w.add(r); err != nil {
			return err
		}
		if w.records.Load() == f.count {
			return errEnough
		}
		return nil
	}, w.flush)
	end()
	told := rd.close()
	if a.watched && !a.screen {
		a.say("%s", w.progress())
	}
	if err != nil {
		return s.wrap(err)
	}
	return told
}

// A recordWriter writes records to stdout.
type recordWriter struct {
	begun   time.Time
	records atomic.Int64
	bytes   atomic.Int64

	out    *bufio.Writer
	line   func(dst []byte, r *kgo.Record) []byte // a record as text; nil for stream
	buf    []byte
	stream *output.Writer // a table, or what is made of JSON
	table  bool
	rows   [][]string // of the table, that wait for flush
}

// newRecordWriter writes as the flags say.
func (a *app) newRecordWriter(cmd *cobra.Command, f *consumeCommand) (*recordWriter, error) {
	w := &recordWriter{begun: time.Now(), out: bufio.NewWriterSize(a.out, 64<<10)}
	format := "%v"
	switch a.format.String() {
	case "", output.LinesFormat:
		w.line = func(dst []byte, r *kgo.Record) []byte { return append(recordtext.AppendJSON(dst, r), '\n') }
	case output.RawFormat:
	default:
		w.stream, w.table = output.NewStream(w.out, a.format, output.LinesFormat), a.format.String() == output.TableFormat
	}
	if cmd.Flags().Changed("format") {
		if a.format.String() != "" {
			return nil, misused(cmd, "--format and --output do not go together")
		}
		format = f.format
	} else if f.null != "" && a.format.String() != output.RawFormat {
		return nil, misused(cmd, "--null is for formats: in JSON null is null")
	}
	if cmd.Flags().Changed("format") || a.format.String() == output.RawFormat {
		text, err := recordtext.ParseFormat(format)
		if err != nil {
			return nil, misused(cmd, "--format: %v", err)
		}
		text.Null, text.Printable = f.null, a.screen
		w.line = text.Append
	}
	return w, nil
}

// add writes a record; not all of it is out before flush.
func (w *recordWriter) add(r *kgo.Record) error {
	w.records.Add(1)
	w.bytes.Add(int64(len(r.Key) + len(r.Value)))
	switch {
	case w.line != nil:
		w.buf = w.line(w.buf[:0], r)
		_, err := w.out.Write(w.buf)
		return err
	case w.table:
		w.rows = append(w.rows, recordRow(r))
		return nil
	}
	return w.stream.Write(output.Result{Value: json.RawMessage(recordtext.AppendJSON(nil, r))})
}

// flush writes all that was added.
func (w *recordWriter) flush() error {
	if len(w.rows) > 0 {
		rows := w.rows
		w.rows = nil
		if err := w.stream.Write(output.Result{Table: func(t *output.Table) {
			t.Heading("TOPIC", "PARTITION", "OFFSET", "TIME", "KEY", "VALUE", "HEADERS")
			for _, row := range rows {
				t.Row(row...)
			}
		}}); err != nil {
			return err
		}
	}
	return w.out.Flush()
}

// recordRow is a record as a row of a table, in which null is a dash, and long things are cut.
func recordRow(r *kgo.Record) []string {
	var headers []string
	for _, h := range r.Headers {
		headers = append(headers, h.Key+"="+cell(h.Value))
	}
	at := "-"
	if !r.Timestamp.IsZero() {
		at = r.Timestamp.UTC().Format("2006-01-02T15:04:05.000Z")
	}
	return []string{r.Topic, strconv.Itoa(int(r.Partition)), strconv.FormatInt(r.Offset, 10), at, cell(r.Key), cell(r.Value), strings.Join(headers, ",")}
}

// cellMax is how much of a key or value a table shows, in characters.
const cellMax = 80

func cell(b []byte) string {
	switch {
	case b == nil:
		return "-"
	case !utf8.Valid(b):
		return fmt.Sprintf("0x%x%s", b[:min(len(b), cellMax/2)], dots(len(b) > cellMax/2))
	}
	s := []rune(string(b[:min(len(b), (cellMax+1)*utf8.UTFMax)]))
	return string(s[:min(len(s), cellMax)]) + dots(len(s) > cellMax)
}

func dots(cut bool) string {
	if cut {
		return "..."
	}
	return ""
}

// progress says how much was read.
func (w *recordWriter) progress() string {
	n, took := w.records.Load(), time.Since(w.begun)
	return fmt.Sprintf("%s records read, %s in %.1f s, %s/s, %s/s", many(n), volume(float64(w.bytes.Load())), took.Seconds(),
		many(int64(rate(n, took))), volume(rate(w.bytes.Load(), took)))
}
