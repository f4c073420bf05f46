package batchjson

import (
	"bytes"
	"errors"
	"strconv"
	"strings"

	"github.com/franzi-kafka/franzi/cmd/franzi/internal/output"
	"github.com/franzi-kafka/franzi/kmsg"
	"github.com/franzi-kafka/franzi/kmsg/batch"
	"github.com/franzi-kafka/franzi/kmsg/kjson"
)

// A controlType is a type of control records by its name in Kafka, with the message that its
// value has.
type controlType struct {
	number  kmsg.ControlRecordType
	name    string
	message string
}

func controlTypes() []controlType {
	return []controlType{
		{kmsg.ControlRecordAbort, "ABORT", "EndTxnMarker"},
		{kmsg.ControlRecordCommit, "COMMIT", "EndTxnMarker"},
		{kmsg.ControlRecordLeaderChange, "LEADER_CHANGE", "LeaderChangeMessage"},
		{kmsg.ControlRecordSnapshotHeader, "SNAPSHOT_HEADER", "SnapshotHeaderRecord"},
		{kmsg.ControlRecordSnapshotFooter, "SNAPSHOT_FOOTER", "SnapshotFooterRecord"},
		{kmsg.ControlRecordKRaftVersion, "KRAFT_VERSION", "KRaftVersionRecord"},
		{kmsg.ControlRecordKRaftVoters, "KRAFT_VOTERS", "VotersRecord"},
	}
}

// control shows a control record: by name, and key and value too where the name does not say
// all.
func (s *Shower) control(v *output.Value, r *batch.Record) error {
	number, m, err := batch.DecodeControl(r)
	if _, unreadable := batch.ControlType(r.Key); unreadable == nil {
		v.Add("control", s.named(number, m))
	}
	if m != nil && err == nil {
		key, value, err := batch.EncodeControl(number, m)
		if err == nil && bytes.Equal(key, r.Key) && bytes.Equal(value, r.Value) {
			return nil
		}
	}
	v.Add("key", s.bytes(r.Key))
	v.Add("value", s.bytes(r.Value))
	if err != nil {
		err = errors.New(strings.TrimPrefix(err.Error(), "batch: ") + ", at offset " + strconv.FormatInt(r.Offset, 10))
	}
	return err
}

func (s *Shower) named(number kmsg.ControlRecordType, m kmsg.Message) output.Value {
	v := output.Value{Kind: output.Object}
	for _, t := range controlTypes() {
		if t.number != number {
			continue
		}
		v.Add("type", output.Text(t.name))
		if m == nil {
			return v
		}
		v.Add("name", output.Text(t.message))
		v.Add("version", output.Int(m.APIVersion()))
		if text, err := kjson.Marshal(m); err == nil {
			if message, err := output.Parse(text); err == nil {
				v.Add("message", message)
			}
		}
		return v
	}
	v.Add("type", output.Int(int16(number)))
	return v
}

// control returns the key and value of a control record that is given by name.
func (p *parser) control(v output.Value, path string) (key, value []byte) {
	o := p.object(v, path)
	kind, _ := o.get("type")
	o.get("name") // follows from the type
	version := o.int("version", 0, 0, 1<<15-1)
	body, hasBody := o.get("message")
	o.end("a control record")
	for _, t := range controlTypes() {
		if !strings.EqualFold(t.name, kind.Text) && kind.Text != strconv.Itoa(int(t.number)) {
			continue
		}
		m := kmsg.NewMessage(t.message)
		m.SetAPIVersion(int16(version))
		if hasBody {
			if err := kjson.Unmarshal(body.AppendJSON(nil), m); err != nil {
				p.message(body, join(path, "message"), err)
				return nil, nil
			}
		}
		key, value, err := batch.EncodeControl(t.number, m)
		if err != nil {
			p.message(v, path, err)
		}
		return key, value
	}
	var names []string
	for _, t := range controlTypes() {
		names = append(names, t.name)
	}
	p.fail(v, join(path, "type"), "the type of a control record is one of %s; others need key and value", strings.Join(names, ", "))
	return nil, nil
}

// message refuses the message of a control record. What kjson says of its place counts from
// the message.
func (p *parser) message(v output.Value, path string, err error) {
	reason := err.Error()
	if e := new(kjson.Error); errors.As(err, &e) {
		reason = e.Reason
		if e.Path != "" {
			path = join(path, e.Path)
		}
	}
	p.fail(v, path, "%s", strings.TrimPrefix(reason, "kmsg: "))
}
