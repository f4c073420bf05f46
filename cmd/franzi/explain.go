package main

import (
	"encoding/json"
	"strconv"
	"strings"

	"github.com/franzi-kafka/franzi/cmd/franzi/internal/output"
	"github.com/franzi-kafka/franzi/cmd/franzi/internal/tap"
	"github.com/franzi-kafka/franzi/kmsg"
	"github.com/franzi-kafka/franzi/kmsg/kjson"
)

// An explainedRequest is a request that was sent, or would be.
type explainedRequest struct {
	Broker  *int32          `json:"broker"` // null while only its address is known
	Addr    string          `json:"addr"`
	API     string          `json:"api"`
	Version int16           `json:"version"`
	Size    int             `json:"size"` // with the size itself
	Sent    bool            `json:"sent"` // false: it changes something, or is what was to be explained
	Request json.RawMessage `json:"request"`
}

// explained reports whether a request was kept from leaving.
func (s *session) explained() bool {
	if s.tap == nil {
		return false
	}
	for _, e := range s.tap.Exchanges() {
		if e.Kept {
			return true
		}
	}
	return false
}

// changes reports whether requests of an API change something in the cluster.
func changes(key kmsg.APIKey) bool {
	name := key.String()
	for _, begin := range []string{"ApiVersions", "Metadata", "Describe", "List", "Sasl", "Find", "OffsetFetch", "OffsetForLeaderEpoch"} {
		if strings.HasPrefix(name, begin) {
			return false
		}
	}
	return !strings.HasSuffix(name, "Describe")
}

// explain shows the requests of a command instead of what came of them. Its error is what the
// command ended with, unless that is because a request did not leave.
func (s *session) explain(err error) error {
	kept := false
	seen := map[string]bool{}
	all := []explainedRequest{}
	for _, e := range s.tap.Exchanges() {
		switch e.Key() {
		case kmsg.KeyAPIVersions, kmsg.KeySASLHandshake, kmsg.KeySASLAuthenticate:
			if !e.Kept {
				continue
			}
		}
		r := s.explainedRequest(&e)
		once := r.API + string(r.Request)
		switch {
		case kept && (!e.Kept || seen[once]):
			continue // the client tries again what did not leave
		case e.Kept:
			kept, seen[once] = true, true
		}
		all = append(all, r)
	}
	if kept {
		err = nil
	}
	if len(all) == 0 {
		return err
	}
	w := output.NewWriter(s.app.out, s.app.format, output.TableFormat)
	if writeErr := w.Write(output.Result{Value: all, Table: func(t *output.Table) {
		t.Heading("BROKER", "ADDRESS", "API", "VERSION", "BYTES", "SENT", "REQUEST")
		for _, r := range all {
			broker := "?"
			if r.Broker != nil {
				broker = strconv.Itoa(int(*r.Broker))
			}
			t.Row(broker, r.Addr, r.API, strconv.Itoa(int(r.Version)), strconv.Itoa(r.Size), yesNo(r.Sent), string(r.Request))
		}
	}}); writeErr != nil {
		return writeErr
	}
	return err
}

func (s *session) explainedRequest(e *tap.Exchange) explainedRequest {
	r := explainedRequest{
		Addr: e.Addr, API: e.Key().String(), Version: e.Request.APIVersion(),
		Size: len(e.Frame) + 4, Sent: !e.Kept, Request: json.RawMessage(kjson.MarshalLog(e.Request)),
	}
	for _, b := range s.client.Metadata().Brokers() {
		if b.Addr == e.Addr {
			r.Broker = &b.ID
		}
	}
	return r
}
