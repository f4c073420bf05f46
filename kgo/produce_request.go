package kgo

import (
	"encoding/binary"
	"slices"

	"github.com/franzi-kafka/franzi/kbin"
	"github.com/franzi-kafka/franzi/kgo/internal/link"
	"github.com/franzi-kafka/franzi/kgo/internal/produce"
	"github.com/franzi-kafka/franzi/kmsg"
	"github.com/franzi-kafka/franzi/kmsg/batch"
	"github.com/franzi-kafka/franzi/kmsg/compress"
)

// Encode writes the request. Batches are spliced in, not copied; brokers that do not know their
// format get them converted.
func (r *produceRequest) Encode(dst []byte, h *kmsg.RequestHeader, version int16) ([]byte, []link.Splice, error) {
	p := r.sink.p
	parts := r.request.Parts
	// Parts of the same topic stand together.
	slices.SortStableFunc(parts, func(a, b produce.Part) int { return compareTopics(a.Batch.Queue(), b.Batch.Queue()) })
	start := len(dst)
	dst = link.AppendHeader(dst, h, kmsg.KeyProduce, version)
	flex := version >= 9
	if version >= 3 {
		dst = kbin.AppendFlexNullableString(dst, kbin.NullString{}, flex) // the transactional id
	}
	dst = kbin.AppendInt16(dst, int16(p.set.Acks))
	dst = kbin.AppendInt32(dst, int32(p.client.config.requestTimeout.Milliseconds()))
	topics := 0
	for i := range parts {
		if i == 0 || compareTopics(parts[i-1].Batch.Queue(), parts[i].Batch.Queue()) != 0 {
			topics++
		}
	}
	dst = kbin.AppendFlexArrayLen(dst, topics, flex)
	splices := make([]link.Splice, 0, len(parts))
	for i := 0; i < len(parts); {
		q := parts[i].Batch.Queue()
		n := i
		for n < len(parts) && compareTopics(q, parts[n].Batch.Queue()) == 0 {
			n++
		}
		if version <= 12 {
			dst = kbin.AppendFlexString(dst, q.Topic, flex)
		} else {
			id := parts[i].Batch.SentID()
			dst = append(dst, id[:]...)
		}
		dst = kbin.AppendFlexArrayLen(dst, n-i, flex)
		for ; i < n; i++ {
			records, err := p.format(parts[i].Batch, version)
			if err != nil {
				return dst, nil, err
			}
			dst = kbin.AppendInt32(dst, parts[i].Batch.Queue().Partition)
			dst = kbin.AppendFlexArrayLen(dst, len(records), flex) // lengths of bytes and arrays look the same
			splices = append(splices, link.Splice{At: len(dst) - start, Bytes: records})
			if flex {
				dst = append(dst, 0) // no tags
			}
		}
		if flex {
			dst = append(dst, 0)
		}
	}
	if flex {
		dst = append(dst, 0)
	}
	binary.BigEndian.PutUint32(dst[start:], uint32(len(dst)-start-4))
	return dst, splices, nil
}

func compareTopics(a, b *produce.Queue) int {
	switch {
	case a.Topic < b.Topic:
		return -1
	case a.Topic > b.Topic:
		return 1
	}
	return 0
}

// format returns a batch in a form that a broker knows which has a version of Produce: message
// sets before 0.11, and no Zstandard before 2.1 (KIP-110).
func (p *Producer) format(b *produce.Batch, version int16) ([]byte, error) {
	raw := b.Sealed.Bytes
	to := batch.V2
	switch {
	case version < 2:
		to = batch.V0
	case version < 3:
		to = batch.V1
	case version >= 7 || p.config.compression.Codec != compress.Zstd:
		return raw, nil
	}
	p.onceOld.Do(func() {
		p.client.log.Warn("an old broker gets batches in an older form, which takes time", "broker's version of Produce", version)
	})
	codec := p.config.compression
	if codec.Codec == compress.Zstd {
		codec = compress.Settings{Codec: compress.LZ4}
	}
	return p.rewrite(b, raw, to, codec)
}

// rewrite encodes a batch anew.
func (p *Producer) rewrite(b *produce.Batch, raw []byte, to batch.Magic, with compress.Settings) ([]byte, error) {
	r := batch.NewReader(raw)
	r.Next()
	payload, _, err := r.Batch.Payload(p.codecs, nil, batch.DefaultLimit)
	if err != nil {
		return nil, err
	}
	var out batch.Builder
	out.Reset(make([]byte, 0, len(payload)+batch.HeaderSize+len(payload)/2), to)
	var headers []Header
	w := r.Batch.Walk(payload)
	for w.Next() {
		headers = w.Record.Headers.AppendTo(headers[:0])
		out.Append(w.Record.Timestamp, w.Record.Key, w.Record.Value, headers)
	}
	if err := w.Err(); err != nil {
		return nil, err
	}
	s := out.Seal()
	if _, err := s.Compress(p.codecs, with, nil); err != nil {
		return nil, err
	}
	if r.Batch.Idempotent() {
		s.Number(r.Batch.ProducerID, r.Batch.ProducerEpoch, r.Batch.BaseSequence)
	}
	return s.Bytes, nil
}
