package kgo

import (
	"time"

	"github.com/franzi-kafka/franzi/kgo/internal/link"
	"github.com/franzi-kafka/franzi/kmsg"
)

// A Hook is told what happens to a client, for metrics and traces; see [Hooks]. Any of its
// functions may be nil. They are called by the goroutine at work, several at a time, and must be
// quick: a hook that blocks holds up the connection that it is told about. There are hooks per
// connection, request and batch, none per record.
type Hook struct {
	// OnConnect is told of a connection that is ready for requests, or could not be made.
	OnConnect func(ConnectEvent)
	// OnDisconnect is told of the end of a connection.
	OnDisconnect func(DisconnectEvent)
	// OnRequest is told of each request that is done: of users, and of the client's own. Those that
	// connecting takes, for versions and authentication, are part of it: see OnConnect.
	OnRequest func(RequestEvent)
	// OnThrottle is told that a broker wants to be spared (KIP-219).
	OnThrottle func(ThrottleEvent)
}

// A ConnectEvent tells of a connection that is ready, or could not be made.
type ConnectEvent struct {
	Broker BrokerInfo
	// Err is nil if the connection is ready, else an *[Error].
	Err error
	// RetryIn is how long until the next try, if there is an Err.
	RetryIn time.Duration
}

// A DisconnectEvent tells of the end of a connection.
type DisconnectEvent struct {
	Broker BrokerInfo
	// Err is nil if the client ended the connection: because nobody used it, because the client was
	// closed, or to look again whether a broker is as old as it seemed, which one that cuts off what
	// it does not know, as 0.8.2 does, may not be. Else it is an *[Error].
	Err error
	// Lasted is how long the connection was there.
	Lasted time.Duration
}

// A RequestEvent tells of a request that is done.
type RequestEvent struct {
	Broker  BrokerInfo
	API     kmsg.APIKey
	Version int16 // -1 if the request failed before there was one
	// Err is nil if there was an answer, whatever codes it has; else an *[Error].
	Err error
	// Queued is when the request was handed over, Waited how long until it was sent, Took how
	// long from then to its end.
	Queued       time.Time
	Waited, Took time.Duration
	// BytesSent and BytesReceived are the sizes of request and answer.
	BytesSent, BytesReceived int
}

// A ThrottleEvent tells that a broker wants to be spared.
type ThrottleEvent struct {
	Broker BrokerInfo
	For    time.Duration
}

// connectionEvent logs what happened to a connection and tells the hooks.
func (c *Client) connectionEvent(l *lane, n *link.Note) {
	info := l.peer().info
	switch n.Kind {
	case link.NoteConnected:
		c.log.Debug("connected", "broker", info.ID, "addr", info.Addr, "local", n.Local, "remote", n.Remote, "took", n.Took)
	case link.NoteReady:
		for _, h := range c.config.hooks {
			if h.OnConnect != nil {
				h.OnConnect(ConnectEvent{Broker: info})
			}
		}
	case link.NoteConnectFailed:
		err := c.connectionError("connect", info, n.Failure)
		c.log.Warn("cannot connect", "broker", info.ID, "addr", info.Addr, "error", err, "again in", n.For)
		for _, h := range c.config.hooks {
			if h.OnConnect != nil {
				h.OnConnect(ConnectEvent{Broker: info, Err: err, RetryIn: n.For})
			}
		}
	case link.NoteDisconnected:
		err := error(nil)
		if n.Failure != nil {
			err = c.connectionError("connection", info, n.Failure)
			c.log.Info("connection lost", "broker", info.ID, "addr", info.Addr, "error", err, "lasted", n.Took)
		} else {
			c.log.Debug("connection closed", "broker", info.ID, "addr", info.Addr, "lasted", n.Took, "idle", n.Idle)
		}
		for _, h := range c.config.hooks {
			if h.OnDisconnect != nil {
				h.OnDisconnect(DisconnectEvent{Broker: info, Err: err, Lasted: n.Took})
			}
		}
	case link.NoteThrottled:
		c.log.Debug("throttled", "broker", info.ID, "for", n.For)
		for _, h := range c.config.hooks {
			if h.OnThrottle != nil {
				h.OnThrottle(ThrottleEvent{Broker: info, For: n.For})
			}
		}
	}
}

// connectionError is the error of what happened to a connection.
func (c *Client) connectionError(op string, info BrokerInfo, f *link.Failure) *Error {
	e := &Error{Op: op, Broker: info.ID, Addr: info.Addr, Partition: -1, API: kmsg.NoAPIKey, Version: -1, Retriable: true, Err: f}
	c.complete(e)
	return e
}

// requestEvent tells the hooks of a request that is done.
func (c *Client) requestEvent(r *link.Request, l *lane) {
	if len(c.config.hooks) == 0 {
		return
	}
	info := l.peer().info
	e := RequestEvent{
		Broker:        info,
		API:           r.Key,
		Version:       r.Version,
		Queued:        r.Queued,
		BytesSent:     r.SentBytes,
		BytesReceived: len(r.Frame),
	}
	if r.Sent.IsZero() {
		e.Waited = r.Ended.Sub(r.Queued)
	} else {
		e.Waited, e.Took = r.Sent.Sub(r.Queued), r.Ended.Sub(r.Sent)
	}
	if r.Err != nil {
		e.Err = c.connectionError(r.Key.String(), info, r.Err)
	}
	for _, h := range c.config.hooks {
		if h.OnRequest != nil {
			h.OnRequest(e)
		}
	}
}
