package rewrite

import "github.com/seguedb/segue/rewrite/ast"

// publication binds the tables of CREATE PUBLICATION and ALTER PUBLICATION, with their columns and conditions.
func (b *binding) publication(objects []*ast.Node) {
	for _, n := range objects {
		o := n.GetPublicationObjSpec()
		if o == nil {
			b.notUnderstood(n)
			continue
		}
		b.saw(o)
		t := o.Pubtable
		if t == nil {
			continue // all tables of a schema
		}
		b.saw(t)
		it := b.subject(t.Relation, false)
		b.nameList(t.Columns, b.afterName(t.Relation), it, -1, columnOfRelation)
		b.expr(&scope{items: []*item{it}}, t.WhereClause)
	}
}
