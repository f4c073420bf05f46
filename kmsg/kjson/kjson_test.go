package kjson_test

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"unicode/utf8"

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
		{"a mistyped key", `{"topics": [{"nmae": "a"}]}`, 12, "1:14", "topics[0].nmae", `did you mean "name"?`},
		{"a key in another case", "{\n  \"Topics\": []\n}", 12, "2:3", "Topics", `did you mean "topics"?`},
		{"a key like none", `{"x": 1}`, 12, "1:2", "x", "it has topics, allowAutoTopicCreation"},
		{"a key that the version lacks", `{"allowAutoTopicCreation": true}`, 3, "1:2", "allowAutoTopicCreation", "version 3 does not carry the field, only 4+"},
		{"a key twice", `{"topics": null, "topics": []}`, 12, "1:18", "topics", "twice"},
		{"a number for an array", `{"topics": 7}`, 12, "1:12", "topics", "an array is needed, not a number"},
		{"an object for an array", `{"topics": {}}`, 12, "1:12", "topics", "an array is needed, not an object"},
		{"a string for an object", `{"topics": ["a"]}`, 12, "1:13", "topics[0]", "an object is needed, not a string"},
		{"a number for a string", `{"topics": [{"name": 1}]}`, 12, "1:22", "topics[0].name", "a string is needed, not a number"},
		{"a string for a boolean", `{"allowAutoTopicCreation": "yes"}`, 12, "1:28", "allowAutoTopicCreation", "true or false is needed, not a string"},
		{"null where there is none", `{"allowAutoTopicCreation": null}`, 12, "1:28", "allowAutoTopicCreation", "null is not allowed"},
		{"null in an early version", `{"topics": null}`, 0, "1:12", "topics", "nullable: 1+"},
		{"no UUID", `{"topics": [{"topicId": "x"}]}`, 12, "1:25", "topics[0].topicId", "22 characters"},
		{"text after the end", `{} {}`, 12, "1:4", "", "more after the message"},
		{"cut off", `{"topics": [`, 12, "1:13", "topics", "too early"},
		{"a missing comma", `{"topics": [] "a": 1}`, 12, "1:15", "", "no valid JSON"},
		{"nothing", ``, 12, "1:1", "", "too early"},
		{"an array for the message", `[]`, 12, "1:1", "", "an object is needed"},
		{"tags where there are none", `{"_unknownTaggedFields": {"1": "AQ=="}}`, 8, "", "", "no tagged fields"},
		{"a tag that is no number", `{"_unknownTaggedFields": {"a": "AQ=="}}`, 12, "1:27", "_unknownTaggedFields", "no number of a tag"},
		{"a key cut off", `{"top`, 12, "1:6", "", "too early"},
		{"a mistyped literal", `{"allowAutoTopicCreation": trrue}`, 12, "1:28", "allowAutoTopicCreation", "no valid JSON"},
		{"a comma too many", `{"topics": [,]}`, 12, "1:13", "topics[0]", "no valid JSON"},
		{"behind a comma", `{"topics": null,}`, 12, "1:17", "", "no valid JSON"},
		{"behind two bytes of a letter", `{"topics": [{"name": "ä"}], "x": 1}`, 12, "1:30", "x", "no such field"},
		{"a byte that is no UTF-8", "{\"topics\": [\n  {\"name\": \"a\\n\xff\"}]}", 12, "2:16", "topics[0].name", `the byte 0xff is no UTF-8: write it as \udcff`},
		{"the first half of a character", `{"topics": [{"name": "\ud83d"}]}`, 12, "1:23", "topics[0].name", `\ud83d is half of a character`},
		{"two first halves", `{"topics": [{"name": "\uD83D\ud83d\ude00"}]}`, 12, "1:23", "topics[0].name", `\uD83D is half of a character`},
		{"a second half that stands for no byte", `{"topics": [{"name": "a\udc7f"}]}`, 12, "1:24", "topics[0].name", `\udc7f is half of a character`},
		{"another", `{"topics": [{"name": "\udd00"}]}`, 12, "1:23", "topics[0].name", `\udd00 is half of a character`},
		{"a string too long", `{"topics": [{"name": "` + strings.Repeat("x", kbin.MaxString+1) + `"}]}`, 12, "1:22", "topics[0].name", "32768 bytes, the protocol carries 32767"},
		{"tags in an array", `{"_unknownTaggedFields": []}`, 12, "1:26", "_unknownTaggedFields", "an object of base64"},
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

// Strings of whatever bytes come back as they were, and JSON is UTF-8.
func TestStrings(t *testing.T) {
	for _, row := range []struct{ s, json string }{
		{"", `""`},
		{"orders", `"orders"`},
		{"ä\u2028\"\\\n", `"ä\u2028\"\\\n"`},
		{"\xff", `"\udcff"`},
		{"a\x80", `"a\udc80"`},
		{"a\xc3", `"a\udcc3"`},                   // cut off
		{"\xc0\xaf", `"\udcc0\udcaf"`},           // longer than need be
		{"\xed\xa0\x80", `"\udced\udca0\udc80"`}, // a half itself
		{"\xed\xb2\x80", `"\udced\udcb2\udc80"`}, // a half that stands for a byte
		{"\xf0\x9f\x92\xff", `"\udcf0\udc9f\udc92\udcff"`},
		{"\u00e9\x80\u00e9", `"é\udc80é"`},
		{"\U0001f480\x80", `"💀\udc80"`},
		{"\ufffd", `"` + "\ufffd" + `"`}, // the character that stands for what is none, itself
		{"\ufffd\xff\n\t\b\f\r\"/\\", `"` + "\ufffd" + `\udcff\n\t\b\f\r\"/\\"`},
		{strings.Repeat("x", kbin.MaxString-1) + "\xff", `"` + strings.Repeat("x", kbin.MaxString-1) + `\udcff"`},
	} {
		m := kmsg.NewHeartbeatRequest()
		m.GroupID = row.s
		text, err := kjson.Marshal(m)
		if want := `{"groupId":` + row.json + `,"generationId":0,"memberId":""}`; err != nil || string(text) != want {
			t.Errorf("%q: got %s and %v, want %s", row.s, text, err, want)
		}
		back := kmsg.NewHeartbeatRequest()
		if err := kjson.Unmarshal(text, back); err != nil || back.GroupID != row.s {
			t.Errorf("%q: got %q and %v back from %s", row.s, back.GroupID, err, text)
		}
	}
	// Escapes that Marshal does not write.
	m := kmsg.NewHeartbeatRequest()
	err := kjson.Unmarshal([]byte(`{"groupId": "\u00E9\uD83D\uDC80\uDCFF\/\ufffd\u0041"}`), m)
	if want := "é💀\xff/\ufffdA"; err != nil || m.GroupID != want {
		t.Errorf("got %q and %v, want %q", m.GroupID, err, want)
	}
}

func ExampleUnquote() {
	text := kjson.AppendString(nil, "caf\xe9") // Latin-1
	s, err := kjson.Unquote(text)
	fmt.Printf("%s %q %v\n", text, s, err)

	_, err = kjson.Unquote([]byte(`"caf\ud800"`))
	fmt.Println(err)
	// Output:
	// "caf\udce9" "caf\xe9" <nil>
	// \ud800 is half of a character
}

func FuzzStrings(f *testing.F) {
	for _, s := range []string{"orders", "\xff", "\xed\xb2\x80", "💀\x80\ufffd", `\udcff`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		m := kmsg.NewHeartbeatRequest()
		m.GroupID = s
		text, err := kjson.Marshal(m)
		if err != nil {
			if len(s) <= kbin.MaxString {
				t.Fatal(err)
			}
			return
		}
		back := kmsg.NewHeartbeatRequest()
		if err := kjson.Unmarshal(text, back); err != nil || back.GroupID != s || !utf8.Valid(text) {
			t.Fatalf("%q became %q through %s, and %v", s, back.GroupID, text, err)
		}
	})
}

// Errors do not show what may be a secret.
func TestErrorsHideSecrets(t *testing.T) {
	for _, tt := range []struct {
		m    kmsg.Message
		json string
	}{
		{kmsg.NewSASLAuthenticateRequest(), `{"authBytes": "hunter2!"}`},
		{kmsg.NewSASLAuthenticateRequest(), `{"authBytes": 271828}`},
		{kmsg.NewSASLAuthenticateRequest(), `{"authBytes": "hunter2\q"}`},
		{kmsg.NewIncrementalAlterConfigsRequest(), `{"resources": [{"configs": [{"name": "ssl.key.password", "value": 271828}]}]}`},
		{kmsg.NewIncrementalAlterConfigsRequest(), `{"resources": [{"configs": [{"name": "ssl.key.password", "value": "hunter2\ud800"}]}]}`},
		{kmsg.NewIncrementalAlterConfigsRequest(), `{"resources": [{"configs": [{"name": "ssl.key.password", "value": "hunter2` + strings.Repeat("x", kbin.MaxString) + `"}]}]}`},
	} {
		err := kjson.Unmarshal([]byte(tt.json), tt.m)
		if err == nil || strings.Contains(err.Error(), "hunter2") || strings.Contains(err.Error(), "271828") {
			t.Errorf("%.80s: got the error %v, want one that does not show the value", tt.json, err)
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
	// Output: kjson: line 1, column 14: topics[0].nmae: MetadataRequestTopic (of MetadataRequest version 12) has no such field: did you mean "name"?
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
