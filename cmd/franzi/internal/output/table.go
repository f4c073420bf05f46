package output

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// A Table is text for people: lines, and rows whose cells stand below each other.
type Table struct {
	blocks []block
}

// A block is a line, or rows that are aligned together.
type block struct {
	line    string
	rows    [][]string
	heading bool // the first row is one
}

// Line adds a line of text. Rows after it are aligned anew.
func (t *Table) Line(format string, args ...any) {
	t.blocks = append(t.blocks, block{line: fmt.Sprintf(format, args...)})
}

// Heading begins rows with the names of their columns.
func (t *Table) Heading(cells ...string) {
	t.blocks = append(t.blocks, block{rows: [][]string{cells}, heading: true})
}

// Row adds a row.
func (t *Table) Row(cells ...string) {
	if n := len(t.blocks); n == 0 || t.blocks[n-1].rows == nil {
		t.blocks = append(t.blocks, block{})
	}
	last := &t.blocks[len(t.blocks)-1]
	last.rows = append(last.rows, cells)
}

// append writes the table for people.
func (t *Table) append(dst []byte) []byte {
	for _, b := range t.blocks {
		if b.rows == nil {
			dst = append(append(dst, Printable(b.line)...), '\n')
			continue
		}
		dst = appendRows(dst, b.rows, new([]int))
	}
	return dst
}

// appendStream writes the rows of the table below those before, with columns as wide as the widest
// so far, and the heading if it is the first.
func (t *Table) appendStream(dst []byte, widths *[]int, first bool) []byte {
	for _, b := range t.blocks {
		rows := b.rows
		if b.heading && !first {
			rows = rows[1:]
		}
		dst = appendRows(dst, rows, widths)
	}
	return dst
}

func appendRows(dst []byte, rows [][]string, known *[]int) []byte {
	widths := *known
	for _, row := range rows {
		for i, cell := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], utf8.RuneCountInString(Printable(cell)))
		}
	}
	*known = widths
	for _, row := range rows {
		var line strings.Builder
		for i, cell := range row {
			cell = Printable(cell)
			line.WriteString(cell)
			line.WriteString(strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell)+2))
		}
		dst = append(append(dst, strings.TrimRight(line.String(), " ")...), '\n')
	}
	return dst
}

// appendBare writes the rows without headings and lines, separated by tabs.
func (t *Table) appendBare(dst []byte) []byte {
	for _, b := range t.blocks {
		rows := b.rows
		if b.heading {
			rows = rows[1:]
		}
		for _, row := range rows {
			for i, cell := range row {
				if i > 0 {
					dst = append(dst, '\t')
				}
				dst = append(dst, Printable(strings.TrimSpace(cell))...)
			}
			dst = append(dst, '\n')
		}
	}
	return dst
}

// Printable shows control characters, which may come from a broker, instead of letting them
// act on the terminal.
func Printable(s string) string {
	if strings.IndexFunc(s, unicode.IsControl) < 0 {
		return s
	}
	var b strings.Builder
	for _, c := range s {
		if unicode.IsControl(c) {
			fmt.Fprintf(&b, `\x%02x`, c)
			continue
		}
		b.WriteRune(c)
	}
	return b.String()
}
