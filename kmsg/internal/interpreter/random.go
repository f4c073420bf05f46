package interpreter

import (
	"encoding/base64"
	"encoding/json"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
)

// Random makes a value of a message at a version. Each struct of a flexible version may
// have tags that the definition does not know.
func (s Spec) Random(r *rand.Rand, name string, version int) any {
	m := s[name]
	return m.randomStruct(r, m.Fields, version, 0)
}

func (m *Message) randomStruct(r *rand.Rand, fields []Field, v, depth int) any {
	o := map[string]any{}
	used := map[int]bool{}
	for i := range fields {
		f := &fields[i]
		if !f.Present(v) {
			continue
		}
		if f.tagged(v) {
			used[*f.Tag] = true
			if r.IntN(3) == 0 {
				continue
			}
		}
		var x any
		if !f.Nullable(v) || r.IntN(4) > 0 {
			x = m.randomValue(r, f, f.Type, v, depth)
		}
		if !f.tagged(v) || !m.isDefault(f, v, x) {
			o[jsonName(f)] = x
		}
	}
	if m.flexible(v) && r.IntN(8) == 0 {
		unknown := map[string]any{}
		for range 1 + r.IntN(3) {
			if n := []int{r.IntN(12), 200 + r.IntN(1000), math.MaxInt32}[r.IntN(3)]; !used[n] {
				unknown[strconv.Itoa(n)] = randomBytes(r)
			}
		}
		if len(unknown) > 0 {
			o[unknownTags] = unknown
		}
	}
	return o
}

func (m *Message) randomValue(r *rand.Rand, f *Field, t string, v, depth int) any {
	if element, ok := strings.CutPrefix(t, "[]"); ok {
		a := []any{}
		n := r.IntN(4)
		if depth > 2 {
			n = r.IntN(2)
		}
		if n == 3 && !isStruct(element) && r.IntN(10) == 0 {
			n = 130 // a count of two bytes
		}
		for range n {
			a = append(a, m.randomValue(r, f, element, v, depth+1))
		}
		return a
	}
	switch t {
	case "bool":
		return r.IntN(2) == 0
	case "int8":
		return number(int8(edge(r)))
	case "int16":
		return number(int16(edge(r)))
	case "uint16":
		return number(uint16(edge(r)))
	case "int32":
		return number(int32(edge(r)))
	case "uint32":
		return number(uint32(edge(r)))
	case "int64":
		return number(int64(edge(r)))
	case "float64":
		return json.Number(strconv.FormatFloat(r.NormFloat64()*1e3, 'g', -1, 64))
	case "uuid":
		var b [16]byte
		for i := range b {
			b[i] = byte(r.Uint32())
		}
		return base64.RawURLEncoding.EncodeToString(b[:])
	case "string":
		return strings.Repeat("aé\n", r.IntN(3)) + strings.Repeat("x", r.IntN(2)*r.IntN(140))
	case "bytes", "records":
		return randomBytes(r)
	}
	return m.randomStruct(r, m.Inner(f), v, depth+1)
}

func edge(r *rand.Rand) uint64 {
	switch r.IntN(5) {
	case 0:
		return 0
	case 1:
		return math.MaxUint64 // -1
	case 2:
		return 1 << (8*(1+r.IntN(8)) - 1) // smallest
	}
	return r.Uint64()
}

func randomBytes(r *rand.Rand) string {
	b := make([]byte, r.IntN(2)*r.IntN(200))
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return base64.StdEncoding.EncodeToString(b)
}
