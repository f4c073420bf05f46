package ktest

import (
	"fmt"
	"time"
)

// create creates a topic, under the lock or before there is anybody else.
func (c *Cluster) create(now time.Time, t seedTopic) error {
	replicas := t.replicas
	if replicas == 0 {
		replicas = int16(min(3, c.cfg.brokers))
	}
	if err := c.model.CreateTopic(now, t.name, int32(t.partitions), replicas, t.configs); err != nil {
		return fmt.Errorf("ktest: %w", err)
	}
	return nil
}
