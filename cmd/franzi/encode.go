package main

import (
	"bytes"
	"context"

	"github.com/spf13/cobra"

	"github.com/franzi-kafka/franzi/cmd/franzi/internal/output"
	"github.com/franzi-kafka/franzi/kbin"
	"github.com/franzi-kafka/franzi/kmsg"
	"github.com/franzi-kafka/franzi/kmsg/kjson"
)

const encodeHelp = `encode writes a message, given as JSON in Kafka's form (bytes in base64, records as batches
or in base64, as decode shows them), as it stands on the wire. Fields that are left out have
Kafka's defaults. NAME is a message; that of an API is its request; "records" are batches
alone. Without JSON, encode reads one message a line from stdin and writes one line each; a
line that is wrong is reported on stderr and skipped.

Of a batch nothing has to be said but its records: [{"records":[{"key":"k","value":"v"}]}].
Compression, timestamps, offsets, headers and the producer are as decode names them; length,
checksum and count are computed.`

// An encoding is how messages are to be encoded.
type encoding struct {
	app    *app
	name   string // of the message
	format bytesFormat

	frame         bool
	correlationID int32 // of the next frame
	clientID      string

	m     kmsg.Message
	codec kjson.Codec
}

func (a *app) encodeCommand() *cobra.Command {
	e := encoding{app: a}
	var version versionFlag
	cmd := &cobra.Command{
		Use:   "encode NAME [-v N] [JSON|@FILE]",
		Short: "Write messages, given as JSON, as bytes",
		Long:  encodeHelp,
		Example: `  franzi encode Metadata -v 12 '{"topics":[{"name":"orders"}]}'
  franzi encode OffsetCommitValue -v 3 < values.jsonl
  franzi encode records '[{"compression":"lz4","records":[{"value":"v"}]}]'
  franzi decode --segment old.log | franzi encode records --format raw > new.log`,
		Args:              takes(1, 2),
		ValidArgsFunction: completeNames(encodable),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := e.choose(cmd, &version, args[0]); err != nil {
				return err
			}
			if err := e.checkFrame(cmd); err != nil {
				return err
			}
			if len(args) == 1 {
				return a.encodeLines(cmd.Context(), &e)
			}
			return a.encodeOne(&e, args[1])
		},
	}
	version.add(cmd, "the version of the message")
	e.format.add(cmd, "how to write bytes: hex, base64 or raw")
	cmd.Flags().BoolVar(&e.frame, "frame", false, "put size and header before it")
	cmd.Flags().Int32Var(&e.correlationID, "correlation-id", 1, "in the header of the first frame; the next ones count up")
	cmd.Flags().StringVar(&e.clientID, "client-id", "franzi", "in the headers of requests")
	complete(cmd, "correlation-id", completeNothing)
	complete(cmd, "client-id", completeNothing)
	return cmd
}

func encodable() []string { return append(everyName(), recordsName) }

// choose finds what is to be encoded.
func (e *encoding) choose(cmd *cobra.Command, version *versionFlag, name string) (err error) {
	if name == recordsName {
		if e.name = name; version.set {
			return misused(cmd, "records say their format in their magic")
		}
		return nil
	}
	if e.name, err = findMessage(name); err != nil {
		return err
	}
	e.m, err = version.atVersion(cmd, e.name)
	return err
}

func (e *encoding) checkFrame(cmd *cobra.Command) error {
	if !e.frame {
		for _, name := range []string{"correlation-id", "client-id"} {
			if cmd.Flags().Changed(name) {
				return misused(cmd, "--%s is part of the header: add --frame", name)
			}
		}
		return nil
	}
	if e.m == nil || e.m.APIKey() == kmsg.NoAPIKey {
		return misused(cmd, "--frame is for requests and responses, %s is neither", e.name)
	}
	return nil
}

// bytes encodes JSON.
func (e *encoding) bytes(text []byte) ([]byte, error) {
	if e.name == recordsName {
		return e.app.parseRecords(text)
	}
	if err := e.app.unmarshal(&e.codec, e.name, text, e.m); err != nil {
		return nil, err
	}
	if e.frame {
		return e.frameBytes()
	}
	if err := e.m.Check(); err != nil {
		return nil, err
	}
	return e.m.AppendTo(nil), nil
}

func (e *encoding) frameBytes() (frame []byte, err error) {
	if req, ok := e.m.(kmsg.Request); ok {
		frame, err = kmsg.AppendRequest(nil, kmsg.RequestHeader{CorrelationID: e.correlationID, ClientID: kbin.Str(e.clientID)}, req)
	} else {
		frame, err = kmsg.AppendResponse(nil, kmsg.ResponseHeader{CorrelationID: e.correlationID}, e.m)
	}
	if err == nil {
		e.correlationID++
	}
	return frame, err
}

// An encoded message as JSON shows it.
type encoded struct {
	Name    string      `json:"name"`
	Version int16       `json:"version"`
	Size    int         `json:"size"`
	Format  bytesFormat `json:"format"`
	Bytes   string      `json:"bytes"`
}

// encodedRecords are record batches as JSON shows their bytes.
type encodedRecords struct {
	Name   string      `json:"name"`
	Size   int         `json:"size"`
	Format bytesFormat `json:"format"`
	Bytes  string      `json:"bytes"`
}

func (e *encoding) result(b []byte) output.Result {
	format := e.format
	if format == rawFormat { // JSON cannot carry bytes
		format = base64Format
	}
	r := output.Result{Value: encodedRecords{e.name, len(b), format, format.text(b)}, Raw: e.format.line(b)}
	if e.m != nil {
		r.Value = encoded{e.name, e.m.APIVersion(), len(b), format, format.text(b)}
	}
	return r
}

func (a *app) encodeOne(e *encoding, arg string) error {
	text, file, err := argument(arg)
	if err != nil {
		return err
	}
	b, err := e.bytes(text)
	if err != nil {
		return failed("%s", jsonError(err, file, 0))
	}
	return a.write(output.RawFormat, e.result(b))
}

func (a *app) encodeLines(ctx context.Context, e *encoding) error {
	w := output.NewWriter(a.out, a.format, output.RawFormat)
	some := false // failed
	err := a.eachLine(ctx, func(l line) error {
		if len(bytes.TrimSpace(l.text)) == 0 {
			return nil
		}
		b, err := e.bytes(l.text)
		if err != nil {
			some = true
			a.say("%s", jsonError(err, "", l.n))
			return nil
		}
		return w.Write(e.result(b))
	})
	if err == nil && some {
		return errSaid()
	}
	return err
}
