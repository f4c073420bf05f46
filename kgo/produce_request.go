package kgo

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/franzi-kafka/franzi/kbin"
	"github.com/franzi-kafka/franzi/kgo/internal/link"
	"github.com/franzi-kafka/franzi/kgo/internal/produce"
	"github.com/franzi-kafka/franzi/kgo/internal/route"
	"github.com/franzi-kafka/franzi/kmsg"
)

// A produceRequest is a request of a sink on its way. It is used again, unless it was cancelled.
type produceRequest struct {
	ownRequest
	sink    *sink
	request *produce.Request
	event   produce.Answered
	splices []link.Splice
	frame   []byte           // for the answer
	room    func(int) []byte // gives it
	extra   int              // bytes of memory for batches in an older form
}

// send hands a request to the broker's lane for producing.
func (s *sink) send(a *produce.Request) {
	r, ok := a.Tag.(*produceRequest)
	if !ok {
		r = &produceRequest{sink: s, request: a}
		r.room = r.answerRoom
		a.Tag = r
	}
	r.Request = link.Request{Key: kmsg.KeyProduce, Max: maxVersion, Body: r, To: r, Room: r.room, NoAnswer: s.p.set.Acks == kmsg.AcksNone}
	// Parts of the same topic stand together.
	slices.SortStableFunc(a.Parts, func(a, b produce.Part) int { return strings.Compare(a.Batch.Queue().Topic, b.Batch.Queue().Topic) })
	for i := range a.Parts {
		if a.Parts[i].Batch.SentID().IsZero() {
			r.Max = lastWithNames
		}
	}
	p := s.p.client.peers.get(s.broker, "")
	if p == nil {
		r.lane = nil
		r.Err = &link.Failure{Stage: link.StageQueue, Err: errLeft}
		r.Done(&r.Request)
		return
	}
	r.lane = p.lane(route.ProduceLane)
	r.lane.conn.Send(&r.Request)
}

// lastWithNames is the last version of Produce that names topics; later ones have their ids
// (KIP-516).
const lastWithNames = 12

// cancel ends a request that nobody waits for any more.
func (r *produceRequest) cancel() {
	r.request.Tag = nil // so that it is not used again
	if r.lane != nil {
		r.lane.conn.Cancel(&r.Request)
	}
}

// maxAnswer is how large an answer is whose memory is kept.
const maxAnswer = 64 << 10

// answerRoom makes the memory for the answer.
func (r *produceRequest) answerRoom(n int) []byte {
	if n > maxAnswer {
		return nil
	}
	if cap(r.frame) < n {
		r.frame = make([]byte, 0, max(n, 256))
	}
	return r.frame
}

// ackTimeout is how long the broker may wait for replicas: a little less than we wait for it.
func (p *Producer) ackTimeout() time.Duration {
	return min(p.client.config.requestTimeout*5/6, p.config.deliveryTimeout)
}

// Encode writes the request. Batches are spliced in, not copied; brokers that do not know their
// format get them converted.
func (r *produceRequest) Encode(dst []byte, h *kmsg.RequestHeader, version int16) ([]byte, []link.Splice, error) {
	p := r.sink.p
	parts := r.request.Parts
	start := len(dst)
	dst = link.AppendHeader(dst, h, kmsg.KeyProduce, version)
	flex := version >= 9
	if version >= 3 {
		dst = kbin.AppendFlexNullableString(dst, kbin.NullString{}, flex) // the transactional id
	}
	dst = kbin.AppendInt16(dst, int16(p.set.Acks))
	dst = kbin.AppendInt32(dst, int32(p.ackTimeout().Milliseconds()))
	topics := 0
	for i := range parts {
		if i == 0 || !sameTopic(&parts[i-1], &parts[i]) {
			topics++
		}
	}
	dst = kbin.AppendFlexArrayLen(dst, topics, flex)
	r.splices = r.splices[:0]
	for i := 0; i < len(parts); {
		n := i + 1
		for n < len(parts) && sameTopic(&parts[i], &parts[n]) {
			n++
		}
		if version <= lastWithNames {
			dst = kbin.AppendFlexString(dst, parts[i].Batch.Queue().Topic, flex)
		} else {
			id := parts[i].Batch.SentID()
			dst = append(dst, id[:]...)
		}
		dst = kbin.AppendFlexArrayLen(dst, n-i, flex)
		for ; i < n; i++ {
			records, err := r.format(parts[i].Batch, version)
			if err != nil {
				parts[i].Err = err
				return dst, nil, err
			}
			dst = kbin.AppendInt32(dst, parts[i].Batch.Queue().Partition)
			dst = kbin.AppendFlexArrayLen(dst, len(records), flex) // lengths of bytes and arrays look the same
			r.splices = append(r.splices, link.Splice{At: len(dst) - start, Bytes: records})
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
	return dst, r.splices, nil
}

func sameTopic(a, b *produce.Part) bool {
	return a.Batch.Queue().Topic == b.Batch.Queue().Topic && a.Batch.SentID() == b.Batch.SentID()
}

// Done decodes the answer and tells the sink.
func (r *produceRequest) Done(*link.Request) {
	s := r.sink
	clear(r.splices)
	if r.extra > 0 {
		s.p.memory.count(-r.extra)
		r.extra = 0
	}
	event := &r.event
	*event = produce.Answered{Request: r.request}
	switch {
	case r.Err != nil:
		event.Failure = r.Err
		event.Written = r.Written != link.WrittenNo
		var unsupported *link.UnsupportedError
		if errors.As(r.Err, &unsupported) {
			event.Failure = fmt.Errorf("%w: %w", produce.ErrFatal, r.Err)
		}
	case !r.NoAnswer:
		resp := s.response()
		resp.SetAPIVersion(r.Version)
		if _, err := kmsg.DecodeResponseLenient(r.Frame, resp); err != nil {
			event.Failure, event.Written = err, true
			break
		}
		event.Response = resp
		if resp.ThrottleTimeMs > 0 {
			r.lane.conn.Throttled(&r.Request, time.Duration(resp.ThrottleTimeMs)*time.Millisecond)
		}
	}
	if r.lane != nil {
		s.p.client.requestEvent(&r.Request, r.lane)
	}
	r.Frame = nil
	s.loop.Post(event)
}
