package settings

import (
	"errors"
	"strings"
)

// A jaas is a login module of Java's client with its options.
type jaas struct {
	module  string // without its package
	options map[string]string
}

// parseJAAS reads "org.apache...PlainLoginModule required username="alice" password="pw";". Its
// errors do not quote the text, which has secrets.
func parseJAAS(text string) (*jaas, error) {
	words, err := jaasWords(text)
	if err != nil {
		return nil, err
	}
	if len(words) < 2 {
		return nil, errors.New("a login module, the word required and options are needed")
	}
	module := words[0]
	j := &jaas{module: module[strings.LastIndexByte(module, '.')+1:], options: map[string]string{}}
	switch strings.ToLower(words[1]) {
	case "required", "requisite", "sufficient", "optional":
	default:
		return nil, errors.New("the word required is needed after the login module")
	}
	for rest := words[2:]; len(rest) > 0; rest = rest[3:] {
		if len(rest) < 3 || rest[1] != "=" {
			return nil, errors.New("options are name=\"value\"")
		}
		j.options[rest[0]] = rest[2]
	}
	return j, nil
}

// jaasWords splits the text into words, "=" being one of its own. It stops at the semicolon.
func jaasWords(text string) ([]string, error) {
	var words []string
	for i := 0; i < len(text); {
		switch c := text[i]; c {
		case ' ', '\t', '\n', '\r':
			i++
		case ';':
			if strings.TrimSpace(text[i+1:]) != "" {
				return nil, errors.New("one login module is taken, there is more after the semicolon")
			}
			return words, nil
		case '=':
			words = append(words, "=")
			i++
		case '"', '\'':
			word, n, err := jaasQuoted(text[i:])
			if err != nil {
				return nil, err
			}
			words = append(words, word)
			i += n
		default:
			n := strings.IndexAny(text[i:], " \t\n\r;=\"'")
			if n < 0 {
				n = len(text) - i
			}
			words = append(words, text[i:i+n])
			i += n
		}
	}
	return nil, errors.New("the semicolon at the end is missing")
}

// jaasQuoted reads a word in quotes, and returns its length with them.
func jaasQuoted(text string) (word string, n int, err error) {
	var b strings.Builder
	for i := 1; i < len(text); i++ {
		switch {
		case text[i] == text[0]:
			return b.String(), i + 1, nil
		case text[i] == '\\' && i+1 < len(text):
			i++
			switch text[i] {
			case 'n':
				b.WriteByte('\n')
			case 't':
				b.WriteByte('\t')
			case 'r':
				b.WriteByte('\r')
			default:
				b.WriteByte(text[i])
			}
		default:
			b.WriteByte(text[i])
		}
	}
	return "", 0, errors.New("a quote is open")
}
