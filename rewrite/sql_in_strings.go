package rewrite

import (
	"errors"
	"slices"

	"github.com/seguedb/segue/catalog"
	"github.com/seguedb/segue/rewrite/ast"
	"github.com/seguedb/segue/rewrite/splice"
	"github.com/seguedb/segue/rewrite/syntax"
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
	last := ast.LastName(f.Funcname)
	q, ok := queryFunctions[last]
	users := func(f *catalog.Function) bool { return f.Schema != "pg_catalog" }
	if !ok || !ast.IsBuiltin(name, last) || slices.ContainsFunc(b.functions(name), users) {
		return false
	}
	if last == "ts_rewrite" && len(f.Args) == 3 {
		return true // its text is no query
	}
	if !slices.Contains(q.args, len(f.Args)) || b.catalogs.stored || b.unsettled.any() {
		return false // what is stored must not hold names that the next transition takes away
	}
	k := textConstant(f.Args[q.query])
	return k != nil && b.queryInString(k)
}

// queryInString binds a constant that is the text of a query, in the same session and version as the statement, and
// splices what that becomes. What the query puts out keeps its labels. ok is false where it is not a query that could be
// sent by itself.
func (b *binding) queryInString(k *ast.A_Const) (ok bool) {
	isSelect := func(n *ast.Node) bool { return n.GetSelectStmt() != nil }
	bound, sent := b.textInString(k, isSelect)
	if bound == nil || bound.statements[0].Failure != nil {
		return false
	}
	b.takeText(k, bound, sent)
	return true
}

// textInString binds a constant that is the text of one statement, and returns what that becomes. It is nil where it is no
// statement that can be read, or none that is wanted, or cannot be proved. Where the server has to be asked first, the
// binding is done again, and what is returned now does not matter.
func (b *binding) textInString(k *ast.A_Const, wanted func(*ast.Node) bool) (out *bound, sent string) {
	if b.within >= maxWithin {
		return nil, ""
	}
	text := k.GetSval().Sval
	tokens, err := syntax.Scan(text)
	if err != nil {
		return nil, ""
	}
	tree, err := syntax.Parse(text)
	if err != nil || len(tree.Stmts) != 1 || !wanted(tree.Stmts[0].Stmt) {
		return nil, ""
	}
	in := b.inside(text, tree, tokens)
	out, err = bind(&in)
	var need *NeedRelation
	if errors.As(err, &need) {
		for _, key := range need.Names {
			_, _ = b.ask(key)
		}
		b.questions = append(b.questions, need.Questions...)
		return &bound{statements: make([]Statement, 1)}, text
	}
	if err != nil {
		return nil, ""
	}
	if out.statements[0].Failure != nil {
		return out, text
	}
	splice.Separate(text, out.edits)
	sent = splice.Apply(text, out.edits)
	if again, err := syntax.Parse(sent); err != nil || !sameTree(again, out.tree) {
		return nil, ""
	}
	return out, sent
}

// takeText has the statement concern what a text in it concerns, and puts what the text becomes in its place.
func (b *binding) takeText(k *ast.A_Const, bound *bound, sent string) {
	s := &bound.statements[0]
	b.statement.asked = append(b.statement.asked, s.asked...)
	for _, oid := range s.Tables {
		b.concern(b.lens.Table(oid))
	}
	for _, u := range s.Uses {
		b.use(b.lens.Table(u.Table), u.Column)
	}
	if sent != k.GetSval().Sval {
		b.replaceString(k, sent)
	}
}

// textConstant is the constant of a text that is written as it is, or cast to text.
func textConstant(n *ast.Node) *ast.A_Const {
	for c := n.GetTypeCast(); c != nil && ast.IsBuiltin(ast.StrVals(c.TypeName.GetNames()), "text"); c = n.GetTypeCast() {
		n = c.Arg
	}
	if k := n.GetAConst(); k.GetSval() != nil {
		return k
	}
	return nil
}
