package main

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/franzi-kafka/franzi/kgo"
	"github.com/franzi-kafka/franzi/kmsg"
)

// A targetFlag says whom a request goes to.
type targetFlag struct {
	text      string
	kind      targetKind
	name      string // a topic, a group, a transactional id
	partition int32
	broker    int32
}

type targetKind int8

const (
	toWhereItBelongs targetKind = iota
	toAny
	toController
	toLeader
	toGroup
	toTransaction
	toBroker
	toAll
)

// Set reads a target.
func (f *targetFlag) Set(s string) error {
	t := targetFlag{text: s}
	kind, rest, _ := strings.Cut(s, ":")
	switch {
	case s == "any":
		t.kind = toAny
	case s == "controller":
		t.kind = toController
	case s == "all":
		t.kind = toAll
	case kind == "leader":
		i := strings.LastIndexByte(rest, '/')
		n, err := strconv.ParseInt(rest[i+1:], 10, 32)
		if i < 1 || err != nil || n < 0 {
			return fmt.Errorf("%q is not leader:TOPIC/PARTITION", s)
		}
		t.kind, t.name, t.partition = toLeader, rest[:i], int32(n)
	case kind == "group" && rest != "":
		t.kind, t.name = toGroup, rest
	case kind == "txn" && rest != "":
		t.kind, t.name = toTransaction, rest
	default:
		n, err := strconv.ParseInt(s, 10, 32)
		if err != nil || n < 0 {
			return fmt.Errorf("%q is none of any, controller, leader:TOPIC/PARTITION, group:ID, txn:ID, all and the id of a broker", s)
		}
		t.kind, t.broker = toBroker, int32(n)
	}
	*f = t
	return nil
}

// String returns what was given.
func (f *targetFlag) String() string { return f.text }

// Type names what the flag takes, for help.
func (*targetFlag) Type() string { return "target" }

// A target is a broker that a request goes to, or where it belongs.
type target struct {
	aimed  bool
	broker int32
	addr   string
}

func targetOf(b kgo.BrokerInfo) target { return target{true, b.ID, b.Addr} }

// resolve finds out whom the user means.
func (f *targetFlag) resolve(s *session) ([]target, error) {
	switch f.kind {
	case toAny:
		return s.anyBroker()
	case toBroker:
		return []target{{aimed: true, broker: f.broker}}, nil
	case toGroup, toTransaction:
		return f.coordinator(s)
	case toWhereItBelongs:
		return []target{{}}, nil
	}
	var topics []string
	if f.kind == toLeader {
		topics = []string{f.name}
	}
	if err := s.client.RefreshMetadata(s.ctx, topics...); err != nil {
		return nil, s.wrap(err)
	}
	m := s.client.Metadata()
	switch f.kind {
	case toController:
		b, ok := m.Controller()
		if !ok {
			return nil, failed("the brokers name no controller")
		}
		return []target{targetOf(b)}, nil
	case toLeader:
		b, ok := m.Leader(f.name, f.partition)
		if !ok {
			if t, _ := m.Topic(f.name); t.Err != kmsg.None {
				return nil, failed("%s: %s", f.name, strings.TrimSuffix(t.Err.Error(), "."))
			}
			return nil, failed("%s/%d has no leader, or is not there", f.name, f.partition)
		}
		return []target{targetOf(b)}, nil
	}
	var all []target
	for _, b := range m.Brokers() {
		all = append(all, targetOf(b))
	}
	if len(all) == 0 {
		return nil, failed("the brokers name no brokers")
	}
	return all, nil
}

// anyBroker is one of the brokers, that of the first address if it is among them. Where brokers name
// none, it is left to the client.
func (s *session) anyBroker() ([]target, error) {
	if err := s.connect(); err != nil {
		return nil, err
	}
	all := s.client.Metadata().Brokers()
	for _, b := range all {
		if b.Addr == s.settings.Brokers()[0] {
			return []target{targetOf(b)}, nil
		}
	}
	if len(all) > 0 {
		return []target{targetOf(all[0])}, nil
	}
	return []target{{}}, nil
}

// coordinator asks who coordinates a group or a transactional id.
func (f *targetFlag) coordinator(s *session) ([]target, error) {
	req := kmsg.NewFindCoordinatorRequest()
	req.CoordinatorKeys = []string{f.name}
	if f.kind == toTransaction {
		req.KeyType = 1
	}
	resp, err := kgo.Do(s.ctx, s.client, req)
	if err != nil {
		return nil, s.wrap(err)
	}
	id, host, port := resp.NodeID, resp.Host, resp.Port
	if len(resp.Coordinators) > 0 {
		id, host, port = resp.Coordinators[0].NodeID, resp.Coordinators[0].Host, resp.Coordinators[0].Port
	}
	if id < 0 {
		return nil, s.wrap(errors.New("nobody coordinates " + f.name))
	}
	return []target{{true, id, host + ":" + strconv.Itoa(int(port))}}, nil
}
