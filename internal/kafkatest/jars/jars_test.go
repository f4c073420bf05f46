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

func TestMavenErrors(t *testing.T) {
	for output, want := range map[string]string{
		"[ERROR] Could not find artifact org.apache.kafka:kafka_2.13:jar:9.9.9": "kafka.apache.org/downloads",
		"The JAVA_HOME environment variable is not defined correctly":           "install a JDK",
		"[INFO] a\n[ERROR] the disk is full\n":                                  "the disk is full",
	} {
		if got := mavenError("9.9.9", errors.New("exit status 1"), []byte(output)).Error(); !strings.Contains(got, want) {
			t.Errorf("got %q, want it to say %q", got, want)
		}
	}
}
