package kmsg

import "github.com/franzi-kafka/franzi/kbin"

// A Message is what every generated type can do: requests, responses, headers, records.
// A message is for one goroutine at a time.
type Message interface {
	// APIKey tells which API a request or response belongs to; others say [NoAPIKey].
	APIKey() APIKey
	// APIVersion returns the version that the message is written and read at.
	APIVersion() int16
	// SetAPIVersion sets that version. It does not change the fields.
	SetAPIVersion(int16)
	// Reset sets all fields, but not the version, to Kafka's defaults.
	Reset()
	// Check returns an error if there is no such version, or if it cannot carry what is in
	// the message: a field that it lacks and that may not be dropped in silence, null where
	// there is none, a string above 32,767 bytes.
	Check() error
	// AppendTo appends the message to dst, as append does, and returns the result. It does
	// not look for errors: what Check refuses may panic or end up unreadable.
	AppendTo(dst []byte) []byte
	// DecodeFrom reads the message at its version and reuses the memory that its fields
	// have. Strings are copied; bytes and records are views of what is read, and hold as
	// long as that does. On an error the fields are undefined.
	DecodeFrom(*kbin.Reader) error
	// String shows the message for logs. It hides secrets and only counts records.
	String() string
}

// A Request is a message that a client sends.
type Request interface {
	Message
	// Response returns an empty response of the same version.
	Response() Response
	// ShallowCopy returns a copy that shares slices and pointers with the request, so that
	// its version can be set without touching the original.
	ShallowCopy() Request
}

// A Response is a message that a broker answers with.
type Response interface {
	Message
}

// A RequestFor is a request whose response is of type R. It lets a function return the
// right type by inference:
//
//	func Do[R kmsg.Response](ctx context.Context, req kmsg.RequestFor[R]) (R, error)
type RequestFor[R Response] interface {
	Request
	// NewResponse returns an empty response of the same version.
	NewResponse() R
}

// An APIKey is the number of an API, like [KeyFetch]; [APIKey.String] gives Kafka's name.
type APIKey int16

// NoAPIKey is the key of messages that belong to no API.
const NoAPIKey APIKey = -1
