package recordtext

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/franzi-kafka/franzi/cmd/franzi/internal/output"
	"github.com/franzi-kafka/franzi/kgo"
)

// FormatHelp says what may be in a [Format], for help.
const FormatHelp = `A format has fields between text of your own:
%t topic, %p partition, %o offset, %k key, %v or %s value, %h headers (a=b,c=d), %T timestamp in
ms, %D as a date, %K and %V sizes of key and value (-1 for null), %% a percent sign; and \n \r \t
\0 \\ \xFF. A line ends each record, unless an escape does; \c at the end is for no end at all.`

// A Format is a record as text, as kcat has it. It is made by [ParseFormat].
type Format struct {
	items []item
	// Null stands for a key or value that is null; in input nothing does if it is "".
	Null string
	// Printable shows control characters in fields, instead of letting them act on a terminal.
	Printable bool
}

// An item is a field, or text.
type item struct {
	field byte // 0 for text
	text  string
}

// ParseFormat reads a format.
func ParseFormat(text string) (*Format, error) {
	if text == "" {
		return nil, errors.New("the format is empty")
	}
	f := new(Format)
	ended := false // an escape is the last
	for i := 0; i < len(text); {
		c := text[i]
		if ended = c == '\\'; ended {
			s, n, err := unescape(text[i:])
			if err != nil {
				return nil, err
			}
			f.addText(s)
			i += n
			continue
		}
		if c != '%' {
			f.addText(text[i : i+1])
			i++
			continue
		}
		if i+1 == len(text) {
			return nil, errors.New("nothing follows the last %")
		}
		switch c = text[i+1]; c {
		case '%':
			f.addText("%")
		case 's', 'S':
			f.items = append(f.items, item{field: c + 'v' - 's'})
		case 't', 'p', 'o', 'k', 'v', 'h', 'T', 'D', 'K', 'V':
			f.items = append(f.items, item{field: c})
		default:
			return nil, fmt.Errorf("there is no field %%%c: there are %%t %%p %%o %%k %%v %%h %%T %%D %%K %%V", c)
		}
		i += 2
	}
	if !ended {
		f.addText("\n")
	}
	return f, nil
}

// unescape reads an escape, and returns how long it is.
func unescape(text string) (string, int, error) {
	if len(text) > 1 {
		switch text[1] {
		case 'n':
			return "\n", 2, nil
		case 'r':
			return "\r", 2, nil
		case 't':
			return "\t", 2, nil
		case '0':
			return "\x00", 2, nil
		case '\\':
			return "\\", 2, nil
		case 'c':
			if len(text) == 2 {
				return "", 2, nil
			}
			return "", 0, errors.New(`\c is for the end of a format`)
		case 'x':
			if len(text) > 3 {
				if b, err := hex.DecodeString(text[2:4]); err == nil {
					return string(b), 4, nil
				}
			}
		}
	}
	return "", 0, fmt.Errorf(`%q is none of \n \r \t \0 \\ \xFF and \c`, text[:min(2, len(text))])
}

// addText adds text to the end.
func (f *Format) addText(s string) {
	if n := len(f.items); n > 0 && f.items[n-1].field == 0 {
		f.items[n-1].text += s
	} else if s != "" {
		f.items = append(f.items, item{text: s})
	}
}

// Has reports whether a field is in the format.
func (f *Format) Has(field byte) bool {
	return slices.ContainsFunc(f.items, func(it item) bool { return it.field == field })
}

// Append appends a record.
func (f *Format) Append(dst []byte, r *kgo.Record) []byte {
	for _, it := range f.items {
		switch it.field {
		case 0:
			dst = append(dst, it.text...)
		case 't':
			dst = append(dst, r.Topic...)
		case 'p':
			dst = strconv.AppendInt(dst, int64(r.Partition), 10)
		case 'o':
			dst = strconv.AppendInt(dst, r.Offset, 10)
		case 'k':
			dst = f.appendBytes(dst, r.Key)
		case 'v':
			dst = f.appendBytes(dst, r.Value)
		case 'h':
			for i, h := range r.Headers {
				if i > 0 {
					dst = append(dst, ',')
				}
				dst = f.appendBytes(append(f.appendBytes(dst, []byte(h.Key)), '='), h.Value)
			}
		case 'T':
			dst = strconv.AppendInt(dst, millis(r), 10)
		case 'D':
			if !r.Timestamp.IsZero() {
				dst = r.Timestamp.UTC().AppendFormat(dst, dateFormat)
			}
		case 'K':
			dst = appendSize(dst, r.Key)
		case 'V':
			dst = appendSize(dst, r.Value)
		}
	}
	return dst
}

// dateFormat is RFC 3339 with the milliseconds that Kafka keeps.
const dateFormat = "2006-01-02T15:04:05.000Z07:00"

func (f *Format) appendBytes(dst, b []byte) []byte {
	switch {
	case b == nil:
		return append(dst, f.Null...)
	case f.Printable:
		return append(dst, output.Printable(string(b))...)
	}
	return append(dst, b...)
}

func appendSize(dst, b []byte) []byte {
	if b == nil {
		return append(dst, "-1"...)
	}
	return strconv.AppendInt(dst, int64(len(b)), 10)
}

// set puts what was read into a field of a record.
func (f *Format) set(r *kgo.Record, field byte, b []byte) error {
	switch field {
	case 't':
		r.Topic = string(b)
	case 'p':
		n, err := strconv.ParseInt(string(b), 10, 32)
		if err != nil || n < 0 {
			return fmt.Errorf("%q is no partition", b)
		}
		r.Partition = int32(n)
	case 'k':
		r.Key = f.orNull(b)
	case 'v':
		r.Value = f.orNull(b)
	case 'h':
		return f.setHeaders(r, string(b))
	case 'T':
		n, err := strconv.ParseInt(string(b), 10, 64)
		if err != nil || n < -1 {
			return fmt.Errorf("%q is no timestamp in milliseconds", b)
		}
		if n >= 0 {
			r.Timestamp = time.UnixMilli(n)
		}
	case 'D':
		at, err := time.Parse(time.RFC3339, string(b))
		if err != nil {
			return fmt.Errorf("%q is no time like 2026-01-31T12:00:00Z", b)
		}
		r.Timestamp = at
	}
	return nil
}

func (f *Format) orNull(b []byte) []byte {
	if f.Null != "" && string(b) == f.Null {
		return nil
	}
	return append([]byte{}, b...)
}

func (f *Format) setHeaders(r *kgo.Record, text string) error {
	for text != "" {
		one, rest, _ := strings.Cut(text, ",")
		key, value, ok := strings.Cut(one, "=")
		if !ok {
			return fmt.Errorf("%q is no header like key=value", one)
		}
		r.Headers = append(r.Headers, kgo.Header{Key: key, Value: f.orNull([]byte(value))})
		text = rest
	}
	return nil
}

// equalEnd reports whether b ends as s does.
func equalEnd(b []byte, s string) bool { return bytes.HasSuffix(b, []byte(s)) }
