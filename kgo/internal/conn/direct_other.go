//go:build !unix

package conn

import (
	"net"

	"github.com/franzi-kafka/franzi/kgo/internal/link"
)

// A direct would write without waiting; this system has no such thing for Go's connections.
type direct struct{}

func (*direct) init(net.Conn) {}

func (*direct) write(*link.Write) int { return 0 }
