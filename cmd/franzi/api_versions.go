package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/franzi-kafka/franzi/cmd/franzi/internal/output"
	"github.com/franzi-kafka/franzi/kmsg"
)

const apiVersionsHelp = `api versions asks a broker which APIs and versions it speaks, compares them with ours, and
tells its features and the releases of Kafka that it is most like.`

func (a *app) apiVersionsCommand() *cobra.Command {
	var c connection
	var broker int32
	cmd := &cobra.Command{
		Use:               "versions -b HOST:PORT",
		Short:             "Ask a broker what it speaks",
		Long:              apiVersionsHelp,
		Example:           "  franzi api versions -b localhost:9092",
		Args:              takes(0, 0),
		ValidArgsFunction: completeNothing,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.brokerVersions(cmd, &c, broker)
		},
	}
	c.add(cmd)
	cmd.Flags().Int32VarP(&broker, "to", "B", -1, "the id of the broker to ask, instead of any")
	complete(cmd, "to", completeNothing)
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

func (a *app) brokerVersions(cmd *cobra.Command, c *connection, broker int32) error {
	s, err := a.session(cmd, c, true)
	if err != nil {
		return err
	}
	defer s.close()
	req := kmsg.NewAPIVersionsRequest()
	req.ClientSoftwareName, req.ClientSoftwareVersion = software()
	_, err = s.send(req, target{aimed: broker >= 0, broker: broker}, new(reqCommand))
	resp, addr := s.negotiated()
	if resp == nil {
		return s.wrap(err)
	}
	r := newBrokerReport(addr, resp)
	return a.write(output.TableFormat, output.Result{Value: r, Table: r.table})
}

// negotiated is what the broker that was connected last said of its versions, and its address;
// nil if none did. Brokers before 0.10 do not.
func (s *session) negotiated() (*kmsg.APIVersionsResponse, string) {
	all := s.tap.Exchanges()
	slices.Reverse(all)
	for _, e := range all {
		if e.Key() != kmsg.KeyAPIVersions || e.Answer == nil {
			continue
		}
		resp := e.Request.Response().(*kmsg.APIVersionsResponse)
		if _, err := kmsg.DecodeResponseLenient(e.Answer, resp); err == nil && resp.ErrorCode == kmsg.None {
			return resp, e.Addr
		}
	}
	return nil, ""
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
