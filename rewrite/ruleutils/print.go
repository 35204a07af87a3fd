package ruleutils

import (
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"

	"github.com/seguedb/segue/catalog"
	"github.com/seguedb/segue/rewrite/ast"
	"github.com/seguedb/segue/rewrite/splice"
	"github.com/seguedb/segue/rewrite/syntax"
)

// PostgreSQL keeps views, rules, policies and the bodies of BEGIN ATOMIC functions as trees, and prints them with the
// names that tables and columns have at the time (ruleutils.c). A Printer turns what it has printed into what it would
// print if the database had the version's names: those names, and all that follows from them, that is the aliases that
// ruleutils adds to tell things apart, the lists of column aliases that keep a USING right, the AS of output columns,
// and the schemas that names need.
//
// The choices of ruleutils are made twice, in the names of the database and in those of the version. The former must
// come out as the text has them; where they do not, or anything else is not understood, the text stays as it is.
type Printer struct {
	Names   *Names
	Kind    Kind
	Rel     *catalog.Relation // of a policy: its table
	Aliases map[string]*Alias // filled by Write
	tokens  *syntax.Tokens
	edits   []splice.Edit
	known   map[int]bool // tokens of which the meaning is known
	params  map[string]catalog.OID
	failed  bool
	quotes  bool // names are in quotes that need none
}

// A Kind is what has been printed.
type Kind byte

// The kinds.
const (
	View      Kind = 'v'
	Rule      Kind = 'r'
	Function  Kind = 'f' // a whole CREATE FUNCTION
	Body      Kind = 'b' // its body alone
	Arguments Kind = 'a' // its arguments alone
	Result    Kind = 't' // the type that it returns
	Policy    Kind = 'p' // an expression over one table
)

// around makes a statement of a text that is a part of one.
var around = map[Kind][2]string{
	View: {}, Rule: {}, Function: {},
	Body:      {"CREATE FUNCTION f(", ") RETURNS int LANGUAGE sql "}, // head between, text behind
	Arguments: {"CREATE FUNCTION f(", ") RETURNS int LANGUAGE sql AS ''"},
	Result:    {"CREATE FUNCTION f() RETURNS ", " LANGUAGE sql AS ''"},
	Policy:    {"SELECT WHERE ", ""},
}

// An Alias is an alias that whoever made the definition has written.
type Alias struct {
	lists [][]string // the names for columns that stand behind it, each list once
	then  [][]string // the names that the columns of what it stands for had when it was written
}

// Write notes an alias of the tree, with the names that were written for its columns and those that these had by then.
func (r *Printer) Write(name string, columns, then []string) {
	a := r.Aliases[name]
	if a == nil {
		a = &Alias{}
		r.Aliases[name] = a
	}
	if !slices.ContainsFunc(a.lists, func(l []string) bool { return slices.Equal(l, columns) }) {
		a.lists = append(a.lists, columns)
	}
	a.then = append(a.then, then)
}

// Print is the text in the version's names; false where that is not certain. head has the arguments of the function
// whose body it is.
func (r *Printer) Print(head, text string) (string, bool) {
	before, after := around[r.Kind][0], around[r.Kind][1]
	if r.Kind == Body {
		before, after = before+head+after, ""
	}
	sql := before + text + after
	tree, err := syntax.Parse(sql)
	if err != nil || len(tree.Stmts) != 1 || r.Names.Path == nil {
		return "", false
	}
	if r.tokens, err = syntax.Scan(sql); err != nil {
		return "", false
	}
	r.known, r.quotes = map[int]bool{}, r.quotesAll()
	r.root(tree.Stmts[0].Stmt)
	r.markFixed()
	if r.failed || !r.allKnown(len(before), len(sql)-len(after)) || splice.Sort(r.edits, len(sql)) != nil {
		return "", false
	}
	if _, err := syntax.Parse(splice.Apply(sql, r.edits)); err != nil {
		return "", false
	}
	own := make([]splice.Edit, 0, len(r.edits))
	for _, e := range r.edits {
		if e.Start -= len(before); e.Start >= 0 {
			e.End -= len(before)
			own = append(own, e)
		}
	}
	return splice.Apply(text, own), true
}

// root walks the statement that the text is.
func (r *Printer) root(n *ast.Node) {
	switch r.Kind {
	case View:
		taken := []string{}
		if r.Names.Catalog.ServerVersion < 160000 {
			taken = []string{"old", "new"} // the entries for rules that views had up to then
		}
		r.selectIn(n.GetSelectStmt(), &printLevel{free: true, taken: taken})
	case Rule:
		r.rule(n.GetRuleStmt())
	case Policy:
		l := &printLevel{entries: []*printEntry{r.tableEntry(r.Rel, "")}}
		l.bare = l.entries[0]
		r.nameEntries(l)
		r.walk(n.GetSelectStmt().GetWhereClause(), l)
	default:
		r.function(n.GetCreateFunctionStmt())
	}
}

// quotesAll reports whether the text was printed with quote_all_identifiers.
func (r *Printer) quotesAll() bool {
	all := false
	for i := range r.tokens.List {
		name, ok := r.tokens.Ident(i)
		if !ok {
			continue
		}
		quoted := strings.HasPrefix(r.tokens.Text(i), `"`)
		if !quoted && r.tokens.Is(i-1, '.') {
			return false
		}
		all = all || quoted && syntax.IsBareIdent(name)
	}
	return all
}

// quote is a name as the text would have it.
func (r *Printer) quote(name string) string {
	if r.quotes {
		return `"` + strings.ReplaceAll(name, `"`, `""`) + `"`
	}
	return syntax.QuoteIdent(name)
}

// quoteEach is quote for each of several names.
func (r *Printer) quoteEach(names []string) []string {
	quoted := make([]string, len(names))
	for i, name := range names {
		quoted[i] = r.quote(name)
	}
	return quoted
}

// unsure gives up.
func (r *Printer) unsure() { r.failed = true }

// replace has the tokens from first to last, which mean something known, printed as with.
func (r *Printer) replace(first, last int, with string) {
	for i := first; i <= last; i++ {
		r.known[i] = true
	}
	start, end := r.tokens.Start(first), r.tokens.End(last)
	if start >= end || end > len(r.tokens.SQL) {
		r.unsure()
		return
	}
	if r.tokens.SQL[start:end] != with {
		r.edits = append(r.edits, splice.Edit{Start: start, End: end, New: with})
	}
}

// expect gives up unless token i is that identifier.
func (r *Printer) expect(i int, name string) {
	if got, ok := r.tokens.Ident(i); !ok || got != name {
		r.unsure()
	}
}

// closing is the token that closes the bracket which token i opens.
func (r *Printer) closing(i int) int {
	depth := 0
	for ; i < r.tokens.Len(); i++ {
		switch {
		case r.tokens.Is(i, '('):
			depth++
		case r.tokens.Is(i, ')'):
			if depth--; depth == 0 {
				return i
			}
		}
	}
	r.unsure()
	return i
}

// markFixed marks the tokens that hold names which do not follow those of tables: output columns and USING lists, named
// windows, constraints and the like, and aliases behind a bracket.
func (r *Printer) markFixed() {
	for i := range r.tokens.List {
		if _, ok := r.tokens.Ident(i); !ok {
			continue
		}
		switch r.tokens.Kind(i - 1) {
		case ast.Token_AS, ast.Token_OVER, ast.Token_WINDOW, ast.Token_CONSTRAINT, ast.Token_COLLATE, ast.Token_RULE, ast.Token_FUNCTION, ast.Token_PROCEDURE:
			r.known[i] = true
		}
		if r.tokens.Is(i-1, ')') || r.tokens.Kind(i+1) == ast.Token_EQUALS_GREATER {
			r.known[i] = true
			r.markList(i + 1)
		}
	}
	for i := range r.tokens.List {
		if r.tokens.Kind(i) == ast.Token_USING {
			r.markList(i + 1)
		}
	}
}

// markList marks a list of identifiers in brackets, if there is one at token i.
func (r *Printer) markList(i int) {
	if !r.tokens.Is(i, '(') {
		return
	}
	for i++; ; i++ {
		if _, ok := r.tokens.Ident(i); !ok {
			return
		}
		r.known[i] = true
		if i++; !r.tokens.Is(i, ',') {
			return
		}
	}
}

// allKnown tells whether each identifier between two offsets that is one of those which change means something known.
func (r *Printer) allKnown(from, to int) bool {
	for i := range r.tokens.List {
		if r.known[i] || r.tokens.Start(i) < from || r.tokens.Start(i) >= to {
			continue
		}
		if name, ok := r.tokens.Ident(i); ok && r.Names.changes(name) {
			return false
		}
	}
	return true
}

// walkList walks each of a list.
func (r *Printer) walkList(list []*ast.Node, l *printLevel) {
	for _, n := range list {
		r.walk(n, l)
	}
}

// walk finds the names in what stands at a level outside FROM.
func (r *Printer) walk(m proto.Message, l *printLevel) {
	switch n := m.(type) {
	case *ast.ColumnRef:
		r.columnRef(n, l)
	case *ast.SelectStmt:
		r.selectIn(n, &printLevel{parent: l})
	case *ast.InsertStmt, *ast.UpdateStmt, *ast.DeleteStmt, *ast.MergeStmt:
		r.modify(n, &printLevel{parent: l})
	case *ast.RangeVar, *ast.CurrentOfExpr:
		r.unsure()
	case *ast.ResTarget:
		r.target(n, l)
	case *ast.MultiAssignRef:
		if n.Colno == 1 { // the parser repeats the source for each column
			r.walk(n.Source, l)
		}
	case *ast.XmlExpr: // its labels are printed whatever they are
		for _, a := range n.NamedArgs {
			r.walk(a.GetResTarget().GetVal(), l)
		}
		r.walkList(n.Args, l)
	case *ast.TypeName:
		r.typeName(n)
	case *ast.TypeCast:
		r.cast(n, l)
	case *ast.A_Indirection:
		r.indirection(n, l)
	case *ast.FuncCall:
		for i := range n.Funcname {
			r.known[r.tokens.At(int(n.Location))+2*i] = true
		}
		ast.EachChild(m, func(m proto.Message) { r.walk(m, l) })
	default:
		ast.EachChild(m, func(m proto.Message) { r.walk(m, l) })
	}
}
