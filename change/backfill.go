package change

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Together are changes of one table that are filled together: each row once, for all of them. There is at least one, each of
// them is Beside the others, and none is Alone.
type Together []*Compiled

// Backfill fills the new side of rows at 0 between two pages of one table that holds rows itself: $1 is the first page and $2
// the one after the last, as bigint. Rows that others have locked are left for another time. It changes no value that a version
// sees. The number of rows is that of the command tag.
//
// Where the role may set session_replication_role, it is to be replica, so that others' triggers do not fire; where it may not
// and there are such triggers, quiet is false.
func (t Together) Backfill(table Name, quiet bool) string {
	page := func(parameter string) string {
		return "pg_catalog.format('(%s,0)', " + parameter + "::pg_catalog.int8)::pg_catalog.tid"
	}
	return t.fillingAt(table, quiet, "ctid >= "+page("$1")+" AND ctid < "+page("$2"))
}

// BackfillEach is Backfill for a server that reads the whole table for a range of places, as those before 14 do: it lists each place that a
// page may have (MaxHeapTuplesPerPage).
func (t Together) BackfillEach(table Name, quiet bool) string {
	return t.fillingAt(table, quiet, "ctid = ANY (ARRAY(SELECT pg_catalog.format('(%s,%s)', page, place)::pg_catalog.tid"+
		" FROM pg_catalog.generate_series($1::pg_catalog.int8, $2::pg_catalog.int8 - 1) AS page,"+
		" pg_catalog.generate_series(1, pg_catalog.current_setting('block_size')::pg_catalog.int4 / 28) AS place))")
}

// fillingAt is filling for the rows that meet a condition and that nobody has locked.
func (t Together) fillingAt(table Name, quiet bool, condition string) string {
	sql := table.SQL()
	return t.filling(sql, quiet) + " WHERE _segue_row.ctid = ANY (ARRAY(SELECT ctid FROM ONLY " + sql + " WHERE " + condition +
		" AND " + t.Unfilled("") + " FOR NO KEY UPDATE SKIP LOCKED)) AND " + t.Unfilled("_segue_row")
}

// BackfillRows is Backfill for some rows: $1 are their ctids as text.
func (t Together) BackfillRows(table Name, quiet bool) string {
	return t.fillingAt(table, quiet, "ctid = ANY ($1::pg_catalog.text[]::pg_catalog.tid[])")
}

// BackfillRow is Backfill for one row alone: $1 is its ctid as text.
func (t Together) BackfillRow(table Name, quiet bool) string {
	return t.filling(table.SQL(), quiet) + " WHERE _segue_row.ctid = $1::pg_catalog.text::pg_catalog.tid AND " + t.Unfilled("_segue_row")
}

// filling is an UPDATE that fills rows, up to the condition that says which.
func (t Together) filling(table string, quiet bool) string {
	_, agree := t.Pins()
	byTriggers := !agree || !quiet && slices.ContainsFunc(t, func(c *Compiled) bool { return c.Others })
	var set []string
	for _, c := range t {
		m := c.Marker()
		due := func(value, otherwise string) string { // a row may be at 0 for some changes only
			if len(t) == 1 {
				return value
			}
			return "CASE WHEN " + c.unfilled("_segue_row") + " THEN " + value + " ELSE " + column("_segue_row", otherwise) + " END"
		}
		if byTriggers {
			set = append(set, quote(m)+" = "+due(fmt.Sprint(CodeFill), m))
			continue
		}
		for i, sql := range c.fills() {
			set = append(set, quote(c.New[i].Physical)+" = "+due(sql, c.New[i].Physical))
		}
		set = append(set, quote(m)+" = "+due("1", m))
	}
	return "UPDATE ONLY " + table + " AS _segue_row SET " + strings.Join(set, ", ")
}

// Pins are the settings in which rows are filled. agree is false where changes demand different ones: then each is filled by its
// trigger, which has its own.
func (t Together) Pins() (pins map[string]string, agree bool) {
	pins = map[string]string{}
	for _, c := range t {
		for name, value := range c.Pins {
			if other, ok := pins[name]; ok && other != value {
				return nil, false
			}
		}
		maps.Copy(pins, c.Pins)
	}
	return pins, true
}

// Unfilled is a condition that is true of a row that is to be filled.
func (t Together) Unfilled(row string) string {
	out := make([]string, len(t))
	for i, c := range t {
		out[i] = c.unfilled(row)
	}
	if len(out) == 1 {
		return out[0]
	}
	return "(" + strings.Join(out, " OR ") + ")"
}

func (c *Compiled) unfilled(row string) string { return column(row, c.Marker()) + " = 0" }

// Left counts the rows of one table that are to be filled.
func (t Together) Left(table Name) string {
	return "SELECT pg_catalog.count(*) FROM ONLY " + table.SQL() + " WHERE " + t.Unfilled("")
}

// fills is up over the row that is filled.
func (c *Compiled) fills() []string {
	ups, _ := c.derive("_segue_row", c.has(ForShare))
	return ups
}
