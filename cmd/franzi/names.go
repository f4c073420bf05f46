package main

import (
	"errors"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/franzi-kafka/franzi/kmsg"
	"github.com/franzi-kafka/franzi/kmsg/state"
)

// messageNames are all messages by their names in Kafka.
func messageNames() []string {
	return slices.Concat(kmsg.MessageNames(), state.MessageNames())
}

// apiNames are the names of all APIs.
func apiNames() []string {
	var names []string
	for _, api := range kmsg.APIs() {
		names = append(names, api.Name)
	}
	return names
}

// everyName is all that names a message: APIs, which stand for their requests, and messages.
func everyName() []string { return slices.Concat(apiNames(), messageNames()) }

// findMessage returns Kafka's name of the message that a user's name, in any case, stands
// for. That of an API, or its key, is the request.
func findMessage(name string) (string, error) {
	if api, ok := kmsg.ParseAPIKey(name); ok {
		return api.String() + "Request", nil
	}
	for _, known := range messageNames() {
		if strings.EqualFold(known, name) {
			return known, nil
		}
	}
	return "", unknown("message", name, everyName(), "franzi api list")
}

// findAPI returns the API that a user's name, in any case, or key stands for.
func findAPI(name string) (*kmsg.API, error) {
	short := name
	if len(name) > len("request") && strings.EqualFold(name[len(name)-len("request"):], "request") {
		short = name[:len(name)-len("request")]
	}
	if key, ok := kmsg.ParseAPIKey(short); ok {
		return kmsg.LookupAPI(key), nil
	}
	return nil, unknown("API", name, apiNames(), "franzi api list")
}

// newMessage returns an empty message by its name in Kafka, of version 0.
func newMessage(name string) kmsg.Message {
	if m := kmsg.NewMessage(name); m != nil {
		return m
	}
	return state.NewMessage(name)
}

// versionsOf returns the first and last version that a message has.
func versionsOf(name string) (low, high int16) {
	m := newMessage(name)
	m.SetAPIVersion(-1)
	var e *kmsg.VersionError
	errors.As(m.Check(), &e) // no message has version -1
	return e.Min, e.Max
}

// atVersion returns an empty message of the version that the user asked for. It may be left
// out if there is only one.
func (f *versionFlag) atVersion(cmd *cobra.Command, name string) (kmsg.Message, error) {
	low, high := versionsOf(name)
	v := f.n
	switch {
	case !f.set && low != high:
		return nil, misused(cmd, "%s has versions %d to %d: say which with -v", name, low, high)
	case !f.set:
		v = low
	case v < low || v > high:
		return nil, noVersion(name, v, low, high)
	}
	m := newMessage(name)
	m.SetAPIVersion(v)
	return m, nil
}

// noVersion says that a message has no such version.
func noVersion(name string, v, low, high int16) error {
	if low == high {
		return mistaken("%s has no version %d, only %d", name, v, low)
	}
	return mistaken("%s has no version %d, only %d to %d", name, v, low, high)
}
