package kmsg_test

import (
	"bytes"
	"reflect"
	"testing"

	"github.com/franzi-kafka/franzi/kbin"
)

// setTags gives every struct of a value an unknown tag and returns how many there are.
func setTags(v reflect.Value) int {
	n := 0
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			n += setTags(v.Elem())
		}
	case reflect.Slice:
		for i := range v.Len() {
			n += setTags(v.Index(i))
		}
	case reflect.Struct:
		for i := range v.NumField() {
			switch x := v.Field(i); {
			case !v.Type().Field(i).IsExported():
			case x.Type() == reflect.TypeFor[kbin.Tags]():
				x.Addr().Interface().(*kbin.Tags).Set(54321, []byte{1})
				n++
			default:
				n += setTags(x)
			}
		}
	}
	return n
}

// Unknown tags of what was decoded before do not stay when a version without any is decoded into
// the same value, in no struct.
func TestUnknownTagsDoNotStay(t *testing.T) {
	structs, pairs := 0, 0
	eachVersion(t, func(t *testing.T, name string, version int) {
		d := definitions[name]
		low, high := d.Versions()
		plain := newMessage(name, version)
		places(d, plain)
		want := plain.AppendTo(nil)
		if newMessage(name, version).DecodeFrom(kbin.NewReader(want)) != nil {
			return // of synthetic messages, whose elements may take no bytes at all
		}
		for tagged := low; tagged <= high; tagged++ {
			before := newMessage(name, tagged)
			places(d, before)
			n := setTags(reflect.ValueOf(before))
			if before.Check() != nil {
				continue // not a flexible version
			}
			structs += n
			pairs++
			m := newMessage(name, tagged)
			if err := m.DecodeFrom(kbin.NewReader(before.AppendTo(nil))); err != nil {
				t.Fatalf("%s version %d: %v", name, tagged, err)
			}
			m.SetAPIVersion(int16(version))
			if err := m.DecodeFrom(kbin.NewReader(want)); err != nil {
				t.Fatalf("%s version %d: %v", name, version, err)
			}
			if err := m.Check(); err != nil {
				t.Errorf("%s version %d after version %d with unknown tags: %v", name, version, tagged, err)
			} else if got := m.AppendTo(nil); !bytes.Equal(got, want) {
				t.Errorf("%s version %d after version %d with unknown tags: got %x, want %x", name, version, tagged, got, want)
			}
		}
	})
	if pairs < 2000 {
		t.Errorf("only %d pairs of versions were tried", pairs)
	}
	t.Logf("%d pairs of versions, %d structs with unknown tags", pairs, structs)
}
