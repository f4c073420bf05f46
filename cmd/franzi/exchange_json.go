package main

import (
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/franzi-kafka/franzi/cmd/franzi/internal/exchange"
	"github.com/franzi-kafka/franzi/kmsg"
)

// A shownExchange is a request and its response as they went over the wire. What was not seen
// is null.
type shownExchange struct {
	Time          *time.Time `json:"time"` // of the first byte
	Client        string     `json:"client"`
	Broker        string     `json:"broker"`
	API           *string    `json:"api"`
	Version       *int16     `json:"version"`
	CorrelationID *int32     `json:"correlationId"`
	ClientID      *string    `json:"clientId"`
	LatencyMs     *float64   `json:"latencyMs"`    // from the request's last byte to the response's first
	RequestSize   *int       `json:"requestSize"`  // with the four bytes that have it
	ResponseSize  *int       `json:"responseSize"` // likewise
	Request       any        `json:"request"`
	Response      any        `json:"response"`
	SASL          string     `json:"sasl,omitempty"` // the mechanism, of bare tokens
	Note          string     `json:"note,omitempty"`
	Error         string     `json:"error,omitempty"`
}

// shownBytes are bytes that could not be decoded.
type shownBytes struct {
	Base64 string `json:"base64"`
}

// A shownToken is a bare token of SASL.
type shownToken struct {
	Token string `json:"token"`
}

// exchange decodes an exchange.
func (d *decoding) exchange(e *exchange.Exchange) *shownExchange {
	s := &shownExchange{Client: e.Client.String(), Broker: e.Broker.String(), SASL: e.SASL, Note: e.Note}
	begin := e.Request.First
	if !e.Request.Seen {
		begin = e.Response.First
	}
	if !begin.IsZero() {
		s.Time = &begin
	}
	if l, ok := e.Latency(); ok {
		ms := float64(l.Nanoseconds()) / 1e6
		s.LatencyMs = &ms
	}
	s.header(e)
	var wrong []string
	s.RequestSize, s.Request = d.frame("request", &e.Request, e, d.exchangedRequest, &wrong)
	s.ResponseSize, s.Response = d.frame("response", &e.Response, e, d.exchangedResponse, &wrong)
	s.Error = strings.Join(wrong, "; ")
	return s
}

func (s *shownExchange) header(e *exchange.Exchange) {
	if e.Known {
		name := kmsg.APIKey(e.Header.RequestAPIKey).String()
		s.API, s.Version = &name, &e.Header.RequestAPIVersion
		if e.Header.ClientID.Valid {
			s.ClientID = &e.Header.ClientID.S
		}
	}
	if e.Known || e.Note == exchange.NoteUnasked {
		s.CorrelationID = &e.Header.CorrelationID
	}
}

// frame decodes one half of an exchange, and says what it was too.
func (d *decoding) frame(what string, f *exchange.Frame, e *exchange.Exchange, decode func(*exchange.Exchange) (any, error), wrong *[]string) (size *int, shown any) {
	switch {
	case !f.Seen:
		return nil, nil
	case f.Missing > 0:
		*wrong = append(*wrong, fmt.Sprintf("%d of the %d bytes of the %s were not captured", f.Missing, f.Size, what))
		return &f.Size, nil
	case e.SASL != "":
		return &f.Size, shownToken{d.secret(f.Bytes)}
	}
	shown, err := decode(e)
	if err == nil {
		return &f.Size, shown
	}
	*wrong = append(*wrong, what+": "+err.Error())
	return &f.Size, shownBytes{d.hideable(f.Bytes)}
}

// secret is what may be a secret, as text.
func (d *decoding) secret(b []byte) string {
	if d.redact {
		return "[secret]"
	}
	return base64.StdEncoding.EncodeToString(b)
}

// hideable is what nothing is known of, as text.
func (d *decoding) hideable(b []byte) string {
	if d.redact {
		return fmt.Sprintf("[%d bytes]", len(b))
	}
	return base64.StdEncoding.EncodeToString(b)
}

func (d *decoding) exchangedRequest(e *exchange.Exchange) (any, error) {
	api, err := knownAPI(e)
	if err != nil {
		return nil, err
	}
	_, r, err := kmsg.DecodeRequestHeader(e.Request.Bytes)
	if err != nil {
		return nil, err
	}
	version := e.Header.RequestAPIVersion
	req := kmsg.NewRequest(api.Key)
	req.SetAPIVersion(version)
	body := e.Request.Bytes[r.Offset():]
	if err := req.DecodeFrom(d.reader(body)); err != nil {
		return nil, d.explain(api.Name+"Request", version, body, r.Offset(), err, "")
	}
	return d.show(req)
}

func (d *decoding) exchangedResponse(e *exchange.Exchange) (any, error) {
	api, err := knownAPI(e)
	if err != nil {
		return nil, err
	}
	_, resp, err := d.responseOf(api, e.Header.RequestAPIVersion, e.Response.Bytes)
	if err != nil {
		return nil, d.explainResponse(e.Response.Bytes, 0, resp, err)
	}
	return d.show(resp)
}

// knownAPI is the API of an exchange, if its version is known.
func knownAPI(e *exchange.Exchange) (*kmsg.API, error) {
	if !e.Known {
		return nil, failed("what it answers is not known")
	}
	api, version := kmsg.LookupAPI(kmsg.APIKey(e.Header.RequestAPIKey)), e.Header.RequestAPIVersion
	switch {
	case api == nil:
		return nil, failed("the API key %d is not known", e.Header.RequestAPIKey)
	case version < api.MinVersion || version > api.MaxVersion:
		return nil, failed("version %d of %s is not known, only %d to %d", version, api.Name, api.MinVersion, api.MaxVersion)
	}
	return api, nil
}

// title names an exchange in messages.
func (s *shownExchange) title() string {
	text := s.Client + " to " + s.Broker
	if s.API != nil {
		text += fmt.Sprintf(", %s version %d", *s.API, *s.Version)
	}
	if s.CorrelationID != nil {
		text += fmt.Sprintf(", correlation id %d", *s.CorrelationID)
	}
	return text
}

// cells are the exchange in a table, whose rows are written one by one: the widths are those
// of most.
func (s *shownExchange) cells() []string {
	when, api, id, client, latency := "", s.SASL, "", "", ""
	if s.Time != nil {
		when = s.Time.Format("15:04:05.000000")
	}
	if s.API != nil {
		api = fmt.Sprintf("%s v%d", *s.API, *s.Version)
	}
	if s.CorrelationID != nil {
		id = strconv.Itoa(int(*s.CorrelationID))
	}
	if s.ClientID != nil {
		client = *s.ClientID
	}
	if s.LatencyMs != nil {
		latency = fmt.Sprintf("%.3f ms", *s.LatencyMs)
	}
	why := s.Note
	if s.Error != "" {
		why = strings.TrimPrefix(why+"; "+s.Error, "; ")
	}
	return []string{
		fmt.Sprintf("%-15s", when), fmt.Sprintf("%-21s", s.Client), fmt.Sprintf("%-21s", s.Broker),
		fmt.Sprintf("%-24s", api), fmt.Sprintf("%8s", id), fmt.Sprintf("%11s", latency),
		fmt.Sprintf("%9s", sizeText(s.RequestSize)), fmt.Sprintf("%9s", sizeText(s.ResponseSize)), client, why,
	}
}

func sizeText(n *int) string {
	if n == nil {
		return "-"
	}
	return strconv.Itoa(*n)
}
