package kgo

import (
	"context"
	"errors"
	"math"
	"sync"
	"time"

	"github.com/franzi-kafka/franzi/kbin"
	"github.com/franzi-kafka/franzi/kgo/internal/produce"
	"github.com/franzi-kafka/franzi/kmsg"
)

// identities has the identity of an idempotent producer, and gets a new one when that is needed.
type identities struct {
	p      *Producer
	cancel context.CancelFunc
	ctx    context.Context

	mu     sync.Mutex
	is     produce.Identity
	asking bool
}

func newIdentities(p *Producer) *identities {
	n := &identities{p: p, is: produce.NoIdentity}
	if !p.config.idempotent {
		n.is = produce.Plain
	}
	n.ctx, n.cancel = context.WithCancel(context.Background())
	return n
}

func (n *identities) current() produce.Identity {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.is
}

// want gets what a queue lacks. An idempotent producer without transactions raises its epoch
// itself: brokers take any that is higher (KIP-360).
func (n *identities) want(w *produce.Want) {
	n.mu.Lock()
	switch {
	case n.asking:
		n.mu.Unlock()
		return
	case n.is.ID < 0 && n.is != produce.Plain, n.is.ID >= 0 && n.is.Epoch == math.MaxInt16 && w.Need == produce.NeedNewEpoch && n.is == w.Old:
		n.asking = true
		n.mu.Unlock()
		go n.ask()
		return
	case w.Need == produce.NeedNewEpoch && n.is == w.Old:
		n.is.Epoch++
	}
	is := n.is
	n.mu.Unlock()
	n.p.identified(is)
}

// ask gets a new producer id, however long it takes.
func (n *identities) ask() {
	req := kmsg.NewInitProducerIDRequest()
	req.TransactionalID = kbin.NullString{}
	req.TransactionTimeoutMs = math.MaxInt32
	for failures := 1; ; failures++ {
		resp, err := Do(n.ctx, n.p.client, req)
		var unsupported *UnsupportedError
		is := produce.Plain
		switch {
		case err == nil:
			is = produce.Identity{ID: resp.ProducerID, Epoch: resp.ProducerEpoch}
		case n.ctx.Err() != nil:
			return
		case errors.As(err, &unsupported):
			n.p.client.log.Warn("brokers before 0.11 know no idempotent producers: retries may double records", "error", err)
		default:
			n.p.client.log.Warn("no producer id", "error", err)
			select {
			case <-time.After(n.p.client.config.backoff().After(failures, jitter())):
			case <-n.ctx.Done():
				return
			}
			continue
		}
		n.mu.Lock()
		n.is, n.asking = is, false
		n.mu.Unlock()
		n.p.identified(is)
		return
	}
}

// identified tells all sinks the identity.
func (p *Producer) identified(is produce.Identity) {
	p.mu.Lock()
	sinks := make([]*sink, 0, len(p.sinks))
	for _, s := range p.sinks {
		sinks = append(sinks, s)
	}
	p.mu.Unlock()
	for _, s := range sinks {
		s.loop.Post(&produce.Identified{Identity: is})
	}
}
