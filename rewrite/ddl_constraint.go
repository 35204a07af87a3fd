package rewrite

import (
	"slices"

	"github.com/seguedb/segue/catalog"
	"github.com/seguedb/segue/rewrite/ast"
	"github.com/seguedb/segue/rewrite/syntax"
)

// A defined is the table that a definition is about.
type defined struct {
	scope *scope // of its expressions
	item  *item
	made  *ast.RangeVar // its name, where the statement makes it
	added string        // the column that is added, whose constraints do not name it
	typ   catalog.OID   // of that column, where it is known
}

// columnDef binds what follows the name of a column in ADD COLUMN, ALTER TYPE and CREATE TABLE.
func (b *binding) columnDef(t *defined, d *ast.ColumnDef) {
	if d == nil {
		return
	}
	b.saw(d)
	b.typeName(d.TypeName)
	b.sawAll(d.CollClause)
	b.sawEach(d.Fdwoptions)
	b.expr(t.scope, d.RawDefault) // USING of ALTER TYPE
	t.added, t.typ = d.Colname, b.typeNamedBy(d.TypeName)
	for _, n := range d.Constraints {
		c := n.GetConstraint()
		b.constraint(t, c, syntax.Span{From: b.tokens.At(int(c.GetLocation())), To: b.whole().To})
	}
}

// constraint binds a constraint of a column or a table, which begins at the start of the span or behind it. Constraints
// keep numbers of columns, so they follow every rename.
func (b *binding) constraint(t *defined, c *ast.Constraint, in syntax.Span) {
	if c == nil {
		return
	}
	b.saw(c)
	b.sawEach(c.Options)
	if c.Location > 0 {
		in.From = b.tokens.At(int(c.Location))
	}
	switch c.Contype {
	case ast.ConstrType_CONSTR_NOTNULL:
		b.nameConstraint(t, c)
		return
	case ast.ConstrType_CONSTR_NULL, ast.ConstrType_CONSTR_IDENTITY,
		ast.ConstrType_CONSTR_ATTR_DEFERRABLE, ast.ConstrType_CONSTR_ATTR_NOT_DEFERRABLE,
		ast.ConstrType_CONSTR_ATTR_DEFERRED, ast.ConstrType_CONSTR_ATTR_IMMEDIATE:
	case ast.ConstrType_CONSTR_DEFAULT:
		b.defaultExpr(c.RawExpr, t.scope, t.typ)
	case ast.ConstrType_CONSTR_GENERATED, ast.ConstrType_CONSTR_CHECK:
		b.expr(t.scope, c.RawExpr)
	case ast.ConstrType_CONSTR_PRIMARY, ast.ConstrType_CONSTR_UNIQUE, ast.ConstrType_CONSTR_EXCLUSION:
		b.keyConstraint(t, c, in)
	case ast.ConstrType_CONSTR_FOREIGN:
		b.foreignKey(t, c, in)
	default:
		b.unsupported(int(c.Location), refusedConstruct, c.Contype.String(), "is not understood")
	}
	b.nameConstraint(t, c)
}

// defaultExpr binds a default of a column of that type, in which the server rejects the name of any column, whether it exists
// or not.
func (b *binding) defaultExpr(n *ast.Node, s *scope, typ catalog.OID) {
	if namesColumns(n) {
		b.sawAll(n)
		return
	}
	b.expr(s, n)
	b.become(n, typ, nil)
}

// keyConstraint binds PRIMARY KEY, UNIQUE and EXCLUDE.
func (b *binding) keyConstraint(t *defined, c *ast.Constraint, in syntax.Span) {
	open := b.bracket(in)
	if len(c.Exclusions) > 0 {
		b.indexElements(t.scope, exclusionElements(c), open, -1, t.item)
		b.expr(t.scope, c.WhereClause)
	}
	missing := columnInKey
	if c.Contype == ast.ConstrType_CONSTR_PRIMARY && t.made == nil {
		missing = columnOfRelation // ALTER TABLE sets NOT NULL first
	}
	b.nameList(c.Keys, open, t.item, int(c.Location), missing)
	if len(c.Including) > 0 {
		if len(c.Keys) > 0 || len(c.Exclusions) > 0 {
			open = b.closing(open) + 2
		}
		b.nameList(c.Including, open, t.item, int(c.Location), columnInKey)
	}
}

// foreignKey binds FOREIGN KEY (…) REFERENCES, and REFERENCES of one column.
func (b *binding) foreignKey(t *defined, c *ast.Constraint, in syntax.Span) {
	if slices.ContainsFunc(c.FkAttrs, func(n *ast.Node) bool { return catalog.IsSystemColumn(ast.StrVal(n)) }) {
		b.sawAll(c) // the server rejects them before it looks at anything else but the other table
		b.unaliased(c.Pktable)
		return
	}
	b.nameList(c.FkAttrs, b.bracket(in), t.item, -1, columnInForeign)
	after := b.afterName(c.Pktable)
	other := t.item
	if t.made != nil && t.made.Relname == c.Pktable.Relname && t.made.Schemaname == c.Pktable.Schemaname {
		b.saw(c.Pktable)
	} else {
		other = b.unaliased(c.Pktable)
	}
	b.nameList(c.PkAttrs, after, other, -1, columnInForeign)
	if len(c.FkDelSetCols) == 0 {
		return
	}
	i := b.find(syntax.Span{From: after, To: in.To}, ast.Token_DELETE_P)
	b.nameList(c.FkDelSetCols, b.bracket(syntax.Span{From: i, To: in.To}), t.item, -1, columnInForeign)
}
