package jars

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

func TestBefore(t *testing.T) {
	order := []string{ // from old to new
		"0.8.2.2", "0.9.0.1", "0.10.0.1", "0.10.1.1", "0.10.2", "0.10.2.2", "0.11.0.3", "1.0.2", "1.1.1",
		"2.0.1", "2.4", "2.4.1", "2.8.2", "3.3.2", "3.9.2", "3.10.0", "4.0.2", "4.4.0", "10.0.0",
	}
	for i, a := range order {
		for j, b := range order {
			if got, want := Before(a, b), i < j; got != want {
				t.Errorf("Before(%q, %q): got %v, want %v", a, b, got, want)
			}
		}
	}
}

func TestCheck(t *testing.T) {
	for version, good := range map[string]bool{
		"4.4.0": true, "0.10.2.2": true, "2.8.2": true,
		"": false, "4": false, "4.4": false, "v4.4.0": false, "4.4.0-rc1": false, "4.4.0.": false, "1.2.3.4.5": false,
		"../4.4.0": false, // a version becomes the name of a folder
	} {
		if err := Check(version); (err == nil) != good {
			t.Errorf("Check(%q): got %v, want an error: %v", version, err, !good)
		}
	}
}

func TestBrokerDependencies(t *testing.T) {
	for version, want := range map[string][]string{
		"0.8.2.2":  {"kafka_2.11:0.8.2.2", "log4j:1.2.17", "slf4j-log4j12"},
		"0.11.0.3": {"kafka_2.12:0.11.0.3", "log4j:1.2.17"},
		"1.1.1":    {"kafka_2.12:1.1.1", "slf4j-log4j12"},
		"2.0.1":    {"kafka_2.12:2.0.1", "zookeeper:3.4.12"}, // mended
		"2.3.1":    {"kafka_2.12:2.3.1", "zookeeper:3.4.12"},
		"2.4.1":    {"kafka_2.13:2.4.1", "slf4j-log4j12"},
		"3.9.2":    {"kafka_2.13:3.9.2", "slf4j-reload4j"},
		"4.4.0":    {"kafka_2.13:4.4.0", "log4j-slf4j-impl", "log4j-core"},
	} {
		got := brokerDependencies(version)
		for _, part := range want {
			if !slices.ContainsFunc(got, func(d string) bool { return strings.Contains(d, part) }) {
				t.Errorf("Kafka %s: got %q, want one with %q", version, got, part)
			}
		}
		if mended := slices.ContainsFunc(got, func(d string) bool { return strings.Contains(d, "zookeeper:") }); mended != (version == "2.0.1" || version == "2.3.1") {
			t.Errorf("Kafka %s: got %q", version, got)
		}
	}
}

// What Maven says, with its colours and its advice, becomes a sentence or two.
func TestMavenErrors(t *testing.T) {
	const advice = "[ERROR] \n[ERROR] To see the full stack trace of the errors, re-run Maven with the -e switch.\n[ERROR] Re-run Maven using the -X switch.\n" +
		"[ERROR] For more information about the errors\n[ERROR] [Help 1] http://cwiki.apache.org\n"
	for _, tt := range []struct{ output, want string }{
		{"[ERROR] Could not find artifact org.apache.kafka:kafka_2.13:jar:9.9.9 in central\n" + advice,
			"no Kafka 9.9.9 in Maven: releases are listed at https://kafka.apache.org/downloads"},
		{"[ERROR] org.apache.kafka:kafka_2.13:jar:9.9.9 was not found in https://repo during a previous attempt\n",
			"no Kafka 9.9.9 in Maven: releases are listed at https://kafka.apache.org/downloads"},
		{"The JAVA_HOME environment variable is not defined correctly",
			"no Java that Maven finds: install a JDK, 17 or later, or set JAVA_HOME"},
		{"\x1b[0m\x1b[0m[ERROR] Could not transfer artifact x from central: Unknown host repo.maven.apache.org -> [Help 1]\n" + advice,
			"the jars of Kafka 9.9.9 are not here yet, and Maven cannot reach a repository: connect to the network, or name a mirror in ~/.m2/settings.xml\n" +
				"Could not transfer artifact x from central: Unknown host repo.maven.apache.org"},
		{"[ERROR] Cannot access central in offline mode and the artifact has not been downloaded before\n",
			"the jars of Kafka 9.9.9 are not here yet, and Maven cannot reach a repository: connect to the network, or name a mirror in ~/.m2/settings.xml\n" +
				"Cannot access central in offline mode and the artifact has not been downloaded before"},
		{"[INFO] a\n[ERROR] the disk is full\n" + advice,
			"bringing Kafka 9.9.9 through Maven: exit status 1\nthe disk is full"},
	} {
		if got := mavenError("9.9.9", errors.New("exit status 1"), []byte(tt.output)).Error(); got != tt.want {
			t.Errorf("got  %q\nwant %q", got, tt.want)
		}
	}
}
