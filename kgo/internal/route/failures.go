package route

import (
	"reflect"
	"strings"

	"github.com/franzi-kafka/franzi/kbin"
	"github.com/franzi-kafka/franzi/kmsg"
)

// failures lists what failed, in the order of the request, and then the other codes of the
// answer.
func (c *Call) failures(resp kmsg.Response) []Failure {
	var all []Failure
	if len(c.items) == 0 {
		return append(all, Failure{API: c.plan.api.Key, Version: -1, Broker: -1, Partition: -1, Code: kmsg.RequestTimedOut, Err: &givenUp{c.cause, c.lastErr}})
	}
	v := reflect.Value{}
	if resp != nil {
		v = structOf(resp)
	}
	for i := range c.items {
		it := &c.items[i]
		if it.code == kmsg.None && it.err == nil || it.answered && c.listed(it, v) {
			continue
		}
		all = append(all, c.failure(it))
	}
	if !v.IsValid() {
		return all
	}
	if c.whole && c.plan.out != nil {
		all = c.codes(all, v, c.plan.out)
	}
	for _, p := range c.plan.also {
		all = c.codes(all, v, p)
	}
	return all
}

// listed says whether the code of an item is listed by codes, where its parts are told apart.
func (c *Call) listed(it *item, v reflect.Value) bool {
	p := c.plan
	if !v.IsValid() {
		return false
	}
	if c.whole {
		return p.out != nil && (p.code < 0 || v.Field(p.code).Int() == 0)
	}
	return p.out != nil && len(p.out.code) > 1
}

// failure describes an item that failed.
func (c *Call) failure(it *item) Failure {
	f := Failure{
		API: c.plan.api.Key, Version: it.version, Broker: it.broker,
		Topic: it.key.topic, Partition: it.key.partition, Key: strings.TrimSuffix(it.key.other, "/"),
		Code: it.code, Message: it.text, Answered: it.answered, Err: it.err, Written: it.written, Attempts: it.attempts,
	}
	if f.Topic == "" && it.topic >= 0 {
		if f.Topic = c.topics[it.topic].name; f.Topic == "" {
			f.Topic = it.key.id.String()
		}
	}
	if f.Key == "" && c.plan.keyField >= 0 {
		f.Key = text(c.value.Field(c.plan.keyField))
	}
	return f
}

// nobody is the item of what belongs to none.
var nobody = item{broker: -1, version: -1, attempts: 1}

// codes adds the codes that a path leads to.
func (c *Call) codes(all []Failure, v reflect.Value, p *path) []Failure {
	items := map[key]*item{}
	for i := range c.items {
		items[c.normal(c.items[i].key)] = &c.items[i]
	}
	p.walk(v, func(elem reflect.Value, k key, _ at) {
		code := p.codeOf(elem)
		if code == kmsg.None {
			return
		}
		it := items[c.normal(k)]
		if it == nil {
			it = items[key{partition: -1, other: k.other}] // it is about a part of an item
		}
		switch {
		case len(c.items) == 1:
			it = &c.items[0]
		case it == nil, c.to == ToAll, c.to == ToReplicas:
			it = &nobody
		}
		if it.state == done && it.code != kmsg.None && !it.answered {
			return // filled in for a failure that is listed
		}
		f := Failure{
			API: c.plan.api.Key, Version: it.version, Broker: it.broker,
			Topic: k.topic, Partition: k.partition, Key: strings.TrimSuffix(k.other, "/"),
			Code: code, Answered: true, Written: Yes, Attempts: it.attempts,
		}
		if f.Topic == "" && !k.id.IsZero() {
			if f.Topic = c.names[k.id]; f.Topic == "" {
				f.Topic = k.id.String()
			}
		}
		if p.text >= 0 {
			f.Message = elem.Field(p.text).Addr().Interface().(*kbin.NullString).S
		}
		all = append(all, f)
	})
	return all
}
