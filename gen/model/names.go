package model

import (
	"strings"
	"unicode"
)

// namer turns Kafka's names into Go's.
type namer struct {
	initialisms map[string]string // "Id" -> "ID"
}

func newNamer(initialisms []string) *namer {
	n := &namer{map[string]string{}}
	for _, word := range initialisms {
		n.initialisms[capitalise(strings.ToLower(word))] = word
	}
	return n
}

// name turns "topicId" into "TopicID": capitals first, initialisms whole.
func (n *namer) name(s string) string {
	var b strings.Builder
	for _, word := range words(capitalise(s)) {
		if whole, ok := n.initialisms[word]; ok {
			word = whole
		}
		b.WriteString(word)
	}
	return b.String()
}

// words splits a name before each capital: "LeaderIdAndEpoch" has four words.
func words(s string) []string {
	var out []string
	start := 0
	for i, c := range s {
		if i > 0 && unicode.IsUpper(c) {
			out = append(out, s[start:i])
			start = i
		}
	}
	return append(out, s[start:])
}

// structName puts the message's name before the struct's, without what both start with:
// MetadataResponse and MetadataResponseTopic give the latter, FetchRequest and FetchTopic
// give FetchRequestTopic. The rule knows one message alone, so a new release renames nothing.
func structName(message, api, s string) string {
	for _, prefix := range []string{message, api} {
		if rest, ok := strings.CutPrefix(s, prefix); ok && rest != "" && unicode.IsUpper(rune(rest[0])) {
			return message + rest
		}
	}
	return message + s
}

func capitalise(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

func lowerFirst(s string) string {
	if s == "" {
		return s
	}
	return strings.ToLower(s[:1]) + s[1:]
}

// ofMessages are the names of what every message has: its version and its methods. A field
// that is called like one of them has the message's name before its own.
var ofMessages = map[string]bool{
	"Version": true, "APIKey": true, "RecordType": true, "APIVersion": true, "SetAPIVersion": true,
	"NewResponse": true, "Response": true, "ShallowCopy": true, "HeaderVersion": true, "Reset": true,
	"Check": true, "AppendTo": true, "DecodeFrom": true, "Clone": true, "String": true,
}

// unknownTags is what every flexible struct has, so that no field can be called so.
const unknownTags = "UnknownTags"

// checkNames finds what would be the same in Go.
func (l *loader) checkNames() {
	owners := map[string]string{} // what a name at the top stands for
	top := func(name, owner string) {
		if other, taken := owners[name]; taken {
			l.fail("%s and %s are both %s in Go: rename one", other, owner, name)
		}
		owners[name] = owner
	}
	for _, m := range l.model.Messages {
		for _, s := range m.Structs {
			owner := "the message " + m.Def.Name
			if !s.IsRoot() {
				owner = "the struct " + s.Def.Name + " of " + m.Def.Name
			}
			top(s.GoName, owner)
			top("New"+s.GoName, "the constructor of "+owner)
			names := map[string]string{}
			for _, f := range s.Fields {
				if other, taken := names[f.GoName]; taken {
					l.fail("%s: the fields %s and %s are both %s in Go: rename one", m.Def.File, other, f.Path, f.GoName)
				}
				names[f.GoName] = f.Path
			}
		}
	}
}

// errorName turns "NOT_LEADER_OR_FOLLOWER" into "NotLeaderOrFollower".
func (n *namer) errorName(s string) string {
	var b strings.Builder
	for word := range strings.SplitSeq(strings.ToLower(s), "_") {
		b.WriteString(capitalise(word))
	}
	return n.name(b.String())
}
