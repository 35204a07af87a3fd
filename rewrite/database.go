package rewrite

import (
	"strings"

	"github.com/seguedb/segue/rewrite/ast"
	"github.com/seguedb/segue/rewrite/charset"
)

// namesElsewhere mirrors what transformColumnRef (parse_expr.c) and ExpandColumnRefStar say of a reference with more names
// than a schema, a table and a column: the first of four must be the database. What is sent in its place may have no database
// in it, so that the server would not look.
func (b *binding) namesElsewhere(ref *ast.ColumnRef) bool {
	if len(ref.Fields) < 4 {
		return false
	}
	names := make([]string, len(ref.Fields))
	for i, n := range ref.Fields {
		if names[i] = ast.StrVal(n); n.GetAStar() != nil {
			names[i] = "*"
		}
	}
	title := strings.Join(names, ".") // NameListToString puts no quotes
	switch {
	case len(names) > 4:
		b.fail("42601", int(ref.Location), true, "improper qualified name (too many dotted names): "+title, "")
	case b.isOtherDatabase(names[0]):
		b.fail(codeRefused, int(ref.Location), true, "cross-database references are not implemented: "+title, "")
	default:
		return false
	}
	return true
}

// ownDatabase asks for the name of the session's database.
const ownDatabase = "SELECT pg_catalog.current_database()::pg_catalog.text"

// isOtherDatabase tells whether a name is not that of the session's database. Where that cannot be known yet the server is
// asked, and the binding is done again.
func (b *binding) isOtherDatabase(name string) bool {
	answer, asked := b.sess.Answers[ownDatabase]
	if !asked {
		b.questions = append(b.questions, ownDatabase)
		return false
	}
	b.statement.asked = append(b.statement.asked, ownDatabase)
	return charset.IsASCII(name) && charset.IsASCII(answer) && name != answer // others would depend on the encoding
}
