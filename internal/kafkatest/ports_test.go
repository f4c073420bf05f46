package kafkatest

import (
	"net"
	"runtime"
	"slices"
	"testing"
	"time"
)

func TestHoldPorts(t *testing.T) {
	first, freeFirst, err := holdPorts(20)
	if err != nil {
		t.Fatal(err)
	}
	defer freeFirst()
	second, freeSecond, err := holdPorts(20)
	if err != nil {
		t.Fatal(err)
	}
	defer freeSecond()
	all := slices.Concat(first, second)
	slices.Sort(all)
	if got := len(slices.Compact(slices.Clone(all))); got != len(all) && runtime.GOOS == "linux" {
		t.Errorf("got %d different ports of %d", got, len(all))
	}
	for _, port := range first {
		// Nobody listens yet: a client is refused at once.
		if conn, err := net.DialTimeout("tcp", loopback(port), time.Second); err == nil {
			conn.Close()
			t.Errorf("port %d: got a connection, want none", port)
		}
		// A server that sets SO_REUSEADDR, as Go's and Java's do, can come, go and come again.
		for range 2 {
			l, err := net.Listen("tcp", loopback(port))
			if err != nil {
				t.Errorf("port %d: %v", port, err)
				break
			}
			conn, err := net.Dial("tcp", l.Addr().String())
			if err != nil {
				t.Errorf("port %d: %v", port, err)
			} else {
				conn.Close()
			}
			l.Close()
		}
	}
}
