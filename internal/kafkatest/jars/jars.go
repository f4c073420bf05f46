// Package jars brings Apache Kafka's released jars through the ordinary Maven client and
// keeps them in the user's cache folder, outside of any repository.
package jars

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
)

// A Set is a folder of jars.
type Set struct {
	Version string
	Dir     string
}

// ClassPath is what java's -cp takes.
func (s Set) ClassPath() string { return filepath.Join(s.Dir, "*") }

// Kafka lists the jars of the set that are Kafka's own.
func (s Set) Kafka() ([]string, error) {
	return filepath.Glob(filepath.Join(s.Dir, "kafka*-"+s.Version+".jar"))
}

// Broker brings all that a broker of a release runs with: its jars, their dependencies,
// and a logging library that writes where the release's own would be silent.
func Broker(ctx context.Context, version string) (Set, error) {
	if err := Check(version); err != nil {
		return Set{}, err
	}
	return bring(ctx, "broker", version, brokerDependencies(version))
}

// Clients brings the kafka-clients jar of a release alone.
func Clients(ctx context.Context, version string) (Set, error) {
	if err := Check(version); err != nil {
		return Set{}, err
	}
	return bring(ctx, "clients", version, []string{"org.apache.kafka:kafka-clients:" + version})
}

// Tools brings Kafka's command line tools of a release, 3.5 or later.
func Tools(ctx context.Context, version string) (Set, error) {
	if err := Check(version); err != nil {
		return Set{}, err
	}
	deps := []string{"org.apache.kafka:kafka-tools:" + version}
	if !Before(version, "4.0") { // older tools bring a logging library along
		deps = append(deps, "org.slf4j:slf4j-simple:1.7.36")
	}
	return bring(ctx, "tools", version, deps)
}

var released = regexp.MustCompile(`^\d+\.\d+\.\d+(\.\d+)?$`)

// Check reports whether version is written like a Kafka release; whether Maven has it shows
// when it is brought.
func Check(version string) error {
	if !released.MatchString(version) {
		return fmt.Errorf("%q is no Kafka release: write all of its numbers, like 4.4.0 or 0.10.2.2", version)
	}
	return nil
}

// brokerDependencies lists what the broker's folder is made of. The Scala version is the
// one that the release's jars are published for and its tools default to.
func brokerDependencies(version string) []string {
	scala := "2.13"
	switch {
	case Before(version, "0.11"):
		scala = "2.11"
	case Before(version, "2.4"):
		scala = "2.12"
	}
	deps := []string{"org.apache.kafka:kafka_" + scala + ":" + version}
	if Before(version, "2.4") && !Before(version, "2.0") {
		// The ZooKeeper client of these releases, 3.4.13 and 3.4.14, takes the "<unresolved>"
		// that Java 14 and later print for a part of the host's name, and never connects.
		deps = append(deps, "org.apache.zookeeper:zookeeper:3.4.12")
	}
	switch {
	case Before(version, "2.0"):
		deps = append(deps, "log4j:log4j:1.2.17", "org.slf4j:slf4j-log4j12:1.7.30", "javax.xml.bind:jaxb-api:2.3.1")
	case Before(version, "3.0"):
		deps = append(deps, "org.slf4j:slf4j-log4j12:1.7.30", "javax.xml.bind:jaxb-api:2.3.1")
	case Before(version, "4.0"):
		deps = append(deps, "org.slf4j:slf4j-reload4j:1.7.36")
	default:
		deps = append(deps, "org.apache.logging.log4j:log4j-slf4j-impl:2.25.5", "org.apache.logging.log4j:log4j-core:2.25.5")
	}
	return deps
}

// Before reports whether release a is older than b, number by number.
func Before(a, b string) bool {
	as, bs := strings.Split(a, "."), strings.Split(b, ".")
	for i := range min(len(as), len(bs)) {
		x, y := as[i], bs[i]
		if len(x) != len(y) {
			return len(x) < len(y)
		}
		if x != y {
			return x < y
		}
	}
	return len(as) < len(bs)
}

// Home is the folder that holds all jars that were brought.
func Home() (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("no folder to keep Kafka's jars in: %w; set HOME or XDG_CACHE_HOME", err)
	}
	return filepath.Join(cache, "franzi", "kafka"), nil
}

func bring(ctx context.Context, what, version string, dependencies []string) (Set, error) {
	home, err := Home()
	if err != nil {
		return Set{}, err
	}
	project := pomOf(dependencies, what == "clients")
	// The sum keeps us from folders that were made of other dependencies.
	set := Set{version, filepath.Join(home, fmt.Sprintf("%s-%s-%08x", what, version, crc32.ChecksumIEEE(project)))}
	if _, err := os.Stat(set.Dir); err == nil {
		return set, nil
	}
	mvn, err := exec.LookPath("mvn")
	if err != nil {
		return Set{}, errors.New("no mvn in the PATH, and Kafka's jars come through Maven: install the package maven (and a JDK, 17 or later)")
	}
	if err := os.MkdirAll(home, 0o755); err != nil {
		return Set{}, err
	}
	sweep(home)
	work, err := os.MkdirTemp(home, ".bringing-")
	if err != nil {
		return Set{}, err
	}
	defer os.RemoveAll(work)
	pom := filepath.Join(work, "pom.xml")
	if err := os.WriteFile(pom, project, 0o644); err != nil {
		return Set{}, err
	}
	lib := filepath.Join(work, "lib")
	cmd := exec.CommandContext(ctx, mvn, "-B", "-q", "-U", "-f", pom, "dependency:copy-dependencies", "-DoutputDirectory="+lib)
	cmd.WaitDelay = 5 * time.Second // mvn is a script: when it is killed its Java may live a little longer
	output, err := cmd.CombinedOutput()
	if ctx.Err() != nil {
		return Set{}, ctx.Err()
	}
	if err != nil {
		return Set{}, mavenError(version, err, output)
	}
	// Folders appear whole or not at all; who comes second finds the first one's.
	if err := os.Rename(lib, set.Dir); err != nil {
		if _, statErr := os.Stat(set.Dir); statErr != nil {
			return Set{}, err
		}
	}
	return set, nil
}

// sweep removes what was left by processes that were killed while they brought jars.
func sweep(home string) {
	left, _ := filepath.Glob(filepath.Join(home, ".bringing-*")) // the pattern is a good one
	for _, folder := range left {
		if info, err := os.Stat(folder); err == nil && time.Since(info.ModTime()) > time.Hour {
			os.RemoveAll(folder)
		}
	}
}

// pomOf makes a project of the dependencies. Alone leaves out what these depend on.
func pomOf(dependencies []string, alone bool) []byte {
	var b bytes.Buffer
	b.WriteString("<project><modelVersion>4.0.0</modelVersion><groupId>franzi</groupId><artifactId>jars</artifactId><version>1</version><dependencies>\n")
	for _, d := range dependencies {
		parts := strings.Split(d, ":")
		fmt.Fprintf(&b, "<dependency><groupId>%s</groupId><artifactId>%s</artifactId><version>%s</version>", parts[0], parts[1], parts[2])
		if alone {
			b.WriteString("<exclusions><exclusion><groupId>*</groupId><artifactId>*</artifactId></exclusion></exclusions>")
		} else {
			// Not published any more, and of no use to a broker.
			b.WriteString("<exclusions><exclusion><groupId>com.sun.jmx</groupId><artifactId>*</artifactId></exclusion>" +
				"<exclusion><groupId>com.sun.jdmk</groupId><artifactId>*</artifactId></exclusion>" +
				"<exclusion><groupId>javax.jms</groupId><artifactId>*</artifactId></exclusion></exclusions>")
		}
		b.WriteString("</dependency>\n")
	}
	b.WriteString("</dependencies></project>\n")
	return b.Bytes()
}

// mavenError says in a line what Maven says in fifty.
func mavenError(version string, err error, output []byte) error {
	text := colors.ReplaceAllString(string(output), "")
	says := func(parts ...string) bool {
		return slices.ContainsFunc(parts, func(part string) bool { return strings.Contains(text, part) })
	}
	switch {
	case says("Unknown host", "UnknownHostException", "Could not transfer", "Connection refused", "Connect timed out", "Network is unreachable", "offline mode"):
		return fmt.Errorf("the jars of Kafka %s are not here yet, and Maven cannot reach a repository: connect to the network, or name a mirror in ~/.m2/settings.xml\n%s",
			version, reasons(text))
	case says("Could not find artifact", "was not found in"):
		return fmt.Errorf("no Kafka %s in Maven: releases are listed at https://kafka.apache.org/downloads", version)
	case says("JAVA_HOME"):
		return errors.New("no Java that Maven finds: install a JDK, 17 or later, or set JAVA_HOME")
	}
	return fmt.Errorf("bringing Kafka %s through Maven: %w\n%s", version, err, reasons(text))
}

var colors = regexp.MustCompile("\x1b\\[[0-9;]*m")

// reasons picks what went wrong from what Maven prints, without its advice.
func reasons(text string) string {
	var lines []string
	for line := range strings.Lines(text) {
		_, reason, ok := strings.Cut(line, "[ERROR]")
		reason, _, _ = strings.Cut(reason, "-> [Help")
		reason = strings.TrimSpace(reason)
		advice := strings.HasPrefix(reason, "To see the full") || strings.HasPrefix(reason, "Re-run") || strings.HasPrefix(reason, "For more information") || strings.HasPrefix(reason, "[Help")
		if ok && reason != "" && !advice && len(lines) < 4 {
			lines = append(lines, reason)
		}
	}
	return strings.Join(lines, "\n")
}
