package kafkatest

import (
	"slices"
	"strings"
	"testing"
)

func TestChosenEras(t *testing.T) {
	for _, tt := range []struct {
		list string
		want []string
	}{
		{"", eras},
		{" , ", eras},
		{"4.4.0", []string{"4.4.0"}},
		{"4.4.0, 0.8.2.2 1.1.1,4.4.0", []string{"0.8.2.2", "1.1.1", "4.4.0"}}, // oldest first, once
	} {
		if got, err := chosenEras(tt.list); err != nil || !slices.Equal(got, tt.want) {
			t.Errorf("%q: got %q and %v, want %q", tt.list, got, err, tt.want)
		}
	}
	for _, list := range []string{"7.7.7", "4.4.0 4.4", "4.4.0;1.1.1"} {
		got, err := chosenEras(list)
		if err == nil || !strings.Contains(err.Error(), strings.Join(eras, ", ")) {
			t.Errorf("%q: got %q and %v, want an error that lists the eras", list, got, err)
		}
	}
}

// A release that is no era is not passed over: no test would start a broker, and all would pass.
func TestErasPanics(t *testing.T) {
	t.Setenv("KAFKA_ERAS", "7.7.7")
	defer func() {
		if got, want := recover(), `KAFKA_ERAS: "7.7.7" is no era`; !strings.HasPrefix(got.(string), want) {
			t.Errorf("got %v, want %s", got, want)
		}
	}()
	t.Errorf("got %q, want a panic", Eras())
}
