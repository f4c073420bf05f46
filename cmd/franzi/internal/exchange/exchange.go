package exchange

import (
	"net/netip"
	"time"

	"github.com/franzi-kafka/franzi/kmsg"
)

// An Exchange is a request and its response.
type Exchange struct {
	Client, Broker netip.AddrPort

	// Header and Known are those of the request: Known says that the header could be read, not
	// that its API and version are known.
	Header kmsg.RequestHeader
	Known  bool
	// SASL is the mechanism if request and response are bare tokens of it, as they are after
	// SaslHandshake version 0, and have no header.
	SASL string

	Request, Response Frame
	// Note says why something is missing that does not have to be there: "" if it is.
	Note string
}

// A Frame is a request or response as it was captured.
type Frame struct {
	Seen        bool
	First, Last time.Time // when the first and last of its captured bytes went by
	Size        int       // with the four bytes of the size itself
	Bytes       []byte    // after the size, up to the first byte that was not captured
	Missing     int       // bytes that were not captured
}

// What an [Exchange] notes.
const (
	NoteNoAcks     = "acks is 0: the broker sends no response"
	NoteEnded      = "the connection ended before the response"
	NoteCaptureEnd = "the capture ends before the response"
	NoteUnanswered = "the response was not captured"
	NoteUnasked    = "the request was not captured"
)

// Latency is the time from the last byte of the request to the first of the response, where
// the capture was made. It is not ok if one of them is missing.
func (e *Exchange) Latency() (d time.Duration, ok bool) {
	if !e.Request.Seen || !e.Response.Seen || e.Request.Last.IsZero() {
		return 0, false
	}
	return e.Response.First.Sub(e.Request.Last), true
}

// api is the API of a request if its version is known too.
func (e *Exchange) api() *kmsg.API {
	if !e.Known {
		return nil
	}
	api := kmsg.LookupAPI(kmsg.APIKey(e.Header.RequestAPIKey))
	if api == nil || e.Header.RequestAPIVersion < api.MinVersion || e.Header.RequestAPIVersion > api.MaxVersion {
		return nil
	}
	return api
}
