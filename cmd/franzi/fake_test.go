package main

import (
	"context"
	"io"
	"net"
	"testing"

	"github.com/franzi-kafka/franzi/kmsg"
)

// A fake is a broker of whom each connection is served by the next function, the last one
// serving all that follow.
type fake []func(net.Conn)

// dial connects to the fake.
func (f fake) dialer(t *testing.T) dialer {
	served := 0
	return func(context.Context, string, string) (net.Conn, error) {
		client, server := net.Pipe()
		t.Cleanup(func() { client.Close() })
		serve := f[min(served, len(f)-1)]
		served++
		go func() {
			defer server.Close()
			serve(server)
		}()
		return client, nil
	}
}

// answers serves a connection by answering each request with what answer returns: a response,
// bytes that are written as they are, or nil for the end of the connection.
func answers(answer func(kmsg.Request) any) func(net.Conn) {
	return func(conn net.Conn) {
		for {
			frame, err := kmsg.ReadFrame(conn, nil, kmsg.MaxFrame)
			if err != nil {
				return
			}
			h, req, err := kmsg.DecodeRequest(frame)
			if err != nil {
				return
			}
			var out []byte
			switch x := answer(req).(type) {
			case kmsg.Response:
				if out, err = kmsg.AppendResponse(nil, kmsg.ResponseHeader{CorrelationID: h.CorrelationID}, x); err != nil {
					panic(err)
				}
			case []byte:
				out = x
			}
			if out == nil {
				return
			}
			if _, err := conn.Write(out); err != nil {
				return
			}
		}
	}
}

// says serves a connection by answering whatever comes with the bytes, and ending it.
func says(answer string) func(net.Conn) {
	return func(conn net.Conn) {
		if _, err := kmsg.ReadFrame(conn, nil, kmsg.MaxFrame); err == nil {
			io.WriteString(conn, answer)
		}
	}
}

// silent serves a connection by reading and never answering.
func silent(conn net.Conn) { io.Copy(io.Discard, conn) }

// versionsOfFake is what a broker says that speaks these APIs.
func versionsOfFake(req *kmsg.APIVersionsRequest, ranges ...kmsg.VersionRange) *kmsg.APIVersionsResponse {
	resp := req.NewResponse()
	for _, r := range ranges {
		resp.APIKeys = append(resp.APIKeys, kmsg.APIVersionsResponseAPIVersion{APIKey: int16(r.Key), MinVersion: r.Min, MaxVersion: r.Max})
	}
	return resp
}

// refusal is how brokers answer a version of ApiVersions that they lack (KIP-511).
func refusal(ranges ...kmsg.VersionRange) *kmsg.APIVersionsResponse {
	resp := versionsOfFake(kmsg.NewAPIVersionsRequest(), ranges...)
	resp.ErrorCode = kmsg.UnsupportedVersion
	return resp
}

// speaking answers ApiVersions with a table, and all else with what answer returns.
func speaking(answer func(kmsg.Request) any, ranges ...kmsg.VersionRange) func(net.Conn) {
	return answers(func(req kmsg.Request) any {
		if v, ok := req.(*kmsg.APIVersionsRequest); ok {
			return versionsOfFake(v, ranges...)
		}
		return answer(req)
	})
}

// serving is speaking of a broker that tells of itself besides.
func serving(answer func(kmsg.Request) any, ranges ...kmsg.VersionRange) func(net.Conn) {
	return speaking(func(req kmsg.Request) any {
		if _, ok := req.(*kmsg.MetadataRequest); ok {
			return metadataOf(req)
		}
		return answer(req)
	}, append(ranges, metadata)...)
}
