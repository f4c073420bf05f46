package def

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Open is the upper end of a range without one ("3+").
const Open = math.MaxInt16

// Versions is a range of versions, both ends included. None has no versions; the zero
// value is the range "0".
type Versions struct{ Min, Max int16 }

// None is the empty range.
var None = Versions{0, -1}

// ParseVersions reads "none", "3", "1-5" or "3+", with spaces around it.
func ParseVersions(s string) (Versions, error) {
	s = strings.TrimSpace(s)
	if s == "none" {
		return None, nil
	}
	from, to, isRange := strings.Cut(s, "-")
	if open, ok := strings.CutSuffix(s, "+"); ok {
		from, to, isRange = open, strconv.Itoa(Open), true
	}
	if !isRange {
		to = from
	}
	low, errLow := strconv.ParseUint(from, 10, 15)
	high, errHigh := strconv.ParseUint(to, 10, 15)
	if errLow != nil || errHigh != nil {
		return None, fmt.Errorf("%q is no version range", s)
	}
	if low > high {
		return None, fmt.Errorf("the version range %q ends before it starts", s)
	}
	return Versions{int16(low), int16(high)}, nil
}

// String writes the range as definitions do.
func (v Versions) String() string {
	switch {
	case v.Empty():
		return "none"
	case v.Min == v.Max:
		return strconv.Itoa(int(v.Min))
	case v.Max == Open:
		return fmt.Sprintf("%d+", v.Min)
	}
	return fmt.Sprintf("%d-%d", v.Min, v.Max)
}

// Empty reports whether the range has no versions.
func (v Versions) Empty() bool { return v.Min > v.Max }

// Has reports whether the range includes version n.
func (v Versions) Has(n int16) bool { return v.Min <= n && n <= v.Max }

// Contains reports whether all versions of w are in v.
func (v Versions) Contains(w Versions) bool {
	return w.Empty() || v.Min <= w.Min && w.Max <= v.Max
}

// Intersect returns the versions that v and w share.
func (v Versions) Intersect(w Versions) Versions {
	both := Versions{max(v.Min, w.Min), min(v.Max, w.Max)}
	if both.Empty() {
		return None
	}
	return both
}

// Each calls f for each version of a bounded range, in order.
func (v Versions) Each(f func(int16)) {
	for n := int(v.Min); n <= int(v.Max); n++ {
		f(int16(n))
	}
}

// within writes v as it is seen from a message that is valid in the versions of valid: the
// part of v that exists, open-ended where it reaches the last one.
func (v Versions) within(valid Versions) Versions {
	both := v.Intersect(valid)
	if !both.Empty() && both.Max == valid.Max {
		both.Max = Open
	}
	return both
}

// rangeOf returns the one range that has those versions of valid for which in is true,
// open-ended where it reaches the last one. It fails if they have a gap.
func rangeOf(valid Versions, in func(int16) bool) (Versions, bool) {
	found := None
	gap := false
	valid.Each(func(n int16) {
		switch {
		case !in(n):
		case found.Empty():
			found = Versions{n, n}
		case found.Max == n-1:
			found.Max = n
		default:
			gap = true
		}
	})
	return found.within(valid), !gap
}
