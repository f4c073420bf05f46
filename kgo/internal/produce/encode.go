package produce

import (
	"slices"
	"strings"
	"time"

	"github.com/franzi-kafka/franzi/kbin"
)

// LastWithNames is the last version of Produce that names topics; later ones have their ids
// (KIP-516).
const LastWithNames = 12

// Arrange puts the parts of the same topic together, as the request is written, and returns the
// highest version that it may have.
func (r *Request) Arrange() (maxVersion int16) {
	slices.SortStableFunc(r.Parts, func(a, b Part) int { return strings.Compare(a.queue.Topic, b.queue.Topic) })
	for i := range r.Parts {
		if r.Parts[i].sentID.IsZero() {
			return LastWithNames
		}
	}
	return 1<<15 - 1
}

// Append appends the body of the request in a version, without the records: splice is told after
// how many bytes of the result those of a batch belong, in order. Form returns a batch as the
// version knows it; if it cannot, Err of that part says why, and nothing is to be sent. Wait is how
// long the broker may wait for replicas. The request is arranged.
func (r *Request) Append(dst []byte, set *Settings, version int16, wait time.Duration, form func(*Batch, int16) ([]byte, error), splice func(at int, records []byte)) ([]byte, error) {
	parts := r.Parts
	flex := version >= 9
	if version >= 3 {
		dst = kbin.AppendFlexNullableString(dst, kbin.NullString{}, flex) // the transactional id
	}
	dst = kbin.AppendInt16(dst, int16(set.Acks))
	dst = kbin.AppendInt32(dst, int32(wait.Milliseconds()))
	topics := 0
	for i := range parts {
		if i == 0 || !sameTopic(&parts[i-1], &parts[i]) {
			topics++
		}
	}
	dst = kbin.AppendFlexArrayLen(dst, topics, flex)
	for i := 0; i < len(parts); {
		n := i + 1
		for n < len(parts) && sameTopic(&parts[i], &parts[n]) {
			n++
		}
		if version <= LastWithNames {
			dst = kbin.AppendFlexString(dst, parts[i].queue.Topic, flex)
		} else {
			dst = append(dst, parts[i].sentID[:]...)
		}
		dst = kbin.AppendFlexArrayLen(dst, n-i, flex)
		for ; i < n; i++ {
			records, err := form(parts[i].Batch, version)
			if err != nil {
				parts[i].Err = err
				return dst, err
			}
			dst = kbin.AppendInt32(dst, parts[i].queue.Partition)
			dst = kbin.AppendFlexArrayLen(dst, len(records), flex) // lengths of bytes and arrays look the same
			splice(len(dst), records)
			if flex {
				dst = append(dst, 0) // no tags
			}
		}
		if flex {
			dst = append(dst, 0)
		}
	}
	if flex {
		dst = append(dst, 0)
	}
	return dst, nil
}

func sameTopic(a, b *Part) bool {
	return a.queue.Topic == b.queue.Topic && a.sentID == b.sentID
}
