package importer

import (
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/franzi-kafka/franzi/gen/def"
	"github.com/franzi-kafka/franzi/internal/kafkatest/jars"
)

// A Release is a row of releases.json: which versions a release of Kafka speaks.
type Release struct {
	Release string `json:"release"`

	// Source says where the row comes from: "definitions" of the release's jars, the
	// ApiVersions answer of a real "broker", or "hand".
	Source string `json:"source"`
	Note   string `json:"note,omitempty"`

	// APIs has the versions of each request that the release has, stable or not.
	APIs map[string]string `json:"apis"`

	// Broker, Controller and ZkBroker list the APIs that each of them serves: a broker of a
	// KRaft cluster, a controller of one, a broker of a cluster with ZooKeeper.
	Broker     []string `json:"broker,omitempty"`
	Controller []string `json:"controller,omitempty"`
	ZkBroker   []string `json:"zkBroker,omitempty"`

	// Unstable lists the APIs whose last version is served only if unstable versions are on.
	Unstable []string `json:"unstable,omitempty"`

	// Records has the versions of all other messages.
	Records map[string]string `json:"records,omitempty"`
}

const fromDefinitions = "definitions"

// rowOf makes the row of a release from its definitions.
func rowOf(src *source) Release {
	row := Release{Release: src.release, Source: fromDefinitions, APIs: map[string]string{}, Records: map[string]string{}}
	for name, m := range src.messages {
		switch {
		case m.Valid.Empty() || m.Kind == def.Response:
			continue
		case m.Kind != def.Request:
			row.Records[name] = m.Valid.String()
			continue
		}
		api := m.API()
		row.APIs[api] = m.Valid.String()
		if m.LatestUnstable {
			row.Unstable = append(row.Unstable, api)
		}
		listeners := m.Listeners
		if len(listeners) == 0 {
			listeners = listenersBefore28(m)
		}
		for _, l := range listeners {
			switch l {
			case "broker":
				row.Broker = append(row.Broker, api)
			case "controller":
				row.Controller = append(row.Controller, api)
			case "zkBroker":
				row.ZkBroker = append(row.ZkBroker, api)
			}
		}
	}
	for _, list := range [][]string{row.Broker, row.Controller, row.ZkBroker, row.Unstable} {
		slices.Sort(list)
	}
	return row
}

// listenersBefore28 tells what definitions did not say before 2.8: brokers served all
// requests, except the ones of the quorum that 2.7 prepared.
func listenersBefore28(m *def.Message) []string {
	switch m.API() {
	case "Vote", "BeginQuorumEpoch", "EndQuorumEpoch", "DescribeQuorum":
		return []string{"controller"}
	}
	return []string{"zkBroker"}
}

// versions returns those that the release has of a message.
func (r *Release) versions(m *def.Message) def.Versions {
	text, ok := r.Records[m.Name]
	if m.Kind == def.Request || m.Kind == def.Response {
		text, ok = r.APIs[m.API()]
	}
	if !ok {
		return def.None
	}
	v, err := def.ParseVersions(text)
	if err != nil {
		return def.None // parseReleases has checked it
	}
	return v
}

// releases is releases.json, oldest release first.
type releases []Release

func parseReleases(data []byte) (releases, error) {
	var rows releases
	if err := readJSON(data, &rows); err != nil {
		return nil, err
	}
	for _, r := range rows {
		for _, texts := range []map[string]string{r.APIs, r.Records} {
			for name, text := range texts {
				if _, err := def.ParseVersions(text); err != nil {
					return nil, fmt.Errorf("%s of %s: %w", name, r.Release, err)
				}
			}
		}
	}
	return rows, nil
}

// with returns the rows with r in its place.
func (rs releases) with(r Release) releases {
	out := slices.DeleteFunc(slices.Clone(rs), func(o Release) bool { return o.Release == r.Release })
	out = append(out, r)
	slices.SortFunc(out, func(a, b Release) int {
		switch {
		case jars.Before(a.Release, b.Release):
			return -1
		case a.Release == b.Release:
			return 0
		}
		return 1
	})
	return out
}

// newestWithDefinitions returns the newest release that was imported, or "".
func (rs releases) newestWithDefinitions() string {
	for _, r := range slices.Backward(rs) {
		if r.Source == fromDefinitions {
			return r.Release
		}
	}
	return ""
}

// newest returns the newest release, other than except, whose definitions have version v
// of m, or "".
func (rs releases) newest(m *def.Message, v int16, except string) string {
	for _, r := range slices.Backward(rs) {
		if r.Source == fromDefinitions && r.Release != except && r.versions(m).Has(v) {
			return r.Release
		}
	}
	return ""
}

// format writes the rows in their normal form.
func (rs releases) format() []byte {
	var b bytes.Buffer
	b.WriteString("[\n")
	for i, r := range rs {
		fmt.Fprintf(&b, "  {\n    \"release\": %q,\n    \"source\": %q,\n", r.Release, r.Source)
		if r.Note != "" {
			fmt.Fprintf(&b, "    \"note\": %q,\n", r.Note)
		}
		b.WriteString("    \"apis\": {\n")
		wrap(&b, pairs(r.APIs))
		b.WriteString("    }")
		for _, l := range []struct {
			name string
			apis []string
		}{{"broker", r.Broker}, {"controller", r.Controller}, {"zkBroker", r.ZkBroker}, {"unstable", r.Unstable}} {
			if len(l.apis) > 0 {
				fmt.Fprintf(&b, ",\n    %q: [\n", l.name)
				wrap(&b, quoted(l.apis))
				b.WriteString("    ]")
			}
		}
		if len(r.Records) > 0 {
			b.WriteString(",\n    \"records\": {\n")
			wrap(&b, pairs(r.Records))
			b.WriteString("    }")
		}
		b.WriteString("\n  }")
		if i < len(rs)-1 {
			b.WriteString(",")
		}
		b.WriteString("\n")
	}
	b.WriteString("]\n")
	return b.Bytes()
}

func pairs(m map[string]string) []string {
	var out []string
	for _, k := range slices.SortedFunc(maps.Keys(m), cmp.Compare) {
		out = append(out, fmt.Sprintf("%q: %q", k, m[k]))
	}
	return out
}

func quoted(names []string) []string {
	out := make([]string, len(names))
	for i, n := range names {
		out[i] = fmt.Sprintf("%q", n)
	}
	return out
}

// wrap writes items, separated by commas, in lines of about a hundred columns.
func wrap(b *bytes.Buffer, items []string) {
	line := "     "
	for i, item := range items {
		if i < len(items)-1 {
			item += ","
		}
		if len(line)+1+len(item) > 110 {
			b.WriteString(line + "\n")
			line = "     "
		}
		line += " " + item
	}
	if strings.TrimSpace(line) != "" {
		b.WriteString(line + "\n")
	}
}

// newestOf returns the newest release, other than except, whose definitions have any
// version of m, or "".
func (rs releases) newestOf(m *def.Message, except string) string {
	for _, r := range slices.Backward(rs) {
		if r.Source == fromDefinitions && r.Release != except && !r.versions(m).Empty() {
			return r.Release
		}
	}
	return ""
}

// newer reports whether release a is newer than b; any is newer than "".
func newer(a, b string) bool { return b == "" || jars.Before(b, a) }
