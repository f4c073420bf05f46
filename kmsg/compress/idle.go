package compress

import (
	"sync"
	"sync/atomic"
)

// idle keeps states of a codec for who needs one next: one for good, so that what happens again
// and again allocates nothing, and what a burst has left over until the garbage collector
// takes it. The states are large, up to 37 MiB.
type idle[T any] struct {
	one  atomic.Pointer[T]
	more sync.Pool
}

// take returns nil when there is none.
func (i *idle[T]) take() *T {
	if state := i.one.Swap(nil); state != nil {
		return state
	}
	state, _ := i.more.Get().(*T)
	return state
}

func (i *idle[T]) give(state *T) {
	if !i.one.CompareAndSwap(nil, state) {
		i.more.Put(state)
	}
}
