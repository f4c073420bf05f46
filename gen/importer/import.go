package importer

import (
	"bytes"
	"context"
	"fmt"

	"github.com/franzi-kafka/franzi/internal/kafkatest/jars"
)

// Import merges what a release of Kafka says into the folder dir, usually spec/. It needs
// Maven and Java; the jars stay in the user's cache. On an error the folder is as before.
func Import(ctx context.Context, dir, release string) (*Report, error) {
	before, err := load(dir)
	if err != nil {
		return nil, err
	}
	after, err := load(dir)
	if err != nil {
		return nil, err
	}
	set, err := jars.Broker(ctx, release)
	if err != nil {
		return nil, err
	}
	src, err := read(set, after.names)
	if err != nil {
		return nil, fmt.Errorf("the release %s breaks the rules of its definition language, nothing was changed:\n%w", release, err)
	}
	if src.errors, err = readErrors(ctx, set); err != nil {
		return nil, err
	}
	if err := after.merge(src); err != nil {
		return nil, fmt.Errorf("the release %s cannot be merged, nothing was changed:\n%w", release, err)
	}
	files := after.format()
	if err := after.check(files); err != nil {
		return nil, fmt.Errorf("merging Kafka %s breaks the rules of the definition language, nothing was changed:\n%w", release, err)
	}
	report := reportOf(release, before, after)
	for name, data := range files {
		report.Changed = report.Changed || !bytes.Equal(before.files[name], data)
	}
	return report, after.write(files)
}
