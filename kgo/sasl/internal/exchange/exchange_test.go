package exchange_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/franzi-kafka/franzi/kgo/sasl/internal/exchange"
)

var errBad = errors.New("bad")

// echo answers n times, and is then done.
func echo(n int) exchange.Step {
	return func(challenge []byte) ([]byte, exchange.Step, error) {
		switch {
		case string(challenge) == "bad":
			return []byte("not to be sent"), echo(n), errBad
		case n == 0:
			return nil, nil, nil
		}
		return challenge, echo(n - 1), nil
	}
}

func TestSession(t *testing.T) {
	type result struct {
		response string
		done     bool
		err      string
	}
	const over = "sasl: TEST: the exchange is over already"
	for name, test := range map[string]struct {
		challenges []string
		want       []result
	}{
		"to the end":       {[]string{"a", "b", "c", "d"}, []result{{response: "a"}, {response: "b"}, {done: true}, {err: over}}},
		"an error ends it": {[]string{"a", "bad", "b"}, []result{{response: "a"}, {err: "sasl: TEST: bad"}, {err: over}}},
		"too long": {[]string{strings.Repeat("x", exchange.MaxChallenge+1), "a"},
			[]result{{err: "sasl: TEST: the broker's message has 65537 bytes, more than 65536 are not read"}, {err: over}}},
	} {
		t.Run(name, func(t *testing.T) {
			s := exchange.New("TEST", echo(2))
			for i, challenge := range test.challenges {
				response, done, err := s.Step([]byte(challenge))
				got := result{response: string(response), done: done}
				if err != nil {
					got.err = err.Error()
				}
				if got != test.want[i] {
					t.Errorf("step %d: got %+v, want %+v", i, got, test.want[i])
				}
			}
		})
	}
	if _, _, err := exchange.New("TEST", echo(1)).Step([]byte("bad")); !errors.Is(err, errBad) {
		t.Errorf("got %v, want it to wrap %v", err, errBad)
	}
	longest := strings.Repeat("x", exchange.MaxChallenge)
	if response, _, err := exchange.New("TEST", echo(1)).Step([]byte(longest)); len(response) != len(longest) || err != nil {
		t.Errorf("the longest message: got %d bytes, %v", len(response), err)
	}
}
