package main

import (
	"strings"
	"testing"

	"github.com/franzi-kafka/franzi/cmd/franzi/internal/output"
	"github.com/franzi-kafka/franzi/kmsg"
	"github.com/franzi-kafka/franzi/kmsg/kjson"
)

// The skeleton of every request, in every version, is a request, and has all its fields with
// Kafka's defaults.
func TestSkeletons(t *testing.T) {
	m, err := definitions()
	if err != nil {
		t.Fatal(err)
	}
	for _, api := range kmsg.APIs() {
		for v := api.MinVersion; v <= api.MaxVersion; v++ {
			root := m.Message(api.Name + "Request").Root
			text := skeleton(root, v).AppendJSON(nil)
			req := kmsg.NewRequest(api.Key)
			req.SetAPIVersion(v)
			codec := kjson.Codec{AllFields: true}
			if err := codec.Unmarshal(text, req); err != nil {
				t.Errorf("%s version %d: %v in %s", api.Name, v, err, text)
				continue
			}
			if err := req.Check(); err != nil {
				t.Errorf("%s version %d: %v in %s", api.Name, v, err, text)
			}
			// What is left after dropping tagged defaults is in the skeleton as it is.
			back, err := kjson.Marshal(req)
			if err != nil {
				t.Fatal(err)
			}
			if d := partFrom(t, root, v, string(back), string(text)); d != "" {
				t.Errorf("%s version %d: %s\nskeleton %s\nbecame   %s", api.Name, v, d, text, back)
			}
			if strings.Contains(string(text), ":[]") {
				t.Errorf("%s version %d has an empty array: %s", api.Name, v, text)
			}
		}
	}
}

// Secrets of all messages are known by their paths, and never quoted.
func TestSecretsAreNotQuoted(t *testing.T) {
	m, err := definitions()
	if err != nil {
		t.Fatal(err)
	}
	a := testApp(nil, nil, nil, noNetwork)
	secrets := 0
	for _, msg := range m.Messages {
		for _, s := range msg.Structs {
			for _, f := range s.Fields {
				if !f.Secret && (s.Config == nil || s.Config.Value != f) {
					continue
				}
				secrets++
				_, path, _ := strings.Cut(f.Path, ".")
				var json []string
				for name := range strings.SplitSeq(path, ".") {
					json = append(json, strings.ToLower(name[:1])+name[1:])
				}
				e := &kjson.Error{Line: 1, Column: 2, Path: strings.Join(json, "[0]."), Reason: `"hunter2" is no`}
				if got := a.jsonError(msg.Def.Name, e, "", 0); strings.Contains(got, "hunter2") || !strings.Contains(got, "may be a secret") {
					t.Errorf("%s: got %s", f.Path, got)
				}
			}
		}
	}
	if secrets < 18 {
		t.Errorf("only %d secrets", secrets)
	}
}

// Error codes are found wherever an answer can have them.
func TestErrorsInEveryPlace(t *testing.T) {
	m, err := definitions()
	if err != nil {
		t.Fatal(err)
	}
	answer, err := output.Parse([]byte(`{"errorCode": 0, "topics": [{"errorCode": 3, "partitions": [{"errorCode": 0}, {"errorCode": 5}]}, {"errorCode": 3}]}`))
	if err != nil {
		t.Fatal(err)
	}
	found := errorsIn(m.Message("MetadataResponse"), answer)
	if len(found) != 2 || strings.Join(found[0].paths, " ") != "topics[0].errorCode topics[1].errorCode" || strings.Join(found[1].paths, " ") != "topics[0].partitions[1].errorCode" {
		t.Errorf("got %v", found)
	}
	for _, api := range kmsg.APIs() {
		msg := m.Message(api.Name + "Response")
		spoilt, codes := withErrors(skeleton(msg.Root, api.MaxVersion))
		paths := 0
		for _, e := range errorsIn(msg, spoilt) {
			paths += len(e.paths)
		}
		if paths != codes {
			t.Errorf("%s: %d of %d error codes are found in %s", api.Name, paths, codes, spoilt.AppendJSON(nil))
		}
	}
}

// withErrors sets all error codes, and counts them.
func withErrors(v output.Value) (output.Value, int) {
	codes := 0
	for i, e := range v.Elements {
		spoilt, n := withErrors(e)
		v.Elements[i], codes = spoilt, codes+n
	}
	for i, m := range v.Members {
		spoilt, n := withErrors(m.Value)
		if strings.HasSuffix(m.Key, "rrorCode") {
			spoilt, n = output.Value{Text: "42"}, 1
		}
		v.Members[i].Value, codes = spoilt, codes+n
	}
	return v, codes
}
