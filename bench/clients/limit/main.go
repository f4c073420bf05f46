// Command limit is the floor under every client: the least work that moves
// the same records over the same socket in Go.
//
// Variants:
//
//	produce ""       one goroutine encodes records into one reused request buffer
//	                 (varints, copy), CRC32C, one write per batch, up to 5 requests
//	                 in flight, no per-record bookkeeping at all
//	produce "api"    the floor of a realistic API: per record a lock, a clock
//	                 reading and a promise that is called once with its offset;
//	                 a second goroutine writes and a third reads responses
//	produce "clock"   as "api" with a coarse clock, read by one goroutine every
//	                 millisecond, instead of one reading per record
//	consume ""       read into one reused buffer, check CRC32C, decompress, walk
//	                 the records' varints without materialising them
//	consume "records" the same plus a full record struct per record in a reused
//	                 slice that the caller then ranges over
//	consume "iter"   full records again, but one at a time on the stack, through a
//	                 range-over-func iterator
//	consume "iterfresh" as "iter", but the buffers of every fetch are new
//	consume "fresh"  as "records" but each fetch gets new memory, which is what
//	                 an API without recycling has to do at least
package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/franzi-kafka/franzi/bench/clients/adapter"
	"github.com/franzi-kafka/franzi/kmsg/compress"
)

var be = binary.BigEndian

func main() {
	adapter.Main(adapter.Adapter{
		Name:     "limit",
		Version:  "-",
		Producer: newProducer,
		Consumer: newConsumer,
	})
}

func dial(cfg *adapter.Config) (*net.TCPConn, error) {
	c, err := net.Dial("tcp", cfg.Brokers[0])
	if err != nil {
		return nil, err
	}
	return c.(*net.TCPConn), nil
}

func header(b []byte, key, version int16, corr uint32) []byte {
	b = append(b, 0, 0, 0, 0)
	b = be.AppendUint16(b, uint16(key))
	b = be.AppendUint16(b, uint16(version))
	b = be.AppendUint32(b, corr)
	b = be.AppendUint16(b, 5)
	return append(b, "limit"...)
}

// request is one produce request under construction: everything up to the
// batch is fixed, so only lengths, CRC and counts are patched at the end.
type request struct {
	buf      []byte
	partsLen int // where the int32 count of partitions is
	batches  int
	batchAt  int // where the current batch begins
	recsLen  int // where the int32 byte length of its records field is
	raw      []byte
	promises []func(int32, int64, error)
	count    int
}

type encoder struct {
	cfg  *adapter.Config
	with compress.Settings
	comp compress.Codecs
	acks int16
	corr uint32
	part int32
	seq  []int32
}

func newEncoder(cfg *adapter.Config) (*encoder, error) {
	e := &encoder{cfg: cfg, acks: -1, seq: make([]int32, cfg.Partitions)}
	switch cfg.Acks {
	case "0":
		e.acks = 0
	case "1":
		e.acks = 1
	}
	codec, err := compress.ParseCodec(cfg.Compression)
	e.with = compress.Settings{Codec: codec}
	return e, err
}

// begin lays out the fixed part of a Produce v7 request with a first batch.
func (e *encoder) begin(r *request) {
	e.corr++
	b := header(r.buf[:0], 0, 7, e.corr)
	b = be.AppendUint16(b, ^uint16(0)) // no transactional id
	b = be.AppendUint16(b, uint16(e.acks))
	b = be.AppendUint32(b, 10_000)
	b = be.AppendUint32(b, 1)
	b = be.AppendUint16(b, uint16(len(e.cfg.Topic)))
	b = append(b, e.cfg.Topic...)
	r.partsLen, r.batches = len(b), 0
	b = be.AppendUint32(b, 1)
	r.buf = b
	e.beginBatch(r)
	r.promises = r.promises[:0]
}

func (e *encoder) beginBatch(r *request) {
	b := r.buf
	b = be.AppendUint32(b, uint32(e.part))
	r.recsLen = len(b)
	b = be.AppendUint32(b, 0)
	r.batchAt = len(b)
	var hdr [headerLen]byte
	b = append(b, hdr[:]...)
	if cap(b) < e.cfg.BatchBytes+r.batchAt {
		b = append(make([]byte, 0, r.batchAt+(e.cfg.ReqBatches-r.batches)*(e.cfg.BatchBytes+4096)), b...)
	}
	r.buf = b
	r.batches++
	r.raw = r.raw[:0]
	if e.with.Codec != 0 && cap(r.raw) < e.cfg.BatchBytes {
		r.raw = make([]byte, 0, e.cfg.BatchBytes+4096)
	}
	r.count = 0
}

// appendRecord: null key, no headers, one-byte time delta.
func appendRecord(b []byte, tsDelta, offDelta int, v []byte) []byte {
	od, vl, td := uint64(offDelta)<<1, uint64(len(v))<<1, uint64(tsDelta)<<1
	n := 1 + uvlen(td) + uvlen(od) + 1 + uvlen(vl) + len(v) + 1
	b = binary.AppendUvarint(b, uint64(n)<<1)
	b = append(b, 0)
	b = binary.AppendUvarint(b, td)
	b = binary.AppendUvarint(b, od)
	b = append(b, 1)
	b = binary.AppendUvarint(b, vl)
	b = append(b, v...)
	return append(b, 0)
}

func uvlen(v uint64) int {
	switch {
	case v < 1<<7:
		return 1
	case v < 1<<14:
		return 2
	case v < 1<<21:
		return 3
	}
	return 4
}

const recMax = 24 // most bytes a record adds to its value

func (e *encoder) full(r *request, n int) bool {
	if e.with.Codec != 0 {
		return len(r.raw)+n+recMax > e.cfg.BatchBytes-headerLen
	}
	return len(r.buf)-r.batchAt+n+recMax > e.cfg.BatchBytes
}

// finish ends the current batch and returns the framed request.
func (e *encoder) finish(r *request, baseTime int64, maxDelta int64) []byte {
	e.finishBatch(r, baseTime, maxDelta)
	be.PutUint32(r.buf[r.partsLen:], uint32(r.batches))
	be.PutUint32(r.buf, uint32(len(r.buf)-4))
	return r.buf
}

// finishBatch patches the header fields of the current batch.
func (e *encoder) finishBatch(r *request, baseTime int64, maxDelta int64) {
	if e.with.Codec != compress.None {
		var err error
		if r.buf, err = e.comp.Compress(r.buf, r.raw, e.with); err != nil {
			panic(err)
		}
	}
	b := r.buf[r.batchAt:]
	be.PutUint32(b[offLength:], uint32(len(b)-12))
	be.PutUint32(b[12:], ^uint32(0))
	b[offMagic] = 2
	be.PutUint16(b[offAttributes:], uint16(e.with.Codec))
	be.PutUint32(b[offLastDelta:], uint32(r.count-1))
	be.PutUint64(b[offBaseTime:], uint64(baseTime))
	be.PutUint64(b[offMaxTime:], uint64(baseTime+maxDelta))
	be.PutUint64(b[offProducerID:], 1)
	be.PutUint16(b[offProducerEp:], 0)
	be.PutUint32(b[offBaseSequence:], uint32(e.seq[e.part]))
	e.seq[e.part] += int32(r.count)
	be.PutUint32(b[offCount:], uint32(r.count))
	be.PutUint32(b[offCRC:], crc32.Checksum(b[offAttributes:], castagnoli))
	be.PutUint32(r.buf[r.recsLen:], uint32(len(b)))
	e.part = (e.part + 1) % int32(e.cfg.Partitions)
}

type respReader struct {
	c   net.Conn
	buf [4096]byte
}

// one reads one produce response and returns the error code and base offset.
func (rr *respReader) one() (errCode int16, part int32, base int64, err error) {
	if _, err = readFull(rr.c, rr.buf[:4]); err != nil {
		return
	}
	n := int(be.Uint32(rr.buf[:]))
	if n > len(rr.buf) {
		return 0, 0, 0, errors.New("long response")
	}
	if _, err = readFull(rr.c, rr.buf[:n]); err != nil {
		return
	}
	b := rr.buf[:n]
	tl := int(be.Uint16(b[8:]))
	b = b[10+tl+4:]
	return int16(be.Uint16(b[4:])), int32(be.Uint32(b)), int64(be.Uint64(b[6:])), nil
}

func readFull(c net.Conn, b []byte) (int, error) {
	n := 0
	for n < len(b) {
		m, err := c.Read(b[n:])
		n += m
		if err != nil {
			return n, err
		}
	}
	return n, nil
}

func newProducer(cfg *adapter.Config) (adapter.Producer, error) {
	c, err := dial(cfg)
	if err != nil {
		return nil, err
	}
	e, err := newEncoder(cfg)
	if err != nil {
		return nil, err
	}
	if cfg.Variant == "api" || cfg.Variant == "clock" {
		return newAPI(cfg, c, e), nil
	}
	return &floor{c: c, e: e, rr: respReader{c: c}}, nil
}

type floor struct {
	c        *net.TCPConn
	e        *encoder
	rr       respReader
	req      request
	inflight int
}

func (f *floor) Close() { f.c.Close() }

func (f *floor) reap() error {
	code, _, _, err := f.rr.one()
	f.inflight--
	if err == nil && code != 0 {
		err = fmt.Errorf("produce error %d", code)
	}
	return err
}

func (f *floor) ProduceN(values [][]byte, n int64) error {
	e, r := f.e, &f.req
	e.begin(r)
	vi := 0
	send := func() error {
		b := e.finish(r, time.Now().UnixMilli(), 0)
		if _, err := f.c.Write(b); err != nil {
			return err
		}
		if e.acks != 0 {
			if f.inflight++; f.inflight >= 5 {
				return f.reap()
			}
		}
		return nil
	}
	plain := e.with.Codec == 0
	for i := int64(0); i < n; i++ {
		v := values[vi]
		if vi++; vi == len(values) {
			vi = 0
		}
		if e.full(r, len(v)) {
			if r.batches < e.cfg.ReqBatches {
				e.finishBatch(r, time.Now().UnixMilli(), 0)
				e.beginBatch(r)
			} else {
				if err := send(); err != nil {
					return err
				}
				e.begin(r)
			}
		}
		if plain {
			r.buf = appendRecord(r.buf, 0, r.count, v)
		} else {
			r.raw = appendRecord(r.raw, 0, r.count, v)
		}
		r.count++
	}
	if r.count > 0 {
		if err := send(); err != nil {
			return err
		}
	}
	for f.inflight > 0 {
		if err := f.reap(); err != nil {
			return err
		}
	}
	return nil
}

func (f *floor) ProduceOne(v []byte, done func(error)) { done(f.ProduceN([][]byte{v}, 1)) }

// api is the realistic variant.
type api struct {
	cfg   *adapter.Config
	c     *net.TCPConn
	e     *encoder
	mu    sync.Mutex
	cur   *request
	base  int64
	delta int64
	free  chan *request
	out   chan *request
	sent  chan *request

	coarse bool
	clock  atomic.Int64
}

func newAPI(cfg *adapter.Config, c *net.TCPConn, e *encoder) *api {
	const n = 8
	a := &api{cfg: cfg, c: c, e: e, free: make(chan *request, n), out: make(chan *request, n), sent: make(chan *request, 5)}
	for i := 0; i < n; i++ {
		a.free <- &request{}
	}
	go a.write()
	go a.read()
	if cfg.Variant == "clock" {
		a.coarse = true
		a.clock.Store(time.Now().UnixMilli())
		go func() {
			for t := range time.Tick(time.Millisecond) {
				a.clock.Store(t.UnixMilli())
			}
		}()
	}
	return a
}

func (a *api) Close() { a.c.Close() }

func (a *api) write() {
	for r := range a.out {
		a.sent <- r
		if _, err := a.c.Write(r.buf); err != nil {
			return
		}
	}
}

func (a *api) read() {
	rr := respReader{c: a.c}
	for r := range a.sent {
		code, part, base, err := rr.one()
		if err == nil && code != 0 {
			err = fmt.Errorf("produce error %d", code)
		}
		for i, p := range r.promises {
			p(part, base+int64(i), err)
		}
		a.free <- r
	}
}

// produce is what an application would call for every record.
func (a *api) produce(key, value []byte, promise func(int32, int64, error)) {
	var now int64
	if a.coarse {
		now = a.clock.Load()
	} else {
		now = time.Now().UnixMilli()
	}
	a.mu.Lock()
	r := a.cur
	if r != nil && a.e.full(r, len(value)) {
		a.seal()
		r = nil
	}
	if r == nil {
		r = <-a.free
		a.e.begin(r)
		a.cur, a.base = r, now
	}
	if now < a.base { // read before the batch began
		now = a.base
	}
	if a.e.with.Codec == 0 {
		r.buf = appendRecord(r.buf, int(now-a.base), r.count, value)
	} else {
		r.raw = appendRecord(r.raw, int(now-a.base), r.count, value)
	}
	a.delta = now - a.base
	r.promises = append(r.promises, promise)
	r.count++
	a.mu.Unlock()
}

func (a *api) seal() {
	a.e.finish(a.cur, a.base, a.delta)
	a.out <- a.cur
	a.cur = nil
}

func (a *api) flush() {
	a.mu.Lock()
	if a.cur != nil {
		a.seal()
	}
	a.mu.Unlock()
}

func (a *api) ProduceN(values [][]byte, n int64) error {
	var acked int64
	var firstErr error
	done := make(chan struct{})
	promise := func(_ int32, _ int64, err error) {
		if err != nil {
			firstErr = err
		}
		if acked++; acked == n {
			close(done)
		}
	}
	vi := 0
	for i := int64(0); i < n; i++ {
		a.produce(nil, values[vi], promise)
		if vi++; vi == len(values) {
			vi = 0
		}
	}
	a.flush()
	<-done
	return firstErr
}

func (a *api) ProduceOne(v []byte, done func(error)) {
	a.produce(nil, v, func(_ int32, _ int64, err error) { done(err) })
	a.flush()
}
