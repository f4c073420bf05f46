package gen

import (
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/franzi-kafka/franzi/gen/model"
	"github.com/franzi-kafka/franzi/spec"
)

// module makes a module of somebody else, which has this one beside it, and returns how to
// run go there, without network.
func module(t *testing.T, files map[string]string) func(args ...string) string {
	t.Helper()
	root, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	files["go.mod"] = "module example.com/other\n\ngo 1.26\n\nrequire github.com/franzi-kafka/franzi v0.0.0\n\nreplace github.com/franzi-kafka/franzi => " + filepath.ToSlash(root) + "\n"
	put(t, dir, files)
	return func(args ...string) string {
		t.Helper()
		cmd := exec.Command("go", args...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "GOFLAGS=-mod=mod", "GOPROXY=off", "GOWORK=off", "GOTOOLCHAIN=local")
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("go %s: %v\n%s", strings.Join(args, " "), err, out)
		}
		return string(out)
	}
}

// What is generated for others builds in a module of theirs, has nothing that go vet would
// complain of, and speaks as package kmsg does.
func TestBuildsForOthers(t *testing.T) {
	ofKafka := kafka(t)
	files := map[string]string{}
	add := func(dir string, generated map[string][]byte) {
		for name, data := range generated {
			files[dir+"/"+name] = string(data)
		}
	}
	add("wire", write(t, ofKafka, Options{Package: "wire", Only: []string{"Fetch", "Produce", "AlterConfigs", "SaslAuthenticate", "OffsetCommitValue"}}))
	add("kmsg", write(t, ofKafka, Options{Package: "kmsg", Only: []string{"Metadata"}})) // names of what it imports
	add("kbin", write(t, ofKafka, Options{Package: "kbin", Only: []string{"Metadata"}}))
	add("binary", write(t, ofKafka, Options{Package: "binary", Only: []string{"Metadata"}}))
	add("math", write(t, ofKafka, Options{Package: "math", Only: []string{"AlterClientQuotas"}}))
	add("fmt", write(t, ofKafka, Options{Package: "fmt", Only: []string{"AlterConfigs"}}))
	add("odd", write(t, own(t, map[string]string{
		// Of names that leave nothing when the plural is taken off.
		"ShortData.json": `{
  "type": "data", "name": "ShortData", "validVersions": "0", "flexibleVersions": "0+",
  "fields": [
    {"name": "S", "type": "[]S", "versions": "0+", "fields": [
      {"name": "s", "type": "[]Inner", "versions": "0+", "fields": [{"name": "Ss", "type": "int8", "versions": "0+"}]}
    ]},
    {"name": "Ies", "type": "[]Ies", "versions": "0+", "fields": [{"name": "S", "type": "string", "versions": "0+"}]},
    {"name": "Ches", "type": "[]Ches", "versions": "0+", "fields": [{"name": "S", "type": "[]string", "versions": "0+"}]}
  ]
}`,
		// Called like Kafka's, with other types, its first versions gone, and headers of its own.
		"FetchRequest.json": `{
  "apiKey": 1, "type": "request", "name": "FetchRequest", "validVersions": "3-5", "flexibleVersions": "5+", "headerVersions": {"0-3": "1", "4+": "2"},
  "fields": [
    {"name": "IsolationLevel", "type": "int32", "versions": "0+", "about": "Of another type than Kafka's."},
    {"name": "Uuids", "type": "[]Uuid", "versions": "4+", "ignorable": true, "fields": [{"name": "A", "type": "uuid", "versions": "0+"}]}
  ]}`,
		"FetchResponse.json":         `{"apiKey": 1, "type": "response", "name": "FetchResponse", "validVersions": "3-5", "flexibleVersions": "5+", "fields": [{"name": "ErrorCode", "type": "int16", "versions": "0+"}]}`,
		"AlterConfigsRequest.json":   `{"apiKey": 33, "type": "request", "name": "AlterConfigsRequest", "validVersions": "0", "flexibleVersions": "none", "fields": [{"name": "Resources", "type": "[]R", "versions": "0+", "fields": [{"name": "Configs", "type": "[]C", "versions": "0+", "fields": [{"name": "Value", "type": "string", "versions": "0+"}]}]}]}`,
		"AlterConfigsResponse.json":  `{"apiKey": 33, "type": "response", "name": "AlterConfigsResponse", "validVersions": "0", "flexibleVersions": "none", "fields": []}`,
		"records/StateKey.json":      `{"apiKey": 9, "type": "coordinator-key", "name": "StateKey", "validVersions": "0", "flexibleVersions": "none", "fields": [{"name": "Group", "type": "string", "versions": "0+"}]}`,
		"records/StateValue.json":    `{"apiKey": 9, "type": "coordinator-value", "name": "StateValue", "validVersions": "0-1", "flexibleVersions": "1+", "fields": [{"name": "Count", "type": "uint32", "versions": "0+", "default": "0xffffffff"}]}`,
		"records/LogRecord.json":     `{"apiKey": 7, "type": "metadata", "name": "LogRecord", "validVersions": "0", "flexibleVersions": "0+", "fields": []}`,
		"reserved/GoneRequest.json":  `{"apiKey": 8, "type": "request", "name": "GoneRequest", "validVersions": "none"}`,
		"reserved/GoneResponse.json": `{"apiKey": 8, "type": "response", "name": "GoneResponse", "validVersions": "none"}`,
	}), Options{Package: "odd"}))
	files["main.go"] = `package main

import (
	"fmt"

	"github.com/franzi-kafka/franzi/kmsg"

	"example.com/other/odd"
	"example.com/other/wire"
)

func main() {
	show := func(req kmsg.Request) {
		frame, err := kmsg.AppendRequest(nil, kmsg.RequestHeader{CorrelationID: 7}, req)
		fmt.Printf("%x %v\n", frame, err)
	}
	fetch := wire.NewFetchRequest()
	fetch.Version = 12
	fetch.Topics = []wire.FetchRequestTopic{{Topic: "t"}}
	show(fetch)
	mine := odd.NewFetchRequest()
	mine.Version = 4
	mine.IsolationLevel = 258
	show(mine)
	mine.Version = 0
	show(mine)
}
`
	run := module(t, files)
	run("vet", "./...")
	got := run("run", ".")
	want := fmt.Sprintf("%s <nil>\n%s <nil>\n %s\n",
		// 44 bytes: key, version, correlation id, null client id, no tags; seven numbers; a topic; nothing.
		hexOf("0000002c", "0001 000c 00000007 ffff 00", "ffffffff 00000000 00000000 7fffffff 00 00000000 ffffffff", "02 02 74 01 00", "01 01 00"),
		// Version 4 has header 2, which ends with tags, though it is not flexible.
		hexOf("00000013", "0001 0004 00000007 ffff 00", "00000102 00000000"),
		"kmsg: FetchRequest has no version 0, only 3 to 5")
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if code := files["odd/fetch.go"]; !strings.Contains(code, "\t// Of another type than Kafka's.\n\tIsolationLevel int32 ") {
		t.Error("the definition's own sentence is not with its field")
	}
}

// Code that is for size speaks as code that is for speed, which package synthetic is and which
// is proven there: of each corner of the language both read the same out of any bytes, and
// write and check it alike.
func TestSmallAsFast(t *testing.T) {
	m, err := model.LoadWith(spec.FS, os.DirFS(filepath.Join("..", "testdata", "synthetic")))
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	add := func(dir string) {
		for name, data := range write(t, m, Options{Package: dir}) {
			files[dir+"/"+name] = string(data)
		}
	}
	add("fast")
	var pairs strings.Builder
	for _, msg := range m.Messages {
		fmt.Fprintf(&pairs, "\t\t{fast.New%s(), small.New%[1]s(), %d, %d},\n", msg.GoName, msg.Def.Valid.Min, msg.Def.Valid.Max)
		msg.Hot = false
	}
	add("small")
	if files["small/corners.go"] == files["fast/corners.go"] {
		t.Fatal("the code for size is the code for speed")
	}
	files["main.go"] = `package main

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"

	"github.com/franzi-kafka/franzi/kbin"
	"github.com/franzi-kafka/franzi/kmsg"

	"example.com/other/fast"
	"example.com/other/small"
)

func main() {
	random := rand.New(rand.NewPCG(1, 2))
	read := 0
	for _, pair := range []struct {
		fast, small kmsg.Message
		low, high   int16
	}{
` + pairs.String() + `	} {
		for v := pair.low; v <= pair.high; v++ {
			pair.fast.SetAPIVersion(v)
			pair.small.SetAPIVersion(v)
			for range 2000 {
				b := make([]byte, random.IntN(200))
				for i := range b {
					if b[i] = byte(random.IntN(4)); random.IntN(4) > 0 {
						b[i] = 0 // short lengths, few tags
					}
				}
				err1 := pair.fast.DecodeFrom(lenient(b))
				err2 := pair.small.DecodeFrom(lenient(b))
				if (err1 == nil) != (err2 == nil) { // they tell another place, within a run
					fail(pair.fast, b, err1, err2)
				}
				if err1 != nil {
					continue
				}
				read++
				if a, b := pair.fast.AppendTo(nil), pair.small.AppendTo(nil); !bytes.Equal(a, b) {
					fail(pair.fast, b, a, b)
				}
				for w := pair.low; w <= pair.high; w++ { // which may carry less
					pair.fast.SetAPIVersion(w)
					pair.small.SetAPIVersion(w)
					err1, err2 := pair.fast.Check(), pair.small.Check()
					if fmt.Sprint(err1) != fmt.Sprint(err2) {
						fail(pair.fast, b, err1, err2)
					}
				}
				pair.fast.SetAPIVersion(v)
				pair.small.SetAPIVersion(v)
			}
		}
	}
	fmt.Println(read > 10000)
}

func lenient(b []byte) *kbin.Reader {
	r := kbin.NewReader(b)
	r.Lenient = true
	return r
}

func fail(m kmsg.Message, b []byte, fast, small any) {
	fmt.Printf("%T version %d of %x: %v, but for size %v\n", m, m.APIVersion(), b, fast, small)
	os.Exit(1)
}
`
	run := module(t, files)
	run("vet", "./...")
	if got, want := run("run", "."), "true\n"; got != want {
		t.Errorf("more than 10,000 values could be read: got %s, want %s", got, want)
	}
}

// hexOf joins pieces of hex.
func hexOf(pieces ...string) string {
	data, err := hex.DecodeString(strings.ReplaceAll(strings.Join(pieces, ""), " ", ""))
	if err != nil {
		panic(err)
	}
	return hex.EncodeToString(data)
}
