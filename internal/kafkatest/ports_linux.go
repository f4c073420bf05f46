package kafkatest

import (
	"fmt"
	"syscall"
)

// holdPorts picks n free ports of 127.0.0.1 and keeps them ours until release is called.
//
// While a broker is down, the kernel may give its port to any outgoing connection, and the
// broker cannot come back: rare, but not in a test that kills brokers by the hundred. A socket
// that is bound and does not listen keeps the kernel from that. It does not disturb the broker,
// since both set SO_REUSEADDR (Java does for every listening socket), and connections to a
// broker that is down are refused as they should be.
func holdPorts(n int) (ports []int, release func(), err error) {
	var sockets []int
	release = func() {
		for _, s := range sockets {
			syscall.Close(s)
		}
		sockets = nil
	}
	for range n {
		s, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
		if err != nil {
			release()
			return nil, nil, fmt.Errorf("no socket to hold a port with: %w", err)
		}
		sockets = append(sockets, s)
		port, err := bindPort(s)
		if err != nil {
			release()
			return nil, nil, fmt.Errorf("no free port of 127.0.0.1: %w", err)
		}
		ports = append(ports, port)
	}
	return ports, release, nil
}

// bindPort binds the socket to a free port.
func bindPort(socket int) (int, error) {
	if err := syscall.SetsockoptInt(socket, syscall.SOL_SOCKET, syscall.SO_REUSEADDR, 1); err != nil {
		return 0, err
	}
	if err := syscall.Bind(socket, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		return 0, err
	}
	at, err := syscall.Getsockname(socket)
	if err != nil {
		return 0, err
	}
	return at.(*syscall.SockaddrInet4).Port, nil
}
