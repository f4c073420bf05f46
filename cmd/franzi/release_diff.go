package main

import (
	"fmt"
	"strconv"

	"github.com/franzi-kafka/franzi/cmd/franzi/internal/output"
	"github.com/franzi-kafka/franzi/kmsg"
)

// A releaseChange is an API that two releases do not serve alike.
type releaseChange struct {
	Key      int16  `json:"key"`
	Name     string `json:"name"`
	Listener string `json:"listener"`
	Change   string `json:"change"`
	From     *span  `json:"from"`
	To       *span  `json:"to"`
}

func (a *app) diffReleases(fromName, toName string) error {
	from, err := findRelease(fromName)
	if err != nil {
		return err
	}
	to, err := findRelease(toName)
	if err != nil {
		return err
	}
	changes := append(
		serveChanges("broker", from.Broker, to.Broker),
		serveChanges("controller", from.Controller, to.Controller)...)
	return a.write(output.TableFormat, output.Result{Value: changes, Table: func(t *output.Table) {
		if len(changes) == 0 {
			t.Line("%s and %s serve the same", from.Name, to.Name)
			return
		}
		t.Heading("LISTENER", "KEY", "NAME", from.Name, to.Name, "CHANGE")
		for _, c := range changes {
			t.Row(c.Listener, strconv.Itoa(int(c.Key)), c.Name, dash(c.From.String()), dash(c.To.String()), c.Change)
		}
	}})
}

// serveChanges compares what a listener of two releases serves.
func serveChanges(listener string, from, to func(kmsg.APIKey) (kmsg.VersionRange, bool)) []releaseChange {
	changes := []releaseChange{}
	for _, api := range kmsg.APIs() {
		c := releaseChange{Key: int16(api.Key), Name: api.Name, Listener: listener}
		if r, ok := from(api.Key); ok {
			c.From = spanOf(r)
		}
		if r, ok := to(api.Key); ok {
			c.To = spanOf(r)
		}
		if c.Change = spanChange(c.From, c.To); c.Change != "" {
			changes = append(changes, c)
		}
	}
	return changes
}

// spanChange says how one range became another, "" if they are the same.
func spanChange(from, to *span) string {
	switch {
	case from == nil && to == nil, from != nil && to != nil && *from == *to:
		return ""
	case from == nil:
		return "new"
	case to == nil:
		return "gone"
	}
	text := ""
	if from.Max != to.Max {
		text = fmt.Sprintf("top version %d, was %d", to.Max, from.Max)
	}
	if from.Min != to.Min {
		if text != "" {
			text += "; "
		}
		text += fmt.Sprintf("lowest version %d, was %d", to.Min, from.Min)
	}
	return text
}
