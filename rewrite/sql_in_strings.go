package rewrite

import (
	"errors"
	"slices"

	"github.com/seguedb/segue/catalog"
	"github.com/seguedb/segue/rewrite/ast"
)

// queryFunctions run a query that they are given as text, and say which argument it is. With another number of arguments
// than those listed they are something else.
var queryFunctions = map[string]struct {
	query int
	args  []int
}{
	"query_to_xml":               {0, []int{4}},
	"query_to_xmlschema":         {0, []int{4}},
	"query_to_xml_and_xmlschema": {0, []int{4}},
	"ts_stat":                    {0, []int{1, 2}},
	"ts_rewrite":                 {1, []int{2}},
}

// queryCall binds the query in a call of one of them. It tells whether the call is one with a query that it could bind.
func (b *binding) queryCall(f *ast.FuncCall, name []string) bool {
	last := lastString(f.Funcname)
	q, ok := queryFunctions[last]
	users := func(f *catalog.Function) bool { return f.Schema != "pg_catalog" }
	if !ok || !isBuiltin(name, last) || slices.ContainsFunc(b.functions(name), users) {
		return false
	}
	if last == "ts_rewrite" && len(f.Args) == 3 {
		return true // its text is no query
	}
	if !slices.Contains(q.args, len(f.Args)) || b.catalogs.stored || b.unsettled.any() {
		return false // what is stored must not hold names that the next transition takes away
	}
	query := f.Args[q.query]
	for c := query.GetTypeCast(); c != nil && isBuiltin(stringsOf(c.TypeName.GetNames()), "text"); c = query.GetTypeCast() {
		query = c.Arg
	}
	k := query.GetAConst()
	return k.GetSval() != nil && b.queryInString(k)
}

// queryInString binds a constant that is the text of a query, in the same session and version as the statement, and
// splices what that becomes. What the query puts out keeps its labels. ok is false where it is not a query that could be
// sent by itself.
func (b *binding) queryInString(k *ast.A_Const) (ok bool) {
	text := k.GetSval().Sval
	tokens, err := scanTokens(text)
	if err != nil {
		return false
	}
	tree, err := ast.Parse(text)
	if err != nil || len(tree.Stmts) != 1 || tree.Stmts[0].Stmt.GetSelectStmt() == nil {
		return false
	}
	in := *b.bindInput
	in.sql, in.tree, in.tokens = text, tree, tokens
	bound, err := bind(&in)
	var need *NeedRelation
	if errors.As(err, &need) {
		for _, key := range need.Names {
			_, _ = b.ask(key)
		}
		b.questions = append(b.questions, need.Questions...)
		return true
	}
	if err != nil || bound.statements[0].Failure != nil {
		return false
	}
	edits := bound.edits
	separate(text, edits)
	sent := applyEdits(text, edits)
	if again, err := ast.Parse(sent); err != nil || !sameTree(again, bound.tree) {
		return false
	}
	b.statement.asked = append(b.statement.asked, bound.statements[0].asked...)
	for _, oid := range bound.statements[0].Tables {
		b.concern(b.lens.Table(oid))
	}
	for _, u := range bound.statements[0].Uses {
		b.use(b.lens.Table(u.Table), u.Column)
	}
	if sent != text {
		b.replaceString(k, sent)
	}
	return true
}
