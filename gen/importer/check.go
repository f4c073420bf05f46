package importer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/franzi-kafka/franzi/gen/def"
	"github.com/franzi-kafka/franzi/internal/kafkatest/jars"
)

// A CheckReport says how spec/ compares with the definitions of each release.
type CheckReport struct {
	Releases []CheckedRelease
	// Explained has each known difference that was met, with its reason.
	Explained []string
}

// A CheckedRelease counts the layouts of one release.
type CheckedRelease struct {
	Release   string
	Messages  int
	Layouts   int // (message, version) pairs compared
	Explained int // of these, known to differ
}

// Check holds the folder dir against the definitions in kafka-clients of every release that
// releases.json has from definitions. Each difference must be explained in
// differences.json, each explanation needed, each version of spec/ known to some release.
// The releases that spec/ is made of, being the newest to have some version, are read whole,
// and importing them into an empty folder must give the files that are there, byte for byte.
// It needs Maven and Java.
func Check(ctx context.Context, dir string) (*CheckReport, error) {
	s, err := load(dir)
	if err != nil {
		return nil, err
	}
	c := &checker{spec: s, report: &CheckReport{}, seen: map[string]bool{}, needed: map[int]bool{}, owners: s.owners()}
	var whole []*source
	for _, row := range s.releases {
		if row.Source != fromDefinitions {
			continue
		}
		src, err := c.read(ctx, row.Release)
		if err != nil {
			return nil, err
		}
		if c.owners[row.Release] {
			whole = append(whole, src)
		}
		c.release(row, src)
	}
	if len(c.report.Releases) == 0 {
		return nil, fmt.Errorf("%s knows no release with definitions: import one first", dir)
	}
	c.leftovers()
	c.files(whole)
	return c.report, errors.Join(c.failed...)
}

type checker struct {
	spec   *spec
	report *CheckReport
	seen   map[string]bool // "FetchRequest 4" that some release has
	needed map[int]bool    // explanations that were used, by their place
	owners map[string]bool // releases that are read whole
	failed []error
}

// read brings a release's definitions.
func (c *checker) read(ctx context.Context, release string) (*source, error) {
	if c.owners[release] {
		set, err := jars.Broker(ctx, release)
		if err != nil {
			return nil, err
		}
		return readAll(ctx, set, c.spec.names)
	}
	set, err := jars.Clients(ctx, release)
	if err != nil {
		return nil, err
	}
	return read(set, c.spec.names)
}

func (c *checker) fail(format string, args ...any) {
	c.failed = append(c.failed, fmt.Errorf(format, args...))
}

func (c *checker) release(row Release, src *source) {
	checked := CheckedRelease{Release: src.release}
	for _, name := range slices.Sorted(maps.Keys(src.messages)) {
		theirs, ours := src.messages[name], c.spec.messages[name]
		if theirs.Valid.Empty() || ours != nil && isKeyOf(ours, theirs) {
			continue
		}
		if ours == nil {
			if !c.spec.known.isDropped(name) {
				c.fail("%s: %s is not in spec/: import the release", src.release, name)
			}
			continue
		}
		checked.Messages++
		theirs.Valid.Each(func(v int16) {
			checked.Layouts++
			c.seen[key(name, v)] = true
			if c.layout(src.release, ours, theirs, v) {
				checked.Explained++
			}
		})
	}
	c.row(row, rowOf(src), src.errors != nil)
	c.report.Releases = append(c.report.Releases, checked)
}

func key(name string, v int16) string { return fmt.Sprintf("%s %d", name, v) }

// layout compares one version and reports whether it has a known difference.
func (c *checker) layout(release string, ours, theirs *def.Message, v int16) bool {
	difference := "spec/ has no such version"
	if ours.Valid.Has(v) {
		difference = def.Difference(def.LayoutOf(ours, v), def.LayoutOf(theirs, v))
	}
	if difference == "" {
		return false
	}
	for i, known := range c.spec.known.Layouts {
		if known.covers(release, ours.Name, v) {
			if !c.needed[i] {
				c.report.Explained = append(c.report.Explained, fmt.Sprintf("%s %s as of %s: %s", known.Message, known.Versions, known.Releases, known.Reason))
			}
			c.needed[i] = true
			return true
		}
	}
	c.fail("%s: %s version %d differs: %s", release, ours.Name, v, difference)
	return false
}

// covers reports whether the explanation is about that version of that release.
func (l layout) covers(release, message string, v int16) bool {
	versions, err := def.ParseVersions(l.Versions) // was checked
	return err == nil && l.Message == message && versions.Has(v) && l.speaksOf(release)
}

// speaksOf reports whether the explanation is about that release.
func (l layout) speaksOf(release string) bool {
	from, to, isRange := strings.Cut(l.Releases, "-")
	if !isRange {
		to = from
	}
	return !jars.Before(release, from) && (strings.HasPrefix(release, to+".") || jars.Before(release, to))
}

// row compares what releases.json says of a release with its definitions, which may be whole.
func (c *checker) row(have, want Release, whole bool) {
	if !whole {
		have.Records, want.Records = nil, nil
	}
	for _, part := range []struct {
		what       string
		have, want any
	}{
		{"apis", have.APIs, want.APIs},
		{"broker", have.Broker, want.Broker},
		{"controller", have.Controller, want.Controller},
		{"zkBroker", have.ZkBroker, want.ZkBroker},
		{"unstable", have.Unstable, want.Unstable},
		{"records", have.Records, want.Records},
	} {
		if got, want := fmt.Sprint(part.have), fmt.Sprint(part.want); got != want {
			c.fail("%s: releases.json says of %s %s, the definitions %s", have.Release, part.what, got, want)
		}
	}
}

// leftovers finds versions of spec/ and explanations that nothing stands behind.
func (c *checker) leftovers() {
	for _, name := range slices.Sorted(maps.Keys(c.spec.messages)) {
		m := c.spec.messages[name]
		m.Valid.Each(func(v int16) {
			if !c.seen[key(name, v)] {
				c.fail("spec/ has %s version %d, which no release has", name, v)
			}
		})
	}
	for i, known := range c.spec.known.Layouts {
		met := slices.ContainsFunc(c.report.Releases, func(r CheckedRelease) bool {
			return known.speaksOf(r.Release) && (c.spec.folder[known.Message] == "clients" || c.owners[r.Release])
		})
		if met && !c.needed[i] {
			c.fail("differences.json explains %s %s of %s, but there is no difference: remove it", known.Message, known.Versions, known.Releases)
		}
	}
}

// WriteTo writes the report as Markdown.
func (r *CheckReport) WriteTo(w io.Writer) (int64, error) {
	var b bytes.Buffer
	layouts, explained := 0, 0
	b.WriteString("| release | messages | layouts | known to differ |\n|---|---|---|---|\n")
	for _, c := range r.Releases {
		fmt.Fprintf(&b, "| %s | %d | %d | %d |\n", c.Release, c.Messages, c.Layouts, c.Explained)
		layouts += c.Layouts
		explained += c.Explained
	}
	fmt.Fprintf(&b, "| all | | %d | %d |\n", layouts, explained)
	if len(r.Explained) > 0 {
		b.WriteString("\nKnown differences:\n\n")
	}
	for _, e := range r.Explained {
		b.WriteString("- " + e + "\n")
	}
	n, err := w.Write(b.Bytes())
	return int64(n), err
}
