package main

import (
	"slices"
	"strings"
	"testing"

	"github.com/franzi-kafka/franzi/kgo/ktest"
)

// completions asks as the scripts in shells do.
func completions(t *testing.T, args ...string) []string {
	t.Helper()
	return completionsWith(t, noNetwork, args...)
}

func completionsWith(t *testing.T, dial dialer, args ...string) []string {
	t.Helper()
	got := runWith(t.Context(), dial, "", append([]string{"__completeNoDesc"}, args...)...)
	lines := strings.Split(strings.TrimSuffix(got.out, "\n"), "\n")
	return lines[:len(lines)-1] // the last one is for the script
}

func TestCompletions(t *testing.T) {
	for _, tt := range []struct {
		args []string
		want []string // among others, if there are more than 3
	}{
		{[]string{"a"}, []string{"api"}},
		{[]string{"api", "sh"}, []string{"show"}},
		{[]string{"api", "show", "Metad"}, []string{"Metadata", "MetadataRequest", "MetadataResponse"}},
		{[]string{"api", "show", "offsetcommitv"}, []string{"OffsetCommitValue"}},
		{[]string{"api", "show", "Heartbeat", "-v", ""}, []string{"4", "3", "2", "1", "0"}},
		{[]string{"api", "diff", "Hear"}, []string{"Heartbeat", "HeartbeatRequest", "HeartbeatResponse"}},
		{[]string{"api", "diff", "EndTxn", "1", ""}, []string{"5", "4", "3", "2", "1", "0"}},
		{[]string{"api", "diff", "EndTxn", "1", "2", ""}, nil},
		{[]string{"api", "diff", "--releases", "3."}, []string{"3.0", "3.1", "3.9"}},
		{[]string{"api", "list", "--release", "4."}, []string{"4.0", "4.4"}},
		{[]string{"api", "list", "--listener", ""}, []string{"broker", "controller", "zkBroker"}},
		{[]string{"api", "list", "-o", ""}, []string{"table", "json", "jsonl", "yaml", "raw", "template="}},
		{[]string{"req", "MetadataR"}, nil},
		{[]string{"req", "Metad"}, []string{"Metadata"}},
		{[]string{"req", "Heartbeat", "--api-version", ""}, []string{"4", "3", "2", "1", "0"}},
		{[]string{"encode", "EndTxnM"}, []string{"EndTxnMarker"}},
		{[]string{"encode", "--format", ""}, []string{"hex", "base64", "raw"}},
		{[]string{"encode", "rec"}, []string{"records"}},
		{[]string{"decode", "rec"}, []string{"records"}},
		{[]string{"decode", "--segment", ""}, []string{"log", "checkpoint"}},
		{[]string{"decode", "--pcap", ""}, []string{"pcap", "pcapng"}},
		{[]string{"decode", "__c"}, []string{"__consumer_offsets", "__cluster_metadata"}},
		{[]string{"decode", "--response-to", "Heartb"}, []string{"Heartbeat"}},
		{[]string{"decode", "--response-to", "Heartbeat", "-v", ""}, []string{"4", "3", "2", "1", "0"}},
		{[]string{"error", "FENCED_L"}, []string{"FENCED_LEADER_EPOCH"}},
		{[]string{"error", "l"}, []string{"list", "LEADER_NOT_AVAILABLE"}},
		{[]string{"produce", "-z", "z"}, []string{"zstd"}},
		{[]string{"produce", "--acks", ""}, []string{"all", "1", "0"}},
		{[]string{"completion", ""}, []string{"bash", "zsh", "fish", "powershell"}},
		{[]string{"help", "api", ""}, []string{"list", "show", "diff", "versions"}},
	} {
		got := completions(t, tt.args...)
		for _, want := range tt.want {
			if !slices.Contains(got, want) {
				t.Errorf("%q: got %q, want %q among them", tt.args, got, want)
			}
		}
		if len(tt.want) == 0 && len(got) > 0 {
			t.Errorf("%q: got %q, want nothing", tt.args, got)
		}
	}
}

func TestCompletionScripts(t *testing.T) {
	for _, shell := range shells() {
		got := run(t, "", "completion", shell)
		if got.code != exitOK || !strings.Contains(got.out, "__complete") || got.err != "" {
			t.Errorf("%s: exit %d %s, %d bytes", shell, got.code, got.err, len(got.out))
		}
		value := run(t, "", "completion", strings.ToUpper(shell), "-o", "template={{.script}}")
		if value.out != got.out+"\n" {
			t.Errorf("%s: the script in a template is another", shell)
		}
	}
}

// A cluster is asked for topics, brokers and configs; if it is not there, nothing is said.
func TestCompletionsOfClusters(t *testing.T) {
	cluster := ktest.NewCluster(t, ktest.Brokers(2), ktest.SeedTopic("orders", 1), ktest.SeedTopic("payments", 1))
	for _, tt := range []struct {
		args, want string
	}{
		{"topic describe ", "orders payments"},
		{"topic delete orders ", "payments"},
		{"topic grow or", "orders"},
		{"topic grow orders ", ""},
		{"config get ", "topic broker broker-logger group client-metrics"},
		{"config get topic p", "payments"},
		{"config get broker ", "1 2 default"},
		{"config get topic orders retention.m", "retention.ms"},
		{"config set topic orders retention.m", "retention.ms="},
		{"topic list --sasl OA", "OAUTHBEARER"},
	} {
		words := strings.Split(tt.args, " ")
		args := slices.Insert(words, min(2, len(words)-1), "-b", "broker1")
		if got := strings.Join(completionsWith(t, cluster.DialContext, args...), " "); got != tt.want {
			t.Errorf("%q: got %q, want %q", tt.args, got, tt.want)
		}
	}
	got := run(t, "", "__completeNoDesc", "topic", "describe", "-b", "broker1", "")
	if got.out != ":4\n" || strings.Contains(got.err, "network") {
		t.Errorf("without a cluster: got %q %q", got.out, got.err)
	}
}
