package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/franzi-kafka/franzi/cmd/franzi/internal/output"
	"github.com/franzi-kafka/franzi/kbin"
	"github.com/franzi-kafka/franzi/kmsg"
	"github.com/franzi-kafka/franzi/kmsg/state"
)

// topics are Kafka's own, whose records decode knows.
func topics() []string {
	return []string{state.ConsumerOffsets, state.TransactionState, state.ShareGroupState, state.ClusterMetadata, state.RemoteLogMetadata}
}

func isTopic(name string) bool { return strings.HasPrefix(name, "__") }

// A shownRecord is a record of one of Kafka's own topics.
type shownRecord struct {
	Topic string       `json:"topic"`
	Type  int16        `json:"type"`
	Key   *shownInside `json:"key"`
	Value *shownInside `json:"value"` // null for a tombstone
}

// A shownInside is a key or value.
type shownInside struct {
	Name    string `json:"name"`
	Version int16  `json:"version"`
	Message any    `json:"message"`
}

func (a *app) decodeRecord(cmd *cobra.Command, d *decodeCommand, topic string, given bool) error {
	known, err := oneOf("topic", topic, topics())
	if err != nil {
		return err
	}
	switch {
	case given:
		return misused(cmd, "the bytes of a record are its --key and --value")
	case d.version.set || d.responseTo != "":
		return misused(cmd, "records tell their version themselves")
	case !cmd.Flags().Changed("key") && !cmd.Flags().Changed("value"):
		return misused(cmd, "a record of %s has a --key or a --value, or both", known)
	}
	key, err := d.half(cmd, "key", d.key)
	if err != nil {
		return err
	}
	value, err := d.half(cmd, "value", d.value)
	if err != nil {
		return err
	}
	rec, err := state.Decode(known, key, value)
	if err != nil {
		return a.explainRecord(d, known, rec, key, value, err)
	}
	shown := shownRecord{Topic: known, Type: rec.Type}
	if shown.Key, err = d.inside(rec.Key); err != nil {
		return err
	}
	if shown.Value, err = d.inside(rec.Value); err != nil {
		return err
	}
	r, err := result(shown)
	if err != nil {
		return err
	}
	return a.write(output.JSONFormat, r)
}

// explainRecord says in which field of the key or value of a record decoding failed.
func (a *app) explainRecord(d *decodeCommand, topic string, rec state.Record, key, value []byte, err error) error {
	if undecoded := new(kmsg.DecodeError); !errors.As(err, &undecoded) {
		return failed("%s", plainly(err))
	}
	m, b, before := rec.Key, key, 2 // the type
	if rec.Value != nil {
		m, b = rec.Value, value // the version
		if rec.Key == nil {
			r := kbin.NewReader(value)
			r.Uvarint() // of the frame
			r.Uvarint() // the type
			r.Uvarint() // the version
			before = r.Offset()
		}
	}
	dec := &decoding{app: a, decodeCommand: d}
	return dec.explain(nameOf(m), m.APIVersion(), b[before:], before, err, " (a record of "+topic+")")
}

// half reads the key or value of a record, nil if it was not given.
func (d *decodeCommand) half(cmd *cobra.Command, name, arg string) ([]byte, error) {
	if !cmd.Flags().Changed(name) {
		return nil, nil
	}
	text, _, err := argument(arg)
	if err != nil {
		return nil, err
	}
	b, err := d.format.parse(text)
	if err != nil {
		return nil, failed("--%s: %v", name, err)
	}
	return append([]byte{}, b...), nil // empty is not a tombstone
}

func (d *decodeCommand) inside(m kmsg.Message) (*shownInside, error) {
	if m == nil {
		return nil, nil
	}
	text, err := d.json(m)
	if err != nil {
		return nil, err
	}
	return &shownInside{nameOf(m), m.APIVersion(), text}, nil
}

// insideOf returns what shows the keys and values of a topic's records.
func (d *decodeCommand) insideOf(topic string) func(key, value []byte) (k, v output.Value, ok bool) {
	half := func(raw []byte, m kmsg.Message) (output.Value, error) {
		if raw == nil {
			return output.Null(), nil
		}
		shown, err := d.inside(m)
		if err != nil || shown == nil {
			return output.Null(), failed("nothing is known of it")
		}
		return output.ValueOf(shown)
	}
	return func(key, value []byte) (k, v output.Value, ok bool) {
		rec, err := state.Decode(topic, key, value)
		if err != nil {
			return k, v, false
		}
		if k, err = half(key, rec.Key); err == nil {
			v, err = half(value, rec.Value)
		}
		return k, v, err == nil
	}
}

// nameOf is Kafka's name of a message.
func nameOf(m kmsg.Message) string {
	name := strings.TrimPrefix(fmt.Sprintf("%T", m), "*kmsg.")
	name = strings.TrimPrefix(name, "*state.")
	if full, err := findMessage(name); err == nil {
		return full
	}
	return name
}
