//go:build kafka

package contact

import (
	"encoding/binary"
	"encoding/hex"
	"hash/crc32"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/franzi-kafka/franzi/kbin"
	"github.com/franzi-kafka/franzi/kmsg"
)

const timeout = 10_000 // milliseconds, of requests that have one

// A topic is one that is made for a talk.
type topic struct {
	name string
	id   kbin.UUID // from 2.8 on
}

// topic makes a topic of one partition; before 0.10.1, where only asking for it does, of three.
func (x *talk) topic() topic {
	x.Helper()
	name := x.rig.name("topic")
	_, _, create := x.rig.serves(kmsg.KeyCreateTopics)
	if create {
		x.prepare(kmsg.KeyCreateTopics, obj{"timeoutMs": timeout, "topics": list{obj{
			"name": name, "numPartitions": 1, "replicationFactor": 1, "assignments": list{}, "configs": list{}}}})
	}
	return topic{name, x.topicID(name)}
}

// topicID waits until the broker leads all partitions of a topic.
func (x *talk) topicID(name string) kbin.UUID {
	x.Helper()
	resp := x.prepare(kmsg.KeyMetadata, obj{"topics": list{obj{"name": name}}, "allowAutoTopicCreation": true})
	return resp.(*kmsg.MetadataResponse).Topics[0].TopicID
}

// filled is a topic with three records in partition 0.
func (x *talk) filled() topic {
	x.Helper()
	return x.filledAt(x.rig.newest(x.T, kmsg.KeyProduce))
}

// filledAt is filled by a version of Produce.
func (x *talk) filledAt(version int16) topic {
	x.Helper()
	t := x.topic()
	x.prepareAt(kmsg.KeyProduce, version, produce(t, nil, batch(x.T, magic(version))))
	return t
}

func produce(t topic, transactionalID any, records []byte) obj {
	return obj{"transactionalId": transactionalID, "acks": -1, "timeoutMs": timeout, "topicData": list{obj{
		"name": t.name, "topicId": t.id, "partitionData": list{obj{"index": 0, "records": records}}}}}
}

// magic is the format of records that a version of Produce carries.
func magic(version int16) byte {
	switch {
	case version >= 3:
		return 2
	case version >= 2:
		return 1
	}
	return 0
}

// batch is a batch of three records, made by Kafka's own classes.
func batch(t *testing.T, magic byte) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "..", "testdata", "vectors", "batches.tsv"))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		format, encoded, _ := strings.Cut(strings.TrimSpace(line), "\t")
		if format == string('0'+rune(magic)) {
			b, err := hex.DecodeString(encoded)
			if err != nil {
				t.Fatal(err)
			}
			return b
		}
	}
	t.Fatalf("batches.tsv has no batch of format %d", magic)
	return nil
}

// transactionalBatch is batch of format 2, as the first of a transaction.
func transactionalBatch(t *testing.T, p producer) []byte {
	b := batch(t, 2)
	const crc, attributes, id, epoch, sequence = 17, 21, 43, 51, 53
	b[attributes+1] |= 1 << 4
	binary.BigEndian.PutUint64(b[id:], uint64(p.id))
	binary.BigEndian.PutUint16(b[epoch:], uint16(p.epoch))
	binary.BigEndian.PutUint32(b[sequence:], 0)
	binary.BigEndian.PutUint32(b[crc:], crc32.Checksum(b[attributes:], crc32.MakeTable(crc32.Castagnoli)))
	return b
}

// committed is a group without members that committed an offset of a topic.
func (x *talk) committed() (group string, t topic) {
	x.Helper()
	group, t = x.rig.name("group"), x.filled()
	x.prepare(kmsg.KeyOffsetCommit, commit(group, t))
	return group, t
}

func commit(group string, t topic) obj {
	return obj{"groupId": group, "topics": list{obj{"name": t.name, "topicId": t.id, "partitions": list{obj{
		"partitionIndex": 0, "committedOffset": 2, "commitTimestamp": -1, "committedMetadata": "by hand"}}}}}
}

// A member is one of a classic group.
type member struct {
	group      string
	id         string
	generation int32
}

// join makes a group of one member by send, which is ask or prepare. From version 4 on the
// broker first gives the member an id (KIP-394).
func (x *talk) join(send func(body obj, allowed ...kmsg.ErrorCode) kmsg.Response) member {
	x.Helper()
	m := member{group: x.rig.name("group")}
	topics := kmsg.NewConsumerProtocolSubscription()
	topics.Topics = []string{"nothing"}
	body := obj{"groupId": m.group, "sessionTimeoutMs": 10_000, "rebalanceTimeoutMs": 10_000, "memberId": "",
		"protocolType": "consumer", "reason": "to be one",
		"protocols": list{obj{"name": "range", "metadata": topics.AppendTo([]byte{0, 0})}}}
	resp := send(body, kmsg.MemberIDRequired).(*kmsg.JoinGroupResponse)
	if resp.ErrorCode == kmsg.MemberIDRequired {
		body["memberId"] = resp.MemberID
		resp = send(body).(*kmsg.JoinGroupResponse)
	}
	m.id, m.generation = resp.MemberID, resp.GenerationID
	return m
}

// joined is a member of a group that waits for its assignment.
func (x *talk) joined() member {
	x.Helper()
	return x.join(func(body obj, allowed ...kmsg.ErrorCode) kmsg.Response {
		return x.prepare(kmsg.KeyJoinGroup, body, allowed...)
	})
}

// stable is a member of a group that has its assignment.
func (x *talk) stable() member {
	x.Helper()
	m := x.joined()
	x.prepare(kmsg.KeySyncGroup, x.sync(m))
	return m
}

func (x *talk) sync(m member) obj {
	assignment := kmsg.NewConsumerProtocolAssignment()
	return obj{"groupId": m.group, "generationId": m.generation, "memberId": m.id, "protocolType": "consumer",
		"protocolName": "range", "assignments": list{obj{"memberId": m.id, "assignment": assignment.AppendTo([]byte{0, 0})}}}
}

// A producer is one with a transactional id.
type producer struct {
	transactionalID string
	id              int64
	epoch           int16
}

func (x *talk) producer() producer {
	x.Helper()
	name := x.rig.name("transaction")
	resp := x.prepare(kmsg.KeyInitProducerID, obj{"transactionalId": name, "transactionTimeoutMs": 60_000}).(*kmsg.InitProducerIDResponse)
	return producer{name, resp.ProducerID, resp.ProducerEpoch}
}

// begun is a producer that has produced to a topic in a transaction that is open.
func (x *talk) begun() (producer, topic) {
	x.Helper()
	p, t := x.producer(), x.topic()
	// What a client may send ends with version 3: the rest is for brokers.
	version := min(3, x.rig.newest(x.T, kmsg.KeyAddPartitionsToTxn))
	x.prepareAt(kmsg.KeyAddPartitionsToTxn, version, x.addPartitions(p, t, false))
	x.prepare(kmsg.KeyProduce, produce(t, p.transactionalID, transactionalBatch(x.T, p)))
	return p, t
}

func (x *talk) addPartitions(p producer, t topic, verify bool) obj {
	topics := list{obj{"name": t.name, "partitions": list{0}}}
	return obj{
		"v3AndBelowTransactionalId": p.transactionalID, "v3AndBelowProducerId": p.id,
		"v3AndBelowProducerEpoch": p.epoch, "v3AndBelowTopics": topics,
		"transactions": list{obj{"transactionalId": p.transactionalID, "producerId": p.id, "producerEpoch": p.epoch,
			"verifyOnly": verify, "topics": topics}}}
}

// clusterID is the cluster's.
func (x *talk) clusterID() string {
	x.Helper()
	return x.prepare(kmsg.KeyMetadata, obj{"topics": list{}}).(*kmsg.MetadataResponse).ClusterID.S
}
