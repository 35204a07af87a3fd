package dynamic

import (
	"regexp"
	"slices"
	"strings"

	"github.com/seguedb/segue/rewrite/ast"
	"github.com/seguedb/segue/rewrite/plpgsql"
	"github.com/seguedb/segue/rewrite/syntax"
)

// variables are those of a PL/pgSQL body of which it is known what they hold: texts that are assigned to them, each of which is an
// expression of the body.
type variables struct {
	source  string
	body    *plpgsql.Body
	trigger bool     // the body is a trigger's
	args    []string // names of the function's arguments

	trees map[int]*ast.Node // what a fragment computes
	steps int               // how often a variable was followed
	fills map[string][]int  // the fragments that a variable gets; empty: it is not known
}

// wordVariables are what a trigger has that are names of tables and words: whoever clears a body sees to it that the names of the
// tables are words, too.
var wordVariables = []string{"tg_table_name", "tg_relname", "tg_table_schema", "tg_op", "tg_when", "tg_level"}

// variable appends what a variable holds.
func (t *holed) variable(name []string) (ok bool) {
	if t.vars == nil || len(name) != 1 {
		return false
	}
	if t.vars.isWord(name[0]) {
		t.leave(wordHole)
		return true
	}
	fills := t.vars.fillsOf(name[0])
	if len(fills) != 1 || t.depth == maxDepth || !t.vars.step() {
		return false
	}
	t.depth++
	defer func() { t.depth-- }()
	return t.add(t.vars.tree(fills[0]))
}

// step reports whether one more variable may be followed: each can stand for another several times.
func (v *variables) step() bool {
	v.steps++
	return v.steps <= maxSteps
}

// isWord reports whether a name is that of a variable that holds a word.
func (v *variables) isWord(name string) bool {
	return v.trigger && slices.Contains(wordVariables, name) && !v.getsSome(name) &&
		!slices.ContainsFunc(v.body.Variables, func(d plpgsql.Variable) bool { return d.Name == name || strings.EqualFold(d.Alias, name) })
}

// texts are what an EXECUTE may execute: what the expression puts out, or what is in the variable that it is.
func (v *variables) texts(n *ast.Node) (out []string, ok bool) {
	nodes := []*ast.Node{n}
	if name := ast.StrVals(n.GetColumnRef().GetFields()); len(name) == 1 {
		if fills := v.fillsOf(name[0]); len(fills) > 0 {
			nodes = nil
			for _, i := range fills {
				nodes = append(nodes, v.tree(i))
			}
		}
	}
	for _, n := range nodes {
		text, ok := v.textOf(n)
		if !ok {
			return nil, false
		}
		out = append(out, text)
	}
	return out, true
}

// fillsOf lists the fragments of which a variable may have the value; none where that is not known.
func (v *variables) fillsOf(name string) []int {
	if fills, known := v.fills[name]; known {
		return fills
	}
	if v.fills == nil {
		v.fills = map[string][]int{}
	}
	v.fills[name] = v.findFills(name)
	return v.fills[name]
}

func (v *variables) findFills(name string) (fills []int) {
	declared := 0
	for _, d := range v.body.Variables {
		if d.Name == name {
			declared++
			if d.Type < 0 || !isText(v.body.Fragments[d.Type].Within(v.source)) {
				return nil
			}
		}
		if d.Alias != "" && syntax.FoldIdent(d.Alias) == name || strings.Trim(d.Alias, `"`) == name {
			return nil
		}
	}
	if declared != 1 || slices.Contains(v.args, name) {
		return nil
	}
	assigned := 0
	for i := range v.body.Fragments {
		f := &v.body.Fragments[i]
		if !slices.Contains(f.Targets, name) {
			continue
		}
		if !f.Strict || f.Dynamic || f.Role != plpgsql.Expression || i == 0 {
			return nil
		}
		switch between := strings.TrimSpace(v.source[v.body.Fragments[i-1].End:f.Start]); {
		case v.body.Fragments[i-1].Role == plpgsql.Type: // what it is declared with
		case v.body.Fragments[i-1].Role == plpgsql.Target && (between == "=" || between == ":="):
			assigned++
		default:
			return nil
		}
		fills = append(fills, i)
	}
	if v.targets(name) != assigned || v.calls() {
		return nil
	}
	return fills
}

// isText reports whether a type keeps a text as it is.
func isText(name string) bool {
	return slices.Contains([]string{"text", "pg_catalog.text", "varchar", "character varying"}, strings.ToLower(name))
}

// targets counts where a name is in a variable, or a part of one, that gets something.
func (v *variables) targets(name string) (n int) {
	for i := range v.body.Fragments {
		f := &v.body.Fragments[i]
		if f.Role != plpgsql.Target {
			continue
		}
		t, err := syntax.Scan(f.Within(v.source))
		if err != nil {
			return -1
		}
		for i := range t.List {
			if ident, ok := t.Ident(i); ok && ident == name || syntax.FoldIdent(t.Text(i)) == name {
				n++
				break
			}
		}
	}
	return n
}

// getsSome reports whether a variable may get something.
func (v *variables) getsSome(name string) bool { return v.targets(name) != 0 || v.calls() }

// calls reports whether a procedure is called, which may change the variables that it is given.
func (v *variables) calls() bool {
	return slices.ContainsFunc(v.body.Fragments, func(f plpgsql.Fragment) bool {
		return f.Role == plpgsql.Statement && len(f.Within(v.source)) > 4 && strings.EqualFold(f.Within(v.source)[:4], "call")
	})
}

// tree is what a fragment computes: an expression, with no table to take it from; nil where that is not known.
func (v *variables) tree(i int) *ast.Node {
	if n, known := v.trees[i]; known {
		return n
	}
	if v.trees == nil {
		v.trees = map[int]*ast.Node{}
	}
	v.trees[i] = v.parse(i)
	return v.trees[i]
}

func (v *variables) parse(i int) *ast.Node {
	tree, err := syntax.ParseAside(v.body.Fragments[i].SQL(v.source))
	if err != nil || len(tree.Stmts) != 1 {
		return nil
	}
	sel := tree.Stmts[0].Stmt.GetSelectStmt()
	if len(sel.GetTargetList()) != 1 || len(sel.FromClause) > 0 || sel.WithClause != nil || sel.IntoClause != nil {
		return nil
	}
	return sel.TargetList[0].GetResTarget().GetVal()
}

// nameOf is what is known of a name that is put out: letters, digits and underscores as they are, and a Hole for what else there is.
func (v *variables) nameOf(n *ast.Node, depth int) string {
	if text, ok := constant(n); ok && words.MatchString(text) {
		return text
	}
	if e := n.GetAExpr(); e != nil && e.Kind == ast.A_Expr_Kind_AEXPR_OP && len(e.Name) == 1 && ast.StrVal(e.Name[0]) == "||" && e.Lexpr != nil {
		return v.nameOf(e.Lexpr, depth) + v.nameOf(e.Rexpr, depth)
	}
	if name := ast.StrVals(n.GetColumnRef().GetFields()); len(name) == 1 && depth < maxDepth && v.step() {
		if fills := v.fillsOf(name[0]); len(fills) == 1 {
			return v.nameOf(v.tree(fills[0]), depth+1)
		}
	}
	return Hole
}

var words = regexp.MustCompile(`^[A-Za-z0-9_]+$`)
