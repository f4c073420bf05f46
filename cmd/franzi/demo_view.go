package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/franzi-kafka/franzi/cmd/franzi/internal/latency"
	"github.com/franzi-kafka/franzi/cmd/franzi/internal/ledger"
	"github.com/franzi-kafka/franzi/cmd/franzi/internal/output"
)

// A demoView shows how a demo goes: on a terminal as a picture that changes, elsewhere as lines.
type demoView struct {
	d      *demo
	out    io.Writer // nil if nobody wants to see it
	live   bool      // a terminal
	lines  int       // of the picture as it stands there
	color  bool
	recent []sample // the last ones, up to a second
	rates  []float64
	shown  time.Time

	mu     sync.Mutex
	events []string
}

// A sample is what was counted by a moment, and the latencies since the one before.
type sample struct {
	at              time.Time
	written, read   int64
	produced, whole *latency.Snapshot
}

func (v *demoView) begin(a *app, d *demo) {
	v.d = d
	if !d.s.cmd.Flags().Changed("output") {
		v.out = a.out
	}
	v.live = a.screen
	v.color = a.screen && !slices.ContainsFunc(a.environ, func(s string) bool { return strings.HasPrefix(s, "NO_COLOR=") && s != "NO_COLOR=" })
	v.recent = []sample{{at: time.Now(), produced: new(latency.Snapshot), whole: new(latency.Snapshot)}}
}

// every is how often the view wants to be shown.
func (v *demoView) every() time.Duration {
	if v.live {
		return progressEvery
	}
	return time.Second
}

// event tells of something that happened. Any goroutine may call it.
func (v *demoView) event(format string, args ...any) {
	text := fmt.Sprintf("%6.1f s   %s", time.Since(v.d.work.begun).Seconds(), output.Printable(strings.Join(strings.Fields(fmt.Sprintf(format, args...)), " ")))
	v.mu.Lock()
	defer v.mu.Unlock()
	v.events = append(v.events, text)
	if v.out != nil && !v.live {
		fmt.Fprintln(v.out, text)
	}
}

// figures counts anew, and returns what there was in the last second.
func (v *demoView) figures() (now sample, written, read float64, produced, whole *latency.Snapshot, b ledger.Balance) {
	w := v.d.work
	b = w.ledger.Now()
	now = sample{time.Now(), b.Done(), b.Read, w.produced.take(), w.whole.take()}
	last := v.recent[len(v.recent)-1]
	v.rates = append(v.rates, rate(now.written-last.written, now.at.Sub(last.at)))
	v.recent = append(v.recent, now)
	for len(v.recent) > 2 && now.at.Sub(v.recent[1].at) >= time.Second {
		v.recent = v.recent[1:]
	}
	first := v.recent[0]
	produced, whole = new(latency.Snapshot), new(latency.Snapshot)
	for _, s := range v.recent[1:] {
		produced.Merge(s.produced)
		whole.Merge(s.whole)
	}
	d := now.at.Sub(first.at)
	return now, rate(now.written-first.written, d), rate(now.read-first.read, d), produced, whole, b
}

// lineMax is how long a line of the picture may be.
const lineMax = 79

// show shows how it stands.
func (v *demoView) show() {
	now, written, read, produced, whole, b := v.figures()
	if now.at.Sub(v.shown) >= time.Second {
		v.d.work.trim()
		v.shown = now.at
	}
	if v.out == nil {
		return
	}
	since := now.at.Sub(v.d.work.begun)
	v.mu.Lock()
	defer v.mu.Unlock()
	if !v.live {
		fmt.Fprintf(v.out, "%6.1f s   written %s/s, p99 %s   read %s/s, p99 %s   lag %s   in all %s\n", since.Seconds(),
			many(int64(written)), timeOf(produced, 0.99), many(int64(read)), timeOf(whole, 0.99), many(v.d.work.lag()), many(b.Done()))
		return
	}
	lines := []string{
		fmt.Sprintf("%s   %s%*s", v.bold("franzi demo"), v.title(), max(1, 62-len(v.title())), fmt.Sprintf("%.1f of %.1f s", min(since, v.d.duration).Seconds(), v.d.duration.Seconds())),
		"",
		"brokers  " + v.brokers(),
		fmt.Sprintf("written  %9s/s   p50 %8s   p99 %8s   %s", many(int64(written)), timeOf(produced, 0.5), timeOf(produced, 0.99), sparks(v.rates, 27)),
		fmt.Sprintf("read     %9s/s   p50 %8s   p99 %8s   lag %s", many(int64(read)), timeOf(whole, 0.5), timeOf(whole, 0.99), many(v.d.work.lag())),
		fmt.Sprintf("records  %9s written   %s read   %s in buffers", many(b.Done()), many(b.Read), volume(float64(v.buffered()))),
		"wrong    " + v.wrong(&b),
		"",
	}
	for _, text := range v.events[max(0, len(v.events)-8):] {
		if r := []rune(text); len(r) > lineMax {
			text = string(r[:lineMax-3]) + "..." // a line that wraps would spoil the picture
		}
		lines = append(lines, text)
	}
	v.draw(lines)
}

// draw puts the picture where the last one stands.
func (v *demoView) draw(lines []string) {
	var s strings.Builder
	if v.lines > 0 {
		fmt.Fprintf(&s, "\x1b[%dA", v.lines)
	}
	for _, line := range lines {
		s.WriteString("\r" + line + "\x1b[K\n")
	}
	v.lines = max(v.lines, len(lines))
	for range v.lines - len(lines) {
		s.WriteString("\x1b[K\n")
	}
	io.WriteString(v.out, s.String())
}

// end shows it for the last time.
func (v *demoView) end() {
	v.show()
	if v.out != nil {
		fmt.Fprintln(v.out)
	}
}

func (v *demoView) title() string {
	if v.d.cluster == nil {
		return fmt.Sprintf("%s, %d partitions", strings.Join(v.d.s.settings.Brokers(), ","), v.d.partitions)
	}
	return fmt.Sprintf("%s in memory, %d partitions", plural(v.d.nodes, "broker", "brokers"), v.d.partitions)
}

// brokers shows who leads.
func (v *demoView) brokers() string {
	if v.d.cluster == nil {
		return plural(len(v.d.s.client.Metadata().Brokers()), "broker", "brokers")
	}
	leads, alone := map[int32]int{}, 0
	for _, p := range v.d.cluster.Partitions(v.d.topic) {
		if p.Leader < 0 {
			alone++
			continue
		}
		leads[p.Leader]++
	}
	var parts []string
	for id := int32(1); id <= int32(v.d.nodes); id++ {
		if id == v.d.down {
			parts = append(parts, v.red(fmt.Sprintf("%d is down", id)))
			continue
		}
		parts = append(parts, fmt.Sprintf("%d leads %d", id, leads[id]))
	}
	if alone > 0 {
		parts = append(parts, v.red(fmt.Sprintf("%d without a leader", alone)))
	}
	return strings.Join(parts, "   ")
}

func (v *demoView) buffered() (n int64) {
	for _, p := range v.d.work.producers {
		n += p.BufferedBytes()
	}
	for _, c := range v.d.work.consumers {
		n += c.BufferedBytes()
	}
	return n
}

func (v *demoView) wrong(b *ledger.Balance) string {
	text := fmt.Sprintf("%d doubled   %d out of order   %d changed   %d failed", b.Doubled, b.OutOfOrder, b.Corrupt, b.Failed)
	if b.Doubled+b.OutOfOrder+b.Corrupt+b.Failed > 0 {
		return v.red(text)
	}
	return text
}

func (v *demoView) bold(s string) string { return v.paint("1", s) }
func (v *demoView) red(s string) string  { return v.paint("31", s) }

func (v *demoView) paint(code, s string) string {
	if !v.color {
		return s
	}
	return "\x1b[" + code + "m" + s + "\x1b[m"
}

func timeOf(s *latency.Snapshot, share float64) string {
	if s.Count == 0 {
		return "-"
	}
	d := s.Quantile(share)
	if d >= time.Second {
		return fmt.Sprintf("%.3g s", d.Seconds())
	}
	return fmt.Sprintf("%.3g ms", float64(d.Microseconds())/1000)
}

// sparks draws the last values as bars of the height that they have beside the largest.
func sparks(values []float64, width int) string {
	values = values[max(0, len(values)-width):]
	if len(values) == 0 {
		return ""
	}
	bars := []rune("▁▂▃▄▅▆▇█")
	most := max(slices.Max(values), 1)
	var s strings.Builder
	for _, x := range values {
		s.WriteRune(bars[min(len(bars)-1, max(0, int(x/most*float64(len(bars)))))])
	}
	return s.String()
}
