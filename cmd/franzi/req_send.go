package main

import (
	"bytes"
	"errors"

	"github.com/spf13/cobra"

	"github.com/franzi-kafka/franzi/cmd/franzi/internal/output"
	"github.com/franzi-kafka/franzi/cmd/franzi/internal/tap"
	"github.com/franzi-kafka/franzi/kbin"
	"github.com/franzi-kafka/franzi/kgo"
	"github.com/franzi-kafka/franzi/kmsg"
)

// A brokerAnswer is what one broker of several answered.
type brokerAnswer struct {
	Broker  int32   `json:"broker"`
	Addr    string  `json:"addr"`
	Version *int16  `json:"version"` // null without an answer
	Error   *string `json:"error"`   // why there is none
	Answer  any     `json:"answer"`
}

// request sends the request and shows the answer.
func (a *app) request(cmd *cobra.Command, r *reqCommand, body requestBody) error {
	fit, err := a.fits(r, body)
	if err != nil {
		return err
	}
	s, err := a.session(cmd, &r.connection, true)
	if err != nil {
		return err
	}
	defer s.close()
	req, err := a.fill(r, body, fit[len(fit)-1])
	if err != nil {
		return body.wrong(err)
	}
	mine := func(e *tap.Exchange) bool { return isMine(e, req) }
	if r.explain {
		s.tap.Keep(mine)
	}
	to, err := r.to.resolve(s)
	if err != nil {
		return err
	}
	if r.to.kind == toAll {
		return a.requestAll(s, r, req, to)
	}
	resp, err := s.send(req, to[0], r)
	if s.explained() {
		return errExplained
	}
	return a.showAnswers(s, r, req, mine, resp, err)
}

// isMine reports whether what went over a connection is the user's request or a part of it, and
// not one of the client's own. Those are the same APIs at times, and then not divided.
func isMine(e *tap.Exchange, req kmsg.Request) bool {
	if e.Key() != req.APIKey() {
		return false
	}
	switch e.Key() {
	case kmsg.KeyAPIVersions, kmsg.KeyMetadata, kmsg.KeyFindCoordinator, kmsg.KeySASLHandshake, kmsg.KeySASLAuthenticate:
		same := req.ShallowCopy()
		same.SetAPIVersion(e.Request.APIVersion())
		return same.Check() == nil && bytes.Equal(same.AppendTo(nil), e.Request.AppendTo(nil))
	}
	return true
}

// send sends the request once to a target. Seeds are tried in turn.
func (s *session) send(req kmsg.Request, to target, r *reqCommand) (kmsg.Response, error) {
	opts := []kgo.DoOption{kgo.WithoutRetry()}
	if r.version.set {
		opts = append(opts, kgo.AtVersion(r.version.n))
	}
	if to.aimed {
		opts = append(opts, kgo.ToBroker(to.broker))
	}
	tries := 1
	if !to.aimed {
		tries = len(s.settings.Brokers())
	}
	for {
		resp, err := s.client.Request(s.ctx, req, opts...)
		var e *kgo.Error
		if tries--; tries <= 0 || s.ctx.Err() != nil || !errors.As(err, &e) || e.Written != kgo.WrittenNo || !isConnection(err) {
			return resp, err
		}
	}
}

// showAnswers shows what came: the answer, if one broker gave it, as it was on the wire.
func (a *app) showAnswers(s *session, r *reqCommand, req kmsg.Request, mine func(*tap.Exchange) bool, resp kmsg.Response, err error) error {
	var came []tap.Exchange
	sent := false
	for _, e := range s.tap.Exchanges() {
		if !mine(&e) {
			continue
		}
		sent = true
		if e.Answer != nil {
			came = append(came, e)
		}
	}
	if p, ok := req.(*kmsg.ProduceRequest); ok && p.Acks == kmsg.AcksNone && err == nil && sent {
		a.say("sent %s; with acks 0 the broker gives no answer", r.api.Name)
		return nil
	}
	if len(came) == 0 && resp == nil {
		return s.wrap(err)
	}
	shown, failure := a.showFrames(r, came, resp)
	if failure != nil && !shown {
		return failure
	}
	return errors.Join(failure, s.rest(err))
}

// showFrames shows the answers that came, and explains the errors in them. It reports whether
// that could be done.
func (a *app) showFrames(r *reqCommand, came []tap.Exchange, resp kmsg.Response) (bool, error) {
	name := r.api.Name + "Response"
	var raw []byte
	dec := &decoding{app: a, decodeCommand: &decodeCommand{lenient: r.lenient, redact: r.redact, opaque: r.opaque}}
	for i := range came {
		whole := append(kbin.AppendInt32(nil, int32(len(came[i].Answer))), came[i].Answer...)
		raw = append(raw, whole...)
		if r.hex {
			res := output.Result{Value: encoded{name, came[i].Request.APIVersion(), len(whole), hexFormat, hexFormat.text(whole)}, Raw: hexFormat.line(whole)}
			if err := a.write(output.RawFormat, res); err != nil {
				return false, err
			}
		}
		_, decoded, err := dec.responseOf(r.api, came[i].Request.APIVersion(), came[i].Answer)
		if err != nil {
			return false, dec.explainResponse(came[i].Answer, 0, decoded, err)
		}
		if len(came) == 1 {
			resp = decoded
		}
	}
	shown, err := dec.show(resp)
	if err != nil {
		return false, err
	}
	answer, err := output.ValueOf(shown)
	if err != nil {
		return false, err
	}
	if !r.hex {
		if raw == nil {
			raw = []byte{}
		}
		if err := a.write(output.JSONFormat, output.Result{Value: answer, Raw: raw}); err != nil {
			return false, err
		}
	}
	wrong := dec.complain("")
	if err := a.reportErrors(name, answer); err != nil || !wrong {
		return true, err
	}
	return true, errSaid()
}

// rest is what is left to say of an error whose codes from answers have been told.
func (s *session) rest(err error) error {
	var rest []error
	for _, e := range parted(err) {
		var k *kgo.Error
		if e != nil && (!errors.As(e, &k) || k.Written != kgo.WrittenYes || k.Err != nil) {
			rest = append(rest, e)
		}
	}
	return s.wrap(errors.Join(rest...))
}

// requestAll sends the request to all brokers, each by itself.
func (a *app) requestAll(s *session, r *reqCommand, req kmsg.Request, to []target) error {
	all := make([]brokerAnswer, len(to))
	var failures []error
	m, err := a.model()
	if err != nil {
		return err
	}
	said := false
	for i, t := range to {
		all[i] = brokerAnswer{Broker: t.broker, Addr: t.addr}
		resp, err := s.send(req, t, r)
		if resp == nil && err != nil {
			text := s.textOf(err)
			all[i].Error = &text
			failures = append(failures, err)
			continue
		}
		v := resp.APIVersion()
		dec := &decoding{app: a, decodeCommand: &decodeCommand{lenient: r.lenient, redact: r.redact, opaque: r.opaque}}
		shown, err := dec.show(resp)
		if err != nil {
			return err
		}
		answer, err := output.ValueOf(shown)
		if err != nil {
			return err
		}
		all[i].Version, all[i].Answer = &v, answer
		for _, e := range errorsIn(m.Message(r.api.Name+"Response"), answer) {
			a.say("broker %d: %v", t.broker, e)
			said = true
		}
	}
	if s.explained() {
		return errExplained
	}
	if err := a.write(output.JSONFormat, output.Result{Value: all}); err != nil {
		return err
	}
	if err := errors.Join(failures...); err != nil || !said {
		return s.wrap(err)
	}
	return errSaid()
}
