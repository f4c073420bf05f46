package main

import (
	"context"
	"crypto/tls"
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
		ss.tap.Keep(func(e *tap.Exchange) bool {
			if r, ok := e.Request.(*kmsg.InitProducerIDRequest); ok && !r.TransactionalID.Valid {
				return false // a number is drawn, and nothing else happens
			}
			return changes(e.Key())
		})
	}
	ss.ctx, ss.cancel = context.WithTimeout(cmd.Context(), c.timeout)
	return ss, nil
}

// renew lets what follows take as long as --timeout says, once more.
func (s *session) renew() {
	s.cancel()
	s.ctx, s.cancel = context.WithTimeout(s.cmd.Context(), s.flags.timeout)
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
	opts = append(opts, s.flags.options...)
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
