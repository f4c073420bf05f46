package main

import (
	"errors"
	"net"
	"strings"
	"sync"
	"testing"

	"github.com/franzi-kafka/franzi/kmsg"
)

// oneAnswer is a broker that answers each connection's first request, and then hangs up.
func oneAnswer(t *testing.T, answer func(id int32, req kmsg.Request) (int32, kmsg.Response)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var broker sync.WaitGroup
	t.Cleanup(broker.Wait)
	t.Cleanup(func() { l.Close() })
	broker.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			frame, err := kmsg.ReadFrame(conn, nil, kmsg.MaxFrame)
			if err != nil {
				t.Error(err)
				return
			}
			header, req, err := kmsg.DecodeRequest(frame)
			if err != nil {
				t.Error(err)
				return
			}
			id, resp := answer(header.CorrelationID, req)
			out, err := kmsg.AppendResponse(nil, kmsg.ResponseHeader{CorrelationID: id}, resp)
			if err != nil {
				t.Error(err)
				return
			}
			if _, err := conn.Write(out); err != nil {
				t.Error(err)
			}
			conn.Close()
		}
	})
	return l.Addr().String()
}

// A broker that refuses to tell its versions is not one of those that are too old to be asked.
func TestVersionsRefused(t *testing.T) {
	addr := oneAnswer(t, func(id int32, req kmsg.Request) (int32, kmsg.Response) {
		resp := req.Response().(*kmsg.APIVersionsResponse)
		resp.ErrorCode = kmsg.UnsupportedVersion
		return id, resp
	})
	if _, err := dial(t.Context(), addr); !errors.Is(err, kmsg.UnsupportedVersion) {
		t.Errorf("got %v, want %v", err, kmsg.UnsupportedVersion)
	}
}

// An answer to another request is none.
func TestWrongCorrelationID(t *testing.T) {
	addr := oneAnswer(t, func(id int32, req kmsg.Request) (int32, kmsg.Response) { return id + 7, req.Response() })
	c, err := connect(t.Context(), addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.versions = []kmsg.VersionRange{{Key: kmsg.KeyAPIVersions}}
	if _, err := ask(c, kmsg.NewAPIVersionsRequest()); err == nil || !strings.Contains(err.Error(), "to request 8, not to 1") {
		t.Errorf("got %v, want an error", err)
	}
}
