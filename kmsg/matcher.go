package kmsg

import "fmt"

// A Matcher pairs the requests and responses of one connection, for proxies and
// analysers. Its zero value is ready. It is for one goroutine at a time.
//
// It remembers the version of each request that will be answered; Produce with acks 0 is
// not. What it cannot know are the frames without headers that follow SaslHandshake version
// 0: do not give it these.
type Matcher struct {
	waiting map[int32]answer
}

type answer struct {
	key     APIKey
	version int16
}

// Request reads a request. If the error is an [*UnknownAPIError] the header is good, and
// the Matcher will know the answer when it comes, though not what is in it.
func (m *Matcher) Request(frame []byte) (RequestHeader, Request, error) {
	h, req, err := DecodeRequest(frame)
	if _, unknown := err.(*UnknownAPIError); err != nil && !unknown {
		return h, req, err
	}
	if p, ok := req.(*ProduceRequest); ok && p.Acks == AcksNone {
		return h, req, nil
	}
	if m.waiting == nil {
		m.waiting = map[int32]answer{}
	}
	m.waiting[h.CorrelationID] = answer{APIKey(h.RequestAPIKey), h.RequestAPIVersion}
	return h, req, err
}

// Response reads the answer to a request that was seen, which is forgotten then. The error
// is an [*UnknownAPIError] if the request's was.
func (m *Matcher) Response(frame []byte) (ResponseHeader, Response, error) {
	id, ok := CorrelationID(frame)
	if !ok {
		return ResponseHeader{}, nil, fmt.Errorf("kmsg: a frame of %d bytes is no response", len(frame))
	}
	a, ok := m.waiting[id]
	if !ok {
		return ResponseHeader{}, nil, fmt.Errorf("kmsg: a response with the correlation id %d, which no request has", id)
	}
	delete(m.waiting, id)
	api := LookupAPI(a.key)
	if api == nil || a.version < api.MinVersion || a.version > api.MaxVersion {
		return ResponseHeader{CorrelationID: id}, nil, &UnknownAPIError{a.key, a.version}
	}
	req := NewRequest(a.key)
	req.SetAPIVersion(a.version)
	resp := req.Response()
	h, err := DecodeResponse(frame, resp)
	return h, resp, err
}

// Waiting returns how many requests have no answer yet.
func (m *Matcher) Waiting() int { return len(m.waiting) }
