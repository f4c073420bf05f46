// Package rawconn speaks to brokers in raw messages, for tests. It is strict: what it sends can
// be read again, answers are decoded to their last byte, and both are the same bytes when they
// are written again.
package rawconn

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"net"
	"reflect"
	"time"

	"github.com/franzi-kafka/franzi/kbin"
	"github.com/franzi-kafka/franzi/kmsg"
)

// limit is how long an answer may take.
const limit = 30 * time.Second

// A Conn is a connection that has one request in flight. It is for one goroutine at a time.
type Conn struct {
	net.Conn
	limit time.Duration // for an answer
	next  int32         // correlation id
}

// Dial connects. The caller closes the connection.
func Dial(ctx context.Context, addr string) (*Conn, error) {
	conn, err := (&net.Dialer{Timeout: limit}).DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	return &Conn{Conn: conn, limit: limit}, nil
}

// Exchange sends a request at its version and returns the answer's frame. It blocks until the
// answer is there, for half a minute at most.
func (c *Conn) Exchange(req kmsg.Request) ([]byte, error) {
	c.next++
	header := kmsg.RequestHeader{CorrelationID: c.next, ClientID: kbin.Str("franzi-rawconn")}
	frame, err := kmsg.AppendRequest(nil, header, req)
	if err != nil {
		return nil, err
	}
	if err := roundTripRequest(frame); err != nil {
		return nil, err
	}
	if err := c.SetDeadline(time.Now().Add(c.limit)); err != nil {
		return nil, err
	}
	if _, err := c.Write(frame); err != nil {
		return nil, err
	}
	answer, err := kmsg.ReadFrame(c, nil, kmsg.MaxFrame)
	if err != nil {
		return nil, err
	}
	if id, ok := kmsg.CorrelationID(answer); !ok || id != c.next {
		return nil, fmt.Errorf("the answer has the correlation id %d, want %d", id, c.next)
	}
	return answer, nil
}

// Ask is Exchange and Decode.
func (c *Conn) Ask(req kmsg.Request) (kmsg.Response, error) {
	frame, err := c.Exchange(req)
	if err != nil {
		return nil, err
	}
	return Decode(frame, req)
}

func roundTripRequest(frame []byte) error {
	header, req, err := kmsg.DecodeRequest(frame[4:])
	if err != nil {
		return fmt.Errorf("our own request cannot be read: %w", err)
	}
	again, err := kmsg.AppendRequest(nil, header, req)
	if err != nil || !bytes.Equal(again, frame) {
		return fmt.Errorf("our own request, read and written:\n%x\nwas\n%x\n%v", again, frame, err)
	}
	return nil
}

// Decode reads an answer to its last byte and wants the same bytes when it is written.
func Decode(frame []byte, req kmsg.Request) (kmsg.Response, error) {
	resp := req.Response()
	header, err := kmsg.DecodeResponse(frame, resp)
	if err != nil {
		return nil, fmt.Errorf("%w\nof the answer %x", err, frame)
	}
	again, err := kmsg.AppendResponse(nil, header, resp)
	if err != nil {
		return nil, fmt.Errorf("the answer cannot be written: %w\nit is %s", err, resp)
	}
	if size := binary.BigEndian.Uint32(again); int(size) != len(again)-4 || !bytes.Equal(again[4:], frame) {
		return nil, fmt.Errorf("the answer, read and written:\n%x\nwas\n%x", again[4:], frame)
	}
	return resp, nil
}

// ErrorCodes collects all error codes of an answer but None.
func ErrorCodes(resp kmsg.Response) []kmsg.ErrorCode { return errorCodes(reflect.ValueOf(resp)) }

func errorCodes(v reflect.Value) []kmsg.ErrorCode {
	var codes []kmsg.ErrorCode
	if c, ok := v.Interface().(kmsg.ErrorCode); ok {
		if c != kmsg.None {
			codes = append(codes, c)
		}
		return codes
	}
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			codes = errorCodes(v.Elem())
		}
	case reflect.Slice:
		for i := range v.Len() {
			codes = append(codes, errorCodes(v.Index(i))...)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				codes = append(codes, errorCodes(v.Field(i))...)
			}
		}
	}
	return codes
}

// Passes reports whether an error goes away while a broker finds its way.
func Passes(c kmsg.ErrorCode) bool {
	switch c {
	case kmsg.LeaderNotAvailable, kmsg.NotLeaderOrFollower, kmsg.UnknownTopicOrPartition, kmsg.UnknownTopicID,
		kmsg.CoordinatorNotAvailable, kmsg.NotCoordinator, kmsg.CoordinatorLoadInProgress, kmsg.ConcurrentTransactions, kmsg.DelegationTokenNotFound:
		return true
	}
	return false
}
