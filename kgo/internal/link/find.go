package link

import (
	"strings"
	"time"

	"github.com/franzi-kafka/franzi/kbin"
	"github.com/franzi-kafka/franzi/kmsg"
)

// A trial finds out whether a broker that does not answer ApiVersions is one of those that do
// not know it. Kafka 0.8 closes the connection on it, 0.9 says nothing for ever; so do, for a
// while, brokers that restart, are overloaded or expect TLS. To be taken for old
//
//   - ApiVersions must end in nothing on two connections,
//   - on a third, Metadata version 0 must be answered, and then
//   - ListGroups must end in nothing: 0.8.2; or be answered, and ApiVersions once more end in
//     silence: 0.9. A broker that slept and woke up answers.
//
// Connections that were cut by chance at each of these places look like 0.8.2, so that is looked at
// again: soon, and then more and more seldom.
type trial uint8

const (
	trialNone  trial = iota
	trialAgain       // the second connection
	trialProbe       // the third
	trialOld         // a fourth, to be used
)

// cutsOff is the release that closes connections on what it does not know.
const cutsOff = "0.8.2"

// When to look again whether a broker is that old.
const (
	lookAgain     = 10 * time.Second
	lookAgainMost = 10 * time.Minute
)

// findVersions begins to find out what the broker at a new connection speaks.
func (l *Link) findVersions(now time.Time) {
	l.phase = phaseVersions
	switch {
	case l.trial == trialOld:
		l.useOld(now, l.old, false)
	case l.trial == trialProbe:
		metadata := kmsg.NewMetadataRequest()
		metadata.Topics = []kmsg.MetadataRequestTopic{}
		l.probe(now, kindMetadata, metadata)
	case l.trial == trialAgain:
		l.askVersions(now, 0)
	case l.cfg.Limit != nil && !l.limitHas(kmsg.KeyAPIVersions) && !l.doubted:
		v := negotiate(l.limited(), nil, l.cfg.Unstable)
		v.Assumed = true
		l.negotiated(now, v)
	case l.con.peer.Old != "" && l.cfg.Mechanism == "":
		l.useOld(now, l.con.peer.Old, true)
	default:
		version := kmsg.LookupAPI(kmsg.KeyAPIVersions).MaxVersion
		if l.cfg.Limit != nil {
			_, high, _ := l.cfg.Limit(kmsg.KeyAPIVersions)
			version = min(version, high)
		}
		l.askVersions(now, version)
	}
}

func (l *Link) limitHas(key kmsg.APIKey) bool {
	_, _, ok := l.cfg.Limit(key)
	return ok
}

// limited returns what a broker serves that is as old as the limit.
func (l *Link) limited() []kmsg.VersionRange {
	var all []kmsg.VersionRange
	for _, api := range kmsg.APIs() {
		if low, high, ok := l.cfg.Limit(api.Key); ok {
			all = append(all, kmsg.VersionRange{Key: api.Key, Min: low, Max: high})
		}
	}
	return all
}

// askVersions asks for versions, in a version of ApiVersions.
func (l *Link) askVersions(now time.Time, version int16) {
	req := kmsg.NewAPIVersionsRequest()
	req.Version = version
	req.ClientSoftwareName, req.ClientSoftwareVersion = l.cfg.SoftwareName, l.cfg.SoftwareVersion
	if p := &l.con.peer; p.ClusterID != "" {
		req.ClusterID = kbin.Str(p.ClusterID)
		req.NodeID = p.NodeID
	}
	l.con.asked = version
	l.probe(now, kindVersions, req)
}

// probe asks something that brokers without ApiVersions, or older ones of them, do not answer.
func (l *Link) probe(now time.Time, kind kind, req kmsg.Request) {
	patience := l.cfg.DialTimeout
	if l.mayBeOld() {
		patience = l.cfg.Silence
	}
	l.con.step = now
	l.con.deadline = now.Add(patience)
	l.ask(kind, req)
}

// mayBeOld reports whether a broker without ApiVersions would do, and nothing has come that
// such a broker does not say.
func (l *Link) mayBeOld() bool {
	return l.cfg.Mechanism == "" && (l.con.frames == 0 || l.trial == trialProbe)
}

// suspect is told that a connection ended, or that nothing came for long, when versions were
// asked for. It reports whether the trial goes on.
func (l *Link) suspect(now time.Time, f *Failure, gone bool) bool {
	if !l.mayBeOld() || len(f.Head) > 0 {
		return false
	}
	asked := kindVersions
	if l.flights.len() > 0 {
		asked = l.flights.head().kind
	}
	switch {
	case l.trial == trialNone:
		l.trial, l.first = trialAgain, f
	case l.trial == trialAgain:
		l.trial = trialProbe
	case l.trial == trialProbe && asked == kindListGroups:
		l.trial, l.old = trialOld, cutsOff
	case l.trial == trialProbe && asked == kindVersions && !gone && !l.first.Ended:
		l.trial, l.old = trialOld, "0.9.0"
	default:
		*f = *l.first // it is not old: what the first connection saw is the matter
		return false
	}
	l.trying, l.target = true, Same
	l.part(now, f, gone)
	return true
}

func (l *Link) onProbeMetadata(now time.Time, b []byte) {
	resp := kmsg.NewMetadataResponse()
	if _, err := kmsg.DecodeResponseLenient(b, resp); err != nil {
		l.unlike(now, b, "the answer to Metadata: %w", err)
		return
	}
	l.probe(now, kindListGroups, kmsg.NewListGroupsRequest())
}

func (l *Link) onProbeListGroups(now time.Time) { l.askVersions(now, 0) }

// useOld takes the broker for one of a release without ApiVersions.
func (l *Link) useOld(now time.Time, name string, recalled bool) {
	release, err := kmsg.Release(name)
	if err != nil {
		l.broken(now, l.failure(StageVersions, err), false)
		return
	}
	v := negotiate(release.BrokerAPIs(), l.cfg.Limit, l.cfg.Unstable)
	v.Old = release.Name
	l.con.recalled = recalled
	if name == cutsOff {
		l.con.renewAt = now.Add(min(lookAgain<<l.looks, lookAgainMost))
		l.looks = min(l.looks+1, 10)
	}
	l.negotiated(now, v)
}

func (l *Link) onVersions(now time.Time, b []byte) {
	resp := kmsg.NewAPIVersionsResponse()
	resp.Version = l.con.asked
	if _, err := kmsg.DecodeResponseLenient(b, resp); err != nil {
		if l.con.asked > 0 {
			l.askVersions(now, 0) // whose answer is the simplest
			return
		}
		l.unlike(now, b, "the answer to ApiVersions: %w", err)
		return
	}
	switch {
	case resp.ErrorCode == kmsg.UnsupportedVersion && l.con.asked > 0:
		l.askVersions(now, downgrade(resp, l.con.asked))
		return
	case resp.ErrorCode != kmsg.None:
		f := l.failure(StageVersions, nil)
		f.Code = resp.ErrorCode
		l.broken(now, f, false)
		return
	}
	served := make([]kmsg.VersionRange, len(resp.APIKeys))
	for i, k := range resp.APIKeys {
		served[i] = kmsg.VersionRange{Key: kmsg.APIKey(k.APIKey), Min: k.MinVersion, Max: k.MaxVersion}
	}
	v := negotiate(served, l.cfg.Limit, l.cfg.Unstable)
	if len(v.served) == 0 {
		l.unlike(now, b, "the broker says that it serves nothing")
		return
	}
	v.SupportedFeatures, v.FinalizedFeatures = resp.SupportedFeatures, resp.FinalizedFeatures
	v.FinalizedFeaturesEpoch, v.ZkMigrationReady = resp.FinalizedFeaturesEpoch, resp.ZkMigrationReady
	if Throttles(kmsg.KeyAPIVersions, resp.Version) {
		l.throttle(now, time.Duration(resp.ThrottleTimeMs)*time.Millisecond)
	}
	l.negotiated(now, v)
}

// downgrade returns the version to ask in after the broker refused one. Its refusal may say
// which versions it has (KIP-511), or be from before that.
func downgrade(resp *kmsg.APIVersionsResponse, asked int16) int16 {
	for _, k := range resp.APIKeys {
		if kmsg.APIKey(k.APIKey) == kmsg.KeyAPIVersions && k.MaxVersion > 0 {
			return min(k.MaxVersion, asked-1)
		}
	}
	return 0
}

// negotiated takes note of what both sides speak.
func (l *Link) negotiated(now time.Time, v *Versions) {
	l.con.versions = v
	l.do(&Learned{Versions: v, Remember: l.trial == trialOld})
	l.do(&Note{Kind: NoteNegotiated, Took: now.Sub(l.con.since)})
	l.trial, l.first = trialNone, nil
	if l.cfg.Mechanism == "" {
		l.ready(now)
		return
	}
	l.shakeHands(now)
}

// CleanSoftware makes a name that brokers accept (KIP-511): letters and digits, with hyphens
// and dots between them.
func CleanSoftware(name string) string {
	name = strings.Map(func(r rune) rune {
		if r == '-' || r == '.' || isAlphanumeric(r) {
			return r
		}
		return '-'
	}, name)
	name = strings.TrimFunc(name, func(r rune) bool { return !isAlphanumeric(r) })
	if name == "" {
		return "unknown"
	}
	return name
}

func isAlphanumeric(r rune) bool {
	return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9'
}
