package importer

import (
	"context"
	"fmt"
	"slices"

	"github.com/franzi-kafka/franzi/gen/def"
	"github.com/franzi-kafka/franzi/internal/kafkatest"
	"github.com/franzi-kafka/franzi/internal/kafkatest/jars"
)

const fromBroker = "broker"

// Probe starts a broker of a release whose jars have no definitions, from 0.10 to 2.1, asks
// it which versions it speaks, and notes the answer in releases.json of the folder dir. It
// needs Maven and Java.
func Probe(ctx context.Context, dir, release string) error {
	s, err := load(dir)
	if err != nil {
		return err
	}
	if err := canBeProbed(release); err != nil {
		return err
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
	return s.note(release, versions)
}

func canBeProbed(release string) error {
	if err := jars.Check(release); err != nil {
		return err
	}
	switch {
	case !jars.Before(release, firstDefinitions):
		return fmt.Errorf("the jars of Kafka %s have definitions, which say more than a broker: gen import %s", release, release)
	case jars.Before(release, "0.10"):
		return fmt.Errorf("brokers of Kafka %s do not know ApiVersions (KIP-35), so its row in releases.json is written by hand", release)
	}
	return nil
}

// note writes what a broker of a release answered to releases.json.
func (s *spec) note(release string, versions []kafkatest.VersionRange) error {
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
	return s.write(s.format())
}
