package recordtext

import (
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/franzi-kafka/franzi/kgo"
)

func TestFormats(t *testing.T) {
	r := &kgo.Record{Topic: "orders", Partition: 3, Offset: 42, Timestamp: time.UnixMilli(1_700_000_000_123), Key: []byte("k"), Value: []byte("a\x1b"),
		Headers: []kgo.Header{{Key: "x", Value: []byte("1")}, {Key: "y"}}}
	for text, want := range map[string]string{
		"%v":                      "a\x1b\n", // a line ends each record
		`%s\n`:                    "a\x1b\n", // unless an escape does
		`%k%v\0`:                  "ka\x1b\x00",
		`%k\c`:                    "k",
		"%t[%p]@%o %T %D":         "orders[3]@42 1700000000123 2023-11-14T22:13:20.123Z\n",
		"100%% %K %V %S %h":       "100% 1 2 2 x=1,y=\n",
		`a\tb\\c\x41 %k`:          "a\tb\\cA k\n",
		"Topic %t: key %k: %s\\n": "Topic orders: key k: a\x1b\n",
	} {
		f, err := ParseFormat(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if got := string(f.Append(nil, r)); got != want {
			t.Errorf("%s: got %q, want %q", text, got, want)
		}
	}
	f, _ := ParseFormat("%k %v %K")
	f.Null, f.Printable = "NULL", true
	if got, want := string(f.Append(nil, &kgo.Record{Value: []byte("\x1b[31m")})), "NULL \\x1b[31m -1\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestFormatsAreWrong(t *testing.T) {
	for text, want := range map[string]string{
		"":       "the format is empty",
		"%":      "nothing follows the last %",
		"%q":     "there is no field %q: there are %t %p %o %k %v %h %T %D %K %V",
		`%v\q`:   `"\\q" is none of \n \r \t \0 \\ \xFF and \c`,
		`%v\`:    `"\\" is none of \n \r \t \0 \\ \xFF and \c`,
		`\xg1`:   `"\\x" is none of \n \r \t \0 \\ \xFF and \c`,
		`%v\c%k`: `\c is for the end of a format`,
	} {
		if _, err := ParseFormat(text); err == nil || err.Error() != want {
			t.Errorf("%s: got %v, want %s", text, err, want)
		}
	}
}

// What a format writes it reads, as far as its fields go.
func TestFormatsAreRead(t *testing.T) {
	for _, tt := range []struct {
		format, input string
		want          []kgo.Record // of Partition -1, if it is 0
		err           string
	}{
		{format: "%v", input: "a\nb", want: []kgo.Record{{Value: []byte("a")}, {Value: []byte("b")}}},
		{format: "%k %v", input: "a b c\n \nx ", want: []kgo.Record{{Key: []byte("a"), Value: []byte("b c")}, {Key: []byte{}, Value: []byte{}}, {Key: []byte("x"), Value: []byte{}}}},
		{format: "%k::%v", input: "a:b::c:\n", want: []kgo.Record{{Key: []byte("a:b"), Value: []byte("c:")}}},
		{format: "%k %v", input: "NULL NULL\n", want: []kgo.Record{{}}},
		{format: `%v\0`, input: "a\nb\x00c", want: []kgo.Record{{Value: []byte("a\nb")}, {Value: []byte("c")}}},
		{format: `%K %V %k%v\c`, input: "1 3 ab\ncc-1 0 x", want: []kgo.Record{{Key: []byte("a"), Value: []byte("b\nc")}}, err: `line 2: "c-1" is no size`},
		{format: `%K %V %k%v\c`, input: "1 3 ab\nc-1 0 0 -1 ", want: []kgo.Record{{Key: []byte("a"), Value: []byte("b\nc")}, {Value: []byte{}}, {Key: []byte{}}}},
		{format: "%V %v", input: "5 abc", err: "line 1: the input ends in %v"},
		{format: "%V %v", input: "3 abcd\n", err: `line 1: "d" stands where the format has "\n"`},
		{format: "%p %T %h %v", input: "2 5 a=1,b=NULL x", want: []kgo.Record{{Partition: 2, Timestamp: time.UnixMilli(5), Headers: []kgo.Header{{Key: "a", Value: []byte("1")}, {Key: "b"}}, Value: []byte("x")}}},
		{format: "%t %D %o %v", input: "t 2026-01-31T12:00:00Z 9 x\n", want: []kgo.Record{{Topic: "t", Timestamp: time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC), Value: []byte("x")}}},
		{format: "%p %v", input: "x y", err: `line 1: "x" is no partition`},
		{format: "%T %v", input: "x y", err: `line 1: "x" is no timestamp in milliseconds`},
		{format: "%D %v", input: "x y", err: `line 1: "x" is no time like 2026-01-31T12:00:00Z`},
		{format: "%h %v", input: "x y", err: `line 1: "x" is no header like key=value`},
		{format: "%k %v", input: "a b\nc\n", want: []kgo.Record{{Key: []byte("a"), Value: []byte("b")}}, err: "line 2: the input ends in %k"},
	} {
		f, err := ParseFormat(tt.format)
		if err != nil {
			t.Fatal(err)
		}
		f.Null = "NULL"
		in, err := NewReader(strings.NewReader(tt.input), f)
		if err != nil {
			t.Fatal(err)
		}
		var got []kgo.Record
		for {
			var r kgo.Record
			if err = in.Read(&r); err != nil {
				break
			}
			got = append(got, r)
		}
		for i := range tt.want {
			if w := &tt.want[i]; w.Partition == 0 {
				w.Partition = -1
			}
			tt.want[i].Offset, tt.want[i].LeaderEpoch = -1, -1
		}
		if d := cmp.Diff(got, tt.want); d != "" {
			t.Errorf("%s of %q (-got +want):\n%s", tt.format, tt.input, d)
		}
		if tt.err == "" && err != io.EOF || tt.err != "" && err.Error() != tt.err {
			t.Errorf("%s of %q: got %v, want %s", tt.format, tt.input, err, tt.err)
		}
	}
}

// Where nothing says where a field ends, the format is refused for reading.
func TestFormatsThatCannotBeRead(t *testing.T) {
	for text, want := range map[string]string{
		"%k%v":       "nothing says where %k ends: put text behind it, or its size before it",
		`%k %v\c`:    "nothing says where %v ends: put text behind it, or its size before it",
		`%V%v`:       "nothing says where %V ends: put text behind it, or its size before it",
		`%K %k%V %v`: "",
	} {
		f, err := ParseFormat(text)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := NewReader(strings.NewReader(""), f); want == "" && err != nil || want != "" && (err == nil || err.Error() != want) {
			t.Errorf("%s: got %v, want %s", text, err, want)
		}
	}
}

// What goes wrong in reading is told as it is.
func TestInputFails(t *testing.T) {
	bad := errors.New("bad disk")
	f, _ := ParseFormat("%k %v")
	in, err := NewReader(io.MultiReader(strings.NewReader("a "), failing{bad}), f)
	if err != nil {
		t.Fatal(err)
	}
	var r kgo.Record
	if err := in.Read(&r); !errors.Is(err, bad) {
		t.Errorf("got %v, want %v", err, bad)
	}
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }
