package main

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/franzi-kafka/franzi/cmd/franzi/internal/wire"
	"github.com/franzi-kafka/franzi/kbin"
	"github.com/franzi-kafka/franzi/kmsg"
	"github.com/franzi-kafka/franzi/kmsg/kjson"
)

// A decoding turns bytes into what JSON shows.
type decoding struct {
	*decodeCommand
	app    *app
	frames bool // requests are to be known by their headers
	decode func([]byte) (any, error)
	wrong  []string // what is wrong with the records of what was decoded last
}

// text decodes bytes that are written as text.
func (d *decoding) text(text []byte) (any, error) {
	b, err := d.format.parse(text)
	if err != nil {
		return nil, failed("%v", err)
	}
	return d.decode(b)
}

// complain says what is wrong with the records of what was decoded, and reports whether
// something is.
func (d *decoding) complain(before string) bool {
	some := len(d.wrong) > 0
	for _, text := range d.wrong {
		d.app.say("%s%s", before, text)
	}
	d.wrong = nil
	return some
}

func (d *decodeCommand) json(m kmsg.Message) (json.RawMessage, error) {
	if d.redact {
		return kjson.MarshalLog(m), nil
	}
	text, err := d.codec.Append(nil, m)
	if err != nil {
		return nil, failed("%s", plainly(err)) // what a lenient reader accepts may not be written
	}
	return text, nil
}

// reader returns a reader as strict as was asked for.
func (d *decodeCommand) reader(b []byte) *kbin.Reader {
	r := kbin.NewReader(b)
	r.Lenient = d.lenient
	return r
}

// message decodes a message without a header.
func (d *decoding) message(name string, m kmsg.Message, b []byte) (any, error) {
	r := d.reader(b)
	err := m.DecodeFrom(r)
	if err == nil && r.Len() > 0 && !d.lenient { // headers leave the rest to others
		return nil, failed("%s version %d: at byte %d of %d: %d bytes after the end", name, m.APIVersion(), r.Offset(), len(b), r.Len())
	}
	if err != nil {
		return nil, d.explain(name, m.APIVersion(), b, 0, err, frameHint(m, b))
	}
	return d.show(m)
}

// frameHint says so if bytes that are no message are its frame.
func frameHint(m kmsg.Message, b []byte) string {
	if _, ok := m.(kmsg.Request); !ok {
		return ""
	}
	if frame, _ := withoutSize(b); len(frame) >= 4 && binary.BigEndian.Uint16(frame) == uint16(m.APIKey()) && binary.BigEndian.Uint16(frame[2:]) == uint16(m.APIVersion()) {
		return "; the bytes look like a whole frame: leave out the name"
	}
	return ""
}

// withoutSize cuts off the size before a frame, if it is there, and returns how many bytes
// that were.
func withoutSize(b []byte) (frame []byte, cut int) {
	if len(b) >= 4 && int64(binary.BigEndian.Uint32(b)) == int64(len(b)-4) {
		return b[4:], 4
	}
	return b, 0
}

// A shownRequest is a framed request.
type shownRequest struct {
	Header  json.RawMessage `json:"header"`
	Request any             `json:"request"`
	Name    string          `json:"name"`
	Version int16           `json:"version"`
}

// request decodes the frame of a request, which its header names, or record batches.
func (d *decoding) request(b []byte) (any, error) {
	if areRecords(b) {
		return d.records(b)
	}
	frame, cut := withoutSize(b)
	h, r, err := kmsg.DecodeRequestHeader(frame)
	if err != nil && len(frame) < 8 {
		return nil, failed("%d bytes are too few for a request, whose header takes 8 or more", len(frame))
	}
	key, version := apiOfFrame(frame)
	api := kmsg.LookupAPI(key)
	switch {
	case api == nil:
		return nil, failed("this is no request that we know: it begins with the API key %d, and keys go from 0 to %d%s", key, len(kmsg.APIs())-1, sizeHint(frame))
	case version < api.MinVersion || version > api.MaxVersion:
		return nil, failed("this is no request that we know: it begins like %s version %d, which has versions %d to %d%s", api.Name, version, api.MinVersion, api.MaxVersion, sizeHint(frame))
	case err != nil:
		return nil, d.explain("RequestHeader", kmsg.RequestHeaderVersion(key, version), frame, cut, err, "")
	}
	req := kmsg.NewRequest(key)
	req.SetAPIVersion(version)
	body := frame[r.Offset():]
	if err := req.DecodeFrom(d.reader(body)); err != nil {
		return nil, d.explain(api.Name+"Request", version, body, cut+r.Offset(), err, "")
	}
	shown := shownRequest{Name: api.Name + "Request", Version: version}
	if shown.Header, err = d.json(&h); err != nil {
		return nil, err
	}
	shown.Request, err = d.show(req)
	return shown, err
}

func apiOfFrame(frame []byte) (kmsg.APIKey, int16) {
	return kmsg.APIKey(int16(binary.BigEndian.Uint16(frame))), int16(binary.BigEndian.Uint16(frame[2:]))
}

// sizeHint says so if bytes begin with a size that is not theirs.
func sizeHint(frame []byte) string {
	if size := int32(binary.BigEndian.Uint32(frame)); size > 8 && size <= kmsg.MaxFrame && frame[0] == 0 {
		return fmt.Sprintf("; as a size, its first four bytes stand for %d bytes after them, but there are %d", size, len(frame)-4)
	}
	return ""
}

// A shownResponse is a framed response.
type shownResponse struct {
	Header   json.RawMessage `json:"header"`
	Response any             `json:"response"`
	Name     string          `json:"name"`
	Version  int16           `json:"version"`
}

// response decodes the frame of the response to an API.
func (d *decoding) response(api *kmsg.API, b []byte) (any, error) {
	frame, cut := withoutSize(b)
	h, resp, err := d.responseOf(api, d.version.n, frame)
	if err != nil && cut > 0 { // what looked like a size may be a correlation id
		if h, resp, again := d.responseOf(api, d.version.n, b); again == nil {
			return d.showResponse(api, h, resp)
		}
	}
	if err != nil {
		return nil, d.explainResponse(frame, cut, resp, err)
	}
	return d.showResponse(api, h, resp)
}

func (d *decoding) showResponse(api *kmsg.API, h kmsg.ResponseHeader, resp kmsg.Response) (_ any, err error) {
	shown := shownResponse{Name: api.Name + "Response", Version: resp.APIVersion()}
	if shown.Header, err = d.json(&h); err != nil {
		return nil, err
	}
	shown.Response, err = d.show(resp)
	return shown, err
}

func (d *decoding) responseOf(api *kmsg.API, version int16, frame []byte) (kmsg.ResponseHeader, kmsg.Response, error) {
	req := kmsg.NewRequest(api.Key)
	req.SetAPIVersion(version)
	resp := req.Response()
	decode := kmsg.DecodeResponse
	if d.lenient {
		decode = kmsg.DecodeResponseLenient
	}
	h, err := decode(frame, resp)
	return h, resp, err
}

// explainResponse finds out whether header or body of a response failed.
func (d *decoding) explainResponse(frame []byte, cut int, resp kmsg.Response, err error) error {
	h := kmsg.ResponseHeader{Version: kmsg.ResponseHeaderVersion(resp.APIKey(), resp.APIVersion())}
	r := d.reader(frame)
	if h.DecodeFrom(r) != nil {
		return d.explain("ResponseHeader", h.Version, frame, cut, err, "")
	}
	return d.explain(resp.APIKey().String()+"Response", resp.APIVersion(), frame[r.Offset():], cut+r.Offset(), err, "")
}

// explain says in which field, and at which byte of all, bytes stop being a message. before
// is how many bytes come before those.
func (d *decoding) explain(name string, version int16, b []byte, before int, err error, hint string) error {
	m, modelErr := d.app.model()
	if modelErr != nil {
		return modelErr
	}
	reason := plainly(err)
	if e := new(kbin.Error); errors.As(err, &e) {
		reason = fmt.Sprintf("at byte %d of %d: %s", before+e.Offset, before+len(b), e.Reason)
	}
	if p := wire.Locate(m.Message(name), version, d.reader(b)); p != nil {
		reason = fmt.Sprintf("at byte %d of %d, in %s: %s", before+p.Offset, before+len(b), p.Path, p.Reason)
		if p.Path == "" {
			reason = fmt.Sprintf("at byte %d of %d: %s", before+p.Offset, before+len(b), p.Reason)
		}
	}
	return failed("%s version %d: %s%s", name, version, reason, hint)
}
