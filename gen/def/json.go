package def

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// A node is a JSON value with its place. Objects keep the order of their members.
type node struct {
	pos     pos
	kind    kind
	text    string // of strings (unescaped), numbers and literals
	members []member
	items   []*node
}

type member struct {
	pos   pos
	name  string
	value *node
}

type pos struct{ line, column int }

type kind byte

const (
	isNull kind = iota
	isBool
	isNumber
	isString
	isArray
	isObject
)

func (k kind) String() string {
	return [...]string{"null", "a boolean", "a number", "a string", "an array", "an object"}[k]
}

// readJSON parses JSON that may have // and /* */ comments. rest is where text follows
// the value, nil if only comments and white space do.
func readJSON(file string, data []byte) (n *node, rest *pos, err error) {
	s := &scanner{file: file, data: data, at: pos{1, 1}}
	defer func() {
		if r := recover(); r != nil {
			broken, ok := r.(*Error)
			if !ok {
				panic(r)
			}
			err = broken
		}
	}()
	s.space()
	n = s.value(0)
	s.space()
	if s.off < len(s.data) {
		rest = &pos{s.at.line, s.at.column}
	}
	return n, rest, nil
}

// maxDepth bounds the nesting of values; definitions need eight levels or so.
const maxDepth = 200

type scanner struct {
	file string
	data []byte
	off  int
	at   pos
}

func (s *scanner) fail(at pos, fix, format string, args ...any) {
	panic(&Error{File: s.file, Line: at.line, Column: at.column, Rule: fmt.Sprintf(format, args...), Fix: fix})
}

func (s *scanner) peek() byte {
	if s.off == len(s.data) {
		return 0
	}
	return s.data[s.off]
}

func (s *scanner) next() byte {
	c := s.peek()
	if s.off == len(s.data) {
		return 0
	}
	s.off++
	if c == '\n' {
		s.at = pos{s.at.line + 1, 1}
	} else if utf8.RuneStart(c) {
		s.at.column++
	}
	return c
}

func (s *scanner) space() {
	for s.off < len(s.data) {
		switch c := s.peek(); {
		case c == ' ' || c == '\t' || c == '\r' || c == '\n':
			s.next()
		case c == '/':
			s.comment()
		default:
			return
		}
	}
}

func (s *scanner) comment() {
	start := s.at
	s.next()
	switch s.next() {
	case '/':
		for s.off < len(s.data) && s.next() != '\n' {
		}
	case '*':
		for !strings.HasPrefix(string(s.data[s.off:min(s.off+2, len(s.data))]), "*/") {
			if s.off == len(s.data) {
				s.fail(start, "close it with */", "the comment has no end")
			}
			s.next()
		}
		s.next()
		s.next()
	default:
		s.fail(start, "comments start with // or /*", "a lone slash")
	}
}

func (s *scanner) value(depth int) *node {
	if depth > maxDepth {
		s.fail(s.at, "definitions are a few levels deep", "values nest deeper than %d levels", maxDepth)
	}
	n := &node{pos: s.at}
	switch c := s.peek(); {
	case c == '{':
		n.kind = isObject
		s.object(n, depth)
	case c == '[':
		n.kind = isArray
		s.array(n, depth)
	case c == '"':
		n.kind, n.text = isString, s.str()
	case c == '-' || '0' <= c && c <= '9':
		n.kind, n.text = isNumber, s.word()
		if !json.Valid([]byte(n.text)) {
			s.fail(n.pos, "write it in JSON's form or quote it", "%q is no number", n.text)
		}
	default:
		n.text = s.word()
		switch n.text {
		case "true", "false":
			n.kind = isBool
		case "null":
			n.kind = isNull
		case "":
			s.fail(n.pos, "the file may be cut off here", "a value is missing")
		default:
			s.fail(n.pos, "put it in quotes", "%q is no JSON value", n.text)
		}
	}
	return n
}

func (s *scanner) object(n *node, depth int) {
	s.next()
	seen := map[string]*node{}
	for s.space(); s.peek() != '}'; s.space() {
		if len(seen) > 0 {
			s.expect(',', "separate members with a comma")
			s.space()
		}
		at := s.at
		if s.peek() != '"' {
			s.fail(at, "names are in quotes, and no comma follows the last member", "the name of a member is missing")
		}
		name := s.str()
		s.space()
		s.expect(':', "write name: value")
		s.space()
		value := s.value(depth + 1)
		// 3.8 and 3.9 say "versions" twice in a field, the same both times.
		if first := seen[name]; first != nil && (first.kind != value.kind || first.text != value.text || value.kind >= isArray) {
			s.fail(at, "remove one of the two", "%q is there twice, with different values", name)
		} else if first != nil {
			continue
		}
		seen[name] = value
		n.members = append(n.members, member{at, name, value})
	}
	s.next()
}

func (s *scanner) array(n *node, depth int) {
	s.next()
	for s.space(); s.peek() != ']'; s.space() {
		if len(n.items) > 0 {
			s.expect(',', "separate items with a comma")
			s.space()
		}
		n.items = append(n.items, s.value(depth+1))
	}
	s.next()
}

func (s *scanner) expect(c byte, fix string) {
	if s.peek() != c {
		s.fail(s.at, fix, "%q is missing", c)
	}
	s.next()
}

func (s *scanner) word() string {
	start := s.off
	for s.off < len(s.data) && !strings.ContainsRune(" \t\r\n,:[]{}\"/", rune(s.peek())) {
		s.next()
	}
	return string(s.data[start:s.off])
}

func (s *scanner) str() string {
	start := s.at
	s.next()
	var b strings.Builder
	for {
		at := s.at
		if s.off == len(s.data) || s.peek() == '\n' {
			s.fail(start, "close it with a quote on the same line", "the string has no end")
		}
		if letter, size := utf8.DecodeRune(s.data[s.off:]); letter == utf8.RuneError && size == 1 {
			s.fail(at, "save the file as UTF-8", "a byte in a string is no UTF-8")
		} else if size > 1 {
			b.WriteRune(letter)
			for range size {
				s.next()
			}
			continue
		}
		c := s.next()
		switch {
		case c == '"':
			return b.String()
		case c == '\\':
			b.WriteRune(s.escape(at))
		case c < ' ':
			s.fail(at, "write it as \\u00"+fmt.Sprintf("%02x", c), "a control character in a string")
		default:
			b.WriteByte(c)
		}
	}
}

func (s *scanner) escape(at pos) rune {
	c := s.next()
	if i := strings.IndexByte(`"\/bfnrt`, c); i >= 0 {
		return rune("\"\\/\b\f\n\r\t"[i])
	}
	if c != 'u' {
		s.fail(at, "JSON knows \\\" \\\\ \\/ \\b \\f \\n \\r \\t and \\u", "an unknown escape")
	}
	r := s.hex4(at)
	if utf16.IsSurrogate(r) && s.peek() == '\\' {
		s.next()
		if s.next() != 'u' {
			s.fail(at, "a surrogate is followed by its other half", "half a surrogate pair")
		}
		r = utf16.DecodeRune(r, s.hex4(at))
	}
	return r
}

func (s *scanner) hex4(at pos) rune {
	end := min(s.off+4, len(s.data))
	u, err := strconv.ParseUint(string(s.data[s.off:end]), 16, 16)
	if err != nil || end-s.off < 4 {
		s.fail(at, "write \\u and four hex digits", "a broken \\u escape")
	}
	for range 4 {
		s.next()
	}
	return rune(u)
}
