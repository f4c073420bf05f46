package broker

import (
	"math"
	"time"

	"github.com/franzi-kafka/franzi/kmsg"
)

// A transactional is a producer with a transactional id. Its transactions are not modelled yet.
type transactional struct {
	producerID int64
	epoch      int16
}

func (c *Cluster) initProducerID(x *call, req *kmsg.InitProducerIDRequest) {
	resp := req.NewResponse()
	if code := c.cfg.Personality.NoProducerIDs; code != kmsg.None {
		resp.ErrorCode, resp.ProducerID, resp.ProducerEpoch = code, -1, -1
		c.answer(x, resp)
		return
	}
	if !req.TransactionalID.Valid {
		resp.ProducerID = c.newProducerID()
		c.answer(x, resp)
		return
	}
	var t *transactional
	if resp.ErrorCode = c.checkTransactional(x, req); resp.ErrorCode == kmsg.None {
		t, resp.ErrorCode = c.beginEpoch(req)
	}
	if resp.ErrorCode != kmsg.None {
		resp.ProducerEpoch = -1
		c.answer(x, resp)
		return
	}
	resp.ProducerID, resp.ProducerEpoch = t.producerID, t.epoch
	c.answer(x, resp)
}

func (c *Cluster) newProducerID() int64 {
	c.producerID++
	return c.producerID - 1
}

// checkTransactional checks a request with a transactional id.
func (c *Cluster) checkTransactional(x *call, req *kmsg.InitProducerIDRequest) kmsg.ErrorCode {
	timeout := time.Duration(req.TransactionTimeoutMs) * time.Millisecond
	switch {
	case req.TransactionalID.S == "":
		return kmsg.InvalidRequest
	case !c.coordinates(x.node(), txnTopic, req.TransactionalID.S):
		return kmsg.NotCoordinator
	case timeout <= 0 || timeout > c.properties.maxTxnTimeout:
		return kmsg.InvalidTransactionTimeout
	}
	return kmsg.None
}

// beginEpoch gives a producer with a transactional id a new epoch, if it is not an old one that
// asks (KIP-360).
func (c *Cluster) beginEpoch(req *kmsg.InitProducerIDRequest) (*transactional, kmsg.ErrorCode) {
	id := req.TransactionalID.S
	t := c.transactional[id]
	fenced := kmsg.InvalidProducerEpoch
	if req.Version >= 4 {
		fenced = kmsg.ProducerFenced
	}
	switch {
	case t == nil && req.ProducerID >= 0:
		// It is who it says, for all that is known.
		t = &transactional{producerID: req.ProducerID, epoch: req.ProducerEpoch}
	case t == nil:
		t = &transactional{producerID: c.newProducerID(), epoch: -1}
	case req.ProducerID >= 0 && (t.producerID != req.ProducerID || t.epoch != req.ProducerEpoch):
		return nil, fenced
	}
	if t.epoch == math.MaxInt16-1 {
		t.producerID, t.epoch = c.newProducerID(), -1
	}
	t.epoch++
	c.transactional[id] = t
	return t, kmsg.None
}
