package kafkatest

import (
	"slices"
	"strings"
	"testing"
)

func TestOptionsCheck(t *testing.T) {
	tests := []struct {
		opts Options
		want string // in the error; none if empty
	}{
		{opts: Options{Version: "4.4.0"}},
		{opts: Options{Version: "0.8.2.2"}},
		{opts: Options{Version: "4.4.0", Nodes: 3, SeparateController: true, Security: true, Unstable: true, Features: map[string]int16{"transaction.version": 1}, Racks: []string{"a", "b", "c"}}},
		{opts: Options{Version: "3.9.2", ZooKeeper: true, Security: true}},
		{opts: Options{Version: "0.9.0.1", Security: true}}, // TLS alone
		{opts: Options{Version: "2.8.2", ZooKeeper: true}},  // says what is so anyway

		{opts: Options{}, want: "Version is empty"},
		{opts: Options{Version: "4.4"}, want: "write all of its numbers"},
		{opts: Options{Version: "0.8.1.1"}, want: "too old"},
		{opts: Options{Version: "4.4.0", Nodes: -1}, want: "Nodes is -1"},
		{opts: Options{Version: "4.4.0", Nodes: 100}, want: "Nodes is 100"},
		{opts: Options{Version: "4.4.0", Nodes: 3, Racks: []string{"a"}}, want: "1 racks for 3 nodes"},
		{opts: Options{Version: "4.4.0", Racks: []string{"a", "b"}}, want: "2 racks for 1 nodes"},
		{opts: Options{Version: "0.9.0.1", Racks: []string{"a"}}, want: "Racks needs 0.10.0"},
		{opts: Options{Version: "0.8.2.2", Security: true}, want: "neither TLS nor SASL"},
		{opts: Options{Version: "4.0.2", ZooKeeper: true}, want: "only KRaft"},
		{opts: Options{Version: "2.8.2", SeparateController: true}, want: "needs KRaft"},
		{opts: Options{Version: "3.9.2", ZooKeeper: true, SeparateController: true}, want: "needs KRaft"},
		{opts: Options{Version: "2.8.2", Features: map[string]int16{"metadata.version": 1}}, want: "needs KRaft"},
		{opts: Options{Version: "3.7.2", Features: map[string]int16{"metadata.version": 1}}, want: "Features needs 3.8"},
		{opts: Options{Version: "2.8.2", Unstable: true}, want: "needs KRaft"},
		{opts: Options{Version: "3.3.2", Unstable: true}, want: "Unstable needs 3.5"},
	}
	for _, test := range tests {
		err := test.opts.check()
		switch {
		case test.want == "" && err != nil:
			t.Errorf("%+v: got %v, want no error", test.opts, err)
		case test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)):
			t.Errorf("%+v: got %v, want an error with %q", test.opts, err, test.want)
		}
	}
}

func TestMechanisms(t *testing.T) {
	scram := []string{"SCRAM-SHA-256", "SCRAM-SHA-512"}
	all := slices.Concat([]string{"PLAIN"}, scram, []string{"OAUTHBEARER"})
	tests := []struct {
		opts Options
		want []string
	}{
		{Options{Version: "4.4.0"}, nil}, // not asked for
		{Options{Version: "0.9.0.1"}, nil},
		{Options{Version: "0.10.0.1"}, []string{"PLAIN"}},
		{Options{Version: "0.10.2.2"}, slices.Concat([]string{"PLAIN"}, scram)},
		{Options{Version: "1.1.1"}, slices.Concat([]string{"PLAIN"}, scram)},
		{Options{Version: "2.0.1"}, all},
		{Options{Version: "3.4.1"}, []string{"PLAIN", "OAUTHBEARER"}}, // no SCRAM in the metadata log yet
		{Options{Version: "3.4.1", ZooKeeper: true}, all},
		{Options{Version: "3.5.2"}, all},
		{Options{Version: "4.4.0"}, all},
	}
	for i := range tests {
		tests[i].opts.Security = i > 0
		if got := tests[i].opts.mechanisms(); !slices.Equal(got, tests[i].want) {
			t.Errorf("%+v: got %q, want %q", tests[i].opts, got, tests[i].want)
		}
	}
}

func TestToolsFor(t *testing.T) {
	for r, want := range map[release]string{
		"4.4.0": "4.3.1", "2.1.1": "4.3.1",
		"2.0.1": "3.9.2", "0.10.0.1": "3.9.2",
		"0.9.0.1": "", "0.8.2.2": "",
	} {
		got, err := toolsFor(r)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("Kafka %s: got %q, %v, want %q", r, got, err, want)
		}
	}
}
