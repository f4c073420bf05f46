package recordtext

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"strconv"
	"unicode/utf8"

	"github.com/franzi-kafka/franzi/kgo"
)

// AppendJSON appends a record as JSON, without an end of line.
func AppendJSON(dst []byte, r *kgo.Record) []byte {
	dst = appendString(append(dst, `{"topic":`...), r.Topic)
	dst = strconv.AppendInt(append(dst, `,"partition":`...), int64(r.Partition), 10)
	dst = strconv.AppendInt(append(dst, `,"offset":`...), r.Offset, 10)
	dst = strconv.AppendInt(append(dst, `,"timestamp":`...), millis(r), 10)
	dst = appendBytes(append(dst, `,"key":`...), r.Key)
	dst = appendBytes(append(dst, `,"value":`...), r.Value)
	dst = append(dst, `,"headers":[`...)
	for i, h := range r.Headers {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendBytes(append(dst, `{"key":`...), []byte(h.Key))
		dst = append(appendBytes(append(dst, `,"value":`...), h.Value), '}')
	}
	return append(dst, "]}"...)
}

// millis is the timestamp as Kafka has it: -1 for none, as in records from before Kafka 0.10.
func millis(r *kgo.Record) int64 {
	if r.Timestamp.IsZero() {
		return -1
	}
	return r.Timestamp.UnixMilli()
}

func appendBytes(dst, b []byte) []byte {
	switch {
	case b == nil:
		return append(dst, "null"...)
	case utf8.Valid(b):
		return appendString(dst, b)
	}
	dst = base64.StdEncoding.AppendEncode(append(dst, `{"base64":"`...), b)
	return append(dst, `"}`...)
}

// appendString quotes UTF-8. Control characters are escaped, so that none acts on a terminal.
func appendString[S string | []byte](dst []byte, s S) []byte {
	const hex = "0123456789abcdef"
	dst = append(dst, '"')
	from := 0
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case c == '"' || c == '\\':
			dst = append(append(dst, s[from:i]...), '\\', c)
		case c == '\n':
			dst = append(append(dst, s[from:i]...), '\\', 'n')
		case c == '\t':
			dst = append(append(dst, s[from:i]...), '\\', 't')
		case c < ' ' || c == 0x7f:
			dst = append(append(dst, s[from:i]...), '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		case c == 0xc2 && i+1 < len(s) && s[i+1] < 0xa0: // U+0080 to U+009F
			i++
			dst = append(append(dst, s[from:i-1]...), '\\', 'u', '0', '0', hex[s[i]>>4], hex[s[i]&15])
		default:
			continue
		}
		from = i + 1
	}
	return append(append(dst, s[from:]...), '"')
}

// An Error says what is wrong with a line of input.
type Error struct {
	Line   int // from 1
	Column int // from 1, 0 if it is about the line as a whole
	Reason string
	// NotJSON says that the line does not begin as an object does.
	NotJSON bool
}

// Error says where and why.
func (e *Error) Error() string {
	if e.Column == 0 {
		return fmt.Sprintf("line %d: %s", e.Line, e.Reason)
	}
	return fmt.Sprintf("line %d, column %d: %s", e.Line, e.Column, e.Reason)
}

// lineMax is how long a line, or a field of a format, may be, in bytes. No broker takes a record
// that large.
const lineMax = 256 << 20

// A JSONReader reads records from lines of JSON.
type JSONReader struct {
	in     *bufio.Reader
	line   int
	indent int // of what parse is given, in the line
	buf    []byte
	own    quick
}

// NewJSONReader returns a reader of lines.
func NewJSONReader(in io.Reader) *JSONReader { return &JSONReader{in: bufio.NewReaderSize(in, 64<<10)} }

// Read reads the next record, which is good until the next call. What the line leaves out is "" in Topic, -1
// in Partition and Offset, zero in Timestamp. Lines of spaces are skipped. At the end it returns
// [io.EOF], and for a line that is wrong an *[Error].
func (j *JSONReader) Read(r *kgo.Record) error {
	for {
		line, err := readUntil(j.in, j.buf[:0], "\n", lineMax)
		j.buf = line
		if err == errLong {
			return &Error{Line: j.line + 1, Reason: "the line is longer than any record"}
		}
		if err != nil && (err != io.EOF || len(line) == 0) {
			return err
		}
		j.line++
		end := bytes.TrimRight(line, " \t\r\n")
		if text := bytes.TrimLeft(end, " \t\r"); len(text) > 0 {
			j.indent = len(end) - len(text)
			return j.parse(text, r)
		}
	}
}

func (j *JSONReader) parse(line []byte, r *kgo.Record) error {
	if line[0] != '{' {
		return &Error{Line: j.line, Column: j.indent + 1, Reason: "no JSON object", NotJSON: true}
	}
	if !utf8.Valid(line) {
		return &Error{Line: j.line, Reason: "the JSON is not UTF-8; bytes that are not go into {\"base64\": \"...\"}"}
	}
	if j.own.read(line, r) {
		return nil
	}
	if err := readRecord(line, r); err != nil {
		err.Line = j.line
		if err.Column > 0 {
			err.Column += j.indent
		}
		return err
	}
	return nil
}
