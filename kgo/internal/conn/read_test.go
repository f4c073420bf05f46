package conn

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"runtime"
	"testing"
	"testing/iotest"
	"time"

	"github.com/franzi-kafka/franzi/kgo/internal/link"
	"github.com/franzi-kafka/franzi/kmsg"
)

// answer42 is an answer to request 42, of size bytes.
func answer42(size int) []byte {
	b := make([]byte, size)
	for i := range b {
		b[i] = byte(i)
	}
	binary.BigEndian.PutUint32(b, 42)
	return b
}

func TestRoomForAnswers(t *testing.T) {
	for _, test := range []struct {
		name   string
		size   int
		expect int
		room   bool
		arrive int // bytes, of size
		want   int // of capacity at the end
	}{
		{"small", 100, 0, false, 100, 100},
		{"a mebibyte at once", 1 << 20, 0, false, 1 << 20, 1 << 20},
		{"more", 3 << 20, 0, false, 3 << 20, 3 << 20},
		{"a lie", 100 << 20, 0, false, 10, 1 << 20},
		{"a larger lie", 100 << 20, 0, false, 1<<20 + 1, 2 << 20},
		{"as expected", 5 << 20, 5 << 20, false, 10, 5 << 20},
		{"a little more than expected", 5<<20 + 60<<10, 5 << 20, false, 10, 5<<20 + 60<<10},
		{"much more than expected", 50 << 20, 5 << 20, false, 10, 5<<20 + 64<<10},
		{"less than expected", 1 << 20, 5 << 20, false, 1 << 20, 1 << 20},
		{"little expected", 1 << 20, 1, false, 10, 1 + 64<<10},
		{"room of the owner's", 1 << 20, 5 << 20, true, 1 << 20, 6 << 20},
		{"room that is too small in the end", 20 << 20, 5 << 20, true, 20 << 20, 20 << 20},
		{"nothing", 0, 0, false, 0, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			a := &attempt{c: New(Options{})}
			var asked []int
			if test.expect > 0 {
				want := link.Answer{CorrelationID: 42, Expect: test.expect}
				if test.room {
					want.Room = func(n int) []byte {
						asked = append(asked, n)
						return make([]byte, n, 6<<20)
					}
				}
				a.expect([]link.Answer{{CorrelationID: 41}, want, {CorrelationID: 43}})
			}
			arrive := answer42(max(test.arrive, 4))[:test.arrive]
			r := bufio.NewReaderSize(bytes.NewReader(arrive), readBuffer)
			got, err := a.readFrame(r, test.size)
			if whole := test.arrive == test.size; whole != (err == nil) || !whole && !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Fatalf("got %v", err)
			}
			if !bytes.Equal(got, arrive) {
				t.Errorf("%d bytes arrived otherwise", len(got))
			}
			if cap(got) != test.want {
				t.Errorf("the answer has room for %d bytes, want %d", cap(got), test.want)
			}
			if test.room && (len(asked) != 1 || asked[0] != min(test.size, test.expect+beyondRoom)) {
				t.Errorf("room was asked for: %v", asked)
			}
			if test.expect > 0 && (len(a.special) != 1 || a.special[0].CorrelationID != 43) {
				t.Errorf("answers to come: %v", a.special)
			}
		})
	}
}

// An answer that the broker makes up costs no more than it sends, but for a little.
func TestEndlessFrame(t *testing.T) {
	bubble(t, func(t *testing.T) {
		b := new(broker)
		b.serve = func(c net.Conn) {
			c.Write([]byte{6, 64, 0, 0}) // 100 MiB
			c.Write([]byte{0, 0, 0, 1})
			for {
				if _, err := c.Write(make([]byte, 100)); err != nil {
					return
				}
				time.Sleep(time.Second)
			}
		}
		c := New(inMemory(t, b))
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		wantFailure(t, do(c), link.StageVersions, link.ErrSilent)
		runtime.ReadMemStats(&after)
		if grown := after.TotalAlloc - before.TotalAlloc; grown > 8<<20 {
			t.Errorf("%d bytes were allocated", grown)
		}
		closeAll(t, c)
		b.stop()
	})
}

// Room is asked for by the reader even if nobody waits for the answer any more; and the answer
// goes nowhere.
func TestRoomOfACancelledRequest(t *testing.T) {
	bubble(t, func(t *testing.T) {
		release := make(chan struct{})
		b := &broker{answer: func(_ kmsg.RequestHeader, req kmsg.Request) kmsg.Response {
			if req.APIKey() == kmsg.KeyMetadata {
				<-release
			}
			return nil
		}}
		c := New(inMemory(t, b))
		w := newWaiter()
		asked := make(chan int, 1)
		r := metadata(w)
		r.Expect = 1000
		r.Room = func(n int) []byte {
			asked <- n
			return make([]byte, n)
		}
		c.Send(r)
		time.Sleep(time.Second)
		c.Cancel(r)
		wantFailure(t, <-w.done, link.StageAnswer, link.ErrCanceled)
		if r.Written != link.WrittenYes {
			t.Errorf("written: %v", r.Written)
		}
		close(release)
		if n := <-asked; n == 0 || r.Frame != nil {
			t.Errorf("room for %d bytes was asked for, the frame is %v", n, r.Frame)
		}
		wantAnswer(t, do(c))
		closeAll(t, c)
		b.stop()
	})
}

// readAll reads what is in r, as a connection would, and returns how it ended.
func readAll(r io.Reader) *link.Disconnected {
	c := New(Options{MaxFrame: 1 << 20})
	a := newAttempt(c)
	a.conn = oneWay{r}
	return a.read()
}

type oneWay struct{ io.Reader }

func (oneWay) Write(p []byte) (int, error)      { return len(p), nil }
func (oneWay) Close() error                     { return nil }
func (oneWay) LocalAddr() net.Addr              { return nil }
func (oneWay) RemoteAddr() net.Addr             { return nil }
func (oneWay) SetDeadline(time.Time) error      { return nil }
func (oneWay) SetReadDeadline(time.Time) error  { return nil }
func (oneWay) SetWriteDeadline(time.Time) error { return nil }

// Whatever comes, reading it ends, with an error that says how, and costs memory in proportion.
func FuzzRead(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte{0, 0, 0, 4, 0, 0, 0, 1})
	f.Add([]byte{0, 0, 0, 0, 0, 0, 0, 0})
	f.Add([]byte{0, 16, 0, 0, 1, 2, 3})
	f.Add([]byte{0x15, 3, 3, 0, 2, 2, 0x46})
	f.Add([]byte("HTTP/1.1 400 Bad Request\r\n\r\n"))
	f.Add([]byte{255, 255, 255, 255})
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, r := range []io.Reader{bytes.NewReader(b), iotest.OneByteReader(bytes.NewReader(b))} {
			d := readAll(r)
			if d.Err == nil {
				t.Fatal("reading ended without an error")
			}
			if !d.Protocol && !d.Ended {
				t.Errorf("got %+v", d)
			}
			if len(d.Head) > headBytes {
				t.Errorf("the head has %d bytes", len(d.Head))
			}
		}
	})
}
