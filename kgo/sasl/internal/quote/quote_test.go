package quote_test

import (
	"strings"
	"testing"

	"github.com/franzi-kafka/franzi/kgo/sasl/internal/quote"
)

func TestText(t *testing.T) {
	const hidden = "[a text that repeats the secret]"
	for name, test := range map[string]struct {
		text    string
		secrets []string
		want    string
	}{
		"nothing":             {"", nil, `""`},
		"harmless":            {"invalid scope", []string{"secret-token"}, `"invalid scope"`},
		"control characters":  {"a\x1b[2J\nb", nil, `"a\x1b[2J\nb"`},
		"not UTF-8":           {"\xff", nil, `"\xff"`},
		"long":                {strings.Repeat("x", 300), nil, `"` + strings.Repeat("x", 256) + `"...`},
		"the secret":          {"bad: secret-token!", []string{"other", "secret-token"}, hidden},
		"its beginning":       {"bad: secret-t", []string{"secret-token"}, hidden},
		"seven bytes":         {"bad: secret-", []string{"secret-token"}, `"bad: secret-"`},
		"its end":             {"et-token", []string{"secret-token"}, hidden},
		"a short one":         {"bad: abc", []string{"abc"}, hidden},
		"part of a short one": {"bad: ab", []string{"abc"}, `"bad: ab"`},
		"an empty one":        {"bad", []string{""}, `"bad"`},
		"across the cut":      {strings.Repeat("x", 252) + "secret-token", []string{"secret-token"}, hidden},
		"short, at the cut":   {strings.Repeat("x", 254) + "abc", []string{"abc"}, hidden},
		"beyond the cut":      {strings.Repeat("x", 264) + "secret-token", []string{"secret-token"}, `"` + strings.Repeat("x", 256) + `"...`},
	} {
		t.Run(name, func(t *testing.T) {
			if got := quote.Text(test.text, test.secrets...); got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}

// Whatever the text, the secret does not show, and what shows is short.
func FuzzText(f *testing.F) {
	f.Add("the token eyJhbGciOiJub25lIn0.e30. is wrong", "eyJhbGciOiJub25lIn0.e30.")
	f.Add(strings.Repeat("x", 255)+"pw", "pw")
	f.Fuzz(func(t *testing.T, text, secret string) {
		got := quote.Text(text, secret)
		shown := text[:min(len(text), 256)]
		if secret != "" && strings.Contains(shown, secret) && got != "[a text that repeats the secret]" {
			t.Errorf("got %s for the secret %q", got, secret)
		}
		if len(got) > 256*10+5 {
			t.Errorf("got %d bytes", len(got))
		}
	})
}
