package kmsg_test

import (
	"encoding/binary"
	"math/rand/v2"
	"reflect"
	"runtime"
	"slices"
	"testing"

	"github.com/franzi-kafka/franzi/kbin"
	"github.com/franzi-kafka/franzi/kmsg"
)

// What hostile bytes may make a decoder allocate: 32 bytes for each of theirs, and a little.
const (
	allocPerByte = 32
	allocSlack   = 64 << 10
)

// decodeAllocations tells how much decoding allocates.
func decodeAllocations(data []byte, m kmsg.Message) (uint64, error) {
	return readAllocations(kbin.NewReader(data), m)
}

func readAllocations(r *kbin.Reader, m kmsg.Message) (got uint64, err error) {
	return allocations(func() { err = m.DecodeFrom(r) }), err
}

// allocations tells how many bytes f makes the heap grow, garbage included.
func allocations(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// The elements of every array of structs are at most 32 times as large in memory as their
// shortest encoding, in every version: that is what bounds allocation.
func TestElementsAreSmall(t *testing.T) {
	worst, arrays := 0.0, 0
	eachVersion(t, func(t *testing.T, name string, version int) {
		d := definitions[name]
		m := newMessage(name, version)
		for _, p := range places(d, m) {
			inner := d.Inner(p.field)
			if p.value.Kind() != reflect.Slice || len(inner) == 0 || !p.field.Present(version) {
				continue
			}
			arrays++
			smallest := len(d.EncodeStruct(inner, version))
			ratio := float64(p.value.Type().Elem().Size()) / float64(max(smallest, 1))
			if worst = max(worst, ratio); ratio > allocPerByte {
				t.Errorf("%s version %d: an element of %s takes %d bytes in memory and %d on the wire", name, version, p.path, p.value.Type().Elem().Size(), smallest)
			}
		}
	})
	t.Logf("%d arrays by version, the worst takes %.1f bytes per byte", arrays, worst)
}

// Every array of every version, also one inside others: made of the smallest elements it is
// read, within bounds; a count that the bytes cannot hold is an error before anything is made of
// it. A decoder that takes elements to be smaller than they are fails here, and so does one
// that takes them to be larger.
func TestHostileArrays(t *testing.T) {
	const size = 30_000
	arrays, nested := 0, 0
	eachVersion(t, func(t *testing.T, name string, version int) {
		d := definitions[name]
		for _, way := range d.Arrays(version) {
			path := ""
			for _, f := range way {
				path += "." + f.Name
			}
			arrays++
			if len(way) > 1 {
				nested++
			}
			smallest := d.Smallest(way[len(way)-1], version)
			if smallest == 0 {
				continue // nothing on the wire: the reader wants a byte for each all the same
			}
			n := size / smallest
			data := d.Hostile(way, version, n, n)
			got, err := decodeAllocations(data, newMessage(name, version))
			if limit := uint64(allocPerByte*len(data) + allocSlack); err != nil || got > limit {
				t.Errorf("%s%s version %d, %d elements in %d bytes: allocated %d bytes, the limit is %d, and got the error %v", name, path, version, n, len(data), got, limit, err)
			}
			// What comes before the array is all that an impossible count may cost.
			before, err := decodeAllocations(d.Hostile(way, version, n, 1<<30), newMessage(name, version))
			if err == nil {
				t.Errorf("%s%s version %d: 1<<30 elements in %d bytes were read", name, path, version, len(data))
			}
			least := smallest
			if t := way[len(way)-1].Type; t == "[]string" || t == "[]bytes" {
				least = 1 // what a compact one takes: 16 or 24 bytes of memory for a byte
			}
			for _, claim := range []int{
				len(data)/least + 1, // one more than fit even if nothing came before
				len(data) + 1,       // one for each byte
			} {
				data := d.Hostile(way, version, n, claim)
				got, err := decodeAllocations(data, newMessage(name, version))
				for i := 0; i < 5 && got > before+256; i++ { // the runtime allocates at times, too
					if again, _ := decodeAllocations(data, newMessage(name, version)); again < got {
						got = again
					}
				}
				if err == nil || got > before+256 {
					t.Errorf("%s%s version %d, of %d bytes at least, %d elements in %d bytes: allocated %d bytes, %d before the array, and got the error %v", name, path, version, least, claim, len(data), got, before, err)
				}
			}
		}
	})
	t.Logf("%d arrays by version, %d of them inside others", arrays, nested)
}

// An array whose first element has an array, or tagged fields, that claim the same bytes again
// allocates within bounds: each byte counts once.
func TestHostileNestedArrays(t *testing.T) {
	const n = 60_000
	claim := func(dst []byte, elements int) []byte { return binary.AppendUvarint(dst, uint64(elements)+1) }
	for _, row := range []struct {
		name    string
		version int
		start   func() []byte
	}{
		// Groups and the topics in them take 3 bytes each in the message.
		{"OffsetFetchRequest", 8, func() []byte { return claim(append(claim(nil, n/3), 1), n/3) }},
		// The first group has no topics, and as many tagged fields as bytes follow.
		{"OffsetFetchRequest", 8, func() []byte {
			b := append(claim(nil, n/3), 1, 1) // a group's id, its topics
			return append(binary.AppendUvarint(b, n/2-20), 5, 0)
		}},
		// Three levels: transactions, topics, partitions.
		{"AddPartitionsToTxnResponse", 4, func() []byte {
			b := claim([]byte{0, 0, 0, 0, 0, 0}, n/3) // throttle time, error, transactions
			b = claim(append(b, 1), n/3)              // a transactional id, topics
			return claim(append(b, 1), n/7)           // a topic, partitions
		}},
	} {
		data := append(row.start(), make([]byte, n)...)
		got, err := decodeAllocations(data, newMessage(row.name, row.version))
		if limit := uint64(allocPerByte*len(data) + allocSlack); err == nil || got > limit {
			t.Errorf("%s version %d: %d bytes allocated %d bytes, the limit is %d, and gave the error %v", row.name, row.version, len(data), got, limit, err)
		}
	}
}

// Tags that nobody knows cost at most 16 bytes for each of theirs.
func TestHostileTags(t *testing.T) {
	const n = 100_000
	var data []byte
	data = binary.AppendUvarint(data, 1) // topics: none
	data = append(data, 0, 0)            // two booleans
	data = binary.AppendUvarint(data, n) // tags
	for i := range uint64(n) {
		data = append(binary.AppendUvarint(data, i), 0)
	}
	m := newMessage("MetadataRequest", 12)
	got, err := decodeAllocations(data, m)
	if err != nil || m.(*kmsg.MetadataRequest).UnknownTags.Len() != n {
		t.Fatalf("got %d tags, %v", m.(*kmsg.MetadataRequest).UnknownTags.Len(), err)
	}
	if limit := uint64(16*len(data) + allocSlack); got > limit {
		t.Errorf("%d tags in %d bytes allocated %d bytes, the limit is %d", n, len(data), got, limit)
	}
}

// Bytes that are none of Kafka's are errors or messages, never panics, and allocate within
// bounds.
func TestGarbage(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	eachVersion(t, func(t *testing.T, name string, version int) {
		for range 20 {
			data := make([]byte, r.IntN(300))
			for i := range data {
				data[i] = byte(r.Uint32() >> (r.IntN(3) * 8 & 7)) // often small
				if r.IntN(3) == 0 {
					data[i] = byte(r.IntN(4))
				}
			}
			tryDecode(t, name, version, data)
		}
	})
}

// tryDecode decodes bytes in both ways, and what decodes strictly must be stable: it passes
// Check, and encodes to bytes that decode to the same.
func tryDecode(t *testing.T, name string, version int, data []byte) {
	t.Helper()
	m := newMessage(name, version)
	got, err := decodeAllocations(data, m)
	if limit := uint64(allocPerByte*len(data) + allocSlack); got > limit {
		t.Fatalf("%s version %d: %d bytes allocated %d: %x", name, version, len(data), got, data)
	}
	lenient := kbin.NewReader(data)
	lenient.Lenient = true
	gotLenient, errLenient := readAllocations(lenient, newMessage(name, version))
	if limit := uint64(allocPerByte*len(data) + allocSlack); gotLenient > limit {
		t.Fatalf("%s version %d: %d bytes read leniently allocated %d: %x", name, version, len(data), gotLenient, data)
	}
	if err == nil && errLenient != nil {
		t.Fatalf("%s version %d decodes strictly but not leniently: %v: %x", name, version, errLenient, data)
	}
	if err != nil {
		return
	}
	if err := m.Check(); err != nil {
		t.Fatalf("%s version %d was decoded, but: %v: %x", name, version, err, data)
	}
	encoded := m.AppendTo(nil)
	again := newMessage(name, version)
	if err := again.DecodeFrom(kbin.NewReader(encoded)); err != nil {
		t.Fatalf("%s version %d: what was encoded does not decode: %v: %x", name, version, err, encoded)
	}
	if got := again.AppendTo(nil); string(got) != string(encoded) {
		t.Fatalf("%s version %d is not stable:\n%x\n%x", name, version, encoded, got)
	}
	_ = m.String()
}

// FuzzMessages takes the message, the version and the bytes from its input.
func FuzzMessages(f *testing.F) {
	names := sortedNames()
	index := map[string]int{}
	for i, name := range names {
		index[name] = i
	}
	for _, v := range vectors(f) {
		low, _ := definitions[v.message].Versions()
		f.Add(uint16(index[v.message]), byte(v.version-low), v.data)
	}
	f.Fuzz(func(t *testing.T, n uint16, v byte, data []byte) {
		name := names[int(n)%len(names)]
		low, high := definitions[name].Versions()
		tryDecode(t, name, low+int(v)%(high-low+1), data)
	})
}

// FuzzFrames reads frames as a proxy does.
func FuzzFrames(f *testing.F) {
	frame, err := kmsg.AppendRequest(nil, kmsg.RequestHeader{CorrelationID: 1}, kmsg.NewMetadataRequest())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(frame, []byte{0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, stream, answer []byte) {
		var m kmsg.Matcher
		bounded := func(frame []byte, read func()) {
			t.Helper()
			if got, limit := allocations(read), uint64(allocPerByte*len(frame)+allocSlack); got > limit {
				t.Fatalf("a frame of %d bytes allocated %d, the limit is %d: %x", len(frame), got, limit, frame)
			}
		}
		for {
			frame, rest, err := kmsg.SplitFrame(stream, 1<<20)
			if err != nil || frame == nil {
				break
			}
			var h kmsg.RequestHeader
			var req kmsg.Request
			bounded(frame, func() { h, req, err = m.Request(frame) })
			if err == nil {
				if again, err := kmsg.AppendRequest(nil, h, req); err != nil {
					t.Fatalf("%v decodes but cannot be sent: %v", req, err)
				} else if _, _, err := kmsg.DecodeRequest(again[4:]); err != nil {
					t.Fatalf("%v sent again does not decode: %v", req, err)
				}
			}
			stream = rest
		}
		bounded(answer, func() { _, _, _ = m.Response(answer) }) // must not panic
	})
}

func sortedNames() []string {
	var names []string
	for name, d := range definitions {
		if low, high := d.Versions(); low <= high {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}
