package kjson

import (
	"github.com/franzi-kafka/franzi/kmsg"
	"github.com/franzi-kafka/franzi/kmsg/internal/reflected"
)

// Marshal returns the JSON of a message at its version. It shows all, secrets too; see
// [MarshalLog]. It fails if the version cannot carry what is in the message.
func Marshal(m kmsg.Message) ([]byte, error) { return new(Codec).Append(nil, m) }

// MarshalLog returns JSON to be logged: secrets are hidden, of records and long bytes only
// the size is told. It cannot be read back. A message that its version cannot carry is no
// error: what the version lacks is left out.
func MarshalLog(m kmsg.Message) []byte {
	p := reflected.Printer{Plans: reflected.Plans{}, Logs: true}
	return p.Append(nil, m, m.APIVersion())
}

// Unmarshal reads JSON into a message at its version. Fields that the JSON leaves out get
// Kafka's defaults. Errors are of type [*Error] and say where.
func Unmarshal(data []byte, m kmsg.Message) error { return new(Codec).Unmarshal(data, m) }

// A Codec writes and reads many messages: it remembers how their types are made. Its zero
// value is ready. It is for one goroutine at a time.
type Codec struct {
	// AllFields makes it an error if JSON leaves a field out that is not tagged, as Kafka's
	// converters do.
	AllFields bool

	plans reflected.Plans
}

// Append appends the JSON of a message to dst, as [Marshal] makes it. On an error it
// returns dst.
func (c *Codec) Append(dst []byte, m kmsg.Message) ([]byte, error) {
	if err := m.Check(); err != nil {
		return dst, err
	}
	p := reflected.Printer{Plans: c.known()}
	return p.Append(dst, m, m.APIVersion()), nil
}

func (c *Codec) known() reflected.Plans {
	if c.plans == nil {
		c.plans = reflected.Plans{}
	}
	return c.plans
}
