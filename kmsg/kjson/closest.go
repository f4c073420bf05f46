package kjson

import "strings"

// Closest returns the name that a mistyped one may have meant: the one with the fewest
// letters to change, or "" if none is close. Case does not count.
func Closest(typed string, names []string) string {
	best, fewest := "", len(typed)/2+1
	for _, name := range names {
		if n := distance(strings.ToLower(typed), strings.ToLower(name)); n < fewest {
			best, fewest = name, n
		}
	}
	return best
}

// distance counts the letters to insert, delete, replace or swap with the next to make b of
// a.
func distance(a, b string) int {
	var before []int
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		next := make([]int, len(b)+1)
		next[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			next[j] = min(row[j]+1, next[j-1]+1, row[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				next[j] = min(next[j], before[j-2]+1)
			}
		}
		before, row = row, next
	}
	return row[len(b)]
}

// list joins names for people, the first few of them.
func list(names []string) string {
	const most = 12
	if len(names) > most {
		return strings.Join(names[:most], ", ") + ", ..."
	}
	return strings.Join(names, ", ")
}
