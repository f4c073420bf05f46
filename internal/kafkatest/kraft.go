package kafkatest

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"maps"
	"slices"
)

// formatStorage prepares the data folders of KRaft nodes, all at once.
func (c *Cluster) formatStorage(ctx context.Context) error {
	var id [16]byte
	rand.Read(id[:])
	id[0] &= 0x7f // a leading '-' would be taken for an option
	c.layout.clusterID = base64.RawURLEncoding.EncodeToString(id[:])
	return together(c.layout.specs, func(s spec) error {
		_, err := c.Java(ctx, nil, "kafka.tools.StorageTool", c.layout.formatArgs(&s)...)
		if err != nil {
			return fmt.Errorf("the storage of %s cannot be formatted: %w", s.name(), err)
		}
		return nil
	})
}

// formatArgs are the arguments that prepare the data folder of a KRaft node.
func (l *layout) formatArgs(s *spec) []string {
	args := []string{"format", "-t", l.clusterID, "-c", l.propertiesFile(s)}
	if s.controller && l.dynamicQuorum() {
		args = append(args, "--standalone")
	}
	for _, mechanism := range l.opts.mechanisms() {
		if !isSCRAM(mechanism) {
			continue
		}
		for _, u := range users {
			args = append(args, "--add-scram", fmt.Sprintf("%s=[name=%s,password=%s]", mechanism, u.Name, u.Password))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(l.opts.Features)) {
		args = append(args, "--feature", fmt.Sprintf("%s=%d", name, l.opts.Features[name]))
	}
	return args
}
