package route

import (
	"bytes"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/franzi-kafka/franzi/kbin"
	"github.com/franzi-kafka/franzi/kmsg"
)

// A universe is a random cluster.
type universe struct {
	rand      *rand.Rand
	known     *knowledge
	brokers   []int32
	topics    []kmsg.MetadataResponseTopic
	strings   []string
	now       time.Time
	scrambled bool
}

func newUniverse(seed uint64) *universe {
	u := &universe{rand: rand.New(rand.NewPCG(seed, 7)), known: newKnowledge(), now: time.Unix(1e9, 0), strings: []string{"a", "b", "c", "d", "e"}}
	resp := kmsg.NewMetadataResponse()
	resp.Version = 12
	for id := range int32(1 + u.rand.IntN(5)) {
		u.brokers = append(u.brokers, id)
		resp.Brokers = append(resp.Brokers, kmsg.MetadataResponseBroker{NodeID: id, Host: "h", Port: 1})
	}
	resp.ControllerID = u.brokers[0]
	for i := range 1 + u.rand.IntN(4) {
		topic := kmsg.NewMetadataResponseTopic()
		topic.Name, topic.TopicID = kbin.Str(fmt.Sprint("topic-", i)), kbin.UUID{0: byte(i + 1)}
		for n := range int32(1 + u.rand.IntN(5)) {
			p := kmsg.NewMetadataResponsePartition()
			p.PartitionIndex, p.LeaderID, p.LeaderEpoch = n, u.brokers[u.rand.IntN(len(u.brokers))], 1
			topic.Partitions = append(topic.Partitions, p)
		}
		resp.Topics = append(resp.Topics, topic)
	}
	u.topics = resp.Topics
	u.known.learn(u.now, resp)
	u.scrambled = u.rand.IntN(2) == 0
	return u
}

// request makes a random request of an API, nil if there is nothing to ask for.
func (u *universe) request(api kmsg.APIKey, p *plan) kmsg.Request {
	req := kmsg.NewRequest(api)
	req.Reset()
	v := structOf(req)
	if n := u.fillItems(v, p.in, 0, nil, map[key]bool{}, noKey); n == 0 {
		return nil
	}
	if f := v.FieldByName("GroupID"); f.IsValid() && f.Kind() == reflect.String && p.keyField >= 0 {
		f.SetString("a")
	}
	switch q := req.(type) {
	case *kmsg.AddPartitionsToTxnRequest:
		for i := range q.Transactions {
			q.Transactions[i].VerifyOnly = true // as brokers do, several at once
			q.Transactions[i].Topics = []kmsg.AddPartitionsToTxnRequestTopic{{Name: u.topics[0].Name.S, Partitions: []int32{0}}}
		}
	case *kmsg.OffsetFetchRequest:
		for i := range q.Groups {
			q.Groups[i].Topics = []kmsg.OffsetFetchRequestTopics{{Name: u.topics[0].Name.S, PartitionIndexes: []int32{0}}}
		}
	}
	return req
}

// complete returns a copy of a request in which topics have both names and ids.
func (u *universe) complete(req kmsg.Request, p *plan) kmsg.Request {
	c := reflect.New(reflect.TypeOf(req).Elem())
	kmsg.DeepCopy(c.Interface().(kmsg.Request), req)
	l := &p.in.levels[0]
	list := c.Elem().Field(l.list)
	for i := range list.Len() {
		if p.ids == 0 {
			break
		}
		k := noKey
		l.read(list.Index(i), &k)
		name := u.named(k).topic
		for _, t := range u.topics {
			if t.Name.S == name {
				setText(list.Index(i).Field(l.keys[0].field), name)
				list.Index(i).Field(l.keys[1].field).Set(reflect.ValueOf(t.TopicID))
			}
		}
	}
	return c.Interface().(kmsg.Request)
}

// fillItems fills the list of a level with up to three elements that are not there yet.
func (u *universe) fillItems(v reflect.Value, p *path, depth int, topic *kmsg.MetadataResponseTopic, seen map[key]bool, k key) int {
	l := &p.levels[depth]
	list := v.Field(l.list)
	items := 0
	for range 1 + u.rand.IntN(3) {
		elem := reflect.New(list.Type().Elem()).Elem()
		setDefaults(elem)
		topic := topic
		for _, f := range l.keys {
			target := elem
			if f.field >= 0 {
				target = elem.Field(f.field)
			}
			switch f.role {
			case ofTopic, ofTopicID:
				if topic == nil {
					topic = &u.topics[u.rand.IntN(len(u.topics))]
				}
			}
			switch f.role {
			case ofTopic:
				setText(target, topic.Name.S)
			case ofTopicID:
				if len(l.keys) == 1 || u.rand.IntN(2) == 0 {
					target.Set(reflect.ValueOf(topic.TopicID))
				}
			case ofPartition:
				n := int32(0)
				if topic != nil {
					n = int32(u.rand.IntN(len(topic.Partitions)))
				}
				target.SetInt(int64(n))
			default:
				u.fillOther(target)
			}
		}
		key := k
		l.read(elem, &key)
		if seen[key] {
			continue
		}
		seen[key] = true
		if depth+1 < len(p.levels) {
			n := u.fillItems(elem, p, depth+1, topic, seen, key)
			if n == 0 {
				continue
			}
			items += n
		} else {
			items++
		}
		list.Set(reflect.Append(list, elem))
	}
	return items
}

func setText(v reflect.Value, s string) {
	if null, ok := v.Addr().Interface().(*kbin.NullString); ok {
		*null = kbin.Str(s)
		return
	}
	v.SetString(s)
}

func (u *universe) fillOther(v reflect.Value) {
	switch v.Kind() {
	case reflect.String, reflect.Struct:
		setText(v, u.strings[u.rand.IntN(len(u.strings))])
	case reflect.Int8:
		v.SetInt(int64(kmsg.ConfigResourceTopic) << u.rand.IntN(3)) // topic, broker, logger
	default:
		v.SetInt(int64(u.rand.IntN(5)))
	}
}

// drive drives a call with an imaginary broker behind every id, and returns its answer.
func (u *universe) drive(t *testing.T, router *Router, req kmsg.Request, version int16, lose func(*Shard) bool) (kmsg.Response, []Failure) {
	t.Helper()
	call := router.Call(u.now, req, Options{Seed: 1})
	var flying []*Shard
	for range 1000 {
		step := call.Next(u.now, u.known.snapshot)
		switch step.Do {
		case Send:
			flying = append(flying, step.Shards...)
		case Need:
			step.Need.Snapshot = u.known.snapshot
			call.Told(u.now, step.Need)
		case Find:
			keys := map[string]int32{}
			for _, k := range step.Find.Keys {
				keys[k] = u.brokers[u.rand.IntN(len(u.brokers))]
			}
			step.Find.Results = u.known.coordinate(u.now, step.Find.Type, keys).Results
			call.Found(u.now, step.Find)
		case Tell:
		case Wait:
			if len(flying) == 0 {
				u.now = step.Until
				continue
			}
			i := u.rand.IntN(len(flying))
			s := flying[i]
			flying = slices.Delete(flying, i, i+1)
			if s.Broker == Any {
				s.Broker = u.brokers[u.rand.IntN(len(u.brokers))]
			}
			if lose != nil && lose(s) {
				call.Answered(u.now, s, nil, &Loss{Err: errBroken, Kind: LostForGood, Written: Maybe})
				continue
			}
			if version < s.Min || version > s.Max {
				t.Fatalf("version %d is not within %d to %d", version, s.Min, s.Max)
			}
			sent, err := s.Prepare(version)
			if err == nil {
				err = sent.Check()
			}
			if err != nil {
				t.Fatal(err)
			}
			call.Answered(u.now, s, u.imaginary(received(sent), call.plan), nil)
		case Done:
			if len(step.Shards) > 0 || len(flying) > 0 {
				t.Fatalf("%d shards are under way at the end", len(flying))
			}
			return step.Response, step.Failures
		}
	}
	t.Fatal("the call takes steps without end")
	return nil, nil
}

// received returns a request as a broker gets it.
func received(sent kmsg.Request) kmsg.Request {
	req := kmsg.NewRequest(sent.APIKey())
	req.SetAPIVersion(sent.APIVersion())
	if err := req.DecodeFrom(kbin.NewReader(sent.AppendTo(nil))); err != nil {
		panic(err)
	}
	return req
}

// imaginary answers a request as a broker that knows everything: what it says of an item depends
// on the item alone.
func (u *universe) imaginary(req kmsg.Request, p *plan) kmsg.Response {
	resp := req.Response()
	u.answerLevel(structOf(resp), structOf(req), p, 0, noKey)
	fresh := req.Response()
	if err := fresh.DecodeFrom(kbin.NewReader(resp.AppendTo(nil))); err != nil {
		panic(err)
	}
	return fresh
}

func (u *universe) answerLevel(dst, src reflect.Value, p *plan, depth int, k key) {
	in, out := &p.in.levels[depth], &p.out.levels[depth]
	from, to := src.Field(in.list), dst.Field(out.list)
	for i := range from.Len() {
		elem := reflect.New(to.Type().Elem()).Elem()
		k := k
		in.read(from.Index(i), &k)
		h := fnv.New64a()
		fmt.Fprint(h, depth, u.named(k))
		randomly(elem, rand.New(rand.NewPCG(h.Sum64(), 0)))
		out.copyKeys(elem, in, from.Index(i))
		if depth+1 < len(p.in.levels) {
			elem.Field(p.out.levels[depth+1].list).SetZero()
			u.answerLevel(elem, from.Index(i), p, depth+1, k)
		} else {
			code := kmsg.None
			if h.Sum64()%3 == 0 {
				code = kmsg.InvalidRequest
			}
			p.out.setCode(elem, code)
		}
		to.Set(reflect.Append(to, elem))
	}
}

// isFailed says whether a key is among those that failed.
func (u *universe) isFailed(failed map[key]bool, k key) bool {
	for f := range failed {
		if u.named(f) == u.named(k) {
			return true
		}
	}
	return false
}

// named returns a key with the name of the topic, whatever it has.
func (u *universe) named(k key) key {
	for _, t := range u.topics {
		if k.topic == "" && k.id == t.TopicID {
			k.topic = t.Name.S
		}
	}
	k.id = kbin.UUID{}
	return k
}

// randomly fills a value. Codes are none.
func randomly(v reflect.Value, r *rand.Rand) {
	switch v.Kind() {
	case reflect.Bool:
		v.SetBool(r.IntN(2) == 0)
	case reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		if v.Type() != reflect.TypeFor[kmsg.ErrorCode]() {
			v.SetInt(int64(r.IntN(100)))
		}
	case reflect.Uint16, reflect.Uint32:
		v.SetUint(uint64(r.IntN(100)))
	case reflect.Float64:
		v.SetFloat(float64(r.IntN(100)))
	case reflect.String:
		v.SetString(fmt.Sprint("s", r.IntN(100)))
	case reflect.Array:
		for i := range v.Len() {
			v.Index(i).SetUint(uint64(r.IntN(256)))
		}
	case reflect.Slice:
		n := r.IntN(3)
		v.Set(reflect.MakeSlice(v.Type(), n, n))
		for i := range n {
			if v.Type().Elem().Kind() == reflect.Uint8 {
				v.Index(i).SetUint(uint64(r.IntN(256)))
			} else {
				randomly(v.Index(i), r)
			}
		}
	case reflect.Struct:
		if null, ok := v.Addr().Interface().(*kbin.NullString); ok {
			*null = kbin.Str(fmt.Sprint("s", r.IntN(100)))
			return
		}
		for i := range v.NumField() {
			if v.Type().Field(i).Tag.Get("kafka") != "" {
				randomly(v.Field(i), r)
			}
		}
	}
}

// differ compares two answers by their bytes.
func differ(got, want kmsg.Response) string {
	if got == nil {
		return "got no answer"
	}
	if got.APIVersion() != want.APIVersion() {
		return fmt.Sprintf("got version %d, want %d", got.APIVersion(), want.APIVersion())
	}
	if !bytes.Equal(got.AppendTo(nil), want.AppendTo(nil)) {
		return fmt.Sprintf("got\n%v\nwant\n%v", got, want)
	}
	return ""
}
