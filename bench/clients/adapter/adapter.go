// Package common is the shared half of every benchmark adapter: flags, the
// payload generator, the measuring frame around the timed section, and the
// one-line JSON result. An adapter only supplies a Producer and/or a Consumer.
package adapter

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strings"
	"time"
)

// Config is the parsed command line; every adapter takes the same flags.
type Config struct {
	Mode        string        `json:"mode"`
	Brokers     []string      `json:"-"`
	Topic       string        `json:"-"`
	Partitions  int           `json:"partitions"`
	Records     int64         `json:"-"`
	Warmup      int64         `json:"-"`
	Size        int           `json:"value_size"`
	Compression string        `json:"compression"`
	Acks        string        `json:"acks"`
	Idempotent  bool          `json:"idempotent"`
	Linger      time.Duration `json:"linger_ns"`
	BatchBytes  int           `json:"batch_bytes"`
	MaxInflight int64         `json:"max_buffered"`
	FetchBytes  int           `json:"fetch_bytes"`
	ReqBatches  int           `json:"-"`
	Rate        int           `json:"rate"`
	Variant     string        `json:"variant"`
	CPUProfile  string        `json:"-"`
	MemProfile  string        `json:"-"`
}

// Result is the JSON line printed at the end.
type Result struct {
	Client        string  `json:"client"`
	Version       string  `json:"client_version"`
	Go            string  `json:"go"`
	GOMAXPROCS    int     `json:"gomaxprocs"`
	Config                // flattened
	Records       int64   `json:"records"`
	Bytes         int64   `json:"bytes"`
	WallS         float64 `json:"wall_s"`
	UserS         float64 `json:"user_s"`
	SysS          float64 `json:"sys_s"`
	CPUNsRec      float64 `json:"cpu_ns_per_rec"`
	UserNsRec     float64 `json:"user_ns_per_rec"`
	SysNsRec      float64 `json:"sys_ns_per_rec"`
	RecS          float64 `json:"records_per_s"`
	MBs           float64 `json:"mb_per_s"`
	AllocsRec     float64 `json:"allocs_per_rec"`
	AllocBytesRec float64 `json:"alloc_bytes_per_rec"`
	GC            uint32  `json:"gc_cycles"`
	PeakRSSMB     float64 `json:"peak_rss_mb"`
	P50us         float64 `json:"p50_us,omitempty"`
	P99us         float64 `json:"p99_us,omitempty"`
	P999us        float64 `json:"p999_us,omitempty"`
	Maxus         float64 `json:"max_us,omitempty"`
	CtxSwitches   int64   `json:"ctx_switches"`
	Note          string  `json:"note,omitempty"`
	Err           string  `json:"error,omitempty"`
}

// Producer is what an adapter implements for "produce".
type Producer interface {
	// ProduceN produces n records asynchronously, round-robin over values,
	// and returns when every record has been acknowledged (or written, for
	// acks=0). It must observe one completion per record where the client
	// offers that.
	ProduceN(values [][]byte, n int64) error
	// ProduceOne produces one record without blocking for its
	// acknowledgement and calls done once when it is acknowledged. It is
	// used by the low-rate latency mode only.
	ProduceOne(value []byte, done func(error))
	Close()
}

// Consumer is what an adapter implements for "consume": read at least n
// records of all partitions, touching every value.
type Consumer interface {
	ConsumeN(n int64) (records, bytes int64, err error)
	Close()
}

// Adapter ties the parts together.
type Adapter struct {
	Name     string // printed name
	Module   string // import path looked up in the build info for the version
	Version  string // overrides Module's version
	Note     string
	Producer func(*Config) (Producer, error)
	Consumer func(*Config) (Consumer, error)
}

// Main is every adapter's main.
func Main(a Adapter) {
	if len(os.Args) < 2 || (os.Args[1] != "produce" && os.Args[1] != "consume") {
		fmt.Fprintln(os.Stderr, "usage: <client> produce|consume [flags]")
		os.Exit(2)
	}
	cfg := &Config{Mode: os.Args[1]}
	fs := flag.NewFlagSet(cfg.Mode, flag.ExitOnError)
	brokers := fs.String("brokers", "127.0.0.1:47092", "comma separated seed brokers")
	fs.StringVar(&cfg.Topic, "topic", "bench", "topic")
	fs.IntVar(&cfg.Partitions, "partitions", 8, "partitions of the topic")
	fs.Int64Var(&cfg.Records, "records", 2_000_000, "records in the timed section")
	fs.Int64Var(&cfg.Warmup, "warmup", -1, "records before the timed section (-1: a fifth of -records)")
	fs.IntVar(&cfg.Size, "size", 100, "value size in bytes")
	fs.StringVar(&cfg.Compression, "compression", "none", "none|gzip|snappy|lz4|zstd")
	fs.StringVar(&cfg.Acks, "acks", "all", "all|1|0")
	fs.BoolVar(&cfg.Idempotent, "idempotent", true, "idempotent producing where the client can")
	fs.DurationVar(&cfg.Linger, "linger", 5*time.Millisecond, "producer linger")
	fs.IntVar(&cfg.BatchBytes, "batch-bytes", 1_000_000, "max bytes of one record batch")
	fs.Int64Var(&cfg.MaxInflight, "max-buffered", 100_000, "records buffered in the client at most")
	fs.IntVar(&cfg.FetchBytes, "fetch-bytes", 1<<20, "max bytes per partition and fetch")
	fs.IntVar(&cfg.ReqBatches, "request-batches", 1, "limit only: batches (of different partitions) per produce request")
	fs.IntVar(&cfg.Rate, "rate", 0, "latency mode: records per second (0: as fast as possible)")
	fs.StringVar(&cfg.Variant, "variant", "", "adapter specific variant")
	fs.StringVar(&cfg.CPUProfile, "cpuprofile", "", "write a CPU profile of the timed section here")
	fs.StringVar(&cfg.MemProfile, "memprofile", "", "write an allocation profile here")
	_ = fs.Parse(os.Args[2:])
	cfg.Brokers = strings.Split(*brokers, ",")
	if cfg.Warmup < 0 {
		cfg.Warmup = cfg.Records / 5
	}
	res := Result{Client: a.Name, Version: a.Version, Config: *cfg, Note: a.Note, Go: runtime.Version(), GOMAXPROCS: runtime.GOMAXPROCS(0)}
	if cfg.Variant != "" {
		res.Client += "/" + cfg.Variant
	}
	if res.Version == "" {
		res.Version = depVersion(a.Module)
	}
	err := run(a, cfg, &res)
	if err != nil {
		res.Err = err.Error()
	}
	b, _ := json.Marshal(res)
	fmt.Println(string(b))
	if err != nil {
		os.Exit(1)
	}
}

func depVersion(mod string) string {
	bi, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	for _, d := range bi.Deps {
		if d.Path == mod {
			return d.Version
		}
	}
	return ""
}
