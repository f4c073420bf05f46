package memnet

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

func write(t *testing.T, c net.Conn, text string) {
	t.Helper()
	if n, err := c.Write([]byte(text)); n != len(text) || err != nil {
		t.Errorf("writing %q: got %d, %v", text, n, err)
	}
}

func read(t *testing.T, c net.Conn, want string) {
	t.Helper()
	got := make([]byte, len(want))
	if _, err := io.ReadFull(c, got); err != nil || string(got) != want {
		t.Errorf("got %q, %v; want %q", got, err, want)
	}
}

func readFails(t *testing.T, c net.Conn, want error) {
	t.Helper()
	if n, err := c.Read(make([]byte, 1)); n != 0 || !errors.Is(err, want) {
		t.Errorf("reading: got %d, %v; want %v", n, err, want)
	}
}

func writeFails(t *testing.T, c net.Conn, want error) {
	t.Helper()
	if n, err := c.Write([]byte("x")); n != 0 || !errors.Is(err, want) {
		t.Errorf("writing: got %d, %v; want %v", n, err, want)
	}
}

func TestBothWays(t *testing.T) {
	a, b := Pipe()
	write(t, a, "there")
	write(t, b, "back")
	write(t, a, " and more")
	read(t, b, "there and more")
	read(t, a, "back")
}

func TestBlockingReadsAndWrites(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := Pipe()
		big := bytes.Repeat([]byte("0123456789"), bufferBytes/4) // more than fits
		go func() {
			time.Sleep(time.Second)
			if n, err := a.Write(big); n != len(big) || err != nil {
				t.Errorf("writing: got %d, %v", n, err)
			}
			if err := a.CloseWrite(); err != nil {
				t.Error(err)
			}
		}()
		got, err := io.ReadAll(b)
		if err != nil || !bytes.Equal(got, big) {
			t.Errorf("got %d bytes, %v; want %d", len(got), err, len(big))
		}
	})
}

func TestDeadlines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := Pipe()
		start := time.Now()
		a.SetReadDeadline(start.Add(time.Second))
		readFails(t, a, os.ErrDeadlineExceeded)
		if d := time.Since(start); d != time.Second {
			t.Errorf("got the error after %v, want 1s", d)
		}
		a.SetReadDeadline(time.Time{})
		write(t, b, "x")
		read(t, a, "x")

		// A deadline that is set while a read waits ends it.
		go func() {
			time.Sleep(time.Second)
			a.SetDeadline(time.Now())
		}()
		readFails(t, a, os.ErrDeadlineExceeded)
		writeFails(t, a, os.ErrDeadlineExceeded)
		a.SetDeadline(time.Time{})

		// A write that waits says how much left.
		a.SetWriteDeadline(time.Now().Add(time.Second))
		n, err := a.Write(make([]byte, bufferBytes+1))
		if n != bufferBytes || !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("got %d, %v; want %d and the deadline", n, err, bufferBytes)
		}
		var timeout net.Error
		if !errors.As(err, &timeout) || !timeout.Timeout() {
			t.Errorf("%v is no timeout", err)
		}
	})
}

func TestClose(t *testing.T) {
	a, b := Pipe()
	write(t, a, "last words")
	a.Close()
	readFails(t, a, net.ErrClosed)
	writeFails(t, a, net.ErrClosed)
	if err := a.Close(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("closing again: got %v", err)
	}
	read(t, b, "last words")
	readFails(t, b, io.EOF)

	// The system takes what is written to nobody, once.
	write(t, b, "lost")
	writeFails(t, b, syscall.EPIPE)
	readFails(t, b, syscall.ECONNRESET)
}

func TestCloseWithUnreadBytesResets(t *testing.T) {
	a, b := Pipe()
	write(t, b, "unread")
	write(t, a, "still there")
	a.Close()
	read(t, b, "still there")
	readFails(t, b, syscall.ECONNRESET)
	writeFails(t, b, syscall.EPIPE)
}

func TestReset(t *testing.T) {
	a, b := Pipe()
	a.Reset()
	readFails(t, b, syscall.ECONNRESET)
	writeFails(t, b, syscall.EPIPE)
	readFails(t, a, net.ErrClosed)
}

func TestCloseWrite(t *testing.T) {
	a, b := Pipe()
	a.CloseWrite()
	readFails(t, b, io.EOF)
	writeFails(t, a, net.ErrClosed)
	write(t, b, "answer")
	read(t, a, "answer")
}

func TestCloseEndsWhatWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := Pipe()
		errs := make(chan error, 2)
		go func() {
			_, err := a.Read(make([]byte, 1))
			errs <- err
		}()
		go func() {
			_, err := a.Write(make([]byte, 2*bufferBytes))
			errs <- err
		}()
		synctest.Wait()
		a.Close()
		for range 2 {
			if err := <-errs; !errors.Is(err, net.ErrClosed) {
				t.Errorf("got %v, want that it is closed", err)
			}
		}
		b.Close()
	})
}

func TestNetwork(t *testing.T) {
	var n Network
	ctx := t.Context()
	if _, err := n.DialContext(ctx, "tcp", "a:1"); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("got %v, want that it is refused", err)
	}
	l, err := n.Listen("a:0")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := n.Listen(l.Addr().String()); !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("listening twice: got %v", err)
	}
	other, err := n.Listen("a:0")
	if err != nil || other.Addr() == l.Addr() {
		t.Errorf("got %v, %v; want another address than %v", other.Addr(), err, l.Addr())
	}
	client, err := n.DialContext(ctx, "tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	server, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	if got, want := client.RemoteAddr(), l.Addr(); got != want {
		t.Errorf("the remote address is %v, want %v", got, want)
	}
	if got, want := server.RemoteAddr(), client.LocalAddr(); got != want {
		t.Errorf("the client's address is %v, want %v", got, want)
	}
	write(t, client, "hello")
	read(t, server, "hello")

	waiting, err := n.DialContext(ctx, "tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	readFails(t, waiting, syscall.ECONNRESET) // it was not accepted
	if _, err := l.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("accepting: got %v", err)
	}
	if _, err := n.DialContext(ctx, "tcp", l.Addr().String()); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("got %v, want that it is refused", err)
	}
	write(t, client, "goes on")
	read(t, server, "goes on")
}

func TestFullBacklog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var n Network
		l, err := n.Listen("a:1")
		if err != nil {
			t.Fatal(err)
		}
		dial := func(ctx context.Context) error {
			_, err := n.DialContext(ctx, "tcp", "a:1")
			return err
		}
		for range backlog {
			if err := dial(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := dial(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v, want the deadline", err)
		}
		go func() {
			time.Sleep(time.Second)
			if _, err := l.Accept(); err != nil {
				t.Error(err)
			}
		}()
		if err := dial(t.Context()); err != nil {
			t.Errorf("when there was room: got %v", err)
		}
		l.Close()
	})
}

func Example() {
	var network Network
	listener, err := network.Listen("broker1:9092")
	if err != nil {
		fmt.Println(err)
		return
	}
	go func() {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		fmt.Fprint(conn, "hello ", conn.LocalAddr())
		conn.Close()
	}()
	conn, err := network.DialContext(context.Background(), "tcp", "broker1:9092")
	if err != nil {
		fmt.Println(err)
		return
	}
	text, err := io.ReadAll(conn)
	fmt.Println(string(text), err)
	// Output: hello broker1:9092 <nil>
}
