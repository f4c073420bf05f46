package exchange_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/franzi-kafka/franzi/cmd/franzi/internal/capture"
)

// What is missing is told, and only that.
func TestMissing(t *testing.T) {
	q1, a1 := metadata(1, strings.Repeat("x", 1500))
	q2, a2 := metadata(2, "b")
	q3, a3 := metadata(3, strings.Repeat("y", 1200))
	q4, a4 := metadata(4, "d")
	both := func(d *dialog, q, a []byte) {
		d.says(q)
		d.hears(a)
	}
	for _, tt := range []struct {
		name string
		talk func(*wire)
		want string
		gaps int
	}{
		{"the middle of a request", func(w *wire) {
			d := w.open(50000)
			d.says(q1[:1000])
			d.advance(true, 100)
			d.says(q1[1100:])
			d.hears(a1)
			both(d, q2, a2)
		}, `
			Metadata v1 #1 1523-100 > 1529 1ms
			Metadata v1 #2 24 > 30 1ms`, 1},
		{"the end of a request, before the next one", func(w *wire) {
			d := w.open(50000)
			d.says(q1[:1000])
			d.advance(true, len(q1)-1000)
			d.hears(a1)
			both(d, q2, a2)
		}, `
			Metadata v1 #1 1523-523 > 1529 1ms
			Metadata v1 #2 24 > 30 1ms`, 1},
		{"the middle of a response", func(w *wire) {
			d := w.open(50000)
			d.says(q1)
			d.hears(a1[:500])
			d.advance(false, 300)
			d.hears(a1[800:])
			both(d, q2, a2)
		}, `
			Metadata v1 #1 1523 > 1529-300 1ms
			Metadata v1 #2 24 > 30 1ms`, 1},
		{"a whole response, and the size of the next", func(w *wire) {
			d := w.open(50000)
			d.says(append(bytes.Clone(q1), q2...))
			d.advance(false, len(a1)+3)
			d.hears(a2[3:])
			both(d, q3, a3)
		}, `
			Metadata v1 #1 1523 > -, the response was not captured
			Metadata v1 #2 24 > -, the response was not captured
			Metadata v1 #3 1223 > 1229 1ms`, 1},
		{"a whole request, and the beginning of the next", func(w *wire) {
			d := w.open(50000)
			both(d, q2, a2)
			d.advance(true, len(q1)+6)
			d.says(q3[6:])
			d.hears(a1)
			d.hears(a3)
			both(d, q4, a4)
		}, `
			Metadata v1 #2 24 > 30 1ms
			#1 - > 1529, the request was not captured
			#3 - > 1229, the request was not captured
			Metadata v1 #4 24 > 30 1ms`, 1},
		{"a response, in the middle of others", func(w *wire) {
			d := w.open(50000)
			d.says(q1)
			d.says(q2)
			d.advance(false, len(a1))
			d.hears(a2)
			both(d, q4, a4)
		}, `
			Metadata v1 #1 1523 > -, the response was not captured
			Metadata v1 #2 24 > 30 1ms
			Metadata v1 #4 24 > 30 1ms`, 1},
		{"all but the beginning of packets", func(w *wire) {
			d := w.open(50000)
			for _, pair := range [][2][]byte{{q1, a1}, {q2, a2}, {q3, a3}} {
				d.cut(true, pair[0], min(60, len(pair[0])))
				d.cut(false, pair[1], min(60, len(pair[1])))
			}
		}, `
			Metadata v1 #1 1523-1463 > 1529-1469 1ms
			Metadata v1 #2 24 > 30 1ms
			Metadata v1 #3 1223-1163 > 1229-1169 1ms`, 0},
		{"all but the size and a little", func(w *wire) {
			d := w.open(50000)
			both(d, q2, a2)
			d.cut(true, q1, 6)
			d.cut(false, a1, 6)
			both(d, q4, a4)
		}, `
			Metadata v1 #2 24 > 30 1ms
			#0 1523-1517 > 1529-1523 1ms
			Metadata v1 #4 24 > 30 1ms`, 0},
		{"one direction", func(w *wire) {
			d := w.open(50000)
			for _, q := range [][]byte{q1, q2} {
				d.says(q)
				d.advance(false, 2000)
			}
		}, `
			Metadata v1 #1 1523 > -, the capture ends before the response
			Metadata v1 #2 24 > -, the capture ends before the response`, 1},
		{"reordered and retransmitted, nothing", func(w *wire) {
			d := w.open(50000)
			d.segment(true, func(g *capture.Segment) { g.Seq += 1000; g.Payload = q1[1000:] })
			d.segment(true, func(g *capture.Segment) { g.Payload = q1[:1000] })
			d.segment(true, func(g *capture.Segment) { g.Payload = q1[:1000] })
			d.advance(true, len(q1))
			d.hears(a1)
		}, `
			Metadata v1 #1 1523 > 1529 2ms`, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if tracker := compare(t, tt.talk, tt.want); tracker.Gaps != tt.gaps {
				t.Errorf("got %d gaps, want %d", tracker.Gaps, tt.gaps)
			}
		})
	}
}
