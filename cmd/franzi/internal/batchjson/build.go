package batchjson

import (
	"encoding/base64"
	"math"

	"github.com/franzi-kafka/franzi/cmd/franzi/internal/output"
	"github.com/franzi-kafka/franzi/kmsg/batch"
	"github.com/franzi-kafka/franzi/kmsg/compress"
)

// The flags of a batch.
const (
	codecMask         batch.Attributes = 0x07
	flagLogAppendTime batch.Attributes = 0x08
	flagTransactional batch.Attributes = 0x10
	flagControl       batch.Attributes = 0x20
	flagDeleteHorizon batch.Attributes = 0x40
	knownFlags                         = codecMask | flagLogAppendTime | flagTransactional | flagControl | flagDeleteHorizon
)

// Build makes batches of their JSON: an array of batches, or a single one. It reads what
// [Shower] writes, unless that was redacted. The error is an *[Error].
func Build(v output.Value, codecs *compress.Codecs) ([]byte, error) {
	p := &parser{codecs: codecs}
	dst := []byte{} // no batches are not null
	switch v.Kind {
	case output.Array:
		for i, e := range v.Elements {
			dst = p.batch(dst, e, index("", i))
		}
	case output.Object:
		dst = p.batch(dst, v, "")
	default:
		p.fail(v, "", "a batch or an array of batches is needed, not %s", kindOf(v))
	}
	if p.err != nil {
		return nil, p.err
	}
	return dst, nil
}

// A header has what JSON says of a batch.
type header struct {
	magic       batch.Magic
	base        *int64 // nil if it is not said
	leaderEpoch int32
	flags       batch.Attributes
	lastDelta   *int64
	baseTime    *int64
	maxTime     *int64
	producerID  int64
	epoch       int16
	sequence    int32
}

// A record has what JSON says of a record.
type record struct {
	value     output.Value // for errors
	path      string
	offset    *int64
	timestamp int64
	key       []byte
	data      []byte // its value
	headers   []batch.RecordHeader
}

// batch appends a batch.
func (p *parser) batch(dst []byte, v output.Value, path string) []byte {
	o := p.object(v, path)
	if raw, ok := o.get("base64"); ok { // beside it stands what could be read of it
		return append(dst, p.base64(raw, join(path, "base64"))...)
	}
	h := header{
		magic:       batch.Magic(o.int("magic", int64(batch.V2), 0, int64(batch.V2))),
		base:        o.maybe("baseOffset"),
		leaderEpoch: int32(o.int("partitionLeaderEpoch", -1, math.MinInt32, math.MaxInt32)),
		lastDelta:   o.maybe("lastOffsetDelta"),
		baseTime:    o.maybe("baseTimestamp"),
		maxTime:     o.maybe("maxTimestamp"),
		producerID:  o.int("producerId", -1, math.MinInt64, math.MaxInt64),
		epoch:       int16(o.int("producerEpoch", -1, math.MinInt16, math.MaxInt16)),
		sequence:    int32(o.int("baseSequence", -1, math.MinInt32, math.MaxInt32)),
	}
	h.flags = p.flags(o, h.magic)
	list, _ := o.get("records")
	for _, computed := range []string{"position", "size", "batchLength", "crc", "isValid", "recordsCount", "partial", "error"} {
		o.get(computed)
	}
	o.end("a batch")
	if h.magic != batch.V2 {
		p.onlyV2(o, h)
	}
	records := p.records(list, join(path, "records"), h.flags)
	if p.err != nil {
		return dst
	}
	switch {
	case h.magic == batch.V2:
		return p.appendBatch(dst, o, &h, records)
	case h.flags&codecMask == 0:
		return p.appendMessages(dst, &h, records)
	}
	return p.appendCompressed(dst, o, &h, records)
}

// flags puts the attributes together.
func (p *parser) flags(o *object, magic batch.Magic) batch.Attributes {
	flags := batch.Attributes(o.int("attributes", 0, math.MinInt16, math.MaxInt16))
	if v, ok := o.get("compression"); ok {
		codec, err := compress.ParseCodec(v.Text)
		switch {
		case v.Kind != output.String || err != nil:
			p.fail(v, join(o.path, "compression"), "none, gzip, snappy, lz4 or zstd is needed")
		case codec == compress.Zstd && magic != batch.V2:
			p.fail(v, join(o.path, "compression"), "zstd is for format 2 only")
		}
		flags |= batch.Attributes(codec)
	}
	if v, ok := o.get("timestampType"); ok {
		switch {
		case v.Kind == output.String && v.Text == logAppendTime && magic != batch.V0:
			flags |= flagLogAppendTime
		case v.Kind == output.String && (v.Text == createTime && magic != batch.V0 || v.Text == noTimestamps && magic == batch.V0):
		case magic == batch.V0:
			p.fail(v, join(o.path, "timestampType"), "format 0 has %s", noTimestamps)
		default:
			p.fail(v, join(o.path, "timestampType"), "%s or %s is needed", createTime, logAppendTime)
		}
	}
	for _, f := range []struct {
		name string
		flag batch.Attributes
	}{{"isTransactional", flagTransactional}, {"isControl", flagControl}, {"hasDeleteHorizonMs", flagDeleteHorizon}} {
		if o.bool(f.name) {
			flags |= f.flag
		}
	}
	return flags
}

// onlyV2 refuses what messages of the formats 0 and 1 do not have.
func (p *parser) onlyV2(o *object, h header) {
	has := ""
	switch none := int64(0); {
	case h.leaderEpoch != -1:
		has = "partitionLeaderEpoch"
	case h.flags&^(codecMask|flagLogAppendTime) != 0:
		has = "flags but compression and timestampType"
	case h.lastDelta != nil && *h.lastDelta != none:
		has = "lastOffsetDelta"
	case h.producerID != -1 || h.epoch != -1 || h.sequence != -1:
		has = "producer"
	}
	if has != "" {
		p.fail(o.value, o.path, "format %d has no %s", h.magic, has)
	}
}

// records reads the records of a batch.
func (p *parser) records(v output.Value, path string, flags batch.Attributes) []record {
	if !isArray(v) {
		p.fail(v, path, "an array of records is needed, not %s", kindOf(v))
	}
	all := make([]record, len(v.Elements))
	for i, e := range v.Elements {
		all[i] = p.record(e, index(path, i), flags&flagControl != 0)
	}
	return all
}

func (p *parser) record(v output.Value, path string, inControl bool) record {
	o := p.object(v, path)
	r := record{value: v, path: path, offset: o.maybe("offset"), timestamp: o.int("timestamp", batch.NoTimestamp, math.MinInt64, math.MaxInt64)}
	key, hasKey := o.get("key")
	value, hasValue := o.get("value")
	control, hasControl := o.get("control")
	headers, _ := o.get("headers")
	o.end("a record")
	if hasKey {
		r.key = p.bytes(key, join(path, "key"))
	}
	if hasValue {
		r.data = p.bytes(value, join(path, "value"))
	}
	switch {
	case !hasControl:
	case !inControl:
		p.fail(control, join(path, "control"), "only batches with isControl have control records")
	case !hasKey && !hasValue:
		r.key, r.data = p.control(control, join(path, "control"))
	}
	path = join(path, "headers")
	if !isArray(headers) {
		p.fail(headers, path, "an array is needed, not %s", kindOf(headers))
	}
	for i, e := range headers.Elements {
		r.headers = append(r.headers, p.header(e, index(path, i)))
	}
	return r
}

// isArray reports whether a value is an array, or is not there.
func isArray(v output.Value) bool {
	return v.Kind == output.Array || v.Kind == output.Scalar && v.Text == ""
}

func (p *parser) header(v output.Value, path string) batch.RecordHeader {
	o := p.object(v, path)
	key, hasKey := o.get("key")
	value, hasValue := o.get("value")
	o.end("a header")
	if !hasKey || key.IsNull() {
		p.fail(v, path, "a header needs a key")
	}
	h := batch.RecordHeader{Key: string(p.bytes(key, join(path, "key")))}
	if hasValue {
		h.Value = p.bytes(value, join(path, "value"))
	}
	return h
}

// bytes reads what text writes, and null.
func (p *parser) bytes(v output.Value, path string) []byte {
	switch {
	case v.IsNull():
		return nil
	case v.Kind == output.String:
		return append([]byte{}, v.Text...)
	case v.Kind == output.Object && len(v.Members) == 1 && v.Members[0].Key == "base64":
		return p.base64(v.Members[0].Value, join(path, "base64"))
	}
	p.fail(v, path, `a string, null or {"base64": "..."} is needed`)
	return nil
}

func (p *parser) base64(v output.Value, path string) []byte {
	b, err := base64.StdEncoding.DecodeString(v.Text)
	if v.Kind != output.String || err != nil {
		p.fail(v, path, "a string in base64 is needed")
	}
	return append([]byte{}, b...)
}
