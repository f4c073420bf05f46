package kgo

// Poison lets the consumer overwrite memory that nobody should read any more.
func (c *Consumer) Poison() { c.memory.poison = true }

// Memory returns how many bytes are in use, how many of them wait to be consumed, and how many are kept
// for later.
func (c *Consumer) Memory() (used, waiting, kept int64) {
	m := c.memory
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.used, m.waiting, m.kept
}

// Decompressors sets how many goroutines decompress ahead of the user.
func (c *Consumer) Decompressors(n int) { c.ahead.most = n }
