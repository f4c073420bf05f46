package memnet

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"sync"
	"syscall"
)

// backlog is how many connections wait to be accepted; who dials beyond that waits.
const backlog = 128

// A Network has listeners, by address. The zero value is an empty network. Its methods may be
// called by any goroutine.
type Network struct {
	mu        sync.Mutex
	listeners map[string]*Listener
	port      int
}

// Listen returns a listener at an address. Port 0 stands for one that is free.
func (n *Network) Listen(addr string) (*Listener, error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, &net.OpError{Op: "listen", Net: "mem", Addr: Addr(addr), Err: err}
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	for port == "0" {
		n.port = n.port%(1<<16-1) + 1
		free := net.JoinHostPort(host, strconv.Itoa(n.port))
		if n.listeners[free] == nil {
			addr, port = free, ""
		}
	}
	if n.listeners[addr] != nil {
		return nil, &net.OpError{Op: "listen", Net: "mem", Addr: Addr(addr), Err: syscall.EADDRINUSE}
	}
	l := &Listener{network: n, addr: Addr(addr)}
	l.changed.L = &l.mu
	if n.listeners == nil {
		n.listeners = map[string]*Listener{}
	}
	n.listeners[addr] = l
	return l, nil
}

// DialContext connects to the listener at an address. It waits if too many wait there already,
// until ctx ends.
func (n *Network) DialContext(ctx context.Context, network, addr string) (net.Conn, error) {
	fail := func(err error) (net.Conn, error) {
		return nil, &net.OpError{Op: "dial", Net: "mem", Addr: Addr(addr), Err: err}
	}
	n.mu.Lock()
	l := n.listeners[addr]
	n.port++
	local := Addr(fmt.Sprintf("client:%d", n.port))
	n.mu.Unlock()
	if l == nil {
		return fail(syscall.ECONNREFUSED)
	}
	defer context.AfterFunc(ctx, func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.changed.Broadcast()
	})()
	l.mu.Lock()
	defer l.mu.Unlock()
	for {
		switch {
		case ctx.Err() != nil:
			return fail(ctx.Err())
		case l.closed:
			return fail(syscall.ECONNREFUSED)
		case len(l.waiting) < backlog:
			client, server := pipe(local, l.addr, bufferBytes)
			l.waiting = append(l.waiting, server)
			l.changed.Broadcast()
			return client, nil
		}
		l.changed.Wait()
	}
}

// A Listener accepts connections. Its methods may be called by any goroutine.
type Listener struct {
	network *Network
	addr    Addr

	mu      sync.Mutex
	changed sync.Cond
	waiting []*Conn
	closed  bool
}

var _ net.Listener = (*Listener)(nil)

// Accept waits for a connection; it is a [*Conn].
func (l *Listener) Accept() (net.Conn, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for len(l.waiting) == 0 {
		if l.closed {
			return nil, &net.OpError{Op: "accept", Net: "mem", Addr: l.addr, Err: net.ErrClosed}
		}
		l.changed.Wait()
	}
	c := l.waiting[0]
	l.waiting = l.waiting[1:]
	l.changed.Broadcast()
	return c, nil
}

// Close frees the address. Connections that were not accepted are reset.
func (l *Listener) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return &net.OpError{Op: "close", Net: "mem", Addr: l.addr, Err: net.ErrClosed}
	}
	l.closed = true
	for _, c := range l.waiting {
		c.Reset()
	}
	l.waiting = nil
	l.changed.Broadcast()
	l.network.mu.Lock()
	defer l.network.mu.Unlock()
	delete(l.network.listeners, string(l.addr))
	return nil
}

// Addr returns the address.
func (l *Listener) Addr() net.Addr { return l.addr }
