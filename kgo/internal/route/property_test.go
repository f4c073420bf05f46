package route

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"testing"

	"github.com/franzi-kafka/franzi/kmsg"
)

// TestSplitAndMerge: a request that is split over the brokers of a random cluster, answered by
// each of them, in any order, and merged, has the answer that one broker would give that knows
// everything.
func TestSplitAndMerge(t *testing.T) {
	router := New(Config{})
	for _, api := range kmsg.APIs() {
		r := &rows[api.Key]
		if r.in == "" || r.out == "" {
			continue
		}
		t.Run(api.Name, func(t *testing.T) {
			for seed := range uint64(60) {
				u := newUniverse(seed)
				lowest := max(api.MinVersion, r.batch)
				if api.Key == kmsg.KeyDeleteTopics {
					lowest = 6 // with ids
				}
				version := lowest + int16(u.rand.IntN(int(api.MaxVersion-lowest)+1))
				req := u.request(api.Key, router.plan(kmsg.NewRequest(api.Key)))
				if req == nil {
					continue
				}
				before := req.AppendTo(nil)
				got, failures := u.drive(t, router, req, version, nil)
				if !bytes.Equal(before, req.AppendTo(nil)) {
					t.Fatalf("seed %d: the request was written to", seed)
				}
				req.SetAPIVersion(version)
				want := u.imaginary(u.complete(req, router.plan(req)), router.plan(req))
				req.SetAPIVersion(0)
				if diff := differ(got, want); diff != "" {
					t.Fatalf("seed %d, version %d: %s", seed, version, diff)
				}
				codes := 0
				router.plan(req).out.walk(structOf(want), func(elem reflect.Value, _ key, _ at) {
					if router.plan(req).out.codeOf(elem) != kmsg.None {
						codes++
					}
				})
				if codes > 0 != (len(failures) > 0) && len(r.also) == 0 {
					t.Fatalf("seed %d: got %d failures, want %d", seed, len(failures), codes)
				}
			}
		})
	}
}

// TestPartsThatFail: what one broker does not answer is missing, with a code; all else is as if
// it had.
func TestPartsThatFail(t *testing.T) {
	router := New(Config{})
	for _, api := range kmsg.APIs() {
		r := &rows[api.Key]
		if r.in == "" || r.out == "" || !r.splits() {
			continue
		}
		t.Run(api.Name, func(t *testing.T) {
			for seed := range uint64(30) {
				u := newUniverse(seed)
				p := router.plan(kmsg.NewRequest(api.Key))
				req := u.request(api.Key, p)
				if req == nil {
					continue
				}
				fail := u.brokers[u.rand.IntN(len(u.brokers))]
				failed := map[key]bool{}
				version := api.MaxVersion
				got, failures := u.drive(t, router, req, version, func(s *Shard) bool {
					if s.Broker != fail {
						return false
					}
					for _, i := range s.items {
						failed[s.call.normal(s.call.items[i].key)] = true
					}
					return true
				})
				for _, f := range failures {
					if !f.Answered && (f.Broker != fail || !errors.Is(f.Err, errBroken) || f.Written != Maybe) {
						t.Fatalf("seed %d: got failure %+v, want broker %d and %v", seed, f, fail, errBroken)
					}
				}
				req.SetAPIVersion(version)
				want := u.imaginary(u.complete(req, p), p)
				var wants []string
				p.out.walk(structOf(want), func(elem reflect.Value, k key, _ at) {
					if u.isFailed(failed, k) {
						wants = append(wants, fmt.Sprint(u.named(k), " failed"))
						return
					}
					wants = append(wants, fmt.Sprintf("%v %+v", u.named(k), elem.Interface()))
				})
				var gots []string
				p.out.walk(structOf(got), func(elem reflect.Value, k key, _ at) {
					if u.isFailed(failed, k) {
						if code := p.out.codeOf(elem); code != kmsg.UnknownServerError {
							t.Fatalf("seed %d: %v: got code %v, want UNKNOWN_SERVER_ERROR", seed, k, code)
						}
						gots = append(gots, fmt.Sprint(u.named(k), " failed"))
						return
					}
					gots = append(gots, fmt.Sprintf("%v %+v", u.named(k), elem.Interface()))
				})
				if !slices.Equal(gots, wants) {
					t.Fatalf("seed %d: got\n%v\nwant\n%v", seed, gots, wants)
				}
			}
		})
	}
}

var errBroken = errors.New("broken")
