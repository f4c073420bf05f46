package broker

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/franzi-kafka/franzi/kbin"
	"github.com/franzi-kafka/franzi/kmsg"
)

// A Dialer opens connections, as [net.Dialer]'s DialContext does.
type Dialer func(ctx context.Context, network, addr string) (net.Conn, error)

// A Conn is a connection to a broker. It is for one goroutine at a time.
type Conn struct {
	addr     string
	clientID string
	dial     Dialer
	conn     net.Conn
	in       *bufio.Reader
	last     int32 // correlation id that was given last
}

// Dial connects to a broker. The context bounds the attempt.
func Dial(ctx context.Context, dial Dialer, addr, clientID string) (*Conn, error) {
	conn, err := dial(ctx, "tcp", addr)
	if err != nil {
		if e := failed(ctx, addr, "connecting", err); e.Timeout || ctx.Err() != nil {
			return nil, e
		}
		return nil, &Error{Addr: addr, Reason: fmt.Sprintf("cannot connect: %v", innermost(err)), Err: err}
	}
	return &Conn{addr: addr, clientID: clientID, dial: dial, conn: conn, in: bufio.NewReader(conn)}, nil
}

// Close ends the connection.
func (c *Conn) Close() error { return c.conn.Close() }

// Send sends a request. It returns once the operating system has it.
func (c *Conn) Send(ctx context.Context, req kmsg.Request) error {
	c.last++
	frame, err := kmsg.AppendRequest(nil, c.header(), req)
	if err != nil {
		return err
	}
	defer c.until(ctx)()
	if _, err := c.conn.Write(frame); err != nil {
		return failed(ctx, c.addr, "sending "+title(req), err)
	}
	return nil
}

func (c *Conn) header() kmsg.RequestHeader {
	return kmsg.RequestHeader{CorrelationID: c.last, ClientID: kbin.Str(c.clientID)}
}

// title names a request for people.
func title(req kmsg.Request) string {
	return fmt.Sprintf("%s version %d", req.APIKey(), req.APIVersion())
}

// RoundTrip sends a request and returns the frame of its answer, without its size.
func (c *Conn) RoundTrip(ctx context.Context, req kmsg.Request) ([]byte, error) {
	if err := c.Send(ctx, req); err != nil {
		return nil, err
	}
	defer c.until(ctx)()
	doing := "waiting for the answer to " + title(req)
	head, err := c.in.Peek(4)
	if err != nil {
		if len(head) > 0 {
			doing = "reading the answer to " + title(req)
		}
		return nil, failed(ctx, c.addr, doing, err)
	}
	if other := protocolOf(head); other != "" {
		return nil, c.fail(nil, "%s", other)
	}
	frame, err := kmsg.ReadFrame(c.in, nil, kmsg.MaxFrame)
	switch {
	case errors.Is(err, kmsg.ErrFrameSize):
		size := int32(uint32(head[0])<<24 | uint32(head[1])<<16 | uint32(head[2])<<8 | uint32(head[3]))
		return nil, c.fail(err, "the answer begins with % x, which would be a frame of %d bytes: is this a Kafka broker?", head, size)
	case err != nil:
		return nil, failed(ctx, c.addr, fmt.Sprintf("reading the answer to %s, after %d bytes of it", title(req), len(frame)), err)
	}
	switch id, ok := kmsg.CorrelationID(frame); {
	case !ok:
		return nil, c.fail(nil, "the answer to %s has %d bytes, which is too short: is this a Kafka broker?", title(req), len(frame))
	case id != c.last:
		return nil, c.fail(nil, "the answer to %s has the correlation id %d, not %d: is this a Kafka broker?", title(req), id, c.last)
	}
	return frame, nil
}

// until makes reads and writes end with the context. It returns what undoes that.
func (c *Conn) until(ctx context.Context) (stop func()) {
	undo := context.AfterFunc(ctx, func() { c.conn.SetDeadline(time.Unix(1, 0)) })
	return func() { undo() }
}

// protocolOf says which other protocol an answer is in, by its first bytes, "" if it may be
// Kafka's. As sizes of frames these bytes are all beyond the limit.
func protocolOf(head []byte) string {
	switch string(head) {
	case "HTTP":
		return "it speaks HTTP, not Kafka's protocol: is it the right port?"
	case "SSH-":
		return "it speaks SSH, not Kafka's protocol: is it the right port?"
	}
	if (head[0] == 0x15 || head[0] == 0x16) && head[1] == 3 {
		return "it speaks TLS, which franzi does not yet: ask a listener in plain text"
	}
	return ""
}
