package change

import "strings"

// Complete is the step from Filling to Completing. From here on nobody can leave a row at 0: it is filled whenever it is
// written, and a CHECK says so. Rows that are at 0 still are for the backfill. NOT NULL is demanded as a CHECK.
func (c *Compiled) Complete() []string {
	if c.Alone() {
		return nil
	}
	var checks []string
	if c.has(CompleteCheck) {
		checks = append(checks, c.check("full", quote(c.Marker())+" <> 0"))
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

// Validate is PostgreSQL's proof that no row is left at 0 and every row is in step. It reads the table once, and
// fails where the proof does not hold. Reads and writes go on meanwhile.
func (c *Compiled) Validate() string {
	var out []string
	add := func(what string) { out = append(out, "VALIDATE CONSTRAINT "+quote(c.constraint(what))) }
	if c.step() != "" {
		add("step")
	}
	if c.has(CompleteCheck) {
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
