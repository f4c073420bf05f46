package route

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/franzi-kafka/franzi/kbin"
	"github.com/franzi-kafka/franzi/kgo/internal/cluster"
	"github.com/franzi-kafka/franzi/kmsg"
)

// theirs is a message of somebody's own API, as kmsg's generator makes them.
type theirs struct{ kmsg.HeartbeatRequest }

func (*theirs) APIKey() kmsg.APIKey                { return 1000 }
func (t *theirs) ShallowCopy() kmsg.Request        { c := *t; return &c }
func (*theirs) Response() kmsg.Response            { return &theirAnswer{} }
func (*theirs) DecodeFrom(r *kbin.Reader) error    { return r.Finish() }
func (t *theirs) String() string                   { return "theirs" }
func (t *theirs) AppendTo(dst []byte) []byte       { return dst }
func (*theirAnswer) APIKey() kmsg.APIKey           { return 1000 }
func (*theirAnswer) DecodeFrom(*kbin.Reader) error { return nil }
func (*theirAnswer) String() string                { return "their answer" }
func (*theirAnswer) AppendTo(dst []byte) []byte    { return dst }
func (t *theirAnswer) ShallowCopy() kmsg.Response  { c := *t; return &c }

type theirAnswer struct{ kmsg.HeartbeatResponse }

// TestUnknownAPI: messages of an API that is not Kafka's go to any broker, at their own version,
// once; a code in the answer is nobody's business.
func TestUnknownAPI(t *testing.T) {
	now := time.Unix(1e9, 0)
	req := &theirs{}
	req.Version = 3
	call := New(Config{}).Call(now, req, Options{})
	step := call.Next(now, cluster.Empty())
	if step.Do != Send || len(step.Shards) != 1 {
		t.Fatalf("got %+v, want a shard", step)
	}
	s := step.Shards[0]
	if s.Broker != Any || s.Min != 3 || s.Max != 3 || s.API != 1000 {
		t.Fatalf("got %+v, want any broker and version 3", s)
	}
	sent, err := s.Prepare(3)
	if err != nil || sent.APIVersion() != 3 || sent == kmsg.Request(req) {
		t.Fatalf("got %v, %v, want a copy at version 3", sent, err)
	}
	call.Answered(now, s, nil, &Loss{Err: errBroken, Written: Maybe})
	if step = call.Next(now, cluster.Empty()); step.Do != Done || step.Response != nil || len(step.Failures) != 1 {
		t.Fatalf("got %+v, want a failure", step)
	}
	call = New(Config{}).Call(now, req, Options{})
	s = call.Next(now, cluster.Empty()).Shards[0]
	answer := &theirAnswer{}
	answer.ErrorCode = kmsg.InvalidRequest
	call.Answered(now, s, answer, nil)
	if step = call.Next(now, cluster.Empty()); step.Do != Done || step.Response != kmsg.Response(answer) {
		t.Fatalf("got %+v, want the answer", step)
	}
}

// otherHeartbeat has a known key, but is not Kafka's message.
type otherHeartbeat struct{ theirs }

func (*otherHeartbeat) APIKey() kmsg.APIKey { return kmsg.KeyHeartbeat }

// TestOtherMessage: who has messages of his own for a known API gets them to any broker, and does
// not spoil what is remembered of Kafka's.
func TestOtherMessage(t *testing.T) {
	now := time.Unix(1e9, 0)
	router := New(Config{})
	for range 2 {
		call := router.Call(now, kmsg.NewHeartbeatRequest(), Options{})
		if step := call.Next(now, cluster.Empty()); step.Do != Find {
			t.Fatalf("Heartbeat: got %v, want its coordinator to be found", step.Do)
		}
		call = router.Call(now, &otherHeartbeat{}, Options{})
		if step := call.Next(now, cluster.Empty()); step.Do != Send {
			t.Fatalf("another Heartbeat: got %v, want it to be sent", step.Do)
		}
	}
}

// TestRetries: no more than are allowed.
func TestRetries(t *testing.T) {
	for _, c := range []struct {
		config  Config
		options Options
		want    int
	}{
		{Config{Retries: 3}, Options{}, 4},
		{Config{}, Options{Once: true}, 1},
		{Config{Timeout: time.Second, Backoff: cluster.Backoff{Base: 300 * time.Millisecond, Max: 300 * time.Millisecond}}, Options{}, 4}, // by time
		{Config{Backoff: cluster.Backoff{Base: 300 * time.Millisecond, Max: 300 * time.Millisecond}}, Options{Deadline: time.Unix(1e9+1, 0)}, 4},
	} {
		now, known := time.Unix(1e9, 0), benchKnowledge(1, 1).snapshot
		call := New(c.config).Call(now, kmsg.NewDescribeClusterRequest(), c.options)
		sent := 0
		for {
			step := call.Next(now, known)
			if step.Do == Done {
				if len(step.Failures) != 1 || step.Failures[0].Attempts != c.want {
					t.Errorf("%+v %+v: got %+v, want %d attempts", c.config, c.options, step.Failures, c.want)
				}
				break
			}
			if step.Do == Wait {
				now = step.Until
				continue
			}
			sent++
			step.Shards[0].Broker = 0
			call.Answered(now, step.Shards[0], nil, &Loss{Err: errBroken})
		}
		if sent != c.want {
			t.Errorf("%+v %+v: got %d requests, want %d", c.config, c.options, sent, c.want)
		}
	}
}

// TestCauses: errors of a call that has run out of time wrap both that and the last cause.
func TestCauses(t *testing.T) {
	now, known := time.Unix(1e9, 0), benchKnowledge(1, 1).snapshot
	call := New(Config{}).Call(now, kmsg.NewDescribeClusterRequest(), Options{Deadline: now.Add(time.Second)})
	s := call.Next(now, known).Shards[0]
	call.Answered(now, s, nil, &Loss{Err: errBroken})
	step := call.Next(now.Add(time.Second), known)
	if step.Do != Done || len(step.Failures) != 1 {
		t.Fatalf("got %+v, want a failure", step)
	}
	if err := step.Failures[0].Err; !errors.Is(err, ErrDeadline) || !errors.Is(err, errBroken) {
		t.Errorf("got %v, want %v and %v", err, ErrDeadline, errBroken)
	}
	call = New(Config{}).Call(now, kmsg.NewDescribeClusterRequest(), Options{})
	call.Next(now, known)
	call.Cancel(errBroken)
	call.Cancel(errors.New("again")) // too late
	step = call.Next(now, known)
	if err := step.Failures[0].Err; !errors.Is(err, errBroken) || err.Error() != "broken" || step.Failures[0].Written != Maybe {
		t.Errorf("got %v, written %v, want %v, maybe", err, step.Failures[0].Written, errBroken)
	}
}

// TestStrangers: what is not the call's, or comes twice, is ignored.
func TestStrangers(t *testing.T) {
	now, known := time.Unix(1e9, 0), benchKnowledge(1, 1).snapshot
	router := New(Config{})
	call, other := router.Call(now, kmsg.NewDescribeClusterRequest(), Options{}), router.Call(now, kmsg.NewDescribeClusterRequest(), Options{})
	mine, theirs := call.Next(now, known).Shards[0], other.Next(now, known).Shards[0]
	call.Answered(now, theirs, kmsg.NewDescribeClusterResponse(), nil)
	call.Told(now, &cluster.Need{})
	call.Found(now, &cluster.NeedCoordinators{})
	if step := call.Next(now, known); step.Do != Wait {
		t.Fatalf("got %v, want it to wait for its own answer", step.Do)
	}
	resp := kmsg.NewDescribeClusterResponse()
	call.Answered(now, mine, resp, nil)
	call.Answered(now, mine, kmsg.NewDescribeClusterResponse(), nil)
	if step := call.Next(now, known); step.Do != Done || step.Response != kmsg.Response(resp) {
		t.Fatalf("got %+v, want the first answer", step)
	}
}

func TestErrorTexts(t *testing.T) {
	for _, c := range []struct {
		err  error
		want string
	}{
		{&UnknownBrokerError{7}, "broker 7 is not among the live brokers of the cluster"},
		{&RefusedError{kmsg.KeyVote, "no"}, "Vote is not sent: no"},
	} {
		if got := c.err.Error(); got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
	if got := (Written(1)).String() + Written(0).String() + Written(2).String(); got != "maybenoyes" {
		t.Errorf("got %q", got)
	}
}

// TestCompile: paths that lead nowhere are errors, not surprises.
func TestCompile(t *testing.T) {
	request := structOf(kmsg.NewListOffsetsRequest()).Type()
	for path, want := range map[string]string{
		"Tpoics[Name]":                           "no field Tpoics",
		"ReplicaID[Name]":                        "no field ReplicaID that will do",
		"Topics[Nmae]":                           "no field Nmae",
		"Topics[Name]!Name":                      "ends in a string",
		"Topics[Name].Partitions[]!Nothing":      "no field Nothing",
		"Topics[Name].Partitions[].Partitions[]": "no field Partitions",
	} {
		if _, err := compile(request, path); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", path, err, want)
		}
	}
}
