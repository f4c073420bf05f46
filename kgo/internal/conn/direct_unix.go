//go:build unix

package conn

import (
	"net"
	"syscall"

	"github.com/franzi-kafka/franzi/kgo/internal/link"
)

// directBytes is how much is written without the writer. More would keep the goroutine that
// happens to run the link busy with copying.
const directBytes = 16 << 10

// A direct writes to a TCP connection without waiting, so that a small request needs no writer:
// a change of goroutine costs a fifth of a lone round trip over the loopback interface.
type direct struct {
	raw syscall.RawConn // nil if the connection is no plain TCP
	// try is made once, because a function that is made for every call would be allocated.
	try func(fd uintptr) bool
	b   []byte
	n   int
}

func (d *direct) init(c net.Conn) {
	tcp, ok := c.(*net.TCPConn)
	if !ok {
		return
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return
	}
	d.raw = raw
	d.try = func(fd uintptr) bool {
		n, err := syscall.Write(int(fd), d.b)
		for err == syscall.EINTR {
			n, err = syscall.Write(int(fd), d.b)
		}
		d.n = max(n, 0)
		return true // also if it would have to wait: then the writer does
	}
}

// write writes what the system takes at once, and returns how much that is. Errors are the
// writer's to find.
func (d *direct) write(w *link.Write) int {
	if d.raw == nil || len(w.Buffers) != 1 || w.Size > directBytes {
		return 0
	}
	d.b, d.n = w.Buffers[0], 0
	err := d.raw.Write(d.try)
	d.b = nil
	if err != nil {
		return 0
	}
	return d.n
}
