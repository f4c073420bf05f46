package main

import (
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/franzi-kafka/franzi/cmd/franzi/internal/output"
	"github.com/franzi-kafka/franzi/kmsg"
)

const apiListHelp = `api list shows the APIs of all releases, or with --release what one release serves: the
versions of its brokers (with or without ZooKeeper) and of its KRaft controllers.`

// A listing is what api list was asked for.
type listing struct {
	release, listener  string
	flexible, unstable bool
}

func listeners() []string { return []string{"broker", "controller", "zkBroker"} }

func (a *app) apiListCommand() *cobra.Command {
	var l listing
	cmd := &cobra.Command{
		Use:               "list",
		Short:             "List the APIs, or those of a release",
		Long:              apiListHelp,
		Example:           "  franzi api list --release 2.8 --listener controller",
		Args:              takes(0, 0),
		ValidArgsFunction: completeNothing,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if l.listener != "" {
				var err error
				if l.listener, err = oneOf("listener", l.listener, listeners()); err != nil {
					return err
				}
			}
			if l.release != "" && l.unstable {
				return misused(cmd, "--unstable is about all releases, --release about one")
			}
			if l.release != "" {
				return a.listRelease(l)
			}
			return a.listAll(l)
		},
	}
	cmd.Flags().StringVar(&l.release, "release", "", "a release of Kafka, like 2.8")
	cmd.Flags().StringVar(&l.listener, "listener", "", "only what broker, controller or zkBroker serves")
	cmd.Flags().BoolVar(&l.flexible, "flexible", false, "only APIs that have flexible versions (KIP-482)")
	cmd.Flags().BoolVar(&l.unstable, "unstable", false, "only APIs whose top version is unstable")
	complete(cmd, "release", completeReleases)
	complete(cmd, "listener", cobra.FixedCompletions(listeners(), cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

// An apiRow is an API over all releases.
type apiRow struct {
	Key          int16    `json:"key"`
	Name         string   `json:"name"`
	Versions     span     `json:"versions"`
	FlexibleFrom *int16   `json:"flexibleFrom"`
	Unstable     bool     `json:"unstable"` // the top version
	Listeners    []string `json:"listeners"`
	Since        *string  `json:"since"`    // release that brought the API
	MaxSince     *string  `json:"maxSince"` // release that brought the top version
	stable       int16    // the top version that some release serves
}

func rowOf(api kmsg.API) apiRow {
	r := apiRow{Key: int16(api.Key), Name: api.Name, Versions: span{api.MinVersion, api.MaxVersion}, Unstable: api.Unstable, Listeners: api.Listeners()}
	if api.FlexibleFrom >= 0 {
		r.FlexibleFrom = &api.FlexibleFrom
	}
	for v := api.MinVersion; v <= api.MaxVersion; v++ {
		since := api.Since(v)
		if since == "" {
			continue
		}
		if r.Since == nil {
			r.Since = &since
		}
		r.MaxSince, r.stable = &since, v
	}
	return r
}

func (l listing) wants(api kmsg.API) bool {
	return (l.listener == "" || slices.Contains(api.Listeners(), l.listener)) &&
		(!l.flexible || api.FlexibleFrom >= 0) && (!l.unstable || api.Unstable)
}

func (a *app) listAll(l listing) error {
	rows := []apiRow{}
	for _, api := range kmsg.APIs() {
		if l.wants(api) {
			rows = append(rows, rowOf(api))
		}
	}
	return a.write(output.TableFormat, output.Result{Value: rows, Table: func(t *output.Table) {
		t.Heading("KEY", "NAME", "VERSIONS", "FLEXIBLE", "LISTENERS", "SINCE", "TOP SINCE")
		for _, r := range rows {
			flexible := "-"
			if r.FlexibleFrom != nil {
				flexible = strconv.Itoa(int(*r.FlexibleFrom)) + "+"
			}
			t.Row(strconv.Itoa(int(r.Key)), r.Name, r.Versions.String(), flexible, strings.Join(r.Listeners, ","), release(r.Since), r.top())
		}
	}})
}

// release names the release that brought something.
func release(since *string) string {
	if since == nil {
		return "-"
	}
	return *since
}

func (r apiRow) top() string {
	if !r.Unstable {
		return release(r.MaxSince)
	}
	if r.MaxSince == nil {
		return "unstable"
	}
	return release(r.MaxSince) + " (" + strconv.Itoa(int(r.Versions.Max)) + " unstable)"
}

// A servedRow is what a release serves of an API.
type servedRow struct {
	Key        int16  `json:"key"`
	Name       string `json:"name"`
	Broker     *span  `json:"broker"` // of brokers with and without ZooKeeper
	Controller *span  `json:"controller"`
}

func (a *app) listRelease(l listing) error {
	r, err := findRelease(l.release)
	if err != nil {
		return err
	}
	rows := []servedRow{}
	for _, api := range kmsg.APIs() {
		row := servedRow{Key: int16(api.Key), Name: api.Name}
		if s, ok := r.Broker(api.Key); ok && l.listener != "controller" {
			row.Broker = spanOf(s)
		}
		if s, ok := r.Controller(api.Key); ok && (l.listener == "" || l.listener == "controller") {
			row.Controller = spanOf(s)
		}
		if l.listener == "broker" || l.listener == "zkBroker" {
			serves, err := a.serves(r.Name, l.listener, api.Name)
			if err != nil {
				return err
			}
			if !serves {
				row.Broker = nil
			}
		}
		if row.fits(l, api) {
			rows = append(rows, row)
		}
	}
	return a.write(output.TableFormat, output.Result{Value: rows, Table: func(t *output.Table) {
		t.Heading("KEY", "NAME", "BROKER", "CONTROLLER")
		for _, r := range rows {
			t.Row(strconv.Itoa(int(r.Key)), r.Name, dash(r.Broker.String()), dash(r.Controller.String()))
		}
	}})
}

// findRelease finds a release by its name. Short of a number, it is the last of those that
// begin so: 0.8 is 0.8.2.
func findRelease(name string) (*kmsg.ReleaseVersions, error) {
	names := kmsg.Releases()
	r, err := kmsg.Release(name)
	for i := len(names) - 1; err != nil && i >= 0; i-- {
		if strings.HasPrefix(names[i], name+".") {
			r, err = kmsg.Release(names[i])
		}
	}
	if err != nil {
		return nil, mistaken("unknown release %q: there are %s", name, strings.Join(names, ", "))
	}
	return r, nil
}

// serves reports whether a kind of broker of a release serves an API: package kmsg does not
// tell the kinds apart.
func (a *app) serves(release, listener, api string) (bool, error) {
	m, err := a.model()
	if err != nil {
		return false, err
	}
	for _, r := range m.Releases {
		if r.Release == release || strings.HasPrefix(r.Release, release+".") {
			if listener == "zkBroker" {
				return slices.Contains(r.ZkBroker, api), nil
			}
			return slices.Contains(r.Broker, api), nil
		}
	}
	return false, nil
}

func (r servedRow) fits(l listing, api kmsg.API) bool {
	if r.Broker == nil && r.Controller == nil {
		return false
	}
	top := int16(-1)
	for _, s := range []*span{r.Broker, r.Controller} {
		if s != nil {
			top = max(top, s.Max)
		}
	}
	return !l.flexible || api.FlexibleFrom >= 0 && top >= api.FlexibleFrom
}

func dash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}
