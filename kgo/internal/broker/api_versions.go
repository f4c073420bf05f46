package broker

import (
	"regexp"

	"github.com/franzi-kafka/franzi/kmsg"
)

// softwareName is what a client may call itself (KIP-511).
var softwareName = regexp.MustCompile(`^[a-zA-Z0-9](?:[a-zA-Z0-9\-.]*[a-zA-Z0-9])?$`)

func (c *Cluster) apiVersionsRequest(x *call, req *kmsg.APIVersionsRequest) {
	resp := req.NewResponse()
	if req.Version >= 3 {
		if !softwareName.MatchString(req.ClientSoftwareName) || !softwareName.MatchString(req.ClientSoftwareVersion) {
			resp.ErrorCode = kmsg.InvalidRequest
			c.answer(x, resp)
			return
		}
		x.conn.software = req.ClientSoftwareName + " " + req.ClientSoftwareVersion
	}
	x.conn.login.versions = true
	if resp.ErrorCode = c.misrouted(x, req); resp.ErrorCode != kmsg.None {
		c.answer(x, resp)
		return
	}
	for key, v := range c.served {
		if v.ok {
			resp.APIKeys = append(resp.APIKeys, kmsg.APIVersionsResponseAPIVersion{APIKey: int16(key), MinVersion: v.stated, MaxVersion: v.max})
		}
	}
	c.describeFeatures(resp)
	c.answer(x, resp)
}

// misrouted looks whether the client expects to be where it is (KIP-1242).
func (c *Cluster) misrouted(x *call, req *kmsg.APIVersionsRequest) kmsg.ErrorCode {
	switch {
	case req.Version < 5:
	case req.ClusterID.Valid != (req.NodeID >= 0):
		return kmsg.InvalidRequest
	case req.ClusterID.Valid && (req.ClusterID.S != c.cfg.ClusterID || req.NodeID != x.node().ID):
		return kmsg.RebootstrapRequired
	}
	return kmsg.None
}

// A feature is a level that brokers agree upon (KIP-584).
type feature struct {
	name     string
	min, max int16
	level    int16 // that a new cluster has
	since    string
}

// describeFeatures tells the levels of the features that stand for what the model has.
func (c *Cluster) describeFeatures(resp *kmsg.APIVersionsResponse) {
	if c.zooKeeper || !c.since("3.3") {
		return
	}
	for _, f := range metadataVersions {
		if !c.since(f.since) {
			continue
		}
		resp.SupportedFeatures = []kmsg.APIVersionsResponseSupportedFeatureKey{{Name: f.name, MinVersion: f.min, MaxVersion: f.max}}
		resp.FinalizedFeatures = []kmsg.APIVersionsResponseFinalizedFeatureKey{{Name: f.name, MinVersionLevel: f.level, MaxVersionLevel: f.level}}
		resp.FinalizedFeaturesEpoch = 1
	}
}

// metadataVersions are the levels of metadata.version, by release.
var metadataVersions = []feature{
	{name: "metadata.version", min: 1, max: 21, level: 21, since: "3.3"},
	{name: "metadata.version", min: 7, max: 33, level: 33, since: "4.0"},
}
