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
	changed []string // error codes of which something else is known now
	// Versions that the release has in other bytes than spec/ had them, and what becomes of them.
	redefined []string
	// What the spec has now.
	apis, pairs, others, errors int
}

type row struct {
	message string
	key     string
	was, is def.Versions
	notes   []string // what else changed, mostly fields
}

func reportOf(src *source, before, after *spec) *Report {
	r := &Report{Release: src.release, errors: len(after.errors)}
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
		r.redefine(src, before, m)
	}
	for _, e := range after.errors {
		name := fmt.Sprintf("%d %s", e.Code, e.Name)
		switch i := slices.IndexFunc(before.errors, func(o ErrorCode) bool { return o.Code == e.Code }); {
		case i < 0:
			r.codes = append(r.codes, name)
		case !before.errors[i].equal(e):
			r.changed = append(r.changed, name)
		}
	}
	return r
}

// redefine notes the versions of a message that the release has in other bytes than were
// known. The newest release counts, and differences.json has to say why they differ.
func (r *Report) redefine(src *source, before *spec, after *def.Message) {
	was, says := before.messages[after.Name], src.messages[after.Name]
	if was == nil || says == nil || isKeyOf(was, says) || isKeyOf(says, was) {
		return
	}
	says.Valid.Intersect(was.Valid).Each(func(v int16) {
		difference := def.Difference(def.LayoutOf(says, v), def.LayoutOf(was, v))
		if difference == "" {
			return
		}
		older, fate := src.release, "spec/ keeps what it has"
		if def.Difference(def.LayoutOf(after, v), def.LayoutOf(was, v)) != "" {
			older, fate = before.releases.newest(was, v, src.release), "it takes the place of what "+before.releases.newest(was, v, src.release)+" has"
		}
		reason := "differences.json does not say why: add it, gen check will ask for it"
		for _, known := range before.known.Layouts {
			if known.covers(older, after.Name, v) {
				reason = known.Reason
			}
		}
		r.redefined = append(r.redefined, fmt.Sprintf("%s version %d: %s; %s. %s", after.Name, v, difference, fate, reason))
	})
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

// compare makes the row of a message, and says whether anything of it changed.
func compare(was, is *def.Message) (row, bool) {
	r := row{message: is.Name, was: def.None, is: is.Valid}
	if is.Kind == def.Request || is.Kind == def.Response {
		r.key = fmt.Sprint(is.APIKey)
	}
	if was != nil && bytes.Equal(def.Format(was), def.Format(is)) {
		return r, false
	}
	if was == nil || was.Valid.Empty() {
		return r, true
	}
	r.was = was.Valid
	if was.LatestUnstable != is.LatestUnstable {
		r.notes = append(r.notes, map[bool]string{true: "the last version is unstable", false: "the last version is stable"}[is.LatestUnstable])
	}
	if len(was.Listeners) > 0 && !slices.Equal(was.Listeners, is.Listeners) { // releases before 2.8 do not say
		r.notes = append(r.notes, fmt.Sprintf("served by %s → %s", strings.Join(was.Listeners, ", "), strings.Join(is.Listeners, ", ")))
	}
	if was.Flexible != is.Flexible {
		r.notes = append(r.notes, fmt.Sprintf("flexible %s → %s", was.Flexible, is.Flexible))
	}
	old := map[string]string{}
	for path, f := range was.Walk() {
		old[path] = describe(f)
	}
	for path, f := range is.Walk() {
		switch is, was := describe(f), old[path]; {
		case was == "":
			r.notes = append(r.notes, fmt.Sprintf("`%s` %s", path, is))
		case was != is:
			r.notes = append(r.notes, fmt.Sprintf("`%s` %s → %s", path, was, is))
		}
		delete(old, path)
	}
	for path := range was.Walk() {
		if _, left := old[path]; left {
			r.notes = append(r.notes, fmt.Sprintf("`%s` is gone", path))
		}
	}
	if r.was == r.is && len(r.notes) == 0 {
		r.notes = append(r.notes, "what does not show in the bytes")
	}
	return r, true
}

func describe(f *def.Field) string {
	s := fmt.Sprintf("%s %s", f.Type, f.Versions)
	if !f.Tagged.Empty() {
		s += fmt.Sprintf(", tag %d", f.Tag)
	}
	if !f.Nullable.Empty() {
		s += fmt.Sprintf(", nullable %s", f.Nullable)
	}
	if f.Default != "" {
		s += ", default " + f.Default
	}
	if f.Ignorable {
		s += ", ignorable"
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
	case len(r.rows) == 0 && len(r.codes) == 0 && len(r.changed) == 0:
		b.WriteString("No message changes; releases.json notes which versions the release speaks.\n\n")
	}
	if len(r.rows) > 0 {
		b.WriteString("| key | message | versions | changes |\n|---|---|---|---|\n")
		for _, row := range r.rows {
			fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", row.key, row.message, row.versions(), strings.ReplaceAll(strings.Join(row.notes, "<br>"), "|", `\|`))
		}
		b.WriteString("\n")
	}
	if len(r.redefined) > 0 {
		fmt.Fprintf(&b, "In other bytes than known:\n\n- %s\n\n", strings.Join(r.redefined, "\n- "))
	}
	if len(r.codes) > 0 {
		fmt.Fprintf(&b, "New error codes: %s.\n\n", strings.Join(r.codes, ", "))
	}
	if len(r.changed) > 0 {
		fmt.Fprintf(&b, "Changed error codes: %s.\n\n", strings.Join(r.changed, ", "))
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
