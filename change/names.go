package change

import (
	"fmt"
	"slices"
	"strings"
)

// hiddenPrefix begins the names of all that Segue adds to tables.
const hiddenPrefix = "_segue_"

// chooseNames gives physical names to the columns that have none: their own, or a hidden one where a column of the old side
// has that name.
func (c *Compiled) chooseNames() {
	c.Old, c.New = slices.Clone(c.Old), slices.Clone(c.New)
	for i := range c.Old {
		if c.Old[i].Physical == "" {
			c.Old[i].Physical = c.Old[i].Name
		}
	}
	for i := range c.New {
		switch col := &c.New[i]; {
		case col.Physical != "":
		case slices.ContainsFunc(c.Old, func(o Column) bool { return o.Name == col.Name }):
			col.Physical = fmt.Sprintf("%snew_%s_%d", hiddenPrefix, c.Key, i+1)
		default:
			col.Physical = col.Name
		}
	}
}

// Marker is the name of the hidden column that says whether a row's sides are in step.
func (c *Compiled) Marker() string { return hiddenPrefix + "mark_" + c.Key }

// kept is the name of a column of the old side after contract.
func (c *Compiled) kept(i int) string { return fmt.Sprintf("%sold_%s_%d", hiddenPrefix, c.Key, i+1) }

// withdrawn is the name of a column of the new side after a rollback.
func (c *Compiled) withdrawn(i int) string {
	return fmt.Sprintf("%swithdrawn_%s_%d", hiddenPrefix, c.Key, i+1)
}

// constraint is the name of one of the change's CHECKs.
func (c *Compiled) constraint(what string) string { return hiddenPrefix + what + "_" + c.Key }

// function is the name of a trigger function, with its schema.
func (c *Compiled) function(what string) string { return `segue.` + quote(hiddenPrefix+what+"_"+c.Key) }

// PostgreSQL fires triggers of one kind in the order of the bytes of their names: see RelationBuildTriggers in trigger.c.
const (
	firstPrefix = "!" // sorts before letters, digits and _
	lastPrefix  = "~" // sorts after them
)

// trigger is the name of a trigger. Position is "first" or "last", event "insert", "update" or "finish".
func (c *Compiled) trigger(position, event string) string {
	prefix := firstPrefix
	switch {
	case position == "first" && !c.has(FirstInOrder), position == "last" && c.has(LastInOrder):
		prefix = lastPrefix
	}
	return prefix + hiddenPrefix + position + "_" + event + "_" + c.Key
}

// quote quotes an identifier.
func quote(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

// literal quotes a string constant, with or without standard_conforming_strings.
func literal(text string) string {
	quoted := `'` + strings.ReplaceAll(text, `'`, `''`) + `'`
	if strings.Contains(text, `\`) {
		return ` E` + strings.ReplaceAll(quoted, `\`, `\\`)
	}
	return quoted
}

// SQL is the name with everything quoted.
func (n Name) SQL() string { return quote(n.Schema) + "." + quote(n.Name) }

// physical lists the columns' names in the database.
func physical(side []Column) []string {
	out := make([]string, len(side))
	for i, col := range side {
		out[i] = col.Physical
	}
	return out
}

// of lists columns of a row, such as NEW or t, for SQL.
func of(row string, side []Column) []string {
	out := make([]string, len(side))
	for i, col := range side {
		out[i] = column(row, col.Physical)
	}
	return out
}

// column is a column of a row, for SQL; of no row where row is "".
func column(row, name string) string {
	if row == "" {
		return quote(name)
	}
	return row + "." + quote(name)
}
