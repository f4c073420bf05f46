package kmsg

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/franzi-kafka/franzi/kmsg/internal/releases"
)

// An API is what is known of one of Kafka's APIs, over all releases.
type API struct {
	Key  APIKey
	Name string // as Kafka writes it: "ApiVersions"

	// MinVersion to MaxVersion are all versions that some release had, the unstable one
	// included. What a broker serves is its own affair: ask it, or see [Release].
	MinVersion, MaxVersion int16
	// FlexibleFrom is the first version with compact lengths and tagged fields (KIP-482),
	// -1 if none has them.
	FlexibleFrom int16
	// Unstable says that brokers serve MaxVersion only if unstable versions are switched on.
	Unstable bool

	// Broker, Controller and ZkBroker say who serves the API: the brokers of a KRaft cluster,
	// its controllers, the brokers of a cluster with ZooKeeper. The newest release that has
	// the API says so.
	Broker, Controller, ZkBroker bool

	since string // the release that brought each version, "-" for none, separated by spaces
}

// Since returns the release that brought a version, like "2.4", or "" if no release has
// served it as stable.
func (a *API) Since(version int16) string {
	releases := strings.Fields(a.since)
	i := int(version - a.MinVersion)
	if i < 0 || i >= len(releases) || releases[i] == "-" {
		return ""
	}
	return releases[i]
}

// Listeners lists who serves the API, in Kafka's words: broker, controller, zkBroker.
func (a *API) Listeners() []string {
	var all []string
	for _, l := range []struct {
		name  string
		serve bool
	}{{"broker", a.Broker}, {"controller", a.Controller}, {"zkBroker", a.ZkBroker}} {
		if l.serve {
			all = append(all, l.name)
		}
	}
	return all
}

// APIs returns all APIs by key.
func APIs() []API { return slices.Clone(apiTable[:]) }

// LookupAPI returns what is known of an API, nil if the key is unknown.
func LookupAPI(key APIKey) *API {
	if key < 0 || int(key) >= len(apiTable) {
		return nil
	}
	a := apiTable[key]
	return &a
}

// ParseAPIKey returns the key of an API by its name, in any case, or its number.
func ParseAPIKey(s string) (APIKey, bool) {
	if n, err := strconv.ParseInt(s, 10, 16); err == nil {
		return APIKey(n), LookupAPI(APIKey(n)) != nil
	}
	for i := range apiTable {
		if strings.EqualFold(apiTable[i].Name, s) {
			return apiTable[i].Key, true
		}
	}
	return NoAPIKey, false
}

// String returns Kafka's name for the API, or APIKey(n) for a key that is unknown.
func (k APIKey) String() string {
	if a := LookupAPI(k); a != nil {
		return a.Name
	}
	return "APIKey(" + strconv.Itoa(int(k)) + ")"
}

// A VersionRange is the range of versions of an API that somebody speaks.
type VersionRange struct {
	Key      APIKey
	Min, Max int16
}

// ReleaseVersions tells which versions of each API a release of Kafka serves.
type ReleaseVersions struct {
	Name string // "2.8"

	release *releases.Release
}

// Release returns what a release of Kafka serves: "2.8", or any of its patches: "2.8.2".
// Releases from 0.8.0 on are known.
func Release(name string) (*ReleaseVersions, error) {
	for i := range releases.Table {
		if r := &releases.Table[i]; name == r.Name || strings.HasPrefix(name, r.Name+".") {
			return &ReleaseVersions{r.Name, r}, nil
		}
	}
	return nil, fmt.Errorf("kmsg: no release %q is known: they are %s", name, strings.Join(Releases(), ", "))
}

// Releases returns the names of all known releases, oldest first.
func Releases() []string {
	names := make([]string, len(releases.Table))
	for i := range releases.Table {
		names[i] = releases.Table[i].Name
	}
	return names
}

// Broker returns the stable versions of an API that brokers of the release serve, be it with
// ZooKeeper or KRaft, and whether there are any. A real broker can differ: the ones of KRaft
// serve less than this before 4.0, telemetry is there only with a receiver, and 4.x
// says 0 is its lowest version of Produce, for the sake of old clients, but serves 3.
func (r *ReleaseVersions) Broker(key APIKey) (VersionRange, bool) {
	return findRange(r.release.Broker, key)
}

// Controller returns the stable versions of an API that KRaft controllers of the release
// serve, and whether there are any.
func (r *ReleaseVersions) Controller(key APIKey) (VersionRange, bool) {
	return findRange(r.release.Controller, key)
}

// BrokerAPIs returns all that brokers of the release serve, by key.
func (r *ReleaseVersions) BrokerAPIs() []VersionRange { return versionRanges(r.release.Broker) }

// ControllerAPIs returns all that KRaft controllers of the release serve, by key.
func (r *ReleaseVersions) ControllerAPIs() []VersionRange {
	return versionRanges(r.release.Controller)
}

func findRange(ranges []releases.Range, key APIKey) (VersionRange, bool) {
	for _, r := range ranges {
		if APIKey(r.Key) == key {
			return VersionRange{key, r.Min, r.Max}, true
		}
	}
	return VersionRange{Key: key}, false
}

func versionRanges(ranges []releases.Range) []VersionRange {
	all := make([]VersionRange, len(ranges))
	for i, r := range ranges {
		all[i] = VersionRange{APIKey(r.Key), r.Min, r.Max}
	}
	return all
}
