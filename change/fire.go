package change

import (
	"fmt"
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
		if c.has(f.guard) {
			out = append(out, f.sql, "REVOKE ALL ON FUNCTION "+c.function(f.name)+"() FROM PUBLIC")
		}
	}
	return out
}

// Triggers makes the triggers as they are at a stage, on the table and on children of plain inheritance. Partitions get them
// from PostgreSQL.
func (c *Compiled) Triggers(s Stage) []string {
	var out []string
	for _, table := range c.tables() {
		for _, t := range []struct {
			guard           Guard
			position, event string
			when            string
		}{
			{FirstTrigger, "first", "insert", c.whenFirstInsert(s)}, {FirstTrigger, "first", "update", c.whenFirstUpdate(s)},
			{LastTrigger, "last", "insert", c.whenLastInsert()}, {LastTrigger, "last", "update", c.whenLastUpdate()},
		} {
			if !c.has(t.guard) {
				continue
			}
			name := quote(c.trigger(t.position, t.event))
			event := "INSERT"
			if t.event == "update" {
				event = "UPDATE" + c.columnsThatFire(s)
			}
			out = append(out, fmt.Sprintf("CREATE TRIGGER %s BEFORE %s ON %s FOR EACH ROW WHEN (%s) EXECUTE FUNCTION %s()",
				name, event, table.SQL(), t.when, c.function(t.position+"_"+t.event)))
			if c.has(AlwaysEnabled) {
				out = append(out, "ALTER TABLE "+table.SQL()+" ENABLE ALWAYS TRIGGER "+name)
			}
		}
	}
	return out
}

// dropTriggers takes the triggers away.
func (c *Compiled) dropTriggers() []string {
	var out []string
	for _, table := range c.tables() {
		for _, position := range []string{"first", "last"} {
			for _, event := range []string{"insert", "update"} {
				out = append(out, "DROP TRIGGER IF EXISTS "+quote(c.trigger(position, event))+" ON "+table.SQL())
			}
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
	return out
}

func (c *Compiled) tables() []Name { return append([]Name{c.Table}, c.Heirs...) }

// columnsThatFire limits triggers to statements that assign one of the columns, so that all others cost nothing. Others'
// triggers may assign columns that the statement does not, and then every UPDATE has to be looked at.
func (c *Compiled) columnsThatFire(s Stage) string {
	if c.Others || s == Completing {
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

// whenFirstInsert lets rows pass whose marker says that both sides are in step, and those that have no new side yet: they come
// from another partition.
func (c *Compiled) whenFirstInsert(s Stage) string {
	pass := c.mark("NEW") + " IN (1, -1)"
	if s == Filling {
		pass += " OR " + c.mark("NEW") + " = 0 AND " + allNull(of("NEW", c.New))
	}
	return "NOT (" + pass + ")"
}

func (c *Compiled) whenFirstUpdate(s Stage) string {
	sides := func(row string) []string { return append(of(row, c.Old), of(row, c.New)...) }
	when := fmt.Sprintf("%s IN (%d, %d, %d)", c.mark("NEW"), CodeNew, CodeOld, codeUnsaid)
	if c.has(FlipTurns) {
		when += " OR " + c.mark("NEW") + " = " + c.mark("OLD") + " AND " + c.differ(sides("NEW"), sides("OLD"))
	}
	if s == Completing && c.has(Finish) {
		when += " OR " + c.mark("OLD") + " = 0 AND " + c.mark("NEW") + " = 0"
	}
	return when
}

// whenLastInsert is about rows that are not well: a code, or sides that are not in step.
func (c *Compiled) whenLastInsert() string {
	return c.unless("NOT "+allNull(of("NEW", c.New)), c.unfit())
}

func (c *Compiled) whenLastUpdate() string {
	changed := c.differ(of("NEW", c.New), of("OLD", c.New))
	unfit := c.unfit()
	if !c.Inline {
		sides := func(row string) []string { return append(of(row, c.Old), of(row, c.New)...) }
		unfit = c.mark("NEW") + " <> " + c.mark("OLD") + " OR " + c.differ(sides("NEW"), sides("OLD"))
	}
	return c.unless(c.mark("OLD")+" <> 0 OR "+changed, unfit)
}

// unless is SQL that is true for a code, and gives what it is told for a row at 0 and one that is marked to be in step.
func (c *Compiled) unless(at0, inStep string) string {
	m := c.mark("NEW")
	return "CASE WHEN " + m + " = 0 THEN " + at0 + " WHEN " + m + " IN (1, -1) THEN " + inStep + " ELSE true END"
}

// unfit is SQL that is false only where the sides of NEW are known to be in step.
func (c *Compiled) unfit() string {
	if !c.Inline {
		return "true"
	}
	return "NOT coalesce(" + c.inStep("NEW") + ", false)"
}
