package kmsg_test

import (
	"bufio"
	"compress/gzip"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/franzi-kafka/franzi/kmsg"
	"github.com/franzi-kafka/franzi/kmsg/internal/interpreter"
	"github.com/franzi-kafka/franzi/kmsg/internal/synthetic"
	"github.com/franzi-kafka/franzi/kmsg/state"
	"github.com/franzi-kafka/franzi/spec"
)

// definitions are those of spec/ and of testdata/synthetic.
var definitions = func() interpreter.Spec {
	all, err := interpreter.Load(spec.FS)
	if err != nil {
		panic(err)
	}
	corners, err := interpreter.Load(os.DirFS(filepath.Join("..", "testdata", "synthetic")))
	if err != nil {
		panic(err)
	}
	for name, m := range corners {
		all[name] = m
	}
	return all
}()

// corners makes the messages of testdata/synthetic.
var corners = map[string]func() kmsg.Message{
	"ClashingData":    func() kmsg.Message { return synthetic.NewClashingData() },
	"CornersRequest":  func() kmsg.Message { return synthetic.NewCornersRequest() },
	"CornersResponse": func() kmsg.Message { return synthetic.NewCornersResponse() },
	"DeepData":        func() kmsg.Message { return synthetic.NewDeepData() },
	"EmptyData":       func() kmsg.Message { return synthetic.NewEmptyData() },
	"LateRequest":     func() kmsg.Message { return synthetic.NewLateRequest() },
	"LateResponse":    func() kmsg.Message { return synthetic.NewLateResponse() },
	"ManyTagsData":    func() kmsg.Message { return synthetic.NewManyTagsData() },
	"MethodsRequest":  func() kmsg.Message { return synthetic.NewMethodsRequest() },
	"MethodsResponse": func() kmsg.Message { return synthetic.NewMethodsResponse() },
	"NamesData":       func() kmsg.Message { return synthetic.NewNamesData() },
	"OverrideHeader":  func() kmsg.Message { return synthetic.NewOverrideHeader() },
	"TaggedData":      func() kmsg.Message { return synthetic.NewTaggedData() },
	"WideData":        func() kmsg.Message { return synthetic.NewWideData() },
}

// newMessage makes any generated message by its name in Kafka.
func newMessage(name string, version int) kmsg.Message {
	var m kmsg.Message
	if corner, ok := corners[name]; ok {
		m = corner()
	} else if m = kmsg.NewMessage(name); m == nil {
		m = state.NewMessage(name)
	}
	if m == nil {
		panic("there is no message " + name)
	}
	m.SetAPIVersion(int16(version))
	return m
}

// eachVersion runs f for every version of every message, synthetic ones included.
func eachVersion(t *testing.T, f func(t *testing.T, name string, version int)) {
	t.Helper()
	pairs := 0
	for name, d := range definitions {
		low, high := d.Versions()
		for v := low; v <= high; v++ {
			pairs++
			f(t, name, v)
		}
	}
	if pairs < 900 {
		t.Fatalf("only %d versions were tried", pairs)
	}
}

// A vector is an encoding that Kafka's own classes made, with its JSON.
type vector struct {
	message string
	version int
	json    string
	data    []byte
}

func (v vector) String() string { return fmt.Sprintf("%s version %d", v.message, v.version) }

func (v vector) new() kmsg.Message { return newMessage(v.message, v.version) }

func (v vector) value(t *testing.T) any {
	t.Helper()
	return parseJSON(t, []byte(v.json))
}

func parseJSON(t testing.TB, data []byte) any {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(string(data)))
	d.UseNumber()
	var x any
	if err := d.Decode(&x); err != nil {
		t.Fatalf("%v in %s", err, data)
	}
	return x
}

// vectors reads all files of testdata/vectors.
func vectors(t testing.TB) []vector {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("..", "testdata", "vectors", "*.tsv.gz"))
	if err != nil || len(files) != 7 {
		t.Fatalf("found the vector files %q (%v), want 7", files, err)
	}
	var all []vector
	for _, file := range files {
		all = append(all, readVectors(t, file)...)
	}
	return all
}

func readVectors(t testing.TB, file string) []vector {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	var all []vector
	in := bufio.NewReader(z)
	for {
		line, err := in.ReadString('\n')
		if err == io.EOF {
			return all
		}
		parts := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		if err != nil || len(parts) != 4 {
			t.Fatalf("%s: a line of %d parts (%v)", file, len(parts), err)
		}
		version, err := strconv.Atoi(parts[1])
		if err != nil {
			t.Fatal(err)
		}
		data, err := hex.DecodeString(parts[3])
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, vector{parts[0], version, parts[2], data})
	}
}
