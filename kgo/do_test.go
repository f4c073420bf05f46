package kgo_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/franzi-kafka/franzi/kbin"
	"github.com/franzi-kafka/franzi/kgo"
	"github.com/franzi-kafka/franzi/kgo/ktest"
	"github.com/franzi-kafka/franzi/kmsg"
)

// Brokers of every release are spoken to, with nothing set by hand.
func TestDoReleases(t *testing.T) {
	for _, release := range ktest.Releases() {
		t.Run(release, func(t *testing.T) {
			opts := []ktest.Option{ktest.Version(release), ktest.Brokers(2), ktest.SeedTopic("orders", 4, ktest.Replicas(1)), ktest.SeedTopic("payments", 1)}
			onStage(t, opts, func(s *stage) {
				s.with(nil, func(c *kgo.Client) { doEverywhere(s, c, release) })
			})
		})
	}
}

// doEverywhere makes requests that brokers of all releases can answer.
func doEverywhere(s *stage, c *kgo.Client, release string) {
	ctx := context.Background()
	if err := c.Ping(ctx); err != nil {
		s.Fatalf("Ping: %v", err)
	}
	all := kmsg.NewMetadataRequest()
	all.Topics, all.AllowAutoTopicCreation = nil, false
	resp, err := kgo.Do(ctx, c, all)
	if err != nil || len(resp.Topics) != 2 {
		s.Errorf("Metadata of all topics: %+v, %v", resp, err)
	}
	resp, err = kgo.Do(ctx, c, topicsRequest("payments"))
	if err != nil || len(resp.Topics) != 1 || resp.Topics[0].Name.S != "payments" || len(resp.Topics[0].Partitions) != 1 {
		s.Errorf("Metadata of a topic: %+v, %v", resp, err)
	}
	resp, err = kgo.Do(ctx, c, topicsRequest("nowhere"))
	if !errors.Is(err, kmsg.UnknownTopicOrPartition) || len(resp.Topics) != 1 || resp.Topics[0].ErrorCode != kmsg.UnknownTopicOrPartition {
		s.Errorf("Metadata of a topic that does not exist: %+v, %v", resp, err)
	}
	if got := fmt.Sprint(s.Topics()); got != "[orders payments]" {
		s.Errorf("topics are %s: asking created one", got)
	}
	// At version 0 no topics would mean all.
	resp, err = kgo.Do(ctx, c, topicsRequest())
	var unsupported *kgo.UnsupportedError
	switch {
	case strings.HasPrefix(release, "0.8"), strings.HasPrefix(release, "0.9"):
		if !errors.As(err, &unsupported) || !errors.Is(err, kmsg.UnsupportedVersion) || unsupported.Release == "" || unsupported.Need.Min != 1 {
			s.Errorf("Metadata of no topics: %+v, %v", resp, err)
		}
	default:
		if err != nil || len(resp.Topics) != 0 || len(resp.Brokers) != 2 {
			s.Errorf("Metadata of no topics: %+v, %v", resp, err)
		}
	}
	offsets, err := kgo.Do(ctx, c, offsetsRequest("orders", 3, 1, 0, 2))
	if err != nil || len(offsets.Topics) != 1 || len(offsets.Topics[0].Partitions) != 4 || offsets.Topics[0].Partitions[0].PartitionIndex != 3 {
		s.Errorf("ListOffsets: %+v, %v", offsets, err)
	}
}

// What no broker serves is told at once, with what is missing and since when there is such a thing.
func TestDoUnsupported(t *testing.T) {
	for _, test := range []struct {
		release string
		req     kmsg.Request
		opts    []kgo.DoOption
		want    string // "" for whatever
	}{
		{"0.8.2", kmsg.NewDescribeClusterRequest(), nil, " (Kafka 0.8.2) does not serve DescribeCluster, which is there since Kafka 2.8"},
		{"0.9.0", kmsg.NewCreateTopicsRequest(), nil, " (Kafka 0.9.0) does not serve CreateTopics, which is there since Kafka 0.10.1"},
		{"2.7", kmsg.NewDescribeClusterRequest(), nil, "does not serve DescribeCluster, which is there since Kafka 2.8"},
		{"4.4", kmsg.NewListGroupsRequest(), nil, ""}, // all brokers are asked
		{"2.8", kmsg.NewMetadataRequest(), []kgo.DoOption{kgo.AtVersion(12)}, "serves Metadata in versions 0 to 11, this takes 12 to 12, which is there since Kafka 3.1"},
		{"4.4", kmsg.NewMetadataRequest(), []kgo.DoOption{kgo.AtVersion(99)}, "this takes 99 to 99"},
		{"4.4", kmsg.NewFetchRequest(), []kgo.DoOption{kgo.AtVersion(0)}, "this takes 0 to 0"},
	} {
		t.Run(fmt.Sprint(test.release, " ", test.req.APIKey()), func(t *testing.T) {
			onStage(t, []ktest.Option{ktest.Version(test.release), ktest.Brokers(3)}, func(s *stage) {
				s.with(nil, func(c *kgo.Client) {
					if err := c.Ping(context.Background()); err != nil {
						t.Fatal(err)
					}
					start := time.Now()
					resp, err := c.Request(context.Background(), test.req, test.opts...)
					if took := time.Since(start); took > 10*time.Second {
						t.Errorf("it took %v", took) // brokers without ApiVersions take some time to be recognised
					}
					var unsupported *kgo.UnsupportedError
					if !errors.As(err, &unsupported) || !errors.Is(err, kmsg.UnsupportedVersion) {
						t.Fatalf("got %v, %v", resp, err)
					}
					if got := unsupported.Error(); !strings.Contains(got, test.want) {
						t.Errorf("got %q, want %q in it", got, test.want)
					}
				})
			})
		})
	}
}

// What takes a version that was given up is not told since when there is such a thing, and no request
// is none.
func TestDoMistakes(t *testing.T) {
	onStage(t, orders(1), func(s *stage) {
		s.with(nil, func(c *kgo.Client) {
			ctx := context.Background()
			_, err := c.Request(ctx, kmsg.NewListOffsetsRequest(), kgo.AtVersion(0))
			if err == nil || strings.Contains(err.Error(), "since Kafka") {
				t.Errorf("got %v", err)
			}
			if _, err := c.Request(ctx, nil); err == nil {
				t.Error("no request is sent")
			}
			if _, err := kgo.Do(ctx, c, (*kmsg.MetadataRequest)(nil)); err == nil {
				t.Error("no request is sent")
			}
			if _, err := c.Broker(1).Request(ctx, nil); err == nil {
				t.Error("no request is sent to a broker")
			}
		})
	})
}

// Requests that are not answered and ask for nothing have an answer all the same.
func TestDoProduceNothing(t *testing.T) {
	onStage(t, orders(1), func(s *stage) {
		s.with(nil, func(c *kgo.Client) {
			empty := kmsg.NewProduceRequest()
			topic := kmsg.NewProduceRequest()
			topic.TopicData = []kmsg.ProduceRequestTopicProduceData{{Name: "orders"}}
			for _, req := range []*kmsg.ProduceRequest{empty, topic} {
				for _, opts := range [][]kgo.DoOption{nil, {kgo.ToBroker(1)}} {
					if resp, err := kgo.Do(context.Background(), c, req, opts...); err != nil || len(resp.Responses) != 0 {
						t.Errorf("got %v, %v", resp, err)
					}
				}
			}
		})
	})
}

// A client that is limited to a release speaks as one of that release does.
func TestMaxVersions(t *testing.T) {
	onStage(t, []ktest.Option{ktest.Brokers(1), ktest.SeedTopic("orders", 1)}, func(s *stage) {
		s.with([]kgo.ClientOption{kgo.MaxVersions("2.7")}, func(c *kgo.Client) {
			resp, err := kgo.Do(context.Background(), c, topicsRequest("orders"))
			if err != nil || resp.Version != 9 {
				t.Errorf("got version %d, want 9: %v", resp.Version, err)
			}
			var unsupported *kgo.UnsupportedError
			_, err = kgo.Do(context.Background(), c, kmsg.NewDescribeClusterRequest())
			if !errors.As(err, &unsupported) || !unsupported.Limited {
				t.Errorf("got %v, want that the client is limited", err)
			}
			if want := "the client is limited to versions that have no such DescribeCluster, see MaxVersions"; !strings.Contains(err.Error(), want) {
				t.Errorf("got %v, want to read that %s", err, want)
			}
			// What the client is, it says in the versions of the release too.
			if k := s.Connections(); len(k) != 1 || !strings.HasPrefix(k[0].Software, "franzi ") || strings.HasSuffix(k[0].Software, " unknown") {
				t.Errorf("got %+v, want the name and version of the client", k)
			}
		})
	})
	// Without ApiVersions in the release, brokers are not asked for it.
	onStage(t, []ktest.Option{ktest.Version("2.7"), ktest.SeedTopic("orders", 1)}, func(s *stage) {
		s.with([]kgo.ClientOption{kgo.MaxVersions("0.9.0")}, func(c *kgo.Client) {
			resp, err := kgo.Do(context.Background(), c, topicsRequest("orders"))
			if err != nil || resp.Version != 0 {
				t.Errorf("got version %d, want 0: %v", resp.Version, err)
			}
			if n := s.Requests(kmsg.KeyAPIVersions); n > 0 {
				t.Errorf("got %d requests for versions, want none", n)
			}
		})
	})
}

// Versions that are not finished are used only if they are asked for.
func TestUnstableVersions(t *testing.T) {
	api := kmsg.LookupAPI(kmsg.KeyInitProducerID)
	if !api.Unstable {
		t.Fatal("InitProducerId is finished: take another API")
	}
	for _, test := range []struct {
		name   string
		client []kgo.ClientOption
		call   []kgo.DoOption
		want   int16
	}{
		{"not asked for", nil, nil, api.MaxVersion - 1},
		{"asked for by the client", []kgo.ClientOption{kgo.UnstableVersions()}, nil, api.MaxVersion},
		{"asked for by the call", nil, []kgo.DoOption{kgo.AtVersion(api.MaxVersion)}, api.MaxVersion},
	} {
		t.Run(test.name, func(t *testing.T) {
			onPlayed(t, test.client, func(b *played) {
				b.serves(kmsg.KeyInitProducerID, 0, api.MaxVersion, func(kmsg.Request, kmsg.Response) {})
			}, func(c *kgo.Client) {
				req := kmsg.NewInitProducerIDRequest()
				req.TransactionalID = kbin.NullString{}
				resp, err := kgo.Do(context.Background(), c, req, test.call...)
				if err != nil {
					t.Fatal(err)
				}
				if resp.Version != test.want {
					t.Errorf("got version %d, want %d", resp.Version, test.want)
				}
			})
		})
	}
}

// A request can be sent to a broker other than the one that it belongs to, as a whole.
func TestToBroker(t *testing.T) {
	onStage(t, []ktest.Option{ktest.Brokers(3), ktest.SeedTopic("orders", 3, ktest.Replicas(1))}, func(s *stage) {
		s.with(nil, func(c *kgo.Client) {
			leads := s.Partitions("orders")[0].Leader
			other := leads%3 + 1
			resp, err := kgo.Do(context.Background(), c, offsetsRequest("orders", 0), kgo.ToBroker(other))
			var e *kgo.Error
			if !errors.Is(err, kmsg.NotLeaderOrFollower) || !errors.As(err, &e) || e.Broker != other || e.Topic != "orders" || e.Partition != 0 {
				t.Errorf("got %+v, %v; want that broker %d does not lead", resp, err, other)
			}
			if _, err := kgo.Do(context.Background(), c, offsetsRequest("orders", 0), kgo.ToBroker(leads)); err != nil {
				t.Errorf("to the leader: %v", err)
			}
			for _, id := range []int32{7, -1, -5} {
				_, err := kgo.Do(context.Background(), c, offsetsRequest("orders", 0), kgo.ToBroker(id))
				if !errors.Is(err, kgo.ErrUnknownBroker) {
					t.Errorf("to broker %d: %v", id, err)
				}
			}
		})
	})
}

// At the low level requests go as they are, and codes are no errors.
func TestBrokerRequest(t *testing.T) {
	onStage(t, []ktest.Option{ktest.Brokers(2), ktest.SeedTopic("orders", 1, ktest.Replicas(1))}, func(s *stage) {
		s.with(nil, func(c *kgo.Client) {
			leads := s.Partitions("orders")[0].Leader
			req := offsetsRequest("orders", 0)
			req.Version = 3
			for _, id := range []int32{leads, 3 - leads} {
				resp, err := c.Broker(id).Request(context.Background(), req)
				if err != nil || resp.APIVersion() != 3 {
					t.Errorf("broker %d: %v, %v", id, resp, err)
					continue
				}
				want := kmsg.None
				if id != leads {
					want = kmsg.NotLeaderOrFollower
				}
				if got := resp.(*kmsg.ListOffsetsResponse).Topics[0].Partitions[0].ErrorCode; got != want {
					t.Errorf("broker %d: got %v, want %v", id, got, want)
				}
			}
			if n := s.Requests(kmsg.KeyListOffsets); n != 2 {
				t.Errorf("got %d requests, want one each", n)
			}
			req.Version = 99
			if _, err := c.Broker(leads).Request(context.Background(), req); !errors.Is(err, kmsg.UnsupportedVersion) {
				t.Errorf("at version 99: %v", err)
			}
			if _, err := c.Broker(9).Request(context.Background(), req); !errors.Is(err, kgo.ErrUnknownBroker) {
				t.Errorf("to broker 9: %v", err)
			}
			// What brokers say to each other goes through as well.
			if _, err := c.Broker(leads).Request(context.Background(), kmsg.NewVoteRequest()); !errors.Is(err, kmsg.UnsupportedVersion) {
				t.Errorf("Vote: %v", err)
			}
			if _, err := kgo.Do(context.Background(), c, kmsg.NewVoteRequest()); err == nil || errors.Is(err, kmsg.UnsupportedVersion) {
				t.Errorf("Vote to nobody in particular: %v", err)
			}
		})
	})
}

// A request is shared between many calls, which do not write to it, and drivers between many
// calls, also those that are cancelled.
func TestSharedRequest(t *testing.T) {
	onStage(t, []ktest.Option{ktest.Brokers(3), ktest.SeedTopic("orders", 12, ktest.Replicas(1))}, func(s *stage) {
		s.with(nil, func(c *kgo.Client) {
			s.Fault(ktest.On(kmsg.KeyListOffsets).Broker(2), ktest.Delay(3*time.Millisecond))
			reqs := []kmsg.Request{topicsRequest("orders"), offsetsRequest("orders", 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11)}
			var before []string
			for _, r := range reqs {
				before = append(before, kmsg.Text(r))
			}
			var users sync.WaitGroup
			for n := range 50 {
				users.Go(func() {
					for i := range 40 {
						ctx, cancel := context.WithCancel(context.Background())
						if (n+i)%5 == 0 {
							time.AfterFunc(time.Duration(i%5)*time.Millisecond, cancel)
						}
						req := reqs[(n+i)%2]
						resp, err := c.Request(ctx, req)
						switch ended := ctx.Err() != nil; {
						case err != nil && !(ended && errors.Is(err, context.Canceled)):
							t.Errorf("%v: %v", req.APIKey(), err)
						case err == nil && !wholeAnswer(resp):
							t.Errorf("got %v", resp)
						}
						cancel()
					}
				})
			}
			users.Wait()
			for i, r := range reqs {
				if diff := cmp.Diff(kmsg.Text(r), before[i]); diff != "" {
					t.Errorf("the request was written to: got (-), want (+):\n%s", diff)
				}
			}
		})
	})
}

func wholeAnswer(resp kmsg.Response) bool {
	switch resp := resp.(type) {
	case *kmsg.MetadataResponse:
		return len(resp.Topics) == 1 && resp.Topics[0].Name.S == "orders" && len(resp.Topics[0].Partitions) == 12 && len(resp.Brokers) == 3
	case *kmsg.ListOffsetsResponse:
		return len(resp.Topics) == 1 && len(resp.Topics[0].Partitions) == 12 && resp.Topics[0].Partitions[11].PartitionIndex == 11
	}
	return false
}

// A part that fails is named, beside the parts that succeed.
func TestParts(t *testing.T) {
	opts := []ktest.Option{ktest.Brokers(3), ktest.SeedTopic("orders", 6, ktest.Replicas(1)), ktest.SessionTimeout(time.Hour)}
	onStage(t, opts, func(s *stage) {
		s.with([]kgo.ClientOption{kgo.CallTimeout(5 * time.Second)}, func(c *kgo.Client) {
			if err := c.RefreshMetadata(context.Background(), "orders"); err != nil {
				t.Fatal(err)
			}
			s.Kill(2)
			resp, err := kgo.Do(context.Background(), c, offsetsRequest("orders", 0, 1, 2, 3, 4, 5, 6))
			if !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, kmsg.UnknownTopicOrPartition) {
				t.Errorf("got %v, want that time was up and that partition 6 does not exist", err)
			}
			failed := map[int32]*kgo.Error{}
			for _, err := range err.(interface{ Unwrap() []error }).Unwrap() {
				e := err.(*kgo.Error)
				failed[e.Partition] = e
			}
			parts := resp.Topics[0].Partitions
			if len(parts) != 7 {
				t.Fatalf("got %+v, want 7 partitions", parts)
			}
			for n, p := range parts {
				lost := n < 6 && s.Partitions("orders")[n].Leader == 2
				e := failed[int32(n)]
				switch {
				case p.PartitionIndex != int32(n):
					t.Errorf("got partition %d at %d", p.PartitionIndex, n)
				case n == 6:
					if p.ErrorCode != kmsg.UnknownTopicOrPartition || e == nil || e.Code != p.ErrorCode || e.Topic != "orders" {
						t.Errorf("partition 6: %v, %+v", p.ErrorCode, e)
					}
				case lost:
					if p.ErrorCode == kmsg.None || e == nil || e.Code != kmsg.None || !e.Retriable || e.Broker != 2 || e.Hint == "" {
						t.Errorf("partition %d: %v, %+v", n, p.ErrorCode, e)
					}
					t.Log(e)
				case p.ErrorCode != kmsg.None || e != nil:
					t.Errorf("partition %d: %v, %+v", n, p.ErrorCode, e)
				}
			}
		})
	})
}

// What may pass is tried again as often as it is to be.
func TestRetries(t *testing.T) {
	for _, test := range []struct {
		name   string
		client []kgo.ClientOption
		call   []kgo.DoOption
		times  int // that it fails
		want   int // requests
		failed bool
	}{
		{"as often as needed", nil, nil, 4, 5, false},
		{"limited", []kgo.ClientOption{kgo.Retries(2)}, nil, 4, 3, true},
		{"never", []kgo.ClientOption{kgo.Retries(0)}, nil, 4, 1, true},
		{"once", nil, []kgo.DoOption{kgo.WithoutRetry()}, 4, 1, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			onStage(t, []ktest.Option{ktest.SeedTopic("orders", 1)}, func(s *stage) {
				s.with(test.client, func(c *kgo.Client) {
					rule := s.Fault(ktest.On(kmsg.KeyListOffsets).AnyTopic().Times(test.times), ktest.Answer(kmsg.LeaderNotAvailable))
					_, err := kgo.Do(context.Background(), c, offsetsRequest("orders", 0), test.call...)
					if test.failed != errors.Is(err, kmsg.LeaderNotAvailable) {
						t.Errorf("got %v", err)
					}
					if n := s.Requests(kmsg.KeyListOffsets); n != test.want {
						t.Errorf("got %d requests, want %d", n, test.want)
					}
					rule.Remove()
				})
			})
		})
	}
}

// A request that may have been carried out is not sent again if that would do harm, and is if not.
func TestWritten(t *testing.T) {
	onStage(t, []ktest.Option{ktest.Brokers(1), ktest.SeedTopic("orders", 1)}, func(s *stage) {
		s.with(nil, func(c *kgo.Client) {
			s.Fault(ktest.On(kmsg.KeyCreateTopics).Times(1), ktest.CutAfter())
			req := kmsg.NewCreateTopicsRequest()
			topic := kmsg.NewCreateTopicsRequestCreatableTopic()
			topic.Name, topic.NumPartitions, topic.ReplicationFactor = "payments", 1, 1
			req.Topics = append(req.Topics, topic)
			_, err := kgo.Do(context.Background(), c, req)
			var e *kgo.Error
			if !errors.As(err, &e) || e.Written != kgo.WrittenMaybe {
				t.Errorf("got %+v", err)
			}
			t.Log(err)
			if n := s.Requests(kmsg.KeyCreateTopics); n != 1 || len(s.Topics()) != 2 {
				t.Errorf("got %d requests, and topics %v", n, s.Topics())
			}
			s.Fault(ktest.On(kmsg.KeyListOffsets).Times(1), ktest.CutAfter())
			if _, err := kgo.Do(context.Background(), c, offsetsRequest("orders", 0)); err != nil {
				t.Error(err)
			}
		})
	})
}

// Topics get the id or the name that the version wants.
func TestTopicIDs(t *testing.T) {
	for _, release := range []string{"2.7", "2.8", "3.9", "4.4"} {
		onStage(t, []ktest.Option{ktest.Version(release), ktest.SeedTopic("orders", 1)}, func(s *stage) {
			s.with(nil, func(c *kgo.Client) {
				req := kmsg.NewFetchRequest()
				topic := kmsg.NewFetchRequestTopic()
				p := kmsg.NewFetchRequestPartition()
				p.PartitionMaxBytes = 1000
				topic.Topic, topic.Partitions = "orders", []kmsg.FetchRequestPartition{p}
				req.Topics, req.MaxWaitMs = append(req.Topics, topic), 0
				resp, err := kgo.Do(context.Background(), c, req)
				if err != nil || len(resp.Responses) != 1 || resp.Responses[0].Topic != "orders" || resp.Responses[0].TopicID != s.TopicID("orders") && resp.Version >= 13 {
					t.Errorf("%s: %+v, %v", release, resp, err)
				}
				if release < "3.1" {
					return
				}
				req.Topics[0].Topic, req.Topics[0].TopicID = "", s.TopicID("orders")
				resp, err = kgo.Do(context.Background(), c, req)
				if err != nil || resp.Responses[0].Topic != "orders" || resp.Responses[0].TopicID != s.TopicID("orders") {
					t.Errorf("%s, by id: %+v, %v", release, resp, err)
				}
				req.Topics[0].TopicID = kbin.UUID{9}
				if _, err = kgo.Do(context.Background(), c, req); !errors.Is(err, kmsg.UnknownTopicID) {
					t.Errorf("%s, by an id that nobody has: %v", release, err)
				}
			})
		})
	}
}

// Kafka 0.8 tells no brokers before there is a topic. What there is goes to a seed, and it is not
// asked for brokers all the time.
func TestNoBrokers(t *testing.T) {
	onStage(t, []ktest.Option{ktest.Version("0.8.2"), ktest.Brokers(2)}, func(s *stage) {
		rule := s.Fault(ktest.On(kmsg.KeyMetadata), ktest.Rewrite(func(_ kmsg.Request, resp kmsg.Response) {
			resp.(*kmsg.MetadataResponse).Brokers = nil
		}))
		s.with(nil, func(c *kgo.Client) {
			ctx := context.Background()
			if err := c.Ping(ctx); err != nil {
				t.Fatal(err)
			}
			asked := s.Requests(kmsg.KeyMetadata)
			time.Sleep(4 * time.Minute)
			if n := s.Requests(kmsg.KeyMetadata) - asked; n > 0 {
				t.Errorf("it asked %d times for brokers", n)
			}
			all := kmsg.NewMetadataRequest()
			all.Topics = nil
			if resp, err := kgo.Do(ctx, c, all); err != nil || len(resp.Brokers) != 0 {
				t.Errorf("Metadata: %+v, %v", resp, err)
			}
			for _, req := range []kmsg.Request{kmsg.NewListGroupsRequest(), kmsg.NewCreateTopicsRequest()} { // for all brokers, for the controller
				start := time.Now()
				if _, err := c.Request(ctx, req); !errors.Is(err, kmsg.UnsupportedVersion) || time.Since(start) > time.Second {
					t.Errorf("%v: %v after %v", req.APIKey(), err, time.Since(start))
				}
			}
			find := kmsg.NewFindCoordinatorRequest()
			find.Key = "billing"
			if resp, err := kgo.Do(ctx, c, find); err != nil {
				t.Errorf("FindCoordinator: %+v, %v", resp, err)
			}
			// A topic comes, and with it the brokers.
			if err := s.CreateTopic("orders", 1); err != nil {
				t.Fatal(err)
			}
			rule.Remove()
			if _, err := kgo.Do(ctx, c, offsetsRequest("orders", 0)); err != nil {
				t.Errorf("ListOffsets: %v", err)
			}
			if n := len(c.Metadata().Brokers()); n != 2 {
				t.Errorf("got %d brokers, want 2", n)
			}
		})
	})
}
