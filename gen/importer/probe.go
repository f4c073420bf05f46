package importer

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/franzi-kafka/franzi/gen/def"
	"github.com/franzi-kafka/franzi/internal/kafkatest"
)

const fromBroker = "broker"

// Probe starts a broker of a release whose jars have no definitions, from 0.10 to 2.1, asks
// it which versions it speaks, and notes the answer in releases.json.
func Probe(ctx context.Context, dir, release string) error {
	s, err := load(dir)
	if err != nil {
		return err
	}
	for _, r := range s.releases {
		if r.Release == release && r.Source == fromDefinitions {
			return fmt.Errorf("the release %s has definitions, which say more than a broker: import it", release)
		}
	}
	cluster, err := kafkatest.Start(ctx, kafkatest.Options{Version: release})
	if err != nil {
		return err
	}
	defer cluster.Close()
	versions, err := kafkatest.ApiVersions(ctx, cluster.Addrs()[0])
	if err != nil {
		return err
	}
	row := Release{Release: release, Source: fromBroker, APIs: map[string]string{}}
	names := map[int16]string{}
	for _, m := range s.messages {
		if m.Kind == def.Request {
			names[m.APIKey] = m.API()
		}
	}
	for _, v := range versions {
		name, ok := names[v.Key]
		if !ok {
			return fmt.Errorf("a broker of Kafka %s serves the API key %d, which is unknown", release, v.Key)
		}
		row.APIs[name] = def.Versions{Min: v.Min, Max: v.Max}.String()
		row.ZkBroker = append(row.ZkBroker, name)
	}
	slices.Sort(row.ZkBroker)
	s.releases = s.releases.with(row)
	return os.WriteFile(filepath.Join(dir, "releases.json"), s.releases.format(), 0o644)
}
