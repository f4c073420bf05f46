package kgo

import (
	"context"
	"errors"
	"fmt"
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

// Who waits for a record takes memory, which is counted, whether or not somebody waits for those
// before it.
func TestSlotsAreCounted(t *testing.T) {
	for _, every := range []int{1, 3, 1000} {
		t.Run(fmt.Sprint(every), func(t *testing.T) {
			client, err := NewClient(SeedBrokers("localhost:9092"))
			if err != nil {
				t.Fatal(err)
			}
			defer client.Close()
			p, err := client.NewProducer()
			if err != nil {
				t.Fatal(err)
			}
			staged, err := p.topic("staged")
			if err != nil {
				t.Fatal(err)
			}
			known, err := p.topic("known")
			if err != nil {
				t.Fatal(err)
			}
			q := newQueue(known, 0)
			known.parts.Store(&partitions{all: []*queue{q}, known: 1})
			for i := range 5000 {
				var callback func(RecordMetadata, error)
				if i%every == every-1 {
					callback = func(RecordMetadata, error) {}
				}
				for _, topic := range []string{"staged", "known"} {
					if err := p.TryProduce(&Record{Topic: topic}, callback); err != nil {
						t.Fatal(err)
					}
				}
			}
			for _, tag := range []*tag{staged.staged[0].tag, tagOf(q.core.Open())} {
				if tag.charged != cap(tag.slots)*slotBytes {
					t.Errorf("MEM: %d bytes are counted for %d slots", tag.charged, cap(tag.slots))
				}
			}
			p.AbortBuffered()
		})
	}
}
