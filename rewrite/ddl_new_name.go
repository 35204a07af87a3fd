package rewrite

import (
	"cmp"
	"slices"

	"github.com/seguedb/segue/rewrite/ast"
	"github.com/seguedb/segue/rewrite/syntax"
	"github.com/seguedb/segue/rules"
)

// newRelation is the name of a relation that the statement makes. If the version has a table of that name, the server
// is to say so, in the words for the name that it knows; a name that another version has would collide with it.
func (b *binding) newRelation(rv *ast.RangeVar) {
	if rv == nil {
		return
	}
	b.saw(rv)
	b.saw(rv.Alias)
	if b.makesInSchema(rv, &item{name: rv.Relname, unknown: true}) {
		return
	}
	if rv.Relpersistence == "t" || rv.Schemaname == "pg_temp" || rv.Schemaname == "" && b.sess.MakesTemporary {
		b.resettle("search_path")
		return
	}
	for _, t := range b.lens.Tables {
		if rv.Relname != t.Logical && !b.isNameOf(t, rv.Relname) {
			continue
		}
		schema := rv.Schemaname
		if schema == "" {
			schema = b.creationSchema()
		}
		switch {
		case schema != "" && schema != t.Schema:
			b.elsewhere(rv, t)
		case rv.Relname == t.Logical:
			b.concern(t)
			if t.Logical != t.Physical {
				b.spliceRelation(rv, named{rel: b.cat.Relation(t.OID), table: t, schema: rv.Schemaname, name: t.Physical}, false)
			}
		}
	}
	b.newName(cmp.Or(rv.Schemaname, b.creationSchema()), rv.Relname, int(rv.Location))
}

// elsewhere is a new relation that has the name of a table under migration in another schema, which may come before
// that table's in the search_path.
func (b *binding) elsewhere(rv *ast.RangeVar, t *rules.TableLens) {
	b.resettle("search_path")
	if rv.Schemaname == "" {
		b.concern(t)
		b.unsupported(int(rv.Location), refusedTakenName, "the new relation "+syntax.QuoteIdent(rv.Relname), "would come before the table under migration of that name")
	}
}

// creationSchema is where a relation without schema is made; empty when that is not known.
func (b *binding) creationSchema() string {
	if b.sess.MakesTemporary {
		return "pg_temp"
	}
	for _, schema := range b.sess.SearchPath {
		if schema != "pg_catalog" && !isTempSchema(schema) {
			return schema
		}
	}
	return ""
}

// isNameOf tells whether some live version or the database calls the table so.
func (b *binding) isNameOf(t *rules.TableLens, name string) bool {
	return slices.ContainsFunc(b.asSeen(t.OID), func(seen *rules.TableLens) bool {
		return name == seen.Logical || name == seen.Physical
	})
}

// newName refuses a name for a relation or a type that a table under migration has in another version or in the
// database. An empty schema is one that is not known here.
func (b *binding) newName(schema, name string, location int) {
	for _, t := range b.lens.Tables {
		if (schema == "" || schema == t.Schema) && name != t.Logical && b.isNameOf(t, name) {
			b.forbid(location, refusedTakenName, t, "use the name "+syntax.QuoteIdent(name)+
				", which "+syntax.QuoteIdent(t.Logical)+" has in another version or in the database")
			return
		}
	}
}

// newType refuses names of types as newName does: a table has a type of its own name.
func (b *binding) newType(n *ast.Node) {
	words := n.GetCreateEnumStmt().GetTypeName()
	switch {
	case n.GetCompositeTypeStmt() != nil:
		rv := n.GetCompositeTypeStmt().Typevar
		words = []*ast.Node{stringNode(rv.GetSchemaname()), stringNode(rv.GetRelname())}
	case n.GetCreateRangeStmt() != nil:
		words = n.GetCreateRangeStmt().TypeName
	case n.GetCreateDomainStmt() != nil:
		words = n.GetCreateDomainStmt().Domainname
	case n.GetDefineStmt().GetKind() == ast.ObjectType_OBJECT_TYPE:
		words = n.GetDefineStmt().Defnames
	}
	if len(words) == 0 {
		return
	}
	schema := ""
	if len(words) > 1 {
		schema = ast.StrVal(words[len(words)-2])
	}
	b.newName(cmp.Or(schema, b.creationSchema()), ast.StrVal(words[len(words)-1]), -1)
}

// createCompositeType binds CREATE TYPE … AS (…). A field that holds rows of a table under migration does so by number.
func (b *binding) createCompositeType(x *ast.CompositeTypeStmt) {
	b.newType(&ast.Node{Node: &ast.Node_CompositeTypeStmt{CompositeTypeStmt: x}})
	b.saw(x)
	b.saw(x.Typevar)
	for _, n := range x.Coldeflist {
		b.columnDef(&defined{scope: &scope{}, item: &item{}}, n.GetColumnDef())
	}
}
