package resolve

import (
	"regexp"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/seguedb/segue/rewrite/ast"
)

// keepsNull reports whether an expression is known to be NULL exactly where a column is that it reads: it is calculated by operators,
// casts and functions that are, and from constants that are not NULL.
func keepsNull(printed string, u *uses) bool {
	const selecting = "SELECT "
	tree, err := ast.Parse(selecting + printed)
	if err != nil {
		return false
	}
	keeps := true
	each(tree.GetStmts()[0].GetStmt().GetSelectStmt().GetTargetList()[0].ProtoReflect(), func(m protoreflect.Message) {
		switch n := m.Interface().(type) {
		case *ast.A_Expr:
			keeps = keeps && n.GetKind() == ast.A_Expr_Kind_AEXPR_OP
		case *ast.A_Const:
			keeps = keeps && !n.GetIsnull()
		case *ast.Node, *ast.ResTarget, *ast.TypeCast, *ast.TypeName, *ast.FuncCall, *ast.ColumnRef,
			*ast.String, *ast.Integer, *ast.Float, *ast.Boolean:
		default:
			keeps = false
		}
	})
	for _, f := range u.functions {
		keeps = keeps && f.schema == "pg_catalog" && f.strict && f.plain && neverNull.MatchString(f.name)
	}
	return keeps
}

// neverNull are functions of PostgreSQL's that give no NULL for what is not NULL, where they take and give numbers, texts, dates and
// times. Others do: substring for a pattern that does not match, scale for NaN.
var neverNull = regexp.MustCompile(`^(` +
	`(int|float)[248]{1,2}(pl|mi|mul|div|mod|um|up|abs)|numeric_(add|sub|mul|div|mod|uminus|uplus|abs)|` + // operators
	`int2|int4|int8|float4|float8|numeric|text|varchar|date|timestamp|timestamptz|` + // casts
	`round|trunc|floor|ceil|ceiling|abs|sign|` +
	`textcat|upper|lower|initcap|btrim|ltrim|rtrim|length|char_length|character_length|substr|left|right|lpad|rpad|replace|translate|reverse|repeat|split_part|md5` +
	`)$`)
