package main

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/franzi-kafka/franzi/kmsg"
)

// Every command has a short help with an example, as text and as JSON, whatever its
// arguments; every flag is explained.
func TestHelp(t *testing.T) {
	got := run(t, "", "--help-json")
	var root commandHelp
	if err := json.Unmarshal([]byte(got.out), &root); err != nil || got.code != exitOK {
		t.Fatalf("got exit %d, %v: %s", got.code, err, got.out)
	}
	var walk func(c commandHelp)
	seen := 0
	walk = func(c commandHelp) {
		seen++
		args := strings.Fields(c.Path)[1:]
		text := run(t, "", append(args, "--help")...)
		if text.code != exitOK || !strings.Contains(text.out, c.Path) || text.err != "" {
			t.Errorf("%s --help: exit %d %s", c.Path, text.code, text.err)
		}
		if lines := strings.Count(text.out, "\n"); lines > 60 {
			t.Errorf("%s --help has %d lines", c.Path, lines)
		}
		if c.Short == "" || !strings.Contains(c.Example, "franzi ") {
			t.Errorf("%s: short %q, example %q", c.Path, c.Short, c.Example)
		}
		for _, line := range strings.Split(c.Help+"\n"+c.Example, "\n") {
			if len(line) > 100 {
				t.Errorf("%s: a long line: %s", c.Path, line)
			}
		}
		for _, f := range c.Flags {
			if f.Help == "" || f.Type == "" {
				t.Errorf("%s: the flag %s is not explained", c.Path, f.Name)
			}
		}
		if !slices.ContainsFunc(c.Flags, func(f flagHelp) bool { return f.Name == "output" && f.Inherited == (len(args) > 0) }) {
			t.Errorf("%s has no --output", c.Path)
		}
		var own commandHelp
		alone := run(t, "", append(args, "--help-json")...)
		if err := json.Unmarshal([]byte(alone.out), &own); err != nil || own.Path != c.Path {
			t.Errorf("%s --help-json: %v %s", c.Path, err, alone.out)
		}
		for _, below := range c.Commands {
			walk(below)
		}
	}
	walk(root)
	if seen < 13 {
		t.Errorf("only %d commands", seen)
	}
}

func TestHelpInOtherWays(t *testing.T) {
	want := run(t, "", "api", "show", "--help").out
	for _, args := range []string{"help api show", "api show -h", "api show Fetch --help"} {
		if got := run(t, "", strings.Fields(args)...); got.out != want || got.code != exitOK {
			t.Errorf("%s: exit %d %s%s", args, got.code, got.out, got.err)
		}
	}
	if got := run(t, ""); got.code != exitOK || !strings.Contains(got.out, "Usage:") {
		t.Errorf("without arguments: exit %d %s", got.code, got.out)
	}
	if got := run(t, "", "api", "list", "--help-json", "-o", "yaml"); !strings.HasPrefix(got.out, "name: list\npath: franzi api list\n") {
		t.Errorf("help in YAML: %s", got.out)
	}
}

func TestVersion(t *testing.T) {
	releases := kmsg.Releases()
	got := run(t, "", "version", "-o", "template={{.kafka}} {{.apis}}")
	if want := releases[len(releases)-1] + " 95\n"; got.out != want {
		t.Errorf("got %q, want %q", got.out, want)
	}
	plain, bare := run(t, "", "--version"), run(t, "", "version", "-o", "raw")
	if plain.out != "franzi "+bare.out || bare.out == "\n" {
		t.Errorf("got %q and %q", plain.out, bare.out)
	}
	if _, version := software(); strings.Trim(version, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-") != "" || version == "" {
		t.Errorf("brokers refuse the software version %q", version)
	}
}

// Commands that refuse --explain do not offer it.
func TestHelpWithoutExplain(t *testing.T) {
	for _, command := range []string{"cp", "demo"} {
		for _, flag := range []string{"--help", "--help-json"} {
			if got := run(t, "", command, flag); got.code != exitOK || strings.Contains(got.out, "explain") {
				t.Errorf("%s %s: got exit %d %s", command, flag, got.code, got.out)
			}
		}
	}
}
