package rewrite

import (
	"slices"

	"github.com/seguedb/segue/catalog"
	"github.com/seguedb/segue/rules"
)

// maxTypeDepth bounds how far types within types are followed.
const maxTypeDepth = 16

// rowIn finds the table under migration whose rows a type holds: as its row type, in an array, a domain or a field. A
// table that the version sees as it is comes second to one that it does not. nil when there is none.
func (b *binding) rowIn(typ catalog.OID) *rules.TableLens { return b.rowWithin(typ, maxTypeDepth) }

func (b *binding) rowWithin(typ catalog.OID, depth int) *rules.TableLens {
	if typ == 0 || depth == 0 {
		return nil
	}
	t := b.cat.Type(typ)
	rel := b.cat.ByRowType(typ)
	if rel == nil && t != nil && t.Relation != 0 {
		rel = b.cat.Relation(t.Relation)
	}
	if rel != nil {
		if l := b.lens.Table(rel.OID); l != nil {
			return l
		}
		return b.rowInFields(rel, depth)
	}
	if t == nil {
		return nil
	}
	for _, inner := range []catalog.OID{t.Base, t.Elem, t.Subtype} {
		if l := b.rowWithin(inner, depth-1); l != nil {
			return l
		}
	}
	return nil
}

func (b *binding) rowInFields(rel *catalog.Relation, depth int) *rules.TableLens {
	var identity *rules.TableLens
	for i := range rel.Columns {
		if l := b.rowWithin(rel.Columns[i].Type, depth-1); l != nil {
			if !l.Identity {
				return l
			}
			identity = l
		}
	}
	return identity
}

// isFunctionOf tells whether t.name can be the call of a function with a row of t.
func (b *binding) isFunctionOf(it *item, name string) bool {
	for _, f := range b.cat.Functions(name) {
		if len(f.ArgTypes) != 1 {
			continue
		}
		if typ := f.ArgTypes[0]; it.rowType != 0 && (typ == it.rowType || b.inherits(it.rowType, typ)) || isAnyElement(typ) {
			return true
		}
	}
	return false
}

// isAnyElement tells whether the pseudo-type can stand for a row; the numbers are those of pg_type.dat.
func isAnyElement(typ catalog.OID) bool {
	switch typ {
	case 2249, 2276, 2283, 2776, 5077, 5079: // record, any, anyelement, anynonarray, anycompatible, anycompatiblenonarray
		return true
	}
	return false
}

// functionRows finds the table under migration whose rows a function of that name takes or returns.
func (b *binding) functionRows(name []string) *rules.TableLens {
	var identity *rules.TableLens
	for _, f := range b.functions(name) {
		for _, typ := range slices.Concat([]catalog.OID{f.Return}, f.ArgTypes, f.OutTypes) {
			if l := b.rowIn(typ); l != nil {
				if !l.Identity {
					return l
				}
				identity = l
			}
		}
	}
	return identity
}

// functions are the functions that a name can mean. pg_temp stands for the temporary schemas of all sessions: texts that are
// bound alike in each are cached for all.
func (b *binding) functions(name []string) []*catalog.Function {
	if len(name) == 0 {
		return nil
	}
	all := b.cat.Functions(name[len(name)-1])
	if len(name) == 1 {
		return all
	}
	var out []*catalog.Function
	for _, f := range all {
		if schema := name[len(name)-2]; f.Schema == schema || schema == "pg_temp" && isTempSchema(f.Schema) {
			out = append(out, f)
		}
	}
	return out
}

// rowTypeNamed finds the table under migration whose rows a type of that name may hold.
func (b *binding) rowTypeNamed(names []string) *rules.TableLens {
	if len(names) == 0 {
		return nil
	}
	name := names[len(names)-1]
	var identity *rules.TableLens
	consider := func(l *rules.TableLens) bool {
		if l != nil && l.Identity {
			identity = l
			return false
		}
		return l != nil
	}
	for _, t := range b.lens.Tables {
		if (t.Logical == name || t.Physical == name || "_"+t.Logical == name) && consider(t) {
			return t
		}
	}
	for _, t := range b.cat.TypesNamed(name) {
		if l := b.rowIn(t.OID); consider(l) {
			return l
		}
	}
	return identity
}
