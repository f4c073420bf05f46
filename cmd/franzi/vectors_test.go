package main

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/franzi-kafka/franzi/cmd/franzi/internal/output"
	"github.com/franzi-kafka/franzi/cmd/franzi/internal/vectors"
	"github.com/franzi-kafka/franzi/gen/model"
)

// A vector is a message that Kafka's own classes wrote.
type vector struct{ json, hex string }

// A messageVersion is what the vectors of one run of a command have in common.
type messageVersion struct {
	message string
	version int16
}

// vectorsByMessage reads all messages that Kafka's classes wrote.
func vectorsByMessage(t *testing.T) map[messageVersion][]vector {
	t.Helper()
	list, err := vectors.Read(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	all := map[messageVersion][]vector{}
	for _, v := range list {
		id := messageVersion{v.Message, v.Version}
		all[id] = append(all[id], vector{v.JSON, v.Hex})
	}
	return all
}

// All that Kafka's classes wrote goes through encode and decode, line by line, and comes out
// as it was.
func TestVectors(t *testing.T) {
	m, err := definitions()
	if err != nil {
		t.Fatal(err)
	}
	all := vectorsByMessage(t)
	if len(all) < 800 {
		t.Errorf("only %d versions of messages", len(all))
	}
	for id, vs := range all {
		var jsons, hexes strings.Builder
		for _, v := range vs {
			jsons.WriteString(v.json + "\n")
			hexes.WriteString(v.hex + "\n")
		}
		name, version := id.message, strconv.Itoa(int(id.version))
		if got := run(t, jsons.String(), "encode", name, "-v", version); got.out != hexes.String() || got.code != exitOK {
			t.Errorf("encode %s -v %s: exit %d %s\ngot\n%swant\n%s", name, version, got.code, got.err, got.out, hexes.String())
		}
		decoded := run(t, hexes.String(), "decode", name, "-v", version, "--opaque")
		lines := strings.Split(strings.TrimSuffix(decoded.out, "\n"), "\n")
		if decoded.code != exitOK || len(lines) != len(vs) {
			t.Errorf("decode %s -v %s: exit %d %s\n%d lines, want %d", name, version, decoded.code, decoded.err, len(lines), len(vs))
			continue
		}
		for i, v := range vs {
			if d := partFrom(t, m.Message(name).Root, id.version, lines[i], v.json); d != "" {
				t.Errorf("decode %s -v %s: %s\ngot  %s\nwant %s", name, version, d, lines[i], v.json)
			}
		}
		if again := run(t, decoded.out, "encode", name, "-v", version); again.out != hexes.String() {
			t.Errorf("encode %s -v %s of what decode gave:\ngot\n%swant\n%s", name, version, again.out, hexes.String())
		}
		if !carriesRecords(name) {
			continue
		}
		// Most records of the vectors are no batches, and come back as well.
		shown := run(t, hexes.String(), "decode", name, "-v", version)
		if again := run(t, shown.out, "encode", name, "-v", version); again.out != hexes.String() {
			t.Errorf("encode %s -v %s of what decode gave with batches:\ngot\n%swant\n%s", name, version, again.out, hexes.String())
		}
	}
}

// partFrom says where JSON that we made parts from Kafka's. Tagged fields that have their
// default are not written, though Kafka's JSON may have them.
func partFrom(t *testing.T, s *model.Struct, v int16, got, want string) string {
	t.Helper()
	g, err := output.Parse([]byte(got))
	if err != nil {
		t.Fatal(err)
	}
	w, err := output.Parse([]byte(want))
	if err != nil {
		t.Fatal(err)
	}
	return differAt("", s, v, g, w)
}

func differAt(path string, s *model.Struct, v int16, got, want output.Value) string {
	for _, m := range got.Members {
		if _, ok := want.Get(m.Key); !ok {
			return path + "." + m.Key + " is new"
		}
	}
	for _, m := range want.Members {
		i := slices.IndexFunc(s.Fields, func(f *model.Field) bool { return f.JSONName() == m.Key })
		if i < 0 {
			return path + "." + m.Key + " is no field"
		}
		f := s.Fields[i]
		g, ok := got.Get(m.Key)
		if !ok {
			if !f.Def.Tagged.Has(v) {
				return path + "." + m.Key + " is missing"
			}
			continue
		}
		if d := differIn(path+"."+m.Key, f, v, g, m.Value); d != "" {
			return d
		}
	}
	return ""
}

func differIn(path string, f *model.Field, v int16, got, want output.Value) string {
	switch {
	case got.Kind != want.Kind || len(got.Elements) != len(want.Elements):
		return path + " is something else"
	case got.Kind == output.Object:
		return differAt(path, f.Struct, v, got, want)
	case got.Kind == output.Array:
		for i := range got.Elements {
			if d := differIn(fmt.Sprintf("%s[%d]", path, i), f, v, got.Elements[i], want.Elements[i]); d != "" {
				return d
			}
		}
		return ""
	case got.Text == want.Text:
		return ""
	}
	x, errX := json.Number(got.Text).Float64()
	y, errY := json.Number(want.Text).Float64()
	if f.Def.Type.Base == "float64" && errX == nil && errY == nil && x == y {
		return ""
	}
	return fmt.Sprintf("%s is %s, not %s", path, got.Text, want.Text)
}

// Frames of all requests are known by their headers.
func TestVectorsAsFrames(t *testing.T) {
	m, err := definitions()
	if err != nil {
		t.Fatal(err)
	}
	for id, vs := range vectorsByMessage(t) {
		if !strings.HasSuffix(id.message, "Request") {
			continue
		}
		frame := run(t, vs[len(vs)-1].json, "encode", id.message, "-v", strconv.Itoa(int(id.version)), "--frame")
		got := run(t, frame.out, "decode", "--opaque")
		if frame.code != exitOK || got.code != exitOK {
			t.Errorf("%s version %d: %s%s", id.message, id.version, frame.err, got.err)
			continue
		}
		v, err := output.Parse([]byte(got.out))
		if err != nil {
			t.Fatal(err)
		}
		name, _ := v.Get("name")
		version, _ := v.Get("version")
		request, _ := v.Get("request")
		if name.Text != id.message || version.Text != strconv.Itoa(int(id.version)) {
			t.Errorf("%s version %d is taken for %s version %s", id.message, id.version, name.Text, version.Text)
		}
		if d := partFrom(t, m.Message(id.message).Root, id.version, string(request.AppendJSON(nil)), vs[len(vs)-1].json); d != "" {
			t.Errorf("%s version %d: %s", id.message, id.version, d)
		}
	}
}
