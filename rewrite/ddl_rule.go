package rewrite

import (
	"github.com/seguedb/segue/rewrite/ast"
	"github.com/seguedb/segue/rewrite/syntax"
)

// createRule mirrors transformRuleStmt: the condition sees the columns of those of the rows old and new that the event has.
// The actions can only name the rows, both of them, for which of them there are is looked at afterwards.
func (b *binding) createRule(x *ast.RuleStmt) {
	b.saw(x)
	it := b.subject(x.Relation, false)
	if x.Event == ast.CmdType_CMD_SELECT && it.table != nil {
		b.forbid(int(x.Relation.Location), refusedMoving, it.table, "make a view of "+syntax.QuoteIdent(it.table.Logical))
	}
	rows := []*item{it.under("old"), it.under("new")}
	seen := rows
	switch x.Event {
	case ast.CmdType_CMD_INSERT:
		seen = rows[1:]
	case ast.CmdType_CMD_DELETE, ast.CmdType_CMD_SELECT:
		seen = rows[:1]
	}
	b.expr(&scope{items: seen, entries: rows}, x.WhereClause)
	for _, r := range rows {
		r.colsVisible = false
	}
	for _, n := range x.Actions {
		if n.GetNotifyStmt() != nil {
			b.sawAll(n)
			continue
		}
		b.query(&scope{items: rows, rows: rows}, n)
	}
}
