package def

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestLayoutOf lists what stands on the wire, version by version.
func TestLayoutOf(t *testing.T) {
	m := parse(t, `{"type": "data", "name": "AData", "validVersions": "0-3", "flexibleVersions": "2+", "fields": [
		{"name": "Late", "type": "int64", "versions": "2+", "taggedVersions": "2+", "tag": 1, "default": "-1"},
		{"name": "Id", "type": "int32", "versions": "0+", "default": "7"},
		{"name": "Name", "type": "string", "versions": "0+", "nullableVersions": "1+"},
		{"name": "Classic", "type": "string", "versions": "1+", "flexibleVersions": "none"},
		{"name": "Topics", "type": "[]Topic", "versions": "0-2", "nullableVersions": "2", "fields": [
			{"name": "Records", "type": "records", "versions": "0+", "nullableVersions": "0+"},
			{"name": "Partitions", "type": "[]Partition", "versions": "1+", "fields": [{"name": "Index", "type": "int32", "versions": "1+"}]}]},
		{"name": "Blobs", "type": "[]bytes", "versions": "3+"},
		{"name": "Inner", "type": "Inner", "versions": "1+", "taggedVersions": "3+", "tag": 0, "fields": [
			{"name": "A", "type": "bool", "versions": "1+"}]}
	]}`)
	for v, want := range map[int16]string{
		0: `0 c Id int32
			0 c Name string
			0 c Topics []struct
			1 c Topics.Records bytes nullable`,
		1: `0 c Id int32
			0 c Name string nullable
			0 c Classic string
			0 c Topics []struct
			1 c Topics.Records bytes nullable
			1 c Topics.Partitions []struct
			2 c Topics.Partitions.Index int32
			0 c Inner struct
			1 c Inner.A bool`,
		2: `0 f Id int32
			0 f Name string nullable
			0 c Classic string
			0 f Topics []struct nullable
			1 f Topics.Records bytes nullable
			1 f Topics.Partitions []struct
			2 f Topics.Partitions.Index int32
			0 f Inner struct
			1 f Inner.A bool
			0 f Late int64 tag 1 default -1`, // tagged ones come last, whatever the order of the file
		3: `0 f Id int32
			0 f Name string nullable
			0 c Classic string
			0 f Blobs []bytes
			0 f Inner struct tag 0
			1 f Inner.A bool
			0 f Late int64 tag 1 default -1`,
		4: `0 f Id int32
			0 f Name string nullable
			0 c Classic string
			0 f Blobs []bytes
			0 f Inner struct tag 0
			1 f Inner.A bool
			0 f Late int64 tag 1 default -1`, // what does not exist is as the last one would go on
	} {
		var got []string
		for _, l := range LayoutOf(m, v) {
			form := map[bool]string{false: "c", true: "f"}[l.Compact]
			got = append(got, fmt.Sprintf("%d %s %v", l.Depth, form, l))
		}
		var lines []string
		for line := range strings.Lines(want) {
			lines = append(lines, strings.TrimSpace(line))
		}
		if d := cmp.Diff(got, lines); d != "" {
			t.Errorf("version %d (-got +want):\n%s", v, d)
		}
	}
}

// TestDifference has each way in which two layouts can differ, and what makes none.
func TestDifference(t *testing.T) {
	base := Line{Path: "Topics.Name", Depth: 1, Type: "string", Nullable: true, Compact: true, Tag: 2, Default: "x"}
	id := Line{Path: "Id", Type: "int32", Tag: -1}
	change := func(f func(*Line)) Line {
		l := base
		f(&l)
		return l
	}
	for _, row := range []struct {
		why       string
		got, want []Line
		says      string
	}{
		{"nothing", nil, nil, ""},
		{"the same", []Line{id, base}, []Line{id, base}, ""},
		{"names", []Line{base}, []Line{change(func(l *Line) { l.Path = "Subjects.Title" })}, ""}, // are not on the wire
		{"more", []Line{id, base}, []Line{id}, "Topics.Name string nullable tag 2 default x is new"},
		{"less", []Line{id}, []Line{id, base}, "Topics.Name string nullable tag 2 default x is missing"},
		{"another order", []Line{base, id}, []Line{id, base}, "Topics.Name string nullable tag 2 default x instead of Id int32"},
		{"another type", []Line{change(func(l *Line) { l.Type = "bytes" })}, []Line{base}, "Topics.Name bytes nullable tag 2 default x instead of Topics.Name string nullable tag 2 default x"},
		{"null", []Line{change(func(l *Line) { l.Nullable = false })}, []Line{base}, "Topics.Name string tag 2 default x instead of Topics.Name string nullable tag 2 default x"},
		{"lengths", []Line{change(func(l *Line) { l.Compact = false })}, []Line{base},
			"Topics.Name string nullable tag 2 default x classic instead of Topics.Name string nullable tag 2 default x compact"},
		{"other lengths", []Line{base}, []Line{change(func(l *Line) { l.Compact = false })}, "default x compact instead of Topics.Name string nullable tag 2 default x classic"},
		{"depth", []Line{change(func(l *Line) { l.Depth = 2 })}, []Line{base}, "default x in level 2 instead of Topics.Name string nullable tag 2 default x in level 1"},
		{"tags", []Line{change(func(l *Line) { l.Tag = 3 })}, []Line{base}, "tag 3 default x instead of"},
		{"a tagged default", []Line{change(func(l *Line) { l.Default = "" })}, []Line{base}, "Topics.Name string nullable tag 2 instead of"}, // says what is not written
	} {
		got := Difference(row.got, row.want)
		if !strings.Contains(got, row.says) || row.says == "" && got != "" {
			t.Errorf("%s: got %q, want %q", row.why, got, row.says)
		}
	}
}
