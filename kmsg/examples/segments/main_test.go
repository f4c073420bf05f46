package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/franzi-kafka/franzi/kmsg"
	"github.com/franzi-kafka/franzi/kmsg/batch"
	"github.com/franzi-kafka/franzi/kmsg/compress"
)

// segment is a log with what logs have: formats, codecs, headers, a marker, and at the end what
// a broker had not finished when it was killed.
func segment(t *testing.T) []byte {
	t.Helper()
	seal := func(b *batch.Builder, codec compress.Codec) []byte {
		s := b.Seal()
		if _, err := s.Compress(new(compress.Codecs), compress.Settings{Codec: codec}, nil); err != nil {
			t.Fatal(err)
		}
		if b.Magic() == batch.V2 {
			batch.Assign(s.Bytes, int64(20), 3)
		}
		return s.Bytes
	}
	old := batch.NewBuilder(nil, batch.V1)
	old.BaseOffset = 10
	old.Append(1000, []byte("key"), []byte("old"), nil)

	records := batch.NewBuilder(nil, batch.V2)
	for i := range int64(3) {
		records.Append(2000+i, nil, bytes.Repeat([]byte("new "), 10), []batch.RecordHeader{{Key: "a", Value: []byte("b")}, {Key: "c"}})
	}
	key, value, err := batch.EncodeControl(kmsg.ControlRecordCommit, kmsg.NewEndTxnMarker())
	if err != nil {
		t.Fatal(err)
	}
	marker := batch.NewBuilder(nil, batch.V2)
	marker.Transactional, marker.Control = true, true
	marker.Append(3000, key, value, nil)

	bad := batch.NewBuilder(nil, batch.V2)
	bad.Append(4000, nil, []byte("bad"), nil)
	wrong := seal(bad, compress.None)
	wrong[20]++

	var all []byte
	all = append(all, seal(old, compress.None)...)
	all = append(all, seal(records, compress.Gzip)...)
	all = append(all, seal(marker, compress.None)...)
	all = append(all, wrong...)
	return append(all, wrong[:len(wrong)-1]...)
}

const want = `byte 0: format 1, offsets 10 to 10, 1 records, none, epoch -1, 40 bytes, good
  10 at 1000: "key" = "old"
byte 40: format 2, offsets 20 to 22, 3 records, gzip, epoch 3, N bytes, good
  20 at 2000: null = "new new new new new new new new new new ", "a": "b", "c": null
  21 at 2001: null = "new new new new new new new new new new ", "a": "b", "c": null
  22 at 2002: null = "new new new new new new new new new new ", "a": "b", "c": null
byte N: format 2, offsets 20 to 20, 1 records, none, transactional, control, epoch 3, 78 bytes, good
  20 Commit EndTxnMarker v0 {"coordinatorEpoch":0}
byte N: format 2, offsets 20 to 20, 1 records, none, epoch 3, 71 bytes, the checksum is SUM, the bytes have SUM
  20 at 4000: null = "bad"
byte N: 70 bytes of a batch of 71
`

func TestDump(t *testing.T) {
	for name, r := range map[string]io.Reader{
		"at once":           bytes.NewReader(segment(t)),
		"one byte a time":   iotest.OneByteReader(bytes.NewReader(segment(t))),
		"data with the end": iotest.DataErrReader(bytes.NewReader(segment(t))),
	} {
		var out strings.Builder
		if err := dump(&out, r); err != nil {
			t.Fatal(err)
		}
		got, wants := strings.Split(out.String(), "\n"), strings.Split(want, "\n")
		if len(got) != len(wants) {
			t.Fatalf("%s: got %d lines, want %d:\n%s", name, len(got), len(wants), &out)
		}
		for i := range got {
			if !matches(got[i], wants[i]) {
				t.Errorf("%s: got  %s\nwant %s", name, got[i], wants[i])
			}
		}
	}
}

// matches compares lines; N and SUM stand for any number and checksum.
func matches(got, want string) bool {
	gs, ws := strings.Fields(got), strings.Fields(want)
	for i := range ws {
		switch {
		case i >= len(gs):
			return false
		case strings.TrimRight(ws[i], ":,") == "N", strings.TrimRight(ws[i], ",") == "SUM":
			gs[i] = ws[i]
		}
	}
	return strings.Join(gs, " ") == strings.Join(ws, " ")
}

// A segment is larger than the window, and so may a batch be.
func TestDumpBeyondTheWindow(t *testing.T) {
	var log []byte
	for offset := range int64(5) {
		b := batch.NewBuilder(nil, batch.V2)
		b.Append(1000, nil, make([]byte, 700_000*(offset%3)), nil)
		s := b.Seal()
		s.Checksum()
		batch.Assign(s.Bytes, offset, 0)
		log = append(log, s.Bytes...)
	}
	var out strings.Builder
	if err := dump(&out, bytes.NewReader(log)); err != nil {
		t.Fatal(err)
	}
	pos, n := 0, 0
	for r := batch.NewReader(log); r.Next(); n++ {
		if line := fmt.Sprintf("byte %d: format 2, offsets %d to %d,", pos, n, n); !strings.Contains(out.String(), line) {
			t.Errorf("%q is missing", line)
		}
		pos = r.Pos()
	}
	if n != 5 || strings.Contains(out.String(), "bytes of a batch") {
		t.Errorf("got %d batches and %.300s", n, &out)
	}
}

func TestDumpErrors(t *testing.T) {
	err := dump(io.Discard, bytes.NewReader(append(segment(t)[:40], append(make([]byte, 100), 1)...)))
	if want := "byte 40: a length of 0, but every format takes 14 or more"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	if err := dump(io.Discard, iotest.ErrReader(io.ErrNoProgress)); !errors.Is(err, io.ErrNoProgress) {
		t.Errorf("got %v, want the reader's error", err)
	}
}

// What a broker allocated and did not use is zeros up to the end, however many.
func TestDumpZeros(t *testing.T) {
	for _, n := range []int{1, 11, 12, 100, 3 << 20} {
		var out strings.Builder
		if err := dump(&out, bytes.NewReader(append(segment(t)[:40], make([]byte, n)...))); err != nil {
			t.Errorf("%d zeros: %v", n, err)
		}
		if want := fmt.Sprintf("byte 40: %d zeros\n", n); !strings.HasSuffix(out.String(), want) {
			t.Errorf("got %q, want %q at the end", &out, want)
		}
	}
}

// A batch that says it has 2 GiB takes no more memory than its bytes.
func TestDumpMemory(t *testing.T) {
	data := append([]byte{8: 0x7f, 9: 0xff, 10: 0xff, 11: 0xff, 16: 2}, make([]byte, 2<<20)...)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	var out strings.Builder
	if err := dump(&out, bytes.NewReader(data)); err != nil {
		t.Fatal(err)
	}
	runtime.ReadMemStats(&after)
	if got := after.TotalAlloc - before.TotalAlloc; got > 10<<20 {
		t.Errorf("a file of %d bytes: got %d allocated", len(data), got)
	}
	if want := fmt.Sprintf("byte 0: %d bytes of a batch of %d\n", len(data), int64(1<<31+11)); out.String() != want {
		t.Errorf("got %q, want %q", &out, want)
	}
}
