package ktest

// security is how clients prove who they are, and brokers.
type security struct{}
