package rewrite

import (
	"github.com/seguedb/segue/catalog"
	"github.com/seguedb/segue/rewrite/ast"
	"github.com/seguedb/segue/rewrite/syntax"
)

// createTable binds CREATE TABLE: the new table's name must be free in every version, and what it takes from tables
// under migration must not bring the database's names into it.
func (b *binding) createTable(x *ast.CreateStmt) {
	b.saw(x)
	b.newRelation(x.Relation)
	b.sawEach(x.Options)
	if x.OfTypename != nil {
		b.typeName(x.OfTypename)
	}
	it := &item{name: x.Relation.Relname, relVisible: true, colsVisible: true, bare: true, plain: true, unknown: x.OfTypename != nil}
	parents := b.parents(x, it)
	b.newColumns(x, it)
	b.makesInSchema(x.Relation, it)
	for _, p := range parents {
		b.newHeir(p, it, int(x.Relation.Location))
	}
	t := &defined{scope: &scope{items: []*item{it}}, item: it, made: x.Relation}
	for _, n := range append(append([]*ast.Node(nil), x.TableElts...), x.Constraints...) {
		if c := n.GetConstraint(); c != nil {
			b.constraint(t, c, syntax.Span{From: b.tokens.At(int(c.Location)), To: b.whole().To})
		} else {
			b.columnDef(t, n.GetColumnDef())
		}
	}
	b.partitionBound(x.Partbound)
	b.partitionKey(t, x.Partspec)
}

// parents binds INHERITS and PARTITION OF, and gives the new table its parents' columns.
func (b *binding) parents(x *ast.CreateStmt, it *item) []named {
	var out []named
	for _, n := range x.InhRelations {
		rv := n.GetRangeVar()
		if rv == nil {
			b.notUnderstood(n)
			continue
		}
		r, _, ok := b.rangeVar(rv, false)
		if !ok || r.rel == nil {
			it.unknown = true
			continue
		}
		if r.table != nil && r.table.IsMapped() {
			b.unsupported(int(rv.Location), refusedCopy, "a partition or child", "takes columns from which others are computed in this version")
			it.unknown = true
			continue
		}
		row := b.rowOfTable(r)
		if x.Partbound == nil && !row.ordered {
			b.unsupported(int(rv.Location), refusedCopy, "INHERITS", "takes columns that the version does not show, or in another order")
		}
		// A temporary partition of a permanent table is an error of the server's (MergeAttributes).
		if isTemporary(x.Relation) && b.columnsDiffer(r) && (x.Partbound == nil || r.rel.Temp) {
			b.unsupported(int(rv.Location), refusedCopy, "a temporary table", "is not under migration as its parent is")
		}
		for _, c := range row.cols {
			b.inheritColumn(it, c, r, int(rv.Location))
		}
		out = append(out, r)
	}
	return out
}

// isTemporary tells whether a statement makes the relation in the session's temporary schema.
func isTemporary(rv *ast.RangeVar) bool {
	return rv.Relpersistence == "t" || isTempSchema(rv.Schemaname)
}

// inheritColumn gives the new table a column of a parent, which the server merges with one of the same physical name. The
// two must be one in every version: a column that two parents have of their own can be renamed in neither (renameatt).
func (b *binding) inheritColumn(it *item, c *column, parent named, location int) {
	c.item = it
	other, f := it.column(c.name, inVersion)
	at, g := it.column(c.physical, atServer)
	switch {
	case f == missing && g == missing || c.name == "":
		it.cols = append(it.cols, c)
	case other != at:
		it.cols = append(it.cols, c)
		b.unsupported(location, refusedCopy, "INHERITS", "merges columns by the names that they have in the database")
	case b.originOf(other) == b.originOf(c):
	case b.columnMoves(c.relation, c.num), b.columnMoves(other.relation, other.num):
		t := parent.table
		if t == nil {
			t = other.table
		}
		b.forbid(location, refusedTakenName, t, "let a table inherit the migrating column "+syntax.QuoteIdent(c.name)+" from two tables")
	}
}

// An origin is the column of a table that inherits it from none.
type origin struct {
	table catalog.OID
	name  string
}

// originOf climbs from a column of a table to where it comes from. A diamond has one origin; a column that has several is
// taken for its own.
func (b *binding) originOf(c *column) origin {
	tops := map[catalog.OID]bool{}
	b.climb(c.relation, c.physical, tops)
	own := origin{c.relation, c.physical}
	for top := range tops {
		if len(tops) == 1 {
			own.table = top
		}
	}
	return own
}

func (b *binding) climb(oid catalog.OID, column string, tops map[catalog.OID]bool) {
	rel := b.cat.Relation(oid)
	inherited := false
	if rel != nil {
		for _, o := range rel.Parents {
			if parent := b.cat.Relation(o); parent != nil && parent.Column(column) != nil {
				inherited = true
				b.climb(o, column, tops)
			}
		}
	}
	if !inherited {
		tops[oid] = true
	}
}

// newColumns gives the new table its own columns. Those of a partition are the parent's.
func (b *binding) newColumns(x *ast.CreateStmt, it *item) {
	for _, n := range x.TableElts {
		switch {
		case n.GetTableLikeClause() != nil:
			b.like(n.GetTableLikeClause(), it)
		case n.GetColumnDef() != nil:
			d := n.GetColumnDef()
			c, f := it.column(d.Colname, inVersion)
			if f == missing {
				c := it.newColumn(d.Colname, d.Colname)
				if c.rows = b.definedRows(d); b.renaming() && isAlias(b.typeNamedBy(d.TypeName)) {
					c.typ = b.typeNamedBy(d.TypeName)
				}
				continue
			}
			if f == found && x.Partbound != nil {
				b.partitionKeepsSide(c, d)
			}
			if f == found && b.takesName(c, int(d.Location), "the definition of a column") && c.physical != d.Colname {
				b.renameToken(b.tokens.At(int(d.Location)), d.Colname, c.physical, func() { d.Colname = c.physical })
			}
		case n.GetConstraint() == nil:
			b.notUnderstood(n)
		}
	}
}

// partitionKeepsSide refuses what a partition would say of a column that is on one side of a change: the sides' defaults and NOT NULL
// are those of the whole table.
func (b *binding) partitionKeepsSide(c *column, d *ast.ColumnDef) {
	if c.table == nil || !b.isSide(c.table.OID, c.num) {
		return
	}
	for _, n := range d.Constraints {
		verb := ""
		switch n.GetConstraint().GetContype() {
		case ast.ConstrType_CONSTR_DEFAULT:
			verb = "change the default of"
		case ast.ConstrType_CONSTR_NOTNULL:
			verb = "change NOT NULL of"
		default:
			continue
		}
		b.forbid(int(d.Location), refusedMoving, c.table, verb+" the migrating column "+syntax.QuoteIdent(d.Colname)+" in a partition of "+syntax.QuoteIdent(c.table.Logical))
	}
}

// like binds LIKE, which copies the names in the database.
func (b *binding) like(l *ast.TableLikeClause, it *item) {
	b.saw(l)
	r, _, ok := b.rangeVar(l.Relation, false)
	if !ok || r.rel == nil {
		it.unknown = true
		return
	}
	if b.columnsDiffer(r) {
		b.unsupported(int(l.Relation.Location), refusedCopy, "LIKE", "takes the names that the columns have in the database")
	}
	for _, c := range b.rowOfTable(r).cols {
		it.newColumn(c.name, c.physical)
	}
}

// partitionKey binds PARTITION BY, which names columns of the new table.
func (b *binding) partitionKey(t *defined, p *ast.PartitionSpec) {
	if p == nil {
		return
	}
	b.saw(p)
	for _, n := range p.PartParams {
		e := n.GetPartitionElem()
		if e == nil {
			b.notUnderstood(n)
			continue
		}
		b.saw(e)
		b.expr(t.scope, e.Expr)
		if e.Name == "" {
			continue
		}
		c, ok := b.columnNamed(t.item, e.Name, int(e.Location), `column "@" named in partition key does not exist`)
		if ok && b.takesName(c, int(e.Location), "a partition key") && c.physical != c.name {
			b.renameToken(b.tokens.At(int(e.Location)), c.name, c.physical, func() { e.Name = c.physical })
		}
	}
}
