package kjson

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/franzi-kafka/franzi/kmsg/internal/reflected"
)

// AppendString appends a string to dst as JSON, as [Marshal] writes it. A byte that is no UTF-8
// is written as the half of a surrogate pair, 0xff as \udcff, which no text can mean. Go's
// encoding/json makes U+FFFD of it, which [Unquote] does not.
func AppendString(dst []byte, s string) []byte { return reflected.AppendString(dst, s) }

// A StringError says why a JSON string stands for no string of a message.
type StringError struct {
	Offset int // of what is wrong, in the JSON string
	Reason string
}

// Error says why.
func (e *StringError) Error() string { return e.Reason }

// Unquote reads what [AppendString] wrote, and all other strings of valid JSON, in quotes. The
// half of a surrogate pair, unless it stands for a byte, and a byte that is no UTF-8 are errors
// of type [*StringError].
func Unquote(raw []byte) (string, error) {
	var b strings.Builder
	for i := 1; i < len(raw)-1; {
		switch c := raw[i]; {
		case c == '\\' && raw[i+1] == 'u':
			r := escaped(raw[i:])
			size := len(`\u0000`)
			switch pair := utf16.DecodeRune(r, escaped(raw[i+size:])); {
			case pair != utf8.RuneError:
				b.WriteRune(pair)
				size *= 2
			case r >= 0xdc80 && r <= 0xdcff:
				b.WriteByte(byte(r))
			case utf16.IsSurrogate(r):
				return "", &StringError{i, fmt.Sprintf(`%s is half of a character`, raw[i:i+size])}
			default:
				b.WriteRune(r)
			}
			i += size
		case c == '\\':
			b.WriteByte(escapes[raw[i+1]])
			i += 2
		case c < utf8.RuneSelf:
			b.WriteByte(c)
			i++
		default:
			r, size := utf8.DecodeRune(raw[i:])
			if r == utf8.RuneError && size == 1 {
				return "", &StringError{i, fmt.Sprintf(`the byte 0x%x is no UTF-8: write it as \udc%x`, c, c)}
			}
			b.Write(raw[i : i+size])
			i += size
		}
	}
	return b.String(), nil
}

var escapes = map[byte]byte{'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t', '"': '"', '\\': '\\', '/': '/'}

// escaped is the number of an escape like \u00e9 at the start of b, -1 if there is none.
func escaped(b []byte) rune {
	if len(b) < 6 || b[0] != '\\' || b[1] != 'u' {
		return -1
	}
	n, err := strconv.ParseUint(string(b[2:6]), 16, 16)
	if err != nil {
		return -1
	}
	return rune(n)
}
