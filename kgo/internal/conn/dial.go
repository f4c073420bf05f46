package conn

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/franzi-kafka/franzi/kgo/internal/link"
)

// A DialError says why an address would not do, or why none of those that a name has. Trouble
// with certificates is a [*tls.CertificateVerificationError] inside.
type DialError struct {
	Addr string // as dialed: resolved, if we did that
	TLS  bool   // there was a connection, and TLS failed
	Err  error
}

// Error names the address.
func (e *DialError) Error() string { return fmt.Sprintf("%s: %v", e.Addr, e.Err) }

// Unwrap returns the cause.
func (e *DialError) Unwrap() error { return e.Err }

// tries is why each address of a name would not do.
type tries []error

func (t tries) Error() string {
	var b strings.Builder
	for i, err := range t {
		if i > 0 {
			b.WriteString("; ")
		}
		b.WriteString(err.Error())
	}
	return b.String()
}

func (t tries) Unwrap() []error { return t }

// A dialer remembers which addresses a name had, and which was tried last.
type dialer struct {
	addrs []string
	last  int
}

// A dialed is a connection, perhaps with TLS over it.
type dialed struct {
	raw  net.Conn // closing it ends everything at once
	conn net.Conn // to read and write
	more bool     // there are addresses left to try
}

// dial makes a connection for a Connect, with TLS if it is wanted.
func (c *Conn) dial(ctx context.Context, to link.Target) (dialed, error) {
	if c.o.Dial != nil {
		d, err := c.dialOne(ctx, c.o.Dial, c.o.DialAddr)
		if err != nil {
			return dialed{}, err
		}
		return d, nil
	}
	d := &c.dialer
	from, until := 0, 0
	switch {
	case to == link.Same && len(d.addrs) > 0:
		from, until = d.last, d.last+1
	case to == link.Next && d.last+1 < len(d.addrs):
		from, until = d.last+1, len(d.addrs)
	default:
		if err := c.resolve(ctx); err != nil {
			return dialed{}, err
		}
		until = len(d.addrs)
	}
	var failed tries
	overTLS := false
	for i := from; i < until; i++ {
		d.last = i
		got, err := c.dialShare(ctx, d.addrs[i], until-i)
		if err == nil {
			got.more = to != link.Same && i+1 < until
			return got, nil
		}
		failed = append(failed, err)
		overTLS = overTLS || err.TLS
		if ctx.Err() != nil {
			break
		}
	}
	if len(failed) == 1 {
		return dialed{}, failed[0]
	}
	return dialed{}, &DialError{Addr: c.o.DialAddr, TLS: overTLS, Err: failed}
}

// resolve looks the name up.
func (c *Conn) resolve(ctx context.Context) error {
	host, port, err := net.SplitHostPort(c.o.DialAddr)
	if err != nil {
		return &DialError{Addr: c.o.DialAddr, Err: err}
	}
	lookup := c.o.Lookup
	if lookup == nil {
		lookup = net.DefaultResolver.LookupHost
	}
	hosts, err := lookup(ctx, host)
	if err == nil && len(hosts) == 0 {
		err = errors.New("the name has no address")
	}
	if err != nil {
		return &DialError{Addr: c.o.DialAddr, Err: err}
	}
	c.dialer = dialer{}
	for _, h := range hosts {
		c.dialer.addrs = append(c.dialer.addrs, net.JoinHostPort(h, port))
	}
	return nil
}

// leastShare is the least time that an address gets, as long as there is any.
const leastShare = 2 * time.Second

// dialShare dials an address in its share of the time, so that one that drops everything
// leaves some for the others.
func (c *Conn) dialShare(ctx context.Context, addr string, addresses int) (dialed, *DialError) {
	if deadline, ok := ctx.Deadline(); ok && addresses > 1 {
		share := max(time.Until(deadline)/time.Duration(addresses), leastShare)
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, share)
		defer cancel()
	}
	return c.dialOne(ctx, c.dialIP, addr)
}

// dialOne dials an address, and agrees on TLS.
func (c *Conn) dialOne(ctx context.Context, dial func(ctx context.Context, network, addr string) (net.Conn, error), addr string) (dialed, *DialError) {
	c.stage(link.StageDial)
	raw, err := dial(ctx, "tcp", addr)
	if err != nil {
		return dialed{}, &DialError{Addr: addr, Err: err}
	}
	if c.o.TLS == nil {
		return dialed{raw: raw, conn: raw}, nil
	}
	c.stage(link.StageTLS)
	secure := tls.Client(raw, c.o.TLS)
	if err := secure.HandshakeContext(ctx); err != nil {
		raw.Close()
		return dialed{}, &DialError{Addr: addr, TLS: true, Err: err}
	}
	return dialed{raw: raw, conn: secure}, nil
}

func (c *Conn) stage(s link.Stage) {
	if c.o.Stage != nil {
		c.o.Stage(s)
	}
}

// connectFailed tells the link what a failure to dial looked like.
func connectFailed(err error, took time.Duration) *link.ConnectFailed {
	e := &link.ConnectFailed{Err: err, Took: took, Ended: ended(err)}
	var dial *DialError
	if errors.As(err, &dial) {
		e.TLS = dial.TLS
	}
	var record tls.RecordHeaderError
	if errors.As(err, &record) {
		e.Head = append([]byte(nil), record.RecordHeader[:]...)
	}
	return e
}
