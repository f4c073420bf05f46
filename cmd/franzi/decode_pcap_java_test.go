package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// javaCapture is what went over a loopback interface, packet by packet, when Kafka's console producer
// sent 30 records with lz4 to a broker of 3.9.2, and its console consumer read them in a group.
const javaCapture = "testdata/java-3.9.2.pcap.gz"

// A capture of Kafka's own clients and broker: each request has its response, all of them decode,
// and the records are those that were produced.
func TestPcapOfJava(t *testing.T) {
	got := run(t, "", "decode", "--pcap", javaCapture, "-o", "jsonl")
	if want := "franzi: " + javaCapture + ": 25 exchanges on 5 connections, 112 packets\n"; got.code != exitOK || got.err != want {
		t.Fatalf("got exit %d %q, want %q", got.code, got.err, want)
	}
	type partition struct {
		Records []struct {
			Compression string
			IsValid     bool
			Records     []struct {
				Offset     int64
				Key, Value string
			}
		}
	}
	apis := map[string]int{}
	var produced, fetched []string
	read := func(p partition, into *[]string) {
		for _, b := range p.Records {
			if b.Compression != "lz4" || !b.IsValid {
				t.Errorf("got a batch %s, valid %t", b.Compression, b.IsValid)
			}
			for _, r := range b.Records {
				*into = append(*into, fmt.Sprint(r.Offset, " ", r.Key, " ", r.Value))
			}
		}
	}
	for line := range strings.Lines(got.out) {
		var e struct {
			API, Note string
			LatencyMs *float64
			Request   struct {
				TopicData []struct{ PartitionData []partition }
			}
			Response struct {
				Responses []struct{ Partitions []partition }
			}
		}
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatalf("%v in %s", err, line)
		}
		if e.Note != "" || e.LatencyMs == nil || *e.LatencyMs <= 0 || strings.Contains(line, `"opaque"`) {
			t.Errorf("got %.300s", line)
		}
		apis[e.API]++
		for _, topic := range e.Request.TopicData {
			for _, p := range topic.PartitionData {
				read(p, &produced)
			}
		}
		for _, topic := range e.Response.Responses {
			for _, p := range topic.Partitions {
				read(p, &fetched)
			}
		}
	}
	var want []string
	for i := range 30 {
		want = append(want, fmt.Sprint(i, " key value number ", strings.Repeat("x", i)))
	}
	if !slices.Equal(produced, want) || !slices.Equal(fetched, want) {
		t.Errorf("got %q produced and %q fetched, want %q", produced, fetched, want)
	}
	for api, n := range map[string]int{"ApiVersions": 5, "Metadata": 5, "InitProducerId": 2, "Produce": 1, "FindCoordinator": 2, "JoinGroup": 2,
		"SyncGroup": 1, "OffsetFetch": 1, "ListOffsets": 1, "Fetch": 3, "OffsetCommit": 1, "LeaveGroup": 1} {
		if apis[api] != n {
			t.Errorf("got %d of %s, want %d", apis[api], api, n)
		}
	}
}
