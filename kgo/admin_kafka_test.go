//go:build kafka

package kgo_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/franzi-kafka/franzi/internal/kafkatest"
	"github.com/franzi-kafka/franzi/kbin"
	"github.com/franzi-kafka/franzi/kgo"
	"github.com/franzi-kafka/franzi/kmsg"
)

// Real brokers of all eras are administered as those in memory are.
func TestAdminOnKafka(t *testing.T) {
	for _, release := range kafkatest.Eras() {
		t.Run(release, func(t *testing.T) {
			cluster := kafkatest.New(t, kafkatest.Options{Version: release, Properties: map[string]string{
				"delete.topic.enable":      "true", // the default from 1.0 on
				"log.index.interval.bytes": "8192", // topics have it from there, and it stays the brokers'
			}})
			c, err := kgo.NewClient(kgo.SeedBrokers(cluster.Addrs()...))
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			a := &administrator{t, c.Admin(), c, release}
			t.Run("topics", func(t *testing.T) { a.in(t).topicsTask() })
			t.Run("configs", func(t *testing.T) { a.in(t).configsOnKafka() })
			t.Run("offsets", func(t *testing.T) { a.in(t).offsetsOnKafka() })
			t.Run("cluster", func(t *testing.T) { a.in(t).clusterOnKafka() })
		})
	}
}

// in is the administrator in another test.
func (a *administrator) in(t *testing.T) *administrator {
	return &administrator{t, a.Admin, a.client, a.release}
}

// fresh creates a topic anew; topicsTask has left one.
func (a *administrator) fresh(topic kgo.NewTopic) {
	a.Helper()
	ctx := a.Context()
	if !a.has("0.10.1") { // asking is the only way
		req := kmsg.NewMetadataRequest()
		req.Topics = []kmsg.MetadataRequestTopic{{Name: kbin.Str(topic.Name)}}
		a.settles(topic.Name, func() error {
			_, err := kgo.Do(ctx, a.client, req)
			return err
		})
		return
	}
	if all, err := a.DescribeTopics(ctx, topic.Name); err == nil && len(all[0].Partitions) > 0 {
		if _, err := a.DeleteTopics(ctx, topic.Name); err != nil {
			a.Fatal(err)
		}
		a.settles(topic.Name, func() error { return a.gone(topic.Name) })
	}
	topic.ReplicationFactor = 1
	a.settles(topic.Name, func() error { return a.CreateTopic(ctx, topic) })
	a.settles(topic.Name, func() error {
		_, err := a.ListOffsets(ctx, kmsg.TimestampLatest, map[string][]int32{topic.Name: nil})
		return err
	})
}

func (a *administrator) configsOnKafka() {
	if a.has("0.10.1") {
		a.fresh(kgo.NewTopic{Name: "orders", Partitions: 1, Configs: map[string]string{"retention.ms": "3600000"}})
	}
	a.describeConfigsTask("1")
	a.alterConfigsTask()
	a.alterBrokerTask("1")
	for since, r := range map[string]kgo.ConfigResource{
		"2.4": {Type: kmsg.ConfigResourceBrokerLogger, Name: "1"}, "4.0": {Type: kmsg.ConfigResourceGroup, Name: "g"},
		"3.7": {Type: kmsg.ConfigResourceClientMetrics, Name: "latency"},
	} {
		set := map[kmsg.ConfigResourceType][2]string{
			kmsg.ConfigResourceBrokerLogger: {"kafka.server.KafkaApis", "WARN"}, kmsg.ConfigResourceGroup: {"consumer.session.timeout.ms", "50000"},
			kmsg.ConfigResourceClientMetrics: {"interval.ms", "60000"},
		}[r.Type]
		if !a.has(since) || r.Type == kmsg.ConfigResourceClientMetrics && !a.has("4.0") { // 3.9 takes them with a receiver only
			continue
		}
		_, err := a.AlterConfigs(a.Context(), []kgo.ConfigChange{{Resource: r, Set: map[string]string{set[0]: set[1]}}})
		a.works(r.String(), err)
		a.settles(r.String(), func() error {
			all, err := a.DescribeConfigs(a.Context(), []kgo.ConfigResource{r})
			if err != nil {
				return err
			}
			if c, ok := all[0].Get(set[0]); !ok || c.Value.S != set[1] {
				return &kgo.Error{Op: r.String()}
			}
			return nil
		})
	}
	if a.has("4.1") {
		for _, types := range [][]kmsg.ConfigResourceType{nil, {kmsg.ConfigResourceTopic}, {kmsg.ConfigResourceClientMetrics}} {
			all, err := a.ListConfigResources(a.Context(), types...)
			if err != nil || len(all) == 0 {
				a.Errorf("ListConfigResources: %+v, %v", all, err)
			}
		}
	}
}

func (a *administrator) offsetsOnKafka() {
	a.fresh(kgo.NewTopic{Name: "orders", Partitions: 2})
	a.fresh(kgo.NewTopic{Name: "payments", Partitions: 1})
	p, err := a.client.NewProducer(kgo.Partitioning(kgo.ManualPartitioner()))
	if err != nil {
		a.Fatal(err)
	}
	defer p.Close()
	first := time.Now().Add(-time.Hour).Truncate(time.Millisecond)
	for n := range 5 {
		r := &kgo.Record{Topic: "orders", Partition: 1, Timestamp: first.Add(time.Duration(n) * time.Second), Value: []byte("v")}
		if _, err := p.ProduceSync(context.Background(), r); err != nil {
			a.Fatal(err)
		}
	}
	if !a.has("0.10.1") {
		if got := a.offsets(kmsg.TimestampLatest, map[string][]int32{"orders": nil}); got != "orders/0=0 orders/1=5 orders/2=0 " {
			a.Errorf("got %s", got)
		}
		return
	}
	a.offsetsTask(first, first.Add(1500*time.Millisecond))
	a.deleteRecordsTask()
}

func (a *administrator) clusterOnKafka() {
	ctx := a.Context()
	d, err := a.DescribeCluster(ctx)
	if err != nil || len(d.Brokers) != 1 || d.Brokers[0].ID != 1 || d.Brokers[0].Fenced || (d.ID == "") == a.has("0.10.1") || (d.Controller != 1) == a.has("0.10.0") {
		a.Errorf("DescribeCluster: %+v, %v", d, err)
	}
	features, err := a.DescribeFeatures(ctx)
	if err != nil || (len(features) > 0) != a.has("3.9") {
		a.Errorf("DescribeFeatures: %+v, %v", features, err)
	}
	q, err := a.DescribeQuorum(ctx)
	if !a.has("3.9") {
		a.lacks("DescribeQuorum", err)
		return
	}
	if err != nil || q.Leader != 1 || len(q.Voters) != 1 || q.Voters[0].LogEndOffset <= 0 || time.Since(q.Voters[0].LastCaughtUp) > time.Hour || len(q.Voters[0].Listeners) == 0 {
		a.Errorf("DescribeQuorum: %+v, %v", q, err)
	}
	for _, f := range features {
		if f.Name == "metadata.version" && (f.Level <= 0 || f.Supported.Max < f.Level) {
			a.Errorf("got %+v", f)
		}
		if f.Name == "metadata.version" {
			a.works("to where it is", a.UpdateFeatures(ctx, []kgo.FeatureUpdate{{Name: f.Name, Level: f.Level}}, kgo.ValidateOnly()))
		}
	}
	err = a.UpdateFeatures(ctx, []kgo.FeatureUpdate{{Name: "no.such.feature", Level: 1}}, kgo.ValidateOnly())
	if err == nil {
		a.Error("a feature that there is not was updated")
	}
}

// What belongs to several brokers is asked of each, and one that is dead is told apart.
func TestAdminOnThreeBrokers(t *testing.T) {
	cluster := kafkatest.New(t, kafkatest.Options{Version: kafkatest.Newest(), Nodes: 3, SeparateController: true})
	c, err := kgo.NewClient(kgo.SeedBrokers(cluster.Addrs()...))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	a, ctx := &administrator{t, c.Admin(), c, kafkatest.Newest()}, t.Context()
	d, err := a.DescribeCluster(ctx)
	if err != nil || len(d.Brokers) != 3 {
		t.Fatalf("DescribeCluster: %+v, %v", d, err)
	}
	a.works("orders", a.CreateTopic(ctx, kgo.NewTopic{Name: "orders", Partitions: 12, ReplicationFactor: 3}))
	a.settles("offsets", func() error {
		all, err := a.ListOffsets(ctx, kmsg.TimestampLatest, map[string][]int32{"orders": nil})
		if err == nil && len(all) != 12 {
			err = fmt.Errorf("%+v", all)
		}
		return err
	})
	var records []kgo.RecordsToDelete
	for n := range int32(12) {
		records = append(records, kgo.RecordsToDelete{Topic: "orders", Partition: n, Before: kgo.HighWatermark})
	}
	_, err = a.DeleteRecords(ctx, records)
	a.works("DeleteRecords", err)
	var brokers, loggers []kgo.ConfigResource
	var changes []kgo.ConfigChange
	for _, b := range d.Brokers {
		id := fmt.Sprint(b.ID)
		brokers = append(brokers, brokerConfigs(id))
		loggers = append(loggers, kgo.ConfigResource{Type: kmsg.ConfigResourceBrokerLogger, Name: id})
		changes = append(changes, kgo.ConfigChange{Resource: brokerConfigs(id), Set: map[string]string{"log.retention.ms": "500000" + id}},
			kgo.ConfigChange{Resource: loggers[len(loggers)-1], Set: map[string]string{"kafka.server.KafkaApis": "WARN"}})
	}
	_, err = a.AlterConfigs(ctx, changes)
	a.works("AlterConfigs", err)
	a.settles("configs", func() error {
		all, err := a.DescribeConfigs(ctx, append(brokers, loggers...))
		if err != nil {
			return err
		}
		for i, r := range all {
			if c, _ := r.Get("log.retention.ms"); i < 3 && c.Value.S != "500000"+r.Resource.Name {
				return fmt.Errorf("%v has %+v", r.Resource, c)
			}
			if c, _ := r.Get("kafka.server.KafkaApis"); i >= 3 && c.Value.S != "WARN" {
				return fmt.Errorf("%v has %+v", r.Resource, c)
			}
		}
		return nil
	})
	features, err := a.DescribeFeatures(ctx)
	if err != nil || len(features) == 0 || len(features[0].Brokers) != 3 {
		t.Errorf("DescribeFeatures: %+v, %v", features, err)
	}
	q, err := a.DescribeQuorum(ctx)
	if err != nil || len(q.Voters) != 1 || len(q.Observers) != 3 {
		t.Errorf("DescribeQuorum: %+v, %v", q, err)
	}

	dead := d.Brokers[2].ID
	if err := cluster.Node(dead).Kill(); err != nil {
		t.Fatal(err)
	}
	a.settles("one is fenced", func() error {
		d, err := a.DescribeCluster(ctx)
		if err == nil && (len(d.Brokers) != 3 || !d.Brokers[2].Fenced || d.Brokers[2].ID != dead || d.Brokers[0].Fenced) {
			err = fmt.Errorf("%+v", d)
		}
		return err
	})
	a.settles("the others lead", func() error {
		_, err := a.ListOffsets(ctx, kmsg.TimestampLatest, map[string][]int32{"orders": nil})
		return err
	})
	short, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	all, err := a.DescribeConfigs(short, brokers)
	if len(all) != 3 || all[0].Err != nil || all[1].Err != nil || all[2].Err == nil || !errors.Is(err, all[2].Err) {
		t.Errorf("configs of a dead broker: %v", err)
	}
}
