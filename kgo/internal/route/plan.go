package route

import (
	"reflect"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/franzi-kafka/franzi/kgo/internal/cluster"
	"github.com/franzi-kafka/franzi/kmsg"
)

// A plan is a row of the table with what it names found in the types of messages.
type plan struct {
	*row
	api     kmsg.API
	request reflect.Type

	in, out *path // nil if there is none
	also    []*path
	collect []*path

	// Fields of the request, -1 for none.
	keyField, member int
	wait             []int
	expect           int
	timeout          int   // TimeoutMs
	timeoutDefault   int64 // its default
	acks             int

	// Fields of the answer, -1 for none.
	throttle  int
	code      int
	text      int
	endpoints int // where the leaders in CurrentLeader are (KIP-951)
}

// unknown is the row of APIs that this release does not know.
var unknown = row{}

// newPlan finds what the row of a request's API names. Messages of others, with a known key but
// other fields, are sent as they are, like those with an unknown key.
func newPlan(req kmsg.Request) *plan {
	p := &plan{row: &unknown, api: kmsg.API{Key: req.APIKey(), MinVersion: req.APIVersion(), MaxVersion: req.APIVersion()}, request: reflect.TypeOf(req)}
	if api := kmsg.LookupAPI(req.APIKey()); api != nil {
		p.row, p.api = &rows[req.APIKey()], *api
	}
	in, out := reflect.TypeOf(req), reflect.TypeOf(req.Response())
	if !isMessage(in) || !isMessage(out) || p.find(in.Elem(), out.Elem()) != nil {
		p = &plan{row: &unknown, api: p.api, request: p.request}
		p.none()
	}
	return p
}

func isMessage(t reflect.Type) bool {
	return t.Kind() == reflect.Pointer && t.Elem().Kind() == reflect.Struct
}

// none is what a plan knows of messages without known fields.
func (p *plan) none() {
	for _, f := range []*int{&p.keyField, &p.member, &p.expect, &p.timeout, &p.acks, &p.throttle, &p.code, &p.text, &p.endpoints} {
		*f = -1
	}
}

func (p *plan) find(in, out reflect.Type) (err error) {
	p.none()
	must := func(t reflect.Type, name string) int {
		f, e := fieldOf(t, name)
		if e != nil {
			err = e
		}
		return f
	}
	paths := func(t reflect.Type, texts ...string) (all []*path) {
		for _, text := range texts {
			found, e := compile(t, text)
			if e != nil {
				err = e
			}
			all = append(all, found)
		}
		return all
	}
	if p.row.in != "" {
		p.in = paths(in, p.row.in)[0]
	}
	if p.row.out != "" {
		p.out = paths(out, p.row.out)[0]
	}
	p.also, p.collect = paths(out, p.row.also...), paths(out, p.row.collect...)
	if p.row.key != "" {
		p.keyField = must(in, p.row.key)
	}
	if p.row.member != "" {
		p.member = must(in, p.row.member)
	}
	if p.row.expect != "" {
		p.expect = must(in, p.row.expect)
	}
	for _, name := range p.row.wait {
		p.wait = append(p.wait, must(in, name))
	}
	p.timeout, _ = fieldOf(in, "TimeoutMs", reflect.Int32)
	if p.timeout >= 0 {
		p.timeoutDefault = defaultOf(in.Field(p.timeout))
	}
	p.acks, _ = fieldOf(in, "Acks")
	p.throttle, _ = fieldOf(out, "ThrottleTimeMs", reflect.Int32)
	p.code, _ = fieldOf(out, "ErrorCode")
	p.text, _ = fieldOf(out, "ErrorMessage")
	p.endpoints, _ = fieldOf(out, "NodeEndpoints", reflect.Slice)
	if p.out == nil || p.out.leader < 0 {
		p.endpoints = -1
	}
	return err
}

// defaultOf returns the default of a field with numbers.
func defaultOf(f reflect.StructField) int64 {
	for s := range strings.SplitSeq(f.Tag.Get("kafka"), ",") {
		if s, ok := strings.CutPrefix(s, "default="); ok {
			n, _ := strconv.ParseInt(s, 0, 64) // booleans and strings are not asked for
			return n
		}
	}
	return 0
}

// A Router makes calls. It may be used from several goroutines.
type Router struct {
	config Config
	// plans are those that were needed, by key. Each is made when it is first needed, by whoever
	// needs it; it does not matter whose is kept.
	plans [len(rows)]atomic.Pointer[plan]
}

// New returns a router.
func New(c Config) *Router {
	if c.Timeout <= 0 {
		c.Timeout = defaultTimeout
	}
	if c.RequestTimeout <= 0 {
		c.RequestTimeout = defaultRequestTimeout
	}
	if c.Backoff == (cluster.Backoff{}) {
		c.Backoff = cluster.DefaultBackoff
	}
	return &Router{config: c}
}

func (r *Router) plan(req kmsg.Request) *plan {
	key := req.APIKey()
	if key < 0 || int(key) >= len(r.plans) {
		return newPlan(req)
	}
	p := r.plans[key].Load()
	if p == nil || p.request != reflect.TypeOf(req) { // the latter if somebody has messages of their own
		p = newPlan(req)
		r.plans[key].Store(p)
	}
	return p
}
