package batch

import "errors"

var (
	// ErrOneRecord says that a batch cannot be split.
	ErrOneRecord = errors.New("batch: a batch of one record cannot be split")
	// ErrBuilderLimit says that half a batch is larger than the builder's limit.
	ErrBuilderLimit = errors.New("batch: half of the batch is above the builder's limit")
)

// Split appends the first half of a batch's records to left and the others to right, as for a
// batch that a broker finds too large. The payload is what [Batch.Payload] returned. The
// builders must be empty and have the batch's format; they get its flags, not its producer.
// Offsets start from 0 in both, as producers send them.
//
// The error is [ErrOneRecord], [ErrBuilderLimit], or an *[Error] for records that cannot be
// read, which is found before anything is appended.
func Split(b *Batch, payload []byte, left, right *Builder) error {
	n, err := count(b, payload)
	if err != nil {
		return err
	}
	if n < 2 {
		return ErrOneRecord
	}
	for _, half := range []*Builder{left, right} {
		half.LogAppendTime = b.Attributes.LogAppendTime()
		half.Transactional = b.Attributes.Transactional()
		half.Control = b.Attributes.Control()
	}
	w := b.Walk(payload)
	var headers []RecordHeader
	for i := 0; w.Next(); i++ {
		r, half := &w.Record, left
		if i >= n/2 {
			half = right
		}
		headers = r.Headers.AppendTo(headers[:0])
		if !half.Append(r.Timestamp, r.Key, r.Value, headers) {
			return ErrBuilderLimit
		}
	}
	return nil
}

// count tells how many records there are, if all can be read.
func count(b *Batch, payload []byte) (n int, err error) {
	w := b.Walk(payload)
	for w.Next() {
		n++
	}
	return n, w.Err()
}
