// Command clients measures Kafka clients side by side: each program in a folder beside it writes or
// reads the same bytes at the same broker, in alternating rounds, and is judged by the CPU time of
// its own process per record. See README.md of the module.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A client is a program and a variant of it, "name" or "name/variant" on the command line.
type client struct{ name, program, variant string }

// A scenario is what clients are measured at.
type scenario struct {
	mode, compression string
	size              int
}

func (s scenario) String() string { return fmt.Sprintf("%s %d B %s", s.mode, s.size, s.compression) }

var (
	work         = flag.String("work", filepath.Join(os.TempDir(), "franzi-bench"), "`folder` for programs and results")
	noBuild      = flag.Bool("no-build", false, "use the programs that are in -work")
	names        = flag.String("clients", "limit,limit/api,limit/records,franzi,franzi/batches,franz-go,franz-go/pool,sarama,kafka-go,confluent,librdkafka", "clients, with their variants, by commas; the first is measured first")
	modes        = flag.String("modes", "produce,consume", "produce, consume")
	sizes        = flag.String("sizes", "100,1024", "bytes of a value")
	compressions = flag.String("compressions", "none,lz4,zstd", "compressions")
	rounds       = flag.Int("rounds", 3, "rounds")
	cpuSeconds   = flag.Float64("seconds", 1.5, "CPU seconds of a client in a round, which decide how many records it has")
	maxRecords   = flag.Int64("max-records", 20_000_000, "most records of a round")
	fixed        = flag.Int64("records", 0, "records of a round, instead of -seconds")
	rate         = flag.Int("rate", 0, "measure the latency of so many single records a second")
	goMaxProcs   = flag.Int("gomaxprocs", 1, "GOMAXPROCS of clients")
	gogc         = flag.String("gogc", "", "GOGC of clients")
	clientCPU    = flag.String("client-cpu", "1", "cores of clients, as for taskset; none to let them run anywhere")
	brokerCPU    = flag.String("broker-cpu", "0", "cores of the broker")
	partitions   = flag.Int("partitions", 8, "partitions")
	fetched      = flag.Int("fetched-batch", 65536, "bytes of a batch to consume, before compression")
	base         = flag.String("base", "franz-go", "`client` to compare with")
	external     = flag.String("brokers", "", "`addresses` of real brokers, instead of the one that drops all; the topic must exist and, to consume, be full")
	topic        = flag.String("topic", "bench", "topic")
	extra        = flag.String("extra", "", "further flags for clients, by spaces")
	brokerExtra  = flag.String("broker-extra", "", "further flags for the broker, by spaces")
	timeout      = flag.Duration("timeout", 2*time.Minute, "of a client in a round")
	javaFlags    = flag.String("java-flags", "-XX:+UseSerialGC -Xms1g -Xmx1g", "flags of the Java VM")
	javaWarmup   = flag.Int("java-warmup", 5, "least seconds that Java warms up")
)

func main() {
	log.SetFlags(0)
	flag.Parse()
	if err := measure(); err != nil {
		log.Fatal(err)
	}
}

func measure() error {
	var clients []client
	for name := range strings.SplitSeq(*names, ",") {
		program, variant, _ := strings.Cut(name, "/")
		clients = append(clients, client{name, program, variant})
	}
	scenarios, err := parseScenarios()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(*work, 0o755); err != nil {
		return err
	}
	if !*noBuild {
		if err := build(clients); err != nil {
			return err
		}
	}
	raw, err := os.OpenFile(filepath.Join(*work, "results.jsonl"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer raw.Close()
	fmt.Printf("%d rounds of %.1f s of CPU time, GOMAXPROCS=%d, %d partitions\n", *rounds, *cpuSeconds, *goMaxProcs, *partitions)
	for _, s := range scenarios {
		results, err := runScenario(s, clients, raw)
		if err != nil {
			return fmt.Errorf("%s: %w", s, err)
		}
		printTable(s, clients, results)
	}
	return nil
}

func parseScenarios() (all []scenario, err error) {
	for mode := range strings.SplitSeq(*modes, ",") {
		for text := range strings.SplitSeq(*sizes, ",") {
			size, err := strconv.Atoi(text)
			if err != nil {
				return nil, fmt.Errorf("-sizes: %w", err)
			}
			for compression := range strings.SplitSeq(*compressions, ",") {
				all = append(all, scenario{mode, compression, size})
			}
		}
	}
	return all, nil
}

// has reports whether a client takes part in a scenario: some variants are for one mode.
func (c client) has(s scenario) bool {
	switch c.name {
	case "limit/api", "limit/clock", "franz-go/stream", "franz-go/sticky", "confluent/batch":
		return s.mode == "produce"
	case "limit/records", "limit/fresh", "limit/iter", "limit/iterfresh", "franzi/batches", "confluent/crc", "librdkafka/crc", "java/bytes", "java/async":
		return s.mode == "consume"
	}
	return true
}

// runScenario runs all clients in rounds, in each another one first. The first round is not
// counted: it tells how many records a client needs.
func runScenario(s scenario, clients []client, raw io.Writer) (map[string][]result, error) {
	addr := *external
	if addr == "" {
		broker, err := startBroker(s)
		if err != nil {
			return nil, err
		}
		defer broker.stop()
		addr = broker.addr
	}
	results, records := map[string][]result{}, map[string]int64{}
	for round := range *rounds + 1 {
		first := max(round-1, 0) % len(clients)
		for _, c := range slices.Concat(clients[first:], clients[:first]) {
			n := records[c.name]
			switch {
			case !c.has(s) || round > 0 && n == 0: // it failed before
				continue
			case round == 0 && *rate > 0:
				records[c.name] = int64(float64(*rate) * *cpuSeconds)
				continue
			case round == 0 && *fixed > 0:
				records[c.name] = *fixed
				continue
			case round == 0:
				n = 150_000
			}
			r, err := runClient(c, s, addr, n, round == 0)
			if err != nil {
				log.Printf("%s: %s: %v", s, c.name, err)
				continue
			}
			if round == 0 {
				records[c.name] = min(*maxRecords, max(100_000, int64(*cpuSeconds*1e9/math.Max(r.CPUNsRec, 1))))
				continue
			}
			r.Round = round
			results[c.name] = append(results[c.name], r)
			if err := json.NewEncoder(raw).Encode(r); err != nil {
				return nil, err
			}
		}
	}
	return results, nil
}
