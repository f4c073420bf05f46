package kgo

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/franzi-kafka/franzi/kgo/internal/link"
	"github.com/franzi-kafka/franzi/kgo/sasl"
	"github.com/franzi-kafka/franzi/kmsg"
)

// hintOf says what to look at after a failure of a connection, from what was observed. It says
// nothing where it would have to guess.
func hintOf(f *link.Failure, advertised, useTLS, useSASL bool) string {
	if f.Last != nil && f.Stage == link.StageQueue {
		f = f.Last
	}
	switch {
	case f.LooksLikeTLS():
		return "What came back is TLS: this port wants TLS, see kgo.TLS."
	case f.LooksLikeHTTP():
		return "What came back is HTTP: this is a web server's port, not a broker's."
	case f.Throttled > 0:
		return fmt.Sprintf("A quota of the broker held the client back for %v.", rounded(f.Throttled))
	}
	switch f.Stage {
	case link.StageDial:
		return hintOfDial(f, advertised)
	case link.StageTLS:
		return hintOfTLS(f)
	case link.StageAuth:
		return hintOfAuth(f)
	case link.StageVersions, link.StageWrite, link.StageAnswer:
		if f.Ended && f.Answers == 0 && len(f.Head) == 0 && !useTLS && !useSASL {
			return "The broker hung up on the first request: its port may want TLS or SASL, see kgo.TLS and kgo.SASL."
		}
		if f.Ended && f.Answers == 0 && len(f.Head) == 0 && useTLS && !useSASL {
			return "The broker hung up on the first request: its port may want SASL, see kgo.SASL, or a client's certificate."
		}
		if f.Stage == link.StageVersions && f.Answers == 0 && (errors.Is(f.Err, link.ErrSilent) || isTimeout(f.Err)) {
			if useTLS {
				return "Connections are accepted there, and nothing answers: the broker may hang, or a proxy in between reach nobody."
			}
			return "Connections are accepted there, and nothing answers: the broker may hang, a proxy in between reach nobody, or the port want TLS, see kgo.TLS."
		}
		if f.Code == kmsg.RebootstrapRequired {
			return "The address leads to another broker or cluster than it should: check advertised.listeners, DNS and load balancers."
		}
	}
	return hintOfCode(f.Code)
}

func rounded(d time.Duration) time.Duration {
	if d >= time.Second {
		return d.Round(100 * time.Millisecond)
	}
	return d.Round(time.Millisecond)
}

func hintOfDial(f *link.Failure, advertised bool) string {
	var dns *net.DNSError
	where := "Check the address."
	if advertised {
		where = "The broker advertises this address, and clients must be able to reach it: check advertised.listeners, or use kgo.AddressMap."
	}
	switch {
	case errors.As(f.Err, &dns) && dns.IsNotFound:
		return "The name does not exist here. " + where
	case errors.Is(f.Err, syscall.ECONNREFUSED):
		return "Nobody listens there. " + where
	case errors.Is(f.Err, link.ErrTimeout), isTimeout(f.Err):
		return "Nothing answers there; a firewall may be in between. " + where
	}
	return ""
}

func isTimeout(err error) bool {
	var t net.Error
	return errors.As(err, &t) && t.Timeout()
}

func hintOfTLS(f *link.Failure) string {
	var record tls.RecordHeaderError
	var unknown x509.UnknownAuthorityError
	var host x509.HostnameError
	var invalid x509.CertificateInvalidError
	switch {
	case errors.As(f.Err, &record):
		return "What came back is not TLS: this port is for plaintext, leave kgo.TLS away or take the port for TLS."
	case errors.As(f.Err, &unknown):
		return "The broker's certificate is signed by an authority that is not trusted here: put it into RootCAs of the tls.Config."
	case errors.As(f.Err, &host):
		return fmt.Sprintf("The broker's certificate is for %s: connect by such a name, have the broker advertise it, or set ServerName.", names(host.Certificate))
	case errors.As(f.Err, &invalid) && invalid.Reason == x509.Expired && invalid.Cert != nil && now().Before(invalid.Cert.NotBefore):
		return "The broker's certificate is not valid yet: is the clock of this machine right?"
	case errors.As(f.Err, &invalid) && invalid.Reason == x509.Expired:
		return "The broker's certificate has expired, or the clock of this machine is wrong."
	case isRefusedCertificate(f.Err):
		return "The broker does not accept the client's certificate: see Certificates or GetClientCertificate of the tls.Config."
	case isBrokenOff(f.Err):
		return "The broker broke TLS off: brokers before Kafka 3 do so in this way if the client has no certificate, or none that they trust; see Certificates or GetClientCertificate of the tls.Config."
	case f.Ended:
		return "The broker hung up instead of agreeing on TLS: the port may be for plaintext."
	case isTimeout(f.Err):
		return "Connections are accepted there, and nothing answers to TLS: the broker may hang, or a proxy in between reach nobody."
	}
	return ""
}

// isBrokenOff reports whether the other side stopped to make sense. Old brokers do that when they
// refuse a client's certificate: up to 1.1 they say once more what they said first, and 2.8 has
// its alert under the wrong key.
func isBrokenOff(err error) bool {
	op, ok := errors.AsType[*net.OpError](err)
	if !ok || op.Op != "local error" {
		return false
	}
	text := op.Err.Error() // its type is not exported
	return strings.Contains(text, "unexpected message") || strings.Contains(text, "bad record MAC")
}

// names are those that a certificate is for, each once.
func names(c *x509.Certificate) string {
	if c == nil {
		return "another name"
	}
	all := slices.Clone(c.DNSNames)
	for _, ip := range c.IPAddresses {
		all = append(all, ip.String())
	}
	seen := map[string]bool{}
	all = slices.DeleteFunc(all, func(name string) bool {
		twice := seen[name]
		seen[name] = true
		return twice
	})
	if len(all) == 0 {
		return "no name at all"
	}
	return strings.Join(all, ", ")
}

// isRefusedCertificate reports whether the other side refuses our certificate, or wants one. Its
// alert has no type of its own.
func isRefusedCertificate(err error) bool {
	op, ok := errors.AsType[*net.OpError](err)
	return ok && op.Op == "remote error" && strings.Contains(op.Err.Error(), "certificate")
}

// isCertificate reports whether trying again cannot help, since a certificate is not good.
func isCertificate(err error) bool {
	if isRefusedCertificate(err) {
		return true
	}
	var unknown x509.UnknownAuthorityError
	var host x509.HostnameError
	var invalid x509.CertificateInvalidError
	var record tls.RecordHeaderError
	return errors.As(err, &unknown) || errors.As(err, &host) || errors.As(err, &invalid) || errors.As(err, &record)
}

func hintOfAuth(f *link.Failure) string {
	switch {
	case f.Code == kmsg.IllegalSASLState:
		return "The broker does not expect SASL here: the port is without SASL." // it may still say what it offers elsewhere
	case len(f.Offered) > 0:
		return fmt.Sprintf("The broker does not offer %s on this port.", f.Mechanism)
	case f.Code == kmsg.SASLAuthenticationFailed, errors.Is(f, sasl.ErrRefused):
		return "The broker refuses these credentials."
	case f.Ended:
		return "The broker hung up during authentication: the port may be without SASL, or want TLS first."
	}
	return ""
}

// hintOfCode is for codes that say little to who does not know the cause.
func hintOfCode(c kmsg.ErrorCode) string {
	switch c {
	case kmsg.TopicAuthorizationFailed, kmsg.GroupAuthorizationFailed, kmsg.ClusterAuthorizationFailed, kmsg.TransactionalIDAuthorizationFailed, kmsg.DelegationTokenAuthorizationFailed:
		return c.Remedy()
	}
	return ""
}
