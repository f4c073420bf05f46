package link

import (
	"encoding/binary"
	"testing"
	"time"

	"github.com/franzi-kafka/franzi/kmsg"
)

// What a request costs the link alone: from when it comes until it is done, with the write and
// the answer between.
func BenchmarkRequest(b *testing.B) {
	p := &player{t: &testing.T{}}
	p.command("link")
	p.command("ready")
	l, now := p.link, p.now
	r := NewRequest(kmsg.NewMetadataRequest())
	r.To = owner(func(*Request) {})
	answer := &Frame{Bytes: make([]byte, 100)}
	wrote := new(Wrote)
	done := 0
	poll := func() {
		for {
			switch a, ok := l.Poll(now); a := a.(type) {
			case nil:
				if !ok {
					return
				}
			case *Write:
				copy(answer.Bytes, a.Buffers[0][8:12]) // the correlation id
			case *Done:
				done++
			}
		}
	}
	b.ReportAllocs()
	for b.Loop() {
		now = now.Add(time.Microsecond)
		r.Deadline = now.Add(30 * time.Second)
		l.Handle(now, r)
		poll()
		l.Handle(now, wrote)
		poll()
		l.Handle(now, answer)
		poll()
		l.Deadline()
	}
	if done != b.N || binary.BigEndian.Uint32(answer.Bytes) == 0 {
		b.Fatalf("%d of %d requests are done: %v", done, b.N, r.Err)
	}
}
