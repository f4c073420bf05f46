package kmsg_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/franzi-kafka/franzi/kmsg"
)

func TestAPIs(t *testing.T) {
	apis := kmsg.APIs()
	if len(apis) != 95 {
		t.Errorf("got %d APIs, want 95", len(apis))
	}
	for _, a := range apis {
		req := kmsg.NewRequest(a.Key)
		if req == nil || req.APIKey() != a.Key || req.Response().APIKey() != a.Key {
			t.Errorf("%s: NewRequest gives %T", a.Name, req)
			continue
		}
		d := definitions[a.Name+"Request"]
		if low, high := d.Versions(); int16(low) != a.MinVersion || int16(high) != a.MaxVersion {
			t.Errorf("%s: versions %d to %d, defined are %d to %d", a.Name, a.MinVersion, a.MaxVersion, low, high)
		}
		if key, ok := kmsg.ParseAPIKey(strings.ToLower(a.Name)); !ok || key != a.Key {
			t.Errorf("ParseAPIKey(%q) gives %d, %v", strings.ToLower(a.Name), key, ok)
		}
		if a.Key.String() != a.Name {
			t.Errorf("key %d is called %q, want %q", int16(a.Key), a.Key, a.Name)
		}
	}
	if req := kmsg.NewRequest(95); req != nil {
		t.Errorf("NewRequest(95) gives %T", req)
	}
	if got := kmsg.APIKey(95).String(); got != "APIKey(95)" {
		t.Errorf("an unknown key is called %q", got)
	}
}

// A few rows that were looked up in Kafka's documentation and KIPs.
func TestAPIFacts(t *testing.T) {
	tests := []struct {
		key      kmsg.APIKey
		version  int16
		since    string
		flexible int16
		unstable bool
		listen   string
	}{
		{kmsg.KeyFetch, 4, "0.11.0", 12, false, "broker controller"}, // KIP-98
		{kmsg.KeyFetch, 7, "1.1", 12, false, "broker controller"},    // KIP-227
		{kmsg.KeyProduce, 13, "4.1", 9, false, "broker"},             // KIP-516
		{kmsg.KeyAPIVersions, 0, "0.10.0", 3, false, "broker controller"},
		{kmsg.KeyAPIVersions, 5, "4.4", 3, false, "broker controller"}, // KIP-1242
		{kmsg.KeyInitProducerID, 6, "", 2, true, "broker"},             // KIP-939
		{kmsg.KeyLeaderAndISR, 7, "3.4", 4, false, "zkBroker"},
		{kmsg.KeyVote, 0, "2.7", 0, false, "controller"},
		{kmsg.KeySASLHandshake, 0, "0.10.0", -1, false, "broker controller"},
		{kmsg.KeyMetadata, 0, "0.8.0", 9, false, "broker"},
		{kmsg.KeyShareFetch, 1, "4.1", 0, false, "broker"},
		{kmsg.KeyShareFetch, 0, "", 0, false, "broker"}, // early access in 3.9 and 4.0
	}
	for _, tt := range tests {
		a := kmsg.LookupAPI(tt.key)
		if got := a.Since(tt.version); got != tt.since {
			t.Errorf("%s %d: since %q, want %q", a.Name, tt.version, got, tt.since)
		}
		if a.FlexibleFrom != tt.flexible || a.Unstable != tt.unstable {
			t.Errorf("%s: flexible from %d, unstable %v; want %d, %v", a.Name, a.FlexibleFrom, a.Unstable, tt.flexible, tt.unstable)
		}
		if got := strings.Join(a.Listeners(), " "); got != tt.listen {
			t.Errorf("%s: listeners %q, want %q", a.Name, got, tt.listen)
		}
	}
	if got := kmsg.LookupAPI(kmsg.KeyFetch).Since(99); got != "" {
		t.Errorf("a version that does not exist: since %q", got)
	}
	if a := kmsg.LookupAPI(-1); a != nil {
		t.Errorf("LookupAPI(-1) gives %v", a)
	}
}

func TestRelease(t *testing.T) {
	tests := []struct {
		release    string
		key        kmsg.APIKey
		broker     string
		controller string
	}{
		{"0.8.2", kmsg.KeyProduce, "0-0", ""},
		{"0.8.2", kmsg.KeyAPIVersions, "", ""},
		{"0.9.0", kmsg.KeyFetch, "0-1", ""},
		{"0.10.2", kmsg.KeyProduce, "0-2", ""},
		{"0.11.0.3", kmsg.KeyProduce, "0-3", ""},
		{"2.8", kmsg.KeyFetch, "0-12", "0-12"},
		{"2.8.2", kmsg.KeyVote, "", "0-0"},
		{"3.9", kmsg.KeyInitProducerID, "0-5", ""},
		{"3.9", kmsg.KeyShareFetch, "", ""}, // unstable
		{"4.0", kmsg.KeyLeaderAndISR, "", ""},
		{"4.4", kmsg.KeyProduce, "3-13", ""},
		{"4.4", kmsg.KeyInitProducerID, "0-5", ""}, // 6 is unstable
	}
	show := func(r kmsg.VersionRange, ok bool) string {
		if !ok {
			return ""
		}
		return fmt.Sprintf("%d-%d", r.Min, r.Max)
	}
	for _, tt := range tests {
		r, err := kmsg.Release(tt.release)
		if err != nil {
			t.Errorf("%s: %v", tt.release, err)
			continue
		}
		if got := show(r.Broker(tt.key)); got != tt.broker {
			t.Errorf("%s: brokers serve %s %s, want %s", tt.release, tt.key, got, tt.broker)
		}
		if got := show(r.Controller(tt.key)); got != tt.controller {
			t.Errorf("%s: controllers serve %s %s, want %s", tt.release, tt.key, got, tt.controller)
		}
	}
	for _, unknown := range []string{"", "9.9", "2", "2.80", "x"} {
		if _, err := kmsg.Release(unknown); err == nil || !strings.Contains(err.Error(), "4.4") {
			t.Errorf("Release(%q): got %v, want an error that lists what is known", unknown, err)
		}
	}
	all := kmsg.Releases()
	if all[0] != "0.8.0" || all[len(all)-1] != "4.4" || len(all) < 32 {
		t.Errorf("got the releases %q", all)
	}
	for _, name := range all {
		r, err := kmsg.Release(name)
		if err != nil || r.Name != name || !slices.IsSortedFunc(r.BrokerAPIs(), func(a, b kmsg.VersionRange) int { return int(a.Key) - int(b.Key) }) || len(r.BrokerAPIs()) < 8 {
			t.Errorf("%s: %d APIs, %v", name, len(r.BrokerAPIs()), err)
		}
	}
}

func TestErrorCodes(t *testing.T) {
	codes := kmsg.ErrorCodes()
	if len(codes) != 138 || codes[0] != kmsg.UnknownServerError {
		t.Errorf("got %d codes from %d on, want 138 from -1", len(codes), codes[0])
	}
	for _, c := range codes {
		if !c.Known() || c.Message() == "" || c.Cause() == "" || c.Remedy() == "" {
			t.Errorf("%s lacks a sentence", c)
		}
		if back, ok := kmsg.ParseErrorCode(c.Name()); !ok || back != c {
			t.Errorf("ParseErrorCode(%q) gives %d, %v", c.Name(), back, ok)
		}
	}
	tests := []struct {
		code      kmsg.ErrorCode
		name      string
		retriable bool
	}{
		{kmsg.None, "NONE", false},
		{kmsg.NotLeaderOrFollower, "NOT_LEADER_OR_FOLLOWER", true},
		{kmsg.FencedLeaderEpoch, "FENCED_LEADER_EPOCH", true},
		{kmsg.TopicAuthorizationFailed, "TOPIC_AUTHORIZATION_FAILED", false},
		{kmsg.ErrorCode(999), "UNKNOWN_CODE_999", false},
		{kmsg.ErrorCode(-2), "UNKNOWN_CODE_-2", false},
	}
	for _, tt := range tests {
		if tt.code.Name() != tt.name || tt.code.Retriable() != tt.retriable {
			t.Errorf("%d: %s, retriable %v; want %s, %v", int16(tt.code), tt.code.Name(), tt.code.Retriable(), tt.name, tt.retriable)
		}
	}
	err := fmt.Errorf("fetch: %w", kmsg.NotLeaderOrFollower.Err())
	if !errors.Is(err, kmsg.NotLeaderOrFollower) || errors.Is(err, kmsg.CorruptMessage) {
		t.Errorf("errors.Is does not tell codes apart: %v", err)
	}
	if kmsg.None.Err() != nil {
		t.Error("None is an error")
	}
	if unknown := kmsg.ErrorCode(999).Err(); unknown == nil || !strings.Contains(unknown.Error(), "999") {
		t.Errorf("an unknown code loses its number: %v", unknown)
	}
	if _, ok := kmsg.ParseErrorCode("999"); ok {
		t.Error("999 is called known")
	}
}

// Enumerations print their names, and numbers that have none.
func TestEnumerations(t *testing.T) {
	for got, want := range map[string]string{
		kmsg.CoordinatorTransaction.String():              "Transaction",
		kmsg.CoordinatorType(9).String():                  "CoordinatorType(9)",
		kmsg.TimestampEarliestLocal.String():              "EarliestLocal",
		kmsg.ListOffsetsTimestamp(1700000000000).String(): "ListOffsetsTimestamp(1700000000000)",
		kmsg.AcksAll.String():                             "All",
		kmsg.ACLOperationsOmitted.String():                "Omitted",
		kmsg.ACLOperations(1<<3 | 1<<8 | 1<<30).String():  "Read, Describe, ACLOperation(30)",
		kmsg.ACLOperations(0).String():                    "none",
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	set := kmsg.ACLOperationsOf(kmsg.ACLOperationRead, kmsg.ACLOperationDescribe)
	if !set.Has(kmsg.ACLOperationRead) || set.Has(kmsg.ACLOperationWrite) || kmsg.ACLOperationsOmitted.Has(kmsg.ACLOperationRead) {
		t.Errorf("%v has the wrong operations", set)
	}
}
