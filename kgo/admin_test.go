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

// An administrator is one of a cluster of some release.
type administrator struct {
	*testing.T
	*kgo.Admin
	client  *kgo.Client
	release string
}

var adminReleases = []string{"4.4", "4.0", "3.9", "2.8", "2.0", "1.1", "1.0", "0.11.0", "0.10.2", "0.10.1", "0.9.0", "0.8.2"}

// onReleases runs a test as the administrator of clusters of many releases.
func onReleases(t *testing.T, test func(a *administrator, s *stage), opts ...ktest.Option) {
	for _, release := range adminReleases {
		t.Run(release, func(t *testing.T) {
			all := append([]ktest.Option{ktest.Version(release), ktest.Brokers(3)}, opts...)
			onStage(t, all, func(s *stage) {
				s.with(nil, func(c *kgo.Client) { test(&administrator{s.T, c.Admin(), c, release}, s) })
			})
		})
	}
}

// has reports whether the brokers are of a release or a newer one.
func (a *administrator) has(release string) bool {
	all := kmsg.Releases()
	at := func(name string) int {
		return slices.IndexFunc(all, func(r string) bool { return r == name || strings.HasPrefix(name, r+".") })
	}
	if at(a.release) < 0 || at(release) < 0 {
		a.Fatalf("no such release: %s, %s", a.release, release)
	}
	return at(a.release) >= at(release)
}

// settles waits until something holds: brokers learn of changes a moment after the controller.
func (a *administrator) settles(what string, holds func() error) {
	a.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for {
		err := holds()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			a.Fatalf("%s: %v", what, err)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// lacks checks that an error says that brokers are too old.
func (a *administrator) lacks(what string, err error) {
	a.Helper()
	var unsupported *kgo.UnsupportedError
	if !errors.As(err, &unsupported) || !errors.Is(err, kmsg.UnsupportedVersion) {
		a.Errorf("%s: got %v, want an UnsupportedError", what, err)
	}
}

// fails checks that an error is of a code, and that the error beside it has it too.
func (a *administrator) fails(what string, err, joined error, code kmsg.ErrorCode) {
	a.Helper()
	var e *kgo.Error
	if !errors.Is(err, code) || !errors.As(err, &e) || e.Code != code || e.Written != kgo.WrittenYes {
		a.Errorf("%s: got %v, want %v", what, err, code)
	}
	if !errors.Is(joined, err) {
		a.Errorf("%s: the error is %v, without %v", what, joined, err)
	}
}

func (a *administrator) works(what string, err error) {
	a.Helper()
	if err != nil {
		a.Errorf("%s: %v", what, err)
	}
}

// topicsTask creates, describes, grows and deletes topics.
func (a *administrator) topicsTask() {
	ctx := a.Context()
	if !a.has("0.10.1") {
		_, err := a.CreateTopics(ctx, []kgo.NewTopic{{Name: "orders", Partitions: 1, ReplicationFactor: 1}})
		a.lacks("CreateTopics", err)
		_, err = a.DeleteTopics(ctx, "orders")
		a.lacks("DeleteTopics", err)
		return
	}
	created, err := a.CreateTopics(ctx, []kgo.NewTopic{
		{Name: "orders", Partitions: 4, ReplicationFactor: 1, Configs: map[string]string{"retention.ms": "3600000", "cleanup.policy": "compact"}},
		{Name: "placed", Assignment: [][]int32{{1}, {1}, {1}}},
		{Name: "or/ders", Partitions: 1, ReplicationFactor: 1},
		{Name: "many", Partitions: 1, ReplicationFactor: 99},
	})
	if len(created) != 4 {
		a.Fatalf("CreateTopics: %+v, %v", created, err)
	}
	for i, want := range []kgo.CreatedTopic{{Name: "orders", Partitions: 4, ReplicationFactor: 1}, {Name: "placed", Partitions: 3, ReplicationFactor: 1}} {
		got := created[i]
		a.works(want.Name, got.Err)
		if got.ID.IsZero() == a.has("2.8") {
			a.Errorf("%s: got id %v", want.Name, got.ID)
		}
		if (len(got.Configs) == 0) == a.has("2.4") {
			a.Errorf("%s: got configs %v", want.Name, got.Configs)
		}
		got.ID, got.Configs = kbin.UUID{}, nil
		if diff := cmp.Diff(want, got); diff != "" {
			a.Errorf("%s: got the other, want this: %s", want.Name, diff)
		}
	}
	if a.has("2.4") {
		c, ok := kgo.ResourceConfigs{Configs: created[0].Configs}.Get("cleanup.policy")
		if !ok || c.Value.S != "compact" || c.Source != kmsg.ConfigSourceDynamicTopic {
			a.Errorf("got %+v", c)
		}
	}
	a.fails("or/ders", created[2].Err, err, kmsg.InvalidTopicException)
	a.fails("many", created[3].Err, err, kmsg.InvalidReplicationFactor)
	if errors.Is(err, kmsg.TopicAlreadyExists) || created[3].Name != "many" {
		a.Errorf("got %v, %+v", err, created)
	}
	a.settles("orders", func() error {
		_, err := a.DescribeTopics(ctx, "orders", "placed")
		return err
	})
	err = a.CreateTopic(ctx, kgo.NewTopic{Name: "orders", Partitions: 4, ReplicationFactor: 1})
	a.fails("CreateTopic", err, err, kmsg.TopicAlreadyExists)

	err = a.CreateTopic(ctx, kgo.NewTopic{Name: "checked", Partitions: 2, ReplicationFactor: 1}, kgo.ValidateOnly())
	if a.has("0.10.2") {
		a.works("checked", err)
	} else {
		a.lacks("checked", err)
	}
	err = a.CreateTopic(ctx, kgo.NewTopic{Name: "open"})
	if a.has("2.4") {
		a.works("open", err)
	} else {
		a.lacks("open", err)
	}
	a.describeTask()
	a.growTask()
	deleted, err := a.DeleteTopics(ctx, "placed", "nowhere")
	if len(deleted) != 2 || deleted[0].Name != "placed" || deleted[1].Name != "nowhere" || deleted[0].ID.IsZero() == a.has("3.3") {
		a.Fatalf("DeleteTopics: %+v, %v", deleted, err)
	}
	a.works("placed", deleted[0].Err)
	a.fails("nowhere", deleted[1].Err, err, kmsg.UnknownTopicOrPartition)
	a.settles("placed", func() error { return a.gone("placed") })
}

// gone says if a topic is still there.
func (a *administrator) gone(name string) error {
	all, err := a.ListTopics(a.Context())
	if err != nil {
		return err
	}
	if slices.ContainsFunc(all, func(t kgo.DescribedTopic) bool { return t.Name == name }) {
		return fmt.Errorf("%s is there: %+v", name, all)
	}
	return nil
}

// describeTask describes topics that topicsTask created.
func (a *administrator) describeTask() {
	ctx := a.Context()
	described, err := a.DescribeTopics(ctx, "placed", "nowhere", "orders")
	if len(described) != 3 {
		a.Fatalf("DescribeTopics: %+v, %v", described, err)
	}
	a.fails("nowhere", described[1].Err, err, kmsg.UnknownTopicOrPartition)
	placed, orders := described[0], described[2]
	if placed.Name != "placed" || placed.Err != nil || placed.Internal || placed.ID.IsZero() == a.has("2.8") || len(placed.Partitions) != 3 || orders.Name != "orders" || len(orders.Partitions) != 4 {
		a.Fatalf("DescribeTopics: %+v", described)
	}
	for n, p := range placed.Partitions {
		if p.Partition != int32(n) || p.Leader != 1 || !slices.Equal(p.Replicas, []int32{1}) || !slices.Equal(p.ISR, []int32{1}) || p.Err != kmsg.None || (p.LeaderEpoch < 0) == a.has("2.1") {
			a.Errorf("got partition %+v", p)
		}
	}
	listed, err := a.ListTopics(ctx)
	a.works("ListTopics", err)
	at := slices.IndexFunc(listed, func(t kgo.DescribedTopic) bool { return t.Name == "placed" })
	if !slices.IsSortedFunc(listed, func(a, b kgo.DescribedTopic) int { return strings.Compare(a.Name, b.Name) }) || at < 0 || len(listed[at].Partitions) != 3 || slices.ContainsFunc(listed, func(t kgo.DescribedTopic) bool { return t.Name == "checked" }) {
		a.Errorf("ListTopics: %+v", listed)
	}
	byID, err := a.DescribeTopicsByID(ctx, placed.ID, kbin.UUID{15: 7})
	switch {
	case !a.has("3.1"):
		a.lacks("DescribeTopicsByID", err)
	case len(byID) != 2:
		a.Errorf("DescribeTopicsByID: %+v, %v", byID, err)
	default:
		if diff := cmp.Diff(placed, byID[0]); diff != "" {
			a.Errorf("by id it is another: %s", diff)
		}
		a.fails("unknown id", byID[1].Err, err, kmsg.UnknownTopicID)
		if byID[1].ID != (kbin.UUID{15: 7}) || byID[1].Name != "" {
			a.Errorf("got %+v", byID[1])
		}
	}
}

// growTask adds partitions to a topic that topicsTask created.
func (a *administrator) growTask() {
	ctx := a.Context()
	grow := []kgo.NewPartitions{{Topic: "orders", Count: 5}, {Topic: "placed", Count: 4, Assignment: [][]int32{{1}}}, {Topic: "nowhere", Count: 2}}
	if !a.has("1.0") {
		_, err := a.CreatePartitions(ctx, grow)
		a.lacks("CreatePartitions", err)
		return
	}
	for _, opts := range [][]kgo.ChangeOption{{kgo.ValidateOnly(), nil}, nil} {
		grown, err := a.CreatePartitions(ctx, grow, opts...)
		if len(grown) != 3 || grown[0].Name != "orders" || grown[2].Name != "nowhere" {
			a.Fatalf("CreatePartitions: %+v, %v", grown, err)
		}
		a.works("orders", grown[0].Err)
		a.works("placed", grown[1].Err)
		a.fails("nowhere", grown[2].Err, err, kmsg.UnknownTopicOrPartition)
	}
	_, err := a.CreatePartitions(ctx, []kgo.NewPartitions{{Topic: "orders", Count: 1}})
	a.fails("fewer", err, err, kmsg.InvalidPartitions)
	a.settles("placed", func() error {
		described, err := a.DescribeTopics(ctx, "orders", "placed")
		if err == nil && (len(described[0].Partitions) != 5 || len(described[1].Partitions) != 4) {
			err = fmt.Errorf("%+v", described)
		}
		return err
	})
}

// Topics are created, described, grown and deleted on every release that can.
func TestAdminTopics(t *testing.T) {
	onReleases(t, func(a *administrator, s *stage) {
		a.topicsTask()
		if !a.has("0.10.1") {
			return
		}
		want := "[open orders]"
		if !a.has("2.4") {
			want = "[orders]"
		}
		if got := fmt.Sprint(s.Topics()); got != want {
			t.Errorf("got topics %s, want %s", got, want)
		}
		if n := s.Requests(kmsg.KeyDescribeTopicPartitions); (n > 0) != a.has("3.8") {
			t.Errorf("got %d requests for eligible leaders", n)
		}
	}, ktest.Property("delete.topic.enable", "true")) // the default from 1.0 on
}

// What there is not is not asked about any further: an empty list would mean all.
func TestAdminDescribeNothing(t *testing.T) {
	onStage(t, []ktest.Option{ktest.SeedTopic("orders", 1)}, func(s *stage) {
		s.with(nil, func(c *kgo.Client) {
			a := &administrator{s.T, c.Admin(), c, "4.4"}
			all, err := a.DescribeTopics(s.Context(), "nowhere")
			a.fails("nowhere", all[0].Err, err, kmsg.UnknownTopicOrPartition)
			all, err = a.DescribeTopicsByID(s.Context(), kbin.UUID{7})
			a.fails("unknown id", all[0].Err, err, kmsg.UnknownTopicID)
			if n := s.Requests(kmsg.KeyDescribeTopicPartitions); n > 0 {
				s.Errorf("got %d requests", n)
			}
		})
	})
}

// An error of the whole answer is one of all that it says nothing about.
func TestAdminWholeAnswer(t *testing.T) {
	onPlayed(t, nil, func(b *played) {
		b.serves(kmsg.KeyMetadata, 0, 13, func(req kmsg.Request, resp kmsg.Response) {
			b.metadata(req, resp)
			if len(req.(*kmsg.MetadataRequest).Topics) > 0 {
				resp.(*kmsg.MetadataResponse).ErrorCode = kmsg.ClusterAuthorizationFailed
			}
		})
	}, func(c *kgo.Client) {
		all, err := c.Admin().DescribeTopics(context.Background(), "orders", "payments")
		if len(all) != 2 || !errors.Is(all[0].Err, kmsg.ClusterAuthorizationFailed) || all[0].Err != all[1].Err || err != all[0].Err {
			t.Errorf("got %+v, %v", all, err)
		}
	})
}

// Topics that are named by ids are those and no others.
func TestAdminDeleteTopicsByID(t *testing.T) {
	onReleases(t, func(a *administrator, s *stage) {
		id := s.TopicID("orders")
		if !a.has("2.8") {
			_, err := a.DeleteTopicsByID(a.Context(), kbin.UUID{1})
			a.lacks("DeleteTopicsByID", err)
			return
		}
		s.RecreateTopic("orders")
		deleted, err := a.DeleteTopicsByID(a.Context(), id, s.TopicID("orders"))
		if len(deleted) != 2 || deleted[0].ID != id || deleted[1].Name != "orders" || deleted[1].Err != nil {
			t.Fatalf("got %+v, %v", deleted, err)
		}
		a.fails("the old one", deleted[0].Err, err, kmsg.UnknownTopicID)
		if len(s.Topics()) > 0 {
			t.Errorf("got %v, want no topics", s.Topics())
		}
	}, ktest.SeedTopic("orders", 1))
}

// Nothing is asked for nothing: an empty list never means all.
func TestAdminNothing(t *testing.T) {
	onStage(t, []ktest.Option{ktest.SeedTopic("orders", 1)}, func(s *stage) {
		s.with(nil, func(c *kgo.Client) {
			a, ctx := c.Admin(), s.Context()
			for name, do := range map[string]func() (int, error){
				"CreateTopics":     func() (int, error) { all, err := a.CreateTopics(ctx, nil); return len(all), err },
				"DeleteTopics":     func() (int, error) { all, err := a.DeleteTopics(ctx); return len(all), err },
				"DeleteTopicsByID": func() (int, error) { all, err := a.DeleteTopicsByID(ctx); return len(all), err },
				"CreatePartitions": func() (int, error) { all, err := a.CreatePartitions(ctx, nil); return len(all), err },
				"DescribeTopics":   func() (int, error) { all, err := a.DescribeTopics(ctx); return len(all), err },
				"DescribeConfigs":  func() (int, error) { all, err := a.DescribeConfigs(ctx, nil); return len(all), err },
				"AlterConfigs":     func() (int, error) { all, err := a.AlterConfigs(ctx, nil); return len(all), err },
				"ListOffsets":      func() (int, error) { all, err := a.ListOffsets(ctx, kmsg.TimestampLatest, nil); return len(all), err },
				"DeleteRecords":    func() (int, error) { all, err := a.DeleteRecords(ctx, nil); return len(all), err },
				"UpdateFeatures":   func() (int, error) { return 0, a.UpdateFeatures(ctx, nil) },
			} {
				if n, err := do(); n != 0 || err != nil {
					t.Errorf("%s: got %d results, %v", name, n, err)
				}
			}
			if n := s.Requests(kmsg.KeyMetadata); n != 0 {
				t.Errorf("got %d requests", n)
			}
		})
	})
}

// What cannot be asked at all has no results: the client is closed, or the time is up.
func TestAdminNotAsked(t *testing.T) {
	onStage(t, nil, func(s *stage) {
		c := s.client()
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		check := func(ctx context.Context, want error) {
			a := c.Admin()
			if all, err := a.ListTopics(ctx); all != nil || !errors.Is(err, want) {
				t.Errorf("ListTopics: got %v, %v, want %v", all, err, want)
			}
			if all, err := a.CreateTopics(ctx, []kgo.NewTopic{{Name: "orders"}}); all != nil || !errors.Is(err, want) {
				t.Errorf("CreateTopics: got %v, %v, want %v", all, err, want)
			}
			if d, err := a.DescribeCluster(ctx); len(d.Brokers) > 0 || d.Controller != -1 || !errors.Is(err, want) {
				t.Errorf("DescribeCluster: got %v, %v, want %v", d, err, want)
			}
			if all, err := a.DescribeFeatures(ctx); all != nil || !errors.Is(err, want) {
				t.Errorf("DescribeFeatures: got %v, %v, want %v", all, err, want)
			}
		}
		check(ctx, context.Canceled)
		s.end(c)
		check(context.Background(), kgo.ErrClosed)
	})
}
