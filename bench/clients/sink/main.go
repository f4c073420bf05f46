// Command sink is a broker for benchmarks that costs as little CPU as it can: what is produced is
// counted and dropped, what is fetched comes from encoded batches of which only the base offset
// is set. Every topic exists, with -partitions partitions, all led by this one broker. It knows no
// groups, no transactions, no storage, and looks into records only with -verify.
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"log"
	"net"
	"os"
	"os/signal"
	"runtime"
	"strconv"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/franzi-kafka/franzi/bench/clients/adapter"
	"github.com/franzi-kafka/franzi/kmsg/batch"
	"github.com/franzi-kafka/franzi/kmsg/compress"
)

type config struct {
	addr, control string
	host          string
	port          int32
	partitions    int
	size          int
	compression   string
	batchBytes    int
	fetchBytes    int
	verify        bool
	delay         time.Duration
	maxProduce    int
	maxFetch      int
}

// highWatermark is where every partition ends: no consumer gets there.
const highWatermark = 1 << 50

// counters count since the last control connection.
type counters struct {
	requests, produceRequests, fetchRequests, emptyFetches atomic.Int64
	batches, badBatches, records, recordBytes, valueBytes  atomic.Int64
	fetchedRecords, fetchedBytes                           atomic.Int64
}

type server struct {
	config
	counters
	ring        [][]byte // encoded batches to fetch
	perBatch    int      // records in each
	producerIDs atomic.Int64
	cpu         float64 // of the process, when the counters were last read
}

func main() {
	s := &server{}
	flag.StringVar(&s.addr, "addr", "127.0.0.1:47092", "`address` to listen on and to advertise")
	flag.StringVar(&s.control, "control", "127.0.0.1:47093", "`address` where a connection gets the counters as JSON, and resets them")
	flag.IntVar(&s.partitions, "partitions", 8, "partitions of every topic")
	flag.IntVar(&s.size, "size", 100, "bytes of a fetched value")
	flag.StringVar(&s.compression, "compression", "none", "compression of fetched batches")
	flag.IntVar(&s.batchBytes, "batch-bytes", 65536, "size of a fetched batch before compression")
	flag.IntVar(&s.fetchBytes, "fetch-bytes", 8<<20, "most bytes of a partition in an answer to Fetch, if the client allows more")
	flag.BoolVar(&s.verify, "verify", false, "check every record that is produced")
	flag.DurationVar(&s.delay, "delay", 0, "how long an answer to Produce takes")
	flag.IntVar(&s.maxProduce, "max-produce", 13, "highest version of Produce")
	flag.IntVar(&s.maxFetch, "max-fetch", 17, "highest version of Fetch")
	flag.Parse()
	if err := s.run(); err != nil {
		log.Fatal(err)
	}
}

func (s *server) run() error {
	host, port, err := net.SplitHostPort(s.addr)
	if err != nil {
		return err
	}
	n, err := strconv.ParseInt(port, 10, 32)
	if err != nil {
		return err
	}
	s.host, s.port = host, int32(n)
	if err := s.encode(); err != nil {
		return err
	}
	l, err := net.Listen("tcp", s.addr)
	if err != nil {
		return err
	}
	control, err := net.Listen("tcp", s.control)
	if err != nil {
		return err
	}
	s.cpu = adapter.CPU()
	go accept(control, s.report)
	go accept(l, s.serve)
	interrupted := make(chan os.Signal, 1)
	signal.Notify(interrupted, syscall.SIGINT, syscall.SIGTERM)
	<-interrupted
	return nil
}

func accept(l net.Listener, serve func(net.Conn)) {
	for {
		c, err := l.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			log.Print(err)
			continue
		}
		go serve(c)
	}
}

// encode makes the batches to fetch.
func (s *server) encode() error {
	codec, err := compress.ParseCodec(s.compression)
	if err != nil {
		return err
	}
	var codecs compress.Codecs
	values := adapter.Values(s.size)
	s.perBatch = max(1, s.batchBytes/(s.size+9))
	const baseTime = 1_700_000_000_000
	for at := range 16 {
		b := batch.NewBuilder(nil, batch.V2)
		for i := range s.perBatch {
			b.Append(baseTime+int64(i/64), nil, values[(at*s.perBatch+i)%len(values)], nil)
		}
		sealed := b.Seal()
		if codec == compress.None {
			sealed.Checksum()
		} else if _, err := sealed.Compress(&codecs, compress.Settings{Codec: codec}, nil); err != nil {
			return err
		}
		s.ring = append(s.ring, sealed.Bytes)
	}
	fmt.Fprintf(os.Stderr, "sink %s: %d partitions, batches of %d records in %d bytes, %s\n", s.addr, s.partitions, s.perBatch, len(s.ring[0]), codec)
	runtime.GC()
	return nil
}

// report writes the counters.
func (s *server) report(c net.Conn) {
	defer c.Close()
	cpu := adapter.CPU()
	counted := map[string]float64{"cpu": cpu - s.cpu, "batch_bytes": float64(len(s.ring[0])), "batch_records": float64(s.perBatch)}
	s.cpu = cpu
	for name, n := range map[string]*atomic.Int64{
		"requests": &s.requests, "produce_requests": &s.produceRequests, "fetch_requests": &s.fetchRequests, "empty_fetches": &s.emptyFetches,
		"batches": &s.batches, "bad_batches": &s.badBatches, "records": &s.records, "record_bytes": &s.recordBytes, "value_bytes": &s.valueBytes,
		"fetched_records": &s.fetchedRecords, "fetched_bytes": &s.fetchedBytes,
	} {
		counted[name] = float64(n.Swap(0))
	}
	if err := json.NewEncoder(c).Encode(counted); err != nil {
		log.Print(err)
	}
}
