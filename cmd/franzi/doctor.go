package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/franzi-kafka/franzi/cmd/franzi/internal/output"
	"github.com/franzi-kafka/franzi/kgo"
	"github.com/franzi-kafka/franzi/kmsg"
)

const doctorHelp = `doctor finds out why a cluster cannot be reached, or not all of it. For each address it looks
up the name, connects, agrees on TLS, asks for versions, logs in and gets metadata; then it
does so for every broker, at the address that it advertises; then it compares clocks, which
the brokers of KRaft tell from 3.3 on. It says which stage breaks first, and what to do. Where
OK is a dash, nothing could be looked at.

The exit code is 3 if something is broken.`

// A checkup is one thing that was looked at.
type checkup struct {
	Stage  string  `json:"stage"`  // dns, tcp, tls, sasl, versions, metadata, clock
	Broker *int32  `json:"broker"` // null for an address that was given
	Addr   string  `json:"addr"`
	OK     *bool   `json:"ok"` // null if it could not be looked at
	Ms     float64 `json:"ms"`
	Detail string  `json:"detail"`
	Remedy *string `json:"remedy"`
}

// A doctor looks at one cluster.
type doctor struct {
	s    *session
	cfg  *tls.Config
	to   map[string]string
	way  string // the first address that led to the cluster
	done []checkup
}

func (a *app) doctorCommand() *cobra.Command {
	var c connection
	cmd := &cobra.Command{
		Use:               "doctor",
		Short:             "Find out why a cluster cannot be reached",
		Long:              doctorHelp,
		Example:           "  franzi doctor -b localhost:9092\n  franzi doctor -p prod -o json",
		Args:              takes(0, 0),
		ValidArgsFunction: completeNothing,
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, err := a.session(cmd, &c, false)
			if err != nil {
				return err
			}
			defer s.close()
			d := &doctor{s: s}
			if d.cfg, err = s.settings.TLS(); err != nil {
				return err
			}
			if d.to, err = s.settings.AddressMap(); err != nil {
				return err
			}
			d.examine()
			return d.report(a)
		},
	}
	c.add(cmd)
	return cmd
}

// note takes down a checkup, and reports whether it went well.
func (d *doctor) note(c checkup, begin time.Time, err error, detail string) bool {
	ok := err == nil
	c.OK, c.Detail, c.Ms = &ok, detail, float64(time.Since(begin).Microseconds())/1000
	if err != nil {
		c.Detail = d.s.reason(err)
		remedy := adviceOf(err)
		switch {
		case remedy != "":
		case c.Broker != nil && (c.Stage == "dns" || c.Stage == "tcp"):
			remedy = d.remedyOfAdvertised(c.Addr)
		default:
			remedy = remedyOf(c.Stage, err)
		}
		c.Remedy = &remedy
	}
	d.done = append(d.done, c)
	return ok
}

// remedyOfAdvertised is what to do about an address that a broker advertises and that leads
// nowhere from here, with those addresses that were seen.
func (d *doctor) remedyOfAdvertised(addr string) string {
	if to := d.to[addr]; to != "" {
		return fmt.Sprintf("--map leads from %s to %s: name an address there that can be reached from here.", addr, to)
	}
	protocol, err := d.s.settings.Protocol()
	if err != nil {
		protocol = "PLAINTEXT"
	}
	condition, there := "If the broker is the one at "+d.way+", let it advertise that", d.way
	if slices.ContainsFunc(d.s.client.Metadata().Brokers(), func(b kgo.BrokerInfo) bool { return b.Addr == d.way }) {
		condition, there = "Let it advertise one that can be reached", "HOST:PORT" // what was given is another broker's
	}
	return fmt.Sprintf("The address comes from the broker's advertised.listeners, and cannot be reached from here. %s, advertised.listeners=%s://%s, or say here where it is, --map %s=%s.", condition, protocol, there, addr, there)
}

// remedyOf is what to do about a stage that breaks, where the error does not say it.
func remedyOf(stage string, err error) string {
	switch {
	case stage == "clock":
		return "Set the clock of this machine or of the brokers right: certificates, tokens and timestamps depend on it."
	case stage == "dns":
		return "Check the spelling of the name, and which DNS server this machine asks."
	case stage == "tcp" && isTimeout(err):
		return "Nothing answers: look for a firewall in between, or whether the machine is up."
	case stage == "tcp":
		return "Nobody listens: check the port, whether the broker runs, and its listeners."
	case stage == "tls" && strings.Contains(err.Error(), "certificate signed by unknown authority"):
		return "Name the authority of the brokers' certificates with --tls-ca."
	case stage == "tls" && strings.Contains(err.Error(), "certificate is valid for"):
		return "Connect by a name that is in the certificate, have the brokers advertise it, or say --tls-name."
	case stage == "tls" && strings.Contains(err.Error(), "expired or is not yet valid"):
		return "Renew the broker's certificate, or set this machine's clock right."
	case stage == "tls":
		return "The port may be for plaintext, or for another kind of TLS: leave --tls away, or take the port for TLS."
	}
	return "See what the broker's log says."
}

// examine looks at everything.
func (d *doctor) examine() {
	for _, addr := range d.s.settings.Brokers() {
		if d.transport(nil, addr) && d.kafka(addr) && d.way == "" {
			d.way = addr
		}
	}
	if d.way == "" {
		return
	}
	reached := false
	for _, b := range d.s.client.Metadata().Brokers() {
		if d.transport(&b.ID, b.Addr) && d.broker(b) {
			reached = true
		}
	}
	if reached {
		d.clock()
	}
}

// transport looks up a name, connects and agrees on TLS.
func (d *doctor) transport(broker *int32, addr string) bool {
	to := addr
	if mapped := d.to[addr]; mapped != "" {
		to = mapped
	}
	host, _, err := net.SplitHostPort(to)
	begin := time.Now()
	if err != nil {
		return d.note(checkup{Stage: "dns", Broker: broker, Addr: addr}, begin, err, "")
	}
	if d.s.app.dial == nil { // a dialer of one's own looks up names itself
		ips, err := net.DefaultResolver.LookupHost(d.s.ctx, host)
		if !d.note(checkup{Stage: "dns", Broker: broker, Addr: addr}, begin, err, strings.Join(ips, ", ")) {
			return false
		}
	}
	dial := d.s.app.dial
	if dial == nil {
		dial = new(net.Dialer).DialContext
	}
	ctx, cancel := context.WithTimeout(d.s.ctx, d.s.flags.timeout/2)
	defer cancel()
	begin = time.Now()
	conn, err := dial(ctx, "tcp", to)
	if !d.note(checkup{Stage: "tcp", Broker: broker, Addr: addr}, begin, err, "connected to "+to) {
		return false
	}
	defer conn.Close()
	if d.cfg == nil {
		return true
	}
	begin = time.Now()
	state, err := handshake(ctx, conn, d.cfg, addr)
	detail := ""
	if err == nil {
		detail = fmt.Sprintf("%s, the certificate is good until %s", tls.VersionName(state.Version), state.PeerCertificates[0].NotAfter.UTC().Format(time.DateOnly))
	}
	return d.note(checkup{Stage: "tls", Broker: broker, Addr: addr}, begin, err, detail)
}

func handshake(ctx context.Context, conn net.Conn, cfg *tls.Config, addr string) (tls.ConnectionState, error) {
	own := cfg.Clone()
	if own.ServerName == "" {
		own.ServerName, _, _ = net.SplitHostPort(addr) // it was split before
	}
	secure := tls.Client(conn, own)
	err := secure.HandshakeContext(ctx)
	return secure.ConnectionState(), err
}

// kafka asks an address for versions, logs in there, and gets metadata, all with a client that knows
// no other address.
func (d *doctor) kafka(addr string) bool {
	begin := time.Now()
	if err := d.s.client.UpdateSeeds(addr); err != nil {
		return d.note(checkup{Stage: "metadata", Addr: addr}, begin, err, "")
	}
	err := d.s.client.Ping(d.s.ctx)
	if err != nil {
		return d.note(checkup{Stage: stageOf(err), Addr: addr}, begin, err, "")
	}
	m := d.s.client.Metadata()
	d.note(checkup{Stage: "versions", Addr: addr}, begin, nil, "speaks Kafka's protocol")
	if p, err := d.s.settings.Protocol(); err == nil && strings.HasPrefix(p, "SASL_") {
		d.note(checkup{Stage: "sasl", Addr: addr}, begin, nil, "logged in")
	}
	return d.note(checkup{Stage: "metadata", Addr: addr}, begin, nil, plural(len(m.Brokers()), "broker", "brokers")+" in cluster "+dash(m.ClusterID()))
}

// stageOf says at which stage the client failed.
func stageOf(err error) string {
	text := err.Error()
	var e *kgo.Error
	switch {
	case errors.As(err, &e) && (e.Code == kmsg.SASLAuthenticationFailed || e.Code == kmsg.IllegalSASLState || e.Code == kmsg.UnsupportedSASLMechanism), strings.Contains(text, "SASL "):
		return "sasl"
	case strings.Contains(text, "negotiating versions"):
		return "versions"
	}
	return "metadata"
}

// broker asks a broker that the cluster names, and reports whether it answers.
func (d *doctor) broker(b kgo.BrokerInfo) bool {
	begin := time.Now()
	req := kmsg.NewMetadataRequest()
	req.Topics = []kmsg.MetadataRequestTopic{}
	_, err := kgo.Do(d.s.ctx, d.s.client, req, kgo.ToBroker(b.ID), kgo.WithoutRetry())
	if unserved(err) { // version 0 cannot ask for no topics
		err = nil
	}
	stage := "metadata"
	if err != nil {
		stage = stageOf(err)
	}
	return d.note(checkup{Stage: stage, Broker: &b.ID, Addr: b.Addr}, begin, err, "answers")
}

// tolerated is how far clocks may be apart.
const tolerated = 5 * time.Second

// clock compares the clock of this machine with that of the leader of the quorum, which tells when
// its followers have fetched last: they do so all the time.
func (d *doctor) clock() {
	begin := time.Now()
	resp, err := kgo.Do(d.s.ctx, d.s.client, quorumRequest())
	latest := int64(-1)
	if err == nil {
		for _, t := range resp.Topics {
			for _, p := range t.Partitions {
				for _, r := range slices.Concat(p.CurrentVoters, p.Observers) {
					latest = max(latest, r.LastFetchTimestamp)
				}
			}
		}
	}
	addr := d.s.settings.Brokers()[0]
	if latest < 0 {
		why := "no follower of the quorum has fetched yet"
		switch {
		case unserved(err):
			why = "brokers tell the time from 3.3 on, with KRaft, and these do not"
		case err != nil:
			why = d.s.reason(err)
		}
		d.done = append(d.done, checkup{Stage: "clock", Addr: addr, Detail: "not compared: " + why})
		return
	}
	apart := time.Since(time.UnixMilli(latest)).Round(time.Millisecond)
	if apart.Abs() > tolerated {
		d.note(checkup{Stage: "clock", Addr: addr}, begin, fmt.Errorf("the clocks are %v apart", apart), "")
		return
	}
	d.note(checkup{Stage: "clock", Addr: addr}, begin, nil, fmt.Sprintf("at most %v apart", max(apart.Abs(), time.Millisecond)))
}

// report shows what was found, and says what is broken first.
func (d *doctor) report(a *app) error {
	if err := a.write(output.TableFormat, output.Result{Value: d.done, Table: func(t *output.Table) {
		t.Heading("STAGE", "BROKER", "ADDRESS", "OK", "DETAIL")
		for _, c := range d.done {
			t.Row(c.Stage, numberOrDash(c.Broker), c.Addr, yesNoOrDash(c.OK), c.Detail)
		}
	}}); err != nil {
		return err
	}
	for _, c := range d.done {
		if c.OK != nil && !*c.OK {
			where := c.Addr
			if c.Broker != nil {
				where = fmt.Sprintf("broker %d, which advertises %s", *c.Broker, c.Addr)
			}
			return &failure{code: exitConnection, text: fmt.Sprintf("the first stage that breaks is %s of %s: %s. %s", c.Stage, where, strings.TrimSuffix(c.Detail, "."), *c.Remedy)}
		}
	}
	return nil
}
