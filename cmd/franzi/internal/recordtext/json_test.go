package recordtext

import (
	"errors"
	"io"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/franzi-kafka/franzi/kgo"
)

// What is written is what is read: null is not empty, headers keep their order, bytes stay bytes.
func TestJSONIsLossless(t *testing.T) {
	for name, r := range map[string]kgo.Record{
		"null":        {Topic: "t", Offset: 7, Timestamp: time.UnixMilli(1)},
		"empty":       {Topic: "t", Partition: 3, Key: []byte{}, Value: []byte{}},
		"text":        {Topic: "t", Key: []byte("Schlüssel"), Value: []byte("a \"quoted\" \\ line\nand\ttab\r\x00\x1b[31m\u009b \x7f \u2028")},
		"bytes":       {Topic: "t", Key: []byte{0xff}, Value: []byte{0xc2, 0x20, 0xe2, 0x82}},
		"headers":     {Topic: "t", Headers: []kgo.Header{{Key: "a", Value: []byte("1")}, {Key: "a"}, {Key: "", Value: []byte{}}, {Key: "\xff", Value: []byte{0xff}}}},
		"begins 0xc2": {Topic: "t", Value: []byte("\u00a0 \u0080")},
	} {
		line := AppendJSON(nil, &r)
		for _, c := range line {
			if c < ' ' || c == 0x7f {
				t.Errorf("%s: %q has control characters", name, line)
			}
		}
		var got kgo.Record
		if err := NewJSONReader(strings.NewReader(string(line))).Read(&got); err != nil {
			t.Errorf("%s: %v in %s", name, err, line)
			continue
		}
		if d := cmp.Diff(got, r, cmpopts.IgnoreFields(kgo.Record{}, "LeaderEpoch"), cmpopts.EquateEmpty()); d != "" {
			t.Errorf("%s (-got +want):\n%s", name, d)
		}
		if (got.Key == nil) != (r.Key == nil) || (got.Value == nil) != (r.Value == nil) {
			t.Errorf("%s: null became empty, or the reverse: %s", name, line)
		}
	}
}

func FuzzJSON(f *testing.F) {
	f.Add([]byte("k"), []byte("v\n"), "h", []byte{0xff})
	f.Fuzz(func(t *testing.T, key, value []byte, h string, hv []byte) {
		want := kgo.Record{Topic: "t", Key: key, Value: value, Headers: []kgo.Header{{Key: h, Value: hv}}, LeaderEpoch: -1}
		var got kgo.Record
		if err := NewJSONReader(strings.NewReader(string(AppendJSON(nil, &want)))).Read(&got); err != nil {
			t.Fatal(err)
		}
		if got.Timestamp.IsZero() != want.Timestamp.IsZero() {
			t.Error("the timestamp is not the same")
		}
		if d := cmp.Diff(got, want); d != "" {
			t.Errorf("(-got +want):\n%s", d)
		}
	})
}

// A line is read the same, quickly or not: what is quick may give up, but not differ.
func FuzzQuick(f *testing.F) {
	f.Add(`{"topic":"t","partition":0,"offset":5,"timestamp":-1,"key":"k","value":{"base64":"AQ=="},"headers":[{"key":"a","value":null},{"key":"","value":"\u00e4"}]}`)
	f.Add(`{"topic":"t","partition":-0,"offset":05,"timestamp":1,"key":null,"value":"\n","headers":[]}`)
	f.Fuzz(func(t *testing.T, text string) {
		var got, want kgo.Record
		if !utf8.ValidString(text) || strings.ContainsAny(text, "\n") || !new(quick).read([]byte(text), &got) {
			return
		}
		// A space is all it takes to be slow.
		if err := NewJSONReader(strings.NewReader("{ " + text[1:])).Read(&want); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if d := cmp.Diff(got, want); d != "" {
			t.Errorf("%s (-quick +slow):\n%s", text, d)
		}
	})
}

func FuzzJSONReader(f *testing.F) {
	f.Add(`{"topic":"t","key":{"base64":"AQ=="},"headers":[{"key":"a","value":null}]}` + "\n{}")
	f.Fuzz(func(t *testing.T, text string) {
		in := NewJSONReader(strings.NewReader(text))
		for range 10 {
			var r kgo.Record
			err := in.Read(&r)
			var wrong *Error
			if err != nil && err != io.EOF && !errors.As(err, &wrong) {
				t.Errorf("got %T %v", err, err)
			}
			if err == io.EOF {
				return
			}
		}
	})
}

func TestJSONByHand(t *testing.T) {
	in := NewJSONReader(strings.NewReader("\n  {} \r\n{\"value\":\"v\",\"timestamp\":5}"))
	var r kgo.Record
	for i, want := range []kgo.Record{
		{Partition: -1, Offset: -1, LeaderEpoch: -1},
		{Partition: -1, Offset: -1, LeaderEpoch: -1, Value: []byte("v"), Timestamp: time.UnixMilli(5)},
	} {
		if err := in.Read(&r); err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(r, want); d != "" {
			t.Errorf("record %d (-got +want):\n%s", i, d)
		}
	}
	if err := in.Read(&r); err != io.EOF {
		t.Errorf("got %v, want the end", err)
	}
}

func TestJSONIsWrong(t *testing.T) {
	for text, want := range map[string]string{
		"{}\nhello":                             "", // the first is right
		"hello":                                 "line 1, column 1: no JSON object",
		"\n\n[1]":                               "line 3, column 1: no JSON object",
		`{"value":"v"`:                          "line 1: the JSON ends too early",
		`{"value":`:                             "line 1: the JSON ends too early",
		`{"value":"v"}{}`:                       "line 1, column 14: something follows the object",
		`{"value":"v" "key":"k"}`:               "line 1, column 14: invalid character '\"' after object key:value pair",
		`{"value" "v"}`:                         "line 1, column 10: invalid character '\"' after object key",
		`{"value":vv}`:                          "line 1, column 10: invalid character 'v' looking for beginning of value",
		`{"value":"v",}`:                        "line 1, column 14: invalid character '}' looking for beginning of object key string",
		`{"headers":[{"key":"k"},]}`:            "line 1, column 25: invalid character ']' looking for beginning of value",
		`  {"valeu":"v"}`:                       "line 1, column 4: records have no field \"valeu\": did you mean \"value\"?",
		`{"key":"k", "VALUE":"v"}`:              "line 1, column 13: records have no field \"VALUE\": did you mean \"value\"?", // encoding/json would take it
		`{"value":"a","value":"b"}`:             "line 1, column 14: \"value\" is there twice",
		`{"val\u0075e":"a","value":"b"}`:        "line 1, column 19: \"value\" is there twice",
		`{"key":null,"key":null}`:               "line 1, column 13: \"key\" is there twice",
		`{"headers":[],"headers":[]}`:           "line 1, column 15: \"headers\" is there twice",
		`{"nothing like it":1}`:                 "line 1, column 2: records have no field \"nothing like it\"",
		`{"base64":"AA=="}`:                     "line 1, column 2: records have no field \"base64\"",
		`{"value":1}`:                           "line 1, column 10: value: a string, null or {\"base64\": \"...\"} is needed",
		`{"value":{}}`:                          "line 1, column 10: value: a string, null or {\"base64\": \"...\"} is needed",
		`{"value":{"base64":"*"}}`:              "line 1, column 10: value: the base64 is none",
		`{"value":{"base46":"AA=="}}`:           "line 1, column 11: bytes have no field \"base46\": did you mean \"base64\"?",
		`{"value":{"Base64":"AA=="}}`:           "line 1, column 11: bytes have no field \"Base64\": did you mean \"base64\"?",
		`{"partition":"1"}`:                     "line 1, column 14: partition: string is not what belongs here",
		`{"partition":3000000000}`:              "line 1, column 14: partition: number 3000000000 is not what belongs here",
		`{"timestamp":1.5}`:                     "line 1, column 14: timestamp: number 1.5 is not what belongs here",
		`{"headers":{}}`:                        "line 1, column 12: headers: an array is needed",
		`{"headers":["a"]}`:                     "line 1, column 13: headers[0]: an object is needed",
		`{"headers":[{"value":"v"}]}`:           "line 1, column 13: headers[0].key: a string is needed",
		`{"headers":[{"key":"a"},{"Key":"b"}]}`: "line 1, column 26: headers have no field \"Key\": did you mean \"key\"?",
		`{"headers":[{"key":"a","key":"b"}]}`:   "line 1, column 24: \"key\" is there twice",
		"{\"value\":\"\xff\"}":                  "line 1: the JSON is not UTF-8; bytes that are not go into {\"base64\": \"...\"}",
	} {
		var r kgo.Record
		err := NewJSONReader(strings.NewReader(text)).Read(&r)
		if want == "" && err != nil || want != "" && (err == nil || err.Error() != want) {
			t.Errorf("%s: got %v, want %s", text, err, want)
		}
	}
}

func BenchmarkJSON(b *testing.B) {
	r := kgo.Record{Topic: "orders", Partition: 3, Offset: 1 << 30, Timestamp: time.UnixMilli(1_700_000_000_000), Key: []byte("customer-1"), Value: []byte(strings.Repeat("x", 100))}
	line := AppendJSON(nil, &r)
	b.Run("append", func(b *testing.B) {
		b.ReportAllocs()
		b.SetBytes(int64(len(line)))
		dst := []byte(nil)
		for b.Loop() {
			dst = AppendJSON(dst[:0], &r)
		}
	})
	byHand := []byte(`{"key":"customer-1", "value":"` + string(r.Value) + `", "timestamp":1700000000000, "headers":[{"key":"a","value":"b"}]}`)
	for name, line := range map[string][]byte{"read": line, "read by hand": byHand} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(line)))
			in := NewJSONReader(endless{line})
			for b.Loop() {
				var got kgo.Record
				if err := in.Read(&got); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// endless is a line again and again.
type endless struct{ line []byte }

func (e endless) Read(b []byte) (int, error) {
	n := 0
	for len(b)-n > len(e.line) {
		n += copy(b[n:], e.line)
		b[n] = '\n'
		n++
	}
	return n, nil
}
