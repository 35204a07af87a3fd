package change

import "fmt"

// The codes. A release of Segue must understand those of the releases before it.
const (
	CodeNew    = 2  // the new side has been given: by the new version
	CodeOld    = -2 // the old side has been given: by the old version
	codeUnsaid = 3  // the default of the marker: an INSERT that does not know of it
	codeNoted  = 4  // from the first trigger to the last: what the first left is noted in settings
	CodeFill   = 5  // the backfill, where it cannot keep others' triggers from firing
	codeFollow = 6  // something has changed that the row was made from
)

// Saying is a condition that says in a setting which side the row gives that is being written, and is always true. It is for COPY
// FROM, which can evaluate one for each row, between its defaults and its triggers, and cannot set a column to a constant. The
// first trigger takes the setting back, so that it never says anything of another row.
func (c *Compiled) Saying(code int) string {
	return "pg_catalog.set_config(" + literal(c.setting()) + ", " + literal(fmt.Sprint(code)) + ", true) IS NOT NULL"
}

// setting is the name of the setting for the code of a row.
func (c *Compiled) setting() string { return "segue.code_" + c.Key }

// said takes the code of a row from the setting, where the row itself does not say it.
func (b *body) said() {
	setting := literal(b.c.setting())
	current := "pg_catalog.current_setting(" + setting + ", true)"
	b.line("IF %s AND %s THEN", eq(b.mark("NEW"), fmt.Sprint(codeUnsaid)), ne(current, "''"))
	b.line("%s := CASE %s WHEN '%d' THEN %d WHEN '%d' THEN %d ELSE %d END;", b.mark("NEW"), current, CodeNew, CodeNew, CodeOld, CodeOld, codeUnsaid)
	b.line("PERFORM pg_catalog.set_config(%s, '', true);", setting)
	b.line("END IF;")
}

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
