package admin

import (
	"fmt"
	"slices"

	"github.com/seguedb/segue/rewrite"
	"github.com/seguedb/segue/rules"
)

// describe puts what the rewriter found in a text, or in a piece of one, into words.
func describe(out *RewriteResult, text *rewrite.Text, snap *rules.Snapshot, in place) {
	out.Version, out.Changed, out.Ambiguous = text.Version, out.Changed || text.Changed, out.Ambiguous || text.Ambiguous
	for _, e := range text.Edits() {
		out.Edits = append(out.Edits, RewriteEdit{Start: in.bytes + e.Start, End: in.bytes + e.End, New: e.New})
	}
	lens := snap.Lens(text.Version)
	for _, st := range text.Statements {
		rs := RewrittenStatement{Kind: st.Tag, Why: []string{}}
		if st.Failure != nil {
			rs.Failure = failureOf(st.Failure)
			if rs.Failure.Position > 0 {
				rs.Failure.Position += in.chars
			}
		} else {
			rs.After = text.SQL[st.Start:st.End]
		}
		for _, c := range st.Columns {
			rs.Labels = append(rs.Labels, c.Label)
		}
		for _, u := range st.Uses {
			if line := why(u, lens, text.Version); line != "" && !slices.Contains(rs.Why, line) {
				rs.Why = append(rs.Why, line)
			}
		}
		out.Statements = append(out.Statements, rs)
	}
}

func failureOf(e *rewrite.Error) *RewriteFailure {
	return &RewriteFailure{
		Code: e.Code, Message: e.Message, Detail: e.Detail, Hint: e.Hint, Position: e.Position, Construct: e.Node,
	}
}

// why tells what one use of a logical name means in the database now.
func why(u rewrite.Use, lens *rules.Lens, version string) string {
	if lens == nil {
		return ""
	}
	t := lens.Table(u.Table)
	if t == nil {
		return ""
	}
	switch u.Column {
	case "":
		if t.Logical == t.Physical {
			return ""
		}
		return fmt.Sprintf("table %s of version %s is %s in the database", t.Logical, version, t.Physical)
	case "*":
		if t.Identity {
			return ""
		}
		return fmt.Sprintf("all columns of %s as version %s has them", t.Logical, version)
	}
	c := t.Column(u.Column)
	if c == nil || !c.Differs() {
		return ""
	}
	if e := c.Reads(); e != nil {
		return fmt.Sprintf("column %s.%s of version %s is computed in the database: %s", t.Logical, c.Logical, version,
			e.SQL("", func(p rules.PhysicalColumn) string { return p.Name }))
	}
	if c.Logical == c.Physical {
		return ""
	}
	return fmt.Sprintf("column %s.%s of version %s is %s in the database", t.Logical, c.Logical, version, c.Physical)
}
