package main

import (
	"errors"
	"net"
	"slices"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/franzi-kafka/franzi/cmd/franzi/internal/output"
	"github.com/franzi-kafka/franzi/kgo"
	"github.com/franzi-kafka/franzi/kmsg"
)

func (a *app) clusterCommand() *cobra.Command {
	return group(&cobra.Command{
		Use:     "cluster",
		Short:   "Look at a cluster: its brokers, quorum and features",
		Example: "  franzi cluster info -b localhost:9092",
	},
		a.clusterPart("info", "Show what kind of cluster it is", "info tells the cluster's id, its controller and its brokers.", a.clusterInfo),
		a.clusterPart("brokers", "List the brokers", "brokers lists the brokers with their racks. From Kafka 4.0 on those that are fenced, and\nserve nobody, are among them.", a.clusterBrokers),
		a.clusterPart("quorum", "Show the quorum of controllers of a KRaft cluster", "quorum tells who leads the quorum of controllers, and how far its voters and observers are\n(KIP-595).", a.clusterQuorum),
		a.clusterPart("features", "List the features of the cluster", "features lists which features are switched on, at which level, and the levels that each\nbroker supports (KIP-584).", a.clusterFeatures),
	)
}

// clusterPart is a command without arguments that asks a cluster.
func (a *app) clusterPart(name, short, long string, do func(*session) error) *cobra.Command {
	var c connection
	cmd := &cobra.Command{
		Use: name, Short: short, Long: long,
		Example:           "  franzi cluster " + name + " -b localhost:9092",
		Args:              takes(0, 0),
		ValidArgsFunction: completeNothing,
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, err := a.connected(cmd, &c)
			if err != nil {
				return err
			}
			defer s.close()
			return do(s)
		},
	}
	c.add(cmd)
	return cmd
}

// A clusterReport is what there is to know of a cluster.
type clusterReport struct {
	ClusterID  *string         `json:"clusterId"`  // null before 0.10.1
	Controller *int32          `json:"controller"` // null if it is not known; with KRaft any broker
	Brokers    []clusterBroker `json:"brokers"`
}

// A clusterBroker is a broker of it.
type clusterBroker struct {
	ID         int32   `json:"id"`
	Host       string  `json:"host"`
	Port       int32   `json:"port"`
	Rack       *string `json:"rack"`
	Controller bool    `json:"controller"`
	Fenced     bool    `json:"fenced"`
}

func (b *clusterBroker) addr() string { return net.JoinHostPort(b.Host, strconv.Itoa(int(b.Port))) }

// unserved reports whether brokers do not have an API, or not in a version that can be used.
func unserved(err error) bool {
	return errors.Is(err, kmsg.UnsupportedVersion)
}

// describeCluster asks for what clusterReport has, of brokers of any age.
func (s *session) describeCluster() (*clusterReport, error) {
	req := kmsg.NewDescribeClusterRequest()
	req.IncludeFencedBrokers = true
	resp, err := kgo.Do(s.ctx, s.client, req)
	if err != nil { // before 4.0 fenced brokers cannot be asked for
		req.IncludeFencedBrokers = false
		resp, err = kgo.Do(s.ctx, s.client, req)
	}
	if unserved(err) {
		return s.clusterOfMetadata(), nil
	}
	if err != nil {
		return nil, s.wrap(err)
	}
	r := &clusterReport{ClusterID: &resp.ClusterID, Brokers: []clusterBroker{}}
	if resp.ControllerID >= 0 {
		r.Controller = &resp.ControllerID
	}
	for _, b := range resp.Brokers {
		one := clusterBroker{ID: b.BrokerID, Host: b.Host, Port: b.Port, Controller: b.BrokerID == resp.ControllerID, Fenced: b.IsFenced}
		if b.Rack.Valid {
			one.Rack = &b.Rack.S
		}
		r.Brokers = append(r.Brokers, one)
	}
	slices.SortFunc(r.Brokers, func(a, b clusterBroker) int { return int(a.ID) - int(b.ID) })
	return r, nil
}

// clusterOfMetadata makes the report of what the client knows already, for brokers before 2.8.
func (s *session) clusterOfMetadata() *clusterReport {
	m := s.client.Metadata()
	r := &clusterReport{Brokers: []clusterBroker{}}
	if id := m.ClusterID(); id != "" {
		r.ClusterID = &id
	}
	controller, known := m.Controller()
	if known {
		r.Controller = &controller.ID
	}
	for _, b := range m.Brokers() {
		host, port, _ := net.SplitHostPort(b.Addr) // it was made of the two
		n, _ := strconv.ParseInt(port, 10, 32)
		one := clusterBroker{ID: b.ID, Host: host, Port: int32(n), Controller: known && b.ID == controller.ID}
		if b.Rack != "" {
			one.Rack = &b.Rack
		}
		r.Brokers = append(r.Brokers, one)
	}
	return r
}

func (a *app) clusterInfo(s *session) error {
	r, err := s.describeCluster()
	if err != nil {
		return err
	}
	return a.write(output.TableFormat, output.Result{Value: r, Table: func(t *output.Table) {
		t.Row("cluster id", dashIfNull(r.ClusterID))
		controller := "-"
		if r.Controller != nil {
			controller = strconv.Itoa(int(*r.Controller))
		}
		t.Row("controller", controller)
		t.Row("brokers", strconv.Itoa(len(r.Brokers)))
		t.Line("")
		brokerRows(t, r.Brokers)
	}})
}

func (a *app) clusterBrokers(s *session) error {
	r, err := s.describeCluster()
	if err != nil {
		return err
	}
	return a.write(output.TableFormat, output.Result{Value: r.Brokers, Table: func(t *output.Table) { brokerRows(t, r.Brokers) }})
}

func brokerRows(t *output.Table, brokers []clusterBroker) {
	t.Heading("ID", "ADDRESS", "RACK", "CONTROLLER", "FENCED")
	for _, b := range brokers {
		t.Row(strconv.Itoa(int(b.ID)), b.addr(), dashIfNull(b.Rack), yesNo(b.Controller), yesNo(b.Fenced))
	}
}

func dashIfNull(s *string) string {
	if s == nil {
		return "-"
	}
	return *s
}
