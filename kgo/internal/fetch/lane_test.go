package fetch

import (
	"testing"
	"time"
)

// How much a lane asks for at a time follows from how long somebody waits for it.
func TestAim(t *testing.T) {
	for _, test := range []struct {
		name           string
		answer, perMiB time.Duration
		hiccups        int // the first answers, which come late
		most, in100    int // MiB: the most that was asked for, and after a hundred answers
	}{
		{name: "near", answer: 100 * time.Microsecond, perMiB: 500 * time.Microsecond, most: 2, in100: 2},
		{name: "near, slow at first", answer: 100 * time.Microsecond, perMiB: 500 * time.Microsecond, hiccups: 3, most: 16, in100: 2},
		{name: "far", answer: 50 * time.Millisecond, perMiB: 500 * time.Microsecond, most: 16, in100: 16},
		{name: "not so far", answer: 9 * time.Millisecond, perMiB: 500 * time.Microsecond, most: 8, in100: 8},
		{name: "never waited for", hiccups: 1, most: 4, in100: 2},
	} {
		t.Run(test.name, func(t *testing.T) {
			l := &lane{number: 1, target: busyBytes}
			most := 0
			for i := range 100 {
				waited := test.answer + test.perMiB*time.Duration(l.target>>20)
				if i < test.hiccups {
					waited = 100 * time.Millisecond
				}
				l.aim(waited)
				most = max(most, l.target>>20)
			}
			if most != test.most || l.target>>20 != test.in100 {
				t.Errorf("asked for %d MiB at most and %d in the end, want %d and %d", most, l.target>>20, test.most, test.in100)
			}
		})
	}
}
