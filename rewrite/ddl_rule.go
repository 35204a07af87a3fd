package rewrite

import "github.com/seguedb/segue/rewrite/ast"

// createRule mirrors transformRuleStmt: the condition sees the columns of the rows old and new, the actions can only
// name them.
func (b *binding) createRule(x *ast.RuleStmt) {
	b.saw(x)
	it := b.subject(x.Relation, false)
	if x.Event == ast.CmdType_CMD_SELECT && it.table != nil && b.carriesTarget(it.table.OID) != nil {
		b.forbid(int(x.Relation.Location), refusedMoving, it.table, "make a view of "+quoteIdent(it.table.Logical))
	}
	var rows []*item
	if x.Event != ast.CmdType_CMD_INSERT {
		rows = append(rows, it.under("old"))
	}
	if x.Event == ast.CmdType_CMD_INSERT || x.Event == ast.CmdType_CMD_UPDATE {
		rows = append(rows, it.under("new"))
	}
	b.expr(&scope{items: rows}, x.WhereClause)
	for _, r := range rows {
		r.colsVisible = false
	}
	for _, n := range x.Actions {
		if n.GetNotifyStmt() != nil {
			b.sawAll(n)
			continue
		}
		b.query(&scope{items: rows}, n)
	}
}
