package main

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"reflect"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"github.com/franzi-kafka/franzi/bench/internal/measure"
	"github.com/franzi-kafka/franzi/kbin"
	"github.com/franzi-kafka/franzi/kmsg"
)

// Hostile bytes are made of a message with one element in an array, which may be an array
// inside an array: the counts are replaced by the largest that a decoder believes, and bytes
// follow that are many short elements.

// The bound that Franzi keeps: so many bytes of memory for each byte received, and a little.
const (
	boundPerByte = 32
	boundSlack   = 64 << 10
)

// An attack is a place for a lie.
type attack struct {
	name    string // "FetchResponse v16 Responses.Partitions"
	flex    bool
	base    []byte // encoding with one element in each array on the way
	counts  []int  // where in base the counts begin, from the outermost
	tagged  bool   // the innermost is a tagged field: its size is before its count
	minimum []int  // size of the shortest element of each array
}

// attacks returns all places of a message at a version.
func attacks(name string, newMessage func() kmsg.Message, flex bool) []attack {
	var all []attack
	for _, path := range arrayPaths(reflect.TypeOf(newMessage()).Elem()) {
		encode := func(lengths []int) []byte {
			m := newMessage()
			fill(reflect.ValueOf(m).Elem(), path.fields, lengths)
			return m.AppendTo(nil)
		}
		levels := len(path.fields)
		// lengths are of one element down to a level, n there, and so many in each inside.
		lengths := func(level, n, inside int) []int {
			c := slices.Repeat([]int{1}, levels)
			c[level] = n
			for i := level + 1; i < levels; i++ {
				c[i] = inside
			}
			return c
		}
		a := attack{name: name + " " + path.name, flex: flex, base: encode(lengths(0, 1, 1)), tagged: path.tagged}
		for level := range levels {
			more := encode(lengths(level, 2, 1))
			if len(more) == len(a.base) {
				break // this version does not have the array
			}
			at := 0 // the first byte that differs is the count's, the last of four without flex
			for more[at] == a.base[at] {
				at++
			}
			if !flex {
				at -= 3
			}
			a.counts = append(a.counts, at)
			a.minimum = append(a.minimum, len(encode(lengths(level, 2, 0)))-len(encode(lengths(level, 1, 0))))
		}
		if len(a.counts) == levels {
			all = append(all, a)
		}
	}
	return all
}

// A path leads to an array of structs.
type path struct {
	name   string
	fields [][]int // for each array on the way, the fields that lead there
	tagged bool
}

// arrayPaths finds all arrays of structs. Behind a tagged one it does not go on.
func arrayPaths(t reflect.Type) []path {
	var all []path
	for i := range t.NumField() {
		f := t.Field(i)
		tag := f.Tag.Get("kafka")
		tagged := strings.Contains(tag, ",tag=")
		switch {
		case tag == "": // the version, or unknown tags
		case f.Type.Kind() == reflect.Struct && !tagged:
			for _, p := range arrayPaths(f.Type) {
				fields := slices.Clone(p.fields)
				fields[0] = append([]int{i}, fields[0]...)
				all = append(all, path{f.Name + "." + p.name, fields, p.tagged})
			}
		case f.Type.Kind() == reflect.Slice && f.Type.Elem().Kind() == reflect.Struct:
			all = append(all, path{f.Name, [][]int{{i}}, tagged})
			if tagged {
				continue
			}
			for _, p := range arrayPaths(f.Type.Elem()) {
				all = append(all, path{f.Name + "." + p.name, append([][]int{{i}}, p.fields...), p.tagged})
			}
		}
	}
	return all
}

// fill makes the arrays of a path as long as said, of shortest elements.
func fill(v reflect.Value, fields [][]int, lengths []int) {
	if len(fields) == 0 {
		return
	}
	array := v.FieldByIndex(fields[0])
	array.Set(reflect.MakeSlice(array.Type(), lengths[0], lengths[0]))
	for i := range lengths[0] {
		setDefaults(array.Index(i))
		fill(array.Index(i), fields[1:], lengths[1:])
	}
}

// setDefaults gives a struct Kafka's defaults, so that no tagged field is written.
func setDefaults(v reflect.Value) {
	for i := range v.NumField() {
		f, tag := v.Field(i), v.Type().Field(i).Tag.Get("kafka")
		if tag != "" && f.Kind() == reflect.Struct {
			setDefaults(f)
		}
		_, value, _ := strings.Cut(tag, ",default=")
		value, _, _ = strings.Cut(value, ",")
		if n, err := strconv.ParseInt(value, 0, 64); err == nil && f.CanInt() {
			f.SetInt(n)
		}
		if f.Kind() == reflect.Bool {
			f.SetBool(value == "true")
		}
	}
}

// bytes returns hostile bytes of about the given size, with the counts given.
func (a *attack) bytes(counts []int, size int, filler byte) []byte {
	var b []byte
	from := 0
	for i, n := range counts {
		b = append(b, a.base[from:a.counts[i]]...)
		from = a.counts[i]
		var count []byte
		if a.flex {
			count = kbin.AppendCompactArrayLen(nil, n)
			from++
		} else {
			count = binary.BigEndian.AppendUint32(nil, uint32(n))
			from += 4
		}
		if a.tagged && i == len(a.counts)-1 {
			b = kbin.AppendUvarint(b, uint32(len(count)+size))
		}
		b = append(b, count...)
	}
	return append(b, slices.Repeat([]byte{filler}, size)...)
}

// worst finds the bytes that make a decoder allocate most, and returns how many there are and
// how much it allocates. It looks with small messages and measures with one of the given size.
func (a *attack) worst(size int, decode func([]byte)) (sent int, allocated uint64) {
	const small = 4 << 10
	divisors := make([]int, 0, len(a.counts))
	fillers := []byte{0, 1, 3, 17}
	send := func(divisors []int, size int, filler byte) (int, uint64) {
		counts := make([]int, len(divisors))
		for i, d := range divisors {
			counts[i] = size / d
		}
		b := a.bytes(counts, size, filler)
		return len(b), allocates(func() { decode(b) })
	}
	var best []int // divisors
	var filler byte
	for level := range a.counts {
		divisors = append(divisors, 0)
		here, most := 1, uint64(0)
		// The decoder's idea of the shortest element may be below the truth.
		for d := 1; d <= a.minimum[level]; d++ {
			divisors[level] = d
			for _, f := range fillers {
				_, got := send(divisors, small, f)
				if got > most {
					here, most = d, got
				}
				if got > allocated {
					allocated, filler, best = got, f, slices.Clone(divisors)
				}
			}
		}
		divisors[level] = here
	}
	return send(best, size, filler)
}

// allocates returns how much f allocates, in bytes.
func allocates(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// A finding is what one attack on one library came to.
type finding struct {
	name      string
	sent      int
	allocated uint64
}

func (f finding) perByte() float64 { return float64(f.allocated) / float64(f.sent) }

// attackAll attacks a library with all messages that both have. Whether its decoder takes
// the bytes for a message does not matter, only what that costs.
func attackAll(ctx context.Context, size int, decode func(*pair, []byte)) ([]finding, error) {
	var all []finding
	for _, api := range kmsg.APIs() {
		for version := api.MinVersion; version <= api.MaxVersion; version++ {
			for _, response := range []bool{false, true} {
				if err := ctx.Err(); err != nil {
					return nil, err
				}
				p, err := newPair(api.Key, response, version)
				if errors.Is(err, errUnknown) {
					continue
				} else if err != nil {
					return nil, err
				}
				name := strings.TrimPrefix(fmt.Sprintf("%T v%d", p.ours, version), "*kmsg.")
				flex := api.FlexibleFrom >= 0 && version >= api.FlexibleFrom
				for _, a := range attacks(name, p.newOurs, flex) {
					sent, got := a.worst(size, func(b []byte) { decode(p, b) })
					all = append(all, finding{a.name, sent, got})
				}
			}
		}
	}
	return all, nil
}

func decodeHostileOurs(p *pair, b []byte)   { _ = p.newOurs().DecodeFrom(kbin.NewReader(b)) }
func decodeHostileTheirs(p *pair, b []byte) { _ = p.newTheirs().ReadFrom(b) }

// overBound returns the findings that take more memory than the bound allows.
func overBound(all []finding) []finding {
	var over []finding
	for _, f := range all {
		if f.allocated > uint64(boundPerByte*f.sent+boundSlack) {
			over = append(over, f)
		}
	}
	return over
}

// hostile prints the table of what hostile bytes make both libraries allocate.
func hostile(ctx context.Context, out io.Writer, _ settings) error {
	const size = 256 << 10
	t := measure.NewTable("library", "attacks", "over the bound", "worst", "bytes for a byte", "to reach", "reached")
	for _, side := range []struct {
		name   string
		decode func(*pair, []byte)
		reach  string
	}{
		{"Franzi", decodeHostileOurs, fmt.Sprintf("%d, and %d KiB", boundPerByte, boundSlack>>10)},
		{"franz-go", decodeHostileTheirs, ""},
	} {
		all, err := attackAll(ctx, size, side.decode)
		if err != nil {
			return err
		}
		worst := slices.MaxFunc(all, func(a, b finding) int { return cmp.Compare(a.perByte(), b.perByte()) })
		over := len(overBound(all))
		t.Row(side.name, strconv.Itoa(len(all)), strconv.Itoa(over), worst.name, fmt.Sprintf("**%.1f**", worst.perByte()), side.reach, verdict(side.reach != "", over == 0))
	}
	return t.Print(out, fmt.Sprintf("Memory that hostile bytes take, messages of %d KiB", size>>10))
}
