package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"

	"github.com/spf13/cobra"

	"github.com/franzi-kafka/franzi/cmd/franzi/internal/settings"
	"github.com/franzi-kafka/franzi/cmd/franzi/internal/tap"
	"github.com/franzi-kafka/franzi/kgo"
	"github.com/franzi-kafka/franzi/kmsg"
)

// A session is what a command has of a cluster, for as long as it runs.
type session struct {
	app      *app
	cmd      *cobra.Command
	ctx      context.Context // until --timeout
	cancel   context.CancelFunc
	client   *kgo.Client
	settings *settings.Settings
	flags    *connection
	tap      *tap.Tap // nil unless requests are looked at
}

// open makes a client of what flags and other settings say. It does not connect. With tapped, the
// session sees the bytes of all requests and answers.
func (a *app) session(cmd *cobra.Command, c *connection, tapped bool) (*session, error) {
	s, err := c.load(a, cmd)
	if err != nil {
		return nil, err
	}
	if len(s.Brokers()) == 0 {
		return nil, misused(cmd, "which brokers? Say so with -b HOST:PORT, a profile or FRANZI_BROKERS")
	}
	ss := &session{app: a, cmd: cmd, settings: s, flags: c}
	if tapped || c.explain {
		ss.tap = tap.New()
	}
	opts, err := ss.options()
	if err != nil {
		return nil, mistaken("%s", strings.ReplaceAll(err.Error(), "\n", "; "))
	}
	if ss.client, err = kgo.NewClient(opts...); err != nil {
		return nil, mistaken("%s", inFlags(strings.ReplaceAll(err.Error(), "\n", "; ")))
	}
	if c.explain {
		a.explains = ss
		ss.tap.Keep(func(e *tap.Exchange) bool { return changes(e.Key()) })
	}
	ss.ctx, ss.cancel = context.WithTimeout(cmd.Context(), c.timeout)
	return ss, nil
}

// close ends the session.
func (s *session) close() {
	s.cancel()
	s.client.Close()
}

func (s *session) options() ([]kgo.ClientOption, error) {
	opts, err := s.settings.Options()
	if err != nil {
		return nil, err
	}
	cfg, err := s.settings.TLS()
	if err != nil {
		return nil, err
	}
	mechanism, err := s.settings.Mechanism(s.tap != nil && cfg != nil)
	if err != nil {
		return nil, err
	}
	if mechanism != nil {
		opts = append(opts, kgo.SASL(mechanism))
	}
	addresses, err := s.settings.AddressMap()
	if err != nil {
		return nil, err
	}
	name, version := software()
	opts = append(opts, kgo.SoftwareNameAndVersion(name, version))
	if s.flags.verbose {
		opts = append(opts, kgo.Logger(slog.New(slog.NewTextHandler(s.app.err, &slog.HandlerOptions{Level: slog.LevelDebug}))))
	}
	if s.flags.explain {
		opts = append(opts, kgo.Retries(1))
	}
	dial := s.app.dial
	if s.tap != nil {
		if dial == nil {
			dial = new(net.Dialer).DialContext
		}
		return append(opts, kgo.Dialer(s.tap.Dialer(secured(dial, addresses, cfg)))), nil
	}
	if dial != nil {
		opts = append(opts, kgo.Dialer(dial))
	}
	if cfg != nil {
		opts = append(opts, kgo.TLS(cfg))
	}
	if addresses != nil {
		opts = append(opts, kgo.AddressMap(func(b kgo.BrokerInfo) string { return addresses[b.Addr] }))
	}
	return opts, nil
}

// A dialer opens connections, as [net.Dialer]'s DialContext does.
type dialer func(ctx context.Context, network, addr string) (net.Conn, error)

// secured is a dialer that does what the client does otherwise, so that what goes over the
// connection can be seen: it looks up where a broker is to be found, and puts TLS on top.
func secured(dial dialer, addresses map[string]string, cfg *tls.Config) dialer {
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		to := addr
		if mapped := addresses[addr]; mapped != "" {
			to = mapped
		}
		conn, err := dial(ctx, network, to)
		if err != nil || cfg == nil {
			return conn, err
		}
		own := cfg.Clone()
		if own.ServerName == "" {
			if own.ServerName, _, err = net.SplitHostPort(addr); err != nil {
				own.ServerName = addr
			}
		}
		secure := tls.Client(conn, own)
		if err := secure.HandshakeContext(ctx); err != nil {
			conn.Close()
			return nil, err
		}
		return secure, nil
	}
}

// connect finds a broker that answers, and fails at once if there is none.
func (s *session) connect() error { return s.wrap(s.client.Ping(s.ctx)) }

// connected opens a session and connects it.
func (a *app) connected(cmd *cobra.Command, c *connection) (*session, error) {
	s, err := a.session(cmd, c, false)
	if err != nil {
		return nil, err
	}
	if err := s.connect(); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

// inFlags makes advice for users of kgo one for users of franzi.
func inFlags(text string) string {
	return strings.NewReplacer(
		"see kgo.TLS and kgo.SASL", "see --tls and --sasl",
		"see kgo.TLS", "see --tls", "see kgo.SASL", "see --sasl", "leave kgo.TLS away", "leave --tls away", "use kgo.AddressMap", "use --map",
		"put it into RootCAs of the tls.Config", "name it with --tls-ca",
		"see Certificates or GetClientCertificate of the tls.Config", "see --tls-cert and --tls-key",
		"or set ServerName", "or say --tls-name",
		"or set AllowWithoutTLS", "or say -X security.protocol=SASL_PLAINTEXT",
		"kgo: ", "",
	).Replace(text)
}

// wrap makes the end of the program of an error of the client: its text in a user's words, and
// the exit code.
func (s *session) wrap(err error) error {
	if err == nil {
		return nil
	}
	if s.explained() {
		return errExplained
	}
	end := clientFailure(s.cmd.Context(), err)
	if f, ok := end.(*failure); ok && f.code != exitFailed && !s.names(f.text) {
		f.text = strings.Join(s.settings.Brokers(), ",") + ": " + f.text
	}
	return end
}

// names reports whether a text names a broker by its address.
func (s *session) names(text string) bool {
	for _, b := range s.settings.Brokers() {
		if strings.Contains(text, b) {
			return true
		}
	}
	for _, b := range s.client.Metadata().Brokers() {
		if strings.Contains(text, b.Addr) {
			return true
		}
	}
	return false
}

// errExplained ends a command that would change something, when --explain has been told what.
var errExplained = errors.New("explained")

// clientFailure says how an error of the client ends the program.
func clientFailure(ctx context.Context, err error) error {
	if errors.Is(context.Cause(ctx), context.Canceled) {
		return context.Canceled
	}
	var f *failure
	if errors.As(err, &f) {
		return f
	}
	return &failure{exitCodeOf(err), clientText(err)}
}

// clientText is the text of an error of the client, each part of it once.
func clientText(err error) string {
	var parts []string
	seen := map[string]bool{}
	for _, e := range parted(err) {
		if text := errorText(e); !seen[text] {
			seen[text] = true
			parts = append(parts, text)
		}
	}
	const most = 5
	if more := len(parts) - most; more > 0 {
		parts = append(parts[:most], fmt.Sprintf("and %d more", more))
	}
	return strings.Join(parts, "; ")
}

// errorText is the text of one error, with advice for users of the command line.
func errorText(err error) string {
	text := inFlags(err.Error())
	for _, prefix := range []string{"kmsg: ", "kbin: "} {
		text = strings.TrimPrefix(text, prefix)
	}
	return text
}

// parted takes joined errors apart.
func parted(err error) []error {
	if _, ok := err.(*kgo.Error); ok {
		return []error{err}
	}
	many, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return []error{err}
	}
	var all []error
	for _, e := range many.Unwrap() {
		all = append(all, parted(e)...)
	}
	return all
}

// exitCodeOf is the exit code that an error of the client stands for: the worst of its parts.
func exitCodeOf(err error) int {
	code := exitFailed
	for _, e := range parted(err) {
		switch {
		case isConnection(e):
			return exitConnection
		case isTimeout(e):
			code = exitTimeout
		}
	}
	return code
}

// isConnection reports whether an error says that there is no connection, or no login.
func isConnection(err error) bool {
	switch {
	case errors.Is(err, kmsg.SASLAuthenticationFailed), errors.Is(err, kmsg.IllegalSASLState), errors.Is(err, kmsg.UnsupportedSASLMechanism):
		return true
	}
	var e *kgo.Error
	if !errors.As(err, &e) || e.Code != kmsg.None || isTimeout(err) && !isNetwork(err) {
		return false
	}
	return isNetwork(err) || e.Retriable && e.Err != nil
}

// isNetwork reports whether an error is one of the network or of TLS.
func isNetwork(err error) bool {
	var op *net.OpError
	var dns *net.DNSError
	var certificate *tls.CertificateVerificationError
	var record tls.RecordHeaderError
	var alert tls.AlertError
	return errors.As(err, &op) && !op.Timeout() || errors.As(err, &dns) || errors.As(err, &certificate) || errors.As(err, &record) || errors.As(err, &alert)
}

// isTimeout reports whether the time was up.
func isTimeout(err error) bool {
	var t net.Error
	return errors.Is(err, context.DeadlineExceeded) || errors.As(err, &t) && t.Timeout() ||
		strings.Contains(err.Error(), "was silent")
}
