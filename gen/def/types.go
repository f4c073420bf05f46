package def

import (
	"fmt"
	"iter"
	"strings"
)

// Kind is what a definition describes.
type Kind string

// The kinds of messages. Coordinator keys and values are records of the topics in which
// Kafka's coordinators keep their state; metadata messages are records of the KRaft log.
const (
	Request          Kind = "request"
	Response         Kind = "response"
	Header           Kind = "header"
	Data             Kind = "data"
	Metadata         Kind = "metadata"
	CoordinatorKey   Kind = "coordinator-key"
	CoordinatorValue Kind = "coordinator-value"
)

// NoKey stands for a missing api key.
const NoKey = -1

// A Message is the definition of one message.
type Message struct {
	Name string
	Kind Kind

	// APIKey is the key of a request or response, the record type of a metadata or
	// coordinator record, or NoKey.
	APIKey int16

	// Listeners says which of Kafka's listeners serve a request: broker, controller,
	// zkBroker. Releases before 2.8 do not say.
	Listeners []string

	// Valid is the range of versions, None for a key that is only reserved.
	Valid Versions

	// Deprecated is advice that Kafka gave up with 4.0.
	Deprecated Versions

	// Flexible is the range of versions with compact lengths and tagged fields (KIP-482).
	Flexible Versions

	// LatestUnstable hides the last version of a request unless unstable versions are on.
	LatestUnstable bool

	// HeaderVersions maps versions to header versions where the definition says so itself.
	HeaderVersions []HeaderVersion

	Fields  []*Field
	Commons []*Struct // structs that several fields share, in the order of the file

	File string // where the definition was read
}

// A HeaderVersion says which header goes before a range of versions.
type HeaderVersion struct {
	Versions Versions
	Header   int16
}

// A Struct is a named list of fields.
type Struct struct {
	Name     string
	Versions Versions
	Common   bool
	Fields   []*Field

	pos pos
}

// A Field is a field of a message or struct.
type Field struct {
	Name     string
	Type     Type
	Versions Versions
	Nullable Versions

	// Tagged has the versions in which the field is in the tag section under Tag.
	Tagged Versions
	Tag    int // -1 without

	// Flexible overrides the message's flexible versions if HasFlexible is set.
	Flexible    Versions
	HasFlexible bool

	// Default is the text of the default value: "" for the type's own, "null" for null.
	// Numbers are decimal, whatever the file says.
	Default string

	Ignorable  bool // a version without the field drops it in silence
	MapKey     bool // Java's classes find elements by it
	ZeroCopy   bool // Java's classes keep a buffer
	EntityType string

	// About is the file's own sentence on the field. It is no fact: Format leaves it out.
	About string

	pos pos
}

// Base is a type without its array.
type Base string

// The primitive types, and Struct for all others.
const (
	Bool     Base = "bool"
	Int8     Base = "int8"
	Int16    Base = "int16"
	Uint16   Base = "uint16"
	Int32    Base = "int32"
	Uint32   Base = "uint32"
	Int64    Base = "int64"
	Float64  Base = "float64"
	UUID     Base = "uuid"
	String   Base = "string"
	Bytes    Base = "bytes"
	Records  Base = "records"
	IsStruct Base = "struct"
)

// fixedSize has the bytes of each type of fixed size.
var fixedSize = map[Base]int{Bool: 1, Int8: 1, Int16: 2, Uint16: 2, Int32: 4, Uint32: 4, Int64: 8, Float64: 8, UUID: 16}

// FixedSize returns the encoded size of a type that always has the same, else 0.
func (b Base) FixedSize() int { return fixedSize[b] }

// A Type is the type of a field.
type Type struct {
	Array  bool
	Base   Base
	Struct *Struct // for IsStruct; resolved when the message is whole
	name   string  // of the struct
}

// ParseType reads the name of a type. A struct's fields are not known by its name.
func ParseType(s string) (Type, error) {
	element, isArray := strings.CutPrefix(strings.TrimSpace(s), "[]")
	t := Type{Array: isArray, Base: Base(element)}
	switch {
	case fixedSize[t.Base] > 0 || t.Base == String || t.Base == Bytes || t.Base == Records:
	case strings.HasPrefix(element, "[]"):
		return t, fmt.Errorf("%q is an array of arrays", s)
	case element == "":
		return t, fmt.Errorf("%q names no element type", s)
	case 'A' <= element[0] && element[0] <= 'Z' && validName(element):
		t.Base, t.name = IsStruct, element
	default:
		return t, fmt.Errorf("%q is no type", s)
	}
	return t, nil
}

// StructName returns the name of the struct that the type is or has as elements.
func (t Type) StructName() string { return t.name }

// String writes the type as definitions do.
func (t Type) String() string {
	s := string(t.Base)
	if t.Base == IsStruct {
		s = t.name
	}
	if t.Array {
		s = "[]" + s
	}
	return s
}

func (t Type) nullable() bool {
	return t.Array || t.Base == String || t.Base == Bytes || t.Base == Records || t.Base == IsStruct
}

// FlexibleIn reports whether the field is written in compact form at version v of m.
func (f *Field) FlexibleIn(m *Message, v int16) bool {
	if f.HasFlexible {
		return f.Flexible.Has(v)
	}
	return m.Flexible.Has(v)
}

// Structs yields each struct of the message once, outer before inner, with the path of
// field names at which it is met first.
func (m *Message) Structs() iter.Seq2[string, *Struct] {
	return func(yield func(string, *Struct) bool) {
		seen := map[*Struct]bool{}
		var walk func(path string, fields []*Field) bool
		walk = func(path string, fields []*Field) bool {
			for _, f := range fields {
				s := f.Type.Struct
				if s == nil || seen[s] {
					continue
				}
				seen[s] = true
				if !yield(path+f.Name, s) || !walk(path+f.Name+".", s.Fields) {
					return false
				}
			}
			return true
		}
		walk("", m.Fields)
	}
}

// Walk yields every field of the message with its path, "Topics.Partitions.Index", structs
// before their fields. Fields of shared structs come once for each place.
func (m *Message) Walk() iter.Seq2[string, *Field] {
	return func(yield func(string, *Field) bool) {
		var walk func(path string, fields []*Field, depth int) bool
		walk = func(path string, fields []*Field, depth int) bool {
			for _, f := range fields {
				if !yield(path+f.Name, f) {
					return false
				}
				if s := f.Type.Struct; s != nil && depth < 16 && !walk(path+f.Name+".", s.Fields, depth+1) {
					return false
				}
			}
			return true
		}
		walk("", m.Fields, 0)
	}
}

// API returns the name of the API: the message's without Request or Response.
func (m *Message) API() string {
	return strings.TrimSuffix(strings.TrimSuffix(m.Name, "Request"), "Response")
}

func validName(s string) bool {
	for i, c := range s {
		letter := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
		if !letter && (i == 0 || c < '0' || c > '9') {
			return false
		}
	}
	return s != ""
}
