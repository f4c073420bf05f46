package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/franzi-kafka/franzi/cmd/franzi/internal/batchjson"
	"github.com/franzi-kafka/franzi/cmd/franzi/internal/output"
	"github.com/franzi-kafka/franzi/cmd/franzi/internal/segment"
	"github.com/franzi-kafka/franzi/kmsg/batch"
	"github.com/franzi-kafka/franzi/kmsg/compress"
)

// segmentTopic refuses what does not go with --segment, and returns the topic of Kafka's own
// whose records are to be decoded, "" without one.
func (d *decodeCommand) segmentTopic(cmd *cobra.Command, args []string) (string, error) {
	if err := alone(cmd, "segment", "pcap", "api-version", "format", "response-to", "key", "value", "lenient", "opaque"); err != nil {
		return "", err
	}
	switch {
	case len(args) > 1 || len(args) == 1 && !isTopic(args[0]):
		return "", misused(cmd, "with --segment goes the name of one of Kafka's own topics or none, not %q", args[len(args)-1])
	case len(args) == 1:
		return oneOf("topic", args[0], topics())
	}
	return "", nil
}

// A segmentSummary says what a segment has in all.
type segmentSummary struct {
	File           string         `json:"file"`
	Size           int64          `json:"size"`
	Batches        int            `json:"batches"`
	Records        int            `json:"records"`
	ControlRecords int            `json:"controlRecords"`
	Compression    map[string]int `json:"compression"` // batches by codec
	BaseOffset     *int64         `json:"baseOffset"`
	LastOffset     *int64         `json:"lastOffset"`
	MaxTimestamp   int64          `json:"maxTimestamp"`
	BadBatches     int            `json:"badBatches"`
	BadBytes       int64          `json:"badBytes"` // that are no whole batch
	Zeros          int64          `json:"zeros"`    // at the end
	Index          *indexSummary  `json:"index"`
}

type indexSummary struct {
	File    string `json:"file"`
	Entries int    `json:"entries"`
	Bad     int    `json:"bad"`
}

// A segmentDump is a segment that is being shown.
type segmentDump struct {
	app    *app
	shower *batchjson.Shower
	out    *output.Writer // nil if only the summary is asked for
	index  *segment.Index // nil without one
	sum    segmentSummary
	wrong  bool
}

// decodeSegment shows the batches of a file one after the other, and says what is wrong in it.
func (a *app) decodeSegment(ctx context.Context, d *decodeCommand, topic string) error {
	in, err := a.open(ctx, d.segment)
	if err != nil {
		return err
	}
	defer in.Close()
	s := &segmentDump{app: a, shower: a.shower(d)}
	s.sum = segmentSummary{File: fileName(d.segment), Compression: map[string]int{}, MaxTimestamp: batch.NoTimestamp}
	s.shower.Positions, s.shower.Bare = true, d.summary
	if topic != "" {
		s.shower.Inside = d.insideOf(topic)
	}
	if !d.summary {
		s.out = output.NewMixed(a.out, a.format, output.LinesFormat)
	}
	index, err := s.openIndex(d.index)
	if err != nil {
		return err
	}
	if index != nil {
		defer index.Close()
	}
	if err := s.items(ctx, segment.NewReader(in)); err != nil {
		return err
	}
	if err := s.end(d.summary); err != nil {
		return err
	}
	if s.wrong {
		return errSaid()
	}
	return nil
}

// openIndex opens the index that was asked for, or that stands beside the segment, if any.
func (s *segmentDump) openIndex(file string) (*os.File, error) {
	asked := file != ""
	if !asked {
		if filepath.Ext(s.sum.File) != ".log" {
			return nil, nil
		}
		file = strings.TrimSuffix(s.sum.File, ".log") + ".index"
	}
	base, ok := baseOffset(file)
	if !ok {
		base, ok = baseOffset(s.sum.File)
	}
	f, err := os.Open(file)
	switch {
	case os.IsNotExist(err) && !asked:
		return nil, nil
	case err != nil:
		return nil, mistaken("%v", err)
	case !ok && !asked:
		s.app.say("%s: left out, as its name does not say the offset that its entries count from", file)
		f.Close()
		return nil, nil
	case !ok:
		f.Close()
		return nil, mistaken("%s: its entries count from an offset that its name should be, as in 00000000000000000000.index", file)
	}
	s.sum.Index = &indexSummary{File: file}
	s.index = segment.NewIndex(f, base, func(problem string) {
		s.wrong = true
		s.app.say("%s: %s", file, problem)
	})
	return f, nil
}

// baseOffset reads the number that names the files of a segment.
func baseOffset(file string) (int64, bool) {
	name := filepath.Base(file)
	name = strings.TrimSuffix(name, filepath.Ext(name))
	n, err := strconv.ParseUint(name, 10, 63)
	return int64(n), err == nil
}

// items shows all that is in the file.
func (s *segmentDump) items(ctx context.Context, r *segment.Reader) error {
	for ctx.Err() == nil {
		item, err := r.Next()
		if err == io.EOF {
			s.sum.Size = r.Position()
			return nil
		}
		if err != nil {
			return err
		}
		if item.Kind == segment.Zeros {
			s.sum.Zeros = item.Size
			continue
		}
		if err := s.item(item); err != nil {
			return err
		}
	}
	return ctx.Err()
}

func (s *segmentDump) item(item *segment.Item) error {
	v, bad := s.shower.Item(item)
	if item.Kind == segment.Batch {
		if bad != nil {
			s.sum.BadBatches++
		} else {
			bad = s.order(item)
		}
		s.count(item)
		if s.index != nil {
			if err := s.index.Batch(item); err != nil {
				return err
			}
		}
	} else {
		s.sum.BadBytes += item.Size
	}
	if item.Kind == segment.Partial {
		bad = fmt.Errorf("at byte %d: the file ends within a batch, after %d bytes of it", item.Position, item.Size)
	}
	if bad != nil {
		s.wrong = true
		s.app.say("%s: %v", s.sum.File, bad)
	}
	if s.out == nil {
		return nil
	}
	return s.out.Write(output.Result{Value: v, Table: func(t *output.Table) { batchesTable(t, []output.Value{v}) }})
}

// order finds fault with a batch whose offsets do not follow those before.
func (s *segmentDump) order(item *segment.Item) error {
	last := s.sum.LastOffset
	if last == nil || s.first(item) > *last {
		return nil
	}
	s.sum.BadBatches++
	return fmt.Errorf("at byte %d: a batch begins at offset %d, but offsets up to %d stand before it", item.Position, s.first(item), *last)
}

// first is the offset at which the batch that was just shown begins. Compressed messages of the
// old formats say only their last, so it is that of the first record in them.
func (s *segmentDump) first(item *segment.Item) int64 {
	if item.Batch.Magic != batch.V2 && s.shower.Count > 0 {
		return s.shower.First
	}
	return item.Batch.BaseOffset
}

// count adds a batch to the summary.
func (s *segmentDump) count(item *segment.Item) {
	n := s.shower.Count
	s.sum.Batches++
	s.sum.Records += n
	if item.Batch.Attributes.Control() {
		s.sum.ControlRecords += n
	}
	s.sum.Compression[item.Batch.Attributes.Codec().String()]++
	s.sum.MaxTimestamp = max(s.sum.MaxTimestamp, item.Batch.MaxTimestamp)
	if s.sum.BaseOffset == nil {
		first := s.first(item)
		s.sum.BaseOffset = &first
	}
	last := item.Batch.LastOffset()
	if s.sum.LastOffset != nil {
		last = max(last, *s.sum.LastOffset)
	}
	s.sum.LastOffset = &last
}

// end says what there was in all.
func (s *segmentDump) end(summary bool) error {
	if s.index != nil {
		if err := s.index.End(); err != nil {
			return err
		}
		s.sum.Index.Entries, s.sum.Index.Bad = s.index.Entries, s.index.Bad
	}
	if !summary {
		s.app.say("%s", s.sum.text())
		return nil
	}
	return s.app.write(output.JSONFormat, output.Result{Value: s.sum})
}

func (s *segmentSummary) text() string {
	text := fmt.Sprintf("%s: %s with %s", s.File, counted(s.Batches, "batch", "batches"), counted(s.Records, "record", "records"))
	if s.ControlRecords > 0 {
		text += fmt.Sprintf(" (%d control)", s.ControlRecords)
	}
	if s.BaseOffset != nil {
		text += fmt.Sprintf(", offsets %d to %d", *s.BaseOffset, *s.LastOffset)
	}
	text += ", " + counted(int(s.Size), "byte", "bytes")
	for codec := compress.None; codec <= 7; codec++ {
		n, name := s.Compression[codec.String()], codec.String()
		if codec == compress.None {
			name = "uncompressed"
		}
		if n > 0 {
			text += fmt.Sprintf(", %d %s", n, name)
		}
	}
	if s.BadBatches > 0 {
		text += ", " + counted(s.BadBatches, "bad batch", "bad batches")
	}
	if s.BadBytes > 0 {
		text += ", " + counted(int(s.BadBytes), "byte that is no batch", "bytes that are no batch")
	}
	if s.Zeros > 0 {
		text += fmt.Sprintf(", %d zeros at the end", s.Zeros)
	}
	if s.Index != nil {
		text += ", " + counted(s.Index.Entries, "index entry", "index entries")
		if s.Index.Bad > 0 {
			text += fmt.Sprintf(" (%d bad)", s.Index.Bad)
		}
	}
	return text
}

func counted(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
