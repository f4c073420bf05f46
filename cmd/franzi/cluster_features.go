package main

import (
	"maps"
	"slices"
	"strconv"

	"github.com/franzi-kafka/franzi/cmd/franzi/internal/output"
	"github.com/franzi-kafka/franzi/kgo"
	"github.com/franzi-kafka/franzi/kmsg"
)

// A clusterFeature is a feature of the cluster.
type clusterFeature struct {
	Name      string           `json:"name"`
	Finalized *int16           `json:"finalized"` // the level that is switched on; null for none
	Supported *span            `json:"supported"` // by all brokers that know it; null if there is nothing in common
	Brokers   map[string]*span `json:"brokers"`   // what each supports, by id
}

func (a *app) clusterFeatures(s *session) error {
	features := map[string]*clusterFeature{}
	feature := func(name string) *clusterFeature {
		if features[name] == nil {
			features[name] = &clusterFeature{Name: name, Brokers: map[string]*span{}}
		}
		return features[name]
	}
	var epoch int64 = -1
	for _, b := range s.client.Metadata().Brokers() {
		req := kmsg.NewAPIVersionsRequest()
		req.ClientSoftwareName, req.ClientSoftwareVersion = software()
		resp, err := kgo.Do(s.ctx, s.client, req, kgo.ToBroker(b.ID))
		if unserved(err) {
			continue
		}
		if err != nil {
			return s.wrap(err)
		}
		for _, f := range resp.SupportedFeatures {
			feature(f.Name).Brokers[strconv.Itoa(int(b.ID))] = &span{f.MinVersion, f.MaxVersion}
		}
		if resp.FinalizedFeaturesEpoch > epoch {
			epoch = resp.FinalizedFeaturesEpoch
			for _, f := range resp.FinalizedFeatures {
				level := f.MaxVersionLevel
				feature(f.Name).Finalized = &level
			}
		}
	}
	all := []*clusterFeature{}
	for _, name := range slices.Sorted(maps.Keys(features)) {
		f := features[name]
		for _, b := range f.Brokers {
			if f.Supported == nil {
				f.Supported = &span{b.Min, b.Max}
			}
			f.Supported = &span{max(f.Supported.Min, b.Min), min(f.Supported.Max, b.Max)}
		}
		if f.Supported != nil && f.Supported.Min > f.Supported.Max {
			f.Supported = nil
		}
		all = append(all, f)
	}
	return a.write(output.TableFormat, output.Result{Value: all, Table: func(t *output.Table) {
		t.Heading("FEATURE", "FINALIZED", "SUPPORTED")
		for _, f := range all {
			finalized := "-"
			if f.Finalized != nil {
				finalized = strconv.Itoa(int(*f.Finalized))
			}
			t.Row(f.Name, finalized, dash(f.Supported.String()))
		}
	}})
}
