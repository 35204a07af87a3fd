package rewrite

import (
	"github.com/seguedb/segue/catalog"
	"github.com/seguedb/segue/rewrite/ast"
	"github.com/seguedb/segue/rewrite/syntax"
)

// from mirrors transformFromClause (parse_clause.c): each FROM item sees those before it laterally, and all are plain
// members of the level afterwards.
func (b *binding) from(s *scope, list []*ast.Node) {
	for _, n := range list {
		_, items := b.fromItem(s, n)
		b.checkNames(s.items, items)
		setLateral(items, true, false)
		s.items = append(s.items, items...)
	}
	setLateral(s.items, false, false)
}

// checkNames mirrors checkNameSpaceConflicts: two items of one name are an error, but for two tables of different
// schemas that have no alias. Where one of those gets an alias in what is sent, that would be an error there.
func (b *binding) checkNames(before, items []*item) {
	for _, it := range items {
		b.budget.step()
		for _, other := range before {
			if !it.relVisible || !other.relVisible || it.name != other.name {
				continue
			}
			if !it.bare || !other.bare || it.rel == nil || other.rel == nil || it.rel.OID == other.rel.OID {
				b.fail("42712", -1, true, `table name "`+it.name+`" specified more than once`, "")
			} else if it.hidden || other.hidden {
				b.unsupported(-1, refusedDoubt, "the name "+syntax.QuoteIdent(it.name), "is that of two tables in one FROM clause")
			}
		}
	}
}

// fromItem mirrors transformFromClauseItem: the item as a whole, and what it adds to the namespace.
func (b *binding) fromItem(s *scope, n *ast.Node) (*item, []*item) {
	if n == nil {
		return nil, nil
	}
	node := n
	switch n := n.Node.(type) {
	case *ast.Node_RangeVar:
		it := b.tableItem(s, n.RangeVar)
		b.aliasTable(it, n.RangeVar)
		b.substitute(node, it)
		return it, s.enter(it)
	case *ast.Node_RangeSubselect:
		it := b.subselectItem(s, n.RangeSubselect)
		return it, s.enter(it)
	case *ast.Node_RangeFunction:
		if it := b.printingItem(s, node); it != nil {
			return it, s.enter(it)
		}
		it := b.functionItem(s, n.RangeFunction)
		return it, s.enter(it)
	case *ast.Node_RangeTableFunc:
		it := b.xmlTableItem(s, n.RangeTableFunc)
		return it, s.enter(it)
	case *ast.Node_RangeTableSample:
		b.saw(n.RangeTableSample)
		it, items := b.fromItem(s, n.RangeTableSample.Relation)
		b.unsubstitutable(it, n.RangeTableSample.Location, "TABLESAMPLE")
		b.exprs(s, n.RangeTableSample.Args)
		b.expr(s, n.RangeTableSample.Repeatable)
		return it, items
	case *ast.Node_JoinExpr:
		return b.join(s, n.JoinExpr)
	}
	if it := b.newerFromItem(s, node); it != nil {
		return it, s.enter(it)
	}
	b.notUnderstood(n)
	it := &item{unknown: true, plain: true, colsVisible: true}
	return it, []*item{it}
}

// tableItem is a RangeVar in FROM: a WITH query or a relation.
func (b *binding) tableItem(s *scope, rv *ast.RangeVar) *item {
	if rv.Schemaname == "" {
		if c := s.cte(rv.Relname); c != nil {
			return b.cteItem(rv, c)
		}
		if it := b.transitionItem(rv); it != nil {
			return it
		}
	}
	return b.relationItem(rv)
}

// relationItem is a RangeVar that must be a relation: in FROM, or the target of a statement.
func (b *binding) relationItem(rv *ast.RangeVar) *item {
	r, added, ok := b.rangeVar(rv, true)
	b.justMade(int(rv.Location), "the relation "+syntax.QuoteIdent(rv.Relname), rv.Relname, r.rel != nil)
	it := b.planned(&item{name: rv.Relname, relVisible: true, colsVisible: true, bare: rv.Alias == nil, hidden: added})
	if rv.Alias != nil {
		it.name = rv.Alias.Aliasname
	}
	if r.made != nil {
		own := r.made.under(it.name)
		own.bare = it.bare
		b.renameColumns(own, rv.Alias, int(rv.Location))
		return own
	}
	if !ok || r.rel == nil {
		it.unknown, it.plain = true, true
		if ok && b.unsettled.rows {
			b.affected = true
			b.unsupported(int(rv.Location), refusedSeries, "the relation "+syntax.QuoteIdent(rv.Relname), "may hold rows of a table under migration, and has just been made")
		}
		return it
	}
	it.rel, it.table, it.rowType = r.rel, r.table, r.rel.RowType
	b.relationColumns(it, r.rel)
	if !b.listsOther(it, rv) {
		b.renameColumns(it, rv.Alias, int(rv.Location))
	}
	return it
}

// relationColumns gives an item the columns of a relation as the version shows them. Those that the version does not
// have stand in the list without a name: the server would find them.
func (b *binding) relationColumns(it *item, rel *catalog.Relation) {
	it.plain, it.ordered = true, true
	if it.table == nil {
		for i := range rel.Columns {
			c := &rel.Columns[i]
			it.relationColumn(rel, c, c.Name)
		}
		if rel.Schema == "pg_catalog" && rel.Name == "pg_sequences" {
			if c, f := it.column("data_type", inVersion); f == found {
				c.typ = 0 // a regtype that is never the type of rows
			}
		}
		it.named = true
		return
	}
	shown := map[int16]bool{}
	for i := range it.table.Columns {
		lc := &it.table.Columns[i]
		if lc.Reads() != nil {
			b.computedColumn(it, rel, lc)
			it.plain, it.ordered = false, false
			continue
		}
		c := rel.ColumnByNum(lc.Num)
		if c == nil || c.Name != lc.Physical {
			b.unsupported(-1, refusedUnproven, "the table "+rel.Name, "is not as its lens says")
			continue
		}
		shown[lc.Num] = true
		col := it.relationColumn(rel, c, lc.Logical)
		col.table, col.logical, col.mapping = it.table, lc.Logical, lc.Mapping
		if i >= len(rel.Columns) || rel.Columns[i].Num != lc.Num {
			it.plain, it.ordered = false, false
		}
		it.plain = it.plain && lc.Logical == lc.Physical
	}
	for i := range rel.Columns {
		if c := &rel.Columns[i]; !shown[c.Num] {
			it.relationColumn(rel, c, "")
			it.plain, it.ordered = false, false
		}
	}
	it.named = it.plain // an alias gives the columns other names, and not the row's fields
}

func (it *item) relationColumn(rel *catalog.Relation, c *catalog.Column, name string) *column {
	col := it.newColumn(name, c.Name)
	col.typ, col.typmod = c.Type, c.Typmod
	col.relation, col.num, col.known, col.attnum = rel.OID, c.Num, true, c.Num
	return col
}

// renameColumns applies the column list of an alias, which goes by position.
func (b *binding) renameColumns(it *item, alias *ast.Alias, location int) {
	if alias == nil {
		return
	}
	if len(alias.Colnames) > 0 && !it.ordered {
		b.unsupported(location, refusedPosition, "a list of column aliases", "goes by position, and the version's columns are in another order")
		return
	}
	for i, n := range alias.Colnames {
		name := ast.StrVal(n)
		if i < len(it.cols) {
			it.cols[i].name, it.cols[i].physical, it.cols[i].moved = name, name, nil
		} else if it.unknown {
			it.newColumn(name, name)
		}
	}
	if len(alias.Colnames) > 0 {
		it.plain = true
		for _, c := range it.cols {
			it.plain = it.plain && c.name == c.physical
		}
	}
}

// subselectItem is a subquery in FROM. Its labels are kept, so that it is the same inside and out.
func (b *binding) subselectItem(s *scope, r *ast.RangeSubselect) *item {
	b.saw(r)
	b.saw(r.Alias)
	saved := s.lateral
	s.lateral = r.Lateral
	out := b.query(s, r.Subquery)
	s.lateral = saved
	it := b.planned(&item{colsVisible: true})
	if r.Alias != nil {
		it.name, it.relVisible = r.Alias.Aliasname, true
	}
	it.outputColumns(out)
	b.renameColumns(it, r.Alias, -1)
	return it
}

// outputColumns gives an item the columns that a query puts out.
func (it *item) outputColumns(out output) {
	it.plain, it.ordered, it.unknown = true, true, out.unknown
	for _, o := range out.cols {
		c := it.newColumn(o.label, o.label)
		c.typ, c.typmod, c.rows = o.typ, o.typmod, o.rows
		c.relation, c.num, c.known, c.moved = o.relation, o.num, o.known, o.moved
	}
}

// xmlTableItem is XMLTABLE(…).
func (b *binding) xmlTableItem(s *scope, r *ast.RangeTableFunc) *item {
	b.saw(r)
	b.saw(r.Alias)
	it := b.planned(&item{name: "xmltable", relVisible: true, colsVisible: true, plain: true, ordered: true})
	if r.Alias != nil {
		it.name = r.Alias.Aliasname
	}
	saved := s.lateral
	s.lateral = true
	b.expr(s, r.Docexpr)
	b.expr(s, r.Rowexpr)
	for _, n := range r.Namespaces {
		if t := n.GetResTarget(); t != nil {
			b.saw(t)
			b.expr(s, t.Val)
		}
	}
	for _, n := range r.Columns {
		c := n.GetRangeTableFuncCol()
		if c == nil {
			continue
		}
		b.saw(c)
		b.typeName(c.TypeName)
		b.expr(s, c.Colexpr)
		b.expr(s, c.Coldefexpr)
		it.newColumn(c.Colname, c.Colname).known = true
	}
	s.lateral = saved
	b.renameColumns(it, r.Alias, int(r.Location))
	return it
}
