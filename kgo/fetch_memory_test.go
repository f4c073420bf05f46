package kgo

import (
	"math"
	"testing"
)

// Who needs more than there is gets it when nothing else is in use, and is told so.
func TestFetchMemoryLarge(t *testing.T) {
	told := 0
	m := &fetchMemory{limit: 100, room: func() { told++ }}
	if n := m.Take(50, 60, math.MaxInt64); n != 60 {
		t.Fatalf("took %d, not 60", n)
	}
	if n := m.Take(150, 200, math.MaxInt64); n != 0 {
		t.Fatalf("took %d where 40 are left", n)
	}
	if m.change(-10, 0); told != 0 {
		t.Fatal("told of room while there is too little")
	}
	if m.change(-50, 0); told != 1 {
		t.Fatalf("told %d times that nothing is in use, not once", told)
	}
	if n := m.Take(150, 200, math.MaxInt64); n != 150 {
		t.Fatalf("took %d of what is all free, not 150", n)
	}
}
