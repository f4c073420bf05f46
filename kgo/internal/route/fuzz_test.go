package route

import (
	"testing"
	"time"

	"github.com/franzi-kafka/franzi/kbin"
	"github.com/franzi-kafka/franzi/kmsg"
)

// FuzzAnswer gives a call the bytes of an answer. Whatever they say, it comes to an end.
func FuzzAnswer(f *testing.F) {
	u := newUniverse(1)
	router := New(Config{})
	for _, api := range kmsg.APIs() {
		p := router.plan(kmsg.NewRequest(api.Key))
		f.Add(uint8(api.Key), int16(100), kmsg.NewRequest(api.Key).Response().AppendTo(nil))
		if p.in == nil || p.out == nil {
			continue
		}
		if req := u.request(api.Key, p); req != nil {
			req.SetAPIVersion(api.MaxVersion)
			f.Add(uint8(api.Key), api.MaxVersion, u.imaginary(u.complete(req, p), p).AppendTo(nil))
		}
	}
	f.Fuzz(func(t *testing.T, key uint8, version int16, answer []byte) {
		key %= uint8(len(rows))
		h := &havoc{t: t, universe: newUniverse(uint64(key)), router: router}
		p := router.plan(kmsg.NewRequest(kmsg.APIKey(key)))
		req := kmsg.NewRequest(kmsg.APIKey(key))
		if p.in != nil {
			if r := h.request(kmsg.APIKey(key), p); r != nil {
				req = r
			}
		}
		now := h.now
		call := router.Call(now, req, Options{Deadline: now.Add(10 * time.Second), Aimed: p.to == ToNobody, Broker: -2})
		for range 2000 {
			switch step := call.Next(now, h.known.snapshot); step.Do {
			case Send:
				for _, s := range step.Shards {
					sent, err := s.Prepare(min(max(version, s.Min), s.Max))
					if err != nil {
						t.Fatal(err)
					}
					resp := sent.Response()
					if err := resp.DecodeFrom(kbin.NewReader(answer)); err != nil {
						call.Answered(now, s, nil, &Loss{Err: err, Kind: LostForGood, Written: Yes})
						continue
					}
					call.Answered(now, s, resp, nil)
				}
			case Need:
				h.learn(step.Need)
				step.Need.Snapshot = h.known.snapshot
				call.Told(now, step.Need)
			case Find:
				h.findAll(step.Find)
				call.Found(now, step.Find)
			case Tell:
				h.known.tell(now, step.Tell, nil, nil)
			case Wait:
				now = step.Until
			case Done:
				return
			}
		}
		t.Fatal("no end")
	})
}
