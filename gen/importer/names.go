package importer

import (
	"github.com/franzi-kafka/franzi/gen/def"
)

// names is the part of overlay/names.json that the import needs: what Kafka renamed.
type names struct {
	// Messages maps old names of APIs and records to today's.
	Messages map[string]string `json:"renamedMessages"`
	// Fields maps, by today's message, old names of fields to today's.
	Fields map[string]map[string]string `json:"renamedFields"`
}

// modernise gives a message of an old release its name of today.
func (n *names) modernise(m *def.Message) {
	suffix := map[def.Kind]string{def.Request: "Request", def.Response: "Response"}[m.Kind]
	if suffix == "" {
		if today, ok := n.Messages[m.Name]; ok {
			m.Name = today
		}
	} else if today, ok := n.Messages[m.API()]; ok {
		m.Name = today + suffix
	}
}

func (n *names) field(message string) func(string) string {
	renamed := n.Fields[message]
	return func(name string) string {
		if today, ok := renamed[name]; ok {
			return today
		}
		return name
	}
}
