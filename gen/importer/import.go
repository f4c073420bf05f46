package importer

import (
	"bytes"
	"context"
	"fmt"

	"github.com/franzi-kafka/franzi/internal/kafkatest/jars"
)

// Import merges what a release of Kafka says into the folder dir, usually spec/. It needs
// Maven and Java; the jars stay in the user's cache. A folder without overlays gets those
// that are built in. On an error the folder is as before.
func Import(ctx context.Context, dir, release string) (*Report, error) {
	s, err := load(dir)
	if err != nil {
		return nil, err
	}
	if err := jars.Check(release); err != nil {
		return nil, err
	}
	if jars.Before(release, firstDefinitions) {
		return nil, fmt.Errorf("the jars of Kafka %s have no message definitions, these start with %s: ask a broker with gen probe %s", release, firstDefinitions, release)
	}
	set, err := jars.Broker(ctx, release)
	if err != nil {
		return nil, err
	}
	src, err := readAll(ctx, set, s.names)
	if err != nil {
		return nil, fmt.Errorf("nothing was imported: %w", err)
	}
	return s.take(src)
}

// take brings what a release says into the folder and tells what changed.
func (s *spec) take(src *source) (*Report, error) {
	merged := s.clone()
	if err := merged.merge(src); err != nil {
		return nil, fmt.Errorf("nothing was imported: Kafka %s does not fit what is known; a release in between, imported first, may join them:\n%w", src.release, err)
	}
	files := merged.format()
	if err := merged.check(files); err != nil {
		return nil, fmt.Errorf("nothing was imported: with Kafka %s merged in, definitions break the rules of their language; if something was renamed, import a release in between first, or give the old name in overlay/names.json:\n%w", src.release, err)
	}
	report := reportOf(src, s, merged)
	for name, data := range files {
		report.Changed = report.Changed || !bytes.Equal(s.files[name], data)
	}
	if err := s.write(files); err != nil {
		return nil, err
	}
	return report, nil
}
