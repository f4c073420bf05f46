// Package model is the plain model of Kafka's protocol that code and tools are made from:
// the facts of spec/, joined with the names, types and sentences of its overlays.
package model

import (
	"github.com/franzi-kafka/franzi/gen/def"
)

// A Model is all that is known of the protocol.
type Model struct {
	Messages  []*Message // by name
	Enums     []*Enum
	Constants []*Constant
	Errors    []*ErrorCode // by code
	Releases  []*Release   // oldest first

	// Own says that the messages are not those of spec/.
	Own bool

	byName map[string]*Message
}

// Message returns a message by its name in Kafka, or nil.
func (m *Model) Message(name string) *Message { return m.byName[name] }

// APIs returns the requests that have versions, by key.
func (m *Model) APIs() []*Message {
	var all []*Message
	for _, msg := range m.Messages {
		if msg.Def.Kind == def.Request && !msg.Def.Valid.Empty() {
			all = append(all, msg)
		}
	}
	sortByKey(all)
	return all
}

// A Message is a message with its Go names and sentences.
type Message struct {
	Def    *def.Message
	Folder string // of spec/: "clients", "metadata", ...
	GoName string
	Doc    string // a predicate: "reads record batches from partitions"
	Root   *Struct
	// Hot says that the message goes over the wire all the time, so that its code is to be
	// fast rather than small.
	Hot bool
	// Structs has Root and then all others, each once, outer before inner.
	Structs []*Struct
}

// Response returns the response of a request, or nil.
func (m *Model) Response(request *Message) *Message {
	return m.byName[request.Def.API()+"Response"]
}

// A Struct is a Go struct: a message's own or one inside it.
type Struct struct {
	Def      *def.Struct // nil for the message itself
	GoName   string
	Message  *Message
	Versions def.Versions // in which it can be met
	Fields   []*Field
	Elements bool // whether it is the element of an array somewhere
	Config   *Config
}

// IsRoot reports whether the struct is the message itself.
func (s *Struct) IsRoot() bool { return s == s.Message.Root }

// A Field is a field with its Go name and type.
type Field struct {
	Def    *def.Field
	Path   string // in Kafka's names: "FetchRequest.Topics.Topic"
	GoName string
	Doc    string
	Enum   *Enum   // its type, or that of its elements; nil without
	Struct *Struct // likewise
	Secret bool
}

// JSONName is the field's name in Kafka's JSON form.
func (f *Field) JSONName() string { return lowerFirst(f.Def.Name) }

// A Config says which field of a struct is a config's value and which tell whether it is
// a secret.
type Config struct {
	Value, Name, Flag *Field // Flag may be nil
}

// An Enum is a typed enumeration of ours.
type Enum struct {
	Name   string      `json:"name"`
	Type   def.Base    `json:"type"`
	Prefix string      `json:"prefix"` // of the constants
	Doc    string      `json:"doc"`
	Values []EnumValue `json:"values"`
	Fields []string    `json:"fields"`
}

// An EnumValue is one of an enumeration's values: a number, or a string.
type EnumValue struct {
	Name  string `json:"name"`
	Value any    `json:"value"`
	Doc   string `json:"doc"`
}

// A Constant is a special value of fields that are no enumeration.
type Constant struct {
	Name  string   `json:"name"`
	Type  def.Base `json:"type"`
	Value int64    `json:"value"`
	Doc   string   `json:"doc"`
}

// An ErrorCode is one of Kafka's error codes with our sentences.
type ErrorCode struct {
	Code      int16
	Name      string // NOT_LEADER_OR_FOLLOWER
	GoName    string // NotLeaderOrFollower
	Retriable bool
	Exception []string
	Meaning   string
	Cause     string
	Remedy    string
}

// A Release is what a release of Kafka speaks.
type Release struct {
	Release    string
	Source     string
	Note       string
	APIs       map[string]def.Versions
	Broker     []string
	Controller []string
	ZkBroker   []string
	Unstable   []string
}
