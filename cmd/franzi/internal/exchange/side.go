package exchange

import (
	"encoding/binary"
	"time"

	"github.com/franzi-kafka/franzi/cmd/franzi/internal/capture"
	"github.com/franzi-kafka/franzi/kmsg"
)

// A mode is what a side of a connection does with bytes.
type mode int

const (
	searching mode = iota // for a frame, in what is kept
	opened                // keeps the first bytes of a connection, to recognise it
	framing               // cuts frames, knowing where each begins
)

// A side is one direction of a connection: what one end sends.
type side struct {
	stream   capture.Stream
	mode     mode
	first    uint32 // sequence number of its SYN
	finished bool   // it has sent its FIN

	// While searching and opened:
	kept  []byte
	marks []mark // where in kept chunks begin
	// While searching:
	candidates []int // in kept, where frames may begin whose ends are to come
	scanned    int   // of kept: no frame begins before it but at candidates

	// While framing:
	head  []byte // of the size, up to 4 bytes
	frame Frame  // that is being cut
	left  int    // bytes of it that are to come
}

type mark struct {
	at   int // in kept
	time time.Time
}

// keep appends bytes to those that are kept.
func (s *side) keep(data []byte, at time.Time) {
	s.marks = append(s.marks, mark{len(s.kept), at})
	s.kept = append(s.kept, data...)
}

// forget drops kept bytes from the front.
func (s *side) forget(n int) {
	s.kept = s.kept[n:]
	s.scanned -= n
	for i := range s.candidates {
		s.candidates[i] -= n
	}
	first := 0
	for i := range s.marks {
		s.marks[i].at -= n
		if s.marks[i].at <= 0 {
			first = i
		}
	}
	s.marks = s.marks[first:]
	if len(s.marks) > 0 {
		s.marks[0].at = max(s.marks[0].at, 0)
	}
}

// frames begins to cut frames, with what is kept.
func (s *side) frames(each func(*Frame) bool) {
	kept, marks := s.kept, s.marks
	s.drop()
	s.mode = framing
	for i, m := range marks {
		end := len(kept)
		if i+1 < len(marks) {
			end = marks[i+1].at
		}
		if s.mode == framing {
			s.cut(kept[m.at:end], m.time, each)
		} else {
			s.keep(kept[m.at:end], m.time)
		}
	}
}

// drop drops all that is kept.
func (s *side) drop() { s.kept, s.marks, s.candidates, s.scanned = nil, nil, nil, 0 }

// find looks in what is kept for a frame that is one to the last byte, and forgets all before
// it; if there is none, all before the first that may be one. The functions say whether bytes,
// of at least so many as are told, may begin a frame, size included, and whether a frame is
// one. Skipped is how many bytes were forgotten.
func (s *side) find(atLeast int, begins, is func([]byte) bool) (skipped int, found bool) {
	waiting := s.candidates[:0]
	for _, at := range s.candidates {
		switch s.try(at, is) {
		case isFrame:
			s.forget(at)
			return at, true
		case mayBeFrame:
			waiting = append(waiting, at)
		}
	}
	s.candidates = waiting
	for ; s.scanned+atLeast <= len(s.kept); s.scanned++ {
		at := s.scanned
		if binary.BigEndian.Uint32(s.kept[at:]) > maxAwaited || !begins(s.kept[at:]) {
			continue
		}
		switch s.try(at, is) {
		case isFrame:
			s.forget(at)
			return at, true
		case mayBeFrame:
			s.candidates = append(s.candidates, at)
		}
	}
	s.candidates = s.candidates[max(len(s.candidates)-maxCandidates, 0):]
	skipped = min(s.scanned, len(s.kept))
	if len(s.candidates) > 0 {
		skipped = s.candidates[0]
	}
	s.forget(skipped)
	return skipped, false
}

// A trial is what bytes are found to be.
type trial int

const (
	noFrame trial = iota
	mayBeFrame
	isFrame
)

// try looks whether a frame stands in what is kept.
func (s *side) try(at int, is func([]byte) bool) trial {
	size := int(binary.BigEndian.Uint32(s.kept[at:]))
	switch b := s.kept[at+4:]; {
	case size > len(b):
		return mayBeFrame
	case is(b[:size]):
		return isFrame
	}
	return noFrame
}

// search begins to search for a frame.
func (s *side) search() {
	s.mode = searching
	s.head, s.frame, s.left = nil, Frame{}, 0
}

// cut cuts frames from bytes and calls each with them; if that does not want to go on, or a
// size is no size, the side searches with what remains.
func (s *side) cut(data []byte, at time.Time, each func(*Frame) bool) {
	for s.mode == framing && len(data) > 0 {
		if len(s.head) < 4 {
			if len(s.head) == 0 {
				s.frame = Frame{Seen: true, First: at}
			}
			n := min(4-len(s.head), len(data))
			s.head = append(s.head, data[:n]...)
			data = data[n:]
			if len(s.head) < 4 {
				return
			}
			size := binary.BigEndian.Uint32(s.head)
			if size > kmsg.MaxFrame {
				s.search()
				break
			}
			s.left = int(size)
			s.frame.Size = 4 + int(size)
		}
		n := min(s.left, len(data))
		if s.frame.Missing == 0 {
			s.frame.Bytes = append(s.frame.Bytes, data[:n]...)
		}
		s.left -= n
		data = data[n:]
		if at.After(s.frame.Last) { // segments may come out of their order
			s.frame.Last = at
		}
		s.end(each)
	}
	if s.mode == searching && len(data) > 0 {
		s.keep(data, at)
	}
}

// end ends the frame if nothing of it is to come.
func (s *side) end(each func(*Frame) bool) {
	if s.left > 0 {
		return
	}
	f := s.frame
	s.head, s.frame = s.head[:0], Frame{}
	if !each(&f) {
		s.search()
	}
}

// miss goes over bytes that were not captured. If they end within the frame, or with it, the
// next one begins where it should.
func (s *side) miss(n int, each func(*Frame) bool) {
	if s.mode != framing {
		s.drop()
		return
	}
	if len(s.head) < 4 {
		s.search()
		return
	}
	inside := min(n, s.left)
	s.frame.Missing += inside
	s.left -= inside
	s.end(each)
	if n > inside {
		s.search()
	}
}
