package rewrite

import (
	"github.com/seguedb/segue/rewrite/ast"
	"github.com/seguedb/segue/rewrite/syntax"
)

// rename binds ALTER … RENAME.
func (b *binding) rename(x *ast.RenameStmt) {
	b.saw(x)
	if x.RenameType == ast.ObjectType_OBJECT_SCHEMA {
		b.endsSchema(x.Subname, "rename")
		return
	}
	if x.Relation == nil {
		b.otherObject(x.RenameType, x.Object)
		if x.RenameType == ast.ObjectType_OBJECT_TYPE || x.RenameType == ast.ObjectType_OBJECT_DOMAIN {
			b.newName("", x.Newname, -1)
		}
		return
	}
	b.keepsLookedUpName(x)
	it := &item{unknown: true}
	if b.isAffectedName(x.Relation.Relname) || x.RenameType == ast.ObjectType_OBJECT_COLUMN {
		it = b.subject(x.Relation, x.MissingOk)
	} else {
		b.saw(x.Relation)
	}
	switch x.RenameType {
	case ast.ObjectType_OBJECT_COLUMN, ast.ObjectType_OBJECT_ATTRIBUTE:
		b.renameColumn(x, it)
	case ast.ObjectType_OBJECT_TABCONSTRAINT, ast.ObjectType_OBJECT_TRIGGER, ast.ObjectType_OBJECT_RULE, ast.ObjectType_OBJECT_POLICY:
		// They are called the same in every version.
	default:
		b.renameRelation(x, it)
	}
}

// renameColumn binds RENAME COLUMN of a column that does not migrate, whose name is the same in every version.
func (b *binding) renameColumn(x *ast.RenameStmt, it *item) {
	c, ok := b.columnNamed(it, x.Subname, -1, columnAlone)
	if it.rel != nil && it.table == nil {
		b.inheritable(it.rel.OID, x.Newname, -1, "rename a column of "+syntax.QuoteIdent(it.rel.Name)+" to "+syntax.QuoteIdent(x.Newname))
	}
	if !ok || c.table == nil {
		return
	}
	other, f := it.column(x.Newname, inVersion)
	if f != found {
		b.keepsColumn(it, &ast.AlterTableCmd{Name: x.Subname}, "rename")
	}
	switch {
	case f == found: // the server says that there is such a column
		last := b.whole().To - 1
		if b.tokens.Kind(last) == ast.Token_CASCADE || b.tokens.Kind(last) == ast.Token_RESTRICT {
			last--
		}
		if b.takesName(c, -1, "RENAME COLUMN") && c.physical != x.Subname {
			b.renameToken(last-2, x.Subname, c.physical, func() { x.Subname = c.physical })
		}
		if b.takesName(other, -1, "RENAME COLUMN") && other.physical != x.Newname {
			b.renameToken(last, x.Newname, other.physical, func() { x.Newname = other.physical })
		}
	case f == missing && b.columnTaken(c.table.OID, x.Newname):
		b.forbid(-1, refusedTakenName, c.table, "rename a column of "+syntax.QuoteIdent(c.table.Logical)+" to "+syntax.QuoteIdent(x.Newname)+
			", which another version or the database calls another column there")
	}
}

// renameRelation binds RENAME TO of whatever shares the names of tables.
func (b *binding) renameRelation(x *ast.RenameStmt, it *item) {
	schema := x.Relation.Schemaname
	if it.rel != nil {
		schema = it.rel.Schema
		if it.table != nil && x.Newname == it.table.Logical { // the server says that there is such a table
			b.renameToken(b.whole().To-1, x.Newname, it.rel.Name, func() { x.Newname = it.rel.Name })
			return
		}
		if it.table != nil && b.isTarget(it.rel.OID) {
			b.forbid(int(x.Relation.Location), refusedMoving, it.table, "rename "+syntax.QuoteIdent(it.table.Logical))
			return
		}
	}
	b.newName(schema, x.Newname, -1)
}

// setSchema binds ALTER … SET SCHEMA.
func (b *binding) setSchema(x *ast.AlterObjectSchemaStmt) {
	b.saw(x)
	if x.Relation == nil {
		b.otherObject(x.ObjectType, x.Object)
		return
	}
	b.keepsLookedUp(x.Relation.Schemaname, x.Relation.Relname, "", "move @ to another schema", int(x.Relation.Location))
	r := b.existing(x.Relation, x.MissingOk)
	if r.table != nil && r.rel.Schema == x.Newschema {
		return // it is there
	}
	if r.table != nil && b.isTarget(r.rel.OID) {
		b.forbid(int(x.Relation.Location), refusedMoving, r.table, "move "+syntax.QuoteIdent(r.table.Logical)+" to another schema")
		return
	}
	if r.table == nil {
		b.newName(x.Newschema, x.Relation.Relname, -1)
	}
}

// drop binds DROP.
func (b *binding) drop(x *ast.DropStmt) {
	b.saw(x)
	switch x.RemoveType {
	case ast.ObjectType_OBJECT_TABLE, ast.ObjectType_OBJECT_FOREIGN_TABLE, ast.ObjectType_OBJECT_VIEW,
		ast.ObjectType_OBJECT_MATVIEW, ast.ObjectType_OBJECT_SEQUENCE, ast.ObjectType_OBJECT_INDEX:
		b.dropRelations(x)
	case ast.ObjectType_OBJECT_TRIGGER, ast.ObjectType_OBJECT_RULE, ast.ObjectType_OBJECT_POLICY:
		for _, n := range x.Objects {
			if l := n.GetList(); l != nil && len(l.Items) > 1 {
				b.objectOf(l, len(l.Items)-1, b.find(b.whole(), ast.Token_ON)+1, x.MissingOk)
			}
		}
	case ast.ObjectType_OBJECT_SCHEMA:
		for _, n := range x.Objects {
			b.endsSchema(ast.StrVal(n), "drop")
		}
	default:
		b.missingOK = x.MissingOk
		for _, n := range x.Objects {
			b.otherObject(x.RemoveType, n)
		}
		b.missingOK = false
	}
}

// dropRelations binds DROP TABLE and the like. What inherits from a table goes with it.
func (b *binding) dropRelations(x *ast.DropStmt) {
	all := b.whole()
	i := all.From + 2 // behind DROP TABLE, which may be two words
	for b.tokens.Kind(i) == ast.Token_VIEW || b.tokens.Kind(i) == ast.Token_TABLE || b.tokens.Kind(i) == ast.Token_CONCURRENTLY {
		i++
	}
	if x.MissingOk {
		i += 2
	}
	parts := b.commas(syntax.Span{From: i, To: all.To})
	for k, n := range x.Objects {
		l := n.GetList()
		if l == nil || k >= len(parts) {
			b.notUnderstood(n)
			return
		}
		b.keepsLookedUpObject(ast.StrVals(l.Items), b.tokens.Start(parts[k].From))
		r := b.objectOf(l, len(l.Items), parts[k].From, x.MissingOk)
		if r.rel == nil {
			continue
		}
		if t := b.carriesTarget(r.rel.OID); t != nil {
			b.forbid(b.tokens.Start(parts[k].From), refusedMoving, t, "drop "+syntax.QuoteIdent(t.Logical))
		}
	}
}

// endsSchema refuses to take a schema away, or its name, while it has tables under migration.
func (b *binding) endsSchema(name, what string) {
	b.keepsLookedUpIn(name, what)
	for _, t := range b.lens.Tables {
		if t.Schema == name && b.isTarget(t.OID) {
			b.forbid(-1, refusedMoving, t, what+" the schema of "+syntax.QuoteIdent(t.Logical))
		}
	}
}
