package rewrite

import (
	"github.com/seguedb/segue/catalog"
)

// The type of a parameter can be that of a table's rows without a word of it in the text: a Parse gives types by number.

// A rowTypes knows the types through which rows of tables under migration can pass, and those that the catalog has.
type rowTypes struct {
	cat  *catalog.Catalog
	hold map[catalog.OID]bool
}

// has tells whether a type can hold such rows. A type that users have made and that the catalog does not know may be one.
func (r *rowTypes) has(typ catalog.OID) bool {
	return r.hold[typ] || typ >= firstUserOID && r.cat.Type(typ) == nil
}

// firstUserOID is FirstNormalObjectId (access/transam.h): what has a smaller OID was made by initdb.
const firstUserOID = 16384

// MatchTypes tells whether a parameter of one of the types can be a row of a table under migration, or hold one. known is
// false when that cannot be told, because the catalog does not know one of the types: it was made a moment ago, or is
// that of a temporary table.
func (b *Binder) MatchTypes(types []uint32) (hit, known bool) {
	known = true
	if b.filter == nil {
		return false, true
	}
	for _, typ := range types {
		switch oid := catalog.OID(typ); {
		case oid < firstUserOID:
		case b.rows.hold[oid]:
			hit = true
		case b.rows.has(oid):
			hit, known = true, false
		}
	}
	return hit, known
}

// RowParameters are the types of a Parse as a Session wants them; nil when none of them matters.
func (b *Binder) RowParameters(types []uint32) []catalog.OID {
	if hit, _ := b.MatchTypes(types); !hit {
		return nil
	}
	out := make([]catalog.OID, len(types))
	for i, typ := range types {
		if b.rows.has(catalog.OID(typ)) {
			out[i] = catalog.OID(typ)
		}
	}
	return out
}

// newRowTypes finds the types for the tables.
func newRowTypes(cat *catalog.Catalog, tables []catalog.OID) rowTypes {
	return rowTypes{cat: cat, hold: cat.RowTypes(tables...)}
}

// parameters gives the parameters of the text the types that the client gave them with Parse.
func (b *binding) parameters() {
	for i, typ := range b.sess.Params {
		if typ == 0 {
			continue
		}
		v := b.ofType(typ)
		if b.params == nil {
			b.params = make([]value, len(b.sess.Params))
		}
		b.params[i] = v
		l := b.rowIn(typ)
		if l == nil {
			continue
		}
		b.concern(l)
		b.use(l, "*")
		if b.difference(v) == orderDiffers {
			b.unsupported(-1, refusedRowType, "a parameter", "is a row whose fields are in another order in the database")
		}
	}
}
