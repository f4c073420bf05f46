package kgo

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"

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
	start   int // of the frame that is written
	splices []link.Splice
	form    func(*produce.Batch, int16) ([]byte, error) // the methods of the request, made once
	splice  func(int, []byte)
	frame   []byte           // for the answer
	room    func(int) []byte // gives it
	extra   int              // bytes of memory for batches in an older form
}

// send hands a request to the broker's lane for producing.
func (s *sink) send(a *produce.Request) {
	r, ok := a.Tag.(*produceRequest)
	if !ok {
		r = &produceRequest{sink: s, request: a}
		r.room, r.form = r.answerRoom, r.format
		r.splice = func(at int, records []byte) {
			r.splices = append(r.splices, link.Splice{At: at - r.start, Bytes: records})
		}
		a.Tag = r
	}
	r.Request = link.Request{Key: kmsg.KeyProduce, Max: a.Arrange(), Body: r, To: r, Room: r.room, NoAnswer: s.p.set.Acks == kmsg.AcksNone}
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
	r.start, r.splices = len(dst), r.splices[:0]
	dst = link.AppendHeader(dst, h, kmsg.KeyProduce, version)
	dst, err := r.request.Append(dst, p.set, version, p.ackTimeout(), r.form, r.splice)
	if err != nil {
		return dst, nil, err
	}
	binary.BigEndian.PutUint32(dst[r.start:], uint32(len(dst)-r.start-4))
	return dst, r.splices, nil
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
		s.p.names.speaks(r.Version)
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
