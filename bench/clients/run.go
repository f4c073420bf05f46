package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/franzi-kafka/franzi/bench/clients/adapter"
)

// A result is what a client and the broker say of a round.
type result struct {
	adapter.Result
	Broker          map[string]float64 `json:"broker,omitempty"`
	RecordsPerBatch float64            `json:"records_per_batch"`
	BytesPerRecord  float64            `json:"bytes_per_rec"` // in batches
	BatchesPerReq   float64            `json:"batches_per_request"`
	BrokerNsRec     float64            `json:"broker_cpu_ns_per_rec"`
	Warmed          int64              `json:"warmup_records,omitempty"` // by a client that warms up as long as it likes
	JITNsRec        float64            `json:"jit_ns_per_rec,omitempty"` // contained in CPUNsRec
	Round           int                `json:"round"`
}

// runClient runs a client once.
func runClient(c client, s scenario, addr string, n int64, rehearsal bool) (r result, err error) {
	args := []string{s.mode, "--brokers=" + addr, "--topic=" + *topic, fmt.Sprintf("--records=%d", n), fmt.Sprintf("--size=%d", s.size),
		"--compression=" + s.compression, fmt.Sprintf("--partitions=%d", *partitions)}
	if c.variant != "" {
		args = append(args, "--variant="+c.variant)
	}
	if s.mode == "produce" && (c.program == "librdkafka" || c.program == "java") {
		file, err := valuesFile(s.size)
		if err != nil {
			return r, err
		}
		args = append(args, "--values="+file)
	}
	if *rate > 0 {
		args = append(args, fmt.Sprintf("--rate=%d", *rate), "--linger=0")
	}
	if c.program == "java" {
		warmup := *javaWarmup
		if rehearsal {
			warmup = 2
		}
		args = append(args, fmt.Sprintf("--warmup-seconds=%d", warmup))
	}
	args = append(args, strings.Fields(*extra)...)

	if *external == "" {
		if _, err := counters(); err != nil { // begin with zeros
			return r, err
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), *timeout)
	defer cancel()
	cmd := pinned(ctx, *clientCPU, filepath.Join(*work, c.program), args...)
	cmd.Env = append(os.Environ(), fmt.Sprintf("GOMAXPROCS=%d", *goMaxProcs))
	if *gogc != "" {
		cmd.Env = append(cmd.Env, "GOGC="+*gogc)
	}
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	runErr := cmd.Run()
	if err := json.Unmarshal(stdout.Bytes(), &r); err != nil {
		return r, fmt.Errorf("%v: %.800s%.800s", runErr, stdout.String(), stderr.String())
	}
	if r.Err != "" {
		return r, fmt.Errorf("%s", r.Err)
	}
	if runErr != nil {
		return r, runErr
	}
	r.Client = c.name
	if *external != "" {
		return r, nil
	}
	if r.Broker, err = counters(); err != nil {
		return r, err
	}
	return r, r.check(s, n)
}

// check holds what a client says against what the broker saw, and fills in what only that knows.
func (r *result) check(s scenario, n int64) error {
	b := r.Broker
	if s.mode == "consume" {
		if b["fetched_records"] < float64(r.Records) {
			return fmt.Errorf("%d records were consumed, of %v", r.Records, b["fetched_records"])
		}
		r.RecordsPerBatch, r.BytesPerRecord = b["batch_records"], b["batch_bytes"]/b["batch_records"]
		r.BatchesPerReq = b["fetched_records"] / b["batch_records"] / b["fetch_requests"]
		r.BrokerNsRec = b["cpu"] * 1e9 / b["fetched_records"]
		return nil
	}
	want := n + n/5 // the warm-up is a fifth
	if r.Warmed > 0 {
		want = n + r.Warmed
	}
	if b["bad_batches"] > 0 {
		return fmt.Errorf("%v batches are bad", b["bad_batches"])
	}
	if *rate == 0 && b["records"] != float64(want) {
		return fmt.Errorf("the broker saw %v records, not %d", b["records"], want)
	}
	r.RecordsPerBatch, r.BytesPerRecord = b["records"]/b["batches"], b["record_bytes"]/b["records"]
	r.BatchesPerReq = b["batches"] / b["produce_requests"]
	r.BrokerNsRec = b["cpu"] * 1e9 / b["records"]
	return nil
}

// A broker is the one that drops all.
type broker struct {
	addr string
	cmd  *exec.Cmd
}

var controlAddr string

func startBroker(s scenario) (*broker, error) {
	addr, err := freeAddr()
	if err != nil {
		return nil, err
	}
	if controlAddr, err = freeAddr(); err != nil {
		return nil, err
	}
	args := []string{"-addr", addr, "-control", controlAddr, "-partitions", strconv.Itoa(*partitions), "-size", strconv.Itoa(s.size),
		"-compression", s.compression, "-batch-bytes", strconv.Itoa(*fetched)}
	cmd := pinned(context.Background(), *brokerCPU, filepath.Join(*work, "sink"), append(args, strings.Fields(*brokerExtra)...)...)
	cmd.Env = append(os.Environ(), "GOMAXPROCS=1")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	b := &broker{addr, cmd}
	for range 100 {
		if _, err := counters(); err == nil {
			return b, nil
		}
		time.Sleep(50 * time.Millisecond)
	}
	b.stop()
	return nil, fmt.Errorf("the broker does not answer: %s", stderr.String())
}

func (b *broker) stop() {
	if b.cmd.Process.Kill() == nil {
		b.cmd.Wait() // says that it was killed
	}
}

// counters reads the broker's counters, which begin anew.
func counters() (map[string]float64, error) {
	c, err := net.Dial("tcp", controlAddr)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	var m map[string]float64
	return m, json.NewDecoder(c).Decode(&m)
}

func freeAddr() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

func pinned(ctx context.Context, cores, program string, args ...string) *exec.Cmd {
	if cores == "" {
		return exec.CommandContext(ctx, program, args...)
	}
	return exec.CommandContext(ctx, "taskset", append([]string{"-c", cores, program}, args...)...)
}

// valuesFile writes the values for programs that are not Go.
func valuesFile(size int) (string, error) {
	file := filepath.Join(*work, fmt.Sprintf("values-%d.bin", size))
	return file, os.WriteFile(file, bytes.Join(adapter.Values(size), nil), 0o644)
}
