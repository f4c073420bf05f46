package capture

import (
	"slices"
	"time"
)

// A Chunk is what comes next in a stream: Data, and after it bytes that were not captured.
type Chunk struct {
	Time    time.Time // of the packet that completed it
	Data    []byte    // a view, which holds until the next segment is added
	Missing int
}

// Stats count what was met in streams.
type Stats struct {
	Retransmitted int // segments that had been seen
	Reordered     int // segments that came before earlier ones
	Gaps          int // places where segments are missing
	GapBytes      int
	CutBytes      int // missing at the end of packets that were not captured whole
}

// Add adds what was met elsewhere.
func (s *Stats) Add(other Stats) {
	s.Retransmitted += other.Retransmitted
	s.Reordered += other.Reordered
	s.Gaps += other.Gaps
	s.GapBytes += other.GapBytes
	s.CutBytes += other.CutBytes
}

// A Stream puts the segments of one direction of a connection in order. It is plain data; the
// zero value waits for the first segment.
type Stream struct {
	Stats *Stats // of this and other streams, must be set

	started bool
	next    uint32 // sequence number
	fin     uint32 // that of the FIN, which counts as one, if ended
	ended   bool
	held    []held // in order, behind a hole
	bytes   int    // of held
}

type held struct {
	seq     uint32
	data    []byte
	missing int
	time    time.Time
}

// What may be held behind a hole. Beyond that, it is a gap.
const (
	maxHeld      = 4096
	maxHeldBytes = 16 << 20
)

// Start says which sequence number comes first.
func (s *Stream) Start(seq uint32) { s.started, s.next = true, seq }

// Started reports whether the stream has begun.
func (s *Stream) Started() bool { return s.started }

// Add takes a segment and calls emit with what is in order now. A stream that was not started
// starts with the first segment that has a payload.
func (s *Stream) Add(g *Segment, at time.Time, emit func(Chunk)) {
	seq := g.Seq
	if g.SYN {
		seq++
	}
	h := held{seq, g.Payload, g.Missing, at}
	if g.FIN {
		s.ended, s.fin = true, seq+uint32(h.size())
	}
	if h.size() == 0 {
		return
	}
	if !s.started {
		s.Start(seq)
	}
	switch ahead := int32(seq - s.next); {
	case ahead > 1<<30 || ahead < -1<<30:
		return // of another connection, or nonsense
	case ahead > 0:
		s.hold(h, emit)
		return
	case int64(ahead)+int64(h.size()) <= 0:
		if h.size() > 1 || ahead < -1 { // the last byte again is how TCP asks for a sign of life
			s.Stats.Retransmitted++
		}
		return
	case ahead < 0:
		s.Stats.Retransmitted++
	}
	s.deliver(h, emit)
	s.drain(emit)
}

// Acked takes note that the other side has all bytes before a sequence number: those that were
// not captured will not come any more.
func (s *Stream) Acked(ack uint32, at time.Time, emit func(Chunk)) {
	if s.ended && ack == s.fin+1 {
		ack = s.fin
	}
	for ahead := int32(ack - s.next); s.started && ahead > 0 && ahead <= 1<<30; ahead = int32(ack - s.next) {
		if len(s.held) > 0 && int32(s.held[0].seq-ack) < 0 {
			s.gap(s.held[0].seq, at, emit)
			continue
		}
		s.gap(ack, at, emit)
	}
}

// End gives up waiting for what is missing.
func (s *Stream) End(emit func(Chunk)) {
	for len(s.held) > 0 {
		s.gap(s.held[0].seq, s.held[0].time, emit)
	}
}

func (h held) size() int { return len(h.data) + h.missing }

// deliver emits a segment that begins at or before what comes next, and goes beyond.
func (s *Stream) deliver(h held, emit func(Chunk)) {
	s.next, h = h.seq+uint32(h.size()), h.from(s.next)
	s.Stats.CutBytes += h.missing
	emit(Chunk{h.time, h.data, h.missing})
}

// from is what a segment has from a sequence number on.
func (h held) from(seq uint32) held {
	skip := int(seq - h.seq)
	n := min(skip, len(h.data))
	return held{seq, h.data[n:], h.missing - (skip - n), h.time}
}

// gap emits that all up to a sequence number is missing.
func (s *Stream) gap(to uint32, at time.Time, emit func(Chunk)) {
	n := int(to - s.next)
	s.Stats.Gaps++
	s.Stats.GapBytes += n
	s.next = to
	emit(Chunk{Time: at, Missing: n})
	s.drain(emit)
}

// hold keeps a copy of a segment until those before it come.
func (s *Stream) hold(h held, emit func(Chunk)) {
	s.Stats.Reordered++
	i, found := slices.BinarySearchFunc(s.held, h.seq, func(x held, seq uint32) int { return int(int32(x.seq - seq)) })
	if found && s.held[i].size() >= h.size() {
		s.Stats.Retransmitted++
		s.Stats.Reordered--
		return
	}
	h.data = slices.Clone(h.data)
	s.held = slices.Insert(s.held, i, h)
	s.bytes += len(h.data)
	for len(s.held) > maxHeld || s.bytes > maxHeldBytes {
		s.gap(s.held[0].seq, h.time, emit)
	}
}

// drain emits what is held and has become next.
func (s *Stream) drain(emit func(Chunk)) {
	for len(s.held) > 0 && int32(s.held[0].seq-s.next) <= 0 {
		h := s.held[0]
		s.held = s.held[1:]
		s.bytes -= len(h.data)
		if int64(int32(h.seq-s.next))+int64(h.size()) > 0 {
			s.deliver(h, emit)
		}
	}
}
