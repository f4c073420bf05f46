package sasl

import (
	"crypto/pbkdf2"
	"hash"
	"sync/atomic"
)

// scramKeys are what SCRAM makes of a password (RFC 5802). They do not change.
type scramKeys struct{ client, stored, server []byte }

// keyCacheSize is enough for a cluster whose passwords are just being changed. A broker that asks
// with ever new salts makes us forget, not remember more.
const keyCacheSize = 4

// A keyCache remembers keys: to make them takes from milliseconds to a second. It is safe for
// concurrent use. What it knows lies behind a pointer that package fmt does not follow.
type keyCache struct {
	entries atomic.Pointer[[]keyEntry] // newest first, replaced whole
}

type keyEntry struct {
	password, salt string
	iterations     int
	keys           scramKeys
}

// get returns the keys of a password. Connections that ask at the same time for keys that are not
// there yet make them each for itself.
func (c *keyCache) get(h func() hash.Hash, password, salt string, iterations int) (scramKeys, error) {
	for _, e := range c.load() {
		if e.password == password && e.salt == salt && e.iterations == iterations {
			return e.keys, nil
		}
	}
	keys, err := makeKeys(h, password, salt, iterations)
	if err == nil {
		c.add(keyEntry{password, salt, iterations, keys})
	}
	return keys, err
}

func (c *keyCache) load() []keyEntry {
	if p := c.entries.Load(); p != nil {
		return *p
	}
	return nil
}

// add lets a change that another goroutine makes at the same time be lost: the cache is a help,
// not a truth.
func (c *keyCache) add(e keyEntry) {
	entries := append([]keyEntry{e}, c.load()...)
	entries = entries[:min(len(entries), keyCacheSize)]
	c.entries.Store(&entries)
}

// makeKeys takes as long as iterations says.
func makeKeys(h func() hash.Hash, password, salt string, iterations int) (scramKeys, error) {
	salted, err := pbkdf2.Key(h, password, []byte(salt), iterations, h().Size())
	if err != nil {
		return scramKeys{}, err
	}
	client := mac(h, salted, "Client Key")
	stored := h()
	stored.Write(client)
	return scramKeys{client: client, stored: stored.Sum(nil), server: mac(h, salted, "Server Key")}, nil
}
