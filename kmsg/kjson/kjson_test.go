package kjson_test

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/franzi-kafka/franzi/kbin"
	"github.com/franzi-kafka/franzi/kmsg"
	"github.com/franzi-kafka/franzi/kmsg/kjson"
)

// What is wrong with JSON is told with its place, and with what may have been meant.
func TestErrorsOfUnmarshal(t *testing.T) {
	tests := []struct {
		name    string
		json    string
		version int16
		at      string // line and column
		path    string
		reason  string
	}{
		{"a mistyped key", `{"topics": [{"nmae": "a"}]}`, 12, "1:20", "topics[0].nmae", `did you mean "name"?`},
		{"a key in another case", "{\n  \"Topics\": []\n}", 12, "2:11", "Topics", `did you mean "topics"?`},
		{"a key like none", `{"x": 1}`, 12, "1:5", "x", "it has topics, allowAutoTopicCreation"},
		{"a key that the version lacks", `{"allowAutoTopicCreation": true}`, 3, "1:26", "allowAutoTopicCreation", "version 3 does not carry the field, only 4+"},
		{"a key twice", `{"topics": null, "topics": []}`, 12, "1:26", "topics", "twice"},
		{"a number for an array", `{"topics": 7}`, 12, "1:13", "topics", "an array is needed, not the number 7"},
		{"an object for an array", `{"topics": {}}`, 12, "1:13", "topics", "an array is needed, not an object"},
		{"a string for an object", `{"topics": ["a"]}`, 12, "1:16", "topics[0]", "an object is needed, not a string"},
		{"a number for a string", `{"topics": [{"name": 1}]}`, 12, "1:23", "topics[0].name", "a string is needed, not the number 1"},
		{"a string for a boolean", `{"allowAutoTopicCreation": "yes"}`, 12, "1:33", "allowAutoTopicCreation", "true or false is needed, not a string"},
		{"null where there is none", `{"allowAutoTopicCreation": null}`, 12, "1:32", "allowAutoTopicCreation", "null is not allowed"},
		{"null in an early version", `{"topics": null}`, 0, "1:16", "topics", "nullable: 1+"},
		{"no UUID", `{"topics": [{"topicId": "x"}]}`, 12, "1:28", "topics[0].topicId", "22 characters"},
		{"text after the end", `{} {}`, 12, "1:5", "", "more after the message"},
		{"cut off", `{"topics": [`, 12, "1:13", "topics", "too early"},
		{"a missing comma", `{"topics": [] "a": 1}`, 12, "1:15", "", "no valid JSON"},
		{"nothing", ``, 12, "1:1", "", "too early"},
		{"an array for the message", `[]`, 12, "1:2", "", "an object is needed"},
		{"tags where there are none", `{"_unknownTaggedFields": {"1": "AQ=="}}`, 8, "", "", "no tagged fields"},
		{"a tag that is no number", `{"_unknownTaggedFields": {"a": "AQ=="}}`, 12, "1:30", "_unknownTaggedFields", "no number of a tag"},
		{"tags in an array", `{"_unknownTaggedFields": []}`, 12, "1:27", "_unknownTaggedFields", "an object of base64"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := kmsg.NewMetadataRequest()
			m.Version = tt.version
			err := kjson.Unmarshal([]byte(tt.json), m)
			if tt.at == "" { // the version's own fault, which Check finds
				err = errors.Join(err, m.Check())
				if err == nil || !strings.Contains(err.Error(), tt.reason) {
					t.Errorf("got %v, want %q", err, tt.reason)
				}
				return
			}
			var e *kjson.Error
			if !errors.As(err, &e) {
				t.Fatalf("got %v, want a kjson.Error", err)
			}
			if at := fmt.Sprintf("%d:%d", e.Line, e.Column); at != tt.at || e.Path != tt.path || !strings.Contains(e.Reason, tt.reason) {
				t.Errorf("got  %s %q %q\nwant %s %q %q", at, e.Path, e.Reason, tt.at, tt.path, tt.reason)
			}
		})
	}
}

// Numbers are checked against their type: Kafka's own converter wraps some around.
func TestNumbersOutOfRange(t *testing.T) {
	acl := func(field, value string) error {
		return kjson.Unmarshal([]byte(`{"`+field+`": `+value+`}`), kmsg.NewDescribeACLsRequest())
	}
	for _, tt := range []struct{ value, want string }{
		{"127", ""}, {"-128", ""},
		{"128", "from -128 to 127"}, {"-129", "from -128 to 127"}, {"200", "from -128 to 127"},
		{"1.5", "no whole number"}, {"1e2", "no whole number"}, {`"1"`, "not a string"}, {"true", "not a boolean"},
	} {
		err := acl("operation", tt.value)
		if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("an int8 of %s: got %v, want %q", tt.value, err, tt.want)
		}
	}
	fetch := kmsg.NewFetchRequest()
	fetch.Version = 18
	in := `{"topics": [{"partitions": [{"fetchOffset": 9223372036854775807, "highWatermark": -9223372036854775808}]}]}`
	if err := kjson.Unmarshal([]byte(in), fetch); err != nil {
		t.Fatal(err)
	}
	if p := fetch.Topics[0].Partitions[0]; p.FetchOffset != math.MaxInt64 || p.HighWatermark != math.MinInt64 {
		t.Errorf("int64 lost digits: %d, %d", p.FetchOffset, p.HighWatermark)
	}
}

// Fields that are left out have Kafka's defaults, or are errors if asked for.
func TestFieldsLeftOut(t *testing.T) {
	m := kmsg.NewMetadataRequest()
	m.Version = 12
	m.Topics = []kmsg.MetadataRequestTopic{{Name: kbin.Str("before")}}
	if err := kjson.Unmarshal([]byte(`{}`), m); err != nil {
		t.Fatal(err)
	}
	want := kmsg.NewMetadataRequest()
	want.Version = 12
	if d := cmp.Diff(m, want); d != "" {
		t.Errorf("(-got +want):\n%s", d)
	}
	strict := kjson.Codec{AllFields: true}
	err := strict.Unmarshal([]byte(`{"topics": null}`), m)
	if err == nil || !strings.Contains(err.Error(), `"allowAutoTopicCreation" of MetadataRequest version 12 is missing`) {
		t.Errorf("got %v, want an error about the missing field", err)
	}
}

// A version that does not exist is an error of its own, before any field is looked at.
func TestVersionThatDoesNotExist(t *testing.T) {
	m := &kmsg.MetadataRequest{Version: 99}
	var none *kmsg.VersionError
	if err := kjson.Unmarshal([]byte(`{"nmae": 1}`), m); !errors.As(err, &none) {
		t.Errorf("got %v, want a VersionError", err)
	}
	if _, err := kjson.Marshal(m); !errors.As(err, &none) {
		t.Errorf("got %v, want a VersionError", err)
	}
}

// Values that JSON has no numbers for, and floats that are whole, come back as they were.
func TestFloats(t *testing.T) {
	for _, x := range []float64{0, 1, -2.5, 1e300, math.Inf(1), math.Inf(-1), math.NaN()} {
		m := kmsg.NewAlterClientQuotasRequest()
		m.Entries = []kmsg.AlterClientQuotasRequestEntryData{{Ops: []kmsg.AlterClientQuotasRequestOpData{{Key: "producer_byte_rate", Value: x}}}}
		text, err := kjson.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		back := kmsg.NewAlterClientQuotasRequest()
		if err := kjson.Unmarshal(text, back); err != nil {
			t.Fatalf("%v in %s", err, text)
		}
		if got := back.Entries[0].Ops[0].Value; got != x && !(math.IsNaN(got) && math.IsNaN(x)) {
			t.Errorf("%v became %v through %s", x, got, text)
		}
		if !math.IsInf(x, 0) && !math.IsNaN(x) && !strings.ContainsAny(strings.SplitAfter(string(text), `"value":`)[1], ".e") {
			t.Errorf("%s: Kafka's converters know a float by its fraction", text)
		}
	}
}

func TestClosest(t *testing.T) {
	names := []string{"topics", "allowAutoTopicCreation", "name", "topicId"}
	for typed, want := range map[string]string{
		"topisc": "topics", "TOPICS": "topics", "topic": "topics", "nmae": "name",
		"allowAutoCreation": "allowAutoTopicCreation", "topicID": "topicId", "zzz": "", "": "",
	} {
		if got := kjson.Closest(typed, names); got != want {
			t.Errorf("Closest(%q) gives %q, want %q", typed, got, want)
		}
	}
}

func FuzzUnmarshal(f *testing.F) {
	f.Add(`{"topics": [{"name": "a", "topicId": "AAAAAAAAAAAAAAAAAAAAAA"}], "_unknownTaggedFields": {"9": "AQ=="}}`)
	f.Fuzz(func(t *testing.T, text string) {
		m := kmsg.NewMetadataRequest()
		m.Version = 12
		if err := kjson.Unmarshal([]byte(text), m); err != nil {
			return
		}
		out, err := kjson.Marshal(m)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		back := kmsg.NewMetadataRequest()
		back.Version = 12
		if err := kjson.Unmarshal(out, back); err != nil {
			t.Fatalf("%s: %v", out, err)
		}
		if d := cmp.Diff(m, back); d != "" {
			t.Fatalf("%s (-first +second):\n%s", text, d)
		}
	})
}

func ExampleMarshal() {
	m := kmsg.NewMetadataRequest()
	m.Version = 12
	m.Topics = []kmsg.MetadataRequestTopic{{Name: kbin.Str("orders")}}
	text, err := kjson.Marshal(m)
	fmt.Println(string(text), err)
	// Output: {"topics":[{"topicId":"AAAAAAAAAAAAAAAAAAAAAA","name":"orders"}],"allowAutoTopicCreation":true,"includeTopicAuthorizedOperations":false} <nil>
}

func ExampleUnmarshal() {
	m := kmsg.NewMetadataRequest()
	m.Version = 12
	fmt.Println(kjson.Unmarshal([]byte(`{"topics": [{"nmae": "orders"}]}`), m))
	// Output: kjson: line 1, column 20: topics[0].nmae: MetadataRequestTopic (of MetadataRequest version 12) has no such field: did you mean "name"?
}

func ExampleMarshalLog() {
	m := kmsg.NewSASLAuthenticateRequest()
	m.AuthBytes = []byte("\x00alice\x00hunter2")
	fmt.Println(string(kjson.MarshalLog(m)))
	// Output: {"authBytes":"[secret]"}
}

func ExampleCodec() {
	var codec kjson.Codec // remembers types, for many messages
	m := kmsg.NewHeartbeatRequest()
	for _, line := range []string{`{"groupId": "a", "generationId": 1, "memberId": "m"}`, `{"groupId": "b"}`} {
		if err := codec.Unmarshal([]byte(line), m); err != nil {
			fmt.Println(err)
			return
		}
		text, err := codec.Append(nil, m)
		fmt.Println(string(text), err)
	}
	// Output:
	// {"groupId":"a","generationId":1,"memberId":"m"} <nil>
	// {"groupId":"b","generationId":0,"memberId":""} <nil>
}
