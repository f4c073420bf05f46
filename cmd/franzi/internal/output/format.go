package output

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"text/template"

	"github.com/franzi-kafka/franzi/kmsg/kjson"
)

// A Format is how a user wants to see results. The zero value leaves it to the command. It is
// the value of a flag.
type Format struct {
	name     string
	template *template.Template
}

// The formats that commands have as their default.
const (
	TableFormat = "table"
	JSONFormat  = "json"
	LinesFormat = "jsonl"
	RawFormat   = "raw"
)

// Formats lists all formats; a template follows the last one.
func Formats() []string {
	return []string{TableFormat, JSONFormat, LinesFormat, "yaml", RawFormat, "template="}
}

// Set reads the name of a format.
func (f *Format) Set(s string) error {
	if text, ok := strings.CutPrefix(s, "template="); ok {
		return f.setTemplate(text)
	}
	if s == "template" || !slices.Contains(Formats(), s) {
		all := "table, json, jsonl, yaml, raw and template=GO-TEMPLATE"
		if best := kjson.Closest(s, []string{"table", "json", "jsonl", "yaml", "raw"}); best != "" {
			return fmt.Errorf("there is no format %q: did you mean %s? There are %s", s, best, all)
		}
		return fmt.Errorf("there is no format %q: there are %s", s, all)
	}
	*f = Format{name: s}
	return nil
}

func (f *Format) setTemplate(text string) error {
	t, err := template.New("output").Option("missingkey=error").Funcs(template.FuncMap{"json": toJSON, "join": join}).Parse(unescape(text))
	if err != nil {
		return fmt.Errorf("the template is not right: %s", strings.TrimPrefix(err.Error(), "template: "))
	}
	*f = Format{name: "template=", template: t}
	return nil
}

// unescape makes tabs and line ends of \t and \n, which shells do not, in the text between
// the actions of a template.
func unescape(text string) string {
	escapes := strings.NewReplacer(`\t`, "\t", `\n`, "\n")
	var b strings.Builder
	for text != "" {
		between, action, _ := strings.Cut(text, "{{")
		b.WriteString(escapes.Replace(between))
		text = text[len(between):]
		if end := strings.Index(action, "}}"); end >= 0 {
			b.WriteString(text[:end+4])
			text = text[end+4:]
			continue
		}
		b.WriteString(text)
		break
	}
	return b.String()
}

// String returns the name of the format.
func (f *Format) String() string { return f.name }

// Type names what the flag takes, for help.
func (*Format) Type() string { return "format" }

func toJSON(x any) (string, error) {
	b, err := json.Marshal(x)
	return string(b), err
}

func join(list []any, between string) string {
	parts := make([]string, len(list))
	for i, x := range list {
		parts[i] = fmt.Sprint(x)
	}
	return strings.Join(parts, between)
}
