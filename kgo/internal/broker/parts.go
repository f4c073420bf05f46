package broker

import (
	"reflect"
	"strings"

	"github.com/franzi-kafka/franzi/kbin"
	"github.com/franzi-kafka/franzi/kmsg"
)

// What faults need to know of messages of many kinds: which topics and partitions are in them,
// and where the error codes stand. It looks at the fields by their names, which is slow, and
// done for requests that a fault may be meant for only.

// A part is a topic or a partition in a message, or a resource with a configuration.
type part struct {
	name      string    // of the topic, if the message has it
	id        kbin.UUID // else
	partition int32     // -1 for the topic itself
	list      reflect.Value
	index     int // in list
}

func (p *part) value() reflect.Value { return p.list.Index(p.index) }

// partsOf lists the topics of a message and their partitions.
func partsOf(m kmsg.Message) []part {
	var parts []part
	v := reflect.ValueOf(m).Elem()
	for i := range v.NumField() {
		list := v.Field(i)
		if !isTopicList(v.Type().Field(i)) {
			continue
		}
		for i := range list.Len() {
			topic := list.Index(i)
			p := part{partition: -1, list: list, index: i}
			if topic.Kind() == reflect.String {
				p.name = topic.String()
				parts = append(parts, p)
				continue
			}
			p.name, p.id = topicOf(topic)
			parts = append(parts, p)
			for i := range topic.NumField() {
				field := topic.Field(i)
				if field.Kind() != reflect.Slice || !strings.HasPrefix(topic.Type().Field(i).Name, "Partition") {
					continue
				}
				for i := range field.Len() {
					p.partition, p.list, p.index = partitionOf(field.Index(i)), field, i
					parts = append(parts, p)
				}
			}
		}
	}
	return parts
}

// isTopicList reports whether a field lists topics.
func isTopicList(f reflect.StructField) bool {
	switch {
	case f.Type.Kind() != reflect.Slice, f.Name == "ForgottenTopicsData":
		return false
	case f.Type.Elem().Kind() != reflect.Struct:
		return f.Name == "TopicNames"
	}
	e := f.Type.Elem()
	for i := range e.NumField() {
		if name := e.Field(i).Name; name == "TopicID" || name == "Topic" || name == "ResourceName" || name == "Name" && strings.Contains(e.Name(), "Topic") {
			return true
		}
	}
	return false
}

func topicOf(v reflect.Value) (name string, id kbin.UUID) {
	for i := range v.NumField() {
		switch f := v.Field(i).Interface().(type) {
		case string:
			if n := v.Type().Field(i).Name; n == "Topic" || n == "Name" || n == "ResourceName" {
				name = f
			}
		case kbin.NullString:
			if v.Type().Field(i).Name == "Name" {
				name = f.S
			}
		case kbin.UUID:
			id = f
		}
	}
	return name, id
}

func partitionOf(v reflect.Value) int32 {
	if f := partitionField(v); f.IsValid() {
		return int32(f.Int())
	}
	return -1
}

func setPartition(v reflect.Value, partition int32) {
	if f := partitionField(v); f.IsValid() {
		f.SetInt(int64(partition))
	}
}

// partitionField is the field of a partition's element that has its number.
func partitionField(v reflect.Value) reflect.Value {
	if v.Kind() == reflect.Int32 {
		return v
	}
	for _, name := range []string{"Partition", "PartitionIndex", "Index"} {
		if f := v.FieldByName(name); f.IsValid() {
			return f
		}
	}
	return reflect.Value{}
}

// requestNames reports whether a request names what a match does, be it by its fetch session.
func (c *Cluster) requestNames(x *call, m *Match) bool {
	covers := func(name string, id kbin.UUID, partition int32) bool {
		if name == "" {
			name = c.topicName(id)
		}
		return name != "" && (m.Partition == AnyPartition || partition >= 0) && m.covers(name, partition)
	}
	for _, p := range partsOf(x.req) {
		if covers(p.name, p.id, p.partition) {
			return true
		}
	}
	if req, ok := x.req.(*kmsg.FetchRequest); ok {
		return x.node().sessions.names(req, covers)
	}
	return false
}

// topicName is the name of the topic with an id, "" if there is none.
func (c *Cluster) topicName(id kbin.UUID) string {
	if t := c.byID[id]; t != nil {
		return t.name
	}
	return ""
}

// setCodes puts the CodeAfter of a rule into an answer: upon the partitions that it names, or
// else upon all that has room for a code in the answer's version.
func (c *Cluster) setCodes(resp kmsg.Response, r *Fault) {
	code := reflect.ValueOf(r.CodeAfter)
	set := func(v reflect.Value) {
		if v.Kind() != reflect.Struct {
			return
		}
		f := v.FieldByName("ErrorCode")
		if !f.IsValid() {
			return
		}
		before := f.Interface()
		f.Set(code)
		if resp.Check() != nil {
			f.Set(reflect.ValueOf(before))
		}
	}
	if r.Topic == "" {
		visitStructs(reflect.ValueOf(resp).Elem(), set)
		return
	}
	for _, p := range partsOf(resp) {
		if r.Match.covers(c.nameOf(&p), p.partition) && (r.Partition == AnyPartition || p.partition >= 0) {
			set(p.value())
		}
	}
}

// LeaveOut removes a partition from an answer, or a topic if partition is negative.
func (c *Cluster) LeaveOut(resp kmsg.Response, topic string, partition int32) {
	c.edit(resp, topic, partition, func(list reflect.Value, i int) reflect.Value {
		return reflect.AppendSlice(list.Slice3(0, i, i), list.Slice(i+1, list.Len()))
	})
}

// Repeat puts a partition into an answer twice, or a topic if partition is negative.
func (c *Cluster) Repeat(resp kmsg.Response, topic string, partition int32) {
	c.edit(resp, topic, partition, func(list reflect.Value, i int) reflect.Value {
		return reflect.Append(list, list.Index(i))
	})
}

// Invent adds a partition to an answer: a copy of the topic's first one, with another number.
func (c *Cluster) Invent(resp kmsg.Response, topic string, partition int32) {
	for _, p := range partsOf(resp) {
		if p.partition < 0 || c.nameOf(&p) != topic {
			continue
		}
		list := reflect.Append(p.list.Slice3(0, p.list.Len(), p.list.Len()), p.value())
		setPartition(list.Index(list.Len()-1), partition)
		p.list.Set(list)
		return
	}
}

// edit replaces the list that a part of an answer is in.
func (c *Cluster) edit(resp kmsg.Response, topic string, partition int32, change func(list reflect.Value, i int) reflect.Value) {
	for _, p := range partsOf(resp) {
		if c.nameOf(&p) == topic && (p.partition == partition || partition < 0 && p.partition < 0) {
			p.list.Set(change(p.list, p.index))
			return
		}
	}
}

// nameOf returns the name of a part's topic, "" if it is not known.
func (c *Cluster) nameOf(p *part) string {
	if p.name != "" {
		return p.name
	}
	return c.topicName(p.id)
}

// visitStructs visits a struct and all those in its lists.
func visitStructs(v reflect.Value, visit func(reflect.Value)) {
	visit(v)
	for i := range v.NumField() {
		f := v.Field(i)
		if f.Kind() != reflect.Slice || f.Type().Elem().Kind() != reflect.Struct {
			continue
		}
		for i := range f.Len() {
			visitStructs(f.Index(i), visit)
		}
	}
}

// setThrottle puts a throttle into an answer that has room for it.
func setThrottle(resp kmsg.Response, ms int32) {
	if f := reflect.ValueOf(resp).Elem().FieldByName("ThrottleTimeMs"); f.IsValid() {
		f.SetInt(int64(ms))
	}
}
