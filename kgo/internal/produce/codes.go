package produce

import (
	"errors"

	"github.com/franzi-kafka/franzi/kmsg"
)

// A meaning is what an error code says of a batch.
type meaning int8

const (
	refuses      meaning = iota // and would again
	passes                      // may be better later
	stale                       // another broker leads
	misnumbered                 // the number is not what the broker goes on with
	knows                       // the broker has it already
	tooLarge                    // for the broker
	passesRarely                // broken on the way; or made so
)

// meaningOf says what the code of an answer means.
func meaningOf(c kmsg.ErrorCode) meaning {
	switch c {
	case kmsg.DuplicateSequenceNumber:
		return knows
	case kmsg.OutOfOrderSequenceNumber, kmsg.UnknownProducerID, kmsg.InvalidProducerEpoch, kmsg.InvalidProducerIDMapping, kmsg.ProducerFenced:
		return misnumbered
	case kmsg.MessageTooLarge, kmsg.RecordListTooLarge:
		return tooLarge
	case kmsg.NotLeaderOrFollower, kmsg.UnknownTopicOrPartition, kmsg.LeaderNotAvailable, kmsg.FencedLeaderEpoch,
		kmsg.UnknownLeaderEpoch, kmsg.UnknownTopicID, kmsg.InconsistentTopicID, kmsg.KafkaStorageError,
		kmsg.ReplicaNotAvailable, kmsg.BrokerNotAvailable, kmsg.NetworkException:
		return stale
	case kmsg.CorruptMessage:
		return passesRarely
	}
	if c.Retriable() {
		return passes
	}
	return refuses
}

// mayBeWritten reports whether a broker that answers with a code may have appended the batch.
// Those that wait for other replicas may find out afterwards that they do not lead the partition
// any more, or that there is none.
func mayBeWritten(c kmsg.ErrorCode, acks kmsg.Acks) bool {
	switch c {
	case kmsg.CorruptMessage, kmsg.MessageTooLarge, kmsg.RecordListTooLarge, kmsg.InvalidTopicException,
		kmsg.InvalidRequiredAcks, kmsg.NotEnoughReplicas, kmsg.TopicAuthorizationFailed,
		kmsg.ClusterAuthorizationFailed, kmsg.TransactionalIDAuthorizationFailed, kmsg.InvalidTimestamp,
		kmsg.UnsupportedVersion, kmsg.UnsupportedForMessageFormat, kmsg.PolicyViolation, kmsg.InvalidRequest,
		kmsg.OutOfOrderSequenceNumber, kmsg.InvalidProducerEpoch, kmsg.ProducerFenced,
		kmsg.InvalidProducerIDMapping, kmsg.UnknownProducerID, kmsg.InvalidTxnState, kmsg.TransactionAbortable,
		kmsg.UnsupportedCompressionType, kmsg.InvalidRecord, kmsg.SecurityDisabled,
		kmsg.LeaderNotAvailable, kmsg.FencedLeaderEpoch, kmsg.UnknownLeaderEpoch:
		return false
	case kmsg.NotLeaderOrFollower, kmsg.UnknownTopicOrPartition, kmsg.UnknownTopicID, kmsg.InconsistentTopicID:
		return acks == kmsg.AcksAll
	}
	return true
}

// triesWhenBroken is how often a batch is sent that arrives broken: then it is not the network
// that breaks it.
const triesWhenBroken = 5

// A fate is what becomes of a batch after a try.
type fate int8

const (
	fateAcked    fate = iota
	fateRetry         // sent again after a wait
	fateStale         // the same, with newer metadata
	fateBehind        // sent again after those before it; nothing is wrong with it
	fateNumbered      // sent again under a new epoch
	fateSplit
	fateFailed
)

// fateOf decides what becomes of a batch after a try. First says that no earlier batch of the
// partition is without an answer.
func (q *Queue) fateOf(b *Batch, r *Result, first bool) fate {
	switch {
	case errors.Is(r.Failure, ErrFatal):
		return fateFailed
	case r.Failure == errNotSent:
		return fateBehind
	case r.Failure != nil:
		return fateStale
	case r.Code == kmsg.None:
		return fateAcked
	}
	switch meaningOf(r.Code) {
	case knows:
		return fateAcked
	case misnumbered:
		switch {
		case !b.numbered:
			return fateFailed
		case !first, q.misplaced(b):
			return fateBehind
		case b.written:
			return fateFailed // under another number it could be there twice
		}
		return fateNumbered
	case tooLarge:
		if b.Sealed.Count > 1 {
			return fateSplit
		}
	case stale:
		return fateStale
	case passes:
		return fateRetry
	case passesRarely:
		if b.tries < triesWhenBroken {
			return fateRetry
		}
	}
	return fateFailed
}
