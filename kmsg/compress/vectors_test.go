package compress_test

import (
	"encoding/hex"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/franzi-kafka/franzi/kmsg/compress"
)

// vectorsFile holds what releases of Kafka compress payloads to: lines of release, codec, level,
// magic, payload and hex, made by testdata/java/Compression.java. TestJavaVectors writes it.
const vectorsFile = "../../testdata/vectors/compress.tsv"

type vector struct {
	release, codec, level, magic, payload, hex string
}

func (v vector) String() string {
	return strings.Join([]string{v.release, v.codec, v.level, v.magic, v.payload, v.hex}, "\t")
}

func parseVectors(t testing.TB, text string) []vector {
	t.Helper()
	var all []vector
	for line := range strings.Lines(text) {
		f := strings.Split(strings.TrimRight(line, "\r\n"), "\t")
		if len(f) != 6 {
			t.Fatalf("line of %d fields: %q", len(f), line)
		}
		all = append(all, vector{f[0], f[1], f[2], f[3], f[4], f[5]})
	}
	return all
}

func vectors(t testing.TB) []vector {
	t.Helper()
	text, err := os.ReadFile(vectorsFile)
	if err != nil {
		t.Fatal(err)
	}
	return parseVectors(t, string(text))
}

// What Kafka's own classes write is read, whatever the release.
func TestVectors(t *testing.T) {
	c := new(compress.Codecs)
	read := map[string]int{}
	for _, v := range vectors(t) {
		codec, err := compress.ParseCodec(v.codec)
		if err != nil {
			t.Fatal(err)
		}
		packed, err := hex.DecodeString(v.hex)
		if err != nil {
			t.Fatal(err)
		}
		want := payload(v.payload)
		got, err := c.Decompress(nil, packed, codec, len(want))
		if err != nil {
			t.Errorf("%s %s level %s magic %s %s: %v", v.release, v.codec, v.level, v.magic, v.payload, err)
		} else if diff := sameBytes(got, want); diff != "" {
			t.Errorf("%s %s level %s magic %s %s: %s", v.release, v.codec, v.level, v.magic, v.payload, diff)
		}
		read[v.codec]++
	}
	for codec := compress.Gzip; codec <= compress.Zstd; codec++ {
		if read[codec.String()] < 6 {
			t.Errorf("%d vectors of %v", read[codec.String()], codec)
		}
	}
}

// Ours begin as Java's do: with the same flags and checksums, for either kind of LZ4.
func TestVectorHeaders(t *testing.T) {
	c := new(compress.Codecs)
	for _, v := range vectors(t) {
		length := map[string]int{"lz4": 7, "snappy": 16}[v.codec]
		if length == 0 || v.hex == "" {
			continue
		}
		codec, err := compress.ParseCodec(v.codec)
		if err != nil {
			t.Fatal(err)
		}
		packed, err := c.Compress(nil, payload(v.payload), compress.Settings{Codec: codec, MessageSetV0: v.magic == "0"})
		if err != nil {
			t.Fatal(err)
		}
		// Releases before 0.10 know no other checksum than the wrong one.
		if got, want := fmt.Sprintf("%x", packed[:length]), v.hex[:2*length]; got != want && v.release != "0.8.2.2" {
			t.Errorf("%s %s magic %s: begins with %s, want %s", v.release, v.codec, v.magic, got, want)
		}
	}
}
