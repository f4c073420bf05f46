package kgo

import (
	"math"
	"testing"

	"github.com/franzi-kafka/franzi/kgo/internal/fetch"
	"github.com/franzi-kafka/franzi/kmsg/batch"
	"github.com/franzi-kafka/franzi/kmsg/compress"
)

// A meddler is a codec during whose work something happens.
type meddler struct {
	compress.Codecs
	meddle func()
}

func (m *meddler) Compress(dst, src []byte, _ int) ([]byte, error) {
	return m.Codecs.Compress(dst, src, compress.Settings{Codec: compress.Snappy})
}

func (m *meddler) Decompress(dst, src []byte, limit int) ([]byte, error) {
	m.meddle()
	return m.Codecs.Decompress(dst, src, compress.Snappy, limit)
}

// Memory that comes free may be what a fetch waits for, whose answer brings more to decompress, on the
// same goroutine: no lock is held then.
func TestForgetHoldsNoLock(t *testing.T) {
	for _, while := range []string{"done", "busy"} {
		t.Run(while, func(t *testing.T) {
			client, err := NewClient(SeedBrokers("localhost:9092"))
			if err != nil {
				t.Fatal(err)
			}
			defer client.Close()
			own := new(meddler)
			codecs, err := compress.New(compress.Replace(compress.Snappy, own))
			if err != nil {
				t.Fatal(err)
			}
			c, err := client.NewConsumer(Codecs(codecs))
			if err != nil {
				t.Fatal(err)
			}
			d := &c.ahead
			d.most = 1
			b := batch.NewBuilder(nil, batch.V2)
			b.Append(1, nil, make([]byte, 1000), nil)
			s := b.Seal()
			if _, err := s.Compress(codecs, compress.Settings{Codec: compress.Snappy}, nil); err != nil {
				t.Fatal(err)
			}
			s.Number(-1, -1, -1)
			c.mu.Lock()
			p := c.addPartition(c.addTopic("orders"), 0, Earliest())
			c.mu.Unlock()
			f := &frame{memory: c.memory, buf: make([]byte, 0, 1000)}
			busy, forgotten := make(chan struct{}), make(chan struct{})
			own.meddle = func() {
				if close(busy); while == "busy" {
					<-forgotten
				}
			}
			came := &fetch.Chunk{
				Partition: p.core, Stamp: p.stamp, End: 1, Limit: math.MaxInt64, Records: s.Bytes, Batches: 1, Compressed: 1,
			}
			k := new(chunk)
			k.init(p, f, came)
			d.add(k, came)
			<-busy
			if while == "done" {
				d.all.Wait()
			}
			calls := 0
			c.memory.mu.Lock()
			c.memory.starved, c.memory.least = true, c.memory.limit-c.memory.used+1
			c.memory.room = func() {
				if calls++; !d.mu.TryLock() {
					t.Error("the lock is held")
					return
				}
				d.mu.Unlock()
			}
			c.memory.mu.Unlock()
			d.forget(k)
			close(forgotten)
			d.all.Wait()
			if calls != 1 {
				t.Errorf("told %d times that there is room, want once", calls)
			}
			if d.ahead != 0 {
				t.Errorf("%d bytes are ahead of the user in the end", d.ahead)
			}
		})
	}
}
