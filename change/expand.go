package change

import (
	"fmt"
	"strings"
)

// ConflictTable makes the table in which rows are listed whose sides were both written by a worker that applies changes of
// another database, and did not belong together.
const ConflictTable = `CREATE TABLE IF NOT EXISTS segue.conflict (
	change   text NOT NULL,
	relation oid NOT NULL,
	old_side text,
	new_side text,
	at       timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp()
)`

// Expand adds the new side and what keeps it in step. It rewrites no row and reads none. All of it is one transaction.
func (c *Compiled) Expand() []string {
	if c.Alone() {
		return c.expandAlone()
	}
	table := c.Table.SQL()
	var add []string
	for _, col := range c.New {
		add = append(add, "ADD COLUMN "+quote(col.Physical)+" "+col.Type+collate(col))
	}
	add = append(add, "ADD COLUMN "+quote(c.Marker())+" smallint NOT NULL DEFAULT 0")
	out := []string{"ALTER TABLE " + table + " " + strings.Join(add, ", ")}
	// Rows that are there have 0 from now on, and those that come have a code. So a row at 0 that is inserted is known to come from
	// another partition, and is not filled in a statement that has nothing to do with the change.
	out = append(out, "ALTER TABLE "+table+" ALTER COLUMN "+quote(c.Marker())+" SET DEFAULT "+fmt.Sprint(codeUnsaid))
	var checks []string
	if sql := c.step(); sql != "" {
		checks = append(checks, c.check("step", sql))
	}
	if len(checks) > 0 {
		out = append(out, "ALTER TABLE "+table+" "+strings.Join(checks, ", "))
	}
	out = append(out, ConflictTable)
	if c.Defer {
		out = append(append(out, DeferredTable), c.forget()...)
	}
	out = append(out, c.Functions(Filling)...)
	out = append(out, c.Triggers()...)
	return append(out, c.grants()...)
}

// step is the condition of the CHECK on every row: no code is stored, and where the expressions allow it, a row that is marked
// to be in step is. A row at 0 has no new side.
func (c *Compiled) step() string {
	m := quote(c.Marker())
	whole := c.filledWhole()
	if whole != "" {
		whole = " AND " + whole
	}
	switch step := c.has(StepCheck) && c.Inline; {
	case step && c.has(CodeCheck):
		return "CASE WHEN abs(" + m + ") = 1 THEN " + c.inStep("") + whole + " ELSE " + m + " = 0 AND " + allNull(of("", c.New)) + " END"
	case step:
		return "CASE WHEN abs(" + m + ") = 1 THEN " + c.inStep("") + whole + " ELSE true END"
	case c.has(CodeCheck) && whole != "":
		return m + " = 0 OR abs(" + m + ") = 1" + whole
	case c.has(CodeCheck):
		return m + " IN (-1, 0, 1)"
	}
	return ""
}

// check adds a CHECK that rows written from now on must meet.
func (c *Compiled) check(what, condition string) string {
	return "ADD CONSTRAINT " + quote(c.constraint(what)) + " CHECK (" + condition + ") NOT VALID"
}

func collate(col Column) string {
	if col.Collation == "" {
		return ""
	}
	return " COLLATE " + col.Collation
}
