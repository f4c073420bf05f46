// Command segments shows what is in the log segments of a broker, the files named like
// 00000000000000000000.log in its data directory: batches, whether their checksums are right,
// and their records. It reads all formats and keeps one batch in memory at a time.
//
//	go run github.com/franzi-kafka/franzi/kmsg/examples/segments FILE...
package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"log"
	"os"

	"github.com/franzi-kafka/franzi/kmsg/batch"
	"github.com/franzi-kafka/franzi/kmsg/compress"
)

func main() {
	if len(os.Args) < 2 {
		log.Fatal("usage: segments FILE...")
	}
	for _, name := range os.Args[1:] {
		file, err := os.Open(name)
		if err != nil {
			log.Fatal(err)
		}
		out := bufio.NewWriter(os.Stdout)
		err = errors.Join(dump(out, file), out.Flush(), file.Close())
		if err != nil {
			log.Fatalf("%s: %v", name, err)
		}
	}
}

// window is how much of a file is read at once. For a larger batch it grows as its bytes come: what
// the batch says of its size may be wrong.
const window = 1 << 20

// dump walks the batches of a segment. A batch that the window cuts off is moved to its start
// and completed.
func dump(out io.Writer, segment io.Reader) error {
	d := dumper{out: out}
	buf := make([]byte, window)
	have, start := 0, int64(0) // bytes in buf, and where they stand in the file
	for {
		n, err := io.ReadFull(segment, buf[have:])
		have += n
		end := errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
		if err != nil && !end {
			return err
		}
		r := batch.NewReader(buf[:have])
		for r.Next() {
			if err := d.batch(&r.Batch, start+int64(r.Pos()-len(r.Batch.Raw))); err != nil {
				return err
			}
		}
		rest := buf[r.Pos():have]
		start += int64(r.Pos())
		if end || r.Err() != nil {
			return d.rest(r, start, io.MultiReader(bytes.NewReader(rest), segment))
		}
		if _, need := r.Cut(); need > len(buf) {
			buf = make([]byte, min(need, 2*len(buf)))
		}
		have = copy(buf, rest)
	}
}

// rest tells what stands behind the last batch. Zeros are what a broker allocated and did not use
// (log.preallocate), the beginning of a batch what it had not finished when it was killed.
func (d *dumper) rest(r *batch.Reader, pos int64, rest io.Reader) error {
	zeros, err := countZeros(rest)
	if err != nil {
		return err
	}
	cut, need := r.Cut()
	switch {
	case zeros > 0:
		_, err = fmt.Fprintf(d.out, "byte %d: %d zeros\n", pos, zeros)
	case r.Err() != nil:
		err = fmt.Errorf("byte %d: %s", pos, reason(r.Err()))
	case cut > 0:
		_, err = fmt.Fprintf(d.out, "byte %d: %d bytes of a batch of %d\n", pos, cut, need)
	}
	return err
}

// countZeros returns how many zeros there are up to the end, 0 if there is anything else.
func countZeros(r io.Reader) (n int64, err error) {
	for in := bufio.NewReader(r); ; n++ {
		b, err := in.ReadByte()
		switch {
		case errors.Is(err, io.EOF):
			return n, nil
		case err != nil:
			return 0, err
		case b != 0:
			return 0, nil
		}
	}
}

// A dumper writes batches as text.
type dumper struct {
	out    io.Writer
	codecs compress.Codecs
	room   []byte // for decompressed records
}

// batch shows a batch at a position of the file. A wrong checksum or record is shown, and no
// reason to stop; an error is one of writing.
func (d *dumper) batch(b *batch.Batch, pos int64) error {
	verdict := "good"
	if err := b.Verify(); err != nil {
		verdict = reason(err)
	}
	if _, err := fmt.Fprintf(d.out, "byte %d: %v, epoch %d, %d bytes, %s\n", pos, b, b.LeaderEpoch, len(b.Raw), verdict); err != nil {
		return err
	}
	if err := d.records(b); err != nil {
		fmt.Fprintf(d.out, "  %s\n", reason(err))
	}
	return nil
}

// reason is an error without its position, which counts from the start of the window.
func reason(err error) string {
	var wrong *batch.Error
	if errors.As(err, &wrong) {
		return wrong.Reason
	}
	return err.Error()
}

func (d *dumper) records(b *batch.Batch) error {
	payload, room, err := b.Payload(&d.codecs, d.room, batch.DefaultLimit)
	d.room = room
	if err != nil {
		return err
	}
	w := b.Walk(payload)
	for w.Next() {
		r := &w.Record
		if b.Attributes.Control() {
			kind, message, err := batch.DecodeControl(r)
			if err != nil {
				return err
			}
			fmt.Fprintf(d.out, "  %d %v %v\n", r.Offset, kind, message)
			continue
		}
		fmt.Fprintf(d.out, "  %d at %d: %s = %s", r.Offset, r.Timestamp, text(r.Key), text(r.Value))
		for key, value := range r.Headers.All() {
			fmt.Fprintf(d.out, ", %q: %s", key, text(value))
		}
		fmt.Fprintln(d.out)
	}
	return w.Err()
}

func text(b []byte) string {
	if b == nil {
		return "null"
	}
	return fmt.Sprintf("%q", b)
}
