package recordtext

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/franzi-kafka/franzi/kgo"
	"github.com/franzi-kafka/franzi/kmsg/kjson"
)

var (
	recordKeys = []string{"topic", "partition", "offset", "leaderEpoch", "timestamp", "timestampType", "key", "value", "headers"}
	headerKeys = []string{"key", "value"}
	bytesKeys  = []string{"base64"}
)

// A part is JSON within a line, without space around it, and where it begins there. It is valid: that
// was found out before.
type part struct {
	text []byte
	at   int
}

func (p part) fail(format string, args ...any) *Error {
	return &Error{Column: p.at + 1, Reason: fmt.Sprintf(format, args...)}
}

// next is the string or whatever else begins at i or behind space, commas and colons, an empty part at
// the closing bracket; and where it ends.
func (p part) next(i int) (part, int) {
	for bytes.IndexByte([]byte(" \t\r\n,:"), p.text[i]) >= 0 {
		i++
	}
	begin, depth := i, 0
	for ; i < len(p.text); i++ {
		switch p.text[i] {
		case '"':
			for i++; p.text[i] != '"'; i++ {
				if p.text[i] == '\\' {
					i++
				}
			}
			if depth == 0 {
				return part{p.text[begin : i+1], p.at + begin}, i + 1
			}
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth == 0 {
				i++
			}
			if depth <= 0 {
				return part{p.text[begin:i], p.at + begin}, i
			}
		case ' ', '\t', '\r', '\n', ',':
			if depth == 0 {
				return part{p.text[begin:i], p.at + begin}, i
			}
		}
	}
	return part{p.text[begin:], p.at + begin}, i
}

// object calls member for each key and what stands there. A key that is there twice is refused, and
// one that is not known, also if that is for its capitals alone: encoding/json would take them all.
func (p part) object(what string, known []string, member func(key string, value part) *Error) *Error {
	var seen uint // bits of known
	for end := 1; ; {
		var name, value part
		if name, end = p.next(end); len(name.text) == 0 {
			return nil
		}
		value, end = p.next(end)
		key, err := name.string("key")
		if err != nil {
			return err
		}
		i := slices.Index(known, string(key))
		switch {
		case i < 0:
			meant := ""
			if best := kjson.Closest(string(key), known); best != "" {
				meant = fmt.Sprintf(": did you mean %q?", best)
			}
			return name.fail("%s have no field %q%s", what, key, meant)
		case seen&(1<<i) != 0:
			return name.fail("%q is there twice", key)
		}
		seen |= 1 << i
		if err := member(known[i], value); err != nil {
			return err
		}
	}
}

// array calls element for each element.
func (p part) array(element func(i int, value part) *Error) *Error {
	for i, end := 0, 1; ; i++ {
		var value part
		if value, end = p.next(end); len(value.text) == 0 {
			return nil
		}
		if err := element(i, value); err != nil {
			return err
		}
	}
}

// string reads a string.
func (p part) string(name string) ([]byte, *Error) {
	if inner := p.text[1:]; bytes.IndexByte(inner, '\\') < 0 {
		return bytes.Clone(inner[:len(inner)-1]), nil
	}
	var s string
	err := p.scalar(name, &s)
	return []byte(s), err
}

// scalar reads a number or a string; null leaves things as they are.
func (p part) scalar(name string, to any) *Error {
	var kind *json.UnmarshalTypeError
	switch err := json.Unmarshal(p.text, to); {
	case errors.As(err, &kind):
		return p.fail("%s: %s is not what belongs here", name, kind.Value)
	case err != nil:
		return p.fail("%s: %v", name, err)
	}
	return nil
}

// syntax says what is no JSON object in a line, nil if it is one.
func syntax(line []byte) *Error {
	if json.Valid(line) {
		return nil
	}
	d := json.NewDecoder(bytes.NewReader(line))
	var wrong *json.SyntaxError
	switch err := d.Decode(new(json.RawMessage)); {
	case errors.As(err, &wrong):
		return &Error{Column: int(wrong.Offset), Reason: err.Error()}
	case err != nil:
		return &Error{Reason: "the JSON ends too early"}
	}
	return &Error{Column: int(d.InputOffset()) + 1, Reason: "something follows the object"}
}

// readRecord reads a record from a line. The Error does not know which line that is.
func readRecord(line []byte, r *kgo.Record) *Error {
	if err := syntax(line); err != nil {
		return err
	}
	*r = kgo.Record{Partition: -1, Offset: -1, LeaderEpoch: -1}
	return part{text: line}.object("records", recordKeys, func(key string, v part) (err *Error) {
		switch key {
		case "topic":
			return v.scalar(key, &r.Topic)
		case "partition":
			return v.scalar(key, &r.Partition)
		case "offset":
			return v.scalar(key, &r.Offset)
		case "leaderEpoch":
			return v.scalar(key, new(int32))
		case "timestampType":
			return v.scalar(key, new(string))
		case "timestamp":
			millis := int64(-1)
			if err = v.scalar(key, &millis); err == nil && millis != -1 {
				r.Timestamp = time.UnixMilli(millis)
			}
		case "key":
			r.Key, err = v.bytes(key)
		case "value":
			r.Value, err = v.bytes(key)
		case "headers":
			if string(v.text) == "null" {
				return nil
			}
			if v.text[0] != '[' {
				return v.fail("headers: an array is needed")
			}
			return v.array(func(i int, v part) *Error {
				h, err := v.header(fmt.Sprintf("headers[%d]", i))
				r.Headers = append(r.Headers, h)
				return err
			})
		}
		return err
	})
}

func (p part) header(name string) (h kgo.Header, err *Error) {
	if p.text[0] != '{' {
		return h, p.fail("%s: an object is needed", name)
	}
	var key []byte
	err = p.object("headers", headerKeys, func(field string, v part) (err *Error) {
		if field == "key" {
			key, err = v.bytes(name + ".key")
			return err
		}
		h.Value, err = v.bytes(name + ".value")
		return err
	})
	if err == nil && key == nil {
		err = p.fail("%s.key: a string is needed", name)
	}
	h.Key = string(key)
	return h, err
}

// bytes reads null, a string, or {"base64": "..."}.
func (p part) bytes(name string) ([]byte, *Error) {
	switch p.text[0] {
	case 'n':
		return nil, nil
	case '"':
		return p.string(name)
	}
	needed := p.fail(`%s: a string, null or {"base64": "..."} is needed`, name)
	if p.text[0] != '{' {
		return nil, needed
	}
	var text *string
	if err := p.object("bytes", bytesKeys, func(key string, v part) *Error { return v.scalar(name, &text) }); err != nil {
		return nil, err
	}
	if text == nil {
		return nil, needed
	}
	b, err := base64.StdEncoding.AppendDecode([]byte{}, []byte(*text))
	if err != nil {
		return nil, p.fail("%s: the base64 is none", name)
	}
	return b, nil
}
