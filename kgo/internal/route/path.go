package route

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"

	"github.com/franzi-kafka/franzi/kbin"
	"github.com/franzi-kafka/franzi/kmsg"
)

// A path leads to the items of a message: from list to list, with what tells the items of each
// apart, and to the code of the innermost. It is written like this:
//
//	Topics[Name|TopicID].Partitions[PartitionIndex]!ErrorCode
//	Resources[ResourceType+ResourceName]
//	Topics[Name].PartitionIndexes[]          the elements are numbers themselves
//	Dirs[].Topics[Name].Partitions[]         nothing tells the first apart
//	Results[Key]!Topics.Partitions.ErrorCode  the first code found further down
//
// By a path the same few functions read, split and merge the messages of all APIs, without
// referring to any of them: a program is linked with those that it uses.
type path struct {
	levels []level
	code   []int // fields, from the innermost element; all but the last are lists
	text   int   // field of the innermost element with the broker's words, -1 for none
	leader int   // field CurrentLeader of the innermost element, -1 for none
}

// A level is one list.
type level struct {
	list int // field of what is above
	keys []keyField
}

// A keyField is a field that tells elements apart, or the element itself.
type keyField struct {
	field int // -1 for the element itself
	role  role
}

// A role is what a key is of.
type role int8

const (
	ofTopic     role = iota // its name
	ofTopicID               // its id
	ofPartition             // its number
	ofOther                 // whatever else: a group, a resource, ...
)

// A key tells which item of a request or an answer something is about.
type key struct {
	topic     string
	id        kbin.UUID // if the name is not known
	partition int32     // -1 if it is not about one
	other     string
}

// compile finds the fields of a path in the type of a message.
func compile(t reflect.Type, text string) (*path, error) {
	p := &path{text: -1, leader: -1}
	items, code, _ := strings.Cut(text, "!")
	for name := range strings.SplitSeq(items, ".") {
		name, keys, _ := strings.Cut(strings.TrimSuffix(name, "]"), "[")
		list, err := fieldOf(t, name, reflect.Slice)
		if err != nil {
			return nil, err
		}
		l := level{list: list}
		t = t.Field(list).Type.Elem()
		if t.Kind() != reflect.Struct {
			l.keys = []keyField{{-1, roleOf(name, t)}}
		}
		for name := range strings.FieldsFuncSeq(keys, func(r rune) bool { return r == '|' || r == '+' }) {
			f, err := fieldOf(t, name)
			if err != nil {
				return nil, err
			}
			l.keys = append(l.keys, keyField{f, roleOf(name, t.Field(f).Type)})
		}
		p.levels = append(p.levels, l)
	}
	if t.Kind() == reflect.Struct {
		p.text, _ = fieldOf(t, "ErrorMessage")
		p.leader, _ = fieldOf(t, "CurrentLeader")
	}
	for name := range strings.FieldsFuncSeq(code, func(r rune) bool { return r == '.' }) {
		f, err := fieldOf(t, name)
		if err != nil {
			return nil, err
		}
		p.code = append(p.code, f)
		if t = t.Field(f).Type; t.Kind() == reflect.Slice {
			t = t.Elem()
		}
	}
	if len(p.code) > 0 && t != reflect.TypeFor[kmsg.ErrorCode]() {
		return nil, fmt.Errorf("%s ends in a %v", text, t)
	}
	return p, nil
}

// fieldOf returns the index of a field, -1 and an error if there is none.
func fieldOf(t reflect.Type, name string, kinds ...reflect.Kind) (int, error) {
	if t.Kind() == reflect.Struct {
		for i := range t.NumField() {
			if f := t.Field(i); f.Name == name && (len(kinds) == 0 || f.Type.Kind() == kinds[0]) {
				return i, nil
			}
		}
	}
	return -1, fmt.Errorf("%v has no field %s that will do", t, name)
}

func roleOf(name string, t reflect.Type) role {
	switch {
	case t == reflect.TypeFor[kbin.UUID]():
		return ofTopicID
	case name == "Name" || name == "Topic" || name == "TopicName":
		return ofTopic
	case t.Kind() == reflect.Int32 && (strings.HasPrefix(name, "Partition") || name == "Index"):
		return ofPartition
	}
	return ofOther
}

// noKey is the key that nothing has been read into.
var noKey = key{partition: -1}

// read reads what tells an element apart into k.
func (l *level) read(elem reflect.Value, k *key) {
	for _, f := range l.keys {
		v := elem
		if f.field >= 0 {
			v = elem.Field(f.field)
		}
		switch f.role {
		case ofTopic:
			k.topic = text(v)
		case ofTopicID:
			k.id = *v.Addr().Interface().(*kbin.UUID)
		case ofPartition:
			k.partition = int32(v.Int())
		default:
			if k.other != "" {
				k.other += "/"
			}
			k.other += text(v)
		}
	}
}

// text returns a string, a string that may be null, or a number, as text.
func text(v reflect.Value) string {
	switch v.Kind() {
	case reflect.String:
		return v.String()
	case reflect.Struct:
		return v.Field(0).String() // kbin.NullString
	case reflect.Int8:
		return fmt.Sprint(v.Interface()) // an enumeration
	}
	return strconv.FormatInt(v.Int(), 10)
}

// codeOf returns the code of an innermost element. Of several it is the first that tells what
// went wrong: OPERATION_NOT_ATTEMPTED only tells that another is.
func (p *path) codeOf(elem reflect.Value) kmsg.ErrorCode { return firstCode(elem, p.code) }

func firstCode(v reflect.Value, fields []int) kmsg.ErrorCode {
	if len(fields) == 0 {
		return kmsg.ErrorCode(v.Int())
	}
	v = v.Field(fields[0])
	if v.Kind() != reflect.Slice {
		return firstCode(v, fields[1:])
	}
	found := kmsg.None
	for i := range v.Len() {
		if code := firstCode(v.Index(i), fields[1:]); code != kmsg.None && (found == kmsg.None || found == kmsg.OperationNotAttempted) {
			found = code
		}
	}
	return found
}

// setCode sets the code of an innermost element, or all codes that it has further down.
func (p *path) setCode(elem reflect.Value, code kmsg.ErrorCode) { setCodes(elem, p.code, code) }

func setCodes(v reflect.Value, fields []int, code kmsg.ErrorCode) {
	if len(fields) == 0 {
		v.SetInt(int64(code))
		return
	}
	v = v.Field(fields[0])
	if v.Kind() != reflect.Slice {
		setCodes(v, fields[1:], code)
		return
	}
	for i := range v.Len() {
		setCodes(v.Index(i), fields[1:], code)
	}
}

// An at is where an item is: an index for each level.
type at [3]int32

// walk calls f with each innermost element of a message, what it is about, and where it is.
func (p *path) walk(message reflect.Value, f func(elem reflect.Value, k key, where at)) {
	p.walkLevel(message, 0, noKey, at{}, f)
}

func (p *path) walkLevel(v reflect.Value, depth int, k key, where at, f func(reflect.Value, key, at)) {
	l := &p.levels[depth]
	list := v.Field(l.list)
	for i := range list.Len() {
		elem := list.Index(i)
		k := k
		where[depth] = int32(i)
		l.read(elem, &k)
		if depth+1 < len(p.levels) {
			p.walkLevel(elem, depth+1, k, where, f)
		} else {
			f(elem, k, where)
		}
	}
}

// elem returns the innermost element at a place, and those around it.
func (p *path) elem(message reflect.Value, where at) (around [3]reflect.Value) {
	v := message
	for depth := range p.levels {
		v = v.Field(p.levels[depth].list).Index(int(where[depth]))
		around[depth] = v
	}
	return around
}
