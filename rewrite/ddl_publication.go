package rewrite

import "github.com/seguedb/segue/rewrite/ast"

// publication binds the tables of CREATE PUBLICATION and ALTER PUBLICATION, with their columns and conditions. Where they
// are dropped these are no good, and the server says so.
func (b *binding) publication(objects []*ast.Node, drop bool) {
	var tables []*ast.PublicationTable
	var items []*item
	for _, n := range objects {
		o := n.GetPublicationObjSpec()
		if o == nil {
			b.notUnderstood(n)
			continue
		}
		b.saw(o)
		if t := o.Pubtable; t != nil { // else it is all tables of a schema
			b.saw(t)
			tables, items = append(tables, t), append(items, b.subject(t.Relation, false))
		}
	}
	for i, t := range tables {
		for k := range i {
			b.publishedTwice(items[i], t, tables[k], items[k])
		}
	}
	for i, t := range tables {
		if drop {
			b.sawAll(t.WhereClause)
			b.sawEach(t.Columns)
			continue
		}
		b.nameList(t.Columns, b.afterName(t.Relation), items[i], -1, columnOfRelation)
		b.expr(&scope{items: []*item{items[i]}}, t.WhereClause)
	}
}

// publishedTwice mirrors the check of OpenTableList (publicationcmds.c), which comes before columns are looked up.
func (b *binding) publishedTwice(it *item, t, other *ast.PublicationTable, otherItem *item) {
	if it.rel == nil || it.rel != otherItem.rel {
		return
	}
	what := ""
	switch {
	case t.WhereClause != nil || other.WhereClause != nil:
		what = "WHERE clauses"
	case len(t.Columns) > 0 || len(other.Columns) > 0:
		what = "column lists"
	default:
		return
	}
	b.fail("42710", -1, true, "conflicting or redundant "+what+` for table "`+b.nameInVersion(it)+`"`, "")
}
