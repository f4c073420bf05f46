package output_test

import (
	"bytes"
	"errors"
	"testing"

	"github.com/franzi-kafka/franzi/cmd/franzi/internal/output"
	"github.com/franzi-kafka/franzi/kmsg/kjson"
)

// What is parsed knows where it stood.
func TestPlaces(t *testing.T) {
	text := ` {"a" : [1, "x\n" , {}], "b":null}  rest`
	v, err := output.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	list, _ := v.Get("a")
	null, _ := v.Get("b")
	for _, tt := range []struct {
		v    output.Value
		want string
	}{
		{v, `{"a" : [1, "x\n" , {}], "b":null}`},
		{list, `[1, "x\n" , {}]`},
		{list.Elements[0], `1`},
		{list.Elements[1], `"x\n"`},
		{list.Elements[2], `{}`},
		{null, `null`},
	} {
		if got := text[tt.v.Begin:tt.v.End]; got != tt.want {
			t.Errorf("got %s, want %s", got, tt.want)
		}
	}
	for i, want := range []string{` {`, ` {"a" : [1, "x\n" , {}], `} {
		if got := text[:v.Members[i].Begin]; got != want {
			t.Errorf("key %d: got it after %s, want it after %s", i, got, want)
		}
	}
}

// Strings with bytes that are no UTF-8 are read as kjson writes them, and written so again.
func TestOddStrings(t *testing.T) {
	text := `{"a\udcff":["\udc80é","plain",{"b":"` + "\ufffd" + `"}]}`
	v, err := output.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := v.Members[0].Key+v.Members[0].Value.Elements[0].Text, "a\xff\x80é"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := string(v.AppendJSON(nil)); got != text {
		t.Errorf("got %s, want %s", got, text)
	}
	_, err = output.Parse([]byte(`["a", "b\ud800"]`))
	if e := new(kjson.StringError); !errors.As(err, &e) || e.Offset != 8 {
		t.Errorf("got %#v, want an error at byte 8", err)
	}
}

// Lines of structs are written as they are, and are what their values are.
func TestLinesOfStructs(t *testing.T) {
	type inner struct {
		B float64 `json:"b"`
	}
	x := struct {
		A string       `json:"a"`
		V output.Value `json:"v"`
		I *inner       `json:"i"`
		O string       `json:"o,omitempty"`
	}{"<\u2028\"é\x00>", output.Value{Kind: output.Object, Members: []output.Member{{Key: "k<", Value: output.Int(int64(1) << 60)}, {Key: "t", Value: output.Text("\\")}}}, &inner{1.5}, ""}
	v, err := output.ValueOf(x)
	if err != nil {
		t.Fatal(err)
	}
	var lines output.Format
	if err := lines.Set("jsonl"); err != nil {
		t.Fatal(err)
	}
	for _, value := range []any{x, &x, v} {
		var b bytes.Buffer
		if err := output.NewWriter(&b, lines, "").Write(output.Result{Value: value}); err != nil {
			t.Fatal(err)
		}
		if want := string(v.AppendJSON(nil)) + "\n"; b.String() != want {
			t.Errorf("%T: got %swant %s", value, b.String(), want)
		}
	}
}
