package kbin_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/franzi-kafka/franzi/kbin"
)

// TestArenaStrings reads many strings into an arena: each is what it was, whatever comes
// after it, also where a piece of memory ends.
func TestArenaStrings(t *testing.T) {
	lengths := []int{0, 1, 15, 300, 1023, 1024, 1025, 5000, 7, 1024, 1024, 1024, 1023, 2, 0}
	var b []byte
	var want []string
	for i := range 40 {
		for _, n := range lengths {
			s := strings.Repeat(string(rune('a'+i%26)), n)
			want = append(want, s)
			b = kbin.AppendFlexString(b, s, i%2 == 0)
		}
	}
	r := kbin.NewReader(b)
	r.Arena = new(kbin.Arena)
	var got []string
	for i := range 40 {
		for range lengths {
			got = append(got, flexString(r, i%2 == 0))
		}
	}
	clear(b)
	if !slices.Equal(got, want) {
		for i := range got {
			if got[i] != want[i] {
				t.Fatalf("string %d: got %q, want %q", i, short(got[i]), short(want[i]))
			}
		}
	}
}

// TestArenaInts reads many arrays into an arena: no two share a value, and appending to
// one leaves the next alone.
func TestArenaInts(t *testing.T) {
	lengths := []int{1, 255, 256, 257, 3, 0, 256, 256, 256, 256, 2000, 5}
	var b []byte
	for i, n := range lengths {
		b = kbin.AppendFlexInt32s(b, slices.Repeat([]int32{int32(i)}, n), true)
	}
	r := kbin.NewReader(b)
	r.Arena = new(kbin.Arena)
	var got [][]int32
	for range lengths {
		got = append(got, r.FlexInt32s(nil, true))
	}
	if err := r.Finish(); err != nil {
		t.Fatal(err)
	}
	for i := range got {
		got[i] = append(got[i], -1)
	}
	for i, n := range lengths {
		if want := append(slices.Repeat([]int32{int32(i)}, n), -1); !slices.Equal(got[i], want) {
			t.Errorf("array %d: got %v, want %v", i, got[i], want)
		}
	}
}

// TestArenaEmptyArray: empty is not null, in an arena too, from its first array on.
func TestArenaEmptyArray(t *testing.T) {
	for _, flex := range []bool{false, true} {
		r := kbin.NewReader(kbin.AppendFlexInt32s(nil, nil, flex))
		r.Arena = new(kbin.Arena)
		if got := r.FlexInt32s(nil, flex); got == nil || r.Finish() != nil {
			t.Errorf("flex %v: got %#v and error %v, want empty, not nil", flex, got, r.Err())
		}
		r = kbin.NewReader(kbin.AppendFlexInt32s(nil, nil, flex))
		r.Arena = new(kbin.Arena)
		if got := r.FlexNullableInt32s(nil, flex); got == nil || r.Finish() != nil {
			t.Errorf("nullable, flex %v: got %#v and error %v, want empty, not nil", flex, got, r.Err())
		}
	}
}

// TestArenaAllocations: small strings and arrays share pieces; large ones are apart, for a
// piece that lives as long as the largest of its strings would be no saving.
func TestArenaAllocations(t *testing.T) {
	message := func(n, length, count int) []byte {
		var b []byte
		for range n {
			b = kbin.AppendFlexString(b, xs(length), true)
			b = kbin.AppendFlexInt32s(b, sevens(count), true)
		}
		return b
	}
	allocs := func(b []byte, n int) float64 {
		r := kbin.NewReader(nil)
		return testing.AllocsPerRun(20, func() {
			r.Arena = new(kbin.Arena)
			r.Reset(b)
			for range n {
				_ = flexString(r, true)
				r.FlexInt32s(nil, true)
			}
		})
	}
	// 100 strings of 20 bytes fit one piece of 4 kB, 100 arrays of 3 one of 1024 values.
	if got := allocs(message(100, 20, 3), 100); got > 4 {
		t.Errorf("small strings and arrays: got %v allocations, want at most 4", got)
	}
	if got := allocs(message(10, 1025, 257), 10); got < 20 {
		t.Errorf("large strings and arrays: got %v allocations, want one for each of 20", got)
	}
	// A large string does not end the piece that small ones are in.
	b := append(append(message(1, 20, 3), message(1, 3000, 300)...), message(1, 20, 3)...)
	if got := allocs(b, 3); got > 6 {
		t.Errorf("a large string between small ones: got %v allocations, want at most 6", got)
	}
}

func ExampleArena() {
	var frame []byte
	for _, topic := range []string{"orders", "payments"} {
		frame = kbin.AppendCompactString(frame, topic)
		frame = kbin.AppendFlexInt32s(frame, []int32{0, 1, 2}, true)
	}

	r := kbin.NewReader(frame)
	r.Arena = new(kbin.Arena) // one piece of memory for both names, one for both arrays
	for range 2 {
		fmt.Println(r.CompactString(), r.FlexInt32s(nil, true))
	}
	if err := r.Finish(); err != nil {
		fmt.Println(err)
	}
	// Output:
	// orders [0 1 2]
	// payments [0 1 2]
}
