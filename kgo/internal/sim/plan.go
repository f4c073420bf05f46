package sim

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"time"

	"github.com/franzi-kafka/franzi/kgo/internal/broker"
	"github.com/franzi-kafka/franzi/kgo/internal/fetch"
	"github.com/franzi-kafka/franzi/kmsg"
	"github.com/franzi-kafka/franzi/kmsg/compress"
)

// A Plan says what kind of life it is.
type Plan struct {
	Release    string
	Brokers    int
	Partitions []int // of each topic
	Lasts      time.Duration
	Every      time.Duration // between faults, on the average
	Faults     []string      // that occur

	Acks             kmsg.Acks
	Idempotent       bool
	InFlight         int
	Linger           time.Duration
	DeliveryTimeout  time.Duration
	Tries            int
	Codec            compress.Codec
	Pause            time.Duration // between records, on the average
	ReplicationDelay time.Duration
	NoLeaderHints    bool
	Properties       map[string]string

	Start, Reset fetch.Start // of the consumer
	Isolation    kmsg.IsolationLevel
	BufferBytes  int
	Bite         int
	Lanes        int
	Dawdles      int  // one in how many times the consumer is slow
	Racks        bool // it reads from a replica nearby

	dialFails bool
	forgets   bool // brokers forget a producer while its requests are under way: records may be doubled
}

// String shows the plan in a line.
func (p *Plan) String() string {
	return fmt.Sprintf("Kafka %s, %d brokers, partitions %v, %v with a fault every %v of %v, acks %d, idempotent %v, %d in flight, linger %v, delivery timeout %v, %d tries, %v, a record every %v, replication after %v, %v; consumer from %v, reset to %v, isolation %v, buffer %d, bite %d, %d lanes, slow once in %d times, racks %v",
		p.Release, p.Brokers, p.Partitions, p.Lasts, p.Every, p.Faults, p.Acks, p.Idempotent, p.InFlight, p.Linger, p.DeliveryTimeout, p.Tries, p.Codec, p.Pause, p.ReplicationDelay, p.Properties,
		p.Start.Place, p.Reset.Place, p.Isolation, p.BufferBytes, p.Bite, p.Lanes, p.Dawdles, p.Racks)
}

// newPlan draws a plan. Lives in which few kinds of faults occur, and those often, find more than
// lives in which everything happens.
func newPlan(r *rand.Rand) *Plan {
	among := func(d ...time.Duration) time.Duration { return d[r.IntN(len(d))] }
	p := &Plan{
		Brokers: 1 + r.IntN(3), Acks: kmsg.AcksAll, Idempotent: true, InFlight: 1 + r.IntN(6),
		Lasts:            among(time.Second, 3*time.Second, 6*time.Second, 12*time.Second),
		Every:            among(20*time.Millisecond, 100*time.Millisecond, 500*time.Millisecond, 2*time.Second),
		Linger:           among(0, 0, 5*time.Millisecond, 50*time.Millisecond, time.Second),
		DeliveryTimeout:  among(2*time.Second, 5*time.Second, 20*time.Second, 2*time.Minute),
		Pause:            among(2*time.Millisecond, 10*time.Millisecond, 50*time.Millisecond),
		ReplicationDelay: among(0, 0, time.Millisecond, 20*time.Millisecond),
		Codec:            []compress.Codec{compress.None, compress.None, compress.LZ4, compress.Gzip}[r.IntN(4)],
		NoLeaderHints:    r.IntN(3) == 0,
		dialFails:        r.IntN(4) == 0,
		Properties:       map[string]string{},
	}
	all := kmsg.Releases()
	p.Release = all[len(all)-1]
	if r.IntN(3) == 0 {
		p.Release = []string{"0.11.0", "1.1", "2.0", "2.4", "2.8", "3.3", "3.7", "3.9"}[r.IntN(8)]
	}
	for range 1 + r.IntN(2) {
		p.Partitions = append(p.Partitions, 1+r.IntN(4))
	}
	if r.IntN(8) == 0 {
		p.Idempotent = false
		p.Acks = []kmsg.Acks{kmsg.AcksAll, kmsg.AcksLeader, kmsg.AcksNone}[r.IntN(3)]
	}
	if r.IntN(8) == 0 {
		p.Tries = 1 + r.IntN(5)
	}
	if r.IntN(6) == 0 {
		p.Properties["message.max.bytes"] = strconv.Itoa(200 + r.IntN(400))
	}
	if r.IntN(6) == 0 {
		p.Properties["transactional.id.expiration.ms"] = "604800000"
		p.Properties["producer.id.expiration.ms"] = strconv.Itoa(500 + r.IntN(5000))
		p.forgets = true
	}
	if r.IntN(3) == 0 {
		p.Properties["min.insync.replicas"] = strconv.Itoa(1 + r.IntN(p.Brokers))
	}
	names := faultNames()
	for _, i := range r.Perm(len(names))[:1+r.IntN(6)] {
		p.Faults = append(p.Faults, names[i])
	}
	p.consume(r)
	return p
}

// consume draws what kind of consumer there is.
func (p *Plan) consume(r *rand.Rand) {
	p.Start.Place = []fetch.Place{fetch.Earliest, fetch.Earliest, fetch.Earliest, fetch.Latest}[r.IntN(4)]
	p.Reset.Place = []fetch.Place{fetch.Earliest, fetch.Earliest, fetch.Nowhere, fetch.Latest}[r.IntN(4)]
	p.Isolation = kmsg.IsolationLevel(r.IntN(2))
	p.Bite = 1000 << r.IntN(5)
	p.BufferBytes = 8<<10 + p.Bite*(4+r.IntN(20))
	p.Lanes = 1 + r.IntN(2)
	p.Dawdles = 1 << (2 * r.IntN(6))
	if r.IntN(3) == 0 && slices.Contains([]string{kmsg.Releases()[len(kmsg.Releases())-1], "2.4", "2.8", "3.3", "3.7", "3.9"}, p.Release) {
		p.Racks = true
		p.Properties["replica.selector.class"] = "org.apache.kafka.common.replica.RackAwareReplicaSelector"
	}
}

// rack is where a broker is.
func (p *Plan) rack(id int32) string {
	if !p.Racks {
		return ""
	}
	return rackOf(id)
}

func rackOf(id int32) string { return fmt.Sprintf("rack%d", id) }

// hasIDs reports whether requests name topics by ids, so that one made anew can be told from the one
// before.
func (p *Plan) hasIDs() bool {
	return !slices.Contains([]string{"0.11.0", "1.1", "2.0", "2.4", "2.8"}, p.Release)
}

func (w *world) plan() *Plan { return w.life.plan }

// A fault is something that goes wrong, once.
type fault struct {
	name string
	do   func(l *life)
}

func faultNames() (names []string) {
	for _, f := range faults {
		names = append(names, f.name)
	}
	return names
}

// refusals are codes that a broker answers instead of serving a request.
var refusals = map[kmsg.APIKey][]kmsg.ErrorCode{
	kmsg.KeyProduce: {
		kmsg.NotLeaderOrFollower, kmsg.UnknownTopicOrPartition, kmsg.LeaderNotAvailable, kmsg.NotEnoughReplicas, kmsg.KafkaStorageError,
		kmsg.CorruptMessage, kmsg.OutOfOrderSequenceNumber, kmsg.UnknownProducerID, kmsg.InvalidProducerEpoch, kmsg.UnknownServerError,
		kmsg.TopicAuthorizationFailed, kmsg.MessageTooLarge, kmsg.RequestTimedOut, kmsg.FencedLeaderEpoch, kmsg.UnknownTopicID,
		kmsg.InvalidRecord, kmsg.NetworkException, kmsg.ReplicaNotAvailable,
	},
	kmsg.KeyFetch: {
		kmsg.NotLeaderOrFollower, kmsg.UnknownTopicOrPartition, kmsg.KafkaStorageError, kmsg.FencedLeaderEpoch, kmsg.UnknownLeaderEpoch,
		kmsg.ReplicaNotAvailable, kmsg.UnknownServerError, kmsg.CorruptMessage, kmsg.TopicAuthorizationFailed, kmsg.UnknownTopicID,
		kmsg.OffsetNotAvailable, kmsg.OffsetOutOfRange, kmsg.LeaderNotAvailable,
	},
	kmsg.KeyListOffsets:          {kmsg.NotLeaderOrFollower, kmsg.UnknownTopicOrPartition, kmsg.FencedLeaderEpoch, kmsg.LeaderNotAvailable, kmsg.OffsetNotAvailable, kmsg.UnknownServerError},
	kmsg.KeyOffsetForLeaderEpoch: {kmsg.NotLeaderOrFollower, kmsg.UnknownTopicOrPartition, kmsg.FencedLeaderEpoch, kmsg.UnknownLeaderEpoch, kmsg.UnknownServerError},
	kmsg.KeyMetadata:             {kmsg.LeaderNotAvailable, kmsg.UnknownTopicOrPartition, kmsg.BrokerNotAvailable},
	kmsg.KeyInitProducerID:       {kmsg.CoordinatorLoadInProgress, kmsg.NotCoordinator, kmsg.CoordinatorNotAvailable, kmsg.RequestTimedOut},
}

// afterthoughts are codes that a broker may answer although it has appended.
var afterthoughts = []kmsg.ErrorCode{kmsg.NotLeaderOrFollower, kmsg.RequestTimedOut, kmsg.NotEnoughReplicasAfterAppend, kmsg.UnknownServerError, kmsg.KafkaStorageError}

// rule has the next requests of an API go wrong, some of them.
func (l *life) rule(key kmsg.APIKey, effect broker.Effect) {
	m := broker.AnyRequest()
	m.API, m.Skip, m.Times = key, l.w.rand.IntN(3), 1+l.w.rand.IntN(3)
	if l.w.chance(2) {
		m.Broker = l.anyBroker()
	}
	if q := l.anyPart(); q != nil && (key == kmsg.KeyProduce || key == kmsg.KeyFetch) && l.w.chance(2) {
		m.Topic, m.Partition = q.topic.name, q.number
	}
	f := &broker.Fault{Match: m, Effect: effect}
	l.rules = append(l.rules, f)
	l.w.cluster.AddFault(f)
}

func (l *life) anyBroker() int32 { return 1 + int32(l.w.rand.IntN(l.plan.Brokers)) }

func (l *life) anyAPI() kmsg.APIKey {
	return []kmsg.APIKey{kmsg.KeyProduce, kmsg.KeyProduce, kmsg.KeyProduce, kmsg.KeyMetadata, kmsg.KeyInitProducerID, kmsg.KeyAPIVersions,
		kmsg.KeyFetch, kmsg.KeyFetch, kmsg.KeyFetch, kmsg.KeyListOffsets, kmsg.KeyOffsetForLeaderEpoch}[l.w.rand.IntN(11)]
}

func (l *life) anyPart() *part {
	t := l.p.topics[l.w.rand.IntN(len(l.p.topics))]
	if len(t.parts) == 0 {
		return nil
	}
	return t.parts[l.w.rand.IntN(len(t.parts))]
}

// anyWire returns a connection, nil if there is none.
func (l *life) anyWire() *wire {
	var open []*wire
	for _, lane := range l.c.lanes {
		if lane.wire != nil {
			open = append(open, lane.wire)
		}
	}
	if len(open) == 0 {
		return nil
	}
	return open[l.w.rand.IntN(len(open))]
}

// stop stops a broker for a while, unless it is stopped.
func (l *life) stop(how func(*broker.Cluster, time.Time, int32) error, most time.Duration) {
	b := l.anyBroker()
	if slices.Contains(l.down, b) {
		return
	}
	l.down = append(l.down, b)
	how(l.w.cluster, l.w.now, b)
	l.killed()
	l.w.after(l.w.between(0, most), func() { l.restart(b) })
}

func (l *life) restart(b int32) {
	l.w.tracef("broker %d goes on", b)
	l.w.cluster.Start(l.w.now, b)
	if l.down = slices.DeleteFunc(l.down, func(other int32) bool { return other == b }); len(l.down) == 0 {
		l.down = nil
	}
}

var faults = []fault{
	{"cut", func(l *life) {
		if c := l.anyWire(); c != nil {
			c.end(errReset)
		}
	}},
	{"cut by the broker", func(l *life) { l.w.cluster.CutConnections(l.w.now, l.anyBroker(), l.w.chance(2)) }},
	{"stuck", func(l *life) {
		if c := l.anyWire(); c != nil {
			until := l.w.now.Add(l.w.between(0, 5*time.Second))
			if l.w.chance(2) {
				c.upStuck = until
			}
			if l.w.chance(2) {
				c.downStuck = until
			}
		}
	}},
	{"half open", func(l *life) {
		if c := l.anyWire(); c != nil {
			until := l.w.now.Add(time.Hour)
			switch l.w.rand.IntN(3) {
			case 0:
				c.upStuck, c.downStuck = until, until
			case 1:
				c.downStuck = until
			default:
				// What is under way arrives late, when it has been given up here.
				c.downStuck, c.upStuck = until, l.w.now.Add(l.w.between(time.Second, 2*requestTimeout))
			}
		}
	}},
	{"kill", func(l *life) { l.stop((*broker.Cluster).Kill, 6*time.Second) }},
	{"shutdown", func(l *life) { l.stop((*broker.Cluster).Shutdown, 6*time.Second) }},
	{"pause", func(l *life) { l.stop((*broker.Cluster).Pause, 15*time.Second) }},
	{"move", func(l *life) {
		if q := l.anyPart(); q != nil {
			l.killed()
			l.w.cluster.MoveLeader(l.w.now, q.topic.name, q.number, l.anyBroker())
		}
	}},
	{"move under way", func(l *life) {
		if q := l.anyPart(); q != nil {
			to := l.anyBroker()
			l.killed()
			l.rule(kmsg.KeyProduce, broker.Effect{Do: []func(time.Time){func(now time.Time) {
				l.w.cluster.MoveLeader(now, q.topic.name, q.number, to)
			}}})
		}
	}},
	{"lose", func(l *life) {
		if q := l.anyPart(); q != nil {
			q.lossy = true
			if from := l.anyBatch(q); from >= 0 {
				l.w.cluster.Lose(l.w.now, q.topic.name, q.number, from)
			}
		}
	}},
	{"trim", func(l *life) {
		if q := l.anyPart(); q != nil {
			q.lossy = true // what is trimmed is not there to be compared
			if all := l.w.cluster.Partitions(q.topic.name); int(q.number) < len(all) {
				p := all[q.number]
				l.w.cluster.Trim(l.w.now, q.topic.name, q.number, p.Start+l.w.rand.Int64N(p.End-p.Start+1))
			}
		}
	}},
	{"recreate", func(l *life) {
		t := l.p.topics[l.w.rand.IntN(len(l.p.topics))]
		if l.down == nil { // else there may be too few brokers for the replicas
			l.loses(t)
			t.recreated++
			t.replaced = !l.plan.hasIDs()
			l.w.cluster.RecreateTopic(l.w.now, t.name)
		}
	}},
	{"grow", func(l *life) {
		t := l.p.topics[l.w.rand.IntN(len(l.p.topics))]
		if n := len(l.w.cluster.Partitions(t.name)); n > 0 && n < 6 && l.down == nil {
			l.w.cluster.GrowTopic(l.w.now, t.name, int32(n+1))
		}
	}},
	{"follower behind", func(l *life) {
		if q := l.anyPart(); q != nil {
			b := l.anyBroker()
			name, n := q.topic.name, q.number
			l.w.cluster.HoldReplication(l.w.now, name, n, b, true)
			if l.w.chance(2) {
				l.w.cluster.ShrinkISR(l.w.now, name, n, b)
			}
			l.w.after(l.w.between(0, 5*time.Second), func() { l.w.cluster.HoldReplication(l.w.now, name, n, b, false) })
		}
	}},
	{"stale metadata", func(l *life) {
		b := l.anyBroker()
		l.w.cluster.FreezeMetadata(l.w.now, b, true)
		l.w.after(l.w.between(0, 5*time.Second), func() { l.w.cluster.FreezeMetadata(l.w.now, b, false) })
	}},
	{"no leader told", func(l *life) {
		q := l.anyPart()
		if q == nil {
			return
		}
		// Who asks is told for a while that nobody leads, or that there is no such topic.
		name, n, hide := q.topic.name, q.number, l.w.chance(2)
		l.rule(kmsg.KeyMetadata, broker.Effect{Change: []func(kmsg.Request, kmsg.Response){func(_ kmsg.Request, resp kmsg.Response) {
			topics := resp.(*kmsg.MetadataResponse).Topics
			for i := range topics {
				t := &topics[i]
				if t.Name.S != name {
					continue
				}
				if hide {
					t.ErrorCode, t.Partitions = kmsg.UnknownTopicOrPartition, nil
					continue
				}
				for j := range t.Partitions {
					if p := &t.Partitions[j]; p.PartitionIndex == n {
						p.LeaderID, p.ErrorCode = -1, kmsg.LeaderNotAvailable
					}
				}
			}
		}}})
		l.rule(kmsg.KeyProduce, broker.Effect{Code: kmsg.NotLeaderOrFollower}) // so that somebody asks
	}},
	{"refusal", func(l *life) {
		key := l.anyAPI()
		if codes := refusals[key]; len(codes) > 0 {
			l.rule(key, broker.Effect{Code: codes[l.w.rand.IntN(len(codes))]})
		}
	}},
	{"afterthought", func(l *life) {
		codes := afterthoughts
		if l.plan.Acks != kmsg.AcksAll {
			codes = codes[1:] // the first comes when other replicas were waited for
		}
		l.rule(kmsg.KeyProduce, broker.Effect{CodeAfter: codes[l.w.rand.IntN(len(codes))]})
	}},
	{"cut before", func(l *life) { l.rule(l.anyAPI(), broker.Effect{Cut: broker.CutBefore, Reset: l.w.chance(2)}) }},
	{"cut after", func(l *life) { l.rule(l.anyAPI(), broker.Effect{Cut: broker.CutAfter, Reset: l.w.chance(2)}) }},
	{"cut answer", func(l *life) { l.rule(l.anyAPI(), broker.Effect{Cut: broker.CutMidway}) }},
	{"hold", func(l *life) { l.rule(l.anyAPI(), broker.Effect{Hold: l.w.between(0, 12*time.Second)}) }},
	{"delay", func(l *life) { l.rule(l.anyAPI(), broker.Effect{Delay: l.w.between(0, 12*time.Second)}) }},
	{"no answer", func(l *life) { l.rule(l.anyAPI(), broker.Effect{Stall: true}) }},
	{"throttle", func(l *life) { l.rule(l.anyAPI(), broker.Effect{Throttle: l.w.between(0, 2*time.Second)}) }},
	{"trickle", func(l *life) { l.rule(l.anyAPI(), broker.Effect{Trickle: l.w.between(0, 5*time.Millisecond)}) }},
	{"wrong answer", func(l *life) { l.rule(l.anyAPI(), broker.Effect{Correlation: 1 + int32(l.w.rand.IntN(3))}) }},
	{"odd answer", func(l *life) {
		q := l.anyPart()
		if q == nil {
			return
		}
		change, name, n := l.w.cluster.LeaveOut, q.topic.name, q.number
		switch l.w.rand.IntN(3) {
		case 0:
			change = l.w.cluster.Repeat
		case 1:
			change, n = l.w.cluster.Invent, 99
		}
		key := []kmsg.APIKey{kmsg.KeyProduce, kmsg.KeyFetch, kmsg.KeyListOffsets}[l.w.rand.IntN(3)]
		l.rule(key, broker.Effect{Change: []func(kmsg.Request, kmsg.Response){func(_ kmsg.Request, resp kmsg.Response) { change(resp, name, n) }}})
	}},
	{"compacted", func(l *life) { l.compacted() }},
	{"seek", func(l *life) { l.seek() }},
	{"reading pauses", func(l *life) {
		if r := l.anyReader(); r != nil && !r.paused {
			r.pause(true)
			l.w.after(l.w.between(0, 2*time.Second), func() {
				if r.paused && !l.o.closed {
					r.pause(false)
				}
			})
		}
	}},
	{"all given up", func(l *life) {
		if q := l.anyPart(); q != nil {
			q.core.GiveUp(errAborted)
			q.ended()
		}
	}},
}
