package kgo

import (
	"fmt"

	"github.com/franzi-kafka/franzi/kgo/internal/produce"
	"github.com/franzi-kafka/franzi/kmsg"
	"github.com/franzi-kafka/franzi/kmsg/batch"
	"github.com/franzi-kafka/franzi/kmsg/compress"
)

// format returns a batch in a form that a broker knows which has a version of Produce: message
// sets before 0.11, and no Zstandard before 2.1 (KIP-110).
func (r *produceRequest) format(b *produce.Batch, version int16) ([]byte, error) {
	p := r.sink.p
	to, codec := batch.V2, p.config.compression
	switch {
	case version < 2:
		to = batch.V0
	case version < 3:
		to = batch.V1
	case version >= 7 || codec.Codec != compress.Zstd:
		return b.Sealed.Bytes, nil
	}
	p.onceOld.Do(func() {
		p.client.log.Warn("a broker is old and gets batches in a form that it knows, which takes time", "version of Produce", version)
	})
	if codec.Codec == compress.Zstd {
		codec = compress.Settings{Codec: compress.LZ4}
	}
	raw, err := r.rewrite(b, to, codec)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", produce.ErrFatal, err)
	}
	return raw, nil
}

// rewrite encodes a batch anew.
func (r *produceRequest) rewrite(b *produce.Batch, to batch.Magic, with compress.Settings) ([]byte, error) {
	p := r.sink.p
	in := batch.NewReader(b.Sealed.Bytes)
	if !in.Next() {
		return nil, fmt.Errorf("kgo: our own batch cannot be read: %w", in.Err())
	}
	payload, _, err := in.Batch.Payload(p.codecs, nil, batch.DefaultLimit)
	if err != nil {
		return nil, err
	}
	var out batch.Builder
	out.Reset(make([]byte, 0, len(payload)+len(payload)/2+batch.HeaderSize), to)
	var headers []Header
	w := in.Batch.Walk(payload)
	for w.Next() {
		if headers = w.Record.Headers.AppendTo(headers[:0]); len(headers) > 0 && to != batch.V2 {
			return nil, fmt.Errorf("%w: headers need Kafka 0.11", kmsg.UnsupportedForMessageFormat)
		}
		out.Append(w.Record.Timestamp, w.Record.Key, w.Record.Value, headers)
	}
	if err := w.Err(); err != nil {
		return nil, err
	}
	s := out.Seal()
	if _, err := s.Compress(p.codecs, with, nil); err != nil {
		return nil, err
	}
	if h := &in.Batch; h.Idempotent() {
		s.Number(h.ProducerID, h.ProducerEpoch, h.BaseSequence)
	}
	r.extra += cap(s.Bytes)
	p.memory.count(cap(s.Bytes))
	return s.Bytes, nil
}
