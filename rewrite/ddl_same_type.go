package rewrite

import (
	"sync"

	"github.com/jackc/pgx/v5/pgtype"

	"github.com/seguedb/segue/catalog"
	"github.com/seguedb/segue/rewrite/ast"
)

// Programs that compare a schema with their models at each start give a column the type that it has. That changes nothing
// for any version.

// hasType tells whether a column surely has the type that ALTER … TYPE gives it. Without COLLATE it would get the collation
// of the type, which is no matter of names.
func (b *binding) hasType(rel *catalog.Relation, num int16, d *ast.ColumnDef) bool {
	c := rel.ColumnByNum(num)
	if c == nil || d == nil || d.CollClause != nil || d.TypeName.GetPctType() || d.TypeName.GetSetof() {
		return false
	}
	typ := c.Type
	if len(d.TypeName.GetArrayBounds()) > 0 {
		t := b.cat.Type(typ)
		if t == nil || t.Elem == 0 {
			return false
		}
		typ = t.Elem
	}
	names := ast.StrVals(d.TypeName.GetNames())
	typmod, ok := typmodOf(names, d.TypeName.GetTypmods())
	return ok && typmod == c.Typmod && b.columnTypeNamed(names) == typ
}

// columnTypeNamed is the type of that name; 0 where it is not certain.
func (b *binding) columnTypeNamed(names []string) catalog.OID {
	if len(names) == 0 {
		return 0
	}
	schema, name := "", names[len(names)-1]
	if len(names) > 1 {
		schema = names[len(names)-2]
	}
	typ, _, certain := b.typeNamed(schema, name)
	if typ != 0 || !certain {
		return typ
	}
	shipped, ok := dataTypes().TypeForName(name)
	if !ok {
		return 0
	}
	return catalog.OID(shipped.OID)
}

// dataTypes knows the numbers of the types that PostgreSQL ships.
var dataTypes = sync.OnceValue(pgtype.NewMap)

// typmodOf mirrors the typmodin functions of the types that PostgreSQL ships; ok is false for what it does not know.
func typmodOf(names []string, list []*ast.Node) (typmod int32, ok bool) {
	if len(list) == 0 {
		return -1, true
	}
	var n []int32
	for _, m := range list {
		k := m.GetAConst().GetIval()
		if k == nil {
			return 0, false
		}
		n = append(n, k.Ival)
	}
	if len(names) == 2 && names[0] != "pg_catalog" || len(names) == 0 {
		return 0, false
	}
	const header = 4 // VARHDRSZ
	switch name := names[len(names)-1]; {
	case (name == "varchar" || name == "bpchar") && len(n) == 1:
		return n[0] + header, true
	case (name == "bit" || name == "varbit") && len(n) == 1:
		return n[0], true
	case (name == "time" || name == "timetz" || name == "timestamp" || name == "timestamptz") && len(n) == 1:
		return min(n[0], 6), true // MAX_TIMESTAMP_PRECISION
	case name == "numeric" && len(n) == 1:
		return n[0]<<16 + header, true
	case name == "numeric" && len(n) == 2 && n[1] >= 0:
		return (n[0]<<16 | n[1]) + header, true
	}
	return 0, false
}
