package kgo

import (
	"context"
	"errors"
	"testing"
)

// Who does not want its room any more just when it gets it leaves nothing behind, and those who wait
// after it get theirs.
func TestMemoryGrantedTooLate(t *testing.T) {
	const buffer = 4 << 10
	for _, what := range []string{"buffer", "callbacks"} {
		t.Run(what, func(t *testing.T) {
			m := newMemory(buffer, buffer)
			ctx, cancel := context.WithCancel(context.Background())
			cancel()
			got, late := 0, 0
			for range 200 { // who has room and has had enough, both, takes one or the other
				var err error
				if what == "buffer" {
					var b []byte
					b, err = m.wait(ctx, nil, buffer, false)
					m.give(b)
				} else if err = m.waitCharge(ctx, nil, buffer); err == nil {
					m.discharge(buffer)
				}
				if err == nil {
					got++
				} else if late++; !errors.Is(err, context.Canceled) {
					t.Fatal(err)
				}
				if n := m.inUse(); n != 0 {
					t.Fatalf("MEM: %d bytes are in use after the error %v", n, err)
				}
			}
			if got == 0 || late == 0 {
				t.Errorf("%d got theirs and %d came too late, want some of both", got, late)
			}
		})
	}
}
