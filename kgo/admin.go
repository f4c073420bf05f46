package kgo

import (
	"errors"
	"maps"
	"slices"

	"github.com/franzi-kafka/franzi/kbin"
	"github.com/franzi-kafka/franzi/kmsg"
)

// An Admin has the common tasks of administration; what it lacks goes through [Do]. Its methods may
// be called concurrently.
//
// They block until the brokers have answered or ctx ends, for [CallTimeout] at most if it has no
// deadline. Requests go where they belong and are tried again as [Do] says. What they take is not
// written to and not kept; what they return belongs to the caller.
//
// Methods about several things return a result for each of them, in the order in which they were
// named, with an Err of its own: nil, or mostly an *[Error] that wraps the broker's code. The error
// that they return beside is nil only if all went well; it joins those of the results. The results
// are nil if nothing was learned at all: no broker could be asked in time, or the client is closed.
// Where nothing is named, nothing is asked, unless the method says that it stands for all.
//
// Brokers that are too old for a task are an *[UnsupportedError], which says what it takes. Where
// newer brokers can do more, older ones do what they can, and the fields say what they leave out.
type Admin struct{ client *Client }

// Admin returns what administers the cluster of the client. It costs nothing, and needs no end.
func (c *Client) Admin() *Admin { return &Admin{c} }

// A ChangeOption is for methods of [Admin] that change something.
type ChangeOption interface{ applyChange(*changeConfig) }

type changeConfig struct{ validateOnly bool }

type changeOption func(*changeConfig)

func (o changeOption) applyChange(c *changeConfig) { o(c) }

// ValidateOnly lets brokers check what they are asked, and change nothing. Java: validateOnly of
// the options of its admin client.
func ValidateOnly() ChangeOption {
	return changeOption(func(c *changeConfig) { c.validateOnly = true })
}

func changeConfigOf(opts []ChangeOption) (c changeConfig) {
	for _, o := range opts {
		if o != nil {
			o.applyChange(&c)
		}
	}
	return c
}

// A part is what an error is about.
type part struct {
	topic     string
	partition int32
	key       string
}

func topicPart(name string) part { return part{topic: name, partition: -1} }

func keyPart(key string) part { return part{partition: -1, key: key} }

// outcomes are the errors of a request, by what they are about.
type outcomes struct {
	api   kmsg.APIKey
	parts map[part]error
	whole error   // of all that has none of its own
	all   []error // that were joined, and those that were found beside
}

func outcomesOf(api kmsg.APIKey, err error) *outcomes {
	o := &outcomes{api: api, parts: map[part]error{}}
	for _, e := range errorsIn(err) {
		o.all = append(o.all, e)
		at := part{e.Topic, e.Partition, e.Key}
		if at == keyPart("") {
			o.whole = e
		} else if o.parts[at] == nil {
			o.parts[at] = e
		}
	}
	return o
}

// err joins the errors.
func (o *outcomes) err() error { return joined(o.all) }

func joined(all []error) error {
	if all = slices.Compact(all); len(all) == 1 {
		return all[0]
	}
	return errors.Join(all...)
}

// errorsIn takes an error of [Do] apart.
func errorsIn(err error) []*Error {
	if e, ok := err.(*Error); ok {
		return []*Error{e}
	}
	var all []*Error
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		for _, err := range joined.Unwrap() {
			all = append(all, errorsIn(err)...)
		}
	}
	return all
}

// of returns what went wrong with a part, nil if nothing did. That the answer says nothing about
// the part is an error too.
func (o *outcomes) of(at part, answered bool) error {
	switch err := o.parts[at]; {
	case err != nil:
		return err
	case answered:
		return nil
	case o.whole != nil:
		return o.whole
	}
	err := adminError(o.api, at, errNotTold)
	err.Written = WrittenYes
	o.parts[at], o.all = err, append(o.all, err)
	return err
}

var errNotTold = errors.New("the answer says nothing about it")

// ofTopic is of for a topic that has a name, an id, or both.
func (o *outcomes) ofTopic(name string, id kbin.UUID, answered bool) error {
	if err := o.parts[topicPart(name)]; err != nil && name != "" {
		return err
	}
	if name == "" || !id.IsZero() && o.parts[topicPart(id.String())] != nil {
		name = id.String()
	}
	return o.of(topicPart(name), answered)
}

// lacks reports whether an error, or one that it joins, says that a broker is too old.
func lacks(err error) bool {
	_, ok := errors.AsType[*UnsupportedError](err)
	return ok
}

// firstServed tries requests that only ask, beginning with the one that tells most, until brokers
// have what it takes.
func firstServed[R any](tries ...func() (R, error)) (r R, err error) {
	for _, try := range tries {
		if r, err = try(); !lacks(err) {
			break
		}
	}
	return r, err
}

// indexed maps elements by what tells them apart; of two that are the same it keeps the first.
func indexed[K comparable, E any](elems []E, key func(*E) K) map[K]*E {
	m := make(map[K]*E, len(elems))
	for i := range elems {
		if k := key(&elems[i]); m[k] == nil {
			m[k] = &elems[i]
		}
	}
	return m
}

// sorted are the keys of a map in order, so that the same call makes the same request.
func sorted[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// adminError is an error that no broker made.
func adminError(api kmsg.APIKey, at part, err error) *Error {
	return &Error{Op: api.String(), Broker: -1, Topic: at.topic, Partition: at.partition, Key: at.key, API: api, Version: -1, Err: err}
}
