package main

import (
	"encoding/json"
	"net"
	"slices"
	"strings"
	"testing"

	"github.com/franzi-kafka/franzi/kmsg"
)

// reportOf runs api versions against a fake.
func reportOf(t *testing.T, f fake) brokerReport {
	t.Helper()
	got := f.run(t, "api", "versions", "-o", "json")
	if got.code != exitOK || got.err != "" {
		t.Fatalf("got exit %d %s", got.code, got.err)
	}
	var r brokerReport
	if err := json.Unmarshal([]byte(got.out), &r); err != nil {
		t.Fatal(err)
	}
	return r
}

// tableOf is what brokers of a release say, who begin Produce at 0 for old clients.
func tableOf(t *testing.T, release string) []kmsg.VersionRange {
	t.Helper()
	r, err := kmsg.Release(release)
	if err != nil {
		t.Fatal(err)
	}
	table := r.BrokerAPIs()
	for i := range table {
		if table[i].Key == kmsg.KeyProduce {
			table[i].Min = 0
		}
	}
	return table
}

// A broker is known by its table.
func TestAPIVersionsOfReleases(t *testing.T) {
	for _, release := range kmsg.Releases() {
		r := reportOf(t, fake{speaking(nil, tableOf(t, release)...)})
		if !slices.ContainsFunc(r.Releases, func(l likeness) bool {
			return l.Release == release && l.Listener == "broker" && len(l.Unlike) == 0
		}) {
			t.Errorf("a broker of %s is taken for %v", release, r.Releases)
		}
		if r.Version > kmsg.LookupAPI(kmsg.KeyAPIVersions).MaxVersion || r.Broker != "fake:9092" {
			t.Errorf("got %q in version %d", r.Broker, r.Version)
		}
	}
}

// Keys and versions that one side lacks are told.
func TestAPIVersionsCompared(t *testing.T) {
	f := fake{answers(func(req kmsg.Request) any {
		resp := versionsOfFake(req.(*kmsg.APIVersionsRequest), append(tableOf(t, "3.9")[1:],
			kmsg.VersionRange{Key: kmsg.KeyProduce, Min: 3, Max: 99},
			kmsg.VersionRange{Key: 999, Min: 1, Max: 2},
			kmsg.VersionRange{Key: kmsg.KeyUnregisterController, Min: 5, Max: 6})...)
		resp.FinalizedFeaturesEpoch = 7
		resp.FinalizedFeatures = []kmsg.APIVersionsResponseFinalizedFeatureKey{{Name: "metadata.version", MinVersionLevel: 20, MaxVersionLevel: 20}}
		resp.SupportedFeatures = []kmsg.APIVersionsResponseSupportedFeatureKey{{Name: "kraft.version", MinVersion: 0, MaxVersion: 1}}
		return resp
	})}
	r := reportOf(t, f)
	for _, want := range []brokerAPI{
		{Key: 0, Broker: &span{3, 99}, Ours: &span{0, 13}, Usable: &span{3, 13}, Note: "we lack versions above 13"},
		{Key: 3, Broker: &span{0, 12}, Ours: &span{0, 13}, Usable: &span{0, 12}},
		{Key: 93, Ours: &span{0, 0}, Note: "the broker lacks it"},
		{Key: 94, Broker: &span{5, 6}, Ours: &span{0, 0}, Note: "no version in common"},
		{Key: 999, Broker: &span{1, 2}, Note: "we lack it"},
	} {
		i := slices.IndexFunc(r.APIs, func(a brokerAPI) bool { return a.Key == want.Key })
		if i < 0 {
			t.Errorf("the key %d is missing", want.Key)
			continue
		}
		got := r.APIs[i]
		if got.Broker.String() != want.Broker.String() || got.Ours.String() != want.Ours.String() || got.Usable.String() != want.Usable.String() || got.Note != want.Note {
			t.Errorf("key %d: got %v %v %v %q", want.Key, got.Broker, got.Ours, got.Usable, got.Note)
		}
	}
	if len(r.Releases) != 1 || r.Releases[0].Release != "3.9" || strings.Join(r.Releases[0].Unlike, " ") != "Produce UnregisterController APIKey(999)" {
		t.Errorf("got %v", r.Releases)
	}
	table := f.run(t, "api", "versions").out
	for _, want := range []string{
		"999  ?                                      1-2     -     -       we lack it\n",
		"fake:9092 answered in version 4 of ApiVersions.\n",
		"Finalized features (epoch 7): metadata.version 20\n",
		"Supported features: kraft.version 0-1\n",
		"Speaks like a broker of 3.9, but for Produce, UnregisterController, APIKey(999).\n",
	} {
		if !strings.Contains(table, want) {
			t.Errorf("the table lacks %q:\n%s", want, table)
		}
	}
}

// A broker that lacks our version of ApiVersions is asked again in one that it has (KIP-511).
func TestAPIVersionsDowngrade(t *testing.T) {
	for _, tt := range []struct {
		name  string
		names []kmsg.VersionRange // in the refusal
		want  []int16             // versions that are asked in
	}{
		{"it names its versions", []kmsg.VersionRange{{Key: kmsg.KeyAPIVersions, Min: 0, Max: 3}}, []int16{5, 3}},
		{"it names none", nil, []int16{5, 0}},
		{"it names what it has just refused", []kmsg.VersionRange{{Key: kmsg.KeyAPIVersions, Min: 0, Max: 5}}, []int16{5, 4}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var asked []int16
			connections := 0
			serve := answers(func(req kmsg.Request) any {
				asked = append(asked, req.APIVersion())
				if req.APIVersion() == 5 {
					return refusal(tt.names...)
				}
				return versionsOfFake(req.(*kmsg.APIVersionsRequest), metadata)
			})
			r := reportOf(t, fake{func(conn net.Conn) { connections++; serve(conn) }})
			if !slices.Equal(asked, tt.want) || connections != 1 || r.Version != tt.want[1] {
				t.Errorf("asked in %v over %d connections, answered in %d", asked, connections, r.Version)
			}
		})
	}
}

// What is no broker, or an old one, is told as for req.
func TestAPIVersionsThatFails(t *testing.T) {
	old := answers(func(req kmsg.Request) any {
		if req.APIKey() == kmsg.KeyAPIVersions {
			return nil
		}
		return metadataOf(req)
	})
	for _, tt := range []struct {
		name string
		fake fake
		code int
		want string
	}{
		{"TLS", fake{says("\x15\x03\x03\x00\x02\x02\x28")}, exitConnection, "this port wants TLS, see --tls"},
		{"ends at once", fake{says("")}, exitConnection, "its port may want TLS or SASL, see --tls and --sasl"},
		{"older than 0.10", fake{old}, exitFailed, "does not serve ApiVersions, which is there since Kafka 0.10.0"},
		{"never answers", fake{silent}, exitTimeout, "ApiVersions at fake:9092: negotiating versions: the broker was silent"},
	} {
		got := tt.fake.run(t, "api", "versions")
		if got.code != tt.code || got.out != "" || strings.Count(got.err, "\n") != 1 || !strings.Contains(got.err, tt.want) {
			t.Errorf("%s: got exit %d %q %s", tt.name, got.code, got.out, got.err)
		}
	}
}

// What a broker calls its features cannot act on the terminal.
func TestAPIVersionsHostileNames(t *testing.T) {
	f := fake{answers(func(req kmsg.Request) any {
		resp := versionsOfFake(req.(*kmsg.APIVersionsRequest))
		resp.SupportedFeatures = []kmsg.APIVersionsResponseSupportedFeatureKey{{Name: "a\x1b[2J\nb"}}
		return resp
	})}
	if got := f.run(t, "api", "versions"); strings.Contains(got.out, "\x1b") || !strings.Contains(got.out, `a\x1b[2J\x0ab 0`) {
		t.Errorf("got %q", got.out[max(0, len(got.out)-300):])
	}
}

// A report never says null where there is a list.
func TestAPIVersionsJSONKeepsItsShape(t *testing.T) {
	got := fake{speaking(nil)}.run(t, "api", "versions", "-o", "jsonl")
	for _, want := range []string{`"finalized":[]`, `"supported":[]`, `"finalizedEpoch":null`} {
		if !strings.Contains(got.out, want) {
			t.Errorf("no %s", want)
		}
	}
}
