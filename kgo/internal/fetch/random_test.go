package fetch

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/franzi-kafka/franzi/kbin"
	"github.com/franzi-kafka/franzi/kgo/internal/cluster"
	"github.com/franzi-kafka/franzi/kmsg"
	"github.com/franzi-kafka/franzi/kmsg/batch"
)

var (
	seeds = flag.Int("seeds", 400, "how many random stories are played")
	seed  = flag.Uint64("seed", 0, "the one to play, with its trace")
)

// TestRandom plays random stories against a simple model of brokers: answers late, lost, wrong and
// short, leaders that move, logs that are trimmed and truncated, topics created anew, seeks, pauses
// and little memory. It checks what is delivered, in the words of the invariants:
//
//   - SKIP, REPEAT: a chunk begins where the one before ended;
//   - LOSS: what was delivered is what the log has, or it was told that it is not;
//   - MEM: no more memory is taken than there is;
//   - LIVE: when nothing goes wrong any more all is delivered, with a bounded number of requests.
func TestRandom(t *testing.T) {
	if *seed > 0 {
		newStory(t, *seed).play()
		return
	}
	for n := range *seeds {
		newStory(t, uint64(n)+1).play()
		if t.Failed() {
			return
		}
	}
}

type story struct {
	t     *testing.T
	seed  uint64
	r     *rand.Rand
	now   time.Time
	cell  *Cell
	purse *purse
	trace []string

	topics  []*modelTopic
	brokers []*modelBroker
	uniq    int64
	calm    bool // nothing goes wrong

	parts    []*modelUser
	flights  []*Request
	offsets  []*AskOffsets
	epochs   []*AskEpochs
	stale    bool
	requests int
}

type modelTopic struct {
	name  string
	id    kbin.UUID
	parts []*modelLog
}

// A modelLog is a partition's log.
type modelLog struct {
	leader  int32
	epoch   int32
	start   int64
	batches []modelBatch
}

type modelBatch struct {
	base, last int64
	epoch      int32
	uniq       int64
	raw        []byte
}

func (l *modelLog) end() int64 {
	if n := len(l.batches); n > 0 {
		return l.batches[n-1].last + 1
	}
	return l.start
}

// A modelUser is who consumes a partition.
type modelUser struct {
	topic *modelTopic
	index int32
	core  *Partition
	stamp uint64
	at    int64 // -1 while it is not known
	seen  []modelBatch
	held  []int // bytes of chunks that are not consumed
	halt  bool
	pause bool
}

func (u *modelUser) log() *modelLog { return u.topic.parts[u.index] }

type modelBroker struct {
	id       int32
	last     int32
	sessions map[int32]*modelSession
}

type modelSession struct {
	epoch int32
	parts []*modelFetch
}

type modelFetch struct {
	topic  string
	id     kbin.UUID
	index  int32
	offset int64
	epoch  int32
	max    int32
	told   int64 // the high watermark
}

func newStory(t *testing.T, seed uint64) *story {
	s := &story{t: t, seed: seed, r: rand.New(rand.NewPCG(seed, 1)), now: time.Unix(1e9, 0)}
	for id := range int32(3) {
		s.brokers = append(s.brokers, &modelBroker{id: id + 1, sessions: map[int32]*modelSession{}})
	}
	for n := range 1 + s.r.IntN(3) {
		m := &modelTopic{name: fmt.Sprintf("t%d", n)}
		if s.r.IntN(4) > 0 {
			m.id = s.newID()
		}
		for range 1 + s.r.IntN(4) {
			m.parts = append(m.parts, &modelLog{leader: 1 + s.r.Int32N(3), epoch: s.r.Int32N(3)})
		}
		s.topics = append(s.topics, m)
	}
	s.purse = &purse{limit: 40_000 + int64(s.r.IntN(200_000))}
	s.cell = NewCell(Config{
		Isolation: kmsg.IsolationReadCommitted, MaxWait: 500 * time.Millisecond, MinBytes: 1,
		Bite: 1000, PartitionBytes: 4000, BufferBytes: s.purse.limit, FrameBytes: 1 << 20,
		Lanes: 1 + s.r.IntN(2), Recheck: time.Minute, Reset: Start{Place: Earliest}, Patience: 5 * time.Second,
		Backoff: cluster.Backoff{Base: 100 * time.Millisecond, Max: time.Second}, Random: s.r.Float64, Budget: s.purse,
	})
	return s
}

func (s *story) newID() (id kbin.UUID) {
	s.uniq++
	id[0], id[15] = 1, byte(s.uniq)
	id[14] = byte(s.uniq >> 8)
	return id
}

func (s *story) note(format string, args ...any) {
	if *seed > 0 {
		s.t.Logf(format, args...)
		return
	}
	s.trace = append(s.trace, fmt.Sprintf(format, args...))
}

func (s *story) fail(format string, args ...any) {
	s.t.Helper()
	if s.t.Failed() {
		return
	}
	last := s.trace[max(0, len(s.trace)-40):]
	s.t.Errorf("%s\nseed %d, see -seed; it ended with\n%s", fmt.Sprintf(format, args...), s.seed, strings.Join(last, "\n"))
}

func (s *story) play() {
	for range 5 {
		s.append()
	}
	for range 300 {
		s.step()
		if s.t.Failed() {
			return
		}
	}
	s.heal()
}

// step lets one thing happen.
func (s *story) step() {
	s.now = s.now.Add(time.Duration(s.r.IntN(30)) * time.Millisecond)
	switch n := s.r.IntN(100); {
	case n < 30:
		s.answer()
	case n < 40:
		s.append()
	case n < 60:
		s.consume()
	case n < 66:
		s.know()
	case n < 72:
		s.ask()
	case n < 77:
		s.assign()
	case n < 80:
		s.seek()
	case n < 83:
		s.pause()
	case n < 84:
		s.unassign()
	case n < 87:
		s.move()
	case n < 88:
		s.truncate()
	case n < 90:
		s.trim()
	case n < 91:
		s.recreate()
	default:
		if d := s.cell.Deadline(); !d.IsZero() {
			s.now = d
		}
		s.poll()
	}
}

func (s *story) handle(e Event) {
	s.cell.Handle(s.now, e)
	s.poll()
}

func (s *story) poll() {
	for n := 0; ; n++ {
		a, ok := s.cell.Poll(s.now)
		if !ok {
			break
		}
		if n > 1000 {
			s.fail("LIVE: there is no end of actions: %T", a)
			return
		}
		s.act(a)
	}
	if d := s.cell.Deadline(); !d.IsZero() && !d.After(s.now) {
		s.fail("LIVE: the deadline %v is not after now", d)
	}
	for _, b := range s.cell.brokers {
		for _, l := range b.lanes {
			if !l.flight && len(l.gone) > 0 {
				s.fail("lane %d.%d keeps partitions that have left", b.id, l.number)
			}
		}
	}
	if most := s.purse.limit + 20_000; s.purse.used > most {
		s.fail("MEM: %d bytes are used, of %d", s.purse.used, s.purse.limit)
	}
}

func (s *story) act(a Action) {
	switch a := a.(type) {
	case *Request:
		for _, f := range s.flights {
			if f.Broker == a.Broker && f.Lane == a.Lane {
				s.fail("two requests of lane %d.%d", a.Broker, a.Lane)
			}
		}
		s.note("request %d.%d session %d/%d %v forgets %v, reserves %d", a.Broker, a.Lane, a.SessionID, a.SessionEpoch, a.Entries, a.Forgotten, a.Reserved)
		s.flights = append(s.flights, a)
		s.requests++
	case *Deliver:
		for i := range a.Chunks {
			s.take(&a.Chunks[i])
		}
	case *Positioned:
		if u := s.user(a.Partition, a.Stamp); u != nil {
			u.at, u.seen = a.Offset, nil
		}
	case *Report:
		s.note("report %+v", a)
		if u := s.user(a.Partition, a.Stamp); u != nil && a.Why != Failing {
			u.at, u.seen = a.To, nil
			u.halt = a.To < 0
		}
	case *Truncated:
		u := s.user(a.Partition, a.Stamp)
		s.note("truncated %s/%d %+v", a.Partition.Topic, a.Partition.Index, a)
		if u == nil {
			return
		}
		to := Start{Place: Offset, Offset: a.Diverged, Epoch: a.Epoch}
		if a.Diverged < 0 {
			to = Start{Place: Earliest}
		}
		s.seekTo(u, to)
	case *AskOffsets:
		s.offsets = append(s.offsets, a)
	case *AskEpochs:
		s.epochs = append(s.epochs, a)
	case *Stale, *Hint:
		s.stale = true
	case *Short, *Ended:
	}
}

// user returns who consumes a partition, if what is told is not stale.
func (s *story) user(p *Partition, stamp uint64) *modelUser {
	if p == nil {
		return nil
	}
	for _, u := range s.parts {
		if u.core == p && u.stamp == stamp {
			return u
		}
	}
	return nil
}

// take looks at a chunk.
func (s *story) take(k *Chunk) {
	s.purse.waiting += int64(len(k.Records))
	s.purse.used += int64(len(k.Records))
	u := s.user(k.Partition, k.Stamp)
	if u == nil {
		s.free(len(k.Records))
		return
	}
	u.held = append(u.held, len(k.Records))
	name := fmt.Sprintf("%s/%d", k.Partition.Topic, k.Partition.Index)
	if k.From != u.at {
		s.fail("SKIP or REPEAT: %s: a chunk from %d to %d comes at %d", name, k.From, k.End, u.at)
	}
	if k.Broken {
		s.fail("%s: a chunk is broken", name)
	}
	at := k.From
	r := batch.NewReader(k.Records)
	for r.Next() {
		b := &r.Batch
		if b.Verify() != nil || b.BaseOffset > at || b.LastOffset() < at {
			s.fail("%s: a batch from %d to %d comes at %d", name, b.BaseOffset, b.LastOffset(), at)
		}
		u.seen = append(u.seen, modelBatch{base: b.BaseOffset, last: b.LastOffset(), epoch: b.LeaderEpoch, uniq: b.BaseTimestamp})
		at = b.LastOffset() + 1
	}
	if at != k.End {
		s.fail("%s: a chunk to %d has records to %d", name, k.End, at)
	}
	s.note("chunk %s from %d to %d", name, k.From, k.End)
	u.at = at
}

func (s *story) free(bytes int) {
	s.purse.waiting -= int64(bytes)
	s.purse.used -= int64(bytes)
}

// consume lets users consume some of what they have.
func (s *story) consume() {
	for _, u := range s.parts {
		for len(u.held) > 0 && (s.calm || s.r.IntN(3) > 0) {
			s.free(u.held[0])
			u.held = u.held[1:]
		}
	}
	if s.purse.short {
		s.purse.short = false
		s.handle(&Room{})
	}
}

func (s *story) drop(u *modelUser) {
	for _, n := range u.held {
		s.free(n)
	}
	u.held = nil
}

func (s *story) pick() *modelUser {
	if len(s.parts) == 0 {
		return nil
	}
	return s.parts[s.r.IntN(len(s.parts))]
}

func (s *story) assign() {
	m := s.topics[s.r.IntN(len(s.topics))]
	index := s.r.Int32N(int32(len(m.parts)))
	for _, u := range s.parts {
		if u.topic == m && u.index == index {
			return
		}
	}
	u := &modelUser{topic: m, index: index, core: New(m.name, index, nil), stamp: 1, at: -1}
	s.parts = append(s.parts, u)
	s.note("assign %s/%d", m.name, index)
	s.handle(&Assign{[]Assigned{{u.core, u.stamp, s.start(u)}}})
}

func (s *story) start(u *modelUser) Start {
	switch s.r.IntN(4) {
	case 0:
		return Start{Place: Latest, Delta: -int64(s.r.IntN(50))}
	case 1:
		return Start{Place: Offset, Offset: int64(s.r.IntN(int(u.log().end()) + 3)), Epoch: -1}
	}
	return Start{Place: Earliest}
}

func (s *story) seek() {
	if u := s.pick(); u != nil {
		s.seekTo(u, s.start(u))
	}
}

func (s *story) seekTo(u *modelUser, to Start) {
	u.stamp++
	u.at, u.seen, u.halt = -1, nil, false
	s.drop(u)
	s.note("seek %s/%d to %+v", u.topic.name, u.index, to)
	s.cell.Handle(s.now, &Seek{u.core, u.stamp, to})
	s.poll()
}

func (s *story) pause() {
	u := s.pick()
	if u == nil {
		return
	}
	if u.pause = !u.pause; u.pause {
		s.handle(&Pause{[]*Partition{u.core}})
	} else {
		s.handle(&Resume{[]*Partition{u.core}})
	}
}

func (s *story) unassign() {
	u := s.pick()
	if u == nil {
		return
	}
	s.parts = slices.DeleteFunc(s.parts, func(other *modelUser) bool { return other == u })
	s.drop(u)
	s.note("unassign %s/%d", u.topic.name, u.index)
	s.handle(&Unassign{[]*Partition{u.core}})
}

// know tells what is true of the cluster.
func (s *story) know() {
	s.stale = false
	snap := &cluster.Snapshot{ControllerID: -1}
	for _, b := range s.brokers {
		snap.Brokers = append(snap.Brokers, cluster.Broker{ID: b.id, Host: "b", Port: 9092})
	}
	for _, m := range s.topics {
		k := &cluster.Topic{Name: m.name, ID: m.id}
		for _, l := range m.parts {
			k.Partitions = append(k.Partitions, cluster.Partition{Leader: l.leader, LeaderEpoch: l.epoch})
		}
		snap.Topics = append(snap.Topics, k)
	}
	s.handle(&Known{snap})
}

// heal lets nothing go wrong any more, and all be delivered.
func (s *story) heal() {
	s.calm = true
	s.know()
	for _, u := range s.parts {
		if u.pause {
			u.pause = false
			s.handle(&Resume{[]*Partition{u.core}})
		}
	}
	before := s.requests
	for n := range 3000 {
		s.now = s.now.Add(10 * time.Millisecond)
		s.answer()
		s.ask()
		s.consume()
		if s.stale {
			s.know()
		}
		if d := s.cell.Deadline(); !d.IsZero() && len(s.flights) == 0 && d.After(s.now) {
			s.now = d
		}
		s.poll()
		if s.t.Failed() {
			return
		}
		if s.allRead() {
			s.compare()
			if most := 500 + 100*len(s.parts); s.requests-before > most {
				s.fail("LIVE: it took %d requests", s.requests-before)
			}
			return
		}
		if n == 2999 {
			for _, u := range s.parts {
				s.note("%s/%d is at %d of %d: %+v", u.topic.name, u.index, u.at, u.log().end(), *u.core)
			}
			s.fail("LIVE: not all was delivered, with %d requests under way", len(s.flights))
		}
	}
}

func (s *story) allRead() bool {
	for _, u := range s.parts {
		if !u.halt && (u.at != u.log().end() || u.core.state != reading) {
			return false
		}
	}
	return true
}

// compare looks whether what was delivered is what the logs have.
func (s *story) compare() {
	for _, u := range s.parts {
		l := u.log()
		for _, b := range u.seen {
			if b.base < l.start {
				continue
			}
			i := slices.IndexFunc(l.batches, func(m modelBatch) bool { return m.base == b.base })
			if i < 0 || l.batches[i].uniq != b.uniq {
				s.fail("LOSS: %s/%d: the batch at %d of epoch %d is not in the log, and nobody was told", u.topic.name, u.index, b.base, b.epoch)
			}
		}
	}
}
