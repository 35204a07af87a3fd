package resolve

import (
	"fmt"
	"slices"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/seguedb/segue/rewrite/ast"
)

// An edit replaces bytes of a text.
type edit struct {
	start, end int
	text       string
}

// qualify writes an expression that the server has printed with an empty search path so that it means the same with any: it
// names the schema of every operator, function, type and collation, and is in ASCII. It is false where that cannot be written,
// because the syntax looks an operator up by itself, or is not known here.
func qualify(printed string) (string, bool) {
	const selecting = "SELECT "
	sql := selecting + printed
	tree, err := ast.Parse(sql)
	if err != nil {
		return "", false
	}
	tokens, err := ast.Scan(sql)
	if err != nil {
		return "", false
	}
	q := &qualifier{sql: sql, tokens: tokens, ok: true}
	each(tree.GetStmts()[0].GetStmt().GetSelectStmt().GetTargetList()[0].ProtoReflect(), q.visit)
	q.constants()
	return strings.TrimPrefix(q.edited(), selecting), q.ok
}

// bare is a printed expression without the table's name before its columns. There must be no query in it, so there is only one table,
// whatever the server calls it: one by the name of new is printed as new_1 in a view.
func bare(printed string) (string, error) {
	const selecting = "SELECT "
	sql := selecting + printed
	tree, err := ast.Parse(sql)
	if err != nil {
		return "", err
	}
	tokens, err := ast.Scan(sql)
	if err != nil {
		return "", err
	}
	q := &qualifier{sql: sql, tokens: tokens}
	each(tree.GetStmts()[0].ProtoReflect(), func(m protoreflect.Message) {
		ref, ok := m.Interface().(*ast.ColumnRef)
		if !ok || len(ref.GetFields()) != 2 {
			return
		}
		if at := q.at(int(ref.GetLocation())); at >= 0 {
			q.edits = append(q.edits, edit{int(ref.GetLocation()), int(tokens[at+2].GetStart()), ""})
		}
	})
	return strings.TrimPrefix(q.edited(), selecting), nil
}

// edited is the text with all edits.
func (q *qualifier) edited() string {
	slices.SortFunc(q.edits, func(a, b edit) int { return b.start - a.start })
	sql := q.sql
	for _, e := range q.edits {
		sql = sql[:e.start] + e.text + sql[e.end:]
	}
	return sql
}

type qualifier struct {
	sql    string
	tokens []*ast.ScanToken
	edits  []edit
	ok     bool
}

func (q *qualifier) visit(m protoreflect.Message) {
	switch n := m.Interface().(type) {
	case *ast.A_Expr:
		q.operator(n)
	case *ast.FuncCall:
		q.prefix(n.GetFuncname(), int(n.GetLocation()))
	case *ast.TypeName:
		q.prefix(n.GetNames(), int(n.GetLocation()))
	case *ast.CollateClause:
		if at := q.at(int(n.GetLocation())); at >= 0 {
			q.prefix(n.GetCollname(), int(q.tokens[at+1].GetStart()))
		}
	case *ast.CaseExpr:
		q.ok = q.ok && n.GetArg() == nil // CASE x WHEN y looks for an = by itself
	case *ast.Node, *ast.ResTarget, *ast.TypeCast, *ast.BoolExpr, *ast.NullTest, *ast.BooleanTest, *ast.CoalesceExpr, *ast.MinMaxExpr, *ast.CaseWhen,
		*ast.A_Const, *ast.ColumnRef, *ast.A_ArrayExpr, *ast.A_Indirection, *ast.A_Indices, *ast.String, *ast.Integer, *ast.Float, *ast.Boolean,
		*ast.BitString, *ast.List:
	default:
		q.ok = false
	}
}

// each calls visit for a message and all that it holds.
func each(m protoreflect.Message, visit func(protoreflect.Message)) {
	visit(m)
	m.Range(func(fd protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		switch {
		case fd.Kind() != protoreflect.MessageKind:
		case fd.IsList():
			for i := range v.List().Len() {
				each(v.List().Get(i).Message(), visit)
			}
		default:
			each(v.Message(), visit)
		}
		return true
	})
}

// operator names the schema of an operator. Parentheses are all there, so that its precedence may change.
func (q *qualifier) operator(n *ast.A_Expr) {
	switch n.GetKind() {
	case ast.A_Expr_Kind_AEXPR_OP, ast.A_Expr_Kind_AEXPR_OP_ANY, ast.A_Expr_Kind_AEXPR_OP_ALL:
	default:
		q.ok = false // it looks for an operator by itself
		return
	}
	at := q.at(int(n.GetLocation()))
	switch names := n.GetName(); {
	case at < 0:
		q.ok = false
	case len(names) == 1:
		t := q.tokens[at]
		name := names[0].GetString_().GetSval()
		q.ok = q.ok && q.sql[t.GetStart():t.GetEnd()] == name
		q.edits = append(q.edits, edit{int(t.GetStart()), int(t.GetEnd()), "OPERATOR(pg_catalog." + name + ")"})
	}
}

// prefix qualifies a name that has no schema.
func (q *qualifier) prefix(names []*ast.Node, location int) {
	if len(names) == 1 && q.at(location) >= 0 {
		q.edits = append(q.edits, edit{location, location, "pg_catalog."})
	}
}

// at finds the token that begins at a byte, or returns -1.
func (q *qualifier) at(location int) int {
	return slices.IndexFunc(q.tokens, func(t *ast.ScanToken) bool { return int(t.GetStart()) == location })
}

// constants writes string constants in ASCII, which is the same in every client's encoding.
func (q *qualifier) constants() {
	for _, t := range q.tokens {
		text := q.sql[t.GetStart():t.GetEnd()]
		switch {
		case ascii(text), t.GetToken() == ast.Token_IDENT: // names of columns are replaced
		case t.GetToken() != ast.Token_SCONST || !strings.HasPrefix(text, "'") || strings.Contains(text, `\`):
			q.ok = false
		default:
			q.edits = append(q.edits, edit{int(t.GetStart()), int(t.GetEnd()), "E" + escaped(text)})
		}
	}
}

func ascii(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r >= 0x80 })
}

func escaped(s string) string {
	var b strings.Builder
	for _, r := range s {
		switch {
		case r < 0x80:
			b.WriteRune(r)
		case r < 0x10000:
			fmt.Fprintf(&b, `\u%04X`, r)
		default:
			fmt.Fprintf(&b, `\U%08X`, r)
		}
	}
	return b.String()
}
