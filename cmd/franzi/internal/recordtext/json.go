package recordtext

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/franzi-kafka/franzi/kgo"
	"github.com/franzi-kafka/franzi/kmsg/kjson"
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
	in   *bufio.Reader
	line int
	buf  []byte
	own  quick
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
		if line = bytes.TrimSpace(line); len(line) > 0 {
			return j.parse(line, r)
		}
	}
}

// A jsonRecord is a record as encoding/json takes it.
type jsonRecord struct {
	Topic         *string         `json:"topic"`
	Partition     *int32          `json:"partition"`
	Offset        *int64          `json:"offset"`
	LeaderEpoch   *int32          `json:"leaderEpoch"`
	Timestamp     *int64          `json:"timestamp"`
	TimestampType *string         `json:"timestampType"`
	Key           json.RawMessage `json:"key"`
	Value         json.RawMessage `json:"value"`
	Headers       []jsonHeader    `json:"headers"`
}

type jsonHeader struct {
	Key   json.RawMessage `json:"key"`
	Value json.RawMessage `json:"value"`
}

var jsonKeys = []string{"topic", "partition", "offset", "leaderEpoch", "timestamp", "timestampType", "key", "value", "headers", "base64"}

func (j *JSONReader) parse(line []byte, r *kgo.Record) error {
	if line[0] != '{' {
		return &Error{Line: j.line, Column: 1, Reason: "no JSON object", NotJSON: true}
	}
	if !utf8.Valid(line) {
		return &Error{Line: j.line, Reason: "the JSON is not UTF-8; bytes that are not go into {\"base64\": \"...\"}"}
	}
	if j.own.read(line, r) {
		return nil
	}
	var v jsonRecord
	d := json.NewDecoder(bytes.NewReader(line))
	d.DisallowUnknownFields()
	if err := d.Decode(&v); err != nil {
		return j.wrong(err, d.InputOffset())
	}
	if end := d.InputOffset(); len(bytes.TrimSpace(line[end:])) > 0 {
		return &Error{Line: j.line, Column: int(end) + 1, Reason: "something follows the object"}
	}
	*r = kgo.Record{Partition: -1, Offset: -1, LeaderEpoch: -1}
	if v.Topic != nil {
		r.Topic = *v.Topic
	}
	if v.Partition != nil {
		r.Partition = *v.Partition
	}
	if v.Offset != nil {
		r.Offset = *v.Offset
	}
	if v.Timestamp != nil && *v.Timestamp != -1 {
		r.Timestamp = time.UnixMilli(*v.Timestamp)
	}
	var err error
	if r.Key, err = readBytes(v.Key); err != nil {
		return &Error{Line: j.line, Reason: "key: " + err.Error()}
	}
	if r.Value, err = readBytes(v.Value); err != nil {
		return &Error{Line: j.line, Reason: "value: " + err.Error()}
	}
	for i := range v.Headers {
		key, err := readBytes(v.Headers[i].Key)
		if err == nil && key == nil {
			err = errors.New("a string is needed")
		}
		if err != nil {
			return &Error{Line: j.line, Reason: fmt.Sprintf("headers[%d].key: %v", i, err)}
		}
		value, err := readBytes(v.Headers[i].Value)
		if err != nil {
			return &Error{Line: j.line, Reason: fmt.Sprintf("headers[%d].value: %v", i, err)}
		}
		r.Headers = append(r.Headers, kgo.Header{Key: string(key), Value: value})
	}
	return nil
}

// wrong makes an Error of one of encoding/json.
func (j *JSONReader) wrong(err error, end int64) error {
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	switch {
	case errors.As(err, &syntax):
		return &Error{Line: j.line, Column: int(syntax.Offset), Reason: err.Error()}
	case errors.As(err, &kind):
		return &Error{Line: j.line, Column: int(kind.Offset), Reason: fmt.Sprintf("%s: %s is not what belongs here", kind.Field, kind.Value)}
	case errors.Is(err, io.ErrUnexpectedEOF):
		return &Error{Line: j.line, Reason: "the JSON ends too early"}
	}
	if _, quoted, ok := strings.Cut(err.Error(), "unknown field "); ok {
		name, unquoteErr := strconv.Unquote(quoted)
		if unquoteErr != nil {
			name = quoted
		}
		reason := fmt.Sprintf("records have no field %q", name)
		if best := kjson.Closest(name, jsonKeys); best != "" {
			reason += fmt.Sprintf(": did you mean %q?", best)
		}
		return &Error{Line: j.line, Reason: reason}
	}
	return &Error{Line: j.line, Column: int(end), Reason: strings.TrimPrefix(err.Error(), "json: ")}
}

// readBytes reads null, a string, or {"base64": "..."}.
func readBytes(text json.RawMessage) ([]byte, error) {
	switch {
	case len(text) == 0 || string(text) == "null":
		return nil, nil
	case text[0] == '"':
		var s string
		err := json.Unmarshal(text, &s)
		return []byte(s), err
	}
	var v struct {
		Base64 *string `json:"base64"`
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&v); text[0] != '{' || err != nil || v.Base64 == nil {
		return nil, errors.New(`a string, null or {"base64": "..."} is needed`)
	}
	b, err := base64.StdEncoding.AppendDecode([]byte{}, []byte(*v.Base64))
	if err != nil {
		return nil, errors.New("the base64 is none")
	}
	return b, nil
}
