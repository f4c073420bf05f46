package produce

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/franzi-kafka/franzi/kmsg"
	"github.com/franzi-kafka/franzi/kmsg/batch"
)

func (p *player) request(s string) *Request {
	n := p.number(strings.TrimPrefix(s, "#"))
	if n > len(p.requests) {
		p.t.Fatalf("%s: there is no such request", p.line)
	}
	return p.requests[n-1]
}

func (p *player) append(x *port, records, size int) {
	for range records {
		x.records++
		b := x.core.Open()
		if b == nil {
			b = &Batch{Tag: &name{first: x.records}}
			b.Builder.Reset(nil, batch.V2)
			x.core.Begin(p.now, b)
		}
		b.Tag.(*name).last = x.records
		b.Builder.Append(p.now.UnixMilli(), nil, fmt.Appendf(nil, "%0*d", size, x.records), nil)
		if b.Builder.Len() == 1 {
			p.post(x.core.Leader(), &Ready{x})
		}
	}
}

// split does what a worker does with a batch that is too large.
func (p *player) split(x *port, can bool) {
	b := x.splitting[0]
	x.splitting = x.splitting[1:]
	var left, right *Batch
	if can {
		left, right = halves(p.t, b)
		n := b.Tag.(*name)
		middle := n.first + int(left.Sealed.Count)
		left.Tag, right.Tag = &name{n.first, middle - 1}, &name{middle, n.last}
	}
	if !x.core.Replace(b, left, right) {
		p.say("not replaced: %s", x.batch(b))
	}
	x.ended()
	p.post(x.core.Leader(), &Ready{x})
}

func halves(t testing.TB, b *Batch) (left, right *Batch) {
	t.Helper()
	r := batch.NewReader(b.Sealed.Bytes)
	if !r.Next() {
		t.Fatal(r.Err())
	}
	payload, _, err := r.Batch.Payload(nil, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	left, right = &Batch{}, &Batch{}
	left.Builder.Reset(nil, batch.V2)
	right.Builder.Reset(nil, batch.V2)
	if err := batch.Split(&r.Batch, payload, &left.Builder, &right.Builder); err != nil {
		t.Fatal(err)
	}
	for _, half := range []*Batch{left, right} {
		half.Sealed = half.Builder.Seal()
		half.Sealed.Checksum()
	}
	return left, right
}

// answer answers a request, with success where nothing else is said.
func (p *player) answer(r *Request, words []string) {
	e := &Answered{Request: r}
	if p.set.Acks != kmsg.AcksNone {
		e.Response = kmsg.NewProduceResponse()
		e.Response.Version = 12
	}
	said := map[string]string{}
	for _, w := range words {
		switch name, value, _ := strings.Cut(w, "="); name {
		case "v":
			e.Response.Version = int16(p.number(value))
		case "endpoint":
			id, port, _ := strings.Cut(value, ":")
			e.Response.NodeEndpoints = append(e.Response.NodeEndpoints, kmsg.ProduceResponseNodeEndpoint{NodeID: int32(p.number(id)), Host: "broker" + id, Port: int32(p.number(port))})
		default:
			said[name] = value
		}
	}
	var names []string
	for _, part := range r.Parts {
		names = append(names, part.Port.(*port).name)
	}
	for _, w := range words { // also what was not asked for, and what is said twice
		if n, _, _ := strings.Cut(w, "="); strings.Contains(n, "/") && !slices.Contains(names, n) {
			names = append([]string{n}, names...)
		}
		if n, ok := strings.CutPrefix(w, "again="); ok {
			names = append(names, n)
		}
	}
	for _, n := range names {
		what := said[n]
		if what == "lost" || e.Response == nil {
			continue
		}
		topic, partition, _ := strings.Cut(n, "/")
		told := kmsg.ProduceResponseTopicProduceResponse{Name: topic}
		part := kmsg.NewProduceResponsePartitionProduceResponse()
		part.Index, part.BaseOffset = int32(p.number(partition)), -1
		what, hint, hinted := strings.Cut(what, ">")
		if hinted {
			leader, epoch, _ := strings.Cut(hint, "@")
			part.CurrentLeader.LeaderID, part.CurrentLeader.LeaderEpoch = int32(p.number(leader)), int32(p.number(epoch))
		}
		switch what {
		case "", "time":
			x := p.port(n)
			part.BaseOffset = x.offset
			for _, q := range r.Parts {
				if q.Port == Port(x) {
					x.offset += int64(q.Batch.Sealed.Count)
				}
			}
			if what == "time" {
				part.LogAppendTimeMs = 1234
			}
		default:
			part.ErrorCode = codeOf(p.t, what)
		}
		told.PartitionResponses = append(told.PartitionResponses, part)
		if id := p.ids[topic]; !id.IsZero() && e.Response.Version >= 13 {
			told.Name, told.TopicID = "", id
		}
		e.Response.Responses = append(e.Response.Responses, told)
	}
	p.post(p.brokers[r], e)
}

func codeOf(t testing.TB, name string) kmsg.ErrorCode {
	for _, c := range kmsg.ErrorCodes() {
		if c.Name() == name {
			return c
		}
	}
	if n, err := strconv.Atoi(name); err == nil {
		return kmsg.ErrorCode(n)
	}
	t.Fatalf("no code %q", name)
	return 0
}

// wait lets time pass, and the sinks do what is due.
func (p *player) wait(until time.Time) {
	for {
		var first time.Time
		var at int32
		for _, broker := range slices.Sorted(maps.Keys(p.sinks)) {
			if d := p.sinks[broker].Deadline(); !d.IsZero() && (first.IsZero() || d.Before(first)) {
				first, at = d, broker
			}
		}
		if first.IsZero() || first.After(until) {
			break
		}
		p.now = first
		p.events = append(p.events, func() { p.poll(at, p.sinks[at]) })
		p.busy = true
		for len(p.events) > 0 {
			do := p.events[0]
			p.events = p.events[1:]
			do()
		}
		p.busy = false
	}
	p.now = until
}
