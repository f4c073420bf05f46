package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strings"

	"github.com/franzi-kafka/franzi/kgo"
	"github.com/franzi-kafka/franzi/kmsg"
)

// errExplained ends a command that would change something, when --explain has been told what.
var errExplained = errors.New("explained")

// wrap makes the end of the program of an error of the client: its text in a user's words, and
// the exit code.
func (s *session) wrap(err error) error {
	var f *failure
	switch {
	case err == nil:
		return nil
	case s.explained():
		return errExplained
	case errors.Is(context.Cause(s.cmd.Context()), context.Canceled):
		return context.Canceled
	case errors.As(err, &f):
		return f
	}
	return &failure{code: exitCodeOf(err), text: s.textOf(err)}
}

// sayErrors says each part of an error of the client by itself, and ends the program with its
// exit code.
func (s *session) sayErrors(err error) error {
	if err == nil || s.explained() {
		return s.wrap(err)
	}
	for _, e := range parted(err) {
		s.app.say("%s", s.errorText(e))
	}
	return &failure{code: exitCodeOf(err)}
}

// textOf is the text of an error of the client, each part of it once.
func (s *session) textOf(err error) string {
	const most = 5
	var parts []string
	seen := map[string]bool{}
	for _, e := range parted(err) {
		if text := s.errorText(e); !seen[text] {
			seen[text] = true
			parts = append(parts, text)
		}
	}
	if more := len(parts) - most; more > 0 {
		parts = append(parts[:most], fmt.Sprintf("and %d more", more))
	}
	return strings.Join(parts, "; ")
}

// errorText says what failed, where, why, and what to do, in the words of the command line.
func (s *session) errorText(err error) string {
	text := s.reason(err)
	if advice := adviceOf(err); advice != "" {
		text += ". " + advice
	}
	return text
}

// adviceOf is what to do about an error, "" if the client has no idea.
func adviceOf(err error) string {
	var e *kgo.Error
	if !errors.As(err, &e) {
		return ""
	}
	if e.API == kmsg.KeyDeleteTopics && e.Code == kmsg.InvalidRequest && e.Version < 3 {
		return "The broker may not delete topics at all: see its delete.topic.enable, which is off by default before Kafka 1.0." // KIP-322
	}
	return inFlags(e.Hint)
}

// reason is errorText without the advice.
func (s *session) reason(err error) string {
	var e *kgo.Error
	if !errors.As(err, &e) {
		return inFlags(plainly(err))
	}
	text := e.Op + s.part(e) + s.where(e) + ": " + cause(e)
	limit := "limit of a batch"
	if s.cmd.Flags().Lookup("batch-bytes") != nil {
		limit = "limit of --batch-bytes"
	}
	text = strings.Replace(text, "limit of BatchBytes", limit, 1)
	if e.Written == kgo.WrittenMaybe && changes(e.API) {
		text += " (the broker may have carried it out)"
	}
	return text
}

// part names the part of a request that failed.
func (s *session) part(e *kgo.Error) string {
	switch {
	case e.Topic != "" && e.Partition >= 0:
		return fmt.Sprintf(" of %s/%d", e.Topic, e.Partition)
	case e.Topic != "":
		return " of " + e.Topic
	case e.Key != "":
		return " of " + e.Key
	}
	return ""
}

// where names the broker. As long as it is not known which one it is, it is the one that the user
// named, if it is one.
func (s *session) where(e *kgo.Error) string {
	switch {
	case e.Broker >= 0 && e.Addr != "":
		return fmt.Sprintf(" on broker %d (%s)", e.Broker, e.Addr)
	case e.Broker >= 0:
		return fmt.Sprintf(" on broker %d", e.Broker)
	case e.Addr != "":
		return " at " + e.Addr
	case e.Topic != "" && e.API == kmsg.KeyProduce:
		return "" // it never was on its way
	}
	return " at " + strings.Join(s.settings.Brokers(), ",")
}

// cause is why, in the words of the library. Where the client itself refused, the code only sorts what
// happened: its own text would blame a broker that was never asked.
func cause(e *kgo.Error) string {
	if e.Code == kmsg.None && e.Err == nil {
		return "it failed"
	}
	if refusedHere(e) {
		return e.Code.Name() + ": " + plainly(e.Err)
	}
	bare := kgo.Error{Broker: -1, Partition: -1, Code: e.Code, Message: e.Message, Err: e.Err}
	return plainly(errors.New(strings.TrimPrefix(bare.Error(), "kgo: : "))) // without what and where
}

// refusedHere reports whether no broker was asked, and the code is the client's.
func refusedHere(e *kgo.Error) bool {
	return e.Code != kmsg.None && e.Message == "" && e.Err != nil && e.Broker < 0 && e.Addr == "" && e.Version < 0
}

// codeOrText is the name of the code that an error has from a broker, or else why it failed.
func codeOrText(err error) string {
	var e *kgo.Error
	switch {
	case !errors.As(err, &e):
		return plainly(err)
	case e.Code != kmsg.None:
		return e.Code.Name()
	}
	return cause(e)
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
	var code kmsg.ErrorCode
	if !errors.As(err, &e) || errors.As(err, &code) || isTimeout(err) && !isNetwork(err) {
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
