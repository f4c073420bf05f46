package measure

import (
	"fmt"
	"io"
	"strings"
)

// A Table prints as Markdown.
type Table struct {
	rows [][]string // the first is the head
}

// NewTable returns a table with the names of its columns.
func NewTable(head ...string) *Table { return &Table{rows: [][]string{head}} }

// Row adds a row.
func (t *Table) Row(cells ...string) { t.rows = append(t.rows, cells) }

// Print writes the table under a title.
func (t *Table) Print(out io.Writer, title string) error {
	var b strings.Builder
	fmt.Fprintf(&b, "### %s\n\n", title)
	for i, r := range t.rows {
		b.WriteString("| " + strings.Join(r, " | ") + " |\n")
		if i == 0 {
			b.WriteString(strings.Repeat("|---", len(r)) + "|\n")
		}
	}
	b.WriteString("\n")
	_, err := io.WriteString(out, b.String())
	return err
}

// Nanos writes a time in the unit that suits it.
func Nanos(ns float64) string {
	switch {
	case ns >= 10_000:
		return fmt.Sprintf("%.1f µs", ns/1000)
	case ns >= 1000:
		return fmt.Sprintf("%.2f µs", ns/1000)
	}
	return fmt.Sprintf("%.1f ns", ns)
}

// Count writes a number of things of which there may be parts.
func Count(n float64) string {
	if n < 0.01 {
		return "0"
	}
	if n < 10 && n != float64(int(n)) {
		return fmt.Sprintf("%.2g", n)
	}
	return fmt.Sprintf("%.0f", n)
}
