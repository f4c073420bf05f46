package output_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/franzi-kafka/franzi/cmd/franzi/internal/output"
)

// write writes results in a format.
func write(t *testing.T, format string, results ...output.Result) string {
	t.Helper()
	var f output.Format
	if format != "" {
		if err := f.Set(format); err != nil {
			t.Fatal(err)
		}
	}
	var b strings.Builder
	w := output.NewWriter(&b, f, output.JSONFormat)
	for _, r := range results {
		if err := w.Write(r); err != nil {
			t.Fatal(err)
		}
	}
	return b.String()
}

const sample = `{"b": 1, "a": [], "list": [{"x": null, "y": {}}, {"x": 9223372036854775807, "s": "a <b> & \"c\""}],
"nested": [[1, 2], []], "float": 1.50, "empty": "", "no": "no", "number": "007", "key: odd": "x: y", "text": "two words"}`

func TestFormats(t *testing.T) {
	r := output.Result{Value: json.RawMessage(sample)}
	for format, want := range map[string]string{
		"": `{
  "b": 1,
  "a": [],
  "list": [
    {"x": null, "y": {}},
    {"x": 9223372036854775807, "s": "a <b> & \"c\""}
  ],
  "nested": [
    [1, 2],
    []
  ],
  "float": 1.50,
  "empty": "",
  "no": "no",
  "number": "007",
  "key: odd": "x: y",
  "text": "two words"
}
`,
		"jsonl": `{"b":1,"a":[],"list":[{"x":null,"y":{}},{"x":9223372036854775807,"s":"a <b> & \"c\""}],` +
			`"nested":[[1,2],[]],"float":1.50,"empty":"","no":"no","number":"007","key: odd":"x: y","text":"two words"}` + "\n",
		"yaml": `b: 1
a: []
list:
- x: null
  "y": {}
- x: 9223372036854775807
  s: "a <b> & \"c\""
nested:
- - 1
  - 2
- []
float: 1.50
empty: ""
"no": "no"
number: "007"
"key: odd": "x: y"
text: two words
`,
		"table": `FIELD      VALUE
b          1
a          []
list[0].x  null
list[0].y  {}
list[1].x  9223372036854775807
list[1].s  a <b> & "c"
nested[0][0]  1
`,
		"raw": "b\t1\na\t[]\n",
		`template={{.b}}\t{{index .list 1 | json}}{{"\n"}}{{join (index .nested 0) ","}}`: "1\t" + `{"s":"a \u003cb\u003e \u0026 \"c\"","x":9223372036854775807}` + "\n1,2\n",
	} {
		got := write(t, format, r)
		if format == "table" || format == "raw" { // the beginning, and columns of any width
			got, want = strings.Join(strings.Fields(got), " "), strings.Join(strings.Fields(want), " ")
			if !strings.HasPrefix(got, want) {
				t.Errorf("%s:\n%s\nwant\n%s", format, got, want)
			}
			continue
		}
		if d := cmp.Diff(got, want); d != "" {
			t.Errorf("%s (-got +want):\n%s", format, d)
		}
	}
}

// Lists go element by element where lines are asked for.
func TestLists(t *testing.T) {
	r := output.Result{Value: []int{1, 22, 3}, Raw: []byte("bare")}
	for format, want := range map[string]string{
		"json":                                 "[1, 22, 3]\n",
		"jsonl":                                "1\n22\n3\n",
		"yaml":                                 "- 1\n- 22\n- 3\n",
		"raw":                                  "bare",
		"template={{if gt . 2}}<{{.}}>{{end}}": "<22>\n<3>\n",
	} {
		if got := write(t, format, r); got != want {
			t.Errorf("%s: got %q, want %q", format, got, want)
		}
	}
	if got := write(t, "yaml", r, r); got != "- 1\n- 22\n- 3\n---\n- 1\n- 22\n- 3\n" {
		t.Errorf("two in YAML: %q", got)
	}
	if got := write(t, "jsonl", output.Result{Value: []int{}}); got != "" {
		t.Errorf("no elements: %q", got)
	}
}

func TestTable(t *testing.T) {
	r := output.Result{Value: 1, Table: func(t *output.Table) {
		t.Line("A %s:", "title")
		t.Heading("NAME", "N")
		t.Row("ä long one", "1", "note")
		t.Row("b\x07", "")
		t.Line("")
		t.Row("other", "columns")
	}}
	want := "A title:\nNAME        N\nä long one  1  note\nb\\x07\n\nother  columns\n"
	if got := write(t, "table", r); got != want {
		t.Errorf("got\n%q\nwant\n%q", got, want)
	}
	if got, want := write(t, "raw", r), "ä long one\t1\tnote\nb\\x07\t\nother\tcolumns\n"; got != want {
		t.Errorf("raw: got %q, want %q", got, want)
	}
}

func TestMistakes(t *testing.T) {
	var f output.Format
	for _, s := range []string{"", "JSON", "template", "csv", "template={{", "template={{nosuch}}"} {
		if err := f.Set(s); err == nil {
			t.Errorf("%q is accepted", s)
		}
	}
	if err := f.Set("template={{.a.b.c}}"); err != nil {
		t.Fatal(err)
	}
	var failed *output.TemplateError
	err := output.NewWriter(&strings.Builder{}, f, "").Write(output.Result{Value: map[string]int{"a": 1}})
	if !errors.As(err, &failed) {
		t.Errorf("got %v, want a TemplateError", err)
	}
	if err := output.NewWriter(&strings.Builder{}, output.Format{}, output.JSONFormat).Write(output.Result{Value: func() {}}); err == nil {
		t.Error("a function is JSON")
	}
}

// A key that a result lacks is an error of the template, unless results are of many kinds.
func TestTemplateKeys(t *testing.T) {
	var f output.Format
	if err := f.Set("template={{.a}}{{with .b}} b {{.}}{{end}}"); err != nil {
		t.Fatal(err)
	}
	result := output.Result{Value: map[string]int{"a": 1}}
	for range 2 { // one writer changes nothing for another
		var out strings.Builder
		var failed *output.TemplateError
		if err := output.NewWriter(&out, f, "").Write(result); !errors.As(err, &failed) || !strings.Contains(err.Error(), `no entry for key "b"`) || out.Len() > 0 {
			t.Errorf("got %q and %v, want an error about the key", &out, err)
		}
		if err := output.NewMixed(&out, f, "").Write(result); err != nil || out.String() != "1\n" {
			t.Errorf("mixed: got %q and %v, want 1", &out, err)
		}
	}
}

// What is parsed is written back.
func FuzzParse(f *testing.F) {
	f.Add(sample)
	f.Add(`[1e400, "\ud800", -0.0]`)
	f.Fuzz(func(t *testing.T, text string) {
		v, err := output.Parse([]byte(text))
		if err != nil {
			return
		}
		once := v.AppendJSON(nil)
		again, err := output.Parse(once)
		if err != nil || string(again.AppendJSON(nil)) != string(once) {
			t.Fatalf("%q became %q: %v", text, once, err)
		}
		for _, name := range []string{"json", "yaml", "table", "template={{json .}}"} {
			var format output.Format
			if err := format.Set(name); err != nil {
				t.Fatal(err)
			}
			output.NewWriter(&strings.Builder{}, format, "").Write(output.Result{Value: v})
		}
	})
}
