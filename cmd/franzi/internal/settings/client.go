package settings

import (
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/franzi-kafka/franzi/kgo"
)

// Brokers are the addresses to begin with.
func (s *Settings) Brokers() []string {
	var all []string
	for one := range strings.SplitSeq(s.text(bootstrapServers), ",") {
		if one = strings.TrimSpace(one); one != "" {
			all = append(all, completed(stripProtocol(one)))
		}
	}
	return all
}

// completed adds the port if it is left out. What is no address is left to the client to refuse.
func completed(addr string) string {
	if _, _, err := net.SplitHostPort(addr); err != nil && (!strings.Contains(addr, ":") || net.ParseIP(strings.Trim(addr, "[]")) != nil) {
		return net.JoinHostPort(strings.Trim(addr, "[]"), "9092")
	}
	return addr
}

func isAddr(addr string) bool {
	host, port, err := net.SplitHostPort(addr)
	n, portErr := strconv.ParseUint(port, 10, 16)
	return err == nil && portErr == nil && host != "" && n > 0
}

// stripProtocol drops the protocol that librdkafka allows before an address.
func stripProtocol(addr string) string {
	if _, rest, ok := strings.Cut(addr, "://"); ok {
		return rest
	}
	return addr
}

// ClientID is the name that the client gives itself.
func (s *Settings) ClientID() string {
	if id := s.text("client.id"); id != "" {
		return id
	}
	return "franzi"
}

// Options are what the client is made of, without TLS and SASL, which have methods of their own,
// and without the addresses of AddressMap.
func (s *Settings) Options() ([]kgo.ClientOption, error) {
	opts := []kgo.ClientOption{kgo.SeedBrokers(s.Brokers()...), kgo.ClientID(s.ClientID())}
	var errs []error
	for _, addr := range s.Brokers() {
		if !isAddr(addr) {
			errs = append(errs, s.wrong(bootstrapServers, "%q is not HOST:PORT", addr))
		}
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	for _, t := range []struct {
		key    string
		option func(time.Duration) kgo.ClientOption
	}{
		{"request.timeout.ms", kgo.RequestTimeout},
		{"socket.connection.setup.timeout.ms", kgo.DialTimeout},
		{"connections.max.idle.ms", kgo.IdleTimeout},
		{"metadata.max.age.ms", kgo.MetadataMaxAge},
	} {
		d, ok, err := s.millis(t.key)
		errs = append(errs, err)
		if ok {
			opts = append(opts, t.option(d))
		}
	}
	backoff, err := s.backoff()
	errs = append(errs, err)
	opts = append(opts, backoff...)
	if s.has("retries") {
		n, err := strconv.ParseInt(s.text("retries"), 10, 32)
		if err != nil || n < 0 {
			errs = append(errs, s.wrong("retries", "%q is no number of times", s.text("retries")))
		} else if n < 1<<31-1 { // Java's default, which is as often as time allows
			opts = append(opts, kgo.Retries(int(n)))
		}
	}
	if release := s.text("protocol.release"); release != "" {
		opts = append(opts, kgo.MaxVersions(release))
	}
	return opts, errors.Join(errs...)
}

// backoff is one for requests and connections: the first of the keys that is set.
func (s *Settings) backoff() ([]kgo.ClientOption, error) {
	first, last := 100*time.Millisecond, time.Second
	some := false
	for _, b := range []struct {
		to   *time.Duration
		keys []string
	}{{&first, []string{"retry.backoff.ms", "reconnect.backoff.ms"}}, {&last, []string{"retry.backoff.max.ms", "reconnect.backoff.max.ms"}}} {
		for _, key := range b.keys {
			d, ok, err := s.millis(key)
			if err != nil {
				return nil, err
			}
			if ok {
				*b.to, some = d, true
				break
			}
		}
	}
	if !some {
		return nil, nil
	}
	return []kgo.ClientOption{kgo.Backoff(first, max(first, last))}, nil
}

// millis is the time that a key has in milliseconds, and whether it is set.
func (s *Settings) millis(key string) (time.Duration, bool, error) {
	if !s.has(key) {
		return 0, false, nil
	}
	n, err := strconv.ParseInt(s.text(key), 10, 64)
	if err != nil || n > 1<<40 {
		return 0, false, s.wrong(key, "%q is no number of milliseconds", s.text(key))
	}
	return time.Duration(n) * time.Millisecond, true, nil
}

// seconds is the time that a key has in seconds, 0 if it is not set.
func (s *Settings) seconds(key string) (time.Duration, error) {
	if !s.has(key) {
		return 0, nil
	}
	n, err := strconv.ParseInt(s.text(key), 10, 31)
	if err != nil || n < 0 {
		return 0, s.wrong(key, "%q is no number of seconds", s.text(key))
	}
	return time.Duration(n) * time.Second, nil
}

// truth is the truth value of a key.
func (s *Settings) truth(key string, otherwise bool) (bool, error) {
	if !s.has(key) {
		return otherwise, nil
	}
	switch strings.ToLower(s.text(key)) {
	case "true", "1", "yes":
		return true, nil
	case "false", "0", "no":
		return false, nil
	}
	return otherwise, s.wrong(key, "%q is neither true nor false", s.text(key))
}

// AddressMap says where to find brokers instead of the addresses that they advertise, nil if it
// is there.
func (s *Settings) AddressMap() (map[string]string, error) {
	if !s.has("address.map") {
		return nil, nil
	}
	m := map[string]string{}
	for pair := range strings.SplitSeq(s.text("address.map"), ",") {
		from, to, ok := strings.Cut(strings.TrimSpace(pair), "=")
		for _, addr := range []string{from, to} {
			if _, _, err := net.SplitHostPort(addr); err != nil {
				ok = false
			}
		}
		if !ok {
			return nil, s.wrong("address.map", "%q is not HOST:PORT=HOST:PORT", pair)
		}
		m[from] = to
	}
	return m, nil
}

// A protocol says what connections are protected by.
type protocol struct {
	tls, sasl bool
	// plain says that the user wants SASL without TLS.
	plain bool
}

// protocol takes security.protocol, and flags that say part of it anew. Without it, TLS and SASL
// are used if there are settings for them.
func (s *Settings) protocol() (protocol, error) {
	var p protocol
	name, given := s.set[securityProtocol]
	switch strings.ToUpper(name.value) {
	case "":
		for key := range s.set {
			p.tls = p.tls || strings.HasPrefix(key, "ssl.") && s.text(key) != ""
		}
		p.sasl = s.text(saslMechanism) != "" || s.has("sasl.jaas.config")
	case "PLAINTEXT":
	case "SSL":
		p.tls = true
	case "SASL_PLAINTEXT":
		p.sasl, p.plain = true, true
	case "SASL_SSL":
		p.tls, p.sasl = true, true
	default:
		return p, s.wrong(securityProtocol, "%q is none of PLAINTEXT, SSL, SASL_PLAINTEXT and SASL_SSL", name.value)
	}
	if s.has(useTLS) && (!given || s.set[useTLS].rank >= name.rank) {
		on, err := s.truth(useTLS, p.tls)
		if err != nil {
			return p, err
		}
		p.tls = on
	}
	if given && s.text(saslMechanism) != "" && s.set[saslMechanism].rank > name.rank {
		p.sasl = true
	}
	p.plain = p.plain && !p.tls
	return p, nil
}

// Protocol names what connections are protected by, as Java does.
func (s *Settings) Protocol() (string, error) {
	p, err := s.protocol()
	if err != nil {
		return "", err
	}
	text := "PLAINTEXT"
	if p.tls {
		text = "SSL"
	}
	if p.sasl {
		text = "SASL_" + text
	}
	return text, nil
}

// problem is wrong with a cause.
func (s *Settings) problem(key string, err error) error {
	return fmt.Errorf("%s: %s: %w", s.set[key].from, key, err)
}
