package main

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/franzi-kafka/franzi/bench/internal/measure"
	"github.com/franzi-kafka/franzi/kbin"
	"github.com/franzi-kafka/franzi/kmsg"
	theirs "github.com/twmb/franz-go/pkg/kmsg"
)

const theirModule = "github.com/twmb/franz-go/pkg/kmsg"

// theirMessage is what requests and responses of franz-go have in common.
type theirMessage interface {
	MaxVersion() int16
	SetVersion(int16)
	AppendTo([]byte) []byte
	ReadFrom([]byte) error
	UnsafeReadFrom([]byte) error
}

// A pair is one message at one version in both libraries, and its bytes.
type pair struct {
	ours   kmsg.Message
	theirs theirMessage
	data   []byte

	newOurs   func() kmsg.Message
	newTheirs func() theirMessage
}

// newPair returns a pair without bytes: of a request, or of the response to it. It is an error
// if franz-go does not know the API or the version.
func newPair(key kmsg.APIKey, response bool, version int16) (*pair, error) {
	if r := theirs.RequestForKey(int16(key)); r == nil || version > r.MaxVersion() {
		return nil, errUnknown
	}
	p := &pair{
		newOurs: func() kmsg.Message {
			req := kmsg.NewRequest(key)
			req.SetAPIVersion(version)
			return req
		},
		newTheirs: func() theirMessage {
			req := theirs.RequestForKey(int16(key)).(theirMessage)
			req.SetVersion(version)
			return req
		},
	}
	if response {
		req := p.newOurs().(kmsg.Request)
		p.newOurs = func() kmsg.Message { return req.Response() }
		p.newTheirs = func() theirMessage {
			resp := theirs.ResponseForKey(int16(key)).(theirMessage)
			resp.SetVersion(version)
			return resp
		}
	}
	p.ours, p.theirs = p.newOurs(), p.newTheirs()
	return p, nil
}

// Why franz-go has no part in a pair.
var (
	errUnknown = errors.New("franz-go does not know the API or the version")
	errTheirs  = errors.New("franz-go differs")
)

// pairOf returns the pair that has what m has, after both libraries have read and written the
// same bytes.
func pairOf(m kmsg.Message) (*pair, error) {
	if err := m.Check(); err != nil {
		return nil, err
	}
	_, isRequest := m.(kmsg.Request)
	return pairOfBytes(m.APIKey(), !isRequest, m.APIVersion(), m.AppendTo(nil))
}

// pairOfBytes returns the pair that has what data has. It is an error if one of the libraries
// does not read the bytes, or writes others.
func pairOfBytes(key kmsg.APIKey, response bool, version int16, data []byte) (*pair, error) {
	p, err := newPair(key, response, version)
	if err != nil {
		return nil, err
	}
	p.data = data
	if err := p.ours.DecodeFrom(kbin.NewReader(data)); err != nil {
		return nil, err
	}
	if got := p.ours.AppendTo(nil); !bytes.Equal(got, data) {
		return nil, fmt.Errorf("%T version %d: Franzi writes %x, not %x", p.ours, version, got, data)
	}
	if err := p.theirs.ReadFrom(data); err != nil {
		return nil, fmt.Errorf("%w: %T version %d: %w", errTheirs, p.theirs, version, err)
	}
	if got := p.theirs.AppendTo(nil); !bytes.Equal(got, data) {
		return nil, fmt.Errorf("%w: %T version %d: it writes %x, not %x", errTheirs, p.theirs, version, got, data)
	}
	return p, nil
}

// pairs are messages that an operation takes one after the other.
type pairs []*pair

func (ps pairs) encodeOurs() measure.Operation {
	var warm []byte
	return func(n int) {
		b := warm
		for range n {
			for _, p := range ps {
				b = p.ours.AppendTo(b[:0])
			}
		}
		warm = b
	}
}

func (ps pairs) encodeTheirs() measure.Operation {
	var warm []byte
	return func(n int) {
		b := warm
		for range n {
			for _, p := range ps {
				b = p.theirs.AppendTo(b[:0])
			}
		}
		warm = b
	}
}

// checkAndEncodeOurs is what building a frame does: a message that cannot be written is an
// error. franz-go has nothing like it.
func (ps pairs) checkAndEncodeOurs() measure.Operation {
	var warm []byte
	return func(n int) {
		b := warm
		for range n {
			for _, p := range ps {
				must(p.ours.Check())
				b = p.ours.AppendTo(b[:0])
			}
		}
		warm = b
	}
}

func (ps pairs) decodeOursAgain() measure.Operation {
	var r kbin.Reader
	return func(n int) {
		for range n {
			for _, p := range ps {
				r.Reset(p.data)
				must(p.ours.DecodeFrom(&r))
			}
		}
	}
}

// decodeTheirsAgain gives franz-go the same value each time: it keeps the room of its
// outermost slices.
func (ps pairs) decodeTheirsAgain() measure.Operation {
	return func(n int) {
		for range n {
			for _, p := range ps {
				must(p.theirs.ReadFrom(p.data))
			}
		}
	}
}

// decodeTheirsAgainUnsafely makes strings that are views of the bytes.
func (ps pairs) decodeTheirsAgainUnsafely() measure.Operation {
	return func(n int) {
		for range n {
			for _, p := range ps {
				must(p.theirs.UnsafeReadFrom(p.data))
			}
		}
	}
}

func (ps pairs) decodeOursFresh() measure.Operation {
	var r kbin.Reader
	return func(n int) {
		for range n {
			for _, p := range ps {
				r.Reset(p.data)
				must(p.newOurs().DecodeFrom(&r))
			}
		}
	}
}

// decodeOursFreshArena has a new arena for each message.
func (ps pairs) decodeOursFreshArena() measure.Operation {
	var r kbin.Reader
	return func(n int) {
		for range n {
			for _, p := range ps {
				r.Arena = new(kbin.Arena)
				r.Reset(p.data)
				must(p.newOurs().DecodeFrom(&r))
			}
		}
	}
}

func (ps pairs) decodeTheirsFresh() measure.Operation {
	return func(n int) {
		for range n {
			for _, p := range ps {
				must(p.newTheirs().ReadFrom(p.data))
			}
		}
	}
}

func (ps pairs) decodeTheirsFreshUnsafely() measure.Operation {
	return func(n int) {
		for range n {
			for _, p := range ps {
				must(p.newTheirs().UnsafeReadFrom(p.data))
			}
		}
	}
}

// must stops at what cannot happen after pairOf.
func must(err error) {
	if err != nil {
		panic(err)
	}
}
