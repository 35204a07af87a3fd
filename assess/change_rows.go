package assess

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/seguedb/segue/change/resolve"
	"github.com/seguedb/segue/rules"
)

var changeRows = &Hazard{
	ID: "change-rows", Group: OfTable, Severity: Warn,
	What: "`up` cannot be computed for a row that is there, or down(up(x)) is not x, though the change is not said to be lossy. Before a change begins both are tried " +
		"on 1,000 rows, in a transaction that is rolled back: that none was found says little of the others",
	Remedy: "correct the rows or the expression. The backfill stops at such a row, or leaves it with `on_error: defer`; nothing is lost. A change of which something is lost on the " +
		"way back says `lossy: true`",
}

// tryTime is how long rows of one change after the other are tried.
const tryTime = 10 * time.Second

// tryChanges tries the expressions of a migration's changes on rows that are there.
func tryChanges(ctx context.Context, s *Subject, resolved *rules.Migration, r *report) error {
	begin, ok := s.DB.(resolve.Beginner)
	if !ok {
		return nil // Resolve has said so
	}
	until := time.Now().Add(tryTime)
	for _, op := range resolved.Changes() {
		c := op.Resolved().Compiled()
		if c.Alone() {
			continue
		}
		if time.Now().After(until) {
			r.add(changeRows, Object{Table, op.Target().String()}, Finding{Severity: Note, Message: "up was not tried on rows that are there: those of other changes took too long"})
			continue
		}
		t, err := resolve.Try(ctx, begin, c)
		if err != nil {
			return fmt.Errorf("cannot try the expressions on rows of %s: %w", op.Target(), err)
		}
		about := Object{Table, op.Target().String()}
		if t.Untried != "" {
			r.add(changeRows, about, Finding{Severity: Note, Message: "up was not tried on rows that are there: " + t.Untried})
		}
		if t.Failed > 0 {
			r.add(changeRows, about, Finding{
				Message: fmt.Sprintf("up cannot be computed for %s: %s: %s", ofTried(t.Failed, t.Rows), listed(t.FailedKeys, t.Failed), t.Why),
				Hint:    "correct the rows, or up; the backfill stops there, or leaves them until then: on_error: defer",
			})
		}
		if t.Changed > 0 {
			r.add(changeRows, about, Finding{
				Message: fmt.Sprintf("of %s, down makes another value than the row has: %s", ofTried(t.Changed, t.Rows), listed(t.ChangedKeys, t.Changed)),
				Hint:    "correct up or down; or say lossy: true, if that may be lost when the new version writes the row",
			})
		}
		if t.Back != "" {
			r.add(changeRows, about, Finding{Message: "down cannot be computed of what up makes of rows that are there: " + t.Back, Hint: "correct down, or the rows"})
		}
	}
	return nil
}

// ofTried is a number of the rows that were tried.
func ofTried(n, of int) string {
	return fmt.Sprintf("%d of %s", n, plural(of, "row that was tried", "rows that were tried"))
}

// listed are the keys of the first few of some rows.
func listed(keys []string, all int) string {
	out := strings.Join(keys, "; ")
	if more := all - len(keys); more > 0 {
		out += fmt.Sprintf("; and %d more", more)
	}
	return out
}
