//go:build !linux

package kafkatest

import (
	"fmt"
	"net"
)

// holdPorts picks n ports of 127.0.0.1 that are free now. Nothing keeps them free here: a start
// that finds one taken is repeated with others. All are listened on until the last is picked,
// so that they are different ones.
func holdPorts(n int) (ports []int, release func(), err error) {
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, nil, fmt.Errorf("no free port of 127.0.0.1: %w", err)
		}
		defer l.Close()
		ports = append(ports, l.Addr().(*net.TCPAddr).Port)
	}
	return ports, func() {}, nil
}
