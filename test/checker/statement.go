package checker

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/seguedb/segue/change"
	"github.com/seguedb/segue/test/checker/proof"
)

// A Form is how a statement of one side is written: who writes it, and what the proxy makes of it.
type Form int

const (
	Plain Form = iota // as it is: past the proxy, or of a version whose columns lead by themselves
	Code              // the side that was written is named by a code in the marker
	Flip              // both sides are written, and the marker is flipped
)

func (f Form) String() string { return [...]string{"plain", "code", "flip"}[f] }

// A writer writes statements of one side in one form, for where the columns are now.
type writer struct {
	shape  *Shape
	change *change.Compiled
	table  string // as its statements call it
	lens   proof.Lens
	filled bool // no row is at 0
	side   proof.Side
	form   Form
	naive  bool // flips derive the other side also where nothing is changed
	half   bool // flips leave the other side as it is

	beside [2]string // the column of either side of the change beside this one; empty: not to be written
}

// columns are the physical names of a side.
func (w writer) columns(side proof.Side) []string {
	out := make([]string, len(w.lens.Columns[side]))
	for i, c := range w.lens.Columns[side] {
		out[i] = ident(c)
	}
	return out
}

// ident quotes a name.
func ident(s string) string { return `"` + strings.ReplaceAll(s, `"`, `""`) + `"` }

// qualified puts a table before each column.
func qualified(columns []string) []string {
	out := make([]string, len(columns))
	for i, c := range columns {
		out[i] = "t." + c
	}
	return out
}

// sets is the list of SET for a write, which also tags the row.
func (w writer) sets(write Write, tag int64) string {
	names := w.columns(w.side)
	current := qualified(names)
	values := slices.Clone(current)
	var out []string
	for i := range names {
		if e, ok := write.Exprs[i]; ok {
			values[i] = "(" + fill(e, current) + ")"
			out = append(out, names[i]+" = "+values[i])
		}
	}
	out = append(out, "tag = "+strconv.FormatInt(tag, 10))
	if w.beside[w.side] != "" {
		out = append(out, ident(w.beside[w.side])+" = 'n"+strconv.FormatInt(tag, 10)+"'")
	}
	switch {
	case w.lens.Marker == "" || w.form == Plain || len(write.Exprs) == 0:
	case w.form == Code:
		out = append(out, ident(w.lens.Marker)+" = "+w.code())
	case w.form == Flip:
		out = append(out, w.flips(write, values, current)...)
	}
	return strings.Join(out, ", ")
}

// flips are the assignments of a flip, as the proxy writes them.
func (w writer) flips(write Write, values, current []string) []string {
	marker := "t." + ident(w.lens.Marker)
	if w.half {
		return []string{ident(w.lens.Marker) + " = " + w.change.Flip("t")}
	}
	other := w.columns(w.side.Other())
	derived, turned := make([]string, len(other)), w.change.Flip("t")
	f := w.change.Flipping(w.side == proof.New, w.filled)
	if f == nil || w.naive {
		for i := range other {
			derived[i] = w.derived(i, values)
		}
	} else {
		own := make([]change.Value, len(values))
		for i, v := range values {
			own[i] = change.Value{SQL: v, Before: current[i]}
			if _, ok := write.Exprs[i]; ok {
				own[i].SQL, own[i].Assigned, own[i].Fixed = f.Own[i].Before+v+f.Own[i].After, true, write.Absolute
			}
		}
		derived, turned = f.Write(own, qualified(other), marker)
	}
	out := make([]string, len(other), len(other)+1)
	for i, c := range other {
		out[i] = c + " = " + derived[i]
	}
	return append(out, ident(w.lens.Marker)+" = "+turned)
}

// code says in the marker which side is written.
func (w writer) code() string {
	if w.side == proof.Old {
		return strconv.Itoa(change.CodeOld)
	}
	return strconv.Itoa(change.CodeNew)
}

// derived is column i of the other side, made of values of this one.
func (w writer) derived(i int, values []string) string {
	columns := w.shape.Rule.Columns
	value := func(c change.Column) string { return values[slices.Index(columns[w.side], c.Name)] }
	derive := w.change.FlippedUp
	if w.side == proof.New {
		derive = w.change.FlippedDown
	}
	sql, ok := derive(columns[w.side.Other()][i], value)
	if !ok {
		panic("a flip of a change that cannot be written into a statement")
	}
	return sql
}

// update changes the rows that a condition selects.
func (w writer) update(write Write, tag int64, where string) string {
	return "UPDATE " + w.table + " AS t SET " + w.sets(write, tag) + " WHERE " + where + w.returning()
}

// returning gives back what read understands.
func (w writer) returning() string { return " RETURNING " + w.list() }

// list are the columns that a reader needs: key, tag, the side's own.
func (w writer) list() string {
	return "t.id, t.tag, " + strings.Join(qualified(w.columns(w.side)), ", ")
}

// read selects rows as the side sees them.
func (w writer) read(where, suffix string) string {
	return "SELECT " + w.list() + " FROM " + w.table + " AS t WHERE " + where + suffix
}

// values are columns and values of a row that is inserted.
func (w writer) values(id int64, t proof.Tuple, tag int64) (columns, values []string) {
	columns = append([]string{"id", "tag"}, w.columns(w.side)...)
	values = []string{strconv.FormatInt(id, 10), strconv.FormatInt(tag, 10)}
	own := make([]string, len(t))
	for i, v := range t {
		own[i] = literal(v, w.shape.Types[w.side][i])
	}
	values = append(values, own...)
	switch {
	case w.lens.Marker == "" || w.form == Plain:
	case w.form == Code:
		columns, values = append(columns, ident(w.lens.Marker)), append(values, w.code())
	case w.form == Flip:
		derived, marker := w.newRow(own)
		columns, values = append(columns, w.columns(w.side.Other())...), append(values, derived...)
		columns, values = append(columns, ident(w.lens.Marker)), append(values, marker)
	}
	return columns, values
}

// newRow is what a new row has in the other side and in the marker, as the proxy writes them.
func (w writer) newRow(own []string) (derived []string, marker string) {
	f := w.change.Flipping(w.side == proof.New, w.filled)
	if f == nil {
		for i := range w.columns(w.side.Other()) {
			derived = append(derived, w.derived(i, own))
		}
		return derived, "1"
	}
	values := make([]string, len(own))
	for i, v := range own {
		values[i] = f.Own[i].Before + v + f.Own[i].After
	}
	return f.New(values)
}

// insert makes a row.
func (w writer) insert(id int64, t proof.Tuple, tag int64) string {
	columns, values := w.values(id, t, tag)
	return fmt.Sprintf("INSERT INTO %s AS t (%s) VALUES (%s)", w.table, strings.Join(columns, ", "), strings.Join(values, ", ")) +
		w.returning()
}

// upsert makes a row or changes the one that is there. It is never written as a flip: which rows it meets is not known before.
func (w writer) upsert(id int64, t proof.Tuple, write Write, tag int64) string {
	w.form = w.unflipped()
	columns, values := w.values(id, t, tag)
	return fmt.Sprintf("INSERT INTO %s AS t (%s) VALUES (%s) ON CONFLICT (id) DO UPDATE SET %s", w.table,
		strings.Join(columns, ", "), strings.Join(values, ", "), w.sets(write, tag)) + w.returning()
}

// merge does what upsert does. Before version 17 it returns nothing.
func (w writer) merge(id int64, t proof.Tuple, write Write, tag int64) string {
	w.form = w.unflipped()
	columns, values := w.values(id, t, tag)
	return fmt.Sprintf("MERGE INTO %s AS t USING (SELECT %d AS id) AS s ON t.id = s.id WHEN MATCHED THEN UPDATE SET %s "+
		"WHEN NOT MATCHED THEN INSERT (%s) VALUES (%s)", w.table, id, w.sets(write, tag), strings.Join(columns, ", "), strings.Join(values, ", "))
}

// unflipped is the form for statements that are written with codes even where flips are possible.
func (w writer) unflipped() Form {
	if w.form == Flip {
		return Code
	}
	return w.form
}
