package batch

import "iter"

// NoTimestamp is the timestamp of records that have none: all of format 0.
const NoTimestamp = -1

// A Record is one record as it is read. Key, Value and Headers are views of what is read; nil
// is null, which is not the same as empty.
type Record struct {
	Offset    int64
	Timestamp int64 // milliseconds since 1970, NoTimestamp without one
	Key       []byte
	Value     []byte
	Headers   Headers
}

// Clone returns a copy that shares no memory with r, to keep it. It allocates once.
func (r *Record) Clone() Record {
	c := *r
	room := make([]byte, 0, len(r.Key)+len(r.Value)+len(r.Headers.raw))
	c.Key, room = copied(room, r.Key)
	c.Value, room = copied(room, r.Value)
	c.Headers.raw, _ = copied(room, r.Headers.raw)
	return c
}

// copied appends b to room and returns the copy, capped, and what is left of the room.
func copied(room, b []byte) (view, rest []byte) {
	if b == nil {
		return nil, room
	}
	n := len(room)
	room = append(room, b...)
	return room[n:len(room):len(room)], room
}

// A RecordHeader is a header of a record: a key, which may occur several times, and a value,
// which may be nil, for null (KIP-82).
type RecordHeader struct {
	Key   string
	Value []byte
}

// Headers are the headers of a record, parsed as they are walked. The zero value has none.
type Headers struct {
	raw   []byte
	count int
}

// Len returns how many headers there are.
func (h Headers) Len() int { return h.count }

// All walks keys and values, as views, in their order.
func (h Headers) All() iter.Seq2[[]byte, []byte] {
	return func(yield func(key, value []byte) bool) {
		b, i := h.raw, 0
		for range h.count {
			var key, value []byte
			key, i = field(b, i)
			value, i = field(b, i)
			if !yield(key, value) {
				return
			}
		}
	}
}

// Get returns the value, as a view, of the last header with the key, as Java's lastHeader
// does, and whether there is one.
func (h Headers) Get(key string) (value []byte, found bool) {
	for k, v := range h.All() {
		if string(k) == key {
			value, found = v, true
		}
	}
	return value, found
}

// AppendTo appends the headers to list. Keys are copied, values are views. It makes room for all
// of them at once: they are there, as was checked when their record was read. A header takes 40
// bytes in the list and 2 or more in the record: a list may take 20 bytes for each that was
// received, where all else in this package keeps to 16. All takes none.
func (h Headers) AppendTo(list []RecordHeader) []RecordHeader {
	if size := len(list) + h.count; size > cap(list) {
		list = append(make([]RecordHeader, 0, size), list...)
	}
	for k, v := range h.All() {
		list = append(list, RecordHeader{string(k), v})
	}
	return list
}

// field returns the key or value at byte i, which has been checked when its record was read, and
// the index of what follows.
func field(b []byte, i int) (view []byte, next int) {
	n, at := short(b, i)
	if at < 0 {
		n, at = varint(b, i)
	}
	if n < 0 {
		return nil, at
	}
	next = at + int(n)
	return b[at:next:next], next
}
