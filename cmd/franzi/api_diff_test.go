package main

import (
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/franzi-kafka/franzi/gen/model"
	"github.com/franzi-kafka/franzi/spec"
)

// Changes that no message of today has: a field that moves into the tag section, one that is
// no longer nullable.
func TestChanges(t *testing.T) {
	const definition = `{
	"name": "Sample", "type": "data", "validVersions": "0-3", "flexibleVersions": "1+",
	"fields": [
		{"name": "Moved", "type": "string", "versions": "0+", "taggedVersions": "2+", "tag": 0},
		{"name": "Strict", "type": "string", "versions": "0+", "nullableVersions": "0-1"},
		{"name": "Inner", "type": "[]Inner", "versions": "0+", "fields": [
			{"name": "Late", "type": "int32", "versions": "3+", "default": "7", "ignorable": true}
		]}
	]}`
	m, err := model.LoadWith(spec.FS, fstest.MapFS{"data/Sample.json": {Data: []byte(definition)}})
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		from, to int16
		want     []fieldChange
	}{
		{1, 1, nil},
		{1, 2, []fieldChange{
			{"Sample", "moved", "now tagged", "in the tag section as 0"},
			{"Sample", "strict", "no longer nullable", "may not be null"},
		}},
		{2, 1, []fieldChange{
			{"Sample", "moved", "no longer tagged", "in the body"},
			{"Sample", "strict", "now nullable", "may be null"},
		}},
		{2, 3, []fieldChange{{"Sample", "inner.late", "added", "int32, default 7, ignorable"}}},
		{1, 0, []fieldChange{{"Sample", "", "flexible", "compact lengths and tagged fields, now classic lengths and no tagged fields"}}},
	} {
		if d := cmp.Diff(changesOf(m.Message("Sample"), tt.from, tt.to), tt.want); d != "" {
			t.Errorf("%d to %d (-got +want):\n%s", tt.from, tt.to, d)
		}
	}
}
