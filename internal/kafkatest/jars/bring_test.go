package jars

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/franzi-kafka/franzi/internal/kafkatest/jars/jarstest"
)

func TestMain(m *testing.M) { jarstest.Main(m) }

// install makes two releases of two jars all that there are.
func install(t *testing.T) {
	t.Helper()
	releases := t.TempDir()
	for _, file := range []string{"4.0.0/kafka-clients/a", "4.0.0/kafka-metadata/b", "4.0.0/other/c", "4.1.0/kafka-clients/a"} {
		file = filepath.Join(releases, filepath.FromSlash(file))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	jarstest.Install(t, releases)
}

// names lists a folder; one that does not exist is empty.
func names(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	var all []string
	for _, e := range entries {
		all = append(all, e.Name())
	}
	return all
}

func home(t *testing.T) string {
	t.Helper()
	dir, err := Home()
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// Jars come once, and then from the cache.
func TestBring(t *testing.T) {
	install(t)
	broker, err := Broker(t.Context(), "4.0.0")
	if err != nil {
		t.Fatal(err)
	}
	clients, err := Clients(t.Context(), "4.0.0")
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(names(t, broker.Dir), []string{"kafka-clients-4.0.0.jar", "kafka-metadata-4.0.0.jar", "other-4.0.0.jar"}); d != "" {
		t.Errorf("for a broker (-got +want):\n%s", d)
	}
	if d := cmp.Diff(names(t, clients.Dir), []string{"kafka-clients-4.0.0.jar"}); d != "" {
		t.Errorf("clients alone (-got +want):\n%s", d)
	}
	ofKafka, err := broker.Kafka()
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(ofKafka, []string{filepath.Join(broker.Dir, "kafka-clients-4.0.0.jar"), filepath.Join(broker.Dir, "kafka-metadata-4.0.0.jar")}); d != "" {
		t.Errorf("Kafka's own (-got +want):\n%s", d)
	}
	jarstest.NoTools(t)
	again, err := Broker(t.Context(), "4.0.0")
	if err != nil || again != broker {
		t.Errorf("again without Maven: got %v, %v, want %v", again, err, broker)
	}
	if d := cmp.Diff(names(t, home(t)), []string{filepath.Base(broker.Dir), filepath.Base(clients.Dir)}); d != "" {
		t.Errorf("the cache (-got +want):\n%s", d)
	}
}

// What fails, or is interrupted, leaves nothing in the cache that would pass for jars.
func TestBringFails(t *testing.T) {
	install(t)
	nothing := func(t *testing.T) {
		t.Helper()
		if left := names(t, home(t)); len(left) > 0 {
			t.Errorf("left in the cache: %q", left)
		}
	}
	if _, err := Broker(t.Context(), "4.2.0"); err == nil || !strings.Contains(err.Error(), "no Kafka 4.2.0 in Maven: releases are listed at https://kafka.apache.org/downloads") {
		t.Errorf("a release that was not made: got %v", err)
	}
	nothing(t)
	for what, bring := range map[string]func(context.Context, string) (Set, error){"broker": Broker, "clients": Clients, "tools": Tools} {
		if _, err := bring(t.Context(), "../4.0.0"); err == nil || !strings.Contains(err.Error(), "is no Kafka release") {
			t.Errorf("%s of a path: got %v", what, err)
		}
	}
	nothing(t)
	t.Run("interrupted", func(t *testing.T) {
		started := jarstest.Hang(t)
		ctx, cancel := context.WithCancel(t.Context())
		go func() {
			<-started
			cancel()
		}()
		if _, err := Broker(ctx, "4.0.0"); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v, want that the context was canceled", err)
		}
		nothing(t)
	})
	t.Run("without Maven", func(t *testing.T) {
		jarstest.NoTools(t)
		if _, err := Broker(t.Context(), "4.0.0"); err == nil || !strings.Contains(err.Error(), "no mvn in the PATH") {
			t.Errorf("got %v", err)
		}
		nothing(t)
	})
}

// Without a folder of the user's there is no cache, and the error says what to set.
func TestNoHome(t *testing.T) {
	for _, v := range []string{"HOME", "XDG_CACHE_HOME", "LocalAppData"} {
		t.Setenv(v, "")
	}
	if _, err := Broker(t.Context(), "4.0.0"); err == nil || !strings.Contains(err.Error(), "set HOME or XDG_CACHE_HOME") {
		t.Errorf("got %v, want an error that says what to set", err)
	}
}

// Processes that were killed while they brought jars leave folders, which the next one
// removes; those of processes that may be at it still stay.
func TestSweep(t *testing.T) {
	install(t)
	old, fresh := filepath.Join(home(t), ".bringing-1"), filepath.Join(home(t), ".bringing-2")
	for _, dir := range []string{old, fresh} {
		if err := os.MkdirAll(filepath.Join(dir, "lib"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	longAgo := time.Now().Add(-2 * time.Hour)
	if err := os.Chtimes(old, longAgo, longAgo); err != nil {
		t.Fatal(err)
	}
	set, err := Clients(t.Context(), "4.1.0")
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(names(t, home(t)), []string{".bringing-2", filepath.Base(set.Dir)}); d != "" {
		t.Errorf("(-got +want):\n%s", d)
	}
}
