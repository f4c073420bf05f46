package conn

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"

	"github.com/franzi-kafka/franzi/kgo/internal/link"
	"github.com/franzi-kafka/franzi/kmsg"
)

const (
	// readBuffer lets a small answer arrive in one read.
	readBuffer = 4 << 10
	// firstRoom is how much memory an answer gets before any of it has arrived: as much as it
	// claims, but no more than this, or than this beyond what its request expects.
	firstRoom  = 1 << 20
	beyondRoom = 64 << 10
	// headBytes is how much of what is no frame is kept for a hint.
	headBytes = 16
)

// read tells frames until there are no more, and returns why.
func (a *attempt) read() *link.Disconnected {
	r := bufio.NewReaderSize(a.conn, readBuffer)
	var head [4]byte
	for {
		if n, err := io.ReadFull(r, head[:]); err != nil {
			return readFailed(err, head[:n])
		}
		size := int(int32(binary.BigEndian.Uint32(head[:])))
		if size < 0 || size > a.c.o.MaxFrame {
			rest, _ := r.Peek(min(headBytes-len(head), r.Buffered()))
			d := readFailed(fmt.Errorf("%w: it would have %d bytes, the limit is %d", kmsg.ErrFrameSize, size, a.c.o.MaxFrame), append(head[:], rest...))
			d.Protocol = true
			return d
		}
		frame, err := a.readFrame(r, size)
		if err != nil {
			return readFailed(fmt.Errorf("after %d of %d bytes of an answer: %w", len(frame), size, err), head[:])
		}
		a.c.stats.bytesIn.Add(int64(4 + size))
		a.c.loop.Post(&link.Frame{Bytes: frame})
	}
}

func readFailed(err error, head []byte) *link.Disconnected {
	return &link.Disconnected{Err: err, Ended: ended(err), TLS: isTLS(err), Head: append([]byte(nil), head...)}
}

// readFrame reads a frame into memory that grows as bytes arrive. On an error it returns what
// did arrive.
func (a *attempt) readFrame(r *bufio.Reader, size int) ([]byte, error) {
	room := firstRoom
	var want link.Answer
	if a.wantsSpecial() && size >= 4 {
		id, err := r.Peek(4)
		if err != nil {
			return nil, err
		}
		want = a.takeSpecial(int32(binary.BigEndian.Uint32(id)))
	}
	if want.Expect > 0 {
		room = want.Expect + beyondRoom
	}
	room = min(size, room)
	var frame []byte
	if want.Room != nil {
		frame = want.Room(room)[:0]
	}
	if cap(frame) < room || frame == nil {
		frame = make([]byte, 0, room)
	}
	for len(frame) < size {
		if len(frame) == cap(frame) {
			grown := make([]byte, len(frame), min(size, 2*len(frame)))
			copy(grown, frame)
			frame = grown
		}
		n, err := io.ReadFull(r, frame[len(frame):min(cap(frame), size)])
		frame = frame[:len(frame)+n]
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		if err != nil {
			return frame, err
		}
	}
	return frame, nil
}

// expect notes which answers to a Write want room.
func (a *attempt) expect(answers []link.Answer) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.special = append(a.special, answers...)
}

func (a *attempt) wantsSpecial() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.special) > 0
}

// takeSpecial returns what is known of an answer. Answers come in order, so those before it
// will not come.
func (a *attempt) takeSpecial(id int32) link.Answer {
	a.mu.Lock()
	defer a.mu.Unlock()
	for i, s := range a.special {
		if s.CorrelationID == id {
			n := copy(a.special, a.special[i+1:])
			clear(a.special[n:])
			a.special = a.special[:n]
			return s
		}
	}
	return link.Answer{}
}
