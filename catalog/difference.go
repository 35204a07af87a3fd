package catalog

import (
	"maps"
	"slices"
)

// Difference lists, sorted and without repeats, the names by which something can be named that is not the same in two
// catalogs of one database: what only one of them has, what differs, and what uses that unchanged. A statement with none of
// these names means the same by both catalogs.
//
// What uses something new or gone is new, changed or gone itself. So only what both have and is not the same is followed: to
// heirs and ancestors of a relation, and to the types, relations and functions that show its rows or the type.
func Difference(before, after *Catalog) []string {
	d := &difference{after: after, names: map[string]bool{}, types: map[OID]bool{}, relations: map[OID]bool{}}
	compare(before.relations, after.relations, (*Relation).equal, func(r *Relation, both bool) {
		d.names[r.Name] = true
		if both {
			d.relations[r.OID], d.types[r.RowType] = true, true
		}
	})
	compare(before.types, after.types, func(a, b *Type) bool { return *a == *b }, func(t *Type, both bool) {
		d.names[t.Name] = true
		if both {
			d.types[t.OID] = true
		}
	})
	compare(before.functionsByOID(), after.functionsByOID(), (*Function).equal, func(f *Function, _ bool) { d.names[f.Name] = true })
	for _, changers := range [][2][]SessionChanger{{before.SessionChangers, after.SessionChangers}, {after.SessionChangers, before.SessionChangers}} {
		for _, c := range changers[0] {
			if !slices.Contains(changers[1], c) {
				d.names[c.Name] = true
			}
		}
	}
	delete(d.types, 0)
	d.spread()
	return slices.Sorted(maps.Keys(d.names))
}

// compare calls differs for each object of two sets that is not the same in both, for both forms of one that both have.
func compare[T any](before, after map[OID]*T, equal func(a, b *T) bool, differs func(x *T, both bool)) {
	for oid, b := range before {
		switch a := after[oid]; {
		case a == nil:
			differs(b, false)
		case a != b && !equal(a, b):
			differs(a, true)
			differs(b, true)
		}
	}
	for oid, a := range after {
		if before[oid] == nil {
			differs(a, false)
		}
	}
}

// A difference is the work of Difference.
type difference struct {
	after     *Catalog
	names     map[string]bool
	types     map[OID]bool // that differ, or show something that does
	relations map[OID]bool // likewise
}

// spread follows what uses something that differs.
func (d *difference) spread() {
	if len(d.types)+len(d.relations) == 0 {
		return
	}
	for grown := true; grown; {
		grown = false
		for oid, t := range d.after.types {
			if !d.types[oid] && (d.types[t.Base] || d.types[t.Elem] || d.types[t.Subtype] || d.relations[t.Relation]) {
				d.types[oid], d.names[t.Name], grown = true, true, true
			}
		}
		for oid, r := range d.after.relations {
			if !d.relations[oid] && (d.after.showsType(r, d.types) || d.inFamily(r)) {
				d.relations[oid], d.names[r.Name], grown = true, true, true
				if r.RowType != 0 {
					d.types[r.RowType] = true
				}
			}
		}
	}
	for _, overloads := range d.after.functions {
		for _, f := range overloads {
			if f.usesType(d.types) {
				d.names[f.Name] = true
			}
		}
	}
}

// inFamily reports whether a relation inherits from one that differs, or the other way round.
func (d *difference) inFamily(r *Relation) bool {
	differs := func(oid OID) bool { return d.relations[oid] }
	return slices.ContainsFunc(r.Parents, differs) || slices.ContainsFunc(r.Children, differs)
}

// Users lists, sorted and without repeats, the names by which relations of a name, and what Difference would follow from
// them to, can be named. It is nil where the catalog has no relation of that name.
func (c *Catalog) Users(relation string) []string {
	if len(c.byName[relation]) == 0 {
		return nil
	}
	d := &difference{after: c, names: map[string]bool{relation: true}, types: map[OID]bool{}, relations: map[OID]bool{}}
	for _, r := range c.byName[relation] {
		d.relations[r.OID] = true
		if r.RowType != 0 {
			d.types[r.RowType] = true
		}
	}
	d.spread()
	return slices.Sorted(maps.Keys(d.names))
}

func (r *Relation) equal(o *Relation) bool {
	return r.OID == o.OID && r.Schema == o.Schema && r.Name == o.Name && r.Kind == o.Kind && r.RowType == o.RowType && r.OfType == o.OfType &&
		r.Temp == o.Temp && slices.Equal(r.Columns, o.Columns) && slices.Equal(r.Parents, o.Parents) && slices.Equal(r.Children, o.Children)
}

func (f *Function) equal(o *Function) bool {
	return f.OID == o.OID && f.Schema == o.Schema && f.Name == o.Name && f.Kind == o.Kind && f.Args == o.Args && f.Return == o.Return &&
		f.ReturnsSet == o.ReturnsSet && slices.Equal(f.Out, o.Out) && slices.Equal(f.OutTypes, o.OutTypes) && slices.Equal(f.ArgTypes, o.ArgTypes) &&
		slices.Equal(f.ArgNames, o.ArgNames) && f.Defaults == o.Defaults && f.Variadic == o.Variadic
}
