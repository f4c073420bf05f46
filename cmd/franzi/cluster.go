package main

import (
	"errors"
	"net"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/franzi-kafka/franzi/cmd/franzi/internal/output"
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

func (s *session) describeCluster() (*clusterReport, error) {
	d, err := s.client.Admin().DescribeCluster(s.ctx)
	if err != nil {
		return nil, s.wrap(err)
	}
	r := &clusterReport{Brokers: []clusterBroker{}}
	if d.ID != "" {
		r.ClusterID = &d.ID
	}
	if d.Controller >= 0 {
		r.Controller = &d.Controller
	}
	for _, b := range d.Brokers {
		host, port, _ := net.SplitHostPort(b.Addr) // it was made of the two
		n, _ := strconv.ParseInt(port, 10, 32)
		one := clusterBroker{ID: b.ID, Host: host, Port: int32(n), Controller: b.ID == d.Controller, Fenced: b.Fenced}
		if b.Rack != "" {
			one.Rack = &b.Rack
		}
		r.Brokers = append(r.Brokers, one)
	}
	return r, nil
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
