package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/franzi-kafka/franzi/cmd/franzi/internal/broker"
	"github.com/franzi-kafka/franzi/cmd/franzi/internal/output"
	"github.com/franzi-kafka/franzi/kmsg"
)

const apiVersionsHelp = `api versions asks a broker which APIs and versions it speaks, compares them with ours, and
tells its features and the releases of Kafka that it is most like.`

func (a *app) apiVersionsCommand() *cobra.Command {
	var c connection
	cmd := &cobra.Command{
		Use:               "versions -b HOST:PORT",
		Short:             "Ask a broker what it speaks",
		Long:              apiVersionsHelp,
		Example:           "  franzi api versions -b localhost:9092",
		Args:              takes(0, 0),
		ValidArgsFunction: completeNothing,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := c.check(cmd); err != nil {
				return err
			}
			return a.brokerVersions(cmd.Context(), &c)
		},
	}
	c.add(cmd)
	return cmd
}

// A brokerReport is what a broker speaks, beside what we do.
type brokerReport struct {
	Broker   string         `json:"broker"`
	Version  int16          `json:"apiVersionsVersion"` // in which it answered
	APIs     []brokerAPI    `json:"apis"`
	Features brokerFeatures `json:"features"`
	Releases []likeness     `json:"releases"` // that it is most like
}

// A brokerAPI is an API that the broker speaks or we do.
type brokerAPI struct {
	Key    int16   `json:"key"`
	Name   *string `json:"name"` // null if we do not know it
	Broker *span   `json:"broker"`
	Ours   *span   `json:"ours"`
	Usable *span   `json:"usable"`
	Note   string  `json:"note"`
}

// brokerFeatures are what the cluster has switched on, and could (KIP-584).
type brokerFeatures struct {
	FinalizedEpoch *int64          `json:"finalizedEpoch"` // null if the broker does not know
	Finalized      []brokerFeature `json:"finalized"`
	Supported      []brokerFeature `json:"supported"`
}

type brokerFeature struct {
	Name string `json:"name"`
	Min  int16  `json:"min"`
	Max  int16  `json:"max"`
}

func (a *app) brokerVersions(ctx context.Context, c *connection) error {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	conn, err := broker.Dial(ctx, a.dial, string(c.addr), c.clientID)
	if err != nil {
		return err
	}
	defer conn.Close()
	resp, err := conn.Versions(ctx, software())
	if err != nil {
		return err
	}
	r := newBrokerReport(string(c.addr), resp)
	return a.write(output.TableFormat, output.Result{Value: r, Table: r.table})
}

func newBrokerReport(addr string, resp *kmsg.APIVersionsResponse) *brokerReport {
	r := &brokerReport{Broker: addr, Version: resp.Version, APIs: compareVersions(resp), Releases: mostLike(resp)}
	r.Features.Finalized, r.Features.Supported = []brokerFeature{}, []brokerFeature{}
	for _, f := range resp.SupportedFeatures {
		r.Features.Supported = append(r.Features.Supported, brokerFeature{f.Name, f.MinVersion, f.MaxVersion})
	}
	if resp.FinalizedFeaturesEpoch >= 0 {
		r.Features.FinalizedEpoch = &resp.FinalizedFeaturesEpoch
		for _, f := range resp.FinalizedFeatures {
			r.Features.Finalized = append(r.Features.Finalized, brokerFeature{f.Name, f.MinVersionLevel, f.MaxVersionLevel})
		}
	}
	return r
}

// compareVersions puts what the broker speaks beside what we do, by key.
func compareVersions(resp *kmsg.APIVersionsResponse) []brokerAPI {
	theirs := map[int16]*span{}
	for _, k := range resp.APIKeys {
		theirs[k.APIKey] = &span{k.MinVersion, k.MaxVersion}
	}
	var all []brokerAPI
	for _, api := range kmsg.APIs() {
		key, name := int16(api.Key), api.Name
		b := brokerAPI{Key: key, Name: &name, Broker: theirs[key], Ours: &span{api.MinVersion, api.MaxVersion}}
		delete(theirs, key)
		b.compare()
		all = append(all, b)
	}
	for _, k := range resp.APIKeys {
		if s := theirs[k.APIKey]; s != nil {
			delete(theirs, k.APIKey) // a broker that says it twice is shown once
			all = append(all, brokerAPI{Key: k.APIKey, Broker: s, Note: "we lack it"})
		}
	}
	return all
}

func (b *brokerAPI) compare() {
	if b.Broker == nil {
		b.Note = "the broker lacks it"
		return
	}
	low, high := max(b.Broker.Min, b.Ours.Min), min(b.Broker.Max, b.Ours.Max)
	if low > high {
		b.Note = "no version in common"
		return
	}
	b.Usable = &span{low, high}
	if b.Broker.Max > b.Ours.Max {
		b.Note = fmt.Sprintf("we lack versions above %d", b.Ours.Max)
	}
}

func (r *brokerReport) table(t *output.Table) {
	t.Heading("KEY", "NAME", "BROKER", "OURS", "USABLE", "NOTE")
	for _, api := range r.APIs {
		name := "?"
		if api.Name != nil {
			name = *api.Name
		}
		t.Row(strconv.Itoa(int(api.Key)), name, dash(api.Broker.String()), dash(api.Ours.String()), dash(api.Usable.String()), api.Note)
	}
	t.Line("")
	t.Line("%s answered in version %d of ApiVersions.", r.Broker, r.Version)
	r.Features.table(t)
	t.Line("%s", likeText(r.Releases))
}

func (f brokerFeatures) table(t *output.Table) {
	names := func(features []brokerFeature) string {
		var parts []string
		for _, f := range features {
			parts = append(parts, f.Name+" "+(&span{f.Min, f.Max}).String())
		}
		return strings.Join(parts, ", ")
	}
	if f.FinalizedEpoch != nil {
		t.Line("Finalized features (epoch %d): %s", *f.FinalizedEpoch, dash(names(f.Finalized)))
	}
	if len(f.Supported) > 0 {
		t.Line("Supported features: %s", names(f.Supported))
	}
}
