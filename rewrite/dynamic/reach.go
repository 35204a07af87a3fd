package dynamic

import (
	"strings"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/seguedb/segue/rewrite/ast"
)

// Reach says what the names may be that are not known in a text.
type Reach struct {
	Relations  []string // tables and views, by names in which a Hole stands for anything
	Attributes bool     // one that stands behind a dot as a column does: a function of one argument can be called so
	Anything   bool
}

// add adds what the holes of a statement may be.
func (r *Reach) add(n *ast.Node) {
	holes, known := 0, 0 // nodes that are one; those of which it is known what they may be
	list := func(nodes []*ast.Node) (found int) {
		for _, n := range nodes {
			if isHole(ast.StrVal(n)) {
				found++
			}
		}
		known += found
		return found
	}
	ast.Walk(n, func(m proto.Message) {
		switch x := m.(type) {
		case *ast.String:
			if isHole(x.Sval) {
				holes++
			}
		case *ast.A_Const:
			if isHole(x.GetSval().GetSval()) {
				known++
			}
		case *ast.RangeVar:
			if isHole(x.Relname) { // by itself a schema does not matter: the name of the table is in the text
				r.Relations = append(r.Relations, strings.ReplaceAll(x.Relname, wordHole, Hole))
			}
		case *ast.Alias:
			list(x.Colnames)
		case *ast.ColumnRef:
			if list(x.Fields) > 0 && len(x.Fields) > 1 {
				r.Attributes = true
			}
		case *ast.A_Indirection:
			if list(x.Indirection) > 0 {
				r.Attributes = true
			}
		case *ast.ResTarget:
			list(x.Indirection)
		case *ast.CommonTableExpr:
			list(x.Aliascolnames)
		case *ast.JoinExpr:
			list(x.UsingClause)
		case *ast.NotifyStmt, *ast.ListenStmt, *ast.UnlistenStmt:
		default:
			r.Anything = r.Anything || hasHole(m)
		}
	})
	r.Anything = r.Anything || holes != known
}

// isHole reports whether a name is not known.
func isHole(name string) bool {
	return strings.Contains(name, Hole) || strings.Contains(name, wordHole)
}

// hasHole reports whether a message has a name that is not known, other than in a message within it.
func hasHole(m proto.Message) (found bool) {
	m.ProtoReflect().Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		found = found || f.Kind() == protoreflect.StringKind && !f.IsList() && isHole(v.String())
		return !found
	})
	return found
}
