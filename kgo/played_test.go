package kgo_test

import (
	"net"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/franzi-kafka/franzi/kbin"
	"github.com/franzi-kafka/franzi/kgo"
	"github.com/franzi-kafka/franzi/kgo/internal/memnet"
	"github.com/franzi-kafka/franzi/kmsg"
)

// A played broker is one that the test plays itself, for what the cluster in memory does not do.
type played struct {
	t       *testing.T
	network memnet.Network
	apis    map[kmsg.APIKey]playedAPI
	open    []net.Listener
	running sync.WaitGroup
}

type playedAPI struct {
	min, max int16
	answer   func(kmsg.Request, kmsg.Response)
}

// serves lets the broker serve an API.
func (b *played) serves(key kmsg.APIKey, min, max int16, answer func(kmsg.Request, kmsg.Response)) {
	b.apis[key] = playedAPI{min, max, answer}
}

// onPlayed runs a test with a client of a played broker, in virtual time.
func onPlayed(t *testing.T, opts []kgo.ClientOption, play func(*played), test func(*kgo.Client)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		b := &played{t: t, apis: map[kmsg.APIKey]playedAPI{}}
		b.serves(kmsg.KeyAPIVersions, 0, 5, b.versions)
		b.serves(kmsg.KeyMetadata, 0, 12, b.metadata)
		play(b)
		b.listen("broker:9092", b.serve)
		c, err := kgo.NewClient(append([]kgo.ClientOption{kgo.SeedBrokers("broker:9092"), kgo.Dialer(b.network.DialContext)}, opts...)...)
		if err != nil {
			t.Fatal(err)
		}
		defer func() {
			if err := c.Close(); err != nil {
				t.Errorf("Close: %v", err)
			}
			for _, l := range b.open {
				l.Close()
			}
			b.running.Wait()
			synctest.Wait()
			for _, g := range clientGoroutines() {
				t.Errorf("a goroutine is left: %s", g)
			}
		}()
		test(c)
	})
}

// listen lets somebody serve connections to an address, until the end.
func (b *played) listen(addr string, serve func(net.Conn)) {
	l, err := b.network.Listen(addr)
	if err != nil {
		b.t.Fatal(err)
	}
	b.open = append(b.open, l)
	b.running.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			b.running.Go(func() {
				defer c.Close()
				serve(c)
			})
		}
	})
}

// serve answers requests.
func (b *played) serve(c net.Conn) {
	for {
		frame, err := kmsg.ReadFrame(c, nil, kmsg.MaxFrame)
		if err != nil {
			return
		}
		h, req, err := kmsg.DecodeRequest(frame)
		if err != nil {
			b.t.Errorf("%v", err)
			return
		}
		api, ok := b.apis[req.APIKey()]
		if !ok || req.APIVersion() < api.min || req.APIVersion() > api.max {
			return
		}
		resp := req.Response()
		api.answer(req, resp)
		answer, err := kmsg.AppendResponse(nil, kmsg.ResponseHeader{CorrelationID: h.CorrelationID}, resp)
		if err != nil {
			b.t.Errorf("%v", err)
			return
		}
		if _, err := c.Write(answer); err != nil {
			return
		}
	}
}

func (b *played) versions(_ kmsg.Request, resp kmsg.Response) {
	for key, api := range b.apis {
		r := resp.(*kmsg.APIVersionsResponse)
		r.APIKeys = append(r.APIKeys, kmsg.APIVersionsResponseAPIVersion{APIKey: int16(key), MinVersion: api.min, MaxVersion: api.max})
	}
}

func (b *played) metadata(_ kmsg.Request, resp kmsg.Response) {
	r := resp.(*kmsg.MetadataResponse)
	r.ClusterID, r.ControllerID = kbin.Str("played"), 1
	r.Brokers = []kmsg.MetadataResponseBroker{{NodeID: 1, Host: "broker", Port: 9092}}
}
