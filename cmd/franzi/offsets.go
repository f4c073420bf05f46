package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/franzi-kafka/franzi/kgo"
	"github.com/franzi-kafka/franzi/kmsg"
)

// A spot is a place in a partition, before the first record that belongs behind it.
type spot struct {
	kind spotKind
	n    int64 // an offset, a number of offsets, or milliseconds since 1970
}

type spotKind int8

const (
	spotOffset    spotKind = iota
	spotFromStart          // n offsets behind the start
	spotFromEnd            // n offsets before the end
	spotTime               // the first record with that timestamp or a later one
)

// spotHelp says how spots are written.
const spotHelp = "N, start, end, +N, -N, @TIME, @now, -1h"

// parseSpot reads a spot.
func parseSpot(text string, now time.Time) (spot, error) {
	switch text {
	case "":
		return spot{}, fmt.Errorf("say which offset")
	case "start":
		return spot{kind: spotFromStart}, nil
	case "end":
		return spot{kind: spotFromEnd}, nil
	case "@now":
		return spot{spotTime, now.UnixMilli()}, nil
	}
	rest, timed := strings.CutPrefix(text, "@")
	if n, err := strconv.ParseInt(rest, 10, 64); err == nil && !timed && n != -1<<63 {
		switch rest[0] {
		case '-':
			return spot{spotFromEnd, -n}, nil
		case '+':
			return spot{spotFromStart, n}, nil
		}
		return spot{spotOffset, n}, nil
	}
	if d, err := time.ParseDuration(rest); err == nil && (rest[0] == '-' || timed) {
		return spot{spotTime, max(0, now.Add(d).UnixMilli())}, nil
	}
	if timed {
		at, err := time.Parse(time.RFC3339, rest)
		if err != nil || at.UnixMilli() < 0 {
			return spot{}, fmt.Errorf("%q is no time like 2026-01-31T12:00:00Z, now or -1h", rest)
		}
		return spot{spotTime, at.UnixMilli()}, nil
	}
	return spot{}, fmt.Errorf("%q is none of %s", text, spotHelp)
}

// start is the spot as consumers begin there.
func (p spot) start() kgo.Start {
	switch p.kind {
	case spotFromStart:
		return kgo.Earliest().Plus(p.n)
	case spotFromEnd:
		return kgo.Latest().Plus(-p.n)
	case spotTime:
		return kgo.AtTime(time.UnixMilli(p.n))
	}
	return kgo.AtOffset(p.n)
}

// A found is where a spot is in a partition.
type found struct{ start, end, at int64 } // of the partition, and of the spot

// find asks where a spot is in partitions. It may be outside of what they have, if it is an offset.
func (s *session) find(topic string, partitions []int32, p spot) (map[int32]found, error) {
	starts, err := s.offsets(topic, partitions, kmsg.TimestampEarliest)
	if err != nil {
		return nil, err
	}
	ends, err := s.offsets(topic, partitions, kmsg.TimestampLatest)
	if err != nil {
		return nil, err
	}
	var timed map[int32]int64
	if p.kind == spotTime {
		if timed, err = s.offsets(topic, partitions, kmsg.ListOffsetsTimestamp(p.n)); err != nil {
			return nil, err
		}
	}
	all := map[int32]found{}
	for _, n := range partitions {
		f := found{starts[n], ends[n], p.n}
		switch p.kind {
		case spotFromStart:
			f.at = min(f.start+p.n, f.end)
		case spotFromEnd:
			f.at = max(f.start, f.end-p.n)
		case spotTime:
			switch f.at = timed[n]; f.at {
			case allOlder:
				f.at = f.end
			case allYounger:
				f.at = f.start
			}
		}
		all[n] = f
	}
	return all, nil
}

// A rangeFlag is what to read of partitions.
type rangeFlag struct {
	text    string
	from    spot
	to      spot
	bounded bool // by to
}

// Set reads FROM, or FROM..TO, of which either may be left out.
func (f *rangeFlag) Set(s string) error {
	now := time.Now()
	from, to, bounded := strings.Cut(s, "..")
	r := rangeFlag{text: s, bounded: bounded && to != "", from: spot{kind: spotFromStart}}
	var err error
	if from != "" || !bounded {
		if r.from, err = parseSpot(from, now); err != nil {
			return err
		}
	}
	if r.bounded {
		if r.to, err = parseSpot(to, now); err != nil {
			return err
		}
	}
	*f = r
	return nil
}

// String returns what was given.
func (f *rangeFlag) String() string { return f.text }

// Type names what the flag takes, for help.
func (*rangeFlag) Type() string { return "range" }
