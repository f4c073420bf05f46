package broker

import (
	"fmt"

	"github.com/franzi-kafka/franzi/kmsg"
)

// A Personality is in what a cluster that speaks Kafka's protocol is not Kafka. The zero value is
// Kafka.
type Personality struct {
	// Lacks are the APIs that are not served.
	Lacks []kmsg.APIKey
	// Serves are the versions that are served of an API, if they are fewer than those of the
	// release.
	Serves []kmsg.VersionRange
	// AnyLeads says that each broker serves all partitions, and that Metadata names any one of
	// them as the leader of all, another one each time, and never another leader epoch.
	AnyLeads bool
	// NoEpochs says that Metadata tells no leader epochs.
	NoEpochs bool
	// NoProducerIDs is the error that InitProducerId has.
	NoProducerIDs kmsg.ErrorCode
}

func (p *Personality) check() error {
	for _, v := range p.Serves {
		if v.Min > v.Max {
			return fmt.Errorf("%s is served from version %d to %d", v.Key, v.Min, v.Max)
		}
	}
	return nil
}

// limit leaves of what a release serves what the personality has of it.
func (p *Personality) limit(served *[apiCount]versions) {
	for _, key := range p.Lacks {
		served[key].ok = false
	}
	for _, v := range p.Serves {
		s := &served[v.Key]
		s.min, s.max = max(s.min, v.Min), min(s.max, v.Max)
		s.stated = s.min
		s.ok = s.ok && s.min <= s.max
	}
}

// leads reports whether a broker serves a partition.
func (c *Cluster) leads(n *node, p *partition) bool {
	return p.info().leader == n.ID || c.cfg.Personality.AnyLeads && n.alive
}

// epochOf is the epoch of a leader as clients are told.
func (c *Cluster) epochOf(info *partitionInfo) int32 {
	if c.cfg.Personality.NoEpochs {
		return -1
	}
	return info.epoch
}
