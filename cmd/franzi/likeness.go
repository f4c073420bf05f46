package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/franzi-kafka/franzi/kmsg"
)

// A likeness says how much a broker speaks as a release does.
type likeness struct {
	Release  string   `json:"release"`
	Listener string   `json:"listener"` // broker or controller
	Unlike   []string `json:"unlike"`   // the APIs that are not the same
}

// mostLike returns the releases whose brokers or controllers speak most like a broker: all
// with the fewest differences, oldest first.
func mostLike(resp *kmsg.APIVersionsResponse) []likeness {
	theirs := map[kmsg.APIKey]span{}
	for _, k := range resp.APIKeys {
		theirs[kmsg.APIKey(k.APIKey)] = span{k.MinVersion, k.MaxVersion}
	}
	var best []likeness
	for _, name := range kmsg.Releases() {
		r, err := kmsg.Release(name)
		if err != nil {
			panic(err) // Releases named it
		}
		for _, l := range []likeness{
			{name, "broker", unlike(theirs, r.BrokerAPIs())},
			{name, "controller", unlike(theirs, r.ControllerAPIs())},
		} {
			switch {
			case len(best) > 0 && len(l.Unlike) > len(best[0].Unlike):
			case len(best) > 0 && len(l.Unlike) == len(best[0].Unlike):
				best = append(best, l)
			default:
				best = []likeness{l}
			}
		}
	}
	return best
}

// unlike lists the APIs that two tables do not have alike. Produce may begin below what is
// served: 4.x says so for the sake of old clients.
func unlike(theirs map[kmsg.APIKey]span, release []kmsg.VersionRange) []string {
	names := []string{}
	served := map[kmsg.APIKey]bool{}
	for _, r := range release {
		served[r.Key] = true
		s, ok := theirs[r.Key]
		if !ok || s.Max != r.Max || s.Min != r.Min && (r.Key != kmsg.KeyProduce || s.Min > r.Min) {
			names = append(names, r.Key.String())
		}
	}
	for _, key := range slices.Sorted(maps.Keys(theirs)) {
		if !served[key] {
			names = append(names, key.String())
		}
	}
	return names
}

func likeText(releases []likeness) string {
	const most = 6 // names
	like := make([]string, len(releases))
	for i, r := range releases {
		like[i] = "a " + r.Listener + " of " + r.Release
	}
	text := "Speaks like " + strings.Join(like, ", ")
	switch names := releases[0].Unlike; {
	case len(names) == 0:
		return text + "."
	case len(names) > most || len(releases) > 1:
		return fmt.Sprintf("%s, but for %d APIs.", text, len(names))
	default:
		return text + ", but for " + strings.Join(names, ", ") + "."
	}
}
