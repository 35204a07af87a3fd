package rewrite

import (
	"github.com/seguedb/segue/rewrite/ast"
	"github.com/seguedb/segue/rules"
)

// createTrigger binds CREATE TRIGGER: UPDATE OF, and WHEN, which sees the rows old and new.
func (b *binding) createTrigger(x *ast.CreateTrigStmt) {
	b.saw(x)
	b.sawEach(x.TransitionRels)
	it := b.subject(x.Relation, false)
	b.existing(x.Constrrel, false)
	if len(x.Columns) > 0 {
		b.names(x.Columns, b.updateOf(len(x.Columns)), it, -1, columnOfRelation)
	}
	b.expr(&scope{items: []*item{it.under("old"), it.under("new")}}, x.WhenClause)
	b.triggerArguments(x, it.table)
}

// updateOf are the tokens of the columns of UPDATE OF.
func (b *binding) updateOf(n int) []int {
	all := b.whole()
	i := b.find(all, ast.Token_OF)
	if i == all.to {
		return nil
	}
	var first []int
	for i++; len(first) < n; i = b.afterIdent(i) + 1 {
		first = append(first, i)
	}
	return first
}

// triggerArguments refuses arguments that name what moves: they are kept as text, and the function may take them for
// the names in the database, as tsvector_update_trigger does.
func (b *binding) triggerArguments(x *ast.CreateTrigStmt, t *rules.TableLens) {
	for _, n := range x.Args {
		text := stringOf(n)
		b.refuseNamesInText(text, -1, "an argument of the trigger")
		if t == nil {
			continue
		}
		for _, c := range t.Columns {
			if c.Logical != c.Physical && (text == c.Logical || text == c.Physical) {
				b.unsupported(-1, refusedString, "an argument of the trigger", "names "+quoteIdent(c.Logical)+" in a string")
			}
		}
	}
}
