package recordtext

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/franzi-kafka/franzi/kgo"
)

// What is taken of lines made by hand is what encoding/json sees in them.
func FuzzByHand(f *testing.F) {
	f.Add(` { "topic" : "t\"\\" ,"partition":-0,"offset":5 , "headers" : [ { "key" : "]" , "value":null } , {"key":""} ] , "value" : "\ud83d\ude00 }" } `)
	f.Add(`{"topic":null,"leaderEpoch":7,"timestampType":"CreateTime","timestamp":-1,"key":{ "base64" : "" },"headers":null}`)
	f.Add(`{"headers":[],"value":"\udcff"}`)
	f.Add(`{"value":{"base64":"AA==","base64":""}}`)
	f.Fuzz(func(t *testing.T, text string) {
		text = strings.TrimSpace(text)
		if !utf8.ValidString(text) || !strings.HasPrefix(text, "{") {
			return
		}
		var got kgo.Record
		err := readRecord([]byte(text), &got)
		if !json.Valid([]byte(text)) {
			if err == nil {
				t.Fatalf("no error for %s", text)
			}
			return
		}
		if err != nil {
			if err.Column < 1 || err.Column > len(text) {
				t.Fatalf("%s: the column of %+v", text, err)
			}
			return
		}
		type header struct{ Key, Value any }
		want := struct {
			Topic             string
			Partition, Offset int64
			Key, Value        any
			Headers           []header
		}{Partition: -1, Offset: -1}
		if err := json.Unmarshal([]byte(text), &want); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		same := func(b []byte, v any) bool {
			switch v := v.(type) {
			case nil:
				return b == nil
			case string:
				return b != nil && string(b) == v
			}
			return b != nil // base64
		}
		if got.Topic != want.Topic || int64(got.Partition) != want.Partition || got.Offset != want.Offset ||
			!same(got.Key, want.Key) || !same(got.Value, want.Value) || len(got.Headers) != len(want.Headers) {
			t.Fatalf("%s: got %+v", text, got)
		}
		for i, h := range got.Headers {
			if !same([]byte(h.Key), want.Headers[i].Key) || !same(h.Value, want.Headers[i].Value) {
				t.Fatalf("%s: got header %d %+v", text, i, h)
			}
		}
	})
}
