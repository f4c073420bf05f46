package cluster

import (
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/franzi-kafka/franzi/kbin"
	"github.com/franzi-kafka/franzi/kmsg"
)

var seeds = flag.Uint64("seeds", 40, "how many seeds TestRandom plays")

// TestRandom plays a client, and a cluster whose brokers lag behind, fail, leave things out and
// are replaced, and holds the cell to what it promises: every question is answered once, epochs
// do not go back, snapshots do not change, requests are few while nothing works, and in the end
// what is known is true.
func TestRandom(t *testing.T) {
	for seed := range *seeds {
		w := newWorld(t, seed)
		for range 400 {
			w.step()
		}
		w.settle()
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}

// A world is a client and a cluster.
type world struct {
	t    *testing.T
	seed uint64
	rand *rand.Rand
	now  time.Time
	cell *Cell

	truth   kmsg.MetadataResponse   // what the cluster is
	views   []kmsg.MetadataResponse // what brokers think it is
	nextID  byte
	version int16
	calm    bool

	asks      []*AskMetadata
	lookups   []*AskCoordinators
	open      map[any]bool // questions without a reply
	published []*Snapshot
	copies    []string
	wanted    map[string]int
	askCount  int
}

func newWorld(t *testing.T, seed uint64) *world {
	w := &world{t: t, seed: seed, rand: rand.New(rand.NewPCG(seed, 1)), now: time.Unix(1e9, 0), open: map[any]bool{}, wanted: map[string]int{}, version: 12}
	if w.rand.IntN(4) == 0 {
		w.version = 9 // no ids
	}
	w.cell = New(Config{Seeds: []string{"a:1", "b:1", "c:1"}, Rand: rand.New(rand.NewPCG(seed, 2))})
	w.truth.ClusterID, w.truth.ControllerID = kbin.Str("C"), 1
	for id := range int32(4) {
		w.truth.Brokers = append(w.truth.Brokers, kmsg.MetadataResponseBroker{NodeID: id, Host: fmt.Sprint("h", id), Port: 9092})
	}
	for i := range 5 {
		w.create(fmt.Sprint("topic-", i))
	}
	for range 3 {
		w.views = append(w.views, *w.truth.Clone())
	}
	return w
}

func (w *world) create(name string) {
	topic := kmsg.NewMetadataResponseTopic()
	topic.Name = kbin.Str(name)
	if w.version >= 10 {
		w.nextID++
		topic.TopicID = kbin.UUID{0: w.nextID, 15: byte(w.rand.IntN(256))}
	}
	for n := range int32(1 + w.rand.IntN(5)) {
		p := kmsg.NewMetadataResponsePartition()
		p.PartitionIndex, p.LeaderID, p.LeaderEpoch = n, w.truth.Brokers[w.rand.IntN(len(w.truth.Brokers))].NodeID, 0
		p.ReplicaNodes = []int32{p.LeaderID, p.LeaderID + 1}
		p.ISRNodes = p.ReplicaNodes[:1+w.rand.IntN(2)]
		topic.Partitions = append(topic.Partitions, p)
	}
	w.truth.Topics = append(w.truth.Topics, topic)
}

// step lets something happen.
func (w *world) step() {
	name := fmt.Sprint("topic-", w.rand.IntN(7))
	switch w.rand.IntN(16) {
	case 0: // a leader moves
		topic := &w.truth.Topics[w.rand.IntN(len(w.truth.Topics))]
		p := &topic.Partitions[w.rand.IntN(len(topic.Partitions))]
		p.LeaderID = w.truth.Brokers[w.rand.IntN(len(w.truth.Brokers))].NodeID
		p.LeaderEpoch++
		if w.rand.IntN(2) == 0 {
			w.handle(&LeaderHint{Topic: topic.Name.S, Partition: p.PartitionIndex, Leader: p.LeaderID, Epoch: p.LeaderEpoch})
		}
	case 1: // a topic is created anew, or a broker is replaced
		if w.version < 10 || w.rand.IntN(2) == 0 {
			i := w.rand.IntN(len(w.truth.Brokers))
			w.truth.Brokers[i].Port++
			break
		}
		i := w.rand.IntN(len(w.truth.Topics))
		name := w.truth.Topics[i].Name.S
		w.truth.Topics = slices.Delete(w.truth.Topics, i, i+1)
		w.create(name)
	case 2, 3: // a broker learns the truth
		w.views[w.rand.IntN(len(w.views))] = *w.truth.Clone()
	case 4:
		w.need(&Need{Topics: []string{name, fmt.Sprint("topic-", w.rand.IntN(7))}, Newer: w.seen()})
	case 5:
		w.need(&Need{All: w.rand.IntN(4) == 0, Newer: w.seen()})
	case 6:
		w.need(&Need{IDs: []kbin.UUID{w.truth.Topics[w.rand.IntN(len(w.truth.Topics))].TopicID, {1: 1}}, Newer: w.seen()})
	case 7:
		w.wanted[name]++
		w.handle(&Want{Topics: []string{name}, Create: w.rand.IntN(3) == 0})
	case 8:
		if w.wanted[name] > 0 {
			w.wanted[name]--
			w.handle(&Unwant{Topics: []string{name}})
		}
	case 9:
		n := &NeedCoordinators{Keys: []string{name, "g"}, Not: int32(w.rand.IntN(5)) - 1}
		w.open[n] = true
		w.handle(n)
	case 10:
		w.handle([]Event{&Rebootstrap{Reason: "told"}, &Touch{}, &Connection{Broker: int32(w.rand.IntN(5)), State: ConnectionState(w.rand.IntN(3))}}[w.rand.IntN(3)])
	case 11:
		w.pass(time.Duration(w.rand.Int64N(int64(7 * time.Minute))))
	case 12:
		w.pass(time.Duration(w.rand.Int64N(int64(2 * time.Second))))
	default:
		w.finish(w.rand.IntN(4) == 0)
	}
}

func (w *world) seen() uint64 {
	if s := w.cell.snapshot; w.rand.IntN(2) == 0 {
		return s.Seq
	}
	return 0
}

func (w *world) need(n *Need) {
	w.open[n] = true
	w.handle(n)
}

// finish ends a request, if one is under way.
func (w *world) finish(fail bool) {
	if len(w.lookups) > 0 {
		ask := w.lookups[0]
		w.lookups = w.lookups[1:]
		if fail {
			w.handle(&CoordinatorsFailed{ask, errors.New("broken")})
			return
		}
		var found []Coordinator
		unasked := w.rand.IntN(2) * (len(ask.Keys) - 1)
		for _, k := range ask.Keys[:len(ask.Keys)-unasked] {
			b := w.truth.Brokers[w.rand.IntN(len(w.truth.Brokers))]
			found = append(found, Coordinator{Key: k, Broker: Broker{ID: b.NodeID, Host: b.Host, Port: b.Port}, Code: kmsg.ErrorCode(15 * (w.rand.IntN(4) / 3))})
		}
		w.handle(&CoordinatorsAnswer{ask, found[:len(found)-w.rand.IntN(2)], unasked})
		return
	}
	if len(w.asks) == 0 {
		return
	}
	i := w.rand.IntN(len(w.asks))
	ask := w.asks[i]
	w.asks = slices.Delete(w.asks, i, i+1)
	if fail {
		w.handle(&MetadataFailed{ask, errors.New("broken"), w.rand.IntN(8) == 0})
		return
	}
	w.handle(&MetadataAnswer{ask, w.answer(ask)})
}

// answer answers as a broker does, or as one that lags behind, or is odd.
func (w *world) answer(ask *AskMetadata) *kmsg.MetadataResponse {
	view := w.truth.Clone()
	if !w.calm {
		view = w.views[w.rand.IntN(len(w.views))].Clone()
	}
	view.Version = w.version
	if req := ask.Request(w.version); req.Topics != nil {
		topics := view.Topics
		view.Topics = nil
		for _, asked := range req.Topics {
			i := slices.IndexFunc(topics, func(t kmsg.MetadataResponseTopic) bool {
				return asked.Name.Valid && t.Name == asked.Name || !asked.Name.Valid && t.TopicID == asked.TopicID
			})
			if i >= 0 {
				view.Topics = append(view.Topics, topics[i])
				continue
			}
			missing := kmsg.NewMetadataResponseTopic()
			missing.Name, missing.TopicID, missing.ErrorCode = asked.Name, asked.TopicID, kmsg.UnknownTopicOrPartition
			if !asked.Name.Valid {
				missing.ErrorCode = kmsg.UnknownTopicID
			}
			view.Topics = append(view.Topics, missing)
		}
	}
	if !w.calm && w.rand.IntN(4) == 0 {
		w.spoil(view)
	}
	ask.Into.Version = w.version
	if err := ask.Into.DecodeFrom(kbin.NewReader(view.AppendTo(nil))); err != nil {
		w.t.Fatal(err)
	}
	return ask.Into
}

// spoil leaves something out of an answer, or repeats it.
func (w *world) spoil(r *kmsg.MetadataResponse) {
	switch w.rand.IntN(4) {
	case 0:
		r.Brokers = r.Brokers[:w.rand.IntN(len(r.Brokers)+1)]
	case 1:
		r.Topics = r.Topics[:w.rand.IntN(len(r.Topics)+1)]
	case 2:
		r.Topics = append(r.Topics, r.Topics...)
	case 3:
		for i := range r.Topics {
			topic := &r.Topics[i]
			topic.Partitions = topic.Partitions[w.rand.IntN(len(topic.Partitions)+1):]
		}
	}
}

func (w *world) handle(e Event) {
	w.cell.Handle(w.now, e)
	w.poll()
}

func (w *world) pass(d time.Duration) {
	end := w.now.Add(d)
	for n := 0; ; n++ {
		at := w.cell.Deadline()
		if at.IsZero() || at.After(end) {
			break
		}
		if n > 5000 {
			w.t.Fatalf("seed %d: deadlines come to no end at %v", w.seed, at)
		}
		if at.After(w.now) {
			w.now = at
		}
		w.poll()
	}
	w.now = end
	w.poll()
}

func (w *world) poll() {
	for {
		a, ok := w.cell.Poll(w.now)
		if !ok {
			break
		}
		switch a := a.(type) {
		case *AskMetadata:
			w.asks = append(w.asks, a)
			w.askCount++
			if n := len(w.cell.flights); n > len(w.truth.Brokers)+3 {
				w.t.Fatalf("seed %d: %d requests under way", w.seed, n)
			}
		case *AskCoordinators:
			w.lookups = append(w.lookups, a)
		case *Publish:
			w.publish(a.Snapshot)
		case *Reply:
			w.reply(a)
		}
	}
}

func (w *world) reply(r *Reply) {
	var question any = r.Need
	if r.Need == nil {
		question = r.Coordinators
		if n := r.Coordinators; n.Err == nil && len(n.Results) != len(n.Keys) {
			w.t.Fatalf("seed %d: asked for %v, got %v", w.seed, n.Keys, n.Results)
		}
	}
	if !w.open[question] {
		w.t.Fatalf("seed %d: a second reply, or one to nobody's question: %+v", w.seed, question)
	}
	delete(w.open, question)
	n := r.Need
	if n == nil || n.Err != nil {
		return
	}
	if n.Snapshot != w.published[len(w.published)-1] || n.Snapshot.Seq <= n.Newer {
		w.t.Fatalf("seed %d: the reply to newer=%d comes with seq=%d, published last was %d", w.seed, n.Newer, n.Snapshot.Seq, w.published[len(w.published)-1].Seq)
	}
	for _, name := range n.Topics {
		if n.Snapshot.Topic(name) == nil {
			w.t.Fatalf("seed %d: the reply does not have %s", w.seed, name)
		}
	}
	for _, id := range n.IDs {
		if !id.IsZero() && n.Snapshot.TopicByID(id) == nil {
			w.t.Fatalf("seed %d: the reply does not have %v", w.seed, id)
		}
	}
}

// publish checks a snapshot, and keeps it to see later whether somebody wrote to it.
func (w *world) publish(s *Snapshot) {
	fail := func(format string, args ...any) {
		w.t.Helper()
		w.t.Fatalf("seed %d: "+format, append([]any{w.seed}, args...)...)
	}
	if !slices.IsSortedFunc(s.Topics, compareTopics) || !slices.IsSortedFunc(s.Brokers, func(a, b Broker) int { return int(a.ID - b.ID) }) {
		fail("the snapshot is not in order: %+v", s)
	}
	if !slices.Equal(s.byID, indexByID(s.Topics)) {
		fail("the ids are not in order: %v, want %v", s.byID, indexByID(s.Topics))
	}
	for _, topic := range s.Topics {
		if len(w.published) == 0 || topic.ID.IsZero() {
			break
		}
		was := w.published[len(w.published)-1].TopicByID(topic.ID)
		if was == nil || was == topic || topic.Name == "" {
			continue
		}
		if len(topic.Partitions) < len(was.Partitions) {
			fail("%s lost partitions", topic.Name)
		}
		for i := range was.Partitions {
			if topic.Partitions[i].LeaderEpoch < was.Partitions[i].LeaderEpoch {
				fail("%s[%d] goes back from epoch %d to %d", topic.Name, i, was.Partitions[i].LeaderEpoch, topic.Partitions[i].LeaderEpoch)
			}
		}
	}
	w.published = append(w.published, s)
	w.copies = append(w.copies, fmt.Sprintf("%+v", contents(s)))
}

// contents is a snapshot with what it points to.
func contents(s *Snapshot) any {
	topics := make([]Topic, len(s.Topics))
	for i, t := range s.Topics {
		topics[i] = *t
	}
	return []any{s.Seq, s.ClusterID, s.ControllerID, s.Brokers, topics, s.byID}
}

// settle lets requests be answered truly for a while, and sees what has come of it.
func (w *world) settle() {
	for range 3 {
		for len(w.asks)+len(w.lookups) > 0 {
			w.finish(true)
		}
		w.pass(time.Second)
	}
	// Nothing works for ten minutes: requests must be few.
	start := w.askCount
	w.handle(&Want{Topics: []string{"topic-0"}})
	for range 6000 {
		w.pass(100 * time.Millisecond)
		for len(w.asks)+len(w.lookups) > 0 {
			w.finish(true)
		}
	}
	if n := w.askCount - start; n > 1000 || n < 200 {
		w.t.Fatalf("seed %d: %d requests in ten minutes of failures", w.seed, n)
	}
	w.calm = true
	for range 60 {
		w.pass(time.Second)
		for len(w.asks)+len(w.lookups) > 0 {
			w.finish(false)
		}
	}
	w.handle(&Touch{})
	for range 400 {
		w.pass(time.Second)
		for len(w.asks)+len(w.lookups) > 0 {
			w.finish(false)
		}
	}
	if len(w.open) > 0 {
		w.t.Fatalf("seed %d: %d questions have no answer", w.seed, len(w.open))
	}
	for i, s := range w.published {
		if got := fmt.Sprintf("%+v", contents(s)); got != w.copies[i] {
			w.t.Fatalf("seed %d: a snapshot was written to: got %s, want %s", w.seed, got, w.copies[i])
		}
	}
	w.compare()
}

// compare holds what is known of wanted topics against the truth.
func (w *world) compare() {
	s := w.published[len(w.published)-1]
	for i := range w.truth.Brokers {
		b := &w.truth.Brokers[i]
		if got, ok := s.Broker(b.NodeID); !ok || got.Port != b.Port {
			w.t.Fatalf("seed %d: broker %d is %+v, want port %d", w.seed, b.NodeID, got, b.Port)
		}
	}
	for i := range w.truth.Topics {
		truth := &w.truth.Topics[i]
		if w.wanted[truth.Name.S] == 0 {
			continue
		}
		topic := s.Topic(truth.Name.S)
		if topic == nil || topic.ID != truth.TopicID || topic.Err != 0 || len(topic.Partitions) != len(truth.Partitions) {
			w.t.Fatalf("seed %d: %s is %+v, want %+v", w.seed, truth.Name.S, topic, truth)
		}
		for _, p := range truth.Partitions {
			if got := topic.Partition(p.PartitionIndex); got.Leader != p.LeaderID || got.LeaderEpoch != p.LeaderEpoch || !slices.Equal(got.ISR, p.ISRNodes) {
				w.t.Fatalf("seed %d: %s[%d] is %+v, want %+v", w.seed, topic.Name, p.PartitionIndex, got, p)
			}
		}
	}
}
