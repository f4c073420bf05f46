package conn

import (
	"io"
	"net"
	"time"

	"github.com/franzi-kafka/franzi/kgo/internal/link"
)

const (
	// joinBytes is how long a buffer may be to be copied in front of others, where the system
	// cannot write several at once: TLS makes a record, and a system call, of each.
	joinBytes = 16 << 10
	// lastWords is how long the reader goes on after a failed write: a broker may have answered
	// before it closed the connection.
	lastWords = time.Second
)

// send does what a Write wants: at once if it is small and the system takes it, else by the
// writer. It does not wait.
//
// With more requests about, the writer is the better choice: what comes while it is at work is
// joined, which saves more than a change of goroutine.
func (a *attempt) send(w *link.Write) {
	if len(w.Answers) > 0 {
		a.expect(w.Answers)
	}
	a.ahead = 0
	if a.c.stats.outstanding.Load() <= 1 {
		a.ahead = a.direct.write(w)
	}
	if a.ahead == w.Size {
		a.c.stats.bytesOut.Add(int64(w.Size))
		a.c.loop.Post(&a.wrote)
		return
	}
	if a.ahead > 0 {
		w.Buffers[0] = w.Buffers[0][a.ahead:]
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.written = a.ahead
	if a.broken || a.unread {
		return // it will not be done, as is about to be told
	}
	a.writing.Store(true)
	a.next = w
	a.writers++
	a.c.alive.Add(1)
	go a.writer()
}

// write is the goroutine that does a Write.
func (a *attempt) write() {
	defer a.c.alive.Done()
	n, err := a.writeAll(a.next)
	n += a.ahead
	a.c.stats.bytesOut.Add(int64(n))
	if err != nil {
		a.failed(&link.Disconnected{Err: err, Ended: ended(err), TLS: isTLS(err), Writing: true})
		a.conn.SetReadDeadline(time.Now().Add(lastWords))
	} else {
		a.writing.Store(false)
		a.c.loop.Post(&a.wrote) // and there may be another Write
	}
	a.mu.Lock()
	a.writers--
	if err != nil {
		a.written, a.broken = n, true
	}
	a.leave()
}

// writeAll writes the buffers in order, in few calls, and returns how many bytes left.
func (a *attempt) writeAll(w *link.Write) (int, error) {
	if len(w.Buffers) == 1 {
		return writeFull(a.conn, w.Buffers[0])
	}
	if tcp, ok := a.conn.(*net.TCPConn); ok {
		buffers := net.Buffers(w.Buffers)
		n, err := buffers.WriteTo(tcp)
		return int(n), err
	}
	total := 0
	small := a.scratch[:0]
	flush := func() error {
		n, err := writeFull(a.conn, small)
		total += n
		small = small[:0]
		return err
	}
	for _, b := range w.Buffers {
		if len(small)+len(b) > joinBytes && len(small) > 0 {
			if err := flush(); err != nil {
				return total, err
			}
		}
		if len(b) <= joinBytes {
			small = append(small, b...)
			continue
		}
		n, err := writeFull(a.conn, b)
		total += n
		if err != nil {
			return total, err
		}
	}
	if len(small) > 0 {
		if err := flush(); err != nil {
			return total, err
		}
	}
	a.scratch = small
	return total, nil
}

// writeFull writes, and takes a short write without an error for one.
func writeFull(w io.Writer, b []byte) (int, error) {
	n, err := w.Write(b)
	if err == nil && n < len(b) {
		err = io.ErrShortWrite
	}
	return n, err
}
