package aws

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"time"

	"github.com/franzi-kafka/franzi/kgo/sasl"
	"github.com/franzi-kafka/franzi/kgo/sasl/internal/exchange"
	"github.com/franzi-kafka/franzi/kgo/sasl/internal/fresh"
	"github.com/franzi-kafka/franzi/kgo/sasl/internal/quote"
)

// MSKIAM is the mechanism AWS_MSK_IAM: the client signs a request to connect, which is good for 15
// minutes, with its AWS credentials (Signature Version 4). So the clock must be right, to some
// minutes.
//
// Credentials that say when they end are kept and used for all connections until four fifths of
// their lifetime are over, counted from when they came. The next Start then asks for new ones; if
// there are none within three seconds, the old ones are used as long as they hold.
type MSKIAM struct {
	// Credentials returns the AWS credentials: [Default], [Static] and others of this package,
	// or a function of one's own. It must be set.
	Credentials CredentialsFunc
	// Region is the AWS region of the brokers, like eu-west-1. If it is empty, the brokers' host
	// names say it, and if these are others than AWS gave them, the environment variables
	// AWS_REGION and AWS_DEFAULT_REGION.
	Region string
	// AllowWithoutTLS lets the signed request travel for all to read, who can use it until it
	// expires. By default Start fails with [sasl.ErrTLSRequired].
	AllowWithoutTLS bool

	kept fresh.Value[Credentials]
}

const mechanism = "AWS_MSK_IAM"

// Name returns "AWS_MSK_IAM".
func (*MSKIAM) Name() string { return mechanism }

// Check implements [sasl.Checker].
func (m *MSKIAM) Check(tls bool) error {
	var mistakes []error
	if m.Credentials == nil {
		mistakes = append(mistakes, errors.New("the field Credentials is not set"))
	}
	if m.Region != "" && !isRegion(m.Region) {
		mistakes = append(mistakes, fmt.Errorf("the field Region is %q, which is no region like eu-west-1", m.Region))
	}
	if !tls && !m.AllowWithoutTLS {
		mistakes = append(mistakes, sasl.ErrTLSRequired)
	}
	if err := errors.Join(mistakes...); err != nil {
		return wrap(err)
	}
	return nil
}

func wrap(err error) error { return fmt.Errorf("sasl: %s: %w", mechanism, err) }

// Start implements [sasl.Mechanism]. It blocks while it gets credentials. Of [sasl.Endpoint.Addr]
// it needs the host name, which is signed.
func (m *MSKIAM) Start(ctx context.Context, to sasl.Endpoint) (sasl.Session, error) {
	if err := m.Check(to.TLS); err != nil {
		return nil, err
	}
	host, _, err := net.SplitHostPort(to.Addr)
	if err != nil {
		return nil, wrap(err)
	}
	region, err := m.region(host)
	if err != nil {
		return nil, wrap(err)
	}
	c, err := m.kept.Get(ctx, func(ctx context.Context) (Credentials, time.Time, error) {
		c, err := m.Credentials(ctx)
		if err == nil && (c.AccessKeyID == "" || c.SecretAccessKey.Reveal() == "") {
			err = errors.New("the access key's id or secret is empty")
		}
		return c, c.Expires, err
	})
	if err != nil {
		return nil, wrap(fmt.Errorf("no AWS credentials: %w", err))
	}
	return exchange.New(mechanism, func([]byte) ([]byte, exchange.Step, error) {
		message, err := payload(c, host, region, time.Now())
		return message, m.answer(c), err
	}), nil
}

// answer takes the broker's answer, JSON with the id of the request in AWS. A broker that refuses
// answers nothing, or ends the exchange with an error code.
func (m *MSKIAM) answer(c Credentials) exchange.Step {
	return func(challenge []byte) ([]byte, exchange.Step, error) {
		if len(challenge) == 0 {
			m.kept.Doubt()
			return nil, nil, sasl.ErrRefused
		}
		var object map[string]any
		if json.Unmarshal(challenge, &object) != nil {
			return nil, nil, fmt.Errorf("the broker's answer is not the one of MSK: %s",
				quote.Text(string(challenge), c.SecretAccessKey.Reveal(), c.SessionToken.Reveal()))
		}
		return nil, nil, nil
	}
}

func (m *MSKIAM) region(host string) (string, error) {
	for _, r := range []string{m.Region, regionOf(host), os.Getenv("AWS_REGION"), os.Getenv("AWS_DEFAULT_REGION")} {
		if isRegion(r) {
			return r, nil
		}
	}
	return "", fmt.Errorf("the host name %q does not tell the region, nor does the environment: set the field Region", host)
}

// regionOf finds the region in a broker's host name, where it follows the service's name:
// b-1.orders.a1b2c3.c2.kafka.eu-west-1.amazonaws.com. It is empty for other names.
func regionOf(host string) string {
	labels := strings.Split(strings.ToLower(host), ".")
	for i, label := range labels[:len(labels)-1] {
		if (label == "kafka" || label == "kafka-serverless") && isRegion(labels[i+1]) {
			return labels[i+1]
		}
	}
	return ""
}

// isRegion reports whether s looks like eu-west-1 or us-gov-east-1.
func isRegion(s string) bool {
	parts := strings.Split(s, "-")
	if len(parts) < 3 || len(parts) > 5 {
		return false
	}
	for i, part := range parts {
		low, high := byte('a'), byte('z')
		if i == len(parts)-1 {
			low, high = '0', '9'
		}
		if part == "" || len(part) > 16 || strings.ContainsFunc(part, func(c rune) bool { return c < rune(low) || c > rune(high) }) {
			return false
		}
	}
	return true
}

// Format prints the mechanism's name, whatever the verb: what is in it changes while it is used.
func (m *MSKIAM) Format(f fmt.State, _ rune) {
	_, _ = io.WriteString(f, mechanism) // fmt has no way to tell of a failed write
}

// MarshalText returns the mechanism's name.
func (m *MSKIAM) MarshalText() ([]byte, error) { return []byte(mechanism), nil }
