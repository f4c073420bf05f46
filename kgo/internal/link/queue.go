package link

import "time"

// A queue is the requests that wait to be written, in the order in which they came. Whoever
// sends them waits for them, and that is its bound.
type queue struct {
	first, last *Request
	len         int
}

func (q *queue) push(r *Request) {
	r.prev, r.next = q.last, nil
	if q.last != nil {
		q.last.next = r
	} else {
		q.first = r
	}
	q.last = r
	q.len++
}

func (q *queue) remove(r *Request) {
	if r.prev != nil {
		r.prev.next = r.next
	} else {
		q.first = r.next
	}
	if r.next != nil {
		r.next.prev = r.prev
	} else {
		q.last = r.prev
	}
	r.prev, r.next = nil, nil
	q.len--
}

// flights is a ring of what was written and is to be answered, in order. A broker answers in
// order. Its bound is Config.MaxInFlight.
type flights struct {
	ring  []flight
	first uint64 // the number of the one at the head; the ring's length is a power of two
	next  uint64 // the number of the next to be pushed
}

// A flight is a request that is to be answered: one of a user's, until nobody waits for it any
// more, or one of the link's own.
type flight struct {
	req  *Request // nil if the answer is to be dropped, and for the link's own
	id   int32    // the correlation id
	kind kind
	// patience is how long the answer may take when nothing is before it.
	patience time.Duration
}

func (f *flights) len() int { return int(f.next - f.first) }

func (f *flights) head() *flight { return f.at(f.first) }

func (f *flights) at(n uint64) *flight { return &f.ring[n&uint64(len(f.ring)-1)] }

func (f *flights) push(x flight) (number uint64) {
	if f.len() == len(f.ring) {
		grown := make([]flight, max(8, 2*len(f.ring)))
		for n := f.first; n < f.next; n++ {
			grown[n&uint64(len(grown)-1)] = *f.at(n)
		}
		f.ring = grown
	}
	*f.at(f.next) = x
	f.next++
	return f.next - 1
}

func (f *flights) pop() flight {
	x := *f.head()
	*f.head() = flight{}
	f.first++
	return x
}

func (f *flights) clear() {
	for f.len() > 0 {
		f.pop()
	}
}
