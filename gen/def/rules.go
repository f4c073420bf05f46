package def

import (
	"cmp"
	"fmt"
	"slices"
)

var kinds = []Kind{Request, Response, Header, Data, Metadata, CoordinatorKey, CoordinatorValue}

// entityTypes has the type that a field of each entity type must have.
var entityTypes = map[string]Base{
	"transactionalId": String,
	"producerId":      Int64,
	"groupId":         String,
	"topicName":       String,
	"brokerId":        Int32,
}

// resolve gives every field of a struct's type its struct.
func (p *parser) resolve(m *Message) {
	structs := map[string]*Struct{m.Name: {}}
	for _, s := range m.Commons {
		if s.Name[0] < 'A' || s.Name[0] > 'Z' {
			p.add(s.pos, "start it with a capital", "the struct %s starts in lower case", s.Name)
		}
		if structs[s.Name] != nil {
			p.add(s.pos, "rename or remove one", "the common struct %s is there twice, or has the name of the message", s.Name)
		}
		structs[s.Name] = s
	}
	var inline func([]*Field)
	inline = func(fields []*Field) {
		for _, f := range fields {
			s := f.Type.Struct
			if s == nil {
				continue
			}
			switch other := structs[s.Name]; {
			case other == nil:
				structs[s.Name] = s
			case other.Common && len(s.Fields) == 0: // only a reference
			case other.Common:
				p.add(f.pos, "leave the fields to commonStructs", "the field %s describes the common struct %s again", f.Name, s.Name)
			default:
				p.add(f.pos, "describe it once under commonStructs", "the struct %s is described twice", s.Name)
			}
			inline(s.Fields)
		}
	}
	for _, s := range m.Commons {
		inline(s.Fields)
	}
	inline(m.Fields)

	var refer func([]*Field, []*Struct)
	refer = func(fields []*Field, inside []*Struct) {
		for _, f := range fields {
			if f.Type.Base != IsStruct {
				continue
			}
			s := structs[f.Type.name]
			if s == nil || s == structs[m.Name] {
				p.add(f.pos, "describe its fields there or under commonStructs", "the struct %s of the field %s is not described", f.Type.name, f.Name)
				continue
			}
			f.Type.Struct = s
			if slices.Contains(inside, s) {
				p.add(f.pos, "messages have a fixed depth: use an index or an id instead", "the struct %s contains itself", s.Name)
				continue
			}
			refer(s.Fields, append(inside, s))
		}
	}
	refer(m.Fields, nil)
	for _, s := range m.Commons {
		refer(s.Fields, []*Struct{s})
	}
}

// check holds a resolved message against the rules that need the whole of it.
func (p *parser) check(m *Message) {
	if !validName(m.Name) || m.Name[0] < 'A' || m.Name[0] > 'Z' {
		p.add(p.pos["name"], "name it in letters and digits, a capital first", "%q is no message name", m.Name)
	}
	if !slices.Contains(kinds, m.Kind) {
		p.add(p.pos["type"], fmt.Sprintf("use one of %v", kinds), "%q is no message type", m.Kind)
	}
	if m.Valid.Max == Open {
		p.add(p.pos["validVersions"], `write "0-5"`, "validVersions is open-ended")
	}
	if m.Valid.Empty() {
		return // a reserved key; the rest does not count
	}
	if !m.Flexible.Empty() && m.Flexible.Max != Open {
		p.add(p.pos["flexibleVersions"], "end it with a plus sign", "flexibleVersions %s is neither none nor open-ended", m.Flexible)
	}
	if m.Kind == Request || m.Kind == Response {
		if m.APIKey == NoKey {
			p.add(p.pos[""], "add it", "a %s needs an apiKey", m.Kind)
		}
		if suffix := map[Kind]string{Request: "Request", Response: "Response"}[m.Kind]; m.API()+suffix != m.Name {
			p.add(p.pos["name"], "end it with "+suffix, "the %s is named %s", m.Kind, m.Name)
		}
	} else if m.HeaderVersions != nil {
		p.add(p.pos["headerVersions"], "remove it", "only requests and responses have headerVersions")
	}
	if m.Kind != Request {
		if len(m.Listeners) > 0 {
			p.add(p.pos["listeners"], "remove them", "only requests have listeners")
		}
		if m.LatestUnstable {
			p.add(p.pos["latestVersionUnstable"], "say so in the request", "only requests have latestVersionUnstable")
		}
	}
	for _, l := range m.Listeners {
		if l != "broker" && l != "controller" && l != "zkBroker" {
			p.add(p.pos["listeners"], "use broker, controller or zkBroker", "%q is no listener", l)
		}
	}
	p.checkCoordinator(m)
	for _, h := range m.HeaderVersions {
		if m.Kind == Response && m.APIKey == 18 && h.Header != 0 {
			p.add(p.pos["headerVersions"], "map all versions to 0", "ApiVersionsResponse has header version 0 always, so that old brokers can answer (KIP-511)")
		}
	}
	for _, f := range m.Fields {
		if f.MapKey {
			p.add(f.pos, "remove it", "the top-level field %s cannot be a mapKey", f.Name)
		}
	}
	p.checkReach(m.Fields, m.Valid)
	p.checkFields(m, m.Name, m.Fields)
	for _, s := range m.Structs() {
		p.checkFields(m, s.Name, s.Fields)
	}
}

// checkReach finds structs in versions that they do not have, where Kafka's classes throw.
// reach has the versions in which the fields can be met.
func (p *parser) checkReach(fields []*Field, reach Versions) {
	for _, f := range fields {
		s, in := f.Type.Struct, f.Versions.Intersect(reach)
		switch {
		case s == nil:
		case in.Empty():
			p.add(f.pos, "widen one of them, or remove the field", "the struct %s has no version: the field %s is in %s, what is around it in %s", s.Name, f.Name, f.Versions, reach)
		case !s.Versions.Contains(in):
			p.add(f.pos, "widen the struct or narrow the field", "the field %s is in %s, its struct %s only in %s", f.Name, in, s.Name, s.Versions)
		default:
			p.checkReach(s.Fields, in)
		}
	}
}

func (p *parser) checkCoordinator(m *Message) {
	if m.Kind == Metadata && m.APIKey == NoKey {
		p.add(p.pos[""], "add the record type", "a metadata record needs an apiKey")
	}
	if m.Kind != CoordinatorKey && m.Kind != CoordinatorValue {
		return
	}
	if m.APIKey == NoKey {
		p.add(p.pos[""], "add the record type", "a %s needs an apiKey", m.Kind)
	}
	if m.Kind == CoordinatorKey && m.Valid != (Versions{0, 0}) {
		p.add(p.pos["validVersions"], `write "0"`, "a coordinator-key has version 0 only")
	}
	if m.Kind == CoordinatorKey && !m.Flexible.Empty() {
		p.add(p.pos["flexibleVersions"], `write "none"`, "a coordinator-key has no flexible versions")
	}
}

func (p *parser) checkFields(m *Message, in string, fields []*Field) {
	names := map[string]bool{}
	tags, live := map[int]bool{}, map[int]bool{} // live ones are of versions that exist
	for _, f := range fields {
		if names[f.Name] {
			p.add(f.pos, "rename or remove one", "%s has the field %s twice", in, f.Name)
		}
		names[f.Name] = true
		if f.Tag >= 0 && tags[f.Tag] {
			p.add(f.pos, "take the next free tag", "%s has the tag %d twice", in, f.Tag)
		}
		if f.Tag >= 0 {
			tags[f.Tag] = true
			if !f.Tagged.Intersect(m.Valid).Empty() {
				live[f.Tag] = true
			}
		}
		p.checkField(m, f)
	}
	for _, used := range []map[int]bool{tags, live} {
		if gap, ok := firstGap(used); ok {
			p.add(fields[0].pos, "number tags from 0 without gaps", "%s uses %d tags but not the tag %d", in, len(used), gap)
			break
		}
	}
}

// firstGap returns the lowest number that is missing among those that are used.
func firstGap(used map[int]bool) (int, bool) {
	for i := range len(used) {
		if !used[i] {
			return i, true
		}
	}
	return 0, false
}

func (p *parser) checkField(m *Message, f *Field) {
	if !f.Nullable.Empty() && !f.Type.nullable() {
		p.add(f.pos, "remove nullableVersions", "the field %s of type %s cannot be null", f.Name, f.Type)
	}
	if base, ok := entityTypes[f.EntityType]; ok && f.Type.Base != base {
		p.add(f.pos, "use "+string(base), "the field %s is a %s but has type %s", f.Name, f.EntityType, f.Type)
	} else if !ok && f.EntityType != "" && f.EntityType != "unknown" {
		p.add(f.pos, "use transactionalId, producerId, groupId, topicName or brokerId", "%q is no entity type", f.EntityType)
	}
	if f.HasFlexible {
		if f.Type.Array || f.Type.Base != String && f.Type.Base != Bytes {
			p.add(f.pos, "remove flexibleVersions", "the field %s of type %s cannot override the message's flexibleVersions", f.Name, f.Type)
		}
		if !m.Flexible.Contains(f.Flexible) {
			p.add(f.pos, "narrow it", "the field %s is flexible in %s, the message only in %s", f.Name, f.Flexible, m.Flexible)
		}
	}
	if f.ZeroCopy && (f.Type.Array || f.Type.Base != Bytes) {
		p.add(f.pos, "remove zeroCopy", "the field %s of type %s cannot be zeroCopy", f.Name, f.Type)
	}
	if f.Type.Array && f.Type.Base == Records {
		p.add(f.pos, "use []bytes, or an array of structs with records", "the field %s is an array of records", f.Name)
	}
	p.checkTag(m, f)
}

func (p *parser) checkTag(m *Message, f *Field) {
	switch {
	case f.Tag < 0 && f.Tagged.Empty():
		return
	case f.Tag < 0:
		p.add(f.pos, "add a tag or remove taggedVersions", "the field %s has taggedVersions %s but no tag", f.Name, f.Tagged)
		return
	case f.Tagged.Empty():
		p.add(f.pos, "add taggedVersions", "the field %s has the tag %d but no taggedVersions", f.Name, f.Tag)
		return
	}
	if f.MapKey {
		p.add(f.pos, "remove the tag", "the mapKey %s cannot be tagged", f.Name)
	}
	if f.Type.Base == Records {
		p.add(f.pos, "remove the tag", "the records %s cannot be tagged", f.Name)
	}
	if f.Tagged.Max != Open {
		p.add(f.pos, "end it with a plus sign", "the field %s has taggedVersions %s, which is not open-ended", f.Name, f.Tagged)
	}
	if !f.Versions.Contains(f.Tagged) {
		p.add(f.pos, "narrow taggedVersions", "the field %s is tagged in %s but exists in %s only", f.Name, f.Tagged, f.Versions)
	}
	flexible := m.Flexible
	if f.HasFlexible {
		flexible = f.Flexible
	}
	if !flexible.Contains(f.Tagged) {
		p.add(f.pos, "narrow taggedVersions", "the field %s is tagged in %s but flexible in %s only", f.Name, f.Tagged, flexible)
	}
	if null := f.Nullable.Intersect(f.Tagged); !null.Empty() && null != f.Tagged {
		p.add(f.pos, "make it nullable in all tagged versions or in none", "the field %s is nullable in %s but tagged in %s", f.Name, f.Nullable, f.Tagged)
	}
}

// CheckSet holds a set of messages against the rules between them: unique names and api
// keys, a response for each request with the same versions, a value for each key.
func CheckSet(messages []*Message) error {
	f := &faults{}
	type slot struct {
		kind Kind
		key  int16
	}
	byName := map[string]*Message{}
	byKey := map[slot]*Message{}
	for _, m := range messages {
		f.file = m.File
		if other := byName[m.Name]; other != nil {
			f.add(pos{}, "rename or remove one", "%s is described in %s too", m.Name, other.File)
		}
		byName[m.Name] = m
		if m.APIKey == NoKey {
			continue
		}
		at := slot{m.Kind, m.APIKey}
		if other := byKey[at]; other != nil && other.Name != m.Name && m.Kind != Data {
			f.add(pos{}, "take a free one", "%s has the apiKey %d of %s", m.Name, m.APIKey, other.Name)
		}
		byKey[at] = m
	}
	pairs := map[Kind]Kind{Request: Response, Response: Request, CoordinatorKey: CoordinatorValue, CoordinatorValue: CoordinatorKey}
	for _, m := range messages {
		f.file = m.File
		want, ok := pairs[m.Kind]
		if !ok {
			continue
		}
		other := byKey[slot{want, m.APIKey}]
		if other == nil {
			f.add(pos{}, "add it", "%s has no %s of the apiKey %d beside it", m.Name, want, m.APIKey)
			continue
		}
		if m.Kind != Request {
			continue
		}
		if m.API() != other.API() {
			f.add(pos{}, "name both after the API", "the response of %s is named %s", m.Name, other.Name)
		}
		if m.Valid != other.Valid {
			f.add(pos{}, "give both the same", "%s is valid in %s, its response in %s", m.Name, m.Valid, other.Valid)
		}
	}
	return f.err()
}

// SortMessages orders messages by name.
func SortMessages(messages []*Message) {
	slices.SortFunc(messages, func(a, b *Message) int { return cmp.Compare(a.Name, b.Name) })
}
