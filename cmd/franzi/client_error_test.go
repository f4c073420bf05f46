package main

import (
	"errors"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/franzi-kafka/franzi/kgo"
	"github.com/franzi-kafka/franzi/kmsg"
)

// The cause is shown beside a code, and no broker is blamed for what the client refuses itself.
func TestReason(t *testing.T) {
	refused := kgo.Error{Op: "produce", Broker: -1, Topic: "orders", Partition: -1, API: kmsg.KeyProduce, Version: -1}
	answered := kgo.Error{Op: "produce", Broker: 2, Topic: "orders", Partition: 0, API: kmsg.KeyProduce, Version: 9, Written: kgo.WrittenYes}
	for _, tt := range []struct {
		err     kgo.Error
		code    kmsg.ErrorCode
		message string
		cause   string
		flags   []string
		want    string
	}{
		{refused, kmsg.InvalidTimestamp, "", "1969-12-31 is before 1970", nil, "produce of orders: INVALID_TIMESTAMP: 1969-12-31 is before 1970"},
		{refused, kmsg.MessageTooLarge, "", "the record takes 9 bytes, the limit of BatchBytes is 5", []string{"batch-bytes"}, "produce of orders: MESSAGE_TOO_LARGE: the record takes 9 bytes, the limit of --batch-bytes is 5"},
		// bench consume has no such flag.
		{refused, kmsg.MessageTooLarge, "", "the record takes 9 bytes, the limit of BatchBytes is 5", nil, "produce of orders: MESSAGE_TOO_LARGE: the record takes 9 bytes, the limit of a batch is 5"},
		{refused, kmsg.InvalidTopicException, "", "", nil, "produce of orders: INVALID_TOPIC_EXCEPTION: The topic name is not legal, or the operation is not allowed on this topic"},
		{refused, kmsg.None, "", "kgo: closed", nil, "produce of orders: closed"},
		{refused, kmsg.None, "", "", nil, "produce of orders: it failed"},
		{answered, kmsg.MessageTooLarge, "", "", nil, "produce of orders/0 on broker 2: MESSAGE_TOO_LARGE: A record batch is larger than the topic allows"},
		{answered, kmsg.PolicyViolation, "no.", "", nil, `produce of orders/0 on broker 2: POLICY_VIOLATION: the broker says "no"`},
		// What the last broker said, and what ended it.
		{answered, kmsg.NotEnoughReplicas, "", "not written within 2m0s", nil, "produce of orders/0 on broker 2: NOT_ENOUGH_REPLICAS: " + strings.TrimSuffix(kmsg.NotEnoughReplicas.Message(), ".") + "; not written within 2m0s"},
	} {
		e := tt.err
		e.Code, e.Message = tt.code, tt.message
		if tt.cause != "" {
			e.Err = errors.New(tt.cause)
		}
		s := &session{cmd: &cobra.Command{}}
		for _, name := range tt.flags {
			s.cmd.Flags().Int(name, 0, "")
		}
		if got := s.reason(&e); got != tt.want {
			t.Errorf("got  %s\nwant %s", got, tt.want)
		}
	}
}
