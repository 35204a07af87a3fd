package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/seguedb/segue/migrate"
)

// A waiting tells who waits for a transition how it goes: a line whenever something has changed, and, on a terminal, one
// below it that is written again in its place.
type waiting struct {
	out      io.Writer // for what is written in place
	w        io.Writer // for text
	terminal bool
	id       string
	begun    time.Time
	last     string // what was told last, without what changes all the time
	line     bool   // the last line is one that is written again
}

func newWaiting(w io.Writer, id string) *waiting {
	return &waiting{out: w, w: printable{w}, terminal: isTerminal(w), id: id, begun: time.Now()}
}

// follow tells until ctx ends. It is a courtesy: errors of its requests are left to the request that waits.
func (l *waiting) follow(ctx context.Context, c *client) {
	tick := time.NewTicker(followEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			l.clear()
			return
		case <-tick.C:
		}
		var st migrate.Status
		if c.get(ctx, migrationPath(l.id), nil, &st) == nil && st.Pending != nil {
			l.tell(&st, time.Now())
		}
	}
}

// tell takes note of how the transition is. One that is committed has no reason to wait any more, and a moment later it is done.
func (l *waiting) tell(st *migrate.Status, now time.Time) {
	p := st.Pending
	if news := newsOf(st); p.Attempts > 0 && p.LastError != "" && news != l.last {
		l.clear()
		l.last = news
		fmt.Fprintf(l.w, "%s %s of %s waits (%s): %s. Traffic is %s. Stop it with: segue cancel %s\n", now.UTC().Format("15:04:05Z"),
			p.Kind, st.ID, attempts(p, now), withoutBlockers(p.LastError, st.Blockers), traffic(p), st.ID)
		writeBlockers(l.w, st.Blockers)
	}
	if l.terminal {
		text := fmt.Sprintf("  waiting for %s: %s", short(now.Sub(l.begun)), attempts(p, now))
		fmt.Fprintf(l.out, "\r\x1b[K%s", text[:min(len(text), 78)]) // of numbers and our own words
		l.line = true
	}
}

// clear takes the line away that is written again.
func (l *waiting) clear() {
	if l.line {
		fmt.Fprint(l.out, "\r\x1b[K")
		l.line = false
	}
}

// newsOf is what makes news: who is in the way and why. Ages and attempts change all the time.
func newsOf(st *migrate.Status) string {
	var who []string
	for _, b := range st.Blockers {
		if len(b.WaitsFor) == 0 {
			who = append(who, fmt.Sprint(b.PID, b.Instance))
		}
	}
	slices.Sort(who)
	return fmt.Sprint(withoutBlockers(st.Pending.LastError, st.Blockers), who)
}

func traffic(p *migrate.Pending) string {
	if p.Holds {
		return "held at this moment"
	}
	return "NOT held meanwhile"
}

// attempts is how often it was tried and when it is tried next. The clock of the server may differ from ours, so a time that
// cannot be right is left out.
func attempts(p *migrate.Pending, now time.Time) string {
	if p.Attempts == 0 {
		return "not tried yet"
	}
	text := fmt.Sprintf("attempt %d", p.Attempts)
	if wait := p.NextTry.Sub(now); wait > 0 && wait < 10*time.Second {
		text += ", next try in " + short(wait)
	}
	return text
}

// pending is a transition that is tried, in one line.
func pending(p *migrate.Pending, blockers []migrate.Blocker) string {
	reason := withoutBlockers(p.LastError, blockers)
	return string(p.Kind) + ", " + attempts(p, time.Now()) + strings.TrimSuffix(": "+reason, ": ")
}

// writePending says how far a transition is and what it waits for.
func writePending(w io.Writer, st *migrate.Status) {
	p := st.Pending
	if p == nil {
		return
	}
	fmt.Fprintf(w, "pending:  %s\n", pending(p, st.Blockers))
	for _, what := range st.WaitingFor {
		if what != p.LastError {
			fmt.Fprintf(w, "  waits for %s\n", what)
		}
	}
	writeBlockers(w, st.Blockers)
}

// withoutBlockers cuts the list of blockers off a reason that ends in it, where they are shown in lines of their own.
func withoutBlockers(reason string, blockers []migrate.Blocker) string {
	if len(blockers) == 0 || blockers[0].Why == "" {
		return reason
	}
	before, _, found := strings.Cut(reason, ": "+blockers[0].Why)
	return cmp.Or(map[bool]string{true: before}[found], reason)
}
