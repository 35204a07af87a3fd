package rules

import (
	"fmt"
	"slices"

	"github.com/seguedb/segue/catalog"
)

// column finds the column that an operation is about. at is the field that names it.
func (v *validator) column(at string, r *catalog.Relation, table Name, from string) (*catalog.Column, *FileError) {
	switch {
	case catalog.IsSystemColumn(from):
		return nil, v.fail(at, fmt.Sprintf("%s is a system column", from), "")
	case hidden(from):
		return nil, v.fail(at, "names that begin with "+reservedPrefix+" are reserved", "")
	}
	if mistake := v.unclaimed(at, r, table, from); mistake != nil {
		return nil, mistake
	}
	if c := v.now.column(r, from); c != nil {
		return c, nil
	}
	message := fmt.Sprintf("table %s has no column %s", table, showIdentifier(from))
	for _, s := range v.timeline.schemas {
		if c := s.column(r, from); c != nil {
			return nil, v.fail(at, message, fmt.Sprintf("it has been renamed to %s by then", showIdentifier(v.now.columnName(r, c))))
		}
	}
	return nil, v.fail(at, message, suggestName(from, v.now.columnNames(r), showIdentifier))
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

// columnFree checks that neither the table nor one of its children uses the name for a column, in any live version. at is the
// field that gives it.
func (v *validator) columnFree(at string, r *catalog.Relation, to string) *FileError {
	for _, oid := range append([]catalog.OID{r.OID}, v.now.cat.Descendants(r.OID)...) {
		d := v.now.cat.Relation(oid)
		if mistake := v.unclaimed(at, d, v.now.name(d), to); mistake != nil && v.now.column(d, to) == nil {
			return mistake
		}
		for _, s := range v.everySchema() {
			if s.column(d, to) == nil {
				continue
			}
			taken := "it has that column"
			if s != v.physical && s != v.now {
				taken = "a live version uses it for a column"
			}
			return v.fail(at, fmt.Sprintf("the name %s is taken in %s: %s", showIdentifier(to), v.now.name(d), taken),
				"no name may come to mean something else while a version that used it is live; choose a new one")
		}
	}
	return nil
}

// notAFunction refuses a name under which a function takes a row of the table: t.name calls it as long as there is no
// such column (ParseFuncOrColumn in parse_func.c), and would come to mean the column.
func (v *validator) notAFunction(at string, r *catalog.Relation, to string) *FileError {
	for _, oid := range v.now.cat.Family(r.OID) {
		d := v.now.cat.Relation(oid)
		for _, f := range v.now.cat.Functions(to) {
			if f.Args == 1 && f.ArgTypes[0] == d.RowType {
				return v.fail(at, fmt.Sprintf("the function %s takes a row of %s, so that the name would come to mean something else in %s.%s",
					Name{f.Schema, f.Name}, v.now.name(d), showIdentifier(v.now.tableName(d)), showIdentifier(to)), "choose another name")
			}
		}
	}
	return nil
}
