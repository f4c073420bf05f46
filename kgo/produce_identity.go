package kgo

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/franzi-kafka/franzi/kbin"
	"github.com/franzi-kafka/franzi/kgo/internal/produce"
	"github.com/franzi-kafka/franzi/kmsg"
)

// identities has the identity of an idempotent producer, and gets a new one when that is needed.
type identities struct {
	p      *Producer
	ctx    context.Context // ends with the producer
	cancel context.CancelFunc
	asking sync.WaitGroup

	fell atomic.Bool // a broker seemed to be too old to give one, at fellAt

	mu     sync.Mutex
	is     produce.Identity
	asks   bool // a goroutine is asking
	fellAt time.Time
}

// firstWithIDs is the first version of Produce whose brokers know idempotent producers (KIP-98).
const firstWithIDs = 3

// doubtAfter is how long a broker is believed to be too old, when others show that they are not.
const doubtAfter = 10 * time.Second

// speaks takes note of the version in which a broker has answered. One that was cut off twice while
// it was asked for its versions looks like one that is old: then records go without numbers until
// another connection shows that this is not so.
func (n *identities) speaks(version int16) {
	if version < firstWithIDs || !n.fell.Load() {
		return
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.asks || n.ctx.Err() != nil || now().Sub(n.fellAt) < doubtAfter {
		return
	}
	n.asks = true
	n.fell.Store(false)
	n.asking.Go(n.ask)
}

func newIdentities(p *Producer) *identities {
	n := &identities{p: p, is: produce.NoIdentity}
	if !p.config.idempotent {
		n.is = produce.Plain
	}
	n.ctx, n.cancel = context.WithCancel(context.Background())
	return n
}

// stop ends asking, and waits for that.
func (n *identities) stop() {
	n.mu.Lock()
	n.cancel() // nobody begins to ask after that
	n.mu.Unlock()
	n.asking.Wait()
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
	used := n.is.ID >= 0 && n.is.Epoch == math.MaxInt16 && n.is == w.Old
	switch {
	case n.asks:
		n.mu.Unlock()
		return
	case n.is == produce.NoIdentity, w.Need == produce.NeedNewEpoch && used:
		if n.ctx.Err() == nil {
			n.asks = true
			n.asking.Go(n.ask)
		}
		n.mu.Unlock()
		return
	case w.Need == produce.NeedNewEpoch && n.is == w.Old:
		n.is.Epoch++
		n.p.client.log.Info("the producer raises its epoch", "producer id", n.is.ID, "epoch", n.is.Epoch)
	}
	is := n.is
	n.mu.Unlock()
	n.p.identified(is)
}

// ask gets a new producer id, however long it takes: records wait for it until their own time is
// over. If brokers refuse, the records that wait fail, and the next try is made for those that come.
func (n *identities) ask() {
	req := kmsg.NewInitProducerIDRequest()
	req.TransactionalID = kbin.NullString{}
	req.TransactionTimeoutMs = math.MaxInt32
	for failures := 1; ; failures++ {
		resp, err := Do(n.ctx, n.p.client, req)
		if err == nil && (resp.ProducerID < 0 || resp.ProducerEpoch < 0) {
			err = fmt.Errorf("kgo: the broker gave producer id %d with epoch %d", resp.ProducerID, resp.ProducerEpoch)
		}
		var unsupported *UnsupportedError
		switch {
		case err == nil:
			n.got(produce.Identity{ID: resp.ProducerID, Epoch: resp.ProducerEpoch})
			return
		case n.ctx.Err() != nil:
			return
		case errors.As(err, &unsupported):
			n.p.client.log.Warn("brokers before 0.11 know no idempotent producers: records that are sent again may be there twice", "error", err)
			n.mu.Lock()
			n.fellAt = now()
			n.mu.Unlock()
			n.fell.Store(true)
			n.got(produce.Plain)
			return
		case refusesIdentity(err):
			n.p.client.log.Error("no producer id: records fail", "error", err)
			n.mu.Lock()
			n.asks = false
			n.mu.Unlock()
			n.p.abort(err)
			n.p.identified(produce.NoIdentity) // so that queues ask again
			return
		}
		n.p.client.log.Warn("no producer id yet", "error", err)
		pause := time.NewTimer(n.p.client.config.backoff().After(failures, jitter()))
		select {
		case <-pause.C:
		case <-n.ctx.Done():
			pause.Stop()
			return
		}
	}
}

// refusesIdentity reports whether a broker has answered that it will not give an identity.
func refusesIdentity(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.Written == WrittenYes && !e.Retriable
}

func (n *identities) got(is produce.Identity) {
	n.mu.Lock()
	n.is, n.asks = is, false
	n.mu.Unlock()
	n.p.identified(is)
}

// identified tells all sinks the identity.
func (p *Producer) identified(is produce.Identity) {
	for _, s := range p.allSinks() {
		s.loop.Post(&produce.Identified{Identity: is})
	}
}
