package output

import "strings"

// appendYAML appends the value as a YAML block, without the newline at its end.
func (v Value) appendYAML(dst []byte, depth int) []byte {
	switch {
	case v.Kind == Array && len(v.Elements) > 0:
		for i, e := range v.Elements {
			if i > 0 {
				dst = newLine(dst, depth)
			}
			dst = append(dst, "- "...)
			dst = e.appendYAML(dst, depth+1)
		}
		return dst
	case v.Kind == Object && len(v.Members) > 0:
		for i, m := range v.Members {
			if i > 0 {
				dst = newLine(dst, depth)
			}
			dst = append(appendYAMLString(dst, m.Key), ':')
			dst = m.Value.appendYAMLMember(dst, depth)
		}
		return dst
	case v.Kind == String:
		return appendYAMLString(dst, v.Text)
	}
	return v.AppendJSON(dst) // null, numbers, booleans, [] and {} are the same in YAML
}

// appendYAMLMember appends what follows a key and its colon.
func (v Value) appendYAMLMember(dst []byte, depth int) []byte {
	switch {
	case len(v.Members) > 0:
		return v.appendYAML(newLine(dst, depth+1), depth+1)
	case len(v.Elements) > 0:
		return v.appendYAML(newLine(dst, depth), depth)
	}
	return v.appendYAML(append(dst, ' '), depth)
}

func newLine(dst []byte, depth int) []byte {
	return append(append(dst, '\n'), strings.Repeat("  ", depth)...)
}

// appendYAMLString appends a string, quoted unless it cannot be taken for anything else.
func appendYAMLString(dst []byte, s string) []byte {
	if yamlPlain(s) {
		return append(dst, s...)
	}
	return appendQuoted(dst, s) // YAML reads JSON's quotes
}

// yamlPlain reports whether YAML readers of all ages take s for that string: it starts with
// a letter, has nothing that means something, and is no word of theirs.
func yamlPlain(s string) bool {
	for i, c := range []byte(s) {
		letter := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || c == '_' || c == '/'
		if !letter && (i == 0 || !strings.ContainsRune("0123456789.+(), -", rune(c))) {
			return false
		}
	}
	switch strings.ToLower(s) {
	case "", "null", "true", "false", "yes", "no", "on", "off", "y", "n":
		return false
	}
	return !strings.HasSuffix(s, " ")
}
