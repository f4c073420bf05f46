package main

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"github.com/franzi-kafka/franzi/cmd/franzi/internal/batchjson"
	"github.com/franzi-kafka/franzi/cmd/franzi/internal/output"
	"github.com/franzi-kafka/franzi/gen/def"
	"github.com/franzi-kafka/franzi/gen/model"
	"github.com/franzi-kafka/franzi/kmsg"
	"github.com/franzi-kafka/franzi/kmsg/batch"
	"github.com/franzi-kafka/franzi/kmsg/kjson"
)

// recordsName stands, where a message is named, for record batches alone.
const recordsName = "records"

// carriesRecords reports whether a message has fields of type records, which spares the others
// the reading of definitions.
func carriesRecords(name string) bool {
	switch name {
	case "ProduceRequest", "FetchResponse", "FetchSnapshotResponse", "ShareFetchResponse":
		return true
	}
	return false
}

// eachRecords calls do with each field of type records in a message, and its path.
func eachRecords(s *model.Struct, path string, v *output.Value, do func(path string, field *output.Value)) {
	for i := range v.Elements {
		eachRecords(s, fmt.Sprintf("%s[%d]", path, i), &v.Elements[i], do)
	}
	for i := range v.Members {
		m := &v.Members[i]
		for _, f := range s.Fields {
			at := strings.TrimPrefix(path+"."+m.Key, ".")
			switch {
			case f.JSONName() != m.Key:
			case f.Def.Type.Base == def.Records:
				do(at, &m.Value)
			case f.Struct != nil:
				eachRecords(f.Struct, at, &m.Value, do)
			}
		}
	}
}

// shower shows batches as was asked for.
func (a *app) shower(d *decodeCommand) *batchjson.Shower {
	return &batchjson.Shower{Codecs: &a.codecs, Redact: d.redact}
}

// show makes JSON of a message, with its records as batches. What is wrong with them is told,
// and is no error.
func (d *decoding) show(m kmsg.Message) (any, error) {
	text, err := d.json(m)
	name := nameOf(m)
	if err != nil || d.redact || d.opaque || !carriesRecords(name) {
		return text, err
	}
	all, err := d.app.model()
	if err != nil {
		return nil, err
	}
	v, err := output.Parse(text)
	if err != nil {
		return nil, err
	}
	shower := d.app.shower(d.decodeCommand)
	eachRecords(all.Message(name).Root, "", &v, func(path string, field *output.Value) {
		if field.Kind != output.String {
			return // null
		}
		b, err := base64.StdEncoding.DecodeString(field.Text)
		if err != nil {
			panic(fmt.Sprintf("kjson wrote %s as no base64: %v", path, err))
		}
		batches, wrong := shower.Records(b, strings.HasSuffix(path, "unalignedRecords"))
		*field = batches
		for _, err := range wrong {
			d.wrong = append(d.wrong, path+": "+err.Error())
		}
	})
	return v, nil
}

// A batchList is record batches that are shown by themselves.
type batchList output.Value

// records shows record batches alone.
func (d *decoding) records(b []byte) (any, error) {
	batches, wrong := d.app.shower(d.decodeCommand).Records(b, false)
	for _, err := range wrong {
		d.wrong = append(d.wrong, err.Error())
	}
	return batchList(batches), nil
}

// areRecords reports whether bytes are whole record batches with right checksums, which nothing
// else is by chance.
func areRecords(b []byte) bool {
	r := batch.NewReader(b)
	for r.Next() {
		if r.Batch.Verify() != nil {
			return false
		}
	}
	return r.Err() == nil && r.Pos() == len(b) && len(b) > 0
}

// unmarshal reads the JSON of a message, whose records may be batches. Errors are those of
// kjson, and say the place in the text.
func (a *app) unmarshal(c *kjson.Codec, name string, text []byte, m kmsg.Message) error {
	if !carriesRecords(name) {
		return c.Unmarshal(text, m)
	}
	s := splicing{text: text}
	v, err := s.parse()
	if err != nil {
		return err
	}
	all, err := a.model()
	if err != nil {
		return err
	}
	eachRecords(all.Message(name).Root, "", &v, func(path string, field *output.Value) {
		if err == nil && (field.Kind == output.Array || field.Kind == output.Object) {
			err = s.batches(a, path, *field)
		}
	})
	if err != nil {
		return err
	}
	err = c.Unmarshal(s.result(), m)
	if e := new(kjson.Error); errors.As(err, &e) {
		e.Line, e.Column = s.original(e.Line, e.Column)
	}
	return err
}

// parseRecords reads the JSON of record batches alone.
func (a *app) parseRecords(text []byte) ([]byte, error) {
	s := splicing{text: text}
	v, err := s.parse()
	if err != nil {
		return nil, err
	}
	if rest := bytes.TrimLeft(text[v.End:], " \t\r\n"); len(rest) > 0 {
		return nil, s.fail(len(text)-len(rest), "", "there is more after the batches")
	}
	b, err := batchjson.Build(v, &a.codecs)
	if e := new(batchjson.Error); errors.As(err, &e) {
		return nil, s.fail(e.Begin, strings.TrimPrefix(e.Path, "."), e.Reason)
	}
	return b, err
}
