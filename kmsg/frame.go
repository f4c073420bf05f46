package kmsg

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"

	"github.com/franzi-kafka/franzi/kbin"
)

// A frame is what Kafka sends over a connection: four bytes of size, a header, a body. The
// functions here work on frames as slices: those that append or split have the size in
// front, those that decode take what follows it.

// MaxFrame is the largest frame that brokers accept by default (socket.request.max.bytes),
// and a sane limit for what to accept from them.
const MaxFrame = 100 << 20

// RequestHeaderVersion returns the version of the header that goes before a request. Of
// keys that are unknown it assumes flexible versions, as all new APIs have.
func RequestHeaderVersion(key APIKey, version int16) int16 {
	switch {
	case key == KeyControlledShutdown && version == 0:
		return 0 // from before there were client ids
	case isFlexible(key, version):
		return 2
	}
	return 1
}

// ResponseHeaderVersion returns the version of the header that goes before a response. That
// of ApiVersions is always 0: a client reads the answer before it knows what the broker
// speaks (KIP-511).
func ResponseHeaderVersion(key APIKey, version int16) int16 {
	if key != KeyAPIVersions && isFlexible(key, version) {
		return 1
	}
	return 0
}

func isFlexible(key APIKey, version int16) bool {
	if key < 0 || int(key) >= len(firstFlexible) {
		return true
	}
	first := int16(firstFlexible[key])
	return first >= 0 && version >= first
}

// headerVersion lets messages that were generated for somebody's own APIs say it themselves.
func headerVersion(m Message, of func(APIKey, int16) int16) int16 {
	if own, ok := m.(interface{ HeaderVersion() int16 }); ok {
		return own.HeaderVersion()
	}
	return of(m.APIKey(), m.APIVersion())
}

// AppendRequest appends a frame with the request, which it checks. Of the header only
// CorrelationID, ClientID and UnknownTags count: the rest follows from the request. On an
// error it returns dst as it was.
func AppendRequest(dst []byte, header RequestHeader, req Request) ([]byte, error) {
	header.RequestAPIKey, header.RequestAPIVersion = int16(req.APIKey()), req.APIVersion()
	header.Version = headerVersion(req, RequestHeaderVersion)
	if header.Version < 1 {
		header.ClientID = kbin.Str("")
	}
	return appendFrame(dst, &header, req)
}

// AppendResponse appends a frame with the response, which it checks. Of the header only
// CorrelationID and UnknownTags count. On an error it returns dst as it was.
func AppendResponse(dst []byte, header ResponseHeader, resp Response) ([]byte, error) {
	header.Version = headerVersion(resp, ResponseHeaderVersion)
	return appendFrame(dst, &header, resp)
}

func appendFrame(dst []byte, header, body Message) ([]byte, error) {
	if err := header.Check(); err != nil {
		return dst, err
	}
	if err := body.Check(); err != nil {
		return dst, err
	}
	start := len(dst)
	frame := append(dst, 0, 0, 0, 0)
	frame = header.AppendTo(frame)
	frame = body.AppendTo(frame)
	size := len(frame) - start - 4
	if size > math.MaxInt32 {
		return dst, fmt.Errorf("kmsg: %s version %d takes %d bytes, a frame holds %d", nameOf(body), body.APIVersion(), size, math.MaxInt32)
	}
	binary.BigEndian.PutUint32(frame[start:], uint32(size))
	return frame, nil
}

// An UnknownAPIError says that a request has a key or version that this release does not
// know. The frame may be good all the same: a proxy can pass it on.
type UnknownAPIError struct {
	Key     APIKey
	Version int16
}

// Error says which API and version are unknown.
func (e *UnknownAPIError) Error() string {
	if a := LookupAPI(e.Key); a != nil {
		return fmt.Sprintf("kmsg: a request %s version %d: versions %d to %d are known", a.Name, e.Version, a.MinVersion, a.MaxVersion)
	}
	return fmt.Sprintf("kmsg: a request with the API key %d, which is unknown", int16(e.Key))
}

// DecodeRequestHeader reads the header of a request, and returns a reader of its body. It
// reads headers of unknown APIs too.
func DecodeRequestHeader(frame []byte) (RequestHeader, *kbin.Reader, error) {
	var h RequestHeader
	if len(frame) < 8 {
		return h, nil, fmt.Errorf("kmsg: a frame of %d bytes is no request: %w", len(frame), io.ErrUnexpectedEOF)
	}
	key, version := APIKey(int16(binary.BigEndian.Uint16(frame))), int16(binary.BigEndian.Uint16(frame[2:]))
	h.Version = RequestHeaderVersion(key, version)
	r := kbin.NewReader(frame)
	if err := h.DecodeFrom(r); err != nil {
		return h, nil, err
	}
	return h, r, nil
}

// DecodeRequest reads a request without knowing what is in it. If the error is an
// [*UnknownAPIError], the header is good.
func DecodeRequest(frame []byte) (RequestHeader, Request, error) {
	h, r, err := DecodeRequestHeader(frame)
	if err != nil {
		return h, nil, err
	}
	key := APIKey(h.RequestAPIKey)
	api := LookupAPI(key)
	if api == nil || h.RequestAPIVersion < api.MinVersion || h.RequestAPIVersion > api.MaxVersion {
		return h, nil, &UnknownAPIError{key, h.RequestAPIVersion}
	}
	req := NewRequest(key)
	req.SetAPIVersion(h.RequestAPIVersion)
	return h, req, req.DecodeFrom(r)
}

// DecodeResponse reads the answer to a request into resp, which is what the request's
// Response returned, or an older one of that type and version. A broker that does not have
// the version of an ApiVersions request answers in version 0 with UNSUPPORTED_VERSION
// (KIP-511): then resp is set to version 0.
func DecodeResponse(frame []byte, resp Response) (ResponseHeader, error) {
	return decodeResponse(kbin.NewReader(frame), frame, resp)
}

// DecodeResponseLenient is DecodeResponse for answers of brokers that are not to the letter
// of the protocol, see [kbin.Reader].
func DecodeResponseLenient(frame []byte, resp Response) (ResponseHeader, error) {
	r := kbin.NewReader(frame)
	r.Lenient = true
	return decodeResponse(r, frame, resp)
}

func decodeResponse(r *kbin.Reader, frame []byte, resp Response) (ResponseHeader, error) {
	h := ResponseHeader{Version: headerVersion(resp, ResponseHeaderVersion)}
	if err := h.DecodeFrom(r); err != nil {
		return h, err
	}
	if body := frame[r.Offset():]; resp.APIKey() == KeyAPIVersions && len(body) >= 2 &&
		ErrorCode(int16(binary.BigEndian.Uint16(body))) == UnsupportedVersion {
		resp.SetAPIVersion(0)
	}
	return h, resp.DecodeFrom(r)
}

// CorrelationID returns the correlation id of a response, by which it is matched with its
// request, and whether the frame is long enough to have one.
func CorrelationID(frame []byte) (int32, bool) {
	if len(frame) < 4 {
		return 0, false
	}
	return int32(binary.BigEndian.Uint32(frame)), true
}

// ErrFrameSize is the error of a frame whose size is negative or beyond a limit.
var ErrFrameSize = errors.New("kmsg: no frame of Kafka's protocol")

func checkFrameSize(size int32, limit int) error {
	if size >= 0 && int(size) <= limit {
		return nil
	}
	return fmt.Errorf("%w: its size is %d bytes, the limit %d; the other side may speak TLS or another protocol", ErrFrameSize, size, limit)
}

// SplitFrame returns the first frame of b, without its size, and what follows it. The frame
// is nil if b does not have all of it yet. It fails if the frame is larger than limit.
func SplitFrame(b []byte, limit int) (frame, rest []byte, err error) {
	if len(b) < 4 {
		return nil, b, nil
	}
	size := int32(binary.BigEndian.Uint32(b))
	if err := checkFrameSize(size, limit); err != nil {
		return nil, b, err
	}
	if len(b)-4 < int(size) {
		return nil, b, nil
	}
	end := 4 + int(size)
	return b[4:end:end], b[end:], nil
}

// firstRead is how much memory a frame gets before any of it has arrived.
const firstRead = 64 << 10

// ReadFrame reads a frame, without its size, into buf, which it grows as bytes arrive: the
// size alone, which anybody can claim, makes it allocate little. It blocks as r does, fails
// if the frame is larger than limit, and returns [io.EOF] only if r ends before the frame.
func ReadFrame(r io.Reader, buf []byte, limit int) ([]byte, error) {
	var head [4]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return buf[:0], err
	}
	size := int32(binary.BigEndian.Uint32(head[:]))
	if err := checkFrameSize(size, limit); err != nil {
		return buf[:0], err
	}
	buf = buf[:0]
	for len(buf) < int(size) {
		if cap(buf) == len(buf) {
			grown := make([]byte, len(buf), min(int(size), max(firstRead, 2*len(buf))))
			copy(grown, buf)
			buf = grown
		}
		chunk := buf[len(buf):min(cap(buf), int(size))]
		n, err := io.ReadFull(r, chunk)
		buf = buf[:len(buf)+n]
		if err != nil {
			return buf, fmt.Errorf("kmsg: after %d of %d bytes of a frame: %w", len(buf), size, noEOF(err))
		}
	}
	return buf, nil
}

// noEOF keeps io.EOF for the end between frames.
func noEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
