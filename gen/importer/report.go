package importer

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/franzi-kafka/franzi/gen/def"
)

// A Report says what an import changed.
type Report struct {
	Release string
	Changed bool // whether any file changed
	rows    []row
	codes   []string // new error codes
	// What the spec has now.
	apis, pairs, others, errors int
}

type row struct {
	message string
	key     string
	was, is def.Versions
	fields  []string
}

func reportOf(release string, before, after *spec) *Report {
	r := &Report{Release: release, errors: len(after.errors)}
	var all []*def.Message
	for _, m := range after.messages {
		all = append(all, m)
		switch m.Kind {
		case def.Request:
			r.apis++
			fallthrough
		case def.Response:
			r.pairs += int(m.Valid.Max) - int(m.Valid.Min) + 1
		default:
			r.others++
		}
	}
	slices.SortFunc(all, inOrder)
	for _, m := range all {
		if row, changed := compare(before.messages[m.Name], m); changed {
			r.rows = append(r.rows, row)
		}
	}
	for _, e := range after.errors {
		if !slices.ContainsFunc(before.errors, func(o ErrorCode) bool { return o.Code == e.Code }) {
			r.codes = append(r.codes, fmt.Sprintf("%d %s", e.Code, e.Name))
		}
	}
	return r
}

// inOrder sorts requests and responses by key before all else.
func inOrder(a, b *def.Message) int {
	rank := func(m *def.Message) int {
		switch m.Kind {
		case def.Request:
			return int(m.APIKey) * 2
		case def.Response:
			return int(m.APIKey)*2 + 1
		}
		return 1 << 20
	}
	if d := rank(a) - rank(b); d != 0 {
		return d
	}
	return strings.Compare(a.Name, b.Name)
}

// compare makes the row of a message, and says whether there is anything in it.
func compare(was, is *def.Message) (row, bool) {
	r := row{message: is.Name, was: def.None, is: is.Valid}
	if is.Kind == def.Request || is.Kind == def.Response {
		r.key = fmt.Sprint(is.APIKey)
	}
	if was == nil {
		return r, true
	}
	r.was = was.Valid
	old := map[string]string{}
	for path, f := range was.Walk() {
		old[path] = describe(f)
	}
	for path, f := range is.Walk() {
		switch is, was := describe(f), old[path]; {
		case was == "":
			r.fields = append(r.fields, fmt.Sprintf("`%s` %s", path, is))
		case was != is:
			r.fields = append(r.fields, fmt.Sprintf("`%s` %s → %s", path, was, is))
		}
		delete(old, path)
	}
	for path := range was.Walk() {
		if _, left := old[path]; left {
			r.fields = append(r.fields, fmt.Sprintf("`%s` is gone", path))
		}
	}
	return r, r.was != r.is || len(r.fields) > 0 || was.LatestUnstable != is.LatestUnstable
}

func describe(f *def.Field) string {
	s := fmt.Sprintf("%s %s", f.Type, f.Versions)
	if !f.Tagged.Empty() {
		s += fmt.Sprintf(", tag %d", f.Tag)
	}
	if !f.Nullable.Empty() {
		s += fmt.Sprintf(", nullable %s", f.Nullable)
	}
	return s
}

// WriteTo writes the report as Markdown, ready for the changelog.
func (r *Report) WriteTo(w io.Writer) (int64, error) {
	var b bytes.Buffer
	fmt.Fprintf(&b, "### Kafka %s\n\n", r.Release)
	switch {
	case !r.Changed:
		fmt.Fprintf(&b, "Nothing is new: all that Kafka %s says was known.\n\n", r.Release)
	case len(r.rows) == 0 && len(r.codes) == 0:
		b.WriteString("No message changes; releases.json notes which versions the release speaks.\n\n")
	}
	if len(r.rows) > 0 {
		b.WriteString("| key | message | versions | fields |\n|---|---|---|---|\n")
		for _, row := range r.rows {
			fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", row.key, row.message, row.versions(), strings.Join(row.fields, "<br>"))
		}
		b.WriteString("\n")
	}
	if len(r.codes) > 0 {
		fmt.Fprintf(&b, "New error codes: %s.\n\n", strings.Join(r.codes, ", "))
	}
	fmt.Fprintf(&b, "In all: %d APIs, %d (message, version) pairs of requests and responses, %d other messages, %d error codes.\n",
		r.apis, r.pairs, r.others, r.errors)
	n, err := w.Write(b.Bytes())
	return int64(n), err
}

func (r row) versions() string {
	switch {
	case r.is.Empty():
		return "reserved"
	case r.was.Empty():
		return fmt.Sprintf("%s, new", r.is)
	case r.was == r.is:
		return r.is.String()
	}
	return fmt.Sprintf("%s → %s", r.was, r.is)
}
