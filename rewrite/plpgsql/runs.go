package plpgsql

import (
	"strconv"
	"strings"

	"github.com/seguedb/segue/rewrite/ast"
	"github.com/seguedb/segue/rewrite/syntax"
)

// RunsOnly tells which parameters of a PL/pgSQL function serve for nothing but to be executed: every mention of one is the
// whole text of an EXECUTE, or stands there behind EXPLAIN, as in format('EXPLAIN %s', query). names are those of the
// parameters, "" where one has none. Where the body cannot be taken apart, no parameter does.
func RunsOnly(source string, names []string) []bool {
	runs := make([]bool, len(names))
	read, ok := Read(source)
	if !ok {
		return runs
	}
	t, err := syntax.Scan(source)
	if err != nil {
		return runs
	}
	executed := make([]int, len(names))
	for i := range read.Fragments {
		f := &read.Fragments[i]
		if !f.Dynamic {
			continue
		}
		if n := parameterAt(executedText(f.SQL(source)), names); n >= 0 {
			executed[n]++
		}
	}
	for n, name := range names {
		runs[n] = executed[n] > 0 && executed[n] == mentions(t, name, n)
	}
	return runs
}

// executedText is what gives an EXECUTE its text, without the EXPLAIN before it; nil where that is no single thing.
func executedText(fragment string) *ast.Node {
	tree, err := syntax.Parse(fragment)
	if err != nil || len(tree.Stmts) != 1 {
		return nil
	}
	targets := tree.Stmts[0].Stmt.GetSelectStmt().GetTargetList()
	if len(targets) != 1 {
		return nil
	}
	text := targets[0].GetResTarget().GetVal()
	if e := text.GetAExpr(); e != nil && e.Kind == ast.A_Expr_Kind_AEXPR_OP && ast.LastName(e.Name) == "||" && len(e.Name) == 1 {
		if !isExplainPrefix(e.Lexpr.GetAConst().GetSval().GetSval()) {
			return nil
		}
		return e.Rexpr
	}
	if f := text.GetFuncCall(); f != nil && ast.IsBuiltin(ast.StrVals(f.Funcname), "format") && len(f.Args) == 2 {
		before, ok := strings.CutSuffix(f.Args[0].GetAConst().GetSval().GetSval(), "%s")
		if !ok || strings.Contains(before, "%") || before != "" && !isExplainPrefix(before) {
			return nil
		}
		return f.Args[1]
	}
	return text
}

// isExplainPrefix tells whether a text makes an EXPLAIN of the statement that follows it.
func isExplainPrefix(prefix string) bool {
	tree, err := syntax.Parse(prefix + "SELECT 1")
	return err == nil && len(tree.Stmts) == 1 && tree.Stmts[0].Stmt.GetExplainStmt().GetQuery().GetSelectStmt() != nil
}

// parameterAt is the place of the parameter that an expression is, or -1.
func parameterAt(n *ast.Node, names []string) int {
	if p := n.GetParamRef(); p != nil && int(p.Number) <= len(names) {
		return int(p.Number) - 1
	}
	if fields := n.GetColumnRef().GetFields(); len(fields) == 1 {
		for i, name := range names {
			if name != "" && name == ast.StrVal(fields[0]) {
				return i
			}
		}
	}
	return -1
}

// mentions counts how often a body may mean parameter n, which may have a name, too. Whatever has that name counts.
func mentions(t *syntax.Tokens, name string, n int) (count int) {
	for i := range t.List {
		switch t.Kind(i) {
		case ast.Token_PARAM:
			if t.Text(i) == "$"+strconv.Itoa(n+1) {
				count++
			}
		default:
			returned := name == "query" && i > 0 && syntax.FoldIdent(t.Text(i-1)) == "return" // RETURN QUERY
			if ident, ok := t.Ident(i); ok && name != "" && ident == name && !returned {
				count++
			}
		}
	}
	return count
}
