package kgo

import (
	"fmt"
	"time"

	"github.com/franzi-kafka/franzi/kgo/internal/fetch"
)

// A Start says where to read a partition from. It is made by [Earliest], [Latest], [AtOffset],
// [AtTime], [Ago] or [Nowhere]; the zero value is Nowhere.
type Start struct{ at fetch.Start }

// Earliest is the first record that a partition has. Java: earliest.
func Earliest() Start { return Start{fetch.Start{Place: fetch.Earliest}} }

// Latest is the end of a partition, behind the last record that the isolation level shows. Java:
// latest.
func Latest() Start { return Start{fetch.Start{Place: fetch.Latest}} }

// AtOffset is an offset. Where no record has it, the next one is the first.
func AtOffset(offset int64) Start {
	return Start{fetch.Start{Place: fetch.Offset, Offset: offset, Epoch: -1}}
}

// AtTime is the first record with that timestamp or a later one, and the end of the partition if
// there is none. Kafka keeps milliseconds. Brokers before 0.10.1 know the time of whole segments
// only, and begin earlier.
func AtTime(t time.Time) Start {
	return Start{fetch.Start{Place: fetch.Timestamp, Time: t.UnixMilli()}}
}

// Ago is [AtTime] so long before the moment at which the partition is looked at. Java:
// by_duration (KIP-1106).
func Ago(d time.Duration) Start { return Start{fetch.Start{Place: fetch.Back, Back: d}} }

// Nowhere is to wait for a [Consumer.Seek]. As [ResetTo] it is Java's none.
func Nowhere() Start { return Start{} }

// Plus returns a start so many records after this one, or before it if n is negative, as far as the
// partition has them; of offsets without a record too. Latest().Plus(-10) are the last ten.
func (s Start) Plus(n int64) Start {
	switch s.at.Place {
	case fetch.Nowhere:
	case fetch.Offset:
		s.at.Offset = max(0, s.at.Offset+n)
		s.at.Epoch = -1
	default:
		s.at.Delta += n
	}
	return s
}

// WithEpoch adds to an offset the leader epoch of the record before it, as [Record.LeaderEpoch] has
// it: then it is looked whether that record still is in the log, or was lost (KIP-320).
func (s Start) WithEpoch(epoch int32) Start {
	if s.at.Place == fetch.Offset {
		s.at.Epoch = epoch
	}
	return s
}

// String shows it, for people: "latest-10".
func (s Start) String() string {
	at := ""
	switch s.at.Place {
	case fetch.Earliest:
		at = "earliest"
	case fetch.Latest:
		at = "latest"
	case fetch.Offset:
		return fmt.Sprintf("offset %d", s.at.Offset)
	case fetch.Timestamp:
		at = time.UnixMilli(s.at.Time).UTC().Format(time.RFC3339Nano)
	case fetch.Back:
		at = s.at.Back.String() + " ago"
	default:
		return "nowhere"
	}
	if s.at.Delta != 0 {
		at += fmt.Sprintf("%+d", s.at.Delta)
	}
	return at
}

// later is the start for what came into being after the consumer: all of it is new, so that nothing
// is left out.
func (s Start) later() Start {
	if s.at.Place == fetch.Latest || s.at.Place == fetch.Offset {
		return Earliest()
	}
	return s
}
