package ktest_test

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/franzi-kafka/franzi/kgo/ktest"
	"github.com/franzi-kafka/franzi/kmsg"
)

// A failing test is what a cluster ends when it is asked for what cannot be.
type failing struct {
	testing.TB
	said string
}

func (f *failing) Fatalf(format string, args ...any) {
	f.said = fmt.Sprintf(format, args...)
	runtime.Goexit()
}

// ends returns what a test is told at its end, "" if it goes on.
func ends(t *testing.T, test func(ktest.TB)) string {
	f := &failing{TB: t}
	done := make(chan struct{})
	go func() {
		defer close(done)
		test(f)
	}()
	<-done
	return f.said
}

// A version is one from 0.8.2 on, and the error says which there are.
func TestVersions(t *testing.T) {
	for _, v := range []string{"0.8.0", "0.8.1", "0.8", "0.8.1.1", "4", "99.0", "two"} {
		got := ends(t, func(tb ktest.TB) { ktest.NewCluster(tb, ktest.Version(v)) })
		if !strings.Contains(got, fmt.Sprintf("%q", v)) || !strings.HasSuffix(got, " one of "+strings.Join(ktest.Releases(), ", ")) {
			t.Errorf("version %s: got %q, want all that there are", v, got)
		}
	}
	all := kmsg.Releases()
	if got, want := ktest.Releases(), all[slices.Index(all, "0.8.2"):]; !slices.Equal(got, want) {
		t.Errorf("got the releases %v, want %v", got, want)
	}
	for _, v := range []string{"", "0.8.2", "0.8.2.2", "2.8", "2.8.2", "4.4.0"} {
		ktest.NewCluster(t, ktest.Version(v))
	}
}

// What cannot be ends the test, and nothing else.
func TestMistakesEndTheTest(t *testing.T) {
	for _, test := range []struct {
		name string
		do   func(*ktest.Cluster)
		want string
	}{
		{"no such topic", func(c *ktest.Cluster) { c.RecreateTopic("orders") }, `there is no topic "orders"`},
		{"no such topic to grow", func(c *ktest.Cluster) { c.GrowTopic("orders", 5) }, `there is no topic "orders"`},
		{"fewer partitions", func(c *ktest.Cluster) { c.GrowTopic("topic", 1) }, "the topic has 2 partitions and cannot get to 1"},
		{"one broker for three replicas", func(c *ktest.Cluster) { c.Stop(1); c.Stop(2); c.GrowTopic("topic", 5) }, "3 replicas where 1 brokers are alive"},
		{"two brokers for three replicas", func(c *ktest.Cluster) { c.Stop(2); c.GrowTopic("topic", 5) }, "3 replicas where 2 brokers are alive"},
		{"no brokers", func(c *ktest.Cluster) { c.Stop(1); c.Stop(2); c.Stop(3); c.GrowTopic("topic", 5) }, "3 replicas where 0 brokers are alive"},
		{"no such broker", func(c *ktest.Cluster) { c.Refuse(7, true) }, "there is no broker 7"},
		{"no such partition", func(c *ktest.Cluster) { c.Log("topic", 2) }, "there is no partition topic[2]"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var cluster *ktest.Cluster
			got := ends(t, func(tb ktest.TB) {
				cluster = ktest.NewCluster(tb, ktest.Brokers(3), ktest.SeedTopic("topic", 2))
				test.do(cluster)
			})
			if !strings.Contains(got, test.want) {
				t.Errorf("got %q, want %q", got, test.want)
			}
			if n := len(cluster.Partitions("topic")); n != 2 { // and it can still be asked
				t.Errorf("got %d partitions, want 2", n)
			}
		})
	}
}

// A topic made anew has the replicas that it had, whichever brokers are there, and new partitions
// have as many, each on another broker.
func TestTopicsWhileBrokersAreGone(t *testing.T) {
	cluster := ktest.NewCluster(t, ktest.Brokers(3), ktest.SeedTopic("topic", 2))
	cluster.Stop(1)
	cluster.Stop(2)
	cluster.RecreateTopic("topic")
	for i, p := range cluster.Partitions("topic") {
		if p.Leader != 3 || !slices.Equal(p.ISR, []int32{3}) || len(p.Replicas) != 3 {
			t.Errorf("partition %d: got %+v, want 3 replicas of which broker 3 leads", i, p)
		}
	}
	for _, id := range []int32{1, 2} {
		if err := cluster.Start(id); err != nil {
			t.Fatal(err)
		}
	}
	cluster.GrowTopic("topic", 6)
	partitions := cluster.Partitions("topic")
	if len(partitions) != 6 {
		t.Errorf("got %d partitions, want 6", len(partitions))
	}
	for i, p := range partitions {
		if slices.Sort(p.Replicas); !slices.Equal(p.Replicas, []int32{1, 2, 3}) || len(p.ISR) != 3 {
			t.Errorf("partition %d: got %+v, want 3 replicas in sync", i, p)
		}
	}
}

// Records are lost by batches: the log ends where the one began that was cut, whichever it is.
func TestLoseWithinABatch(t *testing.T) {
	value := func(text string) ktest.Record { return ktest.Record{Value: []byte(text)} }
	for _, test := range []struct {
		name       string
		trim, from int64
		start, end int64
	}{
		{"where the first begins", 0, 0, 0, 0},
		{"within the first", 0, 2, 0, 0},
		{"within the first, which is read from its midst", 1, 2, 1, 1},
		{"where the second begins", 0, 3, 0, 3},
		{"within the second", 0, 4, 0, 3},
		{"within the second, which is the first that is left", 3, 4, 3, 3},
		{"at the end", 0, 6, 0, 6},
	} {
		t.Run(test.name, func(t *testing.T) {
			cluster := ktest.NewCluster(t, ktest.SeedTopic("topic", 1))
			for range 2 {
				if _, err := cluster.Produce("topic", 0, value("a"), value("b"), value("c")); err != nil {
					t.Fatal(err)
				}
			}
			cluster.Trim("topic", 0, test.trim)
			cluster.Lose("topic", 0, test.from)
			p := cluster.Partitions("topic")[0]
			if p.Start != test.start || p.End != test.end || p.HighWatermark != test.end {
				t.Errorf("got the log from %d to %d, readable to %d, want from %d to %d", p.Start, p.End, p.HighWatermark, test.start, test.end)
			}
			if at, err := cluster.Produce("topic", 0, value("d")); err != nil || at != test.end {
				t.Errorf("the next record is at %d (%v), want %d", at, err, test.end)
			}
			want := test.start
			for _, r := range cluster.Log("topic", 0) {
				if r.Offset != want {
					t.Errorf("a record at %d, want %d", r.Offset, want)
				}
				want++
			}
			if want != test.end+1 {
				t.Errorf("the records end at %d, want %d", want, test.end+1)
			}
		})
	}
}
