package broker

import (
	"math/rand/v2"

	"github.com/franzi-kafka/franzi/kmsg"
)

// Auth is who may log in.
type Auth struct{}

type authenticator struct{}

func newAuthenticator(Auth, *rand.Rand) (*authenticator, error) { return &authenticator{}, nil }

// A login is how far a connection is with authentication.
type login struct {
	needed bool
	raw    bool // the next frame is a token of its own
	user   string
}

func (c *Cluster) mayAsk(x *call) bool { return !x.conn.login.needed || x.key == kmsg.KeyAPIVersions }

func (c *Cluster) rawToken(cn *conn, token []byte) { c.hangUp(cn, false) }
