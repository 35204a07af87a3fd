package catalog

import "slices"

// RowTypeUsers lists, sorted and without repeats, the names of everything through which a row of one of the relations can
// be seen without naming it: functions that take or return its row type, relations with a column of it or made OF it,
// and the domains, arrays, ranges and composite types built on it, and so on through what these are used in.
//
// A view over the table is not listed unless it exposes whole rows: the names of a view's columns are its own, fixed
// when it was made, and the columns beneath are held by number.
func (c *Catalog) RowTypeUsers(oids ...OID) []string {
	types := c.RowTypes(oids...)
	own := make(map[OID]bool, len(oids))
	for _, oid := range oids {
		own[oid] = c.relations[oid] != nil && c.relations[oid].RowType != 0
	}
	names := make(map[string]bool)
	for t := range types {
		if typ := c.types[t]; typ != nil && !own[typ.Relation] {
			names[typ.Name] = true
		}
	}
	for _, user := range c.relations {
		if !own[user.OID] && c.showsType(user, types) {
			names[user.Name] = true
		}
	}
	for _, overloads := range c.functions {
		for _, f := range overloads {
			if f.usesType(types) {
				names[f.Name] = true
			}
		}
	}
	out := make([]string, 0, len(names))
	for name := range names {
		out = append(out, name)
	}
	slices.Sort(out)
	return out
}

// RowTypes is the set of the row types of the relations and of all types that can hold a row of one: domains, arrays,
// ranges and composite types, and the row types of relations with a column of one of these.
func (c *Catalog) RowTypes(oids ...OID) map[OID]bool {
	types := make(map[OID]bool, len(oids))
	for _, oid := range oids {
		if r := c.relations[oid]; r != nil && r.RowType != 0 {
			types[r.RowType] = true
		}
	}
	for grown := true; grown; {
		grown = false
		for _, t := range c.types {
			if !types[t.OID] && (types[t.Base] || types[t.Elem] || types[t.Subtype]) {
				types[t.OID], grown = true, true
			}
		}
		for _, user := range c.relations {
			if user.RowType != 0 && !types[user.RowType] && c.showsType(user, types) {
				types[user.RowType], grown = true, true
			}
		}
	}
	return types
}

// showsType tells whether the relation has a column of one of the types, or is a typed table of one.
func (c *Catalog) showsType(r *Relation, types map[OID]bool) bool {
	return types[r.OfType] || slices.ContainsFunc(r.Columns, func(col Column) bool { return types[col.Type] })
}

// usesType tells whether one of the types is among the arguments or results.
func (f *Function) usesType(types map[OID]bool) bool {
	in := func(t OID) bool { return types[t] }
	return types[f.Return] || slices.ContainsFunc(f.ArgTypes, in) || slices.ContainsFunc(f.OutTypes, in)
}
