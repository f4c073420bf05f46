// Package ledger keeps account of records: what was written, what came of it, what was read. At the
// end it says which are lost, doubled, or out of order.
//
// Records are numbered in series, each of which belongs to one key, and so to one partition: what is
// written in an order must be read in it, each record once. A value carries its series, its number,
// when it was written, and a checksum.
package ledger

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// A Ledger has the account of all series. Its methods may be called concurrently.
type Ledger struct {
	begun  time.Time
	acks   bool
	series []series

	written, done, failed    atomic.Int64
	read, doubled, misplaced atomic.Int64
	corrupt, unordered       atomic.Int64
}

type series struct {
	mu    sync.Mutex
	next  uint64   // number of the next record to be written
	told  uint64   // that of the next one whose outcome is to come
	fails []uint64 // numbers of those that failed, in order

	reading sync.Mutex
	seen    uint64              // one more than the highest number that was read
	missing map[uint64]struct{} // below it, and not read
}

// New returns a ledger with so many series. Acks says whether somebody acknowledges records. If not,
// an outcome without an error says only that a record has left, which promises nothing.
func New(n int, acks bool) *Ledger {
	return &Ledger{begun: time.Now(), acks: acks, series: make([]series, n)}
}

// MinSize is the smallest size that a value can have.
const MinSize = 4 + 8 + 8 + 4

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Write makes the value of the next record of a series, in dst, whose length is the size, at least
// [MinSize]; and returns its number. What is between head and checksum stays as it is. The records
// of a series must be handed over in the order of their numbers.
func (l *Ledger) Write(n int, dst []byte) (number uint64) {
	s := &l.series[n]
	s.mu.Lock()
	number = s.next
	s.next++
	s.mu.Unlock()
	l.written.Add(1)
	binary.BigEndian.PutUint32(dst, uint32(n))
	binary.BigEndian.PutUint64(dst[4:], number)
	binary.BigEndian.PutUint64(dst[12:], uint64(time.Since(l.begun)))
	at := len(dst) - 4
	binary.BigEndian.PutUint32(dst[at:], crc32.Checksum(dst[:at], castagnoli))
	return number
}

// Outcome takes note of what came of a record: acknowledged or sent, if err is nil.
func (l *Ledger) Outcome(n int, number uint64, err error) {
	s := &l.series[n]
	s.mu.Lock()
	if number != s.told {
		l.unordered.Add(1)
	}
	s.told = max(s.told, number+1)
	if err != nil {
		s.fails = append(s.fails, number)
	}
	s.mu.Unlock()
	if err != nil {
		l.failed.Add(1)
	} else {
		l.done.Add(1)
	}
}

// ErrCorrupt says that a value is not one that was written.
var ErrCorrupt = errors.New("the value is not one that was written")

// Read takes note of a record that was read, and returns how long after it was written that is.
func (l *Ledger) Read(value []byte) (time.Duration, error) {
	at := len(value) - 4
	if len(value) < MinSize || binary.BigEndian.Uint32(value[at:]) != crc32.Checksum(value[:at], castagnoli) {
		l.corrupt.Add(1)
		return 0, ErrCorrupt
	}
	n, number := binary.BigEndian.Uint32(value), binary.BigEndian.Uint64(value[4:])
	if int64(n) >= int64(len(l.series)) {
		l.corrupt.Add(1)
		return 0, ErrCorrupt
	}
	l.series[n].read(l, number)
	l.read.Add(1)
	return time.Since(l.begun) - time.Duration(binary.BigEndian.Uint64(value[12:])), nil
}

func (s *series) read(l *Ledger, number uint64) {
	s.reading.Lock()
	defer s.reading.Unlock()
	switch _, missed := s.missing[number]; {
	case number == s.seen:
		s.seen++
	case number > s.seen:
		if s.missing == nil {
			s.missing = map[uint64]struct{}{}
		}
		for ; s.seen < number; s.seen++ {
			s.missing[s.seen] = struct{}{}
		}
		s.seen++
	case missed:
		delete(s.missing, number)
		l.misplaced.Add(1)
	default:
		l.doubled.Add(1)
	}
}

// A Balance is what the account comes to.
type Balance struct {
	Written int64 `json:"written"` // handed over
	Acked   int64 `json:"acknowledged"`
	Sent    int64 `json:"sent"`   // where nobody acknowledges
	Failed  int64 `json:"failed"` // whose writers know; they may be in the log or not
	Pending int64 `json:"pending"`
	Read    int64 `json:"read"`

	Lost       int64 `json:"lost"`       // acknowledged, and not read
	Missing    int64 `json:"missing"`    // sent, and not read
	Doubled    int64 `json:"doubled"`    // read again
	OutOfOrder int64 `json:"outOfOrder"` // read behind a later one
	Corrupt    int64 `json:"corrupt"`    // read, and not as it was written
	Unordered  int64 `json:"unordered"`  // outcomes that came out of order, twice or not at all
}

// Done is how many records were acknowledged, or sent where nobody acknowledges.
func (b *Balance) Done() int64 { return b.Acked + b.Sent }

// Right reports whether what was promised is so. Of records that were acknowledged, that is that each
// that is in the log was read once and in order; and of all, that they are as they were written, and
// that every writer was told once.
func (b *Balance) Right() bool {
	kept := b.Sent > 0 || b.Lost == 0 && b.Doubled == 0 && b.OutOfOrder == 0
	return kept && b.Corrupt == 0 && b.Unordered == 0 && b.Pending == 0
}

// Now returns the balance without Lost and Missing, which are known at the end only.
func (l *Ledger) Now() Balance {
	b := Balance{
		Failed: l.failed.Load(),
		Read:   l.read.Load(), Doubled: l.doubled.Load(), OutOfOrder: l.misplaced.Load(), Corrupt: l.corrupt.Load(), Unordered: l.unordered.Load(),
	}
	if l.acks {
		b.Acked = l.done.Load()
	} else {
		b.Sent = l.done.Load()
	}
	b.Written = l.written.Load()
	b.Pending = b.Written - b.Done() - b.Failed
	return b
}

// End returns the balance when all is written and read.
func (l *Ledger) End() Balance {
	b := l.Now()
	away := &b.Lost
	if !l.acks {
		away = &b.Missing
	}
	for i := range l.series {
		*away += l.series[i].away()
	}
	return b
}

// away counts the records that were acknowledged, or sent, and not read.
func (s *series) away() (n int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reading.Lock()
	defer s.reading.Unlock()
	slices.Sort(s.fails)
	failed := func(number uint64) bool {
		_, ok := slices.BinarySearch(s.fails, number)
		return ok
	}
	for number := range s.missing {
		if !failed(number) {
			n++
		}
	}
	for number := s.seen; number < s.told; number++ {
		if !failed(number) {
			n++
		}
	}
	return n
}
