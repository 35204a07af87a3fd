package change

import (
	"fmt"
	"strings"
)

// Backfill fills the new side of rows at 0 between two pages of one table that holds rows itself: $1 is the first page and $2
// the one after the last, as bigint. Rows that others have locked are left for another time. It changes no value that a version
// sees. The number of rows is that of the command tag.
//
// Where the role may set session_replication_role, it is to be replica, so that others' triggers do not fire; where it may not
// and there are such triggers, others is true.
func (c *Compiled) Backfill(table Name, others bool) string {
	t, m := table.SQL(), quote(c.Marker())
	page := func(parameter string) string {
		return "pg_catalog.format('(%s,0)', " + parameter + "::pg_catalog.int8)::pg_catalog.tid"
	}
	return c.filling(t, others) + " WHERE _segue_row.ctid = ANY (ARRAY(SELECT ctid FROM ONLY " + t + " WHERE ctid >= " + page("$1") + " AND ctid < " + page("$2") +
		" AND " + m + " = 0 FOR NO KEY UPDATE SKIP LOCKED)) AND _segue_row." + m + " = 0"
}

// BackfillRow is Backfill for one row alone: $1 is its ctid as text.
func (c *Compiled) BackfillRow(table Name, others bool) string {
	return c.filling(table.SQL(), others) + " WHERE _segue_row.ctid = $1::pg_catalog.text::pg_catalog.tid AND _segue_row." + quote(c.Marker()) + " = 0"
}

// filling is an UPDATE that fills rows, up to the condition that says which.
func (c *Compiled) filling(table string, others bool) string {
	m := quote(c.Marker())
	var set []string
	switch {
	case others:
		set = append(set, m+" = "+fmt.Sprint(CodeFill))
	default:
		for i, sql := range c.fills() {
			set = append(set, quote(c.New[i].Physical)+" = "+sql)
		}
		set = append(set, m+" = 1")
	}
	return "UPDATE ONLY " + table + " AS _segue_row SET " + strings.Join(set, ", ")
}

// fills is up over the row that is filled.
func (c *Compiled) fills() []string {
	out := make([]string, len(c.up))
	for i, e := range c.up {
		out[i] = e.over(c.has(ForShare), func(at int) string { return column("_segue_row", c.Old[at].Physical) })
	}
	return out
}

// Left counts the rows of one table that are at 0.
func (c *Compiled) Left(table Name) string {
	return "SELECT pg_catalog.count(*) FROM ONLY " + table.SQL() + " WHERE " + quote(c.Marker()) + " = 0"
}
