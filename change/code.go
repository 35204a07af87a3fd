package change

// The codes. A release of Segue must understand those of the releases before it.
const (
	CodeNew    = 2  // the new side has been given: by the new version
	CodeOld    = -2 // the old side has been given: by the old version
	codeUnsaid = 3  // the default of the marker: an INSERT that does not know of it
	codeNoted  = 4  // from the first trigger to the last: what the first left is noted in settings
	CodeFill   = 5  // the backfill, where it cannot keep others' triggers from firing
)

// Flip is the expression for the marker in a statement that sets both sides itself. Row is the table's name or alias in that
// statement, "" for none.
func (c *Compiled) Flip(row string) string {
	mark := column(row, c.Marker())
	if !c.has(FlipTurns) {
		return "1"
	}
	return "CASE WHEN (" + mark + " OPERATOR(pg_catalog.=) 1) THEN -1 ELSE 1 END"
}

// FlippedUp is the expression for a column of the new side in a statement of the old version that writes a flip. Value
// gives what each column of the old side is after the statement, as SQL without volatile parts.
func (c *Compiled) FlippedUp(newColumn string, value func(old Column) string) (sql string, ok bool) {
	for i, col := range c.New {
		if col.Name == newColumn && c.Inline {
			return c.up[i].over(false, func(at int) string { return value(c.Old[at]) }), true
		}
	}
	return "", false
}

// FlippedDown is FlippedUp for a column of the old side in a statement of the new version.
func (c *Compiled) FlippedDown(oldColumn string, value func(new Column) string) (sql string, ok bool) {
	for i, col := range c.Old {
		if col.Name == oldColumn && c.Inline {
			return c.totalDown(i, false, func(at int) string { return value(c.New[at]) }), true
		}
	}
	return "", false
}

// totalDown is down for a column of the old side, with what down_fail gives where it applies.
func (c *Compiled) totalDown(i int, share bool, value func(int) string) string {
	down := c.down[i].over(share, value)
	if c.fails == nil {
		return down
	}
	return "CASE WHEN " + c.fails.over(share, value) + " THEN " + c.failed[i].over(share, value) + " ELSE " + down + " END"
}
