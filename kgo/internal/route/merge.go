package route

import (
	"fmt"
	"reflect"
	"strings"

	"github.com/franzi-kafka/franzi/kbin"
	"github.com/franzi-kafka/franzi/kmsg"
)

// A part is an item and the answer that it is in, nil if it has none.
type part struct {
	item   *item
	answer *answer
}

// finish ends the call with what there is.
func (c *Call) finish() Step {
	for _, s := range c.flying {
		for _, i := range s.items {
			c.items[i].broker = s.Broker // who sends it may have chosen
		}
	}
	for i := range c.items {
		if it := &c.items[i]; it.state != done {
			c.giveUp(it)
		}
	}
	resp, lowest := c.response()
	failures := c.failures(resp)
	c.done, c.last = true, Step{Do: Done, Shards: c.flying, Response: c.olderAnswer(resp, lowest), Failures: failures}
	return c.last
}

// giveUp ends an item that was still to be done.
func (c *Call) giveUp(it *item) {
	err := error(&givenUp{c.cause, it.err})
	if it.err == nil && it.code != kmsg.None && it.answered {
		err = c.cause // the code says why
	}
	if it.state == flying {
		it.written = Maybe
	}
	if it.code == kmsg.None || !it.answered {
		it.code, it.answered = kmsg.RequestTimedOut, false
	}
	it.state, it.from, it.err = done, -1, err
}

// GivenUp is the error of what was tried as long as there was time: why there is no more of it, and
// how the last attempt failed, nil if that is not known.
func GivenUp(cause, last error) error { return &givenUp{cause, last} }

type givenUp struct{ cause, last error }

func (e *givenUp) Error() string {
	if e.last == nil {
		return e.cause.Error()
	}
	return fmt.Sprintf("%v; the last attempt failed: %v", e.cause, e.last)
}

func (e *givenUp) Unwrap() []error {
	if e.last == nil {
		return []error{e.cause}
	}
	return []error{e.cause, e.last}
}

// response returns the answer, nil if there is none, and the lowest version used.
func (c *Call) response() (kmsg.Response, int16) {
	switch {
	case len(c.items) == 0, c.whole && c.items[0].from < 0:
		return nil, -1
	case c.whole:
		a := &c.answers[c.items[0].from]
		return a.resp, a.version
	}
	used := c.used()
	resp, lowest := c.blank(used)
	v := structOf(resp)
	if c.to == ToAll || c.to == ToReplicas {
		c.collect(v, used)
	} else if len(used) != 1 || !c.allFrom(used[0]) {
		parts := make([]part, 0, len(c.items))
		for i := range c.items {
			switch it := &c.items[i]; {
			case it.from < 0:
				parts = append(parts, part{item: it})
			case !it.absent:
				parts = append(parts, part{it, &c.answers[it.from]})
			}
		}
		c.plan.clearTop(v)
		c.assemble(v, parts)
		c.joinEndpoints(v, used)
	}
	c.setThrottle(v, used)
	return resp, lowest
}

// used returns the answers that items are in.
func (c *Call) used() []*answer {
	in := make([]bool, len(c.answers))
	for i := range c.items {
		if from := c.items[i].from; from >= 0 {
			in[from] = true
		}
	}
	var used []*answer
	for i := range c.answers {
		if in[i] {
			used = append(used, &c.answers[i])
		}
	}
	return used
}

// allFrom says whether the answer has all items.
func (c *Call) allFrom(a *answer) bool {
	for i := range c.items {
		if from := c.items[i].from; from < 0 || &c.answers[from] != a {
			return false
		}
	}
	return true
}

// blank returns the answer that others are joined into: the first, or an empty one; and the
// lowest version used.
func (c *Call) blank(used []*answer) (kmsg.Response, int16) {
	if len(used) == 0 {
		resp := c.req.Response()
		resp.SetAPIVersion(c.plan.api.MaxVersion)
		return resp, c.plan.api.MaxVersion
	}
	lowest := used[0].version
	for _, a := range used {
		lowest = min(lowest, a.version)
	}
	used[0].resp.SetAPIVersion(lowest)
	return used[0].resp, lowest
}

// clearTop clears what an answer says as a whole, as it becomes one of several.
func (p *plan) clearTop(v reflect.Value) {
	if p.code >= 0 {
		v.Field(p.code).SetZero()
	}
	if p.text >= 0 {
		v.Field(p.text).SetZero()
	}
	if id := v.FieldByName("SessionID"); id.IsValid() {
		id.SetZero()
	}
}

// assemble sets the items of an answer.
func (c *Call) assemble(dst reflect.Value, parts []part) { c.assembleLevel(dst, parts, 0) }

func (c *Call) assembleLevel(dst reflect.Value, parts []part, depth int) {
	in, out := c.plan.in, c.plan.out
	l := &out.levels[depth]
	list := dst.Field(l.list)
	last := depth == len(out.levels)-1
	n := 0
	for rest := parts; len(rest) > 0; rest = rest[together(rest, depth, last):] {
		n++
	}
	made := reflect.MakeSlice(list.Type(), n, n)
	for i := range n {
		count := together(parts, depth, last)
		elem := made.Index(i)
		if from := firstAnswered(parts[:count]); from != nil {
			elem.Set(out.elem(from.answer.value, from.item.where)[depth])
		} else {
			setDefaults(elem)
			l.copyKeys(elem, &in.levels[depth], in.elem(c.value, parts[0].item.in)[depth])
		}
		if last {
			c.setOutcome(elem, &parts[0])
		} else {
			c.assembleLevel(elem, parts[:count], depth+1)
		}
		parts = parts[count:]
	}
	list.Set(made)
}

// together returns how many of the parts are in the same element of a level.
func together(parts []part, depth int, last bool) int {
	n := 1
	for !last && n < len(parts) && parts[n].item.in[depth] == parts[0].item.in[depth] {
		n++
	}
	return n
}

func firstAnswered(parts []part) *part {
	for i := range parts {
		if parts[i].answer != nil {
			return &parts[i]
		}
	}
	return nil
}

// setOutcome fills in what is not in an answer.
func (c *Call) setOutcome(elem reflect.Value, p *part) {
	out, it := c.plan.out, p.item
	if p.answer != nil && (it.code == kmsg.None || out.codeOf(elem) != kmsg.None) {
		return
	}
	if p.answer == nil {
		c.fillFailed(elem, it)
	}
	if it.code == kmsg.None {
		return
	}
	out.setCode(elem, it.code)
	if out.text >= 0 {
		text := it.text
		if text == "" && it.err != nil {
			text = it.err.Error()
		}
		*elem.Field(out.text).Addr().Interface().(*kbin.NullString) = kbin.NullString{S: text, Valid: text != ""}
	}
}

// copyKeys gives an element of an answer the keys of that of the request.
func (l *level) copyKeys(dst reflect.Value, from *level, src reflect.Value) {
	for i, k := range l.keys {
		if i >= len(from.keys) {
			break
		}
		d, s := dst, src
		if k.field >= 0 {
			d = dst.Field(k.field)
		}
		if f := from.keys[i].field; f >= 0 {
			s = src.Field(f)
		}
		switch null, isNull := d.Addr().Interface().(*kbin.NullString); {
		case d.Type() == s.Type():
			d.Set(s)
		case isNull:
			*null = kbin.Str(text(s))
		case s.CanConvert(d.Type()):
			d.Set(s.Convert(d.Type()))
		}
	}
}

// setDefaults gives a new element Kafka's defaults, which its type's New would.
func setDefaults(v reflect.Value) {
	if v.Kind() != reflect.Struct {
		return
	}
	t := v.Type()
	for i := range t.NumField() {
		f, tag := v.Field(i), t.Field(i).Tag.Get("kafka")
		if tag == "" {
			continue
		}
		switch f.Kind() {
		case reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
			f.SetInt(defaultOf(t.Field(i)))
		case reflect.Bool:
			f.SetBool(strings.Contains(tag, "default=true"))
		case reflect.Struct:
			if null, ok := f.Addr().Interface().(*kbin.NullString); ok {
				null.Valid = !strings.Contains(tag, "nullable")
			} else {
				setDefaults(f)
			}
		}
		if t.Field(i).Name == "BaseOffset" {
			f.SetInt(-1) // nobody knows
		}
	}
}

// joinEndpoints adds the leaders that other answers told of.
func (c *Call) joinEndpoints(v reflect.Value, used []*answer) {
	f := c.plan.endpoints
	if f < 0 {
		return
	}
	all := v.Field(f)
	for _, a := range used {
		if a.value != v {
			all.Set(reflect.AppendSlice(all, a.value.Field(f)))
		}
	}
}

// collect joins the lists of the answers of all brokers. What two brokers list counts once:
// a group may move meanwhile.
func (c *Call) collect(v reflect.Value, used []*answer) {
	p := c.plan
	for _, path := range p.collect {
		l := &path.levels[0]
		seen := map[key]bool{}
		first := v.Field(l.list)
		joined := reflect.MakeSlice(first.Type(), 0, first.Len())
		for _, a := range used {
			list := a.value.Field(l.list)
			for i := range list.Len() {
				k := noKey
				if l.read(list.Index(i), &k); len(l.keys) == 0 || !seen[k] {
					seen[k] = true
					joined = reflect.Append(joined, list.Index(i))
				}
			}
		}
		first.Set(joined)
	}
	if p.code < 0 {
		return
	}
	p.clearTop(v)
	for i := range c.items {
		if it := &c.items[i]; it.code != kmsg.None {
			v.Field(p.code).SetInt(int64(it.code))
			break
		}
	}
}

func (c *Call) setThrottle(v reflect.Value, used []*answer) {
	if c.plan.throttle < 0 {
		return
	}
	f := v.Field(c.plan.throttle)
	for _, a := range used {
		f.SetInt(max(f.Int(), a.value.Field(c.plan.throttle).Int()))
	}
}
