package kafkatest

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"time"
)

// The few bytes that ask a broker whether it is up are written by hand: this package judges the
// library's own encoding of them and cannot lean on it.

const (
	metadataKey    = 3
	apiVersionsKey = 18

	probeTime = 2 * time.Second // for one question; a paused node never answers
	maxAnswer = 16 << 20        // bytes; a bound against nonsense
)

// A VersionRange is what a broker says of an API: the versions it speaks.
type VersionRange struct{ Key, Min, Max int16 }

// ApiVersions asks the broker at the address (host:port, no TLS) for its APIs with version 0 of
// the request, in the broker's order. It blocks for at most two seconds or until the context
// ends. Brokers before 0.10.0 do not know the request: they close the connection or stay
// silent, which is an error here.
func ApiVersions(ctx context.Context, addr string) ([]VersionRange, error) {
	answer, err := ask(ctx, addr, apiVersionsKey, 0, nil)
	if err != nil {
		return nil, err
	}
	versions, err := readApiVersions(answer)
	if err != nil {
		return nil, fmt.Errorf("the ApiVersions answer of the broker at %s: %w", addr, err)
	}
	return versions, nil
}

func readApiVersions(answer []byte) ([]VersionRange, error) {
	r := reader{buf: answer}
	if code := r.int16(); code != 0 {
		return nil, fmt.Errorf("error code %d", code)
	}
	var versions []VersionRange
	for range r.count(6) {
		versions = append(versions, VersionRange{r.int16(), r.int16(), r.int16()})
	}
	return versions, r.err
}

// A view is what a broker knows of its cluster.
type view struct {
	brokers    []int32
	controller int32 // from version 1 on; negative if it knows none
}

// askView sends Metadata of version 0 or 1. Version 0 cannot ask for no topic, and gets all.
func askView(ctx context.Context, addr string, version int16) (view, error) {
	answer, err := ask(ctx, addr, metadataKey, version, []byte{0, 0, 0, 0})
	if err != nil {
		return view{}, err
	}
	v, err := readView(answer, version)
	if err != nil {
		return view{}, fmt.Errorf("the Metadata answer of the broker at %s: %w", addr, err)
	}
	return v, nil
}

// readView reads as far as the controller.
func readView(answer []byte, version int16) (view, error) {
	r := reader{buf: answer}
	v := view{controller: -1}
	for range r.count(10) {
		v.brokers = append(v.brokers, r.int32())
		r.string() // host
		r.int32()  // port
		if version >= 1 {
			r.string() // rack
		}
	}
	if version >= 1 {
		v.controller = r.int32()
	}
	slices.Sort(v.brokers)
	return v, r.err
}

// ask sends one request on a connection of its own and returns the answer after its header.
func ask(ctx context.Context, addr string, key, version int16, body []byte) ([]byte, error) {
	answer, err := talk(ctx, addr, func(conn net.Conn) ([]byte, error) {
		return exchange(conn, key, version, body)
	})
	if err != nil {
		return nil, fmt.Errorf("asking the broker at %s (API key %d, version %d): %w", addr, key, version, err)
	}
	return answer, nil
}

// talk lends a connection for at most probeTime.
func talk(ctx context.Context, addr string, do func(net.Conn) ([]byte, error)) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, probeTime)
	defer cancel()
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	answer, err := do(conn)
	if err != nil && ctx.Err() != nil {
		err = ctx.Err()
	}
	return answer, err
}

// exchange sends a request and reads its answer.
func exchange(conn io.ReadWriter, key, version int16, body []byte) ([]byte, error) {
	const client = "kafkatest"
	const correlation = 7
	frame := make([]byte, 4, 64)
	frame = binary.BigEndian.AppendUint16(frame, uint16(key))
	frame = binary.BigEndian.AppendUint16(frame, uint16(version))
	frame = binary.BigEndian.AppendUint32(frame, correlation)
	frame = binary.BigEndian.AppendUint16(frame, uint16(len(client)))
	frame = append(frame, client...)
	frame = append(frame, body...)
	binary.BigEndian.PutUint32(frame, uint32(len(frame)-4))
	if _, err := conn.Write(frame); err != nil {
		return nil, err
	}
	var head [8]byte
	if _, err := io.ReadFull(conn, head[:]); err != nil {
		return nil, err
	}
	size := binary.BigEndian.Uint32(head[:4])
	if size < 4 || size > maxAnswer {
		return nil, fmt.Errorf("an answer of %d bytes: no Kafka broker listens there", size)
	}
	if got := binary.BigEndian.Uint32(head[4:]); got != correlation {
		return nil, fmt.Errorf("the answer has correlation id %d, want %d", got, correlation)
	}
	answer, err := io.ReadAll(io.LimitReader(conn, int64(size-4)))
	if err == nil && len(answer) < int(size-4) {
		err = io.ErrUnexpectedEOF
	}
	return answer, err
}

// reader reads an answer. After the first short read everything is zero and err is set.
type reader struct {
	buf []byte
	err error
}

var errShort = errors.New("it is too short")

func (r *reader) next(n int) []byte {
	if len(r.buf) < n {
		r.buf, r.err = nil, errShort
		return make([]byte, min(n, 8))
	}
	b := r.buf[:n]
	r.buf = r.buf[n:]
	return b
}

func (r *reader) int16() int16 { return int16(binary.BigEndian.Uint16(r.next(2))) }
func (r *reader) int32() int32 { return int32(binary.BigEndian.Uint32(r.next(4))) }

// string skips a string, which may be null.
func (r *reader) string() { r.next(max(int(r.int16()), 0)) }

// count reads the length of an array whose elements have at least size bytes.
func (r *reader) count(size int) int {
	n := int(r.int32())
	if n > len(r.buf)/size {
		r.err = errShort
		return 0
	}
	return max(n, 0)
}
