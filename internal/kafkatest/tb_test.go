package kafkatest

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

var _ TB = (*testing.B)(nil)

// fakeTB notes what New does with a test.
type fakeTB struct {
	failed   bool
	lines    []string
	cleanups []func()
}

func (f *fakeTB) Helper()                    {}
func (f *fakeTB) Cleanup(do func())          { f.cleanups = append(f.cleanups, do) }
func (f *fakeTB) Logf(s string, args ...any) { f.lines = append(f.lines, fmt.Sprintf(s, args...)) }
func (f *fakeTB) Failed() bool               { return f.failed }
func (f *fakeTB) Name() string               { return "TestFake" }
func (f *fakeTB) Fatalf(s string, args ...any) {
	f.Logf(s, args...)
	f.failed = true
}

func TestNewFails(t *testing.T) {
	var tb fakeTB
	if c := New(&tb, Options{Version: "4.4"}); c != nil || !tb.failed || len(tb.cleanups) != 0 {
		t.Errorf("got %v, failed %v, %d cleanups, want a failed test and nothing else", c, tb.failed, len(tb.cleanups))
	}
	if got := strings.Join(tb.lines, "\n"); !strings.Contains(got, "write all of its numbers") {
		t.Errorf("got %q, want what to do", got)
	}
}

func TestNoJava(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the PATH is not the only place there")
	}
	t.Setenv("JAVA_HOME", "")
	t.Setenv("PATH", t.TempDir())
	if _, err := Start(context.Background(), Options{Version: "4.4.0"}); err == nil || !strings.Contains(err.Error(), "install a JDK") {
		t.Errorf("no java in the PATH: got %v, want an error that says what to install", err)
	}
	home := t.TempDir()
	t.Setenv("JAVA_HOME", home)
	if _, err := Start(context.Background(), Options{Version: "4.4.0"}); err == nil || !strings.Contains(err.Error(), "JAVA_HOME is "+home) {
		t.Errorf("no java in JAVA_HOME: got %v, want an error that says so", err)
	}
	// Java is there, Maven is not, and the jars neither.
	java := filepath.Join(home, "bin", "java")
	if err := os.Mkdir(filepath.Dir(java), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(java, nil, 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("HOME", home)
	t.Setenv("XDG_CACHE_HOME", filepath.Join(home, "cache"))
	if _, err := Start(context.Background(), Options{Version: "4.4.0"}); err == nil || !strings.Contains(err.Error(), "install the package maven") {
		t.Errorf("no mvn in the PATH: got %v, want an error that says what to install", err)
	}
}

func TestNodeOutOfRange(t *testing.T) {
	c := &Cluster{layout: newLayout(Options{Version: "4.4.0", Nodes: 2}, "", "")}
	for _, id := range []int32{-1, 0, 3} {
		func() {
			defer func() {
				if got := fmt.Sprint(recover()); !strings.Contains(got, fmt.Sprint(id)) {
					t.Errorf("node %d: got the panic %q, want one with the id", id, got)
				}
			}()
			c.Node(id)
		}()
	}
}
