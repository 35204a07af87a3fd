package rules

import (
	"fmt"
	"slices"

	"github.com/seguedb/segue/catalog"
)

func (v *validator) renameColumn(op RenameColumn) *FileError {
	r, mistake := v.table("table", op.Table)
	if mistake != nil {
		return mistake
	}
	c, mistake := v.column(r, op)
	if mistake != nil {
		return mistake
	}
	if mistake := v.inherited(r, c, op); mistake != nil {
		return mistake
	}
	switch {
	case op.To == op.From:
		return v.fail("to", "the new name is the old one", "")
	case catalog.IsSystemColumn(op.To):
		return v.fail("to", fmt.Sprintf("%s is the name of a system column", op.To), "choose another name")
	case hidden(op.To):
		return v.fail("to", "names that begin with "+reservedPrefix+" are reserved", "choose another name")
	}
	if mistake := v.columnFree(r, op.To); mistake != nil {
		return mistake
	}
	return v.notAFunction(r, op.To)
}

// column finds the column to be renamed.
func (v *validator) column(r *catalog.Relation, op RenameColumn) (*catalog.Column, *FileError) {
	switch {
	case catalog.IsSystemColumn(op.From):
		return nil, v.fail("from", fmt.Sprintf("%s is a system column", op.From), "")
	case hidden(op.From):
		return nil, v.fail("from", "names that begin with "+reservedPrefix+" are reserved", "")
	}
	if c := v.now.column(r, op.From); c != nil {
		return c, nil
	}
	message := fmt.Sprintf("table %s has no column %s", op.Table, showIdentifier(op.From))
	for _, s := range v.timeline.schemas {
		if c := s.column(r, op.From); c != nil {
			return nil, v.fail("from", message, fmt.Sprintf("it has been renamed to %s by then", showIdentifier(v.now.columnName(r, c))))
		}
	}
	return nil, v.fail("from", message, suggestName(op.From, v.now.columnNames(r), showIdentifier))
}

// inherited refuses what renameatt_internal (tablecmds.c) refuses, and children that a rename would break.
func (v *validator) inherited(r *catalog.Relation, c *catalog.Column, op RenameColumn) *FileError {
	name := showIdentifier(op.From)
	if r.OfType != 0 {
		return v.fail("table", fmt.Sprintf("%s is a typed table; its columns belong to its type", op.Table), "")
	}
	if c.Inherited > 0 {
		tops := v.tops(r, c)
		if len(tops) == 1 {
			return v.fail("table", fmt.Sprintf("column %s of %s is inherited", name, op.Table),
				fmt.Sprintf("rename it in %s; the change reaches all partitions and children", v.now.name(tops[0])))
		}
		return v.fail("table", fmt.Sprintf("column %s of %s is inherited from several tables, and cannot be renamed in all of them at once", name, op.Table), "")
	}
	family := append([]catalog.OID{r.OID}, v.now.cat.Descendants(r.OID)...)
	for _, oid := range family[1:] {
		d := v.now.cat.Relation(oid)
		if d.Kind == catalog.ForeignTable {
			return v.fail("table", fmt.Sprintf("%s, a child of %s, is a foreign table; a rename would change the name that is asked of its server", v.now.name(d), op.Table),
				"set the option column_name on it, or detach it")
		}
		within := 0
		for _, p := range d.Parents {
			if slices.Contains(family, p) {
				within++
			}
		}
		if dc := d.Column(c.Name); dc != nil && dc.Inherited > within {
			return v.fail("table", fmt.Sprintf("%s inherits column %s from a table outside of %s's children too", v.now.name(d), name, op.Table),
				"PostgreSQL cannot rename a column in one of several parents")
		}
	}
	return nil
}

// tops finds the ancestors in which the column begins.
func (v *validator) tops(r *catalog.Relation, c *catalog.Column) []*catalog.Relation {
	var out []*catalog.Relation
	for _, oid := range r.Parents {
		p := v.now.cat.Relation(oid)
		pc := p.Column(c.Name)
		switch {
		case pc == nil:
		case pc.Inherited == 0:
			out = append(out, p)
		default:
			out = append(out, v.tops(p, pc)...)
		}
	}
	slices.SortFunc(out, func(a, b *catalog.Relation) int { return int(a.OID) - int(b.OID) })
	return slices.Compact(out)
}

// columnFree checks that neither the table nor one of its children uses the name for a column, in any live version.
func (v *validator) columnFree(r *catalog.Relation, to string) *FileError {
	for _, oid := range append([]catalog.OID{r.OID}, v.now.cat.Descendants(r.OID)...) {
		d := v.now.cat.Relation(oid)
		for _, s := range v.everySchema() {
			if s.column(d, to) == nil {
				continue
			}
			taken := "it has that column"
			if s != v.physical && s != v.now {
				taken = "a live version uses it for a column"
			}
			return v.fail("to", fmt.Sprintf("the name %s is taken in %s: %s", showIdentifier(to), v.now.name(d), taken),
				"no name may come to mean something else while a version that used it is live; choose a new one")
		}
	}
	return nil
}

// notAFunction refuses a name under which a function takes a row of the table: t.name calls it as long as there is no
// such column (ParseFuncOrColumn in parse_func.c), and would come to mean the column.
func (v *validator) notAFunction(r *catalog.Relation, to string) *FileError {
	for _, oid := range v.now.cat.Family(r.OID) {
		d := v.now.cat.Relation(oid)
		for _, f := range v.now.cat.Functions(to) {
			if f.Args == 1 && f.ArgTypes[0] == d.RowType {
				return v.fail("to", fmt.Sprintf("the function %s takes a row of %s, so that the name would come to mean something else in %s.%s",
					Name{f.Schema, f.Name}, v.now.name(d), showIdentifier(v.now.tableName(d)), showIdentifier(to)), "choose another name")
			}
		}
	}
	return nil
}
