package plpgsql

import (
	"cmp"
	"slices"
	"strings"

	"github.com/seguedb/segue/rewrite/ast"
	"github.com/seguedb/segue/rewrite/syntax"
)

// A Body is how a PL/pgSQL text is made up: where SQL stands in it, and what names it gives to variables. The
// parser mirrors pl_gram.y, whose own port in the parser library keeps neither places nor the types of variables.
type Body struct {
	Fragments []Fragment
	Variables []Variable
	Labels    []string
	Fetches   []Fetch
	Conflict  string // of #variable_conflict: error, use_variable or use_column

	Outside []string // the tokens that belong to no fragment

	Outermost syntax.Span // the bytes of the outermost block
	End       int         // the byte after it, and after a semicolon behind it
	Lead      int         // the number of tokens before it
	Closed    bool        // a semicolon follows it
}

// A Role says what a fragment is.
type Role byte

// The roles.
const (
	Statement  Role = iota // what can stand alone
	Expression             // what can follow SELECT
	Target                 // a variable, or a part of one, that gets a value
	Type                   // the type of a variable
)

// A Fragment is a piece of SQL in a PL/pgSQL text.
type Fragment struct {
	Role       Role
	Start, End int           // bytes of the text
	Prefix     string        // what makes a statement of it
	blank      []syntax.Span // bytes that are not part of the statement: the INTO of a SELECT

	Targets []string // variables that as a whole get what it puts out
	Strict  bool     // it gets one value, and no row: an assignment
	Cursor  string   // the cursor that it is the query of
	Returns bool     // it is what RETURN returns, or the query of RETURN QUERY
	Dynamic bool     // it computes the text of a statement, which puts out what is not known
	Known   bool     // that text is a constant, and was read by whoever has the fragments
	Said    bool     // it is a value in the message of RAISE
	Using   bool     // it is a value for a text that is executed
	Values  []int    // of such a text: the numbers of the fragments that are $1, $2 and so on
}

// A Variable is one declaration.
type Variable struct {
	Name  string
	Type  int    // number of the fragment with its type; -1 where it has none
	Alias string // what it is another name for
	Row   bool   // it is the record of a loop over a cursor
}

// A Fetch has variables filled from a cursor.
type Fetch struct {
	Cursor  string
	Targets []string
}

// SQL is the statement that a fragment makes.
func (f *Fragment) SQL(text string) string {
	s := f.Prefix + text[f.Start:f.End]
	if len(f.blank) == 0 {
		return s
	}
	b := []byte(s)
	for _, r := range f.blank {
		for i := r.From; i < r.To; i++ {
			if b[i-f.Start+len(f.Prefix)] != '\n' {
				b[i-f.Start+len(f.Prefix)] = ' '
			}
		}
	}
	return string(b)
}

// Within is the fragment as it stands in the text.
func (f *Fragment) Within(text string) string { return text[f.Start:f.End] }

// Computes tells whether the body computes the text of statements, other than those that are known.
func (p *Body) Computes() bool {
	return slices.ContainsFunc(p.Fragments, func(f Fragment) bool { return f.Dynamic && !f.Known })
}

// A parser reads a PL/pgSQL text. After something that it does not understand it stands at the end, and has failed.
type parser struct {
	Body
	t      *syntax.Tokens
	i      int // the token at hand
	depth  int
	failed bool
}

// maxDepth bounds how deep statements may be nested.
const maxDepth = 500

// Read takes a PL/pgSQL text apart; ok is false where that cannot be done.
func Read(text string) (body *Body, ok bool) {
	t, err := syntax.Scan(text)
	if err != nil {
		return nil, false
	}
	p := &parser{t: t}
	p.options()
	p.Lead = p.i
	p.statementWithBlock()
	if p.failed {
		return nil, false
	}
	p.Outermost = syntax.Span{From: t.Start(p.Lead), To: t.End(p.i - 1)}
	if p.Closed = p.sign(";"); p.Closed {
		p.i++
	}
	p.End = t.End(p.i - 1)
	if p.i != t.Len() {
		return nil, false
	}
	p.findOutside()
	return &p.Body, true
}

// findOutside collects the tokens that belong to no fragment.
func (p *parser) findOutside() {
	var spans []syntax.Span
	for i := range p.Fragments {
		spans = append(spans, syntax.Span{From: p.Fragments[i].Start, To: p.Fragments[i].End})
	}
	slices.SortFunc(spans, func(a, b syntax.Span) int { return cmp.Compare(a.From, b.From) })
	covered := 0 // the end of those that begin before the token
	for i := range p.t.List {
		for len(spans) > 0 && spans[0].From <= p.t.Start(i) {
			covered = max(covered, spans[0].To)
			spans = spans[1:]
		}
		if p.t.End(i) > covered {
			p.Outside = append(p.Outside, p.t.Text(i))
		}
	}
}

// options reads #option lines at the beginning (comp_options).
func (p *parser) options() {
	for p.sign("#") {
		switch {
		case p.wordAt(p.i+1) == "variable_conflict":
			p.Conflict = p.wordAt(p.i + 2)
		case p.wordAt(p.i+1) == "option", p.wordAt(p.i+1) == "print_strict_params":
		default:
			p.fail()
		}
		p.i += 3
	}
}

// statementWithBlock reads the outermost block.
func (p *parser) statementWithBlock() {
	p.label()
	if !p.is("declare") && !p.is("begin") {
		p.fail()
		return
	}
	p.block()
}

func (p *parser) fail() {
	p.failed, p.i = true, p.t.Len()
}

// wordAt is token i in lower case, if it is a word without quotes.
func (p *parser) wordAt(i int) string {
	text := p.t.Text(i)
	if text == "" || !syntax.IsIdentStart(text[0]) || strings.HasSuffix(text, "'") || strings.HasSuffix(text, `"`) {
		return ""
	}
	return syntax.FoldIdent(text)
}

// is tells whether the token at hand is the word.
func (p *parser) is(word string) bool { return p.wordAt(p.i) == word }

// sign tells whether the token at hand is the operator or the punctuation.
func (p *parser) sign(text string) bool { return p.t.Text(p.i) == text }

// accept reads the word if it comes next.
func (p *parser) accept(word string) bool {
	if !p.is(word) {
		return false
	}
	p.i++
	return true
}

// expect reads what has to come next: a word, or a sign.
func (p *parser) expect(what ...string) {
	for _, w := range what {
		if !p.is(w) && !p.sign(w) {
			p.fail()
			return
		}
		p.i++
	}
}

// reserved are the words that PL/pgSQL reserves (pl_reserved_kwlist.h); the reserved words of SQL are none of them.
var reserved = strings.Fields(`all begin by case declare else end execute for foreach from if in into loop not null
	or strict then to using when while`)

// name reads the name of a variable or a label.
func (p *parser) name() string {
	switch kind := p.t.Kind(p.i); {
	case kind == ast.Token_IDENT || kind == ast.Token_UIDENT:
		name, ok := p.t.Ident(p.i)
		if !ok || slices.Contains(reserved, p.wordAt(p.i)) {
			p.fail()
			return ""
		}
		for end := p.t.IdentEnd(p.i); p.t.End(p.i) < end; {
			p.i++
		}
		p.i++
		return name
	case p.wordAt(p.i) == "" || slices.Contains(reserved, p.wordAt(p.i)):
		p.fail()
		return ""
	}
	p.i++
	return p.wordAt(p.i - 1)
}

// label reads <<name>> if it comes next.
func (p *parser) label() {
	if !p.sign("<<") {
		return
	}
	p.i++
	p.Labels = append(p.Labels, p.name())
	p.expect(">>")
}

// endLabel reads the label that may stand behind END.
func (p *parser) endLabel() {
	if !p.sign(";") && p.i < p.t.Len() {
		p.name()
	}
}

// scan goes to the first of the stops that stands in no brackets (read_sql_construct), and returns the tokens up to it.
func (p *parser) scan(stops ...string) syntax.Span {
	from, depth := p.i, 0
	for ; p.i < p.t.Len(); p.i++ {
		text := p.t.Text(p.i)
		if depth == 0 && (slices.Contains(stops, text) || slices.Contains(stops, p.wordAt(p.i))) {
			return syntax.Span{From: from, To: p.i}
		}
		switch text {
		case "(", "[":
			depth++
		case ")", "]":
			if depth--; depth < 0 {
				p.fail()
			}
		case ";":
			p.fail()
		}
	}
	p.fail()
	return syntax.Span{From: from, To: from}
}

// add makes a fragment of the tokens. There must be one at least.
func (p *parser) add(role Role, in syntax.Span) *Fragment {
	if in.From >= in.To {
		p.fail()
		return &Fragment{}
	}
	f := Fragment{Role: role, Start: p.t.Start(in.From), End: p.t.End(in.To - 1)}
	switch role {
	case Expression, Target:
		f.Prefix = SelectPrefix
	case Type:
		f.Prefix = typePrefix
	}
	p.Fragments = append(p.Fragments, f)
	return &p.Fragments[len(p.Fragments)-1]
}

// What makes a statement of an expression, and of a type.
const (
	SelectPrefix = "SELECT "
	typePrefix   = "CREATE FUNCTION f() RETURNS "
)

// expression reads an expression up to one of the stops, which is left.
func (p *parser) expression(stops ...string) *Fragment {
	return p.add(Expression, p.scan(stops...))
}

// expressions reads a list of expressions between commas, up to one of the stops.
func (p *parser) expressions(stops ...string) {
	for {
		p.expression(append(stops, ",")...)
		if !p.sign(",") {
			return
		}
		p.i++
	}
}

// target reads a variable, or a part of one, that gets a value. A variable as a whole is returned by its name.
func (p *parser) target() (whole string) {
	from := p.i
	whole = p.name()
	for p.sign(".") {
		p.i++
		p.name()
		whole = ""
	}
	p.add(Target, syntax.Span{From: from, To: p.i})
	return whole
}

// targets reads a list of variables that get what a row has, and returns those that get it as a whole.
func (p *parser) targets() (whole []string) {
	for {
		if name := p.target(); name != "" {
			whole = append(whole, name)
		}
		if !p.sign(",") {
			return whole
		}
		p.i++
	}
}

// into reads INTO and what follows it (read_into_target).
func (p *parser) into() (whole []string) {
	p.expect("into")
	p.accept("strict")
	return p.targets()
}
