package measure

import (
	"strings"
	"testing"
	"time"
)

// TestCompare: the ratio is that of the rounds, and each round's own.
func TestCompare(t *testing.T) {
	spin := func(loops int) Operation {
		x := 0
		return func(n int) {
			for range n * loops {
				x = x*31 + 7
			}
			sink = x
		}
	}
	r, err := Compare(t.Context(), 5, time.Millisecond, spin(1000), spin(8000))
	if err != nil {
		t.Fatal(err)
	}
	if r.Ratio >= 1 || r.Lowest > r.Ratio || r.Highest < r.Ratio || r.Ours.NS >= r.Theirs.NS {
		t.Errorf("an eighth of the work: got %+v, want a ratio below 1", r)
	}
}

var sink int

func TestMedian(t *testing.T) {
	for _, row := range []struct {
		values []float64
		want   float64
	}{
		{[]float64{3}, 3},
		{[]float64{9, 1}, 5},
		{[]float64{9, 1, 2}, 2},
		{[]float64{4, 1, 9, 2}, 3},
	} {
		before := len(row.values)
		if got := Median(row.values); got != row.want || len(row.values) != before {
			t.Errorf("median of %v: got %v, want %v", row.values, got, row.want)
		}
	}
}

func TestTable(t *testing.T) {
	tab := NewTable("case", "time")
	tab.Row("a", Nanos(999.94))
	tab.Row("b", Nanos(9_994))
	tab.Row("c", Nanos(12_340))
	tab.Row("d", Count(0.001)+" "+Count(2)+" "+Count(2.26)+" "+Count(1234.4))
	var out strings.Builder
	if err := tab.Print(&out, "Title"); err != nil {
		t.Fatal(err)
	}
	want := "### Title\n\n| case | time |\n|---|---|\n| a | 999.9 ns |\n| b | 9.99 µs |\n| c | 12.3 µs |\n| d | 0 2 2.3 1234 |\n\n"
	if got := out.String(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
