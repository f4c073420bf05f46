package cluster

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/franzi-kafka/franzi/kmsg"
)

// freely is how many failures in a row are followed by a request to another broker at once,
// if there is one that did not fail itself.
const freely = 2

// nextAsk returns the request for metadata to make now, nil for none.
func (c *Cell) nextAsk(now time.Time) *AskMetadata {
	c.wake(now)
	if c.wants > 0 || !c.idle {
		if !c.refresh.IsZero() && !now.Before(c.refresh) {
			c.full = true
		}
	}
	held := false
	for _, f := range c.flights {
		if !f.late && now.Sub(f.sent) >= c.patience() {
			c.losePatience(f)
		}
		held = held || !f.late
	}
	if held || !c.full && !c.anyDue() || now.Before(c.notBefore()) {
		return nil
	}
	to, ok := c.choose()
	if !ok {
		return nil
	}
	ask := c.build(now)
	ask.Broker, ask.Seed = to.broker, to.seed
	c.asked++
	ask.number, ask.sent = c.asked, now
	for _, in := range ask.interests {
		in.asked, in.due = ask.number, false
	}
	c.anyDue()
	ask.Into, c.spare = c.spare, nil
	if ask.Into == nil {
		ask.Into = kmsg.NewMetadataResponse()
	}
	if c.since.IsZero() {
		c.since = now
	}
	c.flights = append(c.flights, ask)
	return ask
}

// anyDue takes off the due what is no longer, and says whether something is left.
func (c *Cell) anyDue() bool {
	c.due = slices.DeleteFunc(c.due, func(in *interest) bool { return !in.due })
	return len(c.due) > 0
}

// build returns the next request: what is due, or everything. Topics that are to be created go
// first and alone, as a request creates all of its topics or none.
func (c *Cell) build(now time.Time) *AskMetadata {
	ask := &AskMetadata{Reason: c.reason()}
	for _, in := range c.due {
		if in.due && c.createsNow(in) {
			ask.Create = true
			ask.add(in)
		}
	}
	switch {
	case ask.Create:
		// What is due besides stays so.
	case c.full || c.all.due:
		c.forget(now)
		ask.full, ask.All = c.full, c.all.due || c.all.wants > 0
		if c.full {
			c.full, c.idle = false, true
			c.refresh = now.Add(c.config.MaxAge)
		}
		everything := c.inOrder()
		ask.interests = everything.interests
		if ask.All {
			ask.interests = append(ask.interests, &c.all)
		} else {
			ask.Topics, ask.IDs = everything.names, everything.ids
		}
	default:
		for _, in := range c.due {
			ask.add(in)
		}
	}
	ask.interests = append(ask.interests, &c.bare)
	return ask
}

// add puts an interest into the request.
func (a *AskMetadata) add(in *interest) {
	switch {
	case in.name != "":
		a.Topics = append(a.Topics, in.name)
	case !in.id.IsZero():
		a.IDs = append(a.IDs, in.id)
	}
	a.interests = append(a.interests, in)
}

func (c *Cell) reason() string {
	switch {
	case c.lastErr != nil:
		return "the last attempt failed: " + c.lastErr.Error()
	case c.full && c.snapshot.Seq > 0:
		return "what is known is old"
	}
	for _, w := range slices.Backward(c.waiting) {
		if w.need.Reason != "" {
			return w.need.Reason
		}
	}
	return "wanted"
}

// patience is how long to wait for the latest request before another goes besides.
func (c *Cell) patience() time.Duration {
	late := 0
	for _, f := range c.flights {
		if f.late {
			late++
		}
	}
	return c.config.Patience << min(late, 10)
}

// losePatience lets other requests go besides one that is not answered.
func (c *Cell) losePatience(ask *AskMetadata) {
	c.lastErr = fmt.Errorf("no answer within %v", c.patience())
	ask.late = true
	c.healthOf(ask.target()).slow = true
	c.again(ask)
}

// again makes due what a request should have told.
func (c *Cell) again(ask *AskMetadata) {
	c.full = c.full || ask.full && !c.fullAt.After(ask.sent)
	for _, in := range ask.interests {
		if in.asked == ask.number && (in.answered == 0 || in.answered <= in.newer) {
			in.asked = in.answered
			c.makeDue(in)
		}
	}
}

// underWay says whether a request is, and has not taken long yet.
func (c *Cell) underWay(number uint64) bool {
	return slices.ContainsFunc(c.flights, func(f *AskMetadata) bool { return f.number == number && !f.late })
}

// land takes a request off those under way. It reports false for one that was not, as after a
// rebootstrap.
func (c *Cell) land(ask *AskMetadata) bool {
	i := slices.Index(c.flights, ask)
	if i < 0 {
		return false
	}
	c.flights = slices.Delete(c.flights, i, i+1)
	return true
}

func (c *Cell) answer(now time.Time, e *MetadataAnswer) {
	if !c.land(e.To) || c.closed != nil {
		return
	}
	resp := e.Response
	if resp.ErrorCode == kmsg.RebootstrapRequired {
		c.rebootstrap(now, "the answer to Metadata was REBOOTSTRAP_REQUIRED")
		c.noteFailure(now, e.To, resp.ErrorCode, false)
		return
	}
	if err := c.refuse(e); err != nil {
		c.lost(now, e.To, err, false)
		return
	}
	c.recovered(e.To)
	before := c.snapshot
	if e.To.number > c.snapshot.Seq {
		c.merge(now, e)
	} else {
		c.again(e.To) // a later request was quicker
	}
	c.space(now, before)
	c.spare = resp
	c.replyServed()
}

// refuse says why an answer is no good as a whole.
func (c *Cell) refuse(e *MetadataAnswer) error {
	resp := e.Response
	if resp.ErrorCode != kmsg.None {
		return resp.ErrorCode
	}
	id := resp.ClusterID.S
	if known := c.snapshot.ClusterID; e.To.Seed == "" && id != "" && known != "" && id != known {
		return fmt.Errorf("the address of broker %d leads to the cluster %s, not to %s", e.To.Broker, id, known)
	}
	return nil
}

func (c *Cell) recovered(ask *AskMetadata) {
	c.failures, c.pauses, c.since, c.lastErr = 0, 0, time.Time{}, nil
	c.notUntil = time.Time{}
	*c.healthOf(ask.target()) = health{state: Ready}
}

func (c *Cell) failed(now time.Time, e *MetadataFailed) {
	if !c.land(e.To) || c.closed != nil {
		return
	}
	err := e.Err
	if err == nil {
		err = errors.New("no answer")
	}
	if c.spare == nil {
		c.spare = e.To.Into
	}
	c.lost(now, e.To, err, e.Refused)
}

// lost takes note of a request that led to nothing, and chooses when to try again.
func (c *Cell) lost(now time.Time, ask *AskMetadata, err error, refused bool) {
	c.noteFailure(now, ask, err, refused)
	if now.Sub(c.since) >= c.config.RebootstrapAfter && len(c.snapshot.Brokers) > 0 {
		c.rebootstrap(now, "no broker has answered for "+c.config.RebootstrapAfter.String())
	}
}

func (c *Cell) noteFailure(now time.Time, ask *AskMetadata, err error, refused bool) {
	c.failures++
	c.lastErr = err
	h := c.healthOf(ask.target())
	h.failures++
	h.state, h.failedAt = Failing, now
	c.again(ask)
	if !refused && c.failures <= freely && c.anySound() {
		return // at once
	}
	c.pauses++
	c.notUntil = now.Add(c.config.Backoff.After(c.pauses, c.config.Rand.Float64()))
	c.replyFailed(err)
	c.failQueued(err)
}

// rebootstrap forgets the brokers, and what was asked of them.
func (c *Cell) rebootstrap(now time.Time, reason string) {
	if c.closed != nil {
		return
	}
	for _, f := range c.flights {
		c.again(f)
	}
	c.flights = nil
	clear(c.health)
	if len(c.snapshot.Brokers) > 0 {
		s := *c.snapshot
		s.Brokers, s.ControllerID, s.coordinators = nil, -1, nil
		c.setSnapshot(&s)
	}
	c.full = true
	c.spaced = time.Time{}
	c.since = now
	if c.lastErr == nil {
		c.lastErr = errors.New(reason)
	}
	if again := c.rebooted.Add(c.config.Backoff.Max); !c.rebooted.IsZero() && now.Before(again) {
		c.notUntil = again // somebody is sent back and forth
	}
	c.rebooted = now
}

func (c *Cell) setSnapshot(s *Snapshot) {
	c.snapshot, c.changed = s, true
}
