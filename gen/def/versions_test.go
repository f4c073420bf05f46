package def

import (
	"slices"
	"strings"
	"testing"
)

func TestParseVersions(t *testing.T) {
	for _, row := range []struct {
		in   string
		want Versions
		text string // as String writes it
	}{
		{"none", None, "none"},
		{"0", Versions{0, 0}, "0"},
		{"3", Versions{3, 3}, "3"},
		{"0-5", Versions{0, 5}, "0-5"},
		{"5-5", Versions{5, 5}, "5"},
		{"0+", Versions{0, Open}, "0+"},
		{"3+", Versions{3, Open}, "3+"},
		{"3-32767", Versions{3, Open}, "3+"}, // the same, also to Java
		{"32767", Versions{Open, Open}, "32767"},
		{" 1-2\n", Versions{1, 2}, "1-2"},
	} {
		got, err := ParseVersions(row.in)
		if got != row.want || err != nil {
			t.Errorf("ParseVersions(%q): got %v, %v, want %v", row.in, got, err, row.want)
		}
		if got.String() != row.text {
			t.Errorf("String of %q: got %q, want %q", row.in, got, row.text)
		}
		if again, err := ParseVersions(got.String()); again != got || err != nil {
			t.Errorf("ParseVersions(%q): got %v, %v, want %v", got.String(), again, err, got)
		}
	}
	for _, in := range []string{"", " ", "all", "-", "+", "-1", "1-", "-1+", "1--2", "1-2-3", "1+2", "+1", "1++", "0x1", "1.0", "1 - 2", "32768", "0-32768", "None", "2-1"} {
		got, err := ParseVersions(in)
		if err == nil || !strings.Contains(err.Error(), in) {
			t.Errorf("ParseVersions(%q): got %v, %v, want an error that shows it", in, got, err)
		}
		if got != None {
			t.Errorf("ParseVersions(%q): got %v, want none", in, got)
		}
	}
}

func TestVersionSets(t *testing.T) {
	v := func(s string) Versions {
		got, err := ParseVersions(s)
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	for _, row := range []struct {
		a, b     string
		both     string
		contains bool // whether all of b is in a
	}{
		{"0-5", "2-3", "2-3", true},
		{"2-3", "0-5", "2-3", false},
		{"0-3", "2-5", "2-3", false},
		{"0-1", "3-4", "none", false},
		{"0+", "3", "3", true},
		{"3", "0+", "3", false},
		{"2+", "0-4", "2-4", false},
		{"2+", "5+", "5+", true},
		{"1-3", "none", "none", true}, // of no versions all are in anything
		{"none", "none", "none", true},
		{"none", "1", "none", false},
	} {
		if got := v(row.a).Intersect(v(row.b)); got != v(row.both) {
			t.Errorf("%s and %s: got %v, want %s", row.a, row.b, got, row.both)
		}
		if got := v(row.b).Intersect(v(row.a)); got != v(row.both) {
			t.Errorf("%s and %s: got %v, want %s", row.b, row.a, got, row.both)
		}
		if got := v(row.a).Contains(v(row.b)); got != row.contains {
			t.Errorf("%s contains %s: got %v, want %v", row.a, row.b, got, row.contains)
		}
	}
	for versions, want := range map[string][]int16{"none": nil, "2": {2}, "1-3": {1, 2, 3}, "32766-32767": {32766, 32767}} { // no overflow
		var got []int16
		v(versions).Each(func(n int16) { got = append(got, n) })
		if !slices.Equal(got, want) {
			t.Errorf("Each of %s: got %v, want %v", versions, got, want)
		}
		for _, n := range []int16{-1, 0, 1, 2, 3, 4, 32767} {
			if got := v(versions).Has(n); got != slices.Contains(want, n) {
				t.Errorf("%s has %d: got %v, want %v", versions, n, got, !got)
			}
		}
		if got := v(versions).Empty(); got != (want == nil) {
			t.Errorf("%s is empty: got %v, want %v", versions, got, want == nil)
		}
	}
}

// TestWithin: seen from a message, a range that reaches its last version is open.
func TestWithin(t *testing.T) {
	for _, row := range []struct{ v, valid, want Versions }{
		{Versions{0, Open}, Versions{2, 5}, Versions{2, Open}},
		{Versions{0, 5}, Versions{2, 5}, Versions{2, Open}},
		{Versions{5, 5}, Versions{2, 5}, Versions{5, Open}},
		{Versions{0, 4}, Versions{2, 5}, Versions{2, 4}},
		{Versions{0, 1}, Versions{2, 5}, None},
		{Versions{6, Open}, Versions{2, 5}, None},
		{None, Versions{2, 5}, None},
	} {
		if got := row.v.within(row.valid); got != row.want {
			t.Errorf("%v within %v: got %v, want %v", row.v, row.valid, got, row.want)
		}
	}
}

func TestRangeOf(t *testing.T) {
	valid := Versions{1, 6}
	for _, row := range []struct {
		in   []int16
		want Versions
		one  bool // whether it is one range
	}{
		{nil, None, true},
		{[]int16{1, 2, 3, 4, 5, 6}, Versions{1, Open}, true},
		{[]int16{1, 2}, Versions{1, 2}, true},
		{[]int16{3}, Versions{3, 3}, true},
		{[]int16{5, 6}, Versions{5, Open}, true},
		{[]int16{1, 3}, Versions{1, 1}, false},
		{[]int16{1, 2, 6}, Versions{1, 2}, false},
	} {
		got, one := rangeOf(valid, func(v int16) bool { return slices.Contains(row.in, v) })
		if got != row.want || one != row.one {
			t.Errorf("%v: got %v, %v, want %v, %v", row.in, got, one, row.want, row.one)
		}
	}
}
