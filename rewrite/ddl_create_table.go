package rewrite

import "github.com/seguedb/segue/rewrite/ast"

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
	for _, p := range parents {
		b.newHeir(p, it, int(x.Relation.Location))
	}
	t := &defined{scope: &scope{items: []*item{it}}, item: it, made: x.Relation}
	for _, n := range append(append([]*ast.Node(nil), x.TableElts...), x.Constraints...) {
		if c := n.GetConstraint(); c != nil {
			b.constraint(t, c, span{b.tokens.at(int(c.Location)), b.whole().to})
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
		if x.Partbound == nil && b.columnsDiffer(r) {
			b.unsupported(int(rv.Location), refusedCopy, "INHERITS", "takes the names that the columns have in the database")
		}
		for _, c := range b.rowOfTable(r).cols {
			c.item = it
			it.cols = append(it.cols, c)
		}
		out = append(out, r)
	}
	return out
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
				it.newColumn(d.Colname, d.Colname)
			} else if f == found && c.physical != d.Colname {
				b.renameToken(b.tokens.at(int(d.Location)), d.Colname, c.physical, func() { d.Colname = c.physical })
			}
		case n.GetConstraint() == nil:
			b.notUnderstood(n)
		}
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
		if ok && c.physical != c.name {
			b.renameToken(b.tokens.at(int(e.Location)), c.name, c.physical, func() { e.Name = c.physical })
		}
	}
}
