//go:build kafka

package contact

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/franzi-kafka/franzi/gen/model"
	"github.com/franzi-kafka/franzi/internal/kafkatest/rawconn"
	"github.com/franzi-kafka/franzi/kmsg"
	"github.com/franzi-kafka/franzi/kmsg/kjson"
)

const (
	patience   = 15 * time.Second // for an error that passes
	retryEvery = 100 * time.Millisecond
)

// obj and list write a request as JSON. It may have fields that only some versions have:
// what the version lacks is left out.
type (
	obj  = map[string]any
	list = []any
)

// A talk exercises one version of one API on one of a rig's listeners.
type talk struct {
	*testing.T
	rig     *rig
	target  *target // who is exercised
	key     kmsg.APIKey
	version int16
	to      *rawconn.Conn // its connection, made when first used
	broker  *rawconn.Conn // one for preparations, likewise

	asked   bool // the version was exercised
	told    bool // an answer had content
	hollow  bool // no answer can have any
	skipped string
}

func dial(t *testing.T, addr string) *rawconn.Conn {
	t.Helper()
	conn, err := rawconn.Dial(t.Context(), addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

// ask exercises the version: it sends the request and returns the answer. Error codes in it
// must be of allowed; ones that pass by themselves are waited for.
func (x *talk) ask(body obj, allowed ...kmsg.ErrorCode) kmsg.Response {
	x.Helper()
	if x.to == nil {
		x.to = dial(x.T, x.target.addr)
	}
	x.asked = true
	resp := x.send(x.to, x.key, x.version, body, allowed)
	x.told = x.told || tells(resp)
	return resp
}

// prepare sends the broker a request that something depends on, in the newest version.
func (x *talk) prepare(key kmsg.APIKey, body obj, allowed ...kmsg.ErrorCode) kmsg.Response {
	x.Helper()
	return x.prepareAt(key, x.rig.newest(x.T, key), body, allowed...)
}

// prepareAt is prepare in a version that is given.
func (x *talk) prepareAt(key kmsg.APIKey, version int16, body obj, allowed ...kmsg.ErrorCode) kmsg.Response {
	x.Helper()
	if x.broker == nil {
		x.broker = dial(x.T, x.rig.cluster.Addrs()[0])
	}
	return x.send(x.broker, key, version, body, allowed)
}

func (x *talk) send(w *rawconn.Conn, key kmsg.APIKey, version int16, body obj, allowed []kmsg.ErrorCode) kmsg.Response {
	x.Helper()
	req, err := request(x.rig.protocol, key, version, body)
	if err != nil {
		x.Fatalf("%s version %d: %v", key, version, err)
	}
	tick := time.NewTicker(retryEvery)
	defer tick.Stop()
	for give := time.Now().Add(patience); ; <-tick.C {
		resp, err := w.Ask(req)
		if err != nil {
			x.Fatalf("%s version %d: %v\nto %s", key, version, err, req)
		}
		bad := slices.DeleteFunc(rawconn.ErrorCodes(resp), func(c kmsg.ErrorCode) bool {
			return slices.Contains(allowed, c)
		})
		if len(bad) == 0 {
			return resp
		}
		passing := !slices.ContainsFunc(bad, func(c kmsg.ErrorCode) bool { return !rawconn.Passes(c) })
		if !passing || time.Now().After(give) {
			x.Fatalf("%s version %d: %v\nin %s\nto %s", key, version, bad, resp, req)
		}
	}
}

// until asks again and again until ask says that it is enough.
func (x *talk) until(ask func() bool) {
	x.Helper()
	tick := time.NewTicker(retryEvery)
	defer tick.Stop()
	for give := time.Now().Add(patience); !ask(); <-tick.C {
		if time.Now().After(give) {
			x.Fatalf("%s version %d: what was to come did not, in %v", x.key, x.version, patience)
		}
	}
}

// tells reports whether an answer says more than the least its version can say.
func tells(resp kmsg.Response) bool {
	least := kmsg.NewRequest(resp.APIKey()).Response()
	least.SetAPIVersion(resp.APIVersion())
	return !bytes.Equal(resp.AppendTo(nil), least.AppendTo(nil))
}

// request makes a request from JSON, without the fields that the version lacks.
func request(protocol *model.Model, key kmsg.APIKey, version int16, body obj) (kmsg.Request, error) {
	message := protocol.Message(key.String() + "Request")
	text, err := json.Marshal(fit(message.Root, version, body))
	if err != nil {
		return nil, err
	}
	req := kmsg.NewRequest(key)
	req.SetAPIVersion(version)
	if err := kjson.Unmarshal(text, req); err != nil {
		return nil, fmt.Errorf("%w\nin %s", err, text)
	}
	return req, nil
}

// fit returns the value of a struct without the fields that the version lacks.
func fit(s *model.Struct, version int16, value any) any {
	switch value := value.(type) {
	case list:
		all := make(list, len(value))
		for i, v := range value {
			all[i] = fit(s, version, v)
		}
		return all
	case obj:
		if s == nil {
			return value
		}
		all := obj{}
		for name, v := range value {
			i := slices.IndexFunc(s.Fields, func(f *model.Field) bool { return f.JSONName() == name })
			if i < 0 {
				all[name] = v // kjson says what is wrong with it
			} else if f := s.Fields[i]; f.Def.Versions.Has(version) {
				all[name] = fit(f.Struct, version, v)
			}
		}
		return all
	}
	return value
}

// only returns the fields of o that are named.
func only(o obj, names ...string) obj {
	some := obj{}
	for _, name := range names {
		some[name] = o[name]
	}
	return some
}

// without returns the fields of o that are not named.
func without(o obj, names ...string) obj {
	some := maps.Clone(o)
	for _, name := range names {
		delete(some, name)
	}
	return some
}
