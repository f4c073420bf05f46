package kgo

import "testing"

// A driver whose own request was given up is not used again: bytes of the request may still be made.
func TestDriversOfAbandonedRequests(t *testing.T) {
	var ds drivers
	d := ds.get(nil)
	ds.put(d)
	if ds.get(nil) != d {
		t.Error("a driver that is done is not used again")
	}
	d.first.abandoned = true
	ds.put(d)
	if ds.get(nil) == d {
		t.Error("the driver is used again")
	}
}
