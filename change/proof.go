package change

import "strings"

// Complete is the step from Filling to Completing. From here on nobody can leave a row at 0: it is filled whenever it is
// written, and a CHECK says so. Rows that are at 0 still are for the backfill. NOT NULL is demanded as a CHECK.
func (c *Compiled) Complete() []string {
	if c.Alone() {
		return nil
	}
	var checks []string
	if sql := c.full(); sql != "" {
		checks = append(checks, c.check("full", sql))
	}
	for i, col := range c.New {
		if col.NotNull {
			checks = append(checks, c.check(c.notNull(i), quote(col.Physical)+" IS NOT NULL"))
		}
	}
	out := c.alter(checks)
	out = append(out, c.Functions(Completing)...)
	return append(out, c.finishing()...)
}

// full is the condition of the CHECK on rows none of which is at 0 any more: the marker is no code, and where the expressions allow it,
// the sides are in step. It says all that step does, and is shorter: PostgreSQL reads the tree of each CHECK anew for every statement
// that writes the table, and that takes as long as the tree is.
func (c *Compiled) full() string {
	m := quote(c.Marker())
	var parts []string
	switch complete, code := c.has(CompleteCheck), c.has(CodeCheck); {
	case complete && code:
		parts = append(parts, "abs("+m+") = 1")
	case complete:
		parts = append(parts, m+" <> 0")
	case code:
		parts = append(parts, m+" IN (-1, 0, 1)")
	}
	if c.Inline && c.has(StepCheck) && c.has(ServedCheck) {
		sql := c.inStep("")
		if !c.has(CompleteCheck) || !c.has(CodeCheck) {
			sql = "(abs(" + m + ") <> 1 OR " + sql + ")"
		}
		parts = append(parts, sql)
	}
	return strings.Join(parts, " AND ")
}

// Validate is PostgreSQL's proof that no row is left at 0 and every row is in step. It reads the table once, and
// fails where the proof does not hold. Reads and writes go on meanwhile.
func (c *Compiled) Validate() string {
	var out []string
	add := func(what string) { out = append(out, "VALIDATE CONSTRAINT "+quote(c.constraint(what))) }
	if c.full() != "" {
		add("full")
	}
	for i, col := range c.New {
		if col.NotNull {
			add(c.notNull(i))
		}
	}
	return "ALTER TABLE " + c.Table.SQL() + " " + strings.Join(out, ", ")
}

func (c *Compiled) notNull(i int) string { return "null" + string(rune('a'+i)) }

// Serve comes after Validate, when the new version is let in. What only rows at 0 have needed goes, because all of it is made ready
// again for every statement: the CHECK that knows of them, and the longer conditions of the triggers. NOT NULL, which is proved, becomes
// the column's own. No row is read.
func (c *Compiled) Serve() []string {
	if c.Alone() {
		return nil
	}
	var proved, gone []string
	if c.step() != "" {
		gone = append(gone, "DROP CONSTRAINT "+quote(c.constraint("step")))
	}
	for i, col := range c.New {
		if col.NotNull {
			proved = append(proved, "ALTER COLUMN "+quote(col.Physical)+" SET NOT NULL")
			gone = append(gone, "DROP CONSTRAINT "+quote(c.constraint(c.notNull(i))))
		}
	}
	// Two commands: one ALTER TABLE drops constraints before it looks at what they prove.
	out := append(c.alter(proved), c.alter(gone)...)
	out = append(out, c.dropTriggers("first")...)
	return append(out, c.create([]trigger{
		{FirstTrigger, "first", "insert", "INSERT", "first_insert", c.whenFirstInsertServed()},
		{FirstTrigger, "first", "update", "UPDATE" + c.columnsThatFire(), "first_update", c.whenFirstUpdateServed()},
	})...)
}
