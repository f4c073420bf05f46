package kgo

import (
	"cmp"
	"context"
	"net"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/franzi-kafka/franzi/kbin"
	"github.com/franzi-kafka/franzi/kgo/internal/link"
	"github.com/franzi-kafka/franzi/kmsg"
)

// DescribedCluster is a cluster with its brokers.
type DescribedCluster struct {
	ID string // "" if brokers do not tell, before 0.10.1
	// Controller is the id of the controller, -1 if it is not known. With KRaft it is any broker;
	// who leads is told by [Admin.DescribeQuorum].
	Controller int32
	Brokers    []DescribedBroker // by id
}

// DescribedBroker is a broker of a [DescribedCluster].
type DescribedBroker struct {
	BrokerInfo
	// Fenced says that the broker is registered but not alive, or not yet: it leads nothing, and
	// clients do not see it. Brokers before 4.0 do not tell of those (KIP-1073).
	Fenced bool
}

// DescribeCluster returns the cluster with its brokers. From Kafka 0.8 on, where brokers before 0.10
// only tell if there is a topic. Java: describeCluster (KIP-700).
func (a *Admin) DescribeCluster(ctx context.Context) (DescribedCluster, error) {
	ctx, cancel := a.client.bounded(ctx)
	defer cancel()
	ask := func(fenced bool, least int16) func() (DescribedCluster, error) {
		return func() (DescribedCluster, error) {
			req := kmsg.NewDescribeClusterRequest()
			req.IncludeFencedBrokers = fenced
			resp, err := Do(ctx, a.client, req, atLeast(least))
			if err != nil {
				return DescribedCluster{Controller: -1}, err
			}
			d := DescribedCluster{ID: resp.ClusterID, Controller: resp.ControllerID}
			for i := range resp.Brokers {
				b := &resp.Brokers[i]
				d.add(b.BrokerID, b.Host, b.Port, b.Rack.S, b.IsFenced)
			}
			return d, nil
		}
	}
	metadata := func() (DescribedCluster, error) {
		if err := a.client.RefreshMetadata(ctx); err != nil {
			return DescribedCluster{Controller: -1}, err
		}
		m := a.client.Metadata()
		d := DescribedCluster{ID: m.ClusterID(), Controller: m.get().ControllerID}
		for _, b := range m.Brokers() {
			d.Brokers = append(d.Brokers, DescribedBroker{BrokerInfo: b})
		}
		return d, nil
	}
	return firstServed(ask(true, 2), ask(false, 0), metadata)
}

func (d *DescribedCluster) add(id int32, host string, port int32, rack string, fenced bool) {
	b := DescribedBroker{BrokerInfo{id, net.JoinHostPort(host, strconv.Itoa(int(port))), rack}, fenced}
	i, _ := slices.BinarySearchFunc(d.Brokers, id, func(b DescribedBroker, id int32) int { return cmp.Compare(b.ID, id) })
	d.Brokers = slices.Insert(d.Brokers, i, b)
}

// Feature is a feature of a cluster, metadata.version for example.
type Feature struct {
	Name  string
	Level int16 // 0 if it is off
	// Supported are the levels that all brokers support that know the feature, and Brokers those
	// of each of them, by id.
	Supported FeatureRange
	Brokers   map[int32]FeatureRange
}

// FeatureRange is a range of levels of a [Feature]; with Max below Min there are none.
type FeatureRange struct{ Min, Max int16 }

// DescribeFeatures returns the features of the cluster, by name. It asks all brokers; if one does
// not answer, its error is returned beside what the others say. Brokers before 2.7 have none. Java:
// describeFeatures (KIP-584).
func (a *Admin) DescribeFeatures(ctx context.Context) ([]Feature, error) {
	ctx, cancel := a.client.bounded(ctx)
	defer cancel()
	if err := a.client.RefreshMetadata(ctx); err != nil {
		return nil, err
	}
	brokers := a.client.Metadata().Brokers()
	told := make([]*kmsg.APIVersionsResponse, len(brokers))
	errs := make([]error, len(brokers))
	var asked sync.WaitGroup
	for i, b := range brokers {
		asked.Go(func() { told[i], errs[i] = a.features(ctx, b.ID) })
	}
	asked.Wait()
	found, epoch := map[string]*Feature{}, int64(-1)
	of := func(name string) *Feature {
		if found[name] == nil {
			found[name] = &Feature{Name: name, Brokers: map[int32]FeatureRange{}}
		}
		return found[name]
	}
	for i, resp := range told {
		if resp == nil {
			continue
		}
		for _, f := range resp.SupportedFeatures {
			of(f.Name).Brokers[brokers[i].ID] = FeatureRange{f.MinVersion, f.MaxVersion}
		}
		if resp.FinalizedFeaturesEpoch <= epoch {
			continue
		}
		epoch = resp.FinalizedFeaturesEpoch
		for _, f := range found {
			f.Level = 0
		}
		for _, f := range resp.FinalizedFeatures {
			of(f.Name).Level = f.MaxVersionLevel
		}
	}
	all := make([]Feature, 0, len(found))
	for _, name := range sorted(found) {
		all = append(all, found[name].completed())
	}
	return all, joined(withoutNil(errs))
}

// features asks one broker, which may be too old to have any.
func (a *Admin) features(ctx context.Context, broker int32) (*kmsg.APIVersionsResponse, error) {
	req := kmsg.NewAPIVersionsRequest()
	config := a.client.config
	req.ClientSoftwareName, req.ClientSoftwareVersion = link.CleanSoftware(config.softwareName), link.CleanSoftware(config.softwareVersion)
	resp, err := Do(ctx, a.client, req, ToBroker(broker), atLeast(3))
	if lacks(err) {
		return nil, nil
	}
	return resp, err
}

func withoutNil(errs []error) []error {
	return slices.DeleteFunc(errs, func(err error) bool { return err == nil })
}

func (f *Feature) completed() Feature {
	first := true
	for _, r := range f.Brokers {
		if first {
			f.Supported, first = r, false
		}
		f.Supported = FeatureRange{max(f.Supported.Min, r.Min), min(f.Supported.Max, r.Max)}
	}
	return *f
}

// FeatureUpdate is a new level of a feature.
type FeatureUpdate struct {
	Name  string
	Level int16 // 0 switches it off
	// UpgradeType says whether the level may become lower. The zero value is
	// [kmsg.FeatureUpgradeTypeUpgrade]: it may not.
	UpgradeType kmsg.FeatureUpgradeType
}

// UpdateFeatures changes the levels of features, of all or of none from Kafka 4.0 on. The error is
// joined of those of the features, as far as brokers tell them apart, before 4.0: Key of [Error] is
// the feature. From 2.7 on, [ValidateOnly] from 3.3 on; before that brokers do not tell whether a
// lower level loses metadata. Java: updateFeatures (KIP-584, KIP-778, KIP-1022).
//
// Errors are for example [kmsg.FeatureUpdateFailed] and [kmsg.InvalidUpdateVersion]. A request that
// was lost after it was written is not sent again: see Written of [Error].
func (a *Admin) UpdateFeatures(ctx context.Context, updates []FeatureUpdate, opts ...ChangeOption) error {
	if len(updates) == 0 {
		return nil
	}
	req := kmsg.NewUpdateFeaturesRequest()
	req.ValidateOnly = changeConfigOf(opts).validateOnly
	lowers := false
	for _, u := range updates {
		one := kmsg.NewUpdateFeaturesRequestFeatureUpdateKey()
		one.Feature, one.MaxVersionLevel = u.Name, u.Level
		one.UpgradeType = cmp.Or(u.UpgradeType, kmsg.FeatureUpgradeTypeUpgrade)
		lowers = lowers || one.UpgradeType != kmsg.FeatureUpgradeTypeUpgrade
		req.FeatureUpdates = append(req.FeatureUpdates, one)
	}
	ctx, cancel := a.client.bounded(ctx)
	defer cancel()
	least := int16(0)
	if lowers || req.ValidateOnly {
		least = 1
	}
	_, err := Do(ctx, a.client, req, atLeast(least))
	if !lowers || req.ValidateOnly || !lacks(err) {
		return err
	}
	for i := range req.FeatureUpdates { // there was one way to go down
		u := &req.FeatureUpdates[i]
		u.AllowDowngrade = u.UpgradeType != kmsg.FeatureUpgradeTypeUpgrade
		u.UpgradeType = kmsg.FeatureUpgradeTypeUpgrade
	}
	_, err = Do(ctx, a.client, req, AtVersion(0))
	return err
}

// Quorum is the state of the quorum of controllers, which keeps a cluster's metadata with KRaft.
type Quorum struct {
	Leader        int32
	Epoch         int32
	HighWatermark int64
	Voters        []QuorumReplica
	Observers     []QuorumReplica // brokers for example
}

// QuorumReplica is a member of a [Quorum].
type QuorumReplica struct {
	ID          int32
	DirectoryID kbin.UUID // zero if it is not told, before 3.9
	// LogEndOffset is the offset after the last record that the replica has.
	LogEndOffset int64
	// LastFetch is when the replica last asked for records, and LastCaughtUp when it last had all,
	// by the leader's clock; zero if it is not told, before 3.3.
	LastFetch, LastCaughtUp time.Time
	// Listeners are where a controller can be reached, from 3.9 on.
	Listeners []QuorumListener
}

// QuorumListener is where a controller can be reached.
type QuorumListener struct{ Name, Addr string }

// DescribeQuorum returns the state of the quorum of controllers. From Kafka 2.7 on, with KRaft.
// Java: describeMetadataQuorum (KIP-595, KIP-836).
func (a *Admin) DescribeQuorum(ctx context.Context) (Quorum, error) {
	req := kmsg.NewDescribeQuorumRequest()
	t := kmsg.NewDescribeQuorumRequestTopicData()
	t.TopicName, t.Partitions = "__cluster_metadata", []kmsg.DescribeQuorumRequestPartitionData{kmsg.NewDescribeQuorumRequestPartitionData()}
	req.Topics = []kmsg.DescribeQuorumRequestTopicData{t}
	resp, err := Do(ctx, a.client, req)
	if err != nil {
		return Quorum{Leader: -1}, err
	}
	if len(resp.Topics) == 0 || len(resp.Topics[0].Partitions) == 0 {
		e := adminError(kmsg.KeyDescribeQuorum, topicPart(t.TopicName), errNotTold)
		e.Written = WrittenYes
		return Quorum{Leader: -1}, e
	}
	listeners := map[int32][]QuorumListener{}
	for _, n := range resp.Nodes {
		for _, l := range n.Listeners {
			listeners[n.NodeID] = append(listeners[n.NodeID], QuorumListener{l.Name, net.JoinHostPort(l.Host, strconv.Itoa(int(l.Port)))})
		}
	}
	replicas := func(states []kmsg.DescribeQuorumResponseReplicaState) []QuorumReplica {
		all := make([]QuorumReplica, len(states))
		for i := range states {
			s := &states[i]
			all[i] = QuorumReplica{s.ReplicaID, s.ReplicaDirectoryID, s.LogEndOffset, timeOf(s.LastFetchTimestamp), timeOf(s.LastCaughtUpTimestamp), listeners[s.ReplicaID]}
		}
		return all
	}
	p := &resp.Topics[0].Partitions[0]
	return Quorum{p.LeaderID, p.LeaderEpoch, p.HighWatermark, replicas(p.CurrentVoters), replicas(p.Observers)}, nil
}
