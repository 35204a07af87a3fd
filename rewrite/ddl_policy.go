package rewrite

import "github.com/seguedb/segue/rewrite/ast"

// policy binds the conditions of CREATE POLICY and ALTER POLICY.
func (b *binding) policy(table *ast.RangeVar, conditions ...*ast.Node) {
	s := &scope{items: []*item{b.subject(table, false)}}
	b.unplaced(func() { b.exprs(s, conditions) })
}
