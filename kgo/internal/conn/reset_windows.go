package conn

import (
	"errors"
	"syscall"
)

// isReset reports whether an error says that the other side does not want a connection any
// more. Connections in memory use the names of other systems.
func isReset(err error) bool {
	return errors.Is(err, syscall.WSAECONNRESET) || errors.Is(err, syscall.WSAECONNABORTED) ||
		errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}
