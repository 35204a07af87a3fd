package rules

import (
	"fmt"
	"slices"

	"github.com/seguedb/segue/catalog"
)

// A LookedUp is a table in which a change looks values up. The triggers of the change name it, and what is read of it.
type LookedUp struct {
	OID       catalog.OID
	Table     Name
	Columns   []string // that are read
	Migration string
}

// lookedUp lists the tables that changes read whose triggers are there, or are to come. One that somebody has renamed past Segue is none of
// them: its triggers fail, and to give it its name back is what helps.
func lookedUp(migrations []*Migration, cat *catalog.Catalog) (out []LookedUp) {
	for _, m := range migrations {
		for _, c := range m.Changes() {
			r := c.Resolved()
			if r == nil || r.compiled == nil || r.Stage == Withdrawn {
				continue
			}
			for _, l := range r.compiled.Lookups {
				if t := cat.Lookup(l.Table.Schema, l.Table.Name); t != nil {
					out = append(out, LookedUp{OID: t.OID, Table: Name{Schema: l.Table.Schema, Name: l.Table.Name}, Columns: l.Columns, Migration: m.ID})
				}
			}
		}
	}
	return out
}

// names are those that the table may have: one without a schema is in that of the change's table, or in public.
func (r Read) names(of Name) []Name {
	if r.Table.Schema != "" {
		return []Name{r.Table}
	}
	return []Name{{of.Schema, r.Table.Name}, {"public", r.Table.Name}}
}

// readNames are the tables in which a migration looks values up. Its triggers name what they read as it is called, so that nothing may rename
// it as long as they are there.
func readNames(m *Migration) (out []Name) {
	for _, op := range m.Operations {
		if c, ok := op.(ChangeColumns); ok {
			for _, r := range c.Reads {
				out = append(out, r.names(c.Table)...)
			}
		}
	}
	return out
}

// readsFrom tells whether a migration looks values up in a table that another one is about.
func readsFrom(m, other *Migration) bool {
	names := tableNames(other)
	return slices.ContainsFunc(readNames(m), func(n Name) bool { return slices.Contains(names, n) })
}

// readable checks that the tables are there which the current operation reads, and that the file is not about them.
func (v *validator) readable(o ChangeColumns) *FileError {
	for i, read := range o.Reads {
		var t *catalog.Relation
		for _, n := range read.names(o.Table) {
			if t = v.now.table(n); t != nil {
				break
			}
		}
		at := fmt.Sprintf("reads[%d]", i)
		switch {
		case t == nil:
			return v.fail(at, fmt.Sprintf("there is no table %s", read.Table), "")
		case v.touched[t.OID]:
			return v.fail(at, fmt.Sprintf("the file is about table %s, and values cannot be looked up in it meanwhile", read.Table), "make two files of it, one after the other")
		}
		if v.lookedUp == nil {
			v.lookedUp = map[catalog.OID]bool{}
		}
		v.lookedUp[t.OID] = true
	}
	return nil
}

// touch notes the table that the current operation is about, in which no other one may look values up.
func (v *validator) touch(r *catalog.Relation) *FileError {
	if v.touched == nil {
		v.touched = map[catalog.OID]bool{}
	}
	for _, oid := range append([]catalog.OID{r.OID}, v.now.cat.Descendants(r.OID)...) {
		if v.lookedUp[oid] {
			return v.fail("", fmt.Sprintf("another operation of the file looks values up in table %s, which has to stay as it is meanwhile", v.now.name(r)), "make two files of it, one after the other")
		}
		v.touched[oid] = true
	}
	return nil
}
