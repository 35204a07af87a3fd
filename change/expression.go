package change

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/seguedb/segue/rewrite/ast"
)

// An expression is SQL over the columns of one side of a change.
type expression struct {
	text  string
	alias string
	side  []Column
	refs  []reference // in the order of the text; none where nested
	// nested says that the text has a query within it, so that PostgreSQL alone knows which names are columns of the row.
	nested bool
	shares []int // where FOR SHARE belongs
}

// A reference is a column of the side as the text names it.
type reference struct {
	start, end int // bytes of the text
	column     int // in side
}

const selecting = "SELECT "

// readExpression parses an expression and finds the columns in it.
func readExpression(text, alias string, side []Column) (*expression, error) {
	tree, err := ast.Parse(selecting + text)
	if err != nil {
		return nil, err
	}
	target, err := onlyTarget(tree)
	if err != nil {
		return nil, err
	}
	e := &expression{text: text, alias: alias, side: side}
	tokens, err := ast.Scan(selecting + text)
	if err != nil {
		return nil, err
	}
	for _, tok := range tokens {
		if tok.Token == ast.Token_SQL_COMMENT || tok.Token == ast.Token_C_COMMENT {
			return nil, errors.New("a comment cannot be part of it")
		}
	}
	var columns []*ast.ColumnRef
	eachMessage(target.ProtoReflect(), func(m protoreflect.Message) {
		switch n := m.Interface().(type) {
		case *ast.SubLink:
			e.nested = true
			if end := closing(selecting+text, tokens, int(n.GetLocation())); end > 0 {
				e.shares = append(e.shares, end-len(selecting))
			}
		case *ast.ColumnRef:
			columns = append(columns, n)
		case *ast.ParamRef:
			err = errors.New("a parameter cannot be part of it")
		}
	})
	slices.Sort(e.shares)
	if err != nil || e.nested {
		return e, err
	}
	for _, n := range columns {
		if err := e.refer(n, tokens); err != nil {
			return nil, err
		}
	}
	slices.SortFunc(e.refs, func(a, b reference) int { return a.start - b.start })
	return e, nil
}

// onlyTarget returns the expression of a SELECT that has nothing else.
func onlyTarget(tree *ast.ParseResult) (*ast.Node, error) {
	problem := errors.New("it is not one expression")
	if len(tree.GetStmts()) != 1 {
		return nil, problem
	}
	s := tree.GetStmts()[0].GetStmt().GetSelectStmt()
	if s == nil || len(s.GetTargetList()) != 1 || len(s.GetFromClause()) > 0 || s.GetWhereClause() != nil || len(s.GetGroupClause()) > 0 ||
		s.GetHavingClause() != nil || len(s.GetWindowClause()) > 0 || len(s.GetSortClause()) > 0 || s.GetLimitCount() != nil ||
		s.GetLimitOffset() != nil || len(s.GetLockingClause()) > 0 || s.GetIntoClause() != nil || len(s.GetDistinctClause()) > 0 || s.GetLarg() != nil {
		return nil, problem
	}
	target := s.GetTargetList()[0].GetResTarget()
	if target.GetName() != "" {
		return nil, problem
	}
	return target.GetVal(), nil
}

// An unknownColumn is a name that no column of the side has.
type unknownColumn struct {
	name string
	side []Column
}

func (e *unknownColumn) Error() string { return e.name + " is not a column of the change" }

// refer notes a reference to a column: a name, or a name behind that of the table.
func (e *expression) refer(n *ast.ColumnRef, tokens []*ast.ScanToken) error {
	var names []string
	for _, f := range n.GetFields() {
		s := f.GetString_()
		if s == nil {
			return errors.New("a row as a whole cannot be part of it")
		}
		names = append(names, s.GetSval())
	}
	if len(names) > 2 || len(names) == 2 && names[0] != e.alias {
		return fmt.Errorf("%s is not a column of the change", strings.Join(names, "."))
	}
	at := slices.IndexFunc(e.side, func(c Column) bool { return c.Name == names[len(names)-1] })
	if at < 0 {
		return &unknownColumn{names[len(names)-1], e.side}
	}
	first := slices.IndexFunc(tokens, func(t *ast.ScanToken) bool { return t.GetStart() == n.GetLocation() })
	if first < 0 {
		return errors.New("a name in it cannot be found")
	}
	last := tokens[first+2*(len(names)-1)]
	e.refs = append(e.refs, reference{int(n.GetLocation()) - len(selecting), int(last.GetEnd()) - len(selecting), at})
	return nil
}

// closing finds the parenthesis that closes the first one that opens at or after a location, or returns 0.
func closing(sql string, tokens []*ast.ScanToken, location int) int {
	depth := 0
	for _, t := range tokens {
		if int(t.GetStart()) < location {
			continue
		}
		switch sql[t.GetStart():t.GetEnd()] {
		case "(":
			depth++
		case ")":
			if depth--; depth == 0 {
				return int(t.GetStart())
			}
		}
	}
	return 0
}

// over is the text with each column replaced by what value gives for it.
func (e *expression) over(share bool, value func(column int) string) string {
	if e.nested {
		return e.nest(share, value)
	}
	var b strings.Builder
	at := 0
	for _, r := range e.refs {
		b.WriteString(e.text[at:r.start])
		b.WriteString(value(r.column))
		at = r.end
	}
	b.WriteString(e.text[at:])
	return "(" + b.String() + ")"
}

// nest puts the text into a query over one row that has the columns and the table's name.
func (e *expression) nest(share bool, value func(column int) string) string {
	text := e.text
	if share {
		for _, at := range slices.Backward(e.shares) {
			text = text[:at] + " FOR SHARE" + text[at:]
		}
	}
	values := make([]string, len(e.side))
	for i, col := range e.side {
		values[i] = value(i) + " AS " + quote(col.Name)
	}
	return "(SELECT " + text + " FROM (SELECT " + strings.Join(values, ", ") + ") AS " + quote(e.alias) + ")"
}

// eachMessage calls visit for a message and all that it holds.
func eachMessage(m protoreflect.Message, visit func(protoreflect.Message)) {
	visit(m)
	m.Range(func(fd protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		switch {
		case fd.Kind() != protoreflect.MessageKind:
		case fd.IsList():
			for i := range v.List().Len() {
				eachMessage(v.List().Get(i).Message(), visit)
			}
		default:
			eachMessage(v.Message(), visit)
		}
		return true
	})
}
