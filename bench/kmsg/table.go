package main

import (
	"fmt"
	"io"
	"strings"
)

// A table prints as Markdown.
type table struct {
	rows [][]string // the first is the head
}

func newTable(head ...string) *table { return &table{rows: [][]string{head}} }

func (t *table) row(cells ...string) { t.rows = append(t.rows, cells) }

func (t *table) print(out io.Writer, title string) error {
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

// nanos writes a time in the unit that suits it.
func nanos(ns float64) string {
	switch {
	case ns >= 10_000:
		return fmt.Sprintf("%.1f µs", ns/1000)
	case ns >= 1000:
		return fmt.Sprintf("%.2f µs", ns/1000)
	}
	return fmt.Sprintf("%.1f ns", ns)
}

// count writes a number of things of which there may be parts.
func count(n float64) string {
	if n < 0.01 {
		return "0"
	}
	if n < 10 && n != float64(int(n)) {
		return fmt.Sprintf("%.2g", n)
	}
	return fmt.Sprintf("%.0f", n)
}

func verdict(asked, met bool) string {
	switch {
	case !asked:
		return ""
	case met:
		return "yes"
	}
	return "**no**"
}
