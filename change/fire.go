package change

import (
	"fmt"
	"slices"
	"strings"
)

// Functions makes the trigger functions as they are at a stage. They hold names as text: whatever renames the table's columns,
// or a table that is looked up, makes them anew in the same transaction.
func (c *Compiled) Functions(s Stage) []string {
	var out []string
	for _, f := range []struct {
		guard Guard
		name  string
		sql   string
	}{
		{FirstTrigger, "first_insert", c.insertFirst(s)}, {FirstTrigger, "first_update", c.updateFirst(s)},
		{LastTrigger, "last_insert", c.insertLast(s)}, {LastTrigger, "last_update", c.updateLast(s)},
	} {
		if c.has(f.guard) && (c.lasts() || f.guard != LastTrigger) {
			out = append(out, f.sql, "REVOKE ALL ON FUNCTION "+c.function(f.name)+"() FROM PUBLIC")
		}
	}
	return append(out, c.followers(s)...)
}

// Triggers makes the triggers, on the table and on children of plain inheritance. Partitions get them from PostgreSQL.
func (c *Compiled) Triggers() []string {
	return append(c.create([]trigger{
		{FirstTrigger, "first", "insert", "INSERT", "first_insert", c.whenFirstInsert()},
		{FirstTrigger, "first", "update", "UPDATE" + c.columnsThatFire(), "first_update", c.whenFirstUpdate()},
		{LastTrigger, "last", "insert", "INSERT", "last_insert", ""},
		{LastTrigger, "last", "update", "UPDATE" + c.columnsThatFire(), "last_update", ""},
	}), c.followTriggers()...)
}

// finishing makes the trigger that fills a row at 0 whenever it is written, whichever columns are.
func (c *Compiled) finishing() []string {
	return c.create([]trigger{{Finish, "first", "finish", "UPDATE", "first_update", c.whenFinish()}})
}

// A trigger is one on each table of the change.
type trigger struct {
	guard           Guard
	position, event string // its name
	fires           string
	function        string
	when            string
}

func (c *Compiled) create(triggers []trigger) []string {
	var out []string
	for _, table := range c.tables() {
		for _, t := range triggers {
			if !c.has(t.guard) || !c.has(FirstTrigger) && t.position == "first" || !c.lasts() && t.position == "last" {
				continue
			}
			when := ""
			if t.when != "" {
				when = " WHEN (" + t.when + ")"
			}
			name := quote(c.trigger(t.position, t.event))
			out = append(out, fmt.Sprintf("CREATE TRIGGER %s BEFORE %s ON %s FOR EACH ROW%s EXECUTE FUNCTION %s()", name, t.fires, table.SQL(), when, c.function(t.function)))
			if c.has(AlwaysEnabled) {
				out = append(out, "ALTER TABLE "+table.SQL()+" ENABLE ALWAYS TRIGGER "+name)
			}
		}
	}
	return out
}

// dropTriggers takes the triggers of these positions away. It locks the tables first: RemoveTriggerById of PostgreSQL reads the trigger before it
// waits for the table, and fails (tuple concurrently updated) if somebody has disabled and enabled triggers meanwhile.
func (c *Compiled) dropTriggers(positions ...string) []string {
	var out []string
	for _, table := range c.tables() {
		out = append(out, "LOCK TABLE "+table.SQL()+" IN ACCESS EXCLUSIVE MODE")
	}
	for _, table := range c.tables() {
		for _, t := range [][2]string{{"first", "insert"}, {"first", "update"}, {"first", "finish"}, {"last", "insert"}, {"last", "update"}} {
			if !slices.Contains(positions, t[0]) {
				continue
			}
			out = append(out, "DROP TRIGGER IF EXISTS "+quote(c.trigger(t[0], t[1]))+" ON "+table.SQL())
		}
	}
	return out
}

// dropFunctions takes the functions away, which no trigger may use any more.
func (c *Compiled) dropFunctions() []string {
	var out []string
	for _, name := range []string{"first_insert", "first_update", "last_insert", "last_update"} {
		out = append(out, "DROP FUNCTION IF EXISTS "+c.function(name)+"()")
	}
	return append(out, c.dropFollowers()...)
}

func (c *Compiled) tables() []Name { return append([]Name{c.Table}, c.Heirs...) }

// columnsThatFire limits triggers to statements that assign one of the columns, so that all others cost nothing. Others'
// triggers may assign columns that the statement does not, and then every UPDATE has to be looked at.
func (c *Compiled) columnsThatFire() string {
	if c.Others {
		return ""
	}
	names := append(physical(c.Old), physical(c.New)...)
	names = append(names, c.Marker())
	for i, n := range names {
		names[i] = quote(n)
	}
	return " OF " + strings.Join(names, ", ")
}

func (c *Compiled) mark(row string) string { return column(row, c.Marker()) }

// Conditions of triggers and CHECKs are made ready anew for each statement, which takes longer than to call a function for
// one row. So they are as short as they can be: what is decided is decided in the functions.

// whenFirstInsert lets rows pass whose marker says that both sides are written. Where triggers of others come after the first, that one
// has to note what they find.
func (c *Compiled) whenFirstInsert() string {
	if c.notes() && c.Others {
		return ""
	}
	return c.unfit()
}

// unfit is true of a row whose marker does not say that its sides are in step.
func (c *Compiled) unfit() string { return "abs(" + c.mark("NEW") + ") <> 1" }

// whenFirstUpdate lets flips pass.
func (c *Compiled) whenFirstUpdate() string {
	if !c.has(FlipTurns) {
		return c.unfit()
	}
	return c.mark("NEW") + " = " + c.mark("OLD") + " OR " + c.unfit()
}

// whenFirstInsertServed is whenFirstInsert where no row is at 0. The function lets a row at -1 pass, which comes from another partition.
func (c *Compiled) whenFirstInsertServed() string {
	if c.notes() && c.Others {
		return ""
	}
	return c.mark("NEW") + " <> 1"
}

// whenFirstUpdateServed is whenFirstUpdate where no row is at 0.
func (c *Compiled) whenFirstUpdateServed() string {
	if !c.has(FlipTurns) {
		return c.unfit()
	}
	return c.mark("NEW") + " <> - " + c.mark("OLD")
}

// whenFinish is about rows at 0 of which nothing else is said.
func (c *Compiled) whenFinish() string { return c.mark("OLD") + " = 0 AND " + c.mark("NEW") + " = 0" }

// lasts reports whether there is a last trigger. A CHECK is the last to look at a row where nobody comes between them, and
// what it finds could only be rejected.
func (c *Compiled) lasts() bool { return c.notes() || !c.has(StepCheck) }
