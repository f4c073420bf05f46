package segment_test

import (
	"bytes"
	"encoding/binary"
	"io"
	"strconv"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"github.com/franzi-kafka/franzi/cmd/franzi/internal/segment"
	"github.com/franzi-kafka/franzi/kmsg/batch"
)

// indexOf is an index file with entries of offset and position.
func indexOf(entries ...[2]int32) []byte {
	var b []byte
	for _, e := range entries {
		b = binary.BigEndian.AppendUint32(b, uint32(e[0]))
		b = binary.BigEndian.AppendUint32(b, uint32(e[1]))
	}
	return b
}

func TestIndex(t *testing.T) {
	const base = 100
	a, b, c := made(batch.V2, base, 3), made(batch.V2, base+3, 2), made(batch.V2, base+5, 4)
	log := join(a, b, c)
	atB, atC, end := int32(len(a)), int32(len(a)+len(b)), int32(len(log))
	for _, tt := range []struct {
		name    string
		index   []byte
		entries int
		want    []string
	}{
		{"empty", nil, 0, nil},
		{"right", indexOf([2]int32{4, atB}, [2]int32{8, atC}), 2, nil},
		{"right, as followers write it: the offset is that of the last batch they appended", indexOf([2]int32{8, atB}), 1, nil},
		{"right, with room", append(indexOf([2]int32{4, atB}), make([]byte, 8*1000)...), 1, nil},
		{"only room", make([]byte, 800), 0, nil},
		{"into a batch", indexOf([2]int32{4, atB + 1}), 1, []string{"entry 1 (offset 104 at position " + text(atB+1) + "): it points into the batch at position " + text(atB)}},
		{"into the last batch", indexOf([2]int32{8, atC + 9}), 1, []string{"entry 1 (offset 108 at position " + text(atC+9) + "): it points into the batch at position " + text(atC)}},
		{"at the end", indexOf([2]int32{8, end}), 1, []string{"entry 1 (offset 108 at position " + text(end) + "): no batch begins there"}},
		{"an offset that stands before", indexOf([2]int32{4, atC}), 1, []string{"entry 1 (offset 104 at position " + text(atC) + "): its batch begins at offset 105, but offsets up to 104 stand before it"}},
		{"positions that go back", indexOf([2]int32{4, atC}, [2]int32{8, atB}), 2, []string{
			"entry 1 (offset 104 at position " + text(atC) + "): its batch begins at offset 105, but offsets up to 104 stand before it",
			"entry 2 (offset 108 at position " + text(atB) + "): it does not go on from offset 104 at position " + text(atC),
		}},
		{"offsets that go back", indexOf([2]int32{8, atB}, [2]int32{7, atC}), 2, []string{"entry 2 (offset 107 at position " + text(atC) + "): it does not go on from offset 108 at position " + text(atB)}},
		{"a piece of an entry", append(indexOf([2]int32{4, atB}), 0, 0, 0), 1, []string{"3 bytes after entry 1 are no entry"}},
		{"an entry after the room", join(indexOf([2]int32{4, atB}), make([]byte, 16), indexOf([2]int32{8, atC})), 1, []string{"after entry 1 come 2 of zeros, and then others"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			x := segment.NewIndex(bytes.NewReader(tt.index), base, func(problem string) { got = append(got, problem) })
			r := segment.NewReader(bytes.NewReader(log))
			for {
				item, err := r.Next()
				if err == io.EOF {
					break
				}
				if err != nil {
					t.Fatal(err)
				}
				if err := x.Batch(item); err != nil {
					t.Fatal(err)
				}
			}
			if err := x.End(); err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(got, tt.want); d != "" {
				t.Errorf("(-got +want):\n%s", d)
			}
			if x.Entries != tt.entries || x.Bad != len(tt.want) {
				t.Errorf("got %d entries, %d bad, want %d, %d", x.Entries, x.Bad, tt.entries, len(tt.want))
			}
		})
	}
}

func text(n int32) string { return strconv.Itoa(int(n)) }

func TestIndexFails(t *testing.T) {
	x := segment.NewIndex(iotest.ErrReader(io.ErrClosedPipe), 0, func(string) {})
	if err := x.End(); err != io.ErrClosedPipe {
		t.Errorf("got %v", err)
	}
}
