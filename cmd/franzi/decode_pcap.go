package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/franzi-kafka/franzi/cmd/franzi/internal/capture"
	"github.com/franzi-kafka/franzi/cmd/franzi/internal/exchange"
	"github.com/franzi-kafka/franzi/cmd/franzi/internal/output"
)

// checkPcap refuses what does not go with --pcap.
func (d *decodeCommand) checkPcap(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return misused(cmd, "with --pcap goes no NAME or HEX, so %q is too much", args[0])
	}
	return alone(cmd, "pcap", "segment", "index", "api-version", "format", "response-to", "key", "value")
}

// A captureSummary says what a capture has in all.
type captureSummary struct {
	File             string       `json:"file"`
	Packets          int          `json:"packets"`
	Connections      int          `json:"connections"` // of Kafka's protocol
	Exchanges        int          `json:"exchanges"`
	Unanswered       int          `json:"unanswered"`
	Bad              int          `json:"bad"` // exchanges that could not all be decoded
	TLS              []tlsSummary `json:"tls"`
	OtherConnections int          `json:"otherConnections"`
	OtherPackets     int          `json:"otherPackets"` // without TCP
	UnknownPackets   int          `json:"unknownPackets"`
	Fragments        int          `json:"fragments"`
	Malformed        int          `json:"malformed"` // packets without whole headers
	Retransmitted    int          `json:"retransmitted"`
	Reordered        int          `json:"reordered"`
	Gaps             int          `json:"gaps"`
	GapBytes         int          `json:"gapBytes"`
	CutBytes         int          `json:"cutBytes"`     // of packets that were not captured whole
	SkippedBytes     int          `json:"skippedBytes"` // in which no frame was found
}

type tlsSummary struct {
	Address     string `json:"address"`
	Connections int    `json:"connections"`
}

// A pcapDump is a capture that is being shown.
type pcapDump struct {
	dec   *decoding
	out   *output.Writer // nil if only the summary is asked for
	sum   captureSummary
	wrong bool
	err   error // of writing
}

// decodePcap shows the exchanges in a capture as they end.
func (a *app) decodePcap(ctx context.Context, d *decodeCommand) error {
	in, err := a.open(ctx, d.pcap)
	if err != nil {
		return err
	}
	defer in.Close()
	p := &pcapDump{dec: &decoding{app: a, decodeCommand: d}}
	p.sum.File, p.sum.TLS = fileName(d.pcap), []tlsSummary{}
	if !d.summary {
		p.out = output.NewMixed(a.out, a.format, output.LinesFormat)
	}
	t := exchange.NewTracker(p.exchange)
	if err := p.packets(ctx, in, t); err != nil {
		return err
	}
	t.Close()
	if p.err != nil {
		return p.err
	}
	if err := p.end(t); err != nil {
		return err
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if p.wrong {
		return errSaid()
	}
	return nil
}

// packets gives all packets to the tracker. That a capture ends within a packet, or because
// the user wants it, is no reason not to show what it has.
func (p *pcapDump) packets(ctx context.Context, in io.Reader, t *exchange.Tracker) error {
	r, err := capture.NewReader(in)
	if err != nil {
		return failed("%s: %v", p.sum.File, err)
	}
	for p.err == nil {
		packet, err := r.Next()
		switch {
		case errors.Is(err, io.EOF), ctx.Err() != nil:
			return nil
		case errors.Is(err, io.ErrUnexpectedEOF):
			p.complain("the capture ends within a packet")
			return nil
		case err != nil:
			p.complain("after %d packets: %v", p.sum.Packets, err)
			return nil
		}
		p.sum.Packets++
		segment, content := packet.TCP()
		switch content {
		case capture.TCP:
			t.Add(&segment, packet.Time)
		case capture.Other:
			p.sum.OtherPackets++
		case capture.Fragment:
			p.sum.Fragments++
		case capture.CutOff:
			p.sum.Malformed++
		case capture.Unknown:
			if p.sum.UnknownPackets++; p.sum.UnknownPackets == 1 {
				p.complain("packets of link type %d are left out: it is not understood", packet.Link)
			}
		}
	}
	return nil
}

func (p *pcapDump) complain(format string, args ...any) {
	p.wrong = true
	p.dec.app.say("%s: %s", p.sum.File, fmt.Sprintf(format, args...))
}

// exchange shows an exchange.
func (p *pcapDump) exchange(e *exchange.Exchange) {
	if p.err != nil {
		return
	}
	p.sum.Exchanges++
	if !e.Response.Seen && e.Note != exchange.NoteNoAcks {
		p.sum.Unanswered++
	}
	shown := p.dec.exchange(e)
	if shown.Error != "" {
		p.sum.Bad++
		p.wrong = true
	}
	if p.dec.complain(fmt.Sprintf("%s: %s: ", p.sum.File, shown.title())) {
		p.wrong = true
	}
	if p.out == nil {
		return
	}
	p.err = p.out.Write(output.Result{Value: shown, Table: func(t *output.Table) { t.Row(shown.cells()...) }})
}

// end says what there was in all.
func (p *pcapDump) end(t *exchange.Tracker) error {
	s := &p.sum
	s.Connections, s.OtherConnections = t.Connections, t.Others
	s.Retransmitted, s.Reordered, s.Gaps, s.GapBytes, s.CutBytes = t.Retransmitted, t.Reordered, t.Gaps, t.GapBytes, t.CutBytes
	s.SkippedBytes = t.Skipped
	for _, l := range t.TLS() {
		s.TLS = append(s.TLS, tlsSummary{l.Addr.String(), l.Connections})
	}
	if len(s.TLS) > 0 {
		p.dec.app.say("%s: %s TLS, under which nothing can be seen: capture at a listener without it, or behind what ends it", s.File, s.tlsText())
	}
	if s.Exchanges == 0 {
		p.complain("no requests or responses of Kafka were found")
	}
	if p.dec.summary {
		return p.dec.app.write(output.JSONFormat, output.Result{Value: s})
	}
	p.dec.app.say("%s", s.text())
	return nil
}

// tlsText names who speaks TLS.
func (s *captureSummary) tlsText() string {
	const most = 3
	var names []string
	for _, l := range s.TLS[:min(most, len(s.TLS))] {
		names = append(names, fmt.Sprintf("%s (%s)", l.Address, counted(l.Connections, "connection", "connections")))
	}
	text := strings.Join(names, ", ")
	if more := len(s.TLS) - most; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	if len(s.TLS) == 1 {
		return text + " speaks"
	}
	return text + " speak"
}

func (s *captureSummary) text() string {
	parts := []string{fmt.Sprintf("%s: %s on %s, %s", s.File, counted(s.Exchanges, "exchange", "exchanges"), counted(s.Connections, "connection", "connections"), counted(s.Packets, "packet", "packets"))}
	some := func(n int, one, many string) {
		if n > 0 {
			parts = append(parts, counted(n, one, many))
		}
	}
	some(s.Unanswered, "unanswered request", "unanswered requests")
	some(s.Bad, "exchange with errors", "exchanges with errors")
	some(s.OtherConnections, "connection of another protocol", "connections of other protocols")
	some(s.OtherPackets, "packet without TCP", "packets without TCP")
	some(s.Fragments, "IP fragment left out", "IP fragments left out")
	some(s.Malformed, "packet without whole headers", "packets without whole headers")
	some(s.Retransmitted, "segment retransmitted", "segments retransmitted")
	some(s.Reordered, "segment out of order", "segments out of order")
	if s.Gaps > 0 {
		parts = append(parts, fmt.Sprintf("%s of %s", counted(s.Gaps, "gap", "gaps"), counted(s.GapBytes, "byte", "bytes")))
	}
	some(s.CutBytes, "byte cut off from packets", "bytes cut off from packets")
	some(s.SkippedBytes, "byte skipped", "bytes skipped")
	return strings.Join(parts, ", ")
}
