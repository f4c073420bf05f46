package interpreter

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"
)

// Decode reads a value, which must take all bytes.
func (s Spec) Decode(name string, version int, data []byte) (value any, err error) {
	defer func() {
		if r := recover(); r != nil {
			bad, ok := r.(malformed)
			if !ok {
				panic(r)
			}
			err = errors.New(string(bad))
		}
	}()
	m := s[name]
	in := &input{data}
	value = m.readStruct(in, m.Fields, version)
	if len(in.rest) > 0 {
		return nil, fmt.Errorf("%d bytes are left", len(in.rest))
	}
	return value, nil
}

type malformed string

type input struct{ rest []byte }

func (in *input) take(n int) []byte {
	if n < 0 || n > len(in.rest) {
		panic(malformed("too short"))
	}
	b := in.rest[:n]
	in.rest = in.rest[n:]
	return b
}

func (in *input) unsigned(size int) uint64 {
	var n uint64
	for _, b := range in.take(size) {
		n = n*256 + uint64(b)
	}
	return n
}

func (in *input) signed(size int) int64 {
	return int64(in.unsigned(size)<<(64-8*size)) >> (64 - 8*size)
}

func (in *input) uvarint() int {
	n := new(big.Int)
	for shift := uint(0); ; shift += 7 {
		b := in.take(1)[0]
		n.Or(n, new(big.Int).Lsh(big.NewInt(int64(b%128)), shift))
		if n.BitLen() > 32 {
			panic(malformed("varint too long"))
		}
		if b < 128 {
			return int(n.Int64())
		}
	}
}

func (in *input) length(size int, compact bool) int {
	if compact {
		return in.uvarint() - 1
	}
	return int(in.signed(size))
}

func (m *Message) readStruct(in *input, fields []Field, v int) any {
	o := map[string]any{}
	tagged := map[int]*Field{}
	for i := range fields {
		f := &fields[i]
		switch {
		case !f.Present(v):
		case f.tagged(v):
			tagged[*f.Tag] = f
		default:
			o[jsonName(f)] = m.readField(in, f, v, m.compact(f, v))
		}
	}
	if !m.flexible(v) {
		return o
	}
	unknown := map[string]any{}
	last := -1
	for n := in.uvarint(); n > 0; n-- {
		number := in.uvarint()
		data := in.take(in.uvarint())
		if number <= last {
			panic(malformed("tags out of order"))
		}
		last = number
		f := tagged[number]
		if f == nil {
			unknown[strconv.Itoa(number)] = base64.StdEncoding.EncodeToString(data)
			continue
		}
		inside := &input{data}
		x := m.readTagged(inside, f, v)
		if len(inside.rest) > 0 {
			panic(malformed("bytes left in a tagged field"))
		}
		if !m.isDefault(f, v, x) {
			o[jsonName(f)] = x
		}
	}
	if len(unknown) > 0 {
		o[unknownTags] = unknown
	}
	return o
}

func (m *Message) readTagged(in *input, f *Field, v int) any {
	if isStruct(f.Type) && f.Nullable(v) {
		if in.uvarint() == 0 {
			return nil
		}
		return m.readStruct(in, m.Inner(f), v)
	}
	return m.readField(in, f, v, true)
}

func (m *Message) readField(in *input, f *Field, v int, compact bool) any {
	element, isArray := strings.CutPrefix(f.Type, "[]")
	if !isArray {
		if isStruct(f.Type) {
			if f.Nullable(v) && in.signed(1) < 0 {
				return nil
			}
			return m.readStruct(in, m.Inner(f), v)
		}
		return in.primitive(f.Type, compact, f.Nullable(v))
	}
	n := in.length(4, compact)
	if n < 0 {
		if !f.Nullable(v) {
			panic(malformed("null array"))
		}
		return nil
	}
	if n > len(in.rest) {
		panic(malformed("array too long"))
	}
	a := []any{}
	for range n {
		if isStruct(element) {
			a = append(a, m.readStruct(in, m.Inner(f), v))
		} else {
			a = append(a, in.primitive(element, compact, false))
		}
	}
	return a
}

func (in *input) primitive(t string, compact, nullable bool) any {
	sized := func(size int) []byte {
		n := in.length(size, compact)
		if n < 0 {
			if !nullable {
				panic(malformed("null"))
			}
			return nil
		}
		return append([]byte{}, in.take(n)...)
	}
	switch t {
	case "bool":
		return in.take(1)[0] != 0
	case "int8":
		return number(in.signed(1))
	case "int16":
		return number(in.signed(2))
	case "uint16":
		return number(in.unsigned(2))
	case "int32":
		return number(in.signed(4))
	case "uint32":
		return number(in.unsigned(4))
	case "int64":
		return number(in.signed(8))
	case "float64":
		return number(math.Float64frombits(in.unsigned(8)))
	case "uuid":
		return base64.RawURLEncoding.EncodeToString(in.take(16))
	case "string":
		b := sized(2)
		if len(b) > math.MaxInt16 {
			panic(malformed("string too long"))
		}
		if b == nil {
			return nil
		}
		return string(b)
	case "bytes", "records":
		b := sized(4)
		if b == nil {
			return nil
		}
		return base64.StdEncoding.EncodeToString(b)
	}
	panic("interpreter: the type " + t)
}

func number(n any) json.Number { return json.Number(fmt.Sprint(n)) }
