package rewrite

import (
	"slices"
	"strings"

	"github.com/seguedb/segue/catalog"
	"github.com/seguedb/segue/rewrite/ast"
	"github.com/seguedb/segue/rewrite/syntax"
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
	if it.table != nil && x.Row && x.Timing&triggerBefore != 0 && b.isChanged(it.table.OID) {
		b.forbid(-1, refusedMoving, it.table, "make a trigger BEFORE each row of "+syntax.QuoteIdent(it.table.Logical)+": those that keep changed columns in step were made without it")
	}
	source := ""
	if it.table != nil && !it.table.Identity || len(x.Args) > 0 && b.affected {
		source = b.triggerSource(x)
	}
	if it.table != nil {
		b.triggerFunction(x, it.table, source)
		if slices.Contains(b.branchless[ast.LastName(x.Funcname)], it.table) {
			b.triggerRefused(x, "could not be made for "+syntax.QuoteIdent(it.table.Logical))
		}
	}
	b.triggerArguments(x, it.table, source)
}

// triggerBefore is TRIGGER_TYPE_BEFORE (pg_trigger.h).
const triggerBefore = 1 << 1

// updateOf are the tokens of the columns of UPDATE OF.
func (b *binding) updateOf(n int) []int {
	all := b.whole()
	i := b.find(all, ast.Token_OF)
	if i == all.To {
		return nil
	}
	var first []int
	for i++; len(first) < n; i = b.afterIdent(i) + 1 {
		first = append(first, i)
	}
	return first
}

// triggerArguments sees to arguments that name what moves. They are kept as text, and the function takes them for the names
// in the database, as tsvector_update_trigger does. Those that name columns for sure are written so, and those that are
// only put into messages stay; others are refused.
func (b *binding) triggerArguments(x *ast.CreateTrigStmt, t *rules.TableLens, source string) {
	names := b.columnArguments(x)
	for i, n := range x.Args {
		switch {
		case names != nil && !names(i):
		case names != nil && t != nil:
			b.columnArgument(x, i, t)
		case source != "" && saysArguments(source):
		default:
			b.argumentInDoubt(ast.StrVal(n), t)
		}
	}
}

// columnArguments tells of a function that PostgreSQL ships which of its arguments name columns of the table
// (tsvector_update_trigger in tsvector_op.c): the first, those behind the second, and the second itself where it names one.
// nil for any other function.
func (b *binding) columnArguments(x *ast.CreateTrigStmt) func(i int) bool {
	name := ast.StrVals(x.Funcname)
	if slices.ContainsFunc(b.functions(name), func(f *catalog.Function) bool { return f.Schema != "pg_catalog" }) {
		return nil
	}
	switch {
	case ast.IsBuiltin(name, "tsvector_update_trigger"):
		return func(i int) bool { return i != 1 }
	case ast.IsBuiltin(name, "tsvector_update_trigger_column"):
		return func(int) bool { return true }
	}
	return nil
}

// columnArgument writes the name that a column has in the database.
func (b *binding) columnArgument(x *ast.CreateTrigStmt, i int, t *rules.TableLens) {
	text := ast.StrVal(x.Args[i])
	c := t.Column(text)
	switch {
	case c == nil:
		if slices.ContainsFunc(t.Columns, func(c rules.ColumnLens) bool { return c.Physical == text }) {
			b.unsupported(-1, refusedString, "an argument of the trigger", "names "+syntax.QuoteIdent(text)+", which the version does not have")
		}
		return
	case c.Reads() != nil:
		b.notAName(text, -1, "an argument of a trigger")
		return
	case c.Physical == text:
		b.use(t, text)
		return
	}
	b.use(t, text)
	open := b.part(b.functionToken(), len(x.Funcname)-1) + 1
	at := b.elements(open)
	if !b.tokens.Is(open, '(') || i >= len(at) || strings.Contains(c.Physical, `\`) {
		b.misplaced(-1, text)
		return
	}
	b.replace(b.tokens.Start(at[i]), b.tokens.IdentEnd(at[i]), syntax.QuoteLiteral(c.Physical), func() { x.Args[i] = stringNode(c.Physical) })
}

// argumentInDoubt refuses an argument with the name of a table or a column that moves.
func (b *binding) argumentInDoubt(text string, t *rules.TableLens) {
	b.refuseNamesInText(text, -1, "an argument of the trigger")
	if t == nil {
		return
	}
	for _, c := range t.Columns {
		if c.Logical != c.Physical && (text == c.Logical || text == c.Physical) {
			b.unsupported(-1, refusedString, "an argument of the trigger", "names "+syntax.QuoteIdent(c.Logical)+" in a string")
		}
	}
}
