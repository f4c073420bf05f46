//go:build !windows && !plan9

package conn

import (
	"errors"
	"syscall"
)

// isReset reports whether an error says that the other side does not want a connection any
// more.
func isReset(err error) bool {
	return errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.ECONNABORTED)
}
