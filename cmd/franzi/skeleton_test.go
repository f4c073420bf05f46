package main

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/franzi-kafka/franzi/cmd/franzi/internal/output"
	"github.com/franzi-kafka/franzi/gen/model"
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

// What is there for a secret and cannot be read is not shown, in any message that has one.
func TestSecretsAreNotQuoted(t *testing.T) {
	m, err := definitions()
	if err != nil {
		t.Fatal(err)
	}
	secrets := 0
	for _, msg := range m.Messages {
		eachSecret(msg.Root, func(value string) string { return value }, func(f *model.Field, in func(string) string) {
			secrets++
			version := strconv.Itoa(int(min(f.Def.Versions.Max, msg.Def.Valid.Max)))
			for _, bad := range []string{
				`"hunter2!\ud800"`, `"` + strings.Repeat("hunter2!", 5000) + `"`, // neither base64 nor what the protocol carries
				`271828`, `["hunter2"]`, `{"hunter2": 1}`,
				`"hunter2\q"`, `"hunter2`, // no JSON
			} {
				got := run(t, "", "encode", msg.Def.Name, "-v", version, in(bad))
				if got.code != exitFailed || !strings.Contains(got.err, f.JSONName()+": ") && !strings.Contains(got.err, "JSON") {
					t.Errorf("%s is %.20s: got exit code %d and %s", f.Path, bad, got.code, got.err)
				}
				if said := got.out + got.err; strings.Contains(said, "hunter") || strings.Contains(said, "271828") {
					t.Errorf("%s is shown: %s", f.Path, said)
				}
			}
		})
	}
	if secrets < 18 {
		t.Errorf("only %d secrets", secrets)
	}
}

// eachSecret visits the fields of a struct and those within that may be secrets; in makes JSON of
// the message around a value.
func eachSecret(s *model.Struct, around func(string) string, visit func(f *model.Field, in func(string) string)) {
	for _, f := range s.Fields {
		in := func(value string) string { return around(fmt.Sprintf("{%q: %s}", f.JSONName(), value)) }
		if f.Secret || s.Config != nil && s.Config.Value == f {
			visit(f, in)
		}
		switch {
		case f.Struct == nil:
		case f.Def.Type.Array:
			eachSecret(f.Struct, func(value string) string { return in("[" + value + "]") }, visit)
		default:
			eachSecret(f.Struct, in, visit)
		}
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
