package main

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/franzi-kafka/franzi/kmsg/batch"
	"github.com/franzi-kafka/franzi/kmsg/compress"
)

// batches makes the bytes of batches of JSON.
func batches(t *testing.T, json string) []byte {
	t.Helper()
	got := run(t, "", "encode", "records", "--format", "raw", json)
	if got.code != exitOK {
		t.Fatal(got.err)
	}
	return []byte(got.out)
}

// segmentFiles writes a segment of three batches, beginning at offset 100, and its index.
func segmentFiles(t *testing.T, entries ...[2]uint32) (log, index string) {
	t.Helper()
	dir := t.TempDir()
	log, index = filepath.Join(dir, "00000000000000000100.log"), filepath.Join(dir, "00000000000000000100.index")
	data := batches(t, `[{"baseOffset":100,"records":[{"value":"a"},{"value":"b"}]},{"baseOffset":102,"records":[{"value":"c"}]},{"baseOffset":103,"records":[{"value":"d"}]}]`)
	var b []byte
	for _, e := range entries {
		b = binary.BigEndian.AppendUint32(b, e[0])
		b = binary.BigEndian.AppendUint32(b, e[1])
	}
	for file, content := range map[string][]byte{log: data, index: append(b, make([]byte, 800)...)} {
		if err := os.WriteFile(file, content, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return log, index
}

func TestSegmentIndex(t *testing.T) {
	second := uint32(len(batches(t, `[{"baseOffset":100,"records":[{"value":"a"},{"value":"b"}]}]`)))
	log, index := segmentFiles(t, [2]uint32{2, second})
	got := run(t, "", "decode", "--segment", log, "-o", "template={{.baseOffset}}")
	if want := "100\n102\n103\n"; got.out != want || got.code != exitOK || !strings.HasSuffix(got.err, ", 1 index entry\n") {
		t.Errorf("got exit %d %q %q", got.code, got.out, got.err)
	}
	got = run(t, "", "decode", "--segment", log, "--summary", "-o", "template={{.index.entries}} {{.index.bad}} {{.index.file}}")
	if want := "1 0 " + index + "\n"; got.out != want || got.code != exitOK {
		t.Errorf("got exit %d %q %q", got.code, got.out, got.err)
	}

	log, index = segmentFiles(t, [2]uint32{2, second + 1})
	want := fmt.Sprintf("franzi: %s: entry 1 (offset 102 at position %d): it points into the batch at position %d\n", index, second+1, second)
	got = run(t, "", "decode", "--segment", log, "--summary")
	if got.err != want || got.code != exitFailed {
		t.Errorf("got exit %d %q, want %q", got.code, got.err, want)
	}

	// An index elsewhere, whose offsets count from its own name, or from the segment's.
	for _, name := range []string{"00000000000000000100.index", "copy.index"} {
		elsewhere := filepath.Join(t.TempDir(), name)
		if err := os.Rename(index, elsewhere); err != nil {
			t.Fatal(err)
		}
		got = run(t, "", "decode", "--segment", log, "--index", elsewhere, "--summary")
		if want := strings.Replace(want, index, elsewhere, 1); got.err != want || got.code != exitFailed {
			t.Errorf("got exit %d %q, want %q", got.code, got.err, want)
		}
		index, want = elsewhere, strings.Replace(want, index, elsewhere, 1)
	}

	// One beside a segment without a number is told, and left out.
	log, index = segmentFiles(t)
	dir := t.TempDir()
	for file, to := range map[string]string{log: "copy.log", index: "copy.index"} {
		if err := os.Rename(file, filepath.Join(dir, to)); err != nil {
			t.Fatal(err)
		}
	}
	got = run(t, "", "decode", "--segment", filepath.Join(dir, "copy.log"), "--summary", "-o", "template={{.batches}} {{.index}}")
	if got.out != "3 <no value>\n" || got.code != exitOK || !strings.Contains(got.err, "copy.index: left out, as its name does not say") {
		t.Errorf("got exit %d %q %q", got.code, got.out, got.err)
	}
}

// Batches of which the second begins within the first, by an offset, or just behind it. Compressed
// messages of the old formats say only their last offset.
func TestSegmentOverlaps(t *testing.T) {
	made := func(magic batch.Magic, codec compress.Codec, offset int64) []byte {
		b := batch.NewBuilder(nil, magic)
		b.BaseOffset = offset
		for range 3 {
			b.Append(1000, nil, bytes.Repeat([]byte("value"), 50), nil)
		}
		s := b.Seal()
		if _, err := s.Compress(new(compress.Codecs), compress.Settings{Codec: codec}, nil); err != nil {
			t.Fatal(err)
		}
		if r := batch.NewReader(s.Bytes); !r.Next() || r.Batch.Attributes.Codec() != codec {
			t.Fatalf("format %d: it is not compressed", magic)
		}
		return s.Bytes
	}
	for _, row := range []struct {
		magic batch.Magic
		codec compress.Codec
	}{{batch.V2, compress.None}, {batch.V2, compress.Gzip}, {batch.V1, compress.Gzip}, {batch.V0, compress.Gzip}} {
		for second, want := range map[int64]string{12: "a batch begins at offset 12, but offsets up to 12 stand before it", 13: ""} {
			data := append(made(row.magic, row.codec, 10), made(row.magic, row.codec, second)...)
			got := run(t, string(data), "decode", "--segment", "-", "--summary", "-o", "template={{.baseOffset}} {{.lastOffset}} {{.badBatches}}")
			if wantOut := fmt.Sprintf("10 %d %d\n", second+2, 13-second); got.out != wantOut || (got.code != exitOK) != (want != "") || !strings.Contains(got.err, want) {
				t.Errorf("format %d %s, from 10 and %d: got exit %d %q %q, want %q", row.magic, row.codec, second, got.code, got.out, got.err, want)
			}
		}
	}
}

// What decode makes of a segment, encode makes the segment again of, whatever is wrong in it.
func TestSegmentRoundTrip(t *testing.T) {
	all := batches(t, `[{"baseOffset":7,"lastOffsetDelta":3,"partitionLeaderEpoch":2,"producerId":5,"producerEpoch":0,"baseSequence":9,"isTransactional":true,"records":[{"timestamp":3,"key":"k","value":"v","headers":[{"key":"h","value":null}]}]},
		{"baseOffset":11,"isControl":true,"records":[{"control":{"type":"ABORT"}}]},{"baseOffset":12,"records":[]},{"baseOffset":13,"hasDeleteHorizonMs":true,"baseTimestamp":9,"records":[{"timestamp":3}]}]`)
	damaged := bytes.Clone(all)
	damaged[70] ^= 1
	for name, data := range map[string][]byte{"good": all, "damaged": damaged, "cut off": all[:len(all)-3], "noise": append([]byte("noise noise noise noise"), all...)} {
		shown := run(t, string(data), "decode", "--segment", "-")
		back := run(t, shown.out, "encode", "records", "--format", "raw")
		if back.out != string(data) || back.code != exitOK {
			t.Errorf("%s: exit %d %s%s\ngot  %x\nwant %x", name, back.code, back.err, shown.out, back.out, data)
		}
	}
}

// A batch is shown before the next one is there.
func TestSegmentStreams(t *testing.T) {
	stdin, write := io.Pipe()
	read, stdout := io.Pipe()
	code := make(chan int)
	go func() {
		c := testApp(stdin, stdout, io.Discard, noNetwork).run(t.Context(), []string{"decode", "--segment", "-", "-o", "template={{.baseOffset}}"})
		stdout.Close()
		code <- c
	}()
	lines := bufio.NewScanner(read)
	for offset := range 3 {
		if _, err := write.Write(batches(t, fmt.Sprintf(`{"baseOffset":%d,"records":[{}]}`, offset))); err != nil {
			t.Fatal(err)
		}
		if !lines.Scan() || lines.Text() != fmt.Sprint(offset) {
			t.Fatalf("got %q, want %d", lines.Text(), offset)
		}
	}
	write.Close()
	if lines.Scan() || <-code != exitOK {
		t.Errorf("got %q at the end", lines.Text())
	}
}
