//go:build kafka && unix

package kgo_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"flag"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/franzi-kafka/franzi/internal/kafkatest"
	"github.com/franzi-kafka/franzi/kgo"
	"github.com/franzi-kafka/franzi/kmsg"
	"github.com/franzi-kafka/franzi/kmsg/compress"
)

var (
	proofTime = flag.Duration("proof", 30*time.Second, "how long records are written while brokers fail")
	proofRate = flag.Int("proof-rate", 1500, "records a second of each writer")
)

const (
	proofTopic      = "proof"
	proofPartitions = 6
	proofFault      = 15 * time.Second // from one to the next, if there is time for three of them
)

// A proof is records that are written and read while brokers of a real cluster fail, and all of them
// checked.
type proof struct {
	*testing.T
	cluster *kafkatest.Cluster
	client  *kgo.Client
	writers []*proofWriter

	live  atomic.Int64 // records that were read while they were written
	kills int
	halts int
	moves int
}

// A proofWriter has what became of its records.
type proofWriter struct {
	id       int
	producer *kgo.Producer

	mu      sync.Mutex
	records []proofRecord // by number
}

type proofRecord struct {
	ended     bool
	partition int32
	offset    int64 // -1 if it failed
	written   kgo.Written
}

// Records are written and read while leaders are killed, stand still, and move. Then the whole log
// is read back: what was acknowledged is there once, at its offset, byte for byte and in its order,
// and what cannot have been written is not.
func TestKafkaProof(t *testing.T) {
	cluster := kafkatest.New(t, kafkatest.Options{Version: kafkatest.Newest(), Nodes: 3, SeparateController: true})
	p := &proof{T: t, cluster: cluster, client: kafkaClient(t, cluster)}
	if err := p.client.Admin().CreateTopic(t.Context(), kgo.NewTopic{Name: proofTopic, Partitions: proofPartitions, ReplicationFactor: 3}); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithTimeout(t.Context(), *proofTime)
	defer stop()
	reading, stopReading := context.WithCancel(t.Context())
	defer stopReading()
	var reader, running sync.WaitGroup
	reader.Go(func() { p.follow(reading) })
	for id, codec := range []compress.Codec{compress.None, compress.LZ4, compress.Zstd} {
		w := &proofWriter{id: id}
		var err error
		if w.producer, err = p.client.NewProducer(kgo.Compression(codec)); err != nil {
			t.Fatal(err)
		}
		p.writers = append(p.writers, w)
		running.Go(func() { p.write(ctx, w) })
	}
	p.disturb(ctx)
	running.Wait()
	for _, w := range p.writers {
		if err := w.producer.Close(); err != nil {
			t.Errorf("writer %d: %v", w.id, err)
		}
	}
	total := p.readBack()
	for deadline := time.Now().Add(time.Minute); p.live.Load() < total && time.Now().Before(deadline); {
		time.Sleep(50 * time.Millisecond)
	}
	stopReading()
	reader.Wait()
	if got := p.live.Load(); got != total {
		t.Errorf("the consumer that followed read %d records of %d", got, total)
	}
	t.Logf("%d records in %v: %d kills, %d halts, %d moves of leaders", total, *proofTime, p.kills, p.halts, p.moves)
}

// value is that of a record: who wrote it, its number, and bytes that follow from both.
func (w *proofWriter) value(dst []byte, number int) []byte {
	dst = binary.BigEndian.AppendUint32(dst[:0], uint32(w.id))
	dst = binary.BigEndian.AppendUint32(dst, uint32(number))
	random := rand.New(rand.NewPCG(uint64(w.id), uint64(number)))
	for range random.IntN(60) {
		dst = binary.BigEndian.AppendUint64(dst, random.Uint64()>>random.IntN(64))
	}
	return dst
}

// write hands over records until the context ends.
func (p *proof) write(ctx context.Context, w *proofWriter) {
	var value []byte
	begun := time.Now()
	for number := 0; ctx.Err() == nil; number++ {
		if ahead := time.Duration(number)*time.Second/time.Duration(*proofRate) - time.Since(begun); ahead > 0 {
			time.Sleep(ahead)
		}
		value = w.value(value, number)
		w.mu.Lock()
		w.records = append(w.records, proofRecord{})
		w.mu.Unlock()
		r := kgo.Record{Topic: proofTopic, Value: value}
		if number%3 == 0 {
			r.Key = value[:8]
		}
		w.producer.Produce(p.Context(), &r, func(md kgo.RecordMetadata, err error) {
			w.mu.Lock()
			defer w.mu.Unlock()
			end := &w.records[number]
			if end.ended {
				p.Errorf("record %d of writer %d has two outcomes", number, w.id)
			}
			*end = proofRecord{ended: true, partition: md.Partition, offset: md.Offset}
			if err != nil {
				end.offset, end.written = -1, kgo.WrittenMaybe
				if e, ok := errorsAs(err); ok {
					end.written = e.Written
				}
				p.Logf("record %d of writer %d: %v", number, w.id, err)
			}
		})
	}
}

// disturb kills a leader, lets one stand still or moves one, in turn, until the context ends, and
// leaves all brokers running.
func (p *proof) disturb(ctx context.Context) {
	tick := time.NewTicker(min(proofFault, *proofTime/3))
	defer tick.Stop()
	for n := 0; ; n++ {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		victim := p.leader(int32(n % proofPartitions))
		if victim == nil {
			continue
		}
		do := func(what func() error) {
			if err := what(); err != nil {
				p.Errorf("broker %d: %v", victim.ID(), err)
			}
		}
		switch n % 4 {
		case 0, 2:
			do(victim.Kill)
			time.Sleep(5 * time.Second)
			do(func() error { return victim.Start(p.Context()) })
			p.kills++
		case 1:
			do(victim.Pause)
			time.Sleep(7 * time.Second)
			do(victim.Continue)
			p.halts++
		case 3:
			req := kmsg.NewElectLeadersRequest() // of all partitions, to where they began
			if _, err := kgo.Do(ctx, p.client, req); err != nil && ctx.Err() == nil {
				p.Logf("electing leaders: %v", err)
			}
			p.moves++
		}
	}
}

// leader is the broker that leads a partition, nil if nobody knows.
func (p *proof) leader(index int32) *kafkatest.Node {
	ctx, cancel := context.WithTimeout(p.Context(), 10*time.Second)
	defer cancel()
	if err := p.client.RefreshMetadata(ctx, proofTopic); err != nil {
		p.Logf("metadata: %v", err)
		return nil
	}
	if b, ok := p.client.Metadata().Leader(proofTopic, index); ok {
		return p.cluster.Node(b.ID)
	}
	return nil
}

// follow reads while it is written: nothing may be left out or come twice.
func (p *proof) follow(ctx context.Context) {
	consumer, err := p.client.NewConsumer(kgo.Topics(proofTopic), kgo.StartAt(kgo.Earliest()))
	if err != nil {
		p.Error(err)
		return
	}
	var next [proofPartitions]int64
	for r, err := range consumer.Records(ctx) {
		if err != nil {
			if ctx.Err() == nil {
				p.Logf("following: %v", err)
			}
			continue
		}
		if r.Offset != next[r.Partition] {
			p.Errorf("partition %d: offset %d after %d", r.Partition, r.Offset, next[r.Partition]-1)
		}
		next[r.Partition] = r.Offset + 1
		p.live.Add(1)
	}
	if err := consumer.Close(); err != nil {
		p.Error(err)
	}
}

// readBack reads the whole log and holds it against what became of the records. It returns how many
// there are.
func (p *proof) readBack() (total int64) {
	consumer, err := p.client.NewConsumer(kgo.Topics(proofTopic), kgo.StartAt(kgo.Earliest()), kgo.StopAtEnd())
	if err != nil {
		p.Fatal(err)
	}
	seen := make([][]bool, len(p.writers))
	last := make([][proofPartitions]int, len(p.writers))
	for i, w := range p.writers {
		seen[i] = make([]bool, len(w.records))
		for n := range last[i] {
			last[i][n] = -1
		}
	}
	var want []byte
	for r, err := range consumer.Records(p.Context()) {
		if err != nil {
			p.Fatal(err)
		}
		total++
		if len(r.Value) < 8 {
			p.Fatalf("partition %d offset %d has a value of %d bytes", r.Partition, r.Offset, len(r.Value))
		}
		id, number := int(binary.BigEndian.Uint32(r.Value)), int(binary.BigEndian.Uint32(r.Value[4:]))
		w := p.writers[id]
		if want = w.value(want, number); !bytes.Equal(r.Value, want) {
			p.Errorf("DUP or changed: record %d of writer %d has other bytes", number, id)
		}
		end := w.records[number]
		switch {
		case seen[id][number]:
			p.Errorf("DUP: record %d of writer %d is there twice, at offset %d", number, id, r.Offset)
		case !end.ended:
			p.Errorf("PROMISE: record %d of writer %d has no outcome", number, id)
		case end.offset < 0 && end.written == kgo.WrittenNo:
			p.Errorf("PROMISE: record %d of writer %d cannot have been written, and is at offset %d", number, id, r.Offset)
		case end.offset >= 0 && (end.offset != r.Offset || end.partition != r.Partition):
			p.Errorf("record %d of writer %d is at %d[%d], and was said to be at %d[%d]", number, id, r.Offset, r.Partition, end.offset, end.partition)
		case number < last[id][r.Partition]:
			p.Errorf("ORDER: record %d of writer %d comes after %d", number, id, last[id][r.Partition])
		}
		seen[id][number] = true
		last[id][r.Partition] = number
	}
	if err := consumer.Close(); err != nil {
		p.Error(err)
	}
	for i, w := range p.writers {
		failed := 0
		for number, end := range w.records {
			switch {
			case !end.ended:
				p.Errorf("PROMISE: record %d of writer %d has no outcome", number, i)
			case end.offset < 0:
				failed++
			case !seen[i][number]:
				p.Errorf("LOSS: record %d of writer %d was acknowledged at %d[%d]", number, i, end.offset, end.partition)
			}
		}
		p.Logf("writer %d: %d records, %d failed", i, len(w.records), failed)
	}
	return total
}

func errorsAs(err error) (*kgo.Error, bool) {
	var e *kgo.Error
	ok := errors.As(err, &e)
	return e, ok
}
