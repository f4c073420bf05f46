package link

import (
	"slices"

	"github.com/franzi-kafka/franzi/kmsg"
)

// Versions tells what a broker serves, and what of it can be sent on a connection. It does not
// change.
type Versions struct {
	// Old is the release that a broker without ApiVersions was taken for, like "0.9.0", or ""
	// for a broker that said itself what it serves.
	Old string
	// Assumed says that the broker was not asked: the limit of versions is older than
	// ApiVersions.
	Assumed bool

	// SupportedFeatures and FinalizedFeatures are what the broker says of features (KIP-584),
	// with what the message says of them. The slices are not to be changed.
	SupportedFeatures      []kmsg.APIVersionsResponseSupportedFeatureKey
	FinalizedFeatures      []kmsg.APIVersionsResponseFinalizedFeatureKey
	FinalizedFeaturesEpoch int64 // -1 if the broker does not know the finalized features
	ZkMigrationReady       bool

	served []kmsg.VersionRange // by key, one each
	usable []span              // by key; may be shorter than there are APIs
}

// A span is the versions of an API that can be sent.
type span struct {
	min, max int16 // max -1 if there are none
	unstable bool  // max+1 can be sent too, if it is asked for
	beyond   int16 // what max would be without the user's limit
}

// Served returns the versions of an API that the broker says it serves, even if this client has
// none of them, and whether there are any.
func (v *Versions) Served(key kmsg.APIKey) (kmsg.VersionRange, bool) {
	i, ok := slices.BinarySearchFunc(v.served, key, func(r kmsg.VersionRange, key kmsg.APIKey) int { return int(r.Key) - int(key) })
	if !ok {
		return kmsg.VersionRange{Key: key}, false
	}
	return v.served[i], true
}

// All returns what the broker says it serves, by key.
func (v *Versions) All() []kmsg.VersionRange { return slices.Clone(v.served) }

// Usable returns the stable versions of an API that both sides speak, within the limits that
// the user set, and whether there are any.
func (v *Versions) Usable(key kmsg.APIKey) (low, high int16, ok bool) {
	s := v.span(key)
	return s.min, s.max, s.max >= s.min
}

// Feature returns the finalized level of a feature, like transaction.version, and whether the
// cluster has one.
func (v *Versions) Feature(name string) (level int16, ok bool) {
	if v.FinalizedFeaturesEpoch < 0 {
		return 0, false
	}
	for i := range v.FinalizedFeatures {
		if f := &v.FinalizedFeatures[i]; f.Name == name {
			return f.MaxVersionLevel, true
		}
	}
	return 0, false
}

func (v *Versions) span(key kmsg.APIKey) span {
	if key < 0 || int(key) >= len(v.usable) {
		return span{max: -1, beyond: -1}
	}
	return v.usable[key]
}

// choose returns the highest version between low and high that can be sent.
func (v *Versions) choose(key kmsg.APIKey, low, high int16) (int16, error) {
	s := v.span(key)
	if s.unstable && low == high && low == s.max+1 {
		return low, nil
	}
	version := min(high, s.max)
	if s.max >= 0 && version >= low && version >= s.min {
		return version, nil
	}
	e := &UnsupportedError{Key: key, Min: low, Max: high}
	if e.Broker, e.HasBroker = v.Served(key); e.HasBroker {
		e.Broker.Min = v.realMin(e.Broker)
		e.Unstable = s.unstable && low <= s.max+1 && s.max+1 <= high
		e.Limited = s.beyond > s.max && min(high, s.beyond) >= max(low, e.Broker.Min)
	}
	return -1, e
}

// A Limit says which versions of an API may be used at most, and whether any.
type Limit func(kmsg.APIKey) (low, high int16, ok bool)

// LimitTo returns the limit of a client that behaves as one of a release does, like "2.8".
func LimitTo(r *kmsg.ReleaseVersions) Limit {
	return func(key kmsg.APIKey) (int16, int16, bool) {
		v, ok := r.Broker(key)
		return v.Min, v.Max, ok
	}
}

// negotiate makes the table of a connection from what the broker serves.
func negotiate(served []kmsg.VersionRange, limit Limit, unstable bool) *Versions {
	v := &Versions{served: clean(served), FinalizedFeaturesEpoch: -1}
	ours := kmsg.APIs()
	v.usable = make([]span, len(ours))
	for i := range ours {
		v.usable[i] = v.agree(&ours[i], limit, unstable)
	}
	return v
}

// agree finds the versions of an API that can be sent.
func (v *Versions) agree(ours *kmsg.API, limit Limit, unstable bool) span {
	theirs, ok := v.Served(ours.Key)
	if !ok {
		return span{max: -1, beyond: -1}
	}
	s := span{min: max(ours.MinVersion, v.realMin(theirs)), max: min(ours.MaxVersion, theirs.Max)}
	s.beyond = s.max
	if ours.Unstable && !unstable {
		s.beyond = min(s.beyond, ours.MaxVersion-1)
	}
	if limit != nil {
		low, high, ok := limit(ours.Key)
		if !ok {
			high = -1
		}
		s.min, s.max = max(s.min, low), min(s.max, high)
	}
	if ours.Unstable && s.max == ours.MaxVersion && !unstable {
		s.max--
		s.unstable = s.max+1 >= s.min
	}
	if s.max < s.min && !s.unstable {
		s.max = -1
	}
	return s
}

// realMin corrects what brokers say of Produce. Those from 4.0 on say that they serve it from
// version 0, for old clients that would not speak to them otherwise (KAFKA-18659); but they
// serve 3 and above, as can be seen from Fetch, which lost the same record formats.
func (v *Versions) realMin(said kmsg.VersionRange) int16 {
	if said.Key == kmsg.KeyProduce {
		if fetch, ok := v.Served(kmsg.KeyFetch); ok && fetch.Min >= 4 {
			return max(said.Min, 3)
		}
	}
	return said.Min
}

// clean sorts what a broker says by key, and drops what makes no sense: negative keys and
// versions, ranges that end before they begin. Of a key that comes twice the first counts.
func clean(said []kmsg.VersionRange) []kmsg.VersionRange {
	sane := slices.DeleteFunc(slices.Clone(said), func(r kmsg.VersionRange) bool {
		return r.Key < 0 || r.Min < 0 || r.Max < r.Min
	})
	slices.SortStableFunc(sane, func(a, b kmsg.VersionRange) int { return int(a.Key) - int(b.Key) })
	return slices.CompactFunc(sane, func(a, b kmsg.VersionRange) bool { return a.Key == b.Key })
}
