package main

import (
	"cmp"
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/franzi-kafka/franzi/kgo/ktest"
	"github.com/franzi-kafka/franzi/kmsg"
)

// A faultScript is what goes wrong in a fake cluster.
type faultScript struct {
	rules []faultRule
	acts  []timedAct
}

type faultRule struct {
	on      ktest.Match
	effects []ktest.Effect
}

type timedAct struct {
	at time.Duration
	do func(*ktest.Cluster) error
}

// parseFaults reads a script. Its error says which line is wrong.
func parseFaults(name, text string) (*faultScript, error) {
	s := &faultScript{}
	for i, line := range strings.Split(text, "\n") {
		if line = strings.TrimSpace(line); line == "" || line[0] == '#' {
			continue
		}
		if err := s.line(line); err != nil {
			return nil, fmt.Errorf("%s:%d: %w", name, i+1, err)
		}
	}
	return s, nil
}

func (s *faultScript) line(line string) error {
	when, what, ok := strings.Cut(line, ": ")
	words := strings.Fields(when)
	if !ok || len(words) < 2 {
		return fmt.Errorf("%q is neither on API WORDS: EFFECTS nor at TIME: ACT", line)
	}
	switch words[0] {
	case "on":
		on, err := matchOf(words[1], words[2:])
		if err != nil {
			return err
		}
		r := faultRule{on: on}
		for text := range strings.SplitSeq(what, ",") {
			e, err := effectOf(strings.Fields(text))
			if err != nil {
				return err
			}
			r.effects = append(r.effects, e)
		}
		s.rules = append(s.rules, r)
		return nil
	case "at":
		at, err := time.ParseDuration(words[1])
		if err != nil || at < 0 || len(words) > 2 {
			return fmt.Errorf("%q is no time like 10s", strings.Join(words[1:], " "))
		}
		do, err := actOf(strings.Fields(what))
		s.acts = append(s.acts, timedAct{at, do})
		return err
	}
	return fmt.Errorf("%q is neither on nor at", words[0])
}

// matchOf reads which requests are meant.
func matchOf(api string, words []string) (ktest.Match, error) {
	m := ktest.OnAny()
	if !strings.EqualFold(api, "any") {
		found, err := findAPI(api)
		if err != nil {
			return m, err
		}
		m = ktest.On(found.Key)
	}
	for _, w := range words {
		name, value, _ := strings.Cut(w, "=")
		n, notNumber := strconv.Atoi(value)
		switch name {
		case "client":
			m = m.Client(value)
			continue
		case "topic":
			m = m.Topic(value)
			continue
		case "partition":
			topic, partition, err := placeOf(value)
			if err != nil {
				return m, err
			}
			m = m.Partition(topic, partition)
			continue
		}
		if notNumber != nil || n < 0 {
			return m, fmt.Errorf("%q is none of broker=N, client=ID, topic=NAME, partition=TOPIC/N, nth=N, times=N, after=N", w)
		}
		switch name {
		case "broker":
			m = m.Broker(int32(n))
		case "nth":
			m = m.Nth(max(n, 1))
		case "times":
			m = m.Times(n)
		case "after":
			m = m.After(n)
		default:
			return m, fmt.Errorf("%q is none of broker=N, client=ID, topic=NAME, partition=TOPIC/N, nth=N, times=N, after=N", w)
		}
	}
	return m, nil
}

func placeOf(text string) (topic string, partition int32, err error) {
	i := strings.LastIndexByte(text, '/')
	n, err := strconv.ParseInt(text[i+1:], 10, 32)
	if i < 1 || err != nil || n < 0 {
		return "", 0, fmt.Errorf("%q is not TOPIC/PARTITION", text)
	}
	return text[:i], int32(n), nil
}

// effectOf reads what happens to a request.
func effectOf(words []string) (ktest.Effect, error) {
	wrong := fmt.Errorf("%q is none of answer CODE, answer-after CODE, hold D, delay D, throttle D, stall, cut, cut-after and cut-answer", strings.Join(words, " "))
	if len(words) == 1 {
		switch words[0] {
		case "stall":
			return ktest.Stall(), nil
		case "cut":
			return ktest.CutBefore(), nil
		case "cut-after":
			return ktest.CutAfter(), nil
		case "cut-answer":
			return ktest.CutAnswer(0), nil
		}
		return ktest.Effect{}, wrong
	}
	if len(words) != 2 {
		return ktest.Effect{}, wrong
	}
	switch words[0] {
	case "answer", "answer-after":
		code, err := codeOf(words[1])
		if words[0] == "answer" {
			return ktest.Answer(code), err
		}
		return ktest.AnswerAfter(code), err
	}
	d, err := time.ParseDuration(words[1])
	if err != nil || d < 0 {
		return ktest.Effect{}, wrong
	}
	switch words[0] {
	case "hold":
		return ktest.Hold(d), nil
	case "delay":
		return ktest.Delay(d), nil
	case "throttle":
		return ktest.Throttle(d), nil
	}
	return ktest.Effect{}, wrong
}

func codeOf(name string) (kmsg.ErrorCode, error) {
	for _, c := range kmsg.ErrorCodes() {
		if strings.EqualFold(c.Name(), name) || strconv.Itoa(int(c)) == name {
			return c, nil
		}
	}
	return kmsg.None, unknown("error", name, errorNames(), "franzi error list")
}

// actOf reads what happens to the cluster.
func actOf(words []string) (func(*ktest.Cluster) error, error) {
	wrong := fmt.Errorf("%q is none of kill N, stop N, start N, pause N, continue N, cut N, move TOPIC/N BROKER, delete TOPIC, recreate TOPIC and create TOPIC:N", strings.Join(words, " "))
	if len(words) == 3 && words[0] == "move" {
		topic, partition, err := placeOf(words[1])
		to, notNumber := strconv.ParseInt(words[2], 10, 32)
		if err != nil || notNumber != nil {
			return nil, wrong
		}
		return func(c *ktest.Cluster) error { return c.MoveLeader(topic, partition, int32(to)) }, nil
	}
	if len(words) != 2 {
		return nil, wrong
	}
	name := words[1]
	switch words[0] {
	case "delete":
		return trying(func(c *ktest.Cluster) { c.DeleteTopic(name) })
	case "recreate":
		return trying(func(c *ktest.Cluster) { c.RecreateTopic(name) })
	case "create":
		topic, count, _ := strings.Cut(name, ":")
		n, err := strconv.Atoi(count)
		if err != nil {
			return nil, wrong
		}
		return func(c *ktest.Cluster) error { return c.CreateTopic(topic, n) }, nil
	}
	n, err := strconv.ParseInt(name, 10, 32)
	if err != nil {
		return nil, wrong
	}
	id := int32(n)
	switch words[0] {
	case "kill":
		return trying(func(c *ktest.Cluster) { c.Kill(id) })
	case "stop":
		return trying(func(c *ktest.Cluster) { c.Stop(id) })
	case "start":
		return func(c *ktest.Cluster) (err error) {
			wrong := tried(func() { err = c.Start(id) })
			return cmp.Or(wrong, err)
		}, nil
	case "pause":
		return trying(func(c *ktest.Cluster) { c.Pause(id) })
	case "continue":
		return trying(func(c *ktest.Cluster) { c.Continue(id) })
	case "cut":
		return trying(func(c *ktest.Cluster) { c.CutConnections(id, true) })
	}
	return nil, wrong
}

// trying makes an act of what says by a panic that it cannot be, as there is no such broker or topic.
func trying(do func(*ktest.Cluster)) (func(*ktest.Cluster) error, error) {
	return func(c *ktest.Cluster) error { return tried(func() { do(c) }) }, nil
}

// tried returns the mistake that a function panics with, if there is one.
func tried(do func()) (err error) {
	defer func() {
		switch p := recover().(type) {
		case nil:
		case *ktest.Mistake:
			err = p
		default:
			panic(p)
		}
	}()
	do()
	return nil
}

// run lets it happen until the context ends. Acts that fail are told.
func (s *faultScript) run(ctx context.Context, cluster *ktest.Cluster, fail func(error)) {
	for _, r := range s.rules {
		cluster.Fault(r.on, r.effects...)
	}
	for _, act := range s.acts {
		go func() {
			select {
			case <-ctx.Done():
			case <-time.After(act.at):
				if err := act.do(cluster); err != nil {
					fail(err)
				}
			}
		}()
	}
}
