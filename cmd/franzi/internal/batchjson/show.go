package batchjson

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/franzi-kafka/franzi/cmd/franzi/internal/output"
	"github.com/franzi-kafka/franzi/cmd/franzi/internal/segment"
	"github.com/franzi-kafka/franzi/kmsg/batch"
	"github.com/franzi-kafka/franzi/kmsg/compress"
)

// A Shower makes JSON of batches. It is for one goroutine at a time.
type Shower struct {
	// Codecs decompresses.
	Codecs *compress.Codecs
	// Limit bounds the decompressed size of a batch, 0 means [batch.DefaultLimit].
	Limit int
	// Redact hides keys, values and values of headers, and all bytes of what is wrong.
	Redact bool
	// Positions says where batches stand, as in files, also in errors.
	Positions bool
	// Inside, if it is not nil, shows the key and value of a record that is no control record;
	// it is not ok if it cannot.
	Inside func(key, value []byte) (k, v output.Value, ok bool)
	// Bare leaves records out; they are checked all the same.
	Bare bool

	// Count is how many records the item had that was shown last, and First the offset of the
	// first one.
	Count int
	First int64

	room []byte // memory for what is decompressed
}

// Records shows all that is in a field of type records, and says what is wrong in it. Unaligned
// records may begin within a batch, as pieces of a snapshot do; what comes before the first
// whole batch is partial then.
func (s *Shower) Records(b []byte, unaligned bool) (batches output.Value, wrong []error) {
	batches = output.Value{Kind: output.Array}
	r := segment.NewReader(bytes.NewReader(b))
	r.CutOff, r.Keep = !unaligned, len(b)
	for {
		item, err := r.Next()
		if err == io.EOF {
			return batches, wrong
		}
		if err != nil {
			panic(fmt.Sprintf("batchjson: reading from memory: %v", err))
		}
		if unaligned && item.Position == 0 && item.Kind == segment.Garbage {
			item.Kind = segment.Partial
		}
		v, err := s.Item(item)
		if err != nil {
			wrong = append(wrong, err)
		}
		batches.Elements = append(batches.Elements, v)
	}
}

// Item shows an item and says what is wrong with it. Zeros are wrong here.
func (s *Shower) Item(item *segment.Item) (v output.Value, err error) {
	s.Count = 0
	v = roomy(20)
	if s.Positions {
		v.Add("position", output.Int(item.Position))
	}
	switch item.Kind {
	case segment.Batch:
		err = s.batch(&v, &item.Batch)
	case segment.Partial:
		v.Add("partial", output.Bool(true))
		v.Add("size", output.Int(item.Size))
		if item.Need > 0 {
			v.Add("batchLength", output.Int(item.Need-12))
		}
		v.Add("base64", s.raw(item.Bytes))
		return v, nil
	case segment.Garbage:
		err = item.Err
	case segment.Zeros:
		err = errors.New("zeros up to the end")
	}
	if err == nil {
		return v, nil
	}
	if item.Kind != segment.Batch {
		v.Add("size", output.Int(item.Size))
	}
	err = at(err, item.Position)
	v.Add("error", output.Text(err.Error()))
	if item.Bytes != nil {
		v.Add("base64", s.raw(item.Bytes))
	}
	return v, err
}

// at makes an error say the place in all that was read, and not in the batch.
func at(err error, position int64) error {
	e := new(batch.Error)
	if !errors.As(err, &e) {
		return fmt.Errorf("at byte %d: %w", position, err)
	}
	moved := *e
	if !e.Inside {
		moved.Pos += int(position)
	}
	return errors.New(strings.TrimPrefix(moved.Error(), "batch: "))
}

// batch adds the fields of a batch and returns the first thing that is wrong with it.
func (s *Shower) batch(v *output.Value, b *batch.Batch) error {
	wrong := b.Verify()
	v.Add("baseOffset", output.Int(b.BaseOffset))
	v.Add("batchLength", output.Int(b.Length))
	if b.Magic == batch.V2 {
		v.Add("partitionLeaderEpoch", output.Int(b.LeaderEpoch))
	}
	v.Add("magic", output.Int(int8(b.Magic)))
	v.Add("crc", output.Int(b.CRC))
	v.Add("isValid", output.Bool(!errors.Is(wrong, batch.ErrChecksum)))
	v.Add("compression", output.Text(b.Attributes.Codec().String()))
	v.Add("timestampType", output.Text(timestampType(b)))
	if b.Magic == batch.V2 {
		v.Add("isTransactional", output.Bool(b.Attributes.Transactional()))
		v.Add("isControl", output.Bool(b.Attributes.Control()))
		v.Add("hasDeleteHorizonMs", output.Bool(b.Attributes.DeleteHorizon()))
		if b.Attributes&^knownFlags != 0 {
			v.Add("attributes", output.Int(int16(b.Attributes)))
		}
		v.Add("lastOffsetDelta", output.Int(b.LastOffsetDelta))
		v.Add("baseTimestamp", output.Int(b.BaseTimestamp))
	}
	if b.Magic != batch.V0 {
		v.Add("maxTimestamp", output.Int(b.MaxTimestamp))
	}
	if b.Magic == batch.V2 {
		v.Add("producerId", output.Int(b.ProducerID))
		v.Add("producerEpoch", output.Int(b.ProducerEpoch))
		v.Add("baseSequence", output.Int(b.BaseSequence))
		v.Add("recordsCount", output.Int(b.Count))
	}
	records, err := s.records(b)
	v.Add("records", records)
	if wrong == nil {
		wrong = err
	}
	return wrong
}

// The values of timestampType, as in Kafka's code.
const (
	noTimestamps  = "NoTimestampType"
	createTime    = "CreateTime"
	logAppendTime = "LogAppendTime"
)

func timestampType(b *batch.Batch) string {
	switch {
	case b.Magic == batch.V0:
		return noTimestamps
	case b.Attributes.LogAppendTime():
		return logAppendTime
	}
	return createTime
}

// records shows the records of a batch, up to the first that is wrong.
func (s *Shower) records(b *batch.Batch) (list output.Value, err error) {
	list = output.Value{Kind: output.Array, Elements: make([]output.Value, 0, min(max(b.Count, 0), 64))}
	limit := s.Limit
	if limit == 0 {
		limit = batch.DefaultLimit
	}
	payload, room, err := b.Payload(s.Codecs, s.room, limit)
	s.room = room
	if err != nil {
		return list, err
	}
	w := b.Walk(payload)
	for w.Next() {
		if s.Count++; s.Count == 1 {
			s.First = w.Record.Offset
		}
		if s.Bare && !b.Attributes.Control() {
			continue
		}
		v, wrong := s.record(b, &w.Record)
		if wrong != nil && err == nil {
			err = wrong
		}
		list.Elements = append(list.Elements, v)
	}
	if w.Err() != nil {
		return list, w.Err()
	}
	return list, err
}

func (s *Shower) record(b *batch.Batch, r *batch.Record) (v output.Value, err error) {
	v = roomy(5)
	v.Add("offset", output.Int(r.Offset))
	v.Add("timestamp", output.Int(r.Timestamp))
	if b.Attributes.Control() {
		err = s.control(&v, r)
	} else {
		key, value := s.bytes(r.Key), s.bytes(r.Value)
		if s.Inside != nil {
			if k, x, ok := s.Inside(r.Key, r.Value); ok {
				key, value = k, x
			}
		}
		v.Add("key", key)
		v.Add("value", value)
	}
	headers := output.Value{Kind: output.Array}
	for key, value := range r.Headers.All() {
		h := output.Value{Kind: output.Object}
		h.Add("key", text(key))
		h.Add("value", s.bytes(value))
		headers.Elements = append(headers.Elements, h)
	}
	v.Add("headers", headers)
	return v, err
}

// roomy is an object with room for keys.
func roomy(keys int) output.Value {
	return output.Value{Kind: output.Object, Members: make([]output.Member, 0, keys)}
}

// bytes shows a key or value.
func (s *Shower) bytes(b []byte) output.Value {
	switch {
	case b == nil:
		return output.Null()
	case s.Redact:
		return hidden(b)
	}
	return text(b)
}

// raw shows the bytes of what is no good batch.
func (s *Shower) raw(b []byte) output.Value {
	if s.Redact {
		return hidden(b)
	}
	return output.Text(base64.StdEncoding.EncodeToString(b))
}

func hidden(b []byte) output.Value { return output.Text(fmt.Sprintf("[%d bytes]", len(b))) }

// text shows bytes as a string, or if they are none in base64.
func text(b []byte) output.Value {
	if utf8.Valid(b) {
		return output.Text(string(b))
	}
	return output.Value{Kind: output.Object, Members: []output.Member{{Key: "base64", Value: output.Text(base64.StdEncoding.EncodeToString(b))}}}
}
