//go:build kafka

package contact

import (
	"cmp"
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/franzi-kafka/franzi/gen/model"
	"github.com/franzi-kafka/franzi/internal/kafkatest"
	"github.com/franzi-kafka/franzi/internal/kafkatest/rawconn"
	"github.com/franzi-kafka/franzi/kbin"
	"github.com/franzi-kafka/franzi/kmsg"
	"github.com/franzi-kafka/franzi/spec"
)

// eras are the clusters that are exercised.
var eras = []struct {
	name string
	opts kafkatest.Options
}{
	{"0.8.2.2", kafkatest.Options{}},
	{"0.9.0.1", kafkatest.Options{}},
	{"0.10.2.2", kafkatest.Options{}},
	{"0.11.0.3", kafkatest.Options{}},
	{"1.1.1", kafkatest.Options{}},
	{"2.8.2", kafkatest.Options{}},
	{"3.9.2-zookeeper", kafkatest.Options{ZooKeeper: true}},
	{"3.9.2", kafkatest.Options{Properties: map[string]string{"group.coordinator.rebalance.protocols": "classic,consumer"}}},
	{"4.4.0", kafkatest.Options{}},
	{"4.4.0-unstable", kafkatest.Options{Unstable: true}},
}

var tableFile = flag.String("table", "", "write how much was exercised to `FILE`, as a Markdown table")

func TestContact(t *testing.T) {
	protocol, err := model.Load(spec.FS)
	if err != nil {
		t.Fatal(err)
	}
	var rows []row
	for _, era := range eras {
		release, _, _ := strings.Cut(era.name, "-")
		if !slices.Contains(kafkatest.Eras(), release) {
			continue
		}
		t.Run(era.name, func(t *testing.T) {
			opts := era.opts
			opts.Version = release
			r := newRig(t, opts, protocol)
			for _, target := range r.targets {
				t.Run(target.role, func(t *testing.T) { r.exercise(t, target) })
				rows = append(rows, row{era.name, target})
			}
		})
	}
	text := table(rows)
	t.Log("\n" + text)
	if *tableFile != "" {
		if err := os.WriteFile(*tableFile, []byte(text), 0o644); err != nil {
			t.Error(err)
		}
	}
}

// A rig is a cluster with something in it.
type rig struct {
	protocol *model.Model
	cluster  *kafkatest.Cluster
	release  *kmsg.ReleaseVersions
	targets  []*target // the broker, then the controller if there is KRaft
	names    int       // of topics and the like that were given out
}

// A target is a listener whose APIs are exercised.
type target struct {
	role    string
	addr    string
	found   string // how its versions were found
	apis    []kmsg.VersionRange
	done    int               // (API, version) pairs exercised
	skipped map[string]string // reason by "API version"
}

const (
	brokerRole     = "broker"
	controllerRole = "controller"
)

func newRig(t *testing.T, opts kafkatest.Options, protocol *model.Model) *rig {
	t.Helper()
	release, err := kmsg.Release(opts.Version)
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{protocol: protocol, release: release}
	opts.Security = r.since("0.9.0")
	opts.Properties = maps.Clone(opts.Properties)
	if opts.Properties == nil {
		opts.Properties = map[string]string{}
	}
	opts.Properties["log.retention.hours"] = "1000000" // the records are of 2023
	if name := r.authorizer(opts); name != "" {
		opts.Properties["authorizer.class.name"] = name
	}
	opts.Properties["metadata.log.max.record.bytes.between.snapshots"] = "4096"
	switch {
	case r.since("2.8"):
		opts.Properties["delegation.token.secret.key"] = "token-secret"
	case r.since("1.1"):
		opts.Properties["delegation.token.master.key"] = "token-secret"
	}
	r.cluster = kafkatest.New(t, opts)
	broker := &target{role: brokerRole, addr: r.cluster.Addrs()[0]}
	broker.apis, broker.found, err = rawconn.Discover(t.Context(), broker.addr)
	if err != nil {
		t.Fatal(err)
	}
	r.targets = append(r.targets, broker)
	for _, addr := range r.cluster.ControllerAddrs() {
		controller := &target{role: controllerRole, addr: addr}
		if controller.apis, controller.found, err = rawconn.Discover(t.Context(), addr); err != nil {
			t.Fatal(err)
		}
		r.targets = append(r.targets, controller)
	}
	r.makeCoordinators(t)
	return r
}

// makeCoordinators makes the topics of the coordinators: brokers do that when they are asked
// for one, and only then.
func (r *rig) makeCoordinators(t *testing.T) {
	t.Helper()
	x := &talk{T: t, rig: r, target: r.targets[0]}
	version := r.newest(t, kmsg.KeyFindCoordinator)
	keys := map[kmsg.CoordinatorType]string{kmsg.CoordinatorGroup: "any"}
	if version >= 1 {
		keys[kmsg.CoordinatorTransaction] = "any"
	}
	if _, _, ok := r.serves(kmsg.KeyShareFetch); ok {
		keys[kmsg.CoordinatorShare] = "any:" + kbin.UUID{1}.String() + ":0"
	}
	for of, key := range keys {
		x.prepare(kmsg.KeyFindCoordinator, obj{"key": key, "keyType": of, "coordinatorKeys": list{key}})
	}
}

// since reports whether the cluster's release is the named one or later.
func (r *rig) since(name string) bool {
	all := kmsg.Releases()
	return slices.Index(all, r.release.Name) >= slices.Index(all, name)
}

func (r *rig) authorizer(opts kafkatest.Options) string {
	switch {
	case r.since("4.0") || r.since("3.3") && !opts.ZooKeeper:
		return "org.apache.kafka.metadata.authorizer.StandardAuthorizer"
	case r.since("2.4"):
		return "kafka.security.authorizer.AclAuthorizer"
	case r.since("0.9.0"):
		return "kafka.security.auth.SimpleAclAuthorizer"
	}
	return ""
}

// serves returns the versions of an API that the broker and we speak.
func (r *rig) serves(key kmsg.APIKey) (low, high int16, ok bool) {
	for _, v := range r.targets[0].apis {
		if api := kmsg.LookupAPI(key); v.Key == key && api != nil {
			return max(v.Min, api.MinVersion), min(v.Max, api.MaxVersion), true
		}
	}
	return 0, -1, false
}

// newest is the highest version of an API that the broker and we speak.
func (r *rig) newest(t *testing.T, key kmsg.APIKey) int16 {
	t.Helper()
	_, high, ok := r.serves(key)
	if !ok {
		t.Fatalf("the broker has no %s", key)
	}
	return high
}

// name makes a name that nothing has yet.
func (r *rig) name(kind string) string {
	r.names++
	return fmt.Sprintf("%s-%d", kind, r.names)
}

// exercise sends every version of every API that the target serves. Requests between brokers
// come last: they tell the broker things that are not so.
func (r *rig) exercise(t *testing.T, target *target) {
	target.skipped = map[string]string{}
	apis := slices.Clone(target.apis)
	last := func(v kmsg.VersionRange) int {
		if v.Key >= kmsg.KeyLeaderAndISR && v.Key <= kmsg.KeyControlledShutdown {
			return 1
		}
		return 0
	}
	slices.SortStableFunc(apis, func(a, b kmsg.VersionRange) int {
		return cmp.Or(last(a)-last(b), int(a.Key)-int(b.Key))
	})
	for _, v := range apis {
		t.Run(v.Key.String(), func(t *testing.T) { r.exerciseAPI(t, target, v) })
	}
}

func (r *rig) exerciseAPI(t *testing.T, target *target, versions kmsg.VersionRange) {
	api := kmsg.LookupAPI(versions.Key)
	if api == nil || versions.Max > api.MaxVersion {
		t.Fatalf("%v is unknown to us", versions)
	}
	contact := contacts[versions.Key]
	if contact == nil {
		t.Fatal("nobody knows what to send")
	}
	for version := versions.Min; version <= versions.Max; version++ {
		t.Run(fmt.Sprint(version), func(t *testing.T) {
			x := &talk{T: t, rig: r, target: target, key: versions.Key, version: version}
			contact(x)
			switch {
			case x.skipped != "":
				target.skipped[fmt.Sprintf("%s %d", api.Name, version)] = x.skipped
			case !x.asked:
				t.Error("the version was not sent")
			case !x.told && !x.hollow && r.canTell(versions.Key, version):
				t.Error("the answer has no content")
			default:
				target.done++
			}
		})
	}
}

// canTell reports whether answers of a version have room for more than an error code.
func (r *rig) canTell(key kmsg.APIKey, version int16) bool {
	for _, f := range r.protocol.Message(key.String() + "Response").Root.Fields {
		if f.Def.Versions.Has(version) && f.Def.Tagged.Empty() && !slices.Contains([]string{"ErrorCode", "ErrorMessage", "ThrottleTimeMs"}, f.Def.Name) {
			return true
		}
	}
	return false
}

// skip says why the version cannot be sent.
func (x *talk) skip(reason string) { x.skipped = reason }

// onController reports whether a controller is exercised.
func (x *talk) onController() bool { return x.target.role == controllerRole }

type row struct {
	era    string
	target *target
}

// table is the report.
func table(rows []row) string {
	var b strings.Builder
	b.WriteString("| Kafka | listener | versions by | APIs | (API, version) pairs exercised | skipped |\n|---|---|---|--:|--:|---|\n")
	total := 0
	for _, r := range rows {
		reasons := map[string][]string{}
		for pair, reason := range r.target.skipped {
			reasons[reason] = append(reasons[reason], pair)
		}
		var skipped []string
		for reason, pairs := range reasons {
			slices.Sort(pairs)
			skipped = append(skipped, strings.Join(pairs, ", ")+": "+reason)
		}
		slices.Sort(skipped)
		total += r.target.done
		fmt.Fprintf(&b, "| %s | %s | %s | %d | %d | %s |\n", r.era, r.target.role, r.target.found, len(r.target.apis), r.target.done, strings.Join(skipped, "; "))
	}
	fmt.Fprintf(&b, "| all | | | | %d | |\n", total)
	return b.String()
}
