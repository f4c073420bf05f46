package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/franzi-kafka/franzi/cmd/franzi/internal/output"
	"github.com/franzi-kafka/franzi/kmsg"
	"github.com/franzi-kafka/franzi/kmsg/kjson"
)

const decodeHelp = `decode shows bytes of the wire as JSON: records as batches, other bytes in base64. They are

  a message             decode NAME -v N; that of an API is its request
  a request's frame     decode, which knows it by its header; with or without its size
  a response's frame    decode --response-to NAME -v N
  record batches        decode records; if they are whole, decode knows them too
  a record of Kafka's   decode __consumer_offsets --key HEX --value HEX, and other topics
  a segment of a log    decode --segment FILE; NAME is the topic, if it is one of Kafka's
  a network capture     decode --pcap FILE, in the format pcap or pcapng; - is stdin

Without HEX, decode reads one item a line from stdin and writes one line of JSON each; a line
that is wrong is reported on stderr and skipped. In HEX spaces, colons, line ends and 0x do
not matter. Exit code 1 says that something is wrong, batches in it too.`

// A decodeCommand is what decode was asked for.
type decodeCommand struct {
	version    versionFlag
	format     bytesFormat
	responseTo string
	key, value string
	lenient    bool
	redact     bool
	opaque     bool

	codec kjson.Codec

	segment, index, pcap string // files
	summary              bool
}

func (a *app) decodeCommand() *cobra.Command {
	var d decodeCommand
	cmd := &cobra.Command{
		Use:   "decode [NAME -v N] [HEX|@FILE]",
		Short: "Show bytes of the wire as JSON",
		Long:  decodeHelp,
		Example: `  franzi decode MetadataRequest -v 0 '00000001 0006 6f7264657273'
  franzi req Metadata -v 12 --dry-run | franzi decode
  franzi req Metadata -v 12 -b localhost --hex | franzi decode --response-to Metadata -v 12
  franzi decode --segment orders-0/00000000000000000000.log -o table
  tcpdump -i any -U -w - port 9092 | franzi decode --pcap - --redact`,
		Args:              takes(0, 2),
		ValidArgsFunction: completeNames(decodable),
		RunE: func(cmd *cobra.Command, args []string) error {
			switch {
			case cmd.Flags().Changed("pcap"):
				if err := d.checkPcap(cmd, args); err != nil {
					return err
				}
				return a.decodePcap(cmd.Context(), &d)
			case cmd.Flags().Changed("segment"):
				topic, err := d.segmentTopic(cmd, args)
				if err != nil {
					return err
				}
				return a.decodeSegment(cmd.Context(), &d, topic)
			case cmd.Flags().Changed("index") || d.summary:
				return misused(cmd, "--index goes with --segment, and --summary with --segment or --pcap")
			}
			name, input, given, err := d.arguments(cmd, args)
			if err != nil {
				return err
			}
			if isTopic(name) {
				return a.decodeRecord(cmd, &d, name, given)
			}
			dec, err := a.newDecoding(cmd, &d, name)
			if err != nil {
				return err
			}
			switch {
			case given:
				return a.decodeOne(dec, input)
			case d.format == rawFormat:
				return a.decodeStream(cmd.Context(), dec)
			}
			return a.decodeLines(cmd.Context(), dec)
		},
	}
	d.version.add(cmd, "the version of the message")
	d.format.add(cmd, "how bytes are written: hex, base64 or raw")
	cmd.Flags().StringVar(&d.responseTo, "response-to", "", "the API whose response frame it is")
	cmd.Flags().StringVar(&d.key, "key", "", "the key of a record, in --format")
	cmd.Flags().StringVar(&d.value, "value", "", "the value of a record, in --format; without it a tombstone")
	cmd.Flags().BoolVar(&d.lenient, "lenient", false, "accept null where it is not allowed, and bytes after the end")
	cmd.Flags().BoolVar(&d.redact, "redact", false, "hide secrets and what records hold, and only count long bytes")
	addOpaque(cmd, &d.opaque)
	cmd.Flags().StringVar(&d.segment, "segment", "", "show the batches of a file of a log, - for stdin")
	cmd.Flags().StringVar(&d.index, "index", "", "the offset index of the segment; without it the one beside it")
	cmd.Flags().StringVar(&d.pcap, "pcap", "", "show the requests and responses in a capture, - for stdin")
	cmd.Flags().BoolVar(&d.summary, "summary", false, "of a file show only what there is in all")
	complete(cmd, "response-to", func(_ *cobra.Command, _ []string, typed string) ([]string, cobra.ShellCompDirective) {
		return startingWith(apiNames(), typed), cobra.ShellCompDirectiveNoFileComp
	})
	completeFiles(cmd, "segment", "log", "checkpoint")
	completeFiles(cmd, "index", "index")
	completeFiles(cmd, "pcap", "pcap", "pcapng", "cap", "gz")
	complete(cmd, "key", completeNothing)
	complete(cmd, "value", completeNothing)
	return cmd
}

func decodable() []string { return append(append(everyName(), recordsName), topics()...) }

// arguments tells NAME from HEX: each may be left out. given says whether there is a HEX.
func (d *decodeCommand) arguments(cmd *cobra.Command, args []string) (name, input string, given bool, err error) {
	switch {
	case len(args) == 2 && d.responseTo != "":
		return "", "", false, misused(cmd, "with --response-to goes no NAME, so %q is too much", args[0])
	case len(args) == 2:
		return args[0], args[1], true, nil
	case len(args) == 0:
		return "", "", false, nil
	case d.responseTo == "" && !d.looksLikeBytes(args[0]):
		return args[0], "", false, nil
	}
	return "", args[0], true, nil
}

// looksLikeBytes reports whether an only argument is the bytes and not a name. Names have
// letters that hex has not. In base64 all could be either, so that what is a name is one.
func (d *decodeCommand) looksLikeBytes(arg string) bool {
	if strings.HasPrefix(arg, "@") {
		return true
	}
	if d.format == hexFormat {
		b, err := parseHex(arg)
		return err == nil && len(b) > 0 || strings.IndexFunc(arg, isLetterBeyondHex) < 0
	}
	_, err := findMessage(arg)
	return err != nil && !isTopic(arg) && arg != recordsName
}

func isLetterBeyondHex(c rune) bool {
	return 'g' <= c && c <= 'z' && c != 'x' || 'G' <= c && c <= 'Z' && c != 'X' || c == '_'
}

// newDecoding says how to decode what was asked for.
func (a *app) newDecoding(cmd *cobra.Command, d *decodeCommand, name string) (*decoding, error) {
	if d.key != "" || d.value != "" {
		return nil, misused(cmd, "--key and --value are for records: name their topic, one of %s", strings.Join(topics(), ", "))
	}
	dec := &decoding{app: a, decodeCommand: d}
	switch {
	case d.responseTo != "":
		api, err := findAPI(d.responseTo)
		if err != nil {
			return nil, err
		}
		if _, err := d.version.atVersion(cmd, api.Name+"Response"); err != nil {
			return nil, err
		}
		dec.decode = func(b []byte) (any, error) { return dec.response(api, b) }
	case name == recordsName && d.version.set:
		return nil, misused(cmd, "records tell their format themselves")
	case name == recordsName:
		dec.decode = dec.records
	case name != "":
		full, err := findMessage(name)
		if err != nil {
			return nil, err
		}
		m, err := d.version.atVersion(cmd, full)
		if err != nil {
			return nil, err
		}
		dec.decode = func(b []byte) (any, error) { return dec.message(full, m, b) }
	case d.version.set:
		return nil, misused(cmd, "-v is for a NAME or --response-to: requests tell their version")
	default:
		dec.frames = true
		dec.decode = func(b []byte) (any, error) { return dec.request(b) }
	}
	return dec, nil
}

// result makes the result of what was decoded.
func result(value any) (output.Result, error) {
	if list, ok := value.(batchList); ok {
		v := output.Value(list)
		return output.Result{Value: v, Table: func(t *output.Table) { batchesTable(t, v.Elements) }}, nil
	}
	v, err := output.ValueOf(value)
	return output.Result{Value: v, Raw: append(v.AppendJSON(nil), '\n')}, err
}

func (a *app) decodeOne(dec *decoding, arg string) error {
	text, _, err := argument(arg)
	if err != nil {
		return err
	}
	value, err := dec.text(text)
	if err != nil {
		return err
	}
	r, err := result(value)
	if err != nil {
		return err
	}
	if err := a.write(output.JSONFormat, r); err != nil {
		return err
	}
	if dec.complain("") {
		return errSaid()
	}
	return nil
}

func (a *app) decodeLines(ctx context.Context, dec *decoding) error {
	w := output.NewMixed(a.out, a.format, output.LinesFormat)
	some := false // failed
	err := a.eachLine(ctx, func(l line) error {
		value, err := dec.text(l.text)
		if err != nil {
			if f := new(failure); !errors.As(err, &f) || f.code != exitFailed {
				return err
			}
			some = true
			a.say("line %d: %v", l.n, err)
			return nil
		}
		r, err := result(value)
		if err != nil {
			return err
		}
		if err := w.Write(r); err != nil {
			return err
		}
		some = dec.complain(fmt.Sprintf("line %d: ", l.n)) || some
		return nil
	})
	if err == nil && some {
		return errSaid()
	}
	return err
}

// decodeStream decodes raw bytes, all that stdin has: one item or, of requests that have
// their size, many.
func (a *app) decodeStream(ctx context.Context, dec *decoding) error {
	b, err := a.readAll(ctx)
	if err != nil {
		return err
	}
	w := output.NewMixed(a.out, a.format, output.LinesFormat)
	items := [][]byte{b}
	if dec.frames {
		items = splitFrames(b)
	}
	some := false // wrong
	for _, item := range items {
		value, err := dec.decode(item)
		if err != nil {
			return err
		}
		r, err := result(value)
		if err != nil {
			return err
		}
		if err := w.Write(r); err != nil {
			return err
		}
		some = dec.complain("") || some
	}
	if some {
		return errSaid()
	}
	return nil
}

// splitFrames cuts bytes into frames with their sizes, if that is what they are; else they
// are one item.
func splitFrames(b []byte) [][]byte {
	var frames [][]byte
	for rest := b; len(rest) > 0; {
		frame, after, err := kmsg.SplitFrame(rest, kmsg.MaxFrame)
		if frame == nil || err != nil {
			return [][]byte{b}
		}
		frames = append(frames, rest[:4+len(frame)])
		rest = after
	}
	if len(frames) == 0 {
		return [][]byte{b}
	}
	return frames
}
