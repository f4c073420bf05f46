package kgo

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/franzi-kafka/franzi/kgo/internal/conn"
)

// Stats is a snapshot of what a client does and did.
type Stats struct {
	Brokers []BrokerStats // brokers and seeds that there are connections to, or were
}

// BrokerStats is what a client does and did with one broker.
type BrokerStats struct {
	BrokerInfo
	// Connections is how many connections are open now.
	Connections int
	// Outstanding is how many requests are under way or wait.
	Outstanding int64
	// Requests is how many requests are done, and Failed how many of them without an answer.
	Requests, Failed int64
	// Connects is how many connections were made, ConnectFailures how many attempts failed.
	Connects, ConnectFailures int64
	// BytesIn and BytesOut are what was read and written, without TLS.
	BytesIn, BytesOut int64
	// ThrottledUntil is when the broker's quotas let the client go on, zero if they do now.
	ThrottledUntil time.Time
}

// Stats returns what the client does and did, by broker.
func (c *Client) Stats() Stats {
	var all Stats
	for _, p := range c.peers.all() {
		b := BrokerStats{BrokerInfo: p.info}
		for _, l := range p.open() {
			s := l.conn.Stats()
			if s.State == conn.Ready {
				b.Connections++
			}
			b.Outstanding += s.Outstanding
			b.Requests += s.Requests
			b.Failed += s.Failed
			b.Connects += s.Connects
			b.ConnectFailures += s.ConnectFailures
			b.BytesIn += s.BytesIn
			b.BytesOut += s.BytesOut
			if s.ThrottledUntil.After(b.ThrottledUntil) && s.ThrottledUntil.After(now()) {
				b.ThrottledUntil = s.ThrottledUntil
			}
		}
		all.Brokers = append(all.Brokers, b)
	}
	slices.SortFunc(all.Brokers, func(a, b BrokerStats) int {
		return cmp.Or(cmp.Compare(a.ID, b.ID), cmp.Compare(a.Addr, b.Addr))
	})
	return all
}

// all returns brokers and seeds, those that leave included.
func (ps *peers) all() []*peer {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	all := slices.Collect(maps.Values(ps.brokers))
	all = slices.AppendSeq(all, maps.Values(ps.seeds))
	return slices.AppendSeq(all, maps.Keys(ps.leaving))
}

// known returns a broker of the metadata, nil if there is none.
func (ps *peers) known(id int32) *peer {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	return ps.brokers[id]
}

// open returns the lanes that were ever used.
func (p *peer) open() (all []*lane) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, l := range p.lanes {
		if l != nil {
			all = append(all, l)
		}
	}
	return append(all, p.own...)
}
