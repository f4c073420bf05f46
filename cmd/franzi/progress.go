package main

import (
	"fmt"
	"strconv"
	"time"
)

// A progress is a line on the terminal that says how far a command is.
type progress struct {
	app  *app
	text func() string
	stop chan struct{}
	done chan struct{}
}

// progressEvery is how often the line is written anew.
const progressEvery = 200 * time.Millisecond

// follow shows what text returns on the terminal, if stderr is one, until the function that it
// returns is called.
func (a *app) follow(text func() string) (end func()) {
	if !a.watched {
		return func() {}
	}
	p := &progress{app: a, text: text, stop: make(chan struct{}), done: make(chan struct{})}
	a.saying.Lock()
	a.progress = p
	a.saying.Unlock()
	go p.run()
	return func() {
		close(p.stop)
		<-p.done
		a.saying.Lock()
		defer a.saying.Unlock()
		p.clear()
		a.progress = nil
	}
}

func (p *progress) run() {
	defer close(p.done)
	tick := time.NewTicker(progressEvery)
	defer tick.Stop()
	for {
		select {
		case <-p.stop:
			return
		case <-tick.C:
			text := p.text()
			p.app.saying.Lock()
			p.clear()
			fmt.Fprint(p.app.err, text)
			p.app.saying.Unlock()
		}
	}
}

// clear empties the line. The caller holds app.saying.
func (p *progress) clear() { fmt.Fprint(p.app.err, "\r\x1b[K") }

// many writes a number with commas.
func many(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// volume writes a number of bytes.
func volume(n float64) string {
	for _, unit := range []string{"B", "kB", "MB", "GB"} {
		if n < 1000 {
			return fmt.Sprintf("%.3g %s", n, unit)
		}
		n /= 1000
	}
	return fmt.Sprintf("%.3g TB", n)
}

// rate is n in a time, by the second.
func rate(n int64, d time.Duration) float64 {
	if d <= 0 {
		return 0
	}
	return float64(n) / d.Seconds()
}
