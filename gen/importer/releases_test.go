package importer

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/franzi-kafka/franzi/gen/def"
	"github.com/franzi-kafka/franzi/internal/kafkatest"
)

// The row of a release: listeners that definitions before 2.8 did not tell, unstable versions,
// and nothing of keys that are only reserved.
func TestRowOf(t *testing.T) {
	install(t)
	dir := imported(t, "2.3.0", "4.0.0")
	s, err := load(dir)
	if err != nil {
		t.Fatal(err)
	}
	want := releases{
		{Release: "2.3.0", Source: "definitions", APIs: map[string]string{"Ping": "0-1", "Vote": "0"}, Controller: []string{"Vote"}, ZkBroker: []string{"Ping"}},
		{Release: "4.0.0", Source: "definitions", APIs: map[string]string{"Echo": "0-1", "Ping": "2-4", "Vote": "1-2"},
			Broker: []string{"Echo", "Ping"}, Controller: []string{"Ping", "Vote"}, Unstable: []string{"Echo"},
			Records: map[string]string{"OffsetKey": "0", "OffsetValue": "0-2", "SegmentRecord": "0"}},
	}
	if d := cmp.Diff(s.releases, want); d != "" {
		t.Errorf("(-got +want):\n%s", d)
	}
}

// The rows that stand in spec/ are what is written of them, sorted by release, and rows that
// no import made stay.
func TestReleasesOfSpec(t *testing.T) {
	data, err := os.ReadFile(filepath.Join("..", "..", "spec", "releases.json"))
	if err != nil {
		t.Fatal(err)
	}
	rows, err := parseReleases(data)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(rows.format()), string(data)); d != "" {
		t.Errorf("(-got +want):\n%s", d)
	}
	sources := map[string]int{}
	for _, r := range rows {
		sources[r.Source]++
		if again := rows.with(r); len(again) != len(rows) || again[0].Release != "0.8.0" {
			t.Errorf("with %s again: got %d rows from %s on, want %d from 0.8.0 on", r.Release, len(again), again[0].Release, len(rows))
		}
		if r.Source == "hand" && r.Note == "" {
			t.Errorf("%s was written by hand, but the note does not say from what", r.Release)
		}
	}
	if sources["definitions"] != 22 || sources["hand"] < 4 || sources["broker"] < 8 {
		t.Errorf("got rows by source %v, want 22 of definitions, 4 by hand, 8 of brokers", sources)
	}
}

// What a broker answers becomes a row; its names are today's.
func TestNote(t *testing.T) {
	install(t)
	dir := imported(t, "4.0.0", "3.9.0")
	s, err := load(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.note("0.11.0.3", []kafkatest.VersionRange{{Key: 1, Min: 0, Max: 0}, {Key: 0, Min: 0, Max: 2}}); err != nil {
		t.Fatal(err)
	}
	s, err = load(dir)
	if err != nil {
		t.Fatal(err)
	}
	want := Release{Release: "0.11.0.3", Source: "broker", APIs: map[string]string{"Ping": "0-2", "Vote": "0"}, ZkBroker: []string{"Ping", "Vote"}}
	if d := cmp.Diff(s.releases[0], want); d != "" || len(s.releases) != 3 {
		t.Errorf("of %d rows the first (-got +want):\n%s", len(s.releases), d)
	}
	before := contents(t, dir)
	err = s.note("1.0.2", []kafkatest.VersionRange{{Key: 99, Min: 0, Max: 1}})
	wantError(t, err, "a broker of Kafka 1.0.2 serves the API key 99, which is unknown")
	if d := cmp.Diff(contents(t, dir), before); d != "" {
		t.Errorf("the folder changed (-got +want):\n%s", d)
	}
	// Rows of brokers own no versions: importing does not heed them.
	mustImport(t, dir, "3.9.0")
	if got := contents(t, dir); got["clients/PingRequest.json"] != before["clients/PingRequest.json"] || !strings.Contains(got["releases.json"], "0.11.0.3") {
		t.Error("importing after a broker was asked changes what is known")
	}
}

func TestCanBeProbed(t *testing.T) {
	for release, want := range map[string]string{
		"0.10.0.1": "", "1.1.1": "", "2.1.1": "",
		"2.2.2":   "gen import 2.2.2",
		"4.4.0":   "gen import 4.4.0",
		"0.9.0.1": "do not know ApiVersions",
		"0.8.2.2": "written by hand",
		"2.1":     "is no Kafka release",
	} {
		if err := canBeProbed(release); want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: got %v, want %q", release, err, want)
		}
	}
	if err := Probe(t.Context(), t.TempDir(), "4.4.0"); err == nil {
		t.Error("a release with definitions was probed")
	}
}

// Of a code that a release changes, the newest release that was imported is right.
func TestMergeErrors(t *testing.T) {
	s := &spec{errors: []ErrorCode{{Code: 1, Name: "ONE", Retriable: true}}, releases: releases{{Release: "4.0.0", Source: fromDefinitions}, {Release: "9.0.0", Source: "hand"}}}
	s.mergeErrors(&source{release: "3.9.0", errors: []ErrorCode{{Code: 0, Name: "ZERO"}, {Code: 1, Name: "UNO"}, {Code: 2, Name: "TWO"}}})
	if d := cmp.Diff(s.errors, []ErrorCode{{Code: 0, Name: "ZERO"}, {Code: 1, Name: "ONE", Retriable: true}, {Code: 2, Name: "TWO"}}); d != "" {
		t.Errorf("an older release (-got +want):\n%s", d)
	}
	s.mergeErrors(&source{release: "4.1.0", errors: []ErrorCode{{Code: 1, Name: "EINS"}}})
	if d := cmp.Diff(s.errors, []ErrorCode{{Code: 0, Name: "ZERO"}, {Code: 1, Name: "EINS"}, {Code: 2, Name: "TWO"}}); d != "" {
		t.Errorf("a newer release (-got +want):\n%s", d)
	}
}

func TestParseErrors(t *testing.T) {
	got, err := parseErrors([]byte("2\tTWO\ttrue\tTwoException RetriableException\r\n-1\tMINUS\tfalse\t\r\n"))
	if err != nil {
		t.Fatal(err)
	}
	want := []ErrorCode{{Code: -1, Name: "MINUS", Exception: []string{}}, {Code: 2, Name: "TWO", Retriable: true, Exception: []string{"TwoException", "RetriableException"}}}
	if d := cmp.Diff(got, want); d != "" {
		t.Errorf("(-got +want):\n%s", d)
	}
	for _, bad := range []string{"", "1\tONE\ttrue", "1\tONE\ttrue\tx\ty", "x\tONE\ttrue\tx", "40000\tONE\ttrue\tx"} {
		if got, err := parseErrors([]byte(bad)); err == nil {
			t.Errorf("%q: got %v, want an error", bad, got)
		}
	}
}

// A message has the name of today, whichever release it comes from.
func TestNames(t *testing.T) {
	n := &names{Messages: map[string]string{"Old": "New", "OldRecord": "NewRecord"}, Fields: map[string]map[string]string{"NewRequest": {"A": "B"}}}
	for _, row := range []struct {
		name string
		kind def.Kind
		want string
	}{
		{"OldRequest", def.Request, "NewRequest"},
		{"OldResponse", def.Response, "NewResponse"},
		{"OldRecord", def.Metadata, "NewRecord"},
		{"OldRequest", def.Data, "OldRequest"}, // no API
		{"OlderRequest", def.Request, "OlderRequest"},
	} {
		m := &def.Message{Name: row.name, Kind: row.kind}
		if n.modernise(m); m.Name != row.want {
			t.Errorf("the %s %s: got %s, want %s", row.kind, row.name, m.Name, row.want)
		}
	}
	for old, want := range map[string]string{"OldRequest": "NewRequest", "OldResponse": "NewResponse", "OldRecord": "NewRecord", "Other": "Other"} {
		if got := n.today(old); got != want {
			t.Errorf("%s: got %s, want %s", old, got, want)
		}
	}
	if got := n.field("NewRequest")("A") + n.field("NewRequest")("C") + n.field("Other")("A"); got != "BCA" {
		t.Errorf("got the fields %s, want BCA", got)
	}
}
