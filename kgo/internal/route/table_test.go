package route

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/franzi-kafka/franzi/kmsg"
)

// TestRows: every API has a row whose fields its messages have.
func TestRows(t *testing.T) {
	apis := kmsg.APIs()
	if len(apis) != len(rows) {
		t.Fatalf("got %d rows, want %d", len(rows), len(apis))
	}
	for _, api := range apis {
		req := kmsg.NewRequest(api.Key)
		p := &plan{row: &rows[api.Key], api: api}
		if err := p.find(reflect.TypeOf(req).Elem(), reflect.TypeOf(req.Response()).Elem()); err != nil {
			t.Errorf("%v: %v", api.Key, err)
			continue
		}
		if p.in != nil && p.out != nil && len(p.in.levels) != len(p.out.levels) {
			t.Errorf("%v: got %d levels of results, want %d as of items", api.Key, len(p.out.levels), len(p.in.levels))
		}
		if p.in != nil && p.out == nil && p.to != ToReplicas {
			t.Errorf("%v: got items without results", api.Key)
		}
		if p.out != nil && len(p.out.code) == 0 {
			t.Errorf("%v: got results without codes", api.Key)
		}
		if (p.to == ToGroupCoordinator || p.to == ToTransactionCoordinator) && p.key == "" && p.in == nil {
			t.Errorf("%v: nothing tells the coordinator", api.Key)
		}
		if p.repeat == IfMember && p.member < 0 {
			t.Errorf("%v: nothing tells the member", api.Key)
		}
		if p.ids > 0 && (p.in.levels[0].keys[0].role != ofTopic || p.in.levels[0].keys[1].role != ofTopicID) {
			t.Errorf("%v: the topics do not have a name and an id", api.Key)
		}
	}
}

// TestListeners: what no broker serves to clients, by Kafka's own definitions, is for nobody;
// the rest is for somebody.
func TestListeners(t *testing.T) {
	// Brokers serve these, but to each other, or as part of a connection's beginning.
	among := []kmsg.APIKey{kmsg.KeyLeaderAndISR, kmsg.KeyStopReplica, kmsg.KeyUpdateMetadata, kmsg.KeyControlledShutdown, kmsg.KeySASLHandshake, kmsg.KeySASLAuthenticate}
	for _, api := range kmsg.APIs() {
		nobody := !api.Broker && !api.ZkBroker || slices.Contains(among, api.Key)
		if got := Lookup(api.Key).Target == ToNobody; got != nobody {
			t.Errorf("%v: for nobody: got %v, want %v", api.Key, got, nobody)
		}
	}
}

// TestCodesListed: every error code in an answer is found: that of the whole, that of an item, or
// another that the row lists.
func TestCodesListed(t *testing.T) {
	// These are in another's place, or about something that is not part of what was asked.
	left := map[string]bool{
		"MetadataResponse.Topics.Partitions.ErrorCode":                                              true, // of leaders and replicas, not of the request
		"DescribeTopicPartitionsResponse.Topics.Partitions.ErrorCode":                               true,
		"CreateTopicsResponse.Topics.TopicConfigErrorCode":                                          true, // why configs are not told
		"AddPartitionsToTxnResponse.ResultsByTopicV3AndBelow.ResultsByPartition.PartitionErrorCode": true, // the older shape
		"OffsetFetchResponse.Topics.Partitions.ErrorCode":                                           true,
	}
	for _, api := range kmsg.APIs() {
		resp := reflect.TypeOf(kmsg.NewRequest(api.Key).Response()).Elem()
		r := &rows[api.Key]
		listed := map[string]bool{"ErrorCode": true}
		for _, text := range append([]string{r.out}, r.also...) {
			listed[plain(text)] = true
		}
		for _, path := range codePaths(resp, "") {
			if !listed[path] && !left[resp.Name()+"."+path] {
				t.Errorf("%s.%s is listed nowhere", resp.Name(), path)
			}
		}
	}
}

// plain is a path without keys: "Topics.Partitions.ErrorCode".
func plain(text string) string {
	var b strings.Builder
	depth := 0
	for _, c := range text {
		switch {
		case c == '[':
			depth++
		case c == ']':
			depth--
		case c == '!':
			b.WriteByte('.')
		case depth == 0:
			b.WriteRune(c)
		}
	}
	return b.String()
}

// codePaths finds all error codes in a type.
func codePaths(t reflect.Type, at string) (paths []string) {
	for i := range t.NumField() {
		f := t.Field(i)
		typ := f.Type
		for typ.Kind() == reflect.Slice || typ.Kind() == reflect.Pointer {
			typ = typ.Elem()
		}
		switch {
		case typ == reflect.TypeFor[kmsg.ErrorCode]():
			paths = append(paths, at+f.Name)
		case typ.Kind() == reflect.Struct:
			paths = append(paths, codePaths(typ, at+f.Name+".")...)
		}
	}
	return paths
}

// TestLookup: the facts, and that nothing is assumed of unknown APIs.
func TestLookup(t *testing.T) {
	for _, c := range []struct {
		key  kmsg.APIKey
		want Facts
	}{
		{kmsg.KeyMetadata, Facts{Target: ToAny, Repeat: Always}},
		{kmsg.KeyProduce, Facts{Target: ToLeaders, Lane: ProduceLane, Splits: true}},
		{kmsg.KeyCreateTopics, Facts{Target: ToController}},
		{kmsg.KeyOffsetCommit, Facts{Target: ToGroupCoordinator, Repeat: Always}},
		{kmsg.KeyDescribeGroups, Facts{Target: ToGroupCoordinator, Repeat: Always, Splits: true}},
		{kmsg.KeyJoinGroup, Facts{Target: ToGroupCoordinator, Lane: WaitLane, Repeat: IfMember}},
		{kmsg.KeyVote, Facts{Target: ToNobody}},
		{kmsg.APIKey(9999), Facts{}},
		{kmsg.NoAPIKey, Facts{}},
	} {
		if got := Lookup(c.key); got != c.want {
			t.Errorf("%v: got %+v, want %+v", c.key, got, c.want)
		}
	}
}

// TestMeanings: every code has a sense, and differs from Kafka's own exceptions only where it is
// meant to.
func TestMeanings(t *testing.T) {
	codes := kmsg.ErrorCodes()
	if len(codes) != len(meanings) {
		t.Fatalf("got %d meanings, want %d", len(meanings), len(codes))
	}
	// Retriable in Java, but not for the same request, or it is done already.
	not := []kmsg.ErrorCode{
		kmsg.FetchSessionIDNotFound, kmsg.InvalidFetchSessionEpoch, kmsg.FetchSessionTopicIDError,
		kmsg.ShareSessionNotFound, kmsg.InvalidShareSessionEpoch, kmsg.FencedLeaderEpoch, kmsg.ElectionNotNeeded,
	}
	// Not retriable in Java, where the client asks its metadata instead.
	also := []kmsg.ErrorCode{kmsg.BrokerNotAvailable, kmsg.RebootstrapRequired}
	for _, code := range codes {
		sense := Meaning(code)
		if (sense == 0) != (code == kmsg.None) {
			t.Errorf("%v means %b", code.Name(), sense)
		}
		want := code.Retriable() && !slices.Contains(not, code) || slices.Contains(also, code)
		if got := sense.Is(Retriable); got != want {
			t.Errorf("%v: retriable: got %v, want %v", code.Name(), got, want)
		}
		if sense.Is(Retriable) && sense&(Refused|Fatal|Fenced|Abortable) != 0 {
			t.Errorf("%v is retriable, and is not: %b", code.Name(), sense)
		}
		if sense.Is(Briefly) && !sense.Is(Retriable) {
			t.Errorf("%v is briefly retriable, but not retriable", code.Name())
		}
	}
	if got := Meaning(999); got != Refused {
		t.Errorf("an unknown code means %b, want %b", got, Refused)
	}
}
