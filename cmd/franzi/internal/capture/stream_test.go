package capture_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/franzi-kafka/franzi/cmd/franzi/internal/capture"
)

// Segments in their order of arrival, as SEQ:PAYLOAD, SEQ:PAYLOAD+MISSING, ack:SEQ or end.
func TestStream(t *testing.T) {
	for _, tt := range []struct {
		name     string
		segments string
		want     string
		stats    capture.Stats
	}{
		{"in order", "0:abc 3:de 5:f", "abc de f", capture.Stats{}},
		{"out of order", "0:abc 5:f 3:de", "abc de f", capture.Stats{Reordered: 1}},
		{"far out of order", "0:a 4:e 2:c 3:d 1:b", "a b c d e", capture.Stats{Reordered: 3}},
		{"retransmitted", "0:abc 0:abc 3:de 0:abcde 3:d", "abc de", capture.Stats{Retransmitted: 3}},
		{"retransmitted with more", "0:abc 1:bcde", "abc de", capture.Stats{Retransmitted: 1}},
		{"retransmitted while held", "0:a 2:c 2:c 2:cd 1:b", "a b cd", capture.Stats{Reordered: 2, Retransmitted: 1}},
		{"overlapping while held", "0:a 2:cd 3:de 1:b", "a b cd e", capture.Stats{Reordered: 2}},
		{"held and overtaken", "0:a 2:c 1:bcd", "a bcd", capture.Stats{Reordered: 1}},
		{"lost, as the other side has it", "0:abc 5:f ack:6", "abc -2 f", capture.Stats{Reordered: 1, Gaps: 1, GapBytes: 2}},
		{"lost at the end", "0:abc ack:9", "abc -6", capture.Stats{Gaps: 1, GapBytes: 6}},
		{"lost twice", "0:a 2:c 4:e ack:9", "a -1 c -1 e -4", capture.Stats{Reordered: 2, Gaps: 3, GapBytes: 6}},
		{"lost for good", "0:abc 5:f 9:g end", "abc -2 f -3 g", capture.Stats{Reordered: 2, Gaps: 2, GapBytes: 5}},
		{"acknowledged twice", "0:abc ack:3 ack:2 3:d", "abc d", capture.Stats{}},
		{"asked whether it lives", "0:abc 2:x", "abc", capture.Stats{}},
		{"captured in part", "0:ab+3 5:fg", "ab+3 fg", capture.Stats{CutBytes: 3}},
		{"captured in part, overlapping", "0:ab 1:bc+3 5:fg", "ab c+3 g", capture.Stats{CutBytes: 3, Retransmitted: 2}},
		{"captured in part, the rest again", "0:ab+3 3:xyz", "ab+3 z", capture.Stats{CutBytes: 3, Retransmitted: 1}},
		{"nonsense", "0:abc -2000000000:x 3:d", "abc d", capture.Stats{}},
	} {
		for _, first := range []uint32{5000, 1<<32 - 3} { // numbers wrap
			got, stats := streamed(t, tt.segments, first)
			if got != tt.want || stats != tt.stats {
				t.Errorf("%s from %d: got  %q %+v\nwant %q %+v", tt.name, first, got, stats, tt.want, tt.stats)
			}
		}
	}
}

func streamed(t *testing.T, segments string, first uint32) (string, capture.Stats) {
	t.Helper()
	var stats capture.Stats
	var got []string
	s := capture.Stream{Stats: &stats}
	emit := func(k capture.Chunk) {
		switch {
		case len(k.Data) == 0:
			got = append(got, fmt.Sprintf("-%d", k.Missing))
		case k.Missing > 0:
			got = append(got, fmt.Sprintf("%s+%d", k.Data, k.Missing))
		default:
			got = append(got, string(k.Data))
		}
	}
	for _, word := range strings.Fields(segments) {
		var seq int64
		kind, rest, _ := strings.Cut(word, ":")
		switch kind {
		case "end":
			s.End(emit)
			continue
		case "ack":
			fmt.Sscan(rest, &seq)
			s.Acked(first+uint32(seq), time.Time{}, emit)
			continue
		}
		fmt.Sscan(kind, &seq)
		g := capture.Segment{Seq: first + uint32(seq)}
		payload, missing, _ := strings.Cut(rest, "+")
		fmt.Sscan(missing, &g.Missing)
		g.Payload = []byte(payload)
		s.Add(&g, time.Time{}, emit)
	}
	return strings.Join(got, " "), stats
}

// The FIN counts as a byte that is none.
func TestStreamEnds(t *testing.T) {
	var stats capture.Stats
	s := capture.Stream{Stats: &stats}
	var got []byte
	emit := func(k capture.Chunk) { got = append(got, k.Data...) }
	s.Start(100)
	s.Add(&capture.Segment{Seq: 99, SYN: true}, time.Time{}, emit)
	s.Add(&capture.Segment{Seq: 100, Payload: []byte("abc"), FIN: true}, time.Time{}, emit)
	s.Acked(104, time.Time{}, emit)
	if string(got) != "abc" || stats != (capture.Stats{}) {
		t.Errorf("got %q %+v", got, stats)
	}
}

// A hole is not waited for without end.
func TestStreamBound(t *testing.T) {
	for _, size := range []int{1, 64 << 10} {
		var stats capture.Stats
		s := capture.Stream{Stats: &stats}
		n := 0
		emit := func(k capture.Chunk) { n += len(k.Data) }
		s.Add(&capture.Segment{Seq: 0, Payload: []byte{0}}, time.Time{}, emit)
		held := 0
		for i := range 10_000 {
			s.Add(&capture.Segment{Seq: uint32(2 + i*size), Payload: make([]byte, size)}, time.Time{}, emit)
			held = max(held, (i+1)*size+1-n)
		}
		if stats.Gaps != 1 || stats.GapBytes != 1 || held > 17<<20 {
			t.Errorf("segments of %d: got %+v, %d bytes held", size, stats, held)
		}
	}
}

// However segments are cut, doubled and shuffled, the bytes come out as they went in; and of
// those that are lost, as many as are missing.
func TestStreamRandom(t *testing.T) {
	random := rand.New(rand.NewPCG(7, 8))
	for range 500 {
		data := make([]byte, 200+random.IntN(2000))
		for i := range data {
			data[i] = byte(random.Uint32())
		}
		var segments []capture.Segment
		first := random.Uint32()
		for at := 0; at < len(data); {
			n := min(1+random.IntN(100), len(data)-at)
			g := capture.Segment{Seq: first + uint32(at), Payload: data[at : at+n]}
			segments = append(segments, g)
			if random.IntN(5) == 0 {
				segments = append(segments, g)
			}
			at += n
			if random.IntN(5) == 0 {
				at -= random.IntN(n) // the next one overlaps
			}
		}
		for range len(segments) / 3 {
			i := random.IntN(len(segments) - 1)
			segments[i], segments[i+1] = segments[i+1], segments[i]
		}
		lossy := random.IntN(2) == 0
		var stats capture.Stats
		s := capture.Stream{Stats: &stats}
		s.Start(first)
		at, missing := 0, 0
		emit := func(k capture.Chunk) {
			if string(data[at:at+len(k.Data)]) != string(k.Data) {
				t.Fatalf("at byte %d: got %x, want %x", at, k.Data, data[at:at+len(k.Data)])
			}
			at += len(k.Data) + k.Missing
			missing += k.Missing
		}
		for i := range segments {
			if !lossy || random.IntN(10) > 0 {
				s.Add(&segments[i], time.Time{}, emit)
			}
		}
		s.Acked(first+uint32(len(data)), time.Time{}, emit)
		s.End(emit)
		if at != len(data) || !lossy && missing > 0 || missing != stats.GapBytes {
			t.Fatalf("got %d of %d bytes, %d missing, %+v", at, len(data), missing, stats)
		}
	}
}
