package broker

import "slices"

// grown is called when a partition's log has grown: followers follow.
func (c *Cluster) grown(p *partition) {
	if r := p.replica(p.info().leader); r != nil {
		r.end, r.caughtUp = p.log.end, c.now
	}
	for i := range p.replicas {
		c.follow(p, &p.replicas[i])
	}
	c.advanceHW(p)
}

// canFollow reports whether a replica is able to follow its leader.
func (c *Cluster) canFollow(p *partition, r *replica) bool {
	info := p.info()
	return info.leader >= 0 && r.broker != info.leader && !r.held && !p.gone &&
		c.nodes[r.broker].state == up && c.nodes[info.leader].state == up
}

// follow lets a replica have what the leader has, now or after the delay of replication.
func (c *Cluster) follow(p *partition, r *replica) {
	if r.broker == p.info().leader || r.end == p.log.end && slices.Contains(p.info().isr, r.broker) {
		return
	}
	if !c.canFollow(p, r) {
		c.watchLag(p, r)
		return
	}
	if c.cfg.ReplicationDelay == 0 {
		c.caughtUp(p, r)
		return
	}
	if r.fetch == nil {
		r.fetch = c.after(c.cfg.ReplicationDelay, func() {
			r.fetch = nil
			if c.canFollow(p, r) {
				c.caughtUp(p, r)
				c.advanceHW(p)
			}
		})
	}
}

// caughtUp lets a replica have everything and be in sync.
func (c *Cluster) caughtUp(p *partition, r *replica) {
	r.end, r.caughtUp = p.log.end, c.now
	c.timers.stop(r.lag)
	r.lag = nil
	info := p.info()
	if !slices.Contains(info.isr, r.broker) {
		info.isr = append(slices.Clone(info.isr), r.broker)
	}
}

// watchLag takes a replica that does not follow out of those in sync after a while.
func (c *Cluster) watchLag(p *partition, r *replica) {
	if r.lag != nil || !slices.Contains(p.info().isr, r.broker) {
		return
	}
	r.lag = c.timers.set(r.caughtUp.Add(max(c.properties.replicaLag, c.now.Sub(r.caughtUp))), func() {
		r.lag = nil
		if p.info().leader >= 0 && r.broker != p.info().leader && r.end < p.log.end {
			c.shrinkISR(p, r.broker)
		}
	})
}

// shrinkISR takes a replica out of those in sync, unless it is the last, and reports whether it
// did.
func (c *Cluster) shrinkISR(p *partition, broker int32) bool {
	info := p.info()
	if len(info.isr) < 2 || !slices.Contains(info.isr, broker) {
		return false
	}
	info.isr = slices.DeleteFunc(slices.Clone(info.isr), func(id int32) bool { return id == broker })
	c.advanceHW(p)
	return true
}

// advanceHW moves the high watermark to what all replicas in sync have; from 3.7 on only if there
// are as many as acks=all wants (KIP-966).
func (c *Cluster) advanceHW(p *partition) {
	info := p.info()
	if info.leader >= 0 && (p.inSync() || !c.strictHW) {
		hw := p.log.end
		for i := range p.replicas {
			if r := &p.replicas[i]; slices.Contains(info.isr, r.broker) {
				hw = min(hw, r.end)
			}
		}
		p.hw = max(p.hw, hw)
	}
	c.changed(p)
}

// inSync reports whether a partition has enough replicas in sync for acks=all.
func (p *partition) inSync() bool { return len(p.info().isr) >= p.topic.settings.minISR }

// elect gives a partition the leader that is due: the first of its replicas that is alive and in
// sync, nobody if there is none, or the one that is wanted, if that is not negative and can. It
// reports whether that one leads now.
func (c *Cluster) elect(p *partition, want int32) bool {
	info := p.info()
	alive := func(id int32) bool { return c.nodes[id].alive }
	next := int32(-1)
	for _, id := range info.replicas {
		if alive(id) && slices.Contains(info.isr, id) && (want < 0 || id == want) {
			next = id
			break
		}
	}
	if next < 0 && want < 0 && p.topic.settings.uncleanElection {
		for _, id := range info.replicas {
			if alive(id) {
				next = id
				break
			}
		}
	}
	if next < 0 && want >= 0 {
		return false
	}
	if next != info.leader {
		c.lead(p, next)
	}
	return next >= 0
}

// lead makes a broker the leader of a partition, or nobody if it is negative. What the new leader
// does not have is lost.
func (c *Cluster) lead(p *partition, leader int32) {
	info := p.info()
	info.leader = leader
	info.epoch++
	if leader < 0 {
		c.changed(p)
		return
	}
	r := p.replica(leader)
	if !slices.Contains(info.isr, leader) {
		info.isr = []int32{leader} // unclean: nobody else is known to have what it has
	}
	if r.end < p.log.end {
		p.log.truncate(r.end)
		p.hw = min(p.hw, p.log.end)
		p.producers.rebuild(c.now, &p.log, c.keepBatches())
		for i := range p.replicas {
			p.replicas[i].end = min(p.replicas[i].end, p.log.end)
		}
	}
	p.log.startEpoch(info.epoch, p.log.end)
	c.timers.stop(r.lag)
	c.timers.stop(r.fetch)
	r.lag, r.fetch, r.caughtUp, r.end = nil, nil, c.now, p.log.end
	for i := range p.replicas {
		c.follow(p, &p.replicas[i])
	}
	c.advanceHW(p)
}

// keepBatches is how many of a producer's batches a partition remembers.
func (c *Cluster) keepBatches() int {
	if c.fiveBatches {
		return seenBatches
	}
	return 1
}

// everyPartition visits all partitions, in the order of their names.
func (c *Cluster) everyPartition(visit func(*partition)) {
	for _, name := range slices.Clone(c.names) {
		if t := c.topics[name]; t != nil {
			for _, p := range t.logs {
				visit(p)
			}
		}
	}
}

// fence is what the controller does when it notices that a broker is gone.
func (c *Cluster) fence(n *node) {
	if !n.alive {
		return
	}
	c.timers.stop(n.expiry)
	n.expiry = nil
	n.alive = false
	if c.zooKeeper && c.controller == n.ID {
		c.controller = -1
		for _, other := range c.order {
			if other.alive {
				c.controller = other.ID
				break
			}
		}
	}
	c.everyPartition(func(p *partition) {
		info := p.info()
		led := info.leader == n.ID
		if led {
			c.elect(p, -1)
		}
		if c.shrinkISR(p, n.ID) && c.zooKeeper && !led && info.leader >= 0 {
			info.epoch++ // the controller's own writes count as elections there
			p.log.startEpoch(info.epoch, p.log.end)
		}
	})
}

// unfence is what the controller does when a broker is back.
func (c *Cluster) unfence(n *node) {
	c.timers.stop(n.expiry)
	n.expiry = nil
	if !n.alive {
		n.alive = true
		if c.zooKeeper && c.controller < 0 {
			c.controller = n.ID
		}
	}
	c.everyPartition(func(p *partition) {
		r := p.replica(n.ID)
		if r == nil {
			return
		}
		r.end = min(r.end, p.log.end)
		if p.info().leader < 0 {
			c.elect(p, -1)
		}
		// It follows its leader, or others can follow it again.
		for i := range p.replicas {
			c.follow(p, &p.replicas[i])
		}
		c.advanceHW(p)
	})
}
