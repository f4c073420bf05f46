package kgo_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/franzi-kafka/franzi/kbin"
	"github.com/franzi-kafka/franzi/kgo"
	"github.com/franzi-kafka/franzi/kgo/ktest"
	"github.com/franzi-kafka/franzi/kmsg"
)

// The cluster is described on every release, with as much as it tells.
func TestAdminDescribeCluster(t *testing.T) {
	onReleases(t, func(a *administrator, s *stage) {
		d, err := a.DescribeCluster(a.Context())
		if err != nil || len(d.Brokers) != 3 {
			t.Fatalf("got %+v, %v", d, err)
		}
		if (d.ID == s.ClusterID()) != a.has("0.10.1") || (d.Controller > 0) != a.has("0.10.0") {
			t.Errorf("got %+v", d)
		}
		for i, b := range d.Brokers {
			rack := ""
			if a.has("0.10.0") {
				rack = []string{"a", "b", "c"}[i]
			}
			if want := (kgo.DescribedBroker{BrokerInfo: kgo.BrokerInfo{ID: int32(i + 1), Addr: s.Addrs()[i], Rack: rack}}); b != want {
				t.Errorf("got %+v, want %+v", b, want)
			}
		}
		if n := s.Requests(kmsg.KeyDescribeCluster); (n > 0) != a.has("2.8") {
			t.Errorf("got %d requests for it", n)
		}
		s.Kill(3)
		time.Sleep(10 * time.Second) // of virtual time, until the others have noticed
		d, err = a.DescribeCluster(a.Context())
		switch {
		case err != nil:
			t.Error(err)
		case a.has("4.0"):
			if len(d.Brokers) != 3 || !d.Brokers[2].Fenced || d.Brokers[0].Fenced {
				t.Errorf("one is dead: got %+v", d.Brokers)
			}
		case len(d.Brokers) != 2:
			t.Errorf("one is dead: got %+v", d.Brokers)
		}
	}, ktest.Racks("a", "b", "c"), ktest.SeedTopic("orders", 1))
}

// Features are what the brokers have in common, and on is what the newest word says.
func TestAdminDescribeFeatures(t *testing.T) {
	onStage(t, []ktest.Option{ktest.Brokers(3)}, func(s *stage) {
		for id, features := range map[int32]string{1: "alpha 1 4, beta 0 1, gone 1 1", 2: "alpha 2 5, beta 0 2, gone 2 3", 3: "alpha 1 3"} {
			s.Fault(ktest.On(kmsg.KeyAPIVersions).Broker(id), ktest.Rewrite(func(_ kmsg.Request, resp kmsg.Response) {
				r := resp.(*kmsg.APIVersionsResponse)
				r.SupportedFeatures, r.FinalizedFeatures, r.FinalizedFeaturesEpoch = nil, nil, int64(10-id)
				for text := range strings.SplitSeq(features, ", ") {
					var f kmsg.APIVersionsResponseSupportedFeatureKey
					if _, err := fmt.Sscan(text, &f.Name, &f.MinVersion, &f.MaxVersion); err != nil {
						panic(err)
					}
					r.SupportedFeatures = append(r.SupportedFeatures, f)
				}
				if id < 3 {
					r.FinalizedFeatures = []kmsg.APIVersionsResponseFinalizedFeatureKey{{Name: "alpha", MaxVersionLevel: int16(4 - id), MinVersionLevel: 1}}
				}
			}))
		}
		s.with(nil, func(c *kgo.Client) {
			all, err := c.Admin().DescribeFeatures(s.Context())
			want := []kgo.Feature{
				{Name: "alpha", Level: 3, Supported: kgo.FeatureRange{Min: 2, Max: 3}, Brokers: map[int32]kgo.FeatureRange{1: {1, 4}, 2: {2, 5}, 3: {1, 3}}},
				{Name: "beta", Supported: kgo.FeatureRange{Max: 1}, Brokers: map[int32]kgo.FeatureRange{1: {0, 1}, 2: {0, 2}}},
				{Name: "gone", Supported: kgo.FeatureRange{Min: 2, Max: 1}, Brokers: map[int32]kgo.FeatureRange{1: {1, 1}, 2: {2, 3}}},
			}
			if diff := cmp.Diff(want, all); diff != "" || err != nil {
				s.Errorf("got the other, want this: %s, %v", diff, err)
			}
			s.Fault(ktest.On(kmsg.KeyAPIVersions).Broker(3), ktest.Stall())
			ctx, cancel := context.WithTimeout(s.Context(), time.Second)
			defer cancel()
			all, err = c.Admin().DescribeFeatures(ctx)
			if len(all) != 3 || all[0].Supported != (kgo.FeatureRange{Min: 2, Max: 4}) || !errors.Is(err, context.DeadlineExceeded) {
				s.Errorf("one does not answer: got %+v, %v", all, err)
			}
		})
	})
	onReleases(t, func(a *administrator, _ *stage) {
		all, err := a.DescribeFeatures(a.Context())
		if err != nil || (len(all) > 0) != a.has("3.3") {
			a.Errorf("got %+v, %v", all, err)
		}
	}, ktest.SeedTopic("orders", 1))
}

// Old brokers know one way down, new ones two.
func TestAdminUpdateFeatures(t *testing.T) {
	type update = kgo.FeatureUpdate
	for _, tt := range []struct {
		name    string
		version int16
		updates []kgo.FeatureUpdate
		opts    []kgo.ChangeOption
		want    string // what the broker is asked, or ""
		err     string
	}{
		{name: "up", version: 2, updates: []update{{Name: "a", Level: 3}}, want: "v2 a=3 Upgrade allow=false check=false"},
		{name: "up, long ago", version: 0, updates: []update{{Name: "a", Level: 3}}, want: "v0 a=3 Upgrade allow=false check=false"},
		{name: "down", version: 1, updates: []update{{Name: "a", Level: 1, UpgradeType: kmsg.FeatureUpgradeTypeUnsafeDowngrade}}, want: "v1 a=1 UnsafeDowngrade allow=false check=false"},
		{name: "down, long ago", version: 0, updates: []update{{Name: "a", Level: 1, UpgradeType: kmsg.FeatureUpgradeTypeSafeDowngrade}, {Name: "b", Level: 2}}, want: "v0 a=1 Upgrade allow=true check=false b=2 Upgrade allow=false check=false"},
		{name: "checked", version: 2, updates: []update{{Name: "a", Level: 3}}, opts: []kgo.ChangeOption{kgo.ValidateOnly()}, want: "v2 a=3 Upgrade allow=false check=true"},
		{name: "checked, long ago", version: 0, updates: []update{{Name: "a", Level: 0, UpgradeType: kmsg.FeatureUpgradeTypeSafeDowngrade}}, opts: []kgo.ChangeOption{kgo.ValidateOnly()}, err: "since Kafka 3.3"},
		{name: "refused as a whole", version: 2, updates: []update{{Name: "bad", Level: 3}}, want: "v2 bad=3 Upgrade allow=false check=false", err: `INVALID_UPDATE_VERSION: the broker says "no"`},
		{name: "refused alone", version: 1, updates: []update{{Name: "good", Level: 3}, {Name: "bad", Level: 3}}, want: "v1 good=3 Upgrade allow=false check=false bad=3 Upgrade allow=false check=false", err: `UpdateFeatures "bad" on broker 1 (broker:9092): INVALID_UPDATE_VERSION: the broker says "no"`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			asked := ""
			onPlayed(t, nil, func(b *played) {
				b.serves(kmsg.KeyUpdateFeatures, 0, tt.version, func(req kmsg.Request, resp kmsg.Response) {
					q, r := req.(*kmsg.UpdateFeaturesRequest), resp.(*kmsg.UpdateFeaturesResponse)
					asked += fmt.Sprintf("v%d", q.Version)
					for _, u := range q.FeatureUpdates {
						asked += fmt.Sprintf(" %s=%d %v allow=%t check=%t", u.Feature, u.MaxVersionLevel, u.UpgradeType, u.AllowDowngrade, q.ValidateOnly)
						one := kmsg.UpdateFeaturesResponseUpdatableFeatureResult{Feature: u.Feature}
						if u.Feature == "bad" {
							one.ErrorCode, one.ErrorMessage = kmsg.InvalidUpdateVersion, kbin.Str("no")
							if q.Version >= 2 {
								r.ErrorCode, r.ErrorMessage = one.ErrorCode, one.ErrorMessage
							}
						}
						r.Results = append(r.Results, one)
					}
				})
			}, func(c *kgo.Client) {
				err := c.Admin().UpdateFeatures(context.Background(), tt.updates, tt.opts...)
				if got := fmt.Sprint(err); tt.err == "" && err != nil || !strings.Contains(got, tt.err) {
					t.Errorf("got %s, want %q", got, tt.err)
				}
			})
			if asked != tt.want {
				t.Errorf("got %q, want %q", asked, tt.want)
			}
		})
	}
}

// The quorum is told with all that brokers know of it.
func TestAdminDescribeQuorum(t *testing.T) {
	answer := func(version int16, fill func(*kmsg.DescribeQuorumResponse)) (q kgo.Quorum, err error) {
		onPlayed(t, nil, func(b *played) {
			b.serves(kmsg.KeyDescribeQuorum, 0, version, func(req kmsg.Request, resp kmsg.Response) {
				topics := req.(*kmsg.DescribeQuorumRequest).Topics
				if len(topics) != 1 || topics[0].TopicName != "__cluster_metadata" || len(topics[0].Partitions) != 1 || topics[0].Partitions[0].PartitionIndex != 0 {
					t.Errorf("it is asked for %+v", topics)
				}
				fill(resp.(*kmsg.DescribeQuorumResponse))
			})
		}, func(c *kgo.Client) { q, err = c.Admin().DescribeQuorum(context.Background()) })
		return q, err
	}
	full := func(r *kmsg.DescribeQuorumResponse) {
		r.Topics = []kmsg.DescribeQuorumResponseTopicData{{TopicName: "__cluster_metadata", Partitions: []kmsg.DescribeQuorumResponsePartitionData{{
			LeaderID: 7, LeaderEpoch: 3, HighWatermark: 99,
			CurrentVoters: []kmsg.DescribeQuorumResponseReplicaState{{ReplicaID: 7, ReplicaDirectoryID: kbin.UUID{1}, LogEndOffset: 100, LastFetchTimestamp: -1, LastCaughtUpTimestamp: 1000}},
			Observers:     []kmsg.DescribeQuorumResponseReplicaState{{ReplicaID: 1, LogEndOffset: 98, LastFetchTimestamp: 2000, LastCaughtUpTimestamp: -1}},
		}}}}
		r.Nodes = []kmsg.DescribeQuorumResponseNode{{NodeID: 7, Listeners: []kmsg.DescribeQuorumResponseListener{{Name: "CONTROLLER", Host: "::1", Port: 9093}}}}
	}
	want := kgo.Quorum{Leader: 7, Epoch: 3, HighWatermark: 99,
		Voters:    []kgo.QuorumReplica{{ID: 7, DirectoryID: kbin.UUID{1}, LogEndOffset: 100, LastCaughtUp: time.UnixMilli(1000), Listeners: []kgo.QuorumListener{{"CONTROLLER", "[::1]:9093"}}}},
		Observers: []kgo.QuorumReplica{{ID: 1, LogEndOffset: 98, LastFetch: time.UnixMilli(2000)}},
	}
	if got, err := answer(2, full); err != nil || !cmp.Equal(want, got) {
		t.Errorf("got the other, want this: %s, %v", cmp.Diff(want, got), err)
	}
	if _, err := answer(2, func(*kmsg.DescribeQuorumResponse) {}); err == nil || !strings.Contains(err.Error(), "says nothing about it") {
		t.Errorf("an empty answer: got %v", err)
	}
	if q, err := answer(2, func(r *kmsg.DescribeQuorumResponse) { r.ErrorCode = kmsg.ClusterAuthorizationFailed }); !errors.Is(err, kmsg.ClusterAuthorizationFailed) || q.Leader != -1 {
		t.Errorf("who may not: got %+v, %v", q, err)
	}
	if _, err := answer(2, func(r *kmsg.DescribeQuorumResponse) {
		full(r)
		r.Topics[0].Partitions[0].ErrorCode = kmsg.UnknownTopicOrPartition
	}); !errors.Is(err, kmsg.UnknownTopicOrPartition) {
		t.Errorf("no such partition: got %v", err)
	}
	onReleases(t, func(a *administrator, _ *stage) {
		_, err := a.DescribeQuorum(a.Context())
		a.lacks("DescribeQuorum", err)
	}, ktest.SeedTopic("orders", 1))
}

// What Metadata does not tell comes in pages, of which each is asked for once.
func TestAdminEligibleLeaders(t *testing.T) {
	pages := 0
	onPlayed(t, nil, func(b *played) {
		id := kbin.UUID{1}
		b.serves(kmsg.KeyMetadata, 0, 12, func(req kmsg.Request, resp kmsg.Response) {
			b.metadata(req, resp)
			for _, asked := range req.(*kmsg.MetadataRequest).Topics {
				m := kmsg.MetadataResponseTopic{Name: asked.Name, TopicID: id}
				for n := range int32(5) {
					m.Partitions = append(m.Partitions, kmsg.MetadataResponsePartition{PartitionIndex: 4 - n, LeaderID: 1})
				}
				resp.(*kmsg.MetadataResponse).Topics = append(resp.(*kmsg.MetadataResponse).Topics, m)
			}
		})
		b.serves(kmsg.KeyDescribeTopicPartitions, 0, 0, func(req kmsg.Request, resp kmsg.Response) {
			q, r := req.(*kmsg.DescribeTopicPartitionsRequest), resp.(*kmsg.DescribeTopicPartitionsResponse)
			pages++
			topic, first := "a", int32(0)
			if q.Cursor != nil {
				topic, first = q.Cursor.TopicName, q.Cursor.PartitionIndex
			}
			tp := kmsg.DescribeTopicPartitionsResponseTopic{Name: kbin.Str(topic), TopicID: id}
			if topic == "recreated" {
				tp.TopicID = kbin.UUID{2}
			}
			for n := first; n < min(first+2, 6); n++ { // one more than Metadata knows
				tp.Partitions = append(tp.Partitions, kmsg.DescribeTopicPartitionsResponsePartition{PartitionIndex: n, EligibleLeaderReplicas: []int32{n}, LastKnownELR: []int32{n, 9}})
			}
			r.Topics = append(r.Topics, tp)
			switch {
			case first+2 < 6:
				r.NextCursor = &kmsg.DescribeTopicPartitionsResponseCursor{TopicName: topic, PartitionIndex: first + 2}
			case topic == "a":
				r.NextCursor = &kmsg.DescribeTopicPartitionsResponseCursor{TopicName: "recreated"}
			default:
				r.NextCursor = &kmsg.DescribeTopicPartitionsResponseCursor{TopicName: topic, PartitionIndex: first} // for ever
			}
		})
	}, func(c *kgo.Client) {
		all, err := c.Admin().DescribeTopics(context.Background(), "a", "recreated", "a")
		if err != nil || len(all) != 3 || !cmp.Equal(all[0], all[2]) {
			t.Fatalf("got %+v, %v", all, err)
		}
		for n, p := range all[0].Partitions {
			if p.Partition != int32(n) || !slices.Equal(p.EligibleLeaders, []int32{p.Partition}) || !slices.Equal(p.LastKnownEligibleLeaders, []int32{p.Partition, 9}) {
				t.Errorf("got %+v", p)
			}
			if q := all[1].Partitions[n]; q.EligibleLeaders != nil {
				t.Errorf("got %+v of a topic with another id", q)
			}
		}
	})
	if pages != 6 {
		t.Errorf("got %d pages, want 3 of each topic", pages)
	}
}

// An answer that leaves out what was asked for is no success.
func TestAdminNotTold(t *testing.T) {
	onPlayed(t, nil, func(b *played) {
		nothing := func(kmsg.Request, kmsg.Response) {}
		b.serves(kmsg.KeyCreateTopics, 0, 7, nothing)
		b.serves(kmsg.KeyDescribeConfigs, 0, 4, nothing)
		b.serves(kmsg.KeyIncrementalAlterConfigs, 0, 1, nothing)
	}, func(c *kgo.Client) {
		a, ctx := c.Admin(), context.Background()
		check := func(what string, err, joined error) {
			var e *kgo.Error
			if !errors.As(err, &e) || joined == nil || !errors.Is(joined, err) {
				t.Errorf("%s: got %v, %v", what, err, joined)
			}
		}
		created, err := a.CreateTopics(ctx, []kgo.NewTopic{{Name: "orders"}})
		check("CreateTopics", created[0].Err, err)
		described, err := a.DescribeTopics(ctx, "orders")
		check("DescribeTopics", described[0].Err, err)
		configs, err := a.DescribeConfigs(ctx, []kgo.ConfigResource{topicConfigs("orders")})
		check("DescribeConfigs", configs[0].Err, err)
		altered, err := a.AlterConfigs(ctx, []kgo.ConfigChange{{Resource: topicConfigs("orders")}})
		check("AlterConfigs", altered[0].Err, err)
	})
}

// A part that cannot be reached fails by itself, and what it lacks is told with its results.
func TestAdminParts(t *testing.T) {
	onStage(t, []ktest.Option{ktest.Brokers(3), ktest.SeedTopic("orders", 3, ktest.Replicas(1))}, func(s *stage) {
		s.with(nil, func(c *kgo.Client) {
			ctx, cancel := context.WithTimeout(s.Context(), 5*time.Second)
			defer cancel()
			if err := c.Ping(ctx); err != nil {
				s.Fatal(err)
			}
			dead := s.Partitions("orders")[1].Leader
			s.Pause(dead)
			all, err := c.Admin().ListOffsets(ctx, kmsg.TimestampLatest, map[string][]int32{"orders": {0, 1, 2}})
			if len(all) != 3 || err == nil {
				s.Fatalf("got %+v, %v", all, err)
			}
			for n, o := range all {
				if (o.Err != nil) != (n == 1) || o.Partition != int32(n) || (o.Offset == 0) != (n != 1) {
					s.Errorf("got %+v", o)
				}
			}
			if !errors.Is(err, all[1].Err) {
				s.Errorf("got %v, want %v in it", err, all[1].Err)
			}
			s.Continue(dead)
		})
	})
}
