package kgo

import (
	"runtime/debug"
	"testing"
)

// Brokers are told which version of this module the program has.
func TestVersionIn(t *testing.T) {
	const path = "github.com/franzi-kafka/franzi"
	for _, test := range []struct {
		main, dep debug.Module
		want      string
	}{
		{main: debug.Module{Path: "example.com/shop", Version: "v3.0.0"}, dep: debug.Module{Path: path, Version: "v0.4.1"}, want: "0.4.1"},
		{main: debug.Module{Path: path, Version: "v0.5.0"}, dep: debug.Module{Path: "example.com/x", Version: "v1.0.0"}, want: "0.5.0"},
		{main: debug.Module{Path: path, Version: "(devel)"}, want: "devel"}, // go build in a checkout
		{main: debug.Module{Path: path}, want: "devel"},                     // go test
		{main: debug.Module{Path: "example.com/shop", Version: "v3.0.0"}, dep: debug.Module{Path: path, Version: "(devel)"}, want: "devel"},
	} {
		if got := versionIn(&debug.BuildInfo{Main: test.main, Deps: []*debug.Module{&test.dep}}); got != test.want {
			t.Errorf("%+v, %+v: got %q, want %q", test.main, test.dep, got, test.want)
		}
	}
	c, err := NewClient(SeedBrokers("nowhere"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	info, _ := debug.ReadBuildInfo()
	if got := c.config.softwareVersion; got != versionIn(info) {
		t.Errorf("got %q, want %q", got, versionIn(info))
	}
}
