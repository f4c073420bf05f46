package kmsg_test

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"github.com/franzi-kafka/franzi/kbin"
	"github.com/franzi-kafka/franzi/kmsg"
	"github.com/franzi-kafka/franzi/kmsg/internal/interpreter"
	"github.com/franzi-kafka/franzi/kmsg/internal/synthetic"
)

// A place is a field of a message, found by walking the definition and the value together.
type place struct {
	path  string // as errors name it
	field *interpreter.Field
	value reflect.Value
}

// places finds all fields of a value, with an element in each array of structs, so that
// there is a place for everything.
func places(d *interpreter.Message, m kmsg.Message) []place {
	var all []place
	version := int(m.APIVersion())
	var walk func(path string, fields []interpreter.Field, v reflect.Value)
	walk = func(path string, fields []interpreter.Field, v reflect.Value) {
		for i := range fields {
			f := &fields[i]
			if !everPresent(d, f) {
				continue // a field of no version that exists, which Go does not have
			}
			x, name := goField(v, f)
			p := place{path + "." + name, f, x}
			all = append(all, p)
			if !f.Present(version) {
				continue // what is inside does not count in this version
			}
			switch inner := d.Inner(f); {
			case len(inner) == 0:
			case x.Kind() == reflect.Slice:
				e := reflect.MakeSlice(x.Type(), 1, 1)
				e.Index(0).Set(newStruct(x.Type().Elem()))
				x.Set(e)
				walk(p.path+"[0]", inner, x.Index(0))
			case x.Kind() == reflect.Pointer:
				e := reflect.New(x.Type().Elem())
				e.Elem().Set(newStruct(x.Type().Elem()))
				x.Set(e)
				walk(p.path, inner, e.Elem())
			default:
				walk(p.path, inner, x)
			}
		}
	}
	v := reflect.ValueOf(m).Elem()
	walk(v.Type().Name(), d.Fields, v)
	return all
}

func everPresent(d *interpreter.Message, f *interpreter.Field) bool {
	low, high := d.Versions()
	for v := low; v <= high; v++ {
		if f.Present(v) {
			return true
		}
	}
	return false
}

// goField finds a field by its JSON name, which the struct tag has.
func goField(v reflect.Value, f *interpreter.Field) (reflect.Value, string) {
	for i := range v.NumField() {
		name, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("kafka"), ",")
		if name != "" && name == strings.ToLower(f.Name[:1])+f.Name[1:] {
			return v.Field(i), v.Type().Field(i).Name
		}
	}
	panic(fmt.Sprintf("%s has no field for %s", v.Type(), f.Name))
}

// newStruct returns a struct with Kafka's defaults, through JSON's own way to make them.
func newStruct(t reflect.Type) reflect.Value {
	v := reflect.New(t).Elem()
	for i := range t.NumField() {
		_, def, ok := strings.Cut(t.Field(i).Tag.Get("kafka"), "default=")
		x := v.Field(i)
		tag := t.Field(i).Tag.Get("kafka")
		if x.Type() == reflect.TypeFor[kbin.NullString]() && def != "null" {
			x.Set(reflect.ValueOf(kbin.Str(def)))
			continue
		}
		if strings.Contains(tag, "nullable") && def != "null" && x.Kind() == reflect.Slice && !strings.Contains(tag, ",records") {
			x.Set(reflect.MakeSlice(x.Type(), 0, 0))
		}
		if strings.Contains(tag, "nullable") && def != "null" && x.Kind() == reflect.Pointer {
			x.Set(reflect.New(x.Type().Elem()))
			x.Elem().Set(newStruct(x.Type().Elem()))
		}
		if x.Kind() == reflect.Struct && x.Type() != reflect.TypeFor[kbin.Tags]() {
			x.Set(newStruct(x.Type()))
			continue
		}
		if !ok || def == "null" {
			continue
		}
		switch {
		case x.CanInt():
			n, _ := strconv.ParseInt(def, 10, 64)
			x.SetInt(n)
		case x.CanUint():
			n, _ := strconv.ParseUint(def, 10, 64)
			x.SetUint(n)
		case x.CanFloat():
			n, _ := strconv.ParseFloat(def, 64)
			x.SetFloat(n)
		case x.Kind() == reflect.Bool:
			x.SetBool(def == "true")
		case x.Kind() == reflect.String:
			x.SetString(def)
		case x.Kind() == reflect.Array:
			u, _ := kbin.ParseUUID(def)
			x.Set(reflect.ValueOf(u))
		}
	}
	return v
}

// setOther gives a field a value that is not its default.
func setOther(x reflect.Value) {
	switch {
	case x.Type() == reflect.TypeFor[kbin.NullString]():
		x.Set(reflect.ValueOf(kbin.Str("other")))
	case x.CanInt():
		x.SetInt(x.Int() ^ 1)
	case x.CanUint():
		x.SetUint(x.Uint() ^ 1)
	case x.CanFloat():
		x.SetFloat(x.Float() + 1)
	case x.Kind() == reflect.Bool:
		x.SetBool(!x.Bool())
	case x.Kind() == reflect.String:
		x.SetString(x.String() + "other")
	case x.Kind() == reflect.Array:
		x.Set(reflect.ValueOf(kbin.UUID{0: 9, 15: 9}))
	case x.Kind() == reflect.Slice:
		x.Set(reflect.MakeSlice(x.Type(), 1, 1))
	case x.Kind() == reflect.Pointer:
		x.Set(reflect.New(x.Type().Elem()))
		setOther(x.Elem())
	default:
		setOther(x.Field(0))
	}
}

// A field that the version lacks is an error that names it, unless the definition calls it
// ignorable: then it is left out.
func TestForeignFields(t *testing.T) {
	foreign, ignored := 0, 0
	eachVersion(t, func(t *testing.T, name string, version int) {
		d := definitions[name]
		plain := newMessage(name, version)
		n := len(places(d, plain))
		if err := plain.Check(); err != nil {
			t.Fatalf("%s version %d: %v", name, version, err)
		}
		without := plain.AppendTo(nil)
		for i := range n {
			m := newMessage(name, version)
			p := places(d, m)[i]
			if p.field.Present(version) {
				continue
			}
			setOther(p.value)
			err := m.Check()
			if p.field.Ignorable {
				ignored++
				if err != nil {
					t.Errorf("%s version %d with %s, which is ignorable: %v", name, version, p.path, err)
				} else if got := again(t, name, version, m.AppendTo(nil)); !bytes.Equal(got, without) {
					t.Errorf("%s version %d with %s, which is ignorable:\ngot  %x\nwant %x", name, version, p.path, got, without)
				}
				continue
			}
			foreign++
			var refused *kmsg.FieldError
			if !errors.As(err, &refused) || refused.Path != p.path || !strings.Contains(refused.Reason, "does not carry") {
				t.Errorf("%s version %d with %s: got %v, want an error about the field", name, version, p.path, err)
			}
		}
	})
	if foreign < 500 || ignored < 500 {
		t.Errorf("tried %d foreign fields and %d ignorable ones", foreign, ignored)
	}
}

// again decodes a message and encodes it. A tagged struct that differs from its default only
// in what the version drops is written, as Java does, and is its default when it comes back.
func again(t *testing.T, name string, version int, data []byte) []byte {
	t.Helper()
	m := newMessage(name, version)
	if err := m.DecodeFrom(kbin.NewReader(data)); err != nil {
		t.Errorf("%s version %d: %v in %x", name, version, err, data)
	}
	return m.AppendTo(nil)
}

// Null where a version has no null is an error that names the field.
func TestNullWhereNoneIs(t *testing.T) {
	tried := 0
	eachVersion(t, func(t *testing.T, name string, version int) {
		d := definitions[name]
		n := len(places(d, newMessage(name, version)))
		for i := range n {
			m := newMessage(name, version)
			p := places(d, m)[i]
			nullString := p.value.Type() == reflect.TypeFor[kbin.NullString]()
			if !p.field.Present(version) || p.field.Nullable(version) || !nullString && p.value.Kind() != reflect.Pointer {
				continue
			}
			tried++
			p.value.SetZero()
			var refused *kmsg.FieldError
			if err := m.Check(); !errors.As(err, &refused) || refused.Path != p.path || !strings.Contains(refused.Reason, "null") {
				t.Errorf("%s version %d with %s null: got %v, want an error about the field", name, version, p.path, err)
			}
		}
	})
	if tried < 10 {
		t.Errorf("tried %d fields", tried)
	}
}

// A slice that is nil is null where its version can be null, and empty elsewhere; what is read is
// nil only if it is null.
func TestNilSlices(t *testing.T) {
	null, empty := 0, 0
	eachVersion(t, func(t *testing.T, name string, version int) {
		d := definitions[name]
		n := len(places(d, newMessage(name, version)))
		for i := range n {
			with := func(set func(reflect.Value)) (place, []byte) {
				m := newMessage(name, version)
				p := places(d, m)[i]
				if p.value.Kind() == reflect.Slice {
					set(p.value)
				}
				if err := m.Check(); err != nil {
					return p, nil
				}
				return p, m.AppendTo(nil)
			}
			p, ofNil := with(reflect.Value.SetZero)
			_, ofEmpty := with(func(x reflect.Value) { x.Set(reflect.MakeSlice(x.Type(), 0, 0)) })
			if p.value.Kind() != reflect.Slice || !p.field.Present(version) || ofNil == nil {
				continue
			}
			nullable := p.field.Nullable(version)
			if nullable {
				null++
			} else {
				empty++
			}
			if same := bytes.Equal(ofNil, ofEmpty); same == nullable {
				t.Errorf("%s version %d: %s, nullable %v: nil is written as %x, empty as %x", name, version, p.path, nullable, ofNil, ofEmpty)
			}
			for _, data := range [][]byte{ofNil, ofEmpty} {
				m := newMessage(name, version)
				if err := m.DecodeFrom(kbin.NewReader(data)); err != nil {
					t.Fatalf("%s version %d: %s: %v in %x", name, version, p.path, err, data)
				}
				x, there := find(reflect.ValueOf(m).Elem(), p.path)
				if want := nullable && &data[0] == &ofNil[0]; there && x.IsNil() != want {
					t.Errorf("%s version %d: %s, nullable %v: %x is read as nil: got %v, want %v", name, version, p.path, nullable, data, x.IsNil(), want)
				}
			}
		}
	})
	if null < 100 || empty < 1000 {
		t.Errorf("tried %d fields that can be null and %d that cannot", null, empty)
	}
}

// Of a boolean every byte but 0 is true, as Java reads it.
func TestBooleansOfAnyByte(t *testing.T) {
	tried := 0
	eachVersion(t, func(t *testing.T, name string, version int) {
		d := definitions[name]
		n := len(places(d, newMessage(name, version)))
		for i := range n {
			encode := func(b bool) (place, []byte) {
				m := newMessage(name, version)
				p := places(d, m)[i]
				if p.value.Kind() == reflect.Bool {
					p.value.SetBool(b)
				}
				return p, m.AppendTo(nil)
			}
			p, yes := encode(true)
			_, no := encode(false)
			if p.value.Kind() != reflect.Bool || !p.field.Present(version) || len(yes) != len(no) {
				continue // no boolean, or a tagged one, of which only one value is written
			}
			tried++
			at := 0
			for yes[at] == no[at] {
				at++
			}
			yes[at] = 0xfe
			m := newMessage(name, version)
			if err := m.DecodeFrom(kbin.NewReader(yes)); err != nil {
				t.Fatalf("%s version %d: %s: %v in %x", name, version, p.path, err, yes)
			}
			if x, there := find(reflect.ValueOf(m).Elem(), p.path); !there || !x.Bool() {
				t.Errorf("%s version %d: %s: 0xfe is read as false, want true", name, version, p.path)
			}
		}
	})
	if tried < 100 {
		t.Errorf("tried %d booleans", tried)
	}
}

// find returns what stands at a place's path in another value, if nothing on the way is tagged: a
// field that is not written gets its default, which may be nil.
func find(v reflect.Value, path string) (x reflect.Value, there bool) {
	for _, step := range strings.Split(path, ".")[1:] {
		name, isElement := strings.CutSuffix(step, "[0]")
		f, _ := v.Type().FieldByName(name)
		if strings.Contains(f.Tag.Get("kafka"), "tag") {
			return reflect.Value{}, false
		}
		v = v.FieldByName(name)
		if isElement {
			v = v.Index(0)
		}
		if v.Kind() == reflect.Pointer {
			v = v.Elem()
		}
	}
	return v, true
}

// Strings that the protocol cannot carry are errors that name the field, wherever they
// stand.
func TestLongStrings(t *testing.T) {
	long := strings.Repeat("x", kbin.MaxString+1)
	tried := 0
	eachVersion(t, func(t *testing.T, name string, version int) {
		d := definitions[name]
		n := len(places(d, newMessage(name, version)))
		for i := range n {
			m := newMessage(name, version)
			p := places(d, m)[i]
			if !p.field.Present(version) {
				continue
			}
			path := p.path
			switch x := p.value; {
			case x.Type() == reflect.TypeFor[kbin.NullString]():
				x.Set(reflect.ValueOf(kbin.Str(long)))
			case x.Kind() == reflect.String:
				x.SetString(long)
			case x.Kind() == reflect.Slice && x.Type().Elem().Kind() == reflect.String:
				x.Set(reflect.MakeSlice(x.Type(), 2, 2))
				x.Index(1).SetString(long)
				path += "[1]"
			default:
				continue
			}
			tried++
			var refused *kmsg.FieldError
			if err := m.Check(); !errors.As(err, &refused) || refused.Path != path || !strings.Contains(refused.Reason, "32768") {
				t.Errorf("%s version %d with a long %s: got %v, want an error about the field", name, version, path, err)
			}
		}
	})
	if tried < 1000 {
		t.Errorf("tried %d strings", tried)
	}
}

// Unknown tags are refused where a version has no tags, and where it has a field of its own
// with their number.
func TestUnknownTagsThatDoNotFit(t *testing.T) {
	tests := []struct {
		name    string
		m       kmsg.Message
		path    string // "" if the tags fit
		message string
	}{
		{"a classic version", &kmsg.MetadataRequest{Version: 8, Topics: []kmsg.MetadataRequestTopic{}, AllowAutoTopicCreation: true, UnknownTags: kbin.NewTags(kbin.Tag{Number: 7})},
			"MetadataRequest.UnknownTags", "no tagged fields"},
		{"deep in a classic version", &kmsg.MetadataRequest{Version: 8, AllowAutoTopicCreation: true, Topics: []kmsg.MetadataRequestTopic{{Name: kbin.Str("s")}, {Name: kbin.Str("t"), UnknownTags: kbin.NewTags(kbin.Tag{Number: 7})}}},
			"MetadataRequest.Topics[1].UnknownTags", "no tagged fields"},
		{"a flexible version", &kmsg.MetadataRequest{Version: 9, AllowAutoTopicCreation: true, UnknownTags: kbin.NewTags(kbin.Tag{Number: 7})}, "", ""},
		{"a number that the version knows", &kmsg.FetchRequest{Version: 15, ReplicaID: -1, ReplicaState: kmsg.NewFetchRequestReplicaState(), UnknownTags: kbin.NewTags(kbin.Tag{Number: 1})},
			"FetchRequest.UnknownTags", "tag 1"},
		{"a number that only later versions know", &kmsg.FetchRequest{Version: 14, ReplicaID: -1, ReplicaState: kmsg.NewFetchRequestReplicaState(), UnknownTags: kbin.NewTags(kbin.Tag{Number: 1})}, "", ""},
		{"a number beyond all known ones", &kmsg.FetchRequest{Version: 15, ReplicaID: -1, ReplicaState: kmsg.NewFetchRequestReplicaState(), UnknownTags: kbin.NewTags(kbin.Tag{Number: 1 << 31})}, "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := tt.m.Check()
			var refused *kmsg.FieldError
			switch {
			case tt.path == "" && err != nil:
				t.Errorf("got %v, want no error", err)
			case tt.path != "" && (!errors.As(err, &refused) || refused.Path != tt.path || !strings.Contains(refused.Reason, tt.message)):
				t.Errorf("got %v, want an error about %s with %q", err, tt.path, tt.message)
			}
		})
	}
}

// A tag that a version knows under a name, but an older one does not, is kept by the older
// one as unknown, and written back between the others in order.
func TestTagOfLaterVersionIsKept(t *testing.T) {
	m := synthetic.NewCornersRequest()
	m.Version = 4
	m.TaggedInt = 7                                   // tag 0
	m.TaggedText = kbin.Str("x")                      // tag 1
	m.TaggedNullStruct = nil                          // tag 2, default
	m.TaggedArray = []string{"y"}                     // tag 4
	m.UnknownTags.Set(3, []byte("three"))             // TaggedStruct from version 5 on
	m.UnknownTags.Set(9, []byte("nine"))              // TaggedBool from version 7 on
	m.UnknownTags.Set(1_000_000, []byte("a million")) // nobody's
	if err := m.Check(); err != nil {
		t.Fatal(err)
	}
	data := m.AppendTo(nil)
	back := synthetic.NewCornersRequest()
	back.Version = 4
	if err := back.DecodeFrom(kbin.NewReader(data)); err != nil { // strict: numbers ascend
		t.Fatal(err)
	}
	if got, want := fmt.Sprint(back.UnknownTags), "[3: 5 bytes, 9: 4 bytes, 1000000: 9 bytes]"; got != want {
		t.Errorf("got the unknown tags %s, want %s", got, want)
	}
	if got := back.AppendTo(nil); !bytes.Equal(got, data) {
		t.Errorf("written again:\ngot  %x\nwant %x", got, data)
	}
}

// Versions that do not exist are refused, in both directions, with those that do.
func TestVersionsThatDoNotExist(t *testing.T) {
	for name, d := range definitions {
		low, high := d.Versions()
		for _, v := range []int{low - 1, high + 1, -32768, 32767} {
			if low > high {
				continue // a reserved key
			}
			m := newMessage(name, v)
			var none *kmsg.VersionError
			if err := m.Check(); !errors.As(err, &none) || int(none.Min) != low || int(none.Max) != high {
				t.Errorf("%s: Check of version %d: got %v, want a VersionError of %d to %d", name, v, err, low, high)
			}
			if err := m.DecodeFrom(kbin.NewReader(nil)); !errors.As(err, &none) {
				t.Errorf("%s: DecodeFrom at version %d: got %v, want a VersionError", name, v, err)
			}
		}
	}
}
