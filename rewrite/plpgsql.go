package rewrite

import (
	"cmp"
	"slices"
	"strings"

	"github.com/seguedb/segue/rewrite/ast"
	"github.com/seguedb/segue/rewrite/syntax"
)

// A plBody is how a PL/pgSQL text is made up: where SQL stands in it, and what names it gives to variables. The
// parser mirrors pl_gram.y, whose own port in the parser library keeps neither places nor the types of variables.
type plBody struct {
	fragments []plFragment
	variables []plVariable
	labels    []string
	fetches   []plFetch
	conflict  string // of #variable_conflict: error, use_variable or use_column

	outside []string // the tokens that belong to no fragment

	outermost syntax.Span // the bytes of the outermost block
	end       int         // the byte after it, and after a semicolon behind it
	lead      int         // the number of tokens before it
	closed    bool        // a semicolon follows it
}

// A plRole says what a fragment is.
type plRole byte

const (
	plStatement  plRole = iota
	plExpression        // what can follow SELECT
	plTarget            // a variable, or a part of one, that gets a value
	plType              // the type of a variable
)

// A plFragment is a piece of SQL in a PL/pgSQL text.
type plFragment struct {
	role       plRole
	start, end int           // bytes of the text
	prefix     string        // what makes a statement of it
	blank      []syntax.Span // bytes that are not part of the statement: the INTO of a SELECT

	targets []string // variables that as a whole get what it puts out
	strict  bool     // it gets one value, and no row: an assignment
	cursor  string   // the cursor that it is the query of
	returns bool     // it is what RETURN returns, or the query of RETURN QUERY
	dynamic bool     // it computes the text of a statement, which puts out what is not known
	text    *body    // that text where it is a constant
	said    bool     // it is a value in the message of RAISE
	using   bool     // it is a value for a text that is executed
}

// A plVariable is one declaration.
type plVariable struct {
	name  string
	typ   int    // number of the fragment with its type; -1 where it has none
	alias string // what it is another name for
	row   bool   // it is the record of a loop over a cursor
}

// A plFetch has variables filled from a cursor.
type plFetch struct {
	cursor  string
	targets []string
}

// sql is the statement that a fragment makes.
func (f *plFragment) sql(text string) string {
	s := f.prefix + text[f.start:f.end]
	if len(f.blank) == 0 {
		return s
	}
	b := []byte(s)
	for _, r := range f.blank {
		for i := r.From; i < r.To; i++ {
			if b[i-f.start+len(f.prefix)] != '\n' {
				b[i-f.start+len(f.prefix)] = ' '
			}
		}
	}
	return string(b)
}

// within is the fragment as it stands in the text.
func (f *plFragment) within(text string) string { return text[f.start:f.end] }

// computes tells whether the body computes the text of a statement. Its fragments have been bound.
func (p *plBody) computes() bool {
	return slices.ContainsFunc(p.fragments, func(f plFragment) bool { return f.dynamic && f.text == nil })
}

// A plParser reads a PL/pgSQL text. After something that it does not understand it stands at the end, and has failed.
type plParser struct {
	plBody
	t      *syntax.Tokens
	i      int // the token at hand
	depth  int
	failed bool
}

// plMaxDepth bounds how deep statements may be nested.
const plMaxDepth = 500

// readPL takes a PL/pgSQL text apart; ok is false where that cannot be done.
func readPL(text string) (body *plBody, ok bool) {
	t, err := syntax.Scan(text)
	if err != nil {
		return nil, false
	}
	p := &plParser{t: t}
	p.options()
	p.lead = p.i
	p.statementWithBlock()
	if p.failed {
		return nil, false
	}
	p.outermost = syntax.Span{From: t.Start(p.lead), To: t.End(p.i - 1)}
	if p.closed = p.sign(";"); p.closed {
		p.i++
	}
	p.end = t.End(p.i - 1)
	if p.i != t.Len() {
		return nil, false
	}
	p.findOutside()
	return &p.plBody, true
}

// findOutside collects the tokens that belong to no fragment.
func (p *plParser) findOutside() {
	var spans []syntax.Span
	for i := range p.fragments {
		spans = append(spans, syntax.Span{From: p.fragments[i].start, To: p.fragments[i].end})
	}
	slices.SortFunc(spans, func(a, b syntax.Span) int { return cmp.Compare(a.From, b.From) })
	covered := 0 // the end of those that begin before the token
	for i := range p.t.List {
		for len(spans) > 0 && spans[0].From <= p.t.Start(i) {
			covered = max(covered, spans[0].To)
			spans = spans[1:]
		}
		if p.t.End(i) > covered {
			p.outside = append(p.outside, p.t.Text(i))
		}
	}
}

// options reads #option lines at the beginning (comp_options).
func (p *plParser) options() {
	for p.sign("#") {
		switch {
		case p.wordAt(p.i+1) == "variable_conflict":
			p.conflict = p.wordAt(p.i + 2)
		case p.wordAt(p.i+1) == "option", p.wordAt(p.i+1) == "print_strict_params":
		default:
			p.fail()
		}
		p.i += 3
	}
}

// statementWithBlock reads the outermost block.
func (p *plParser) statementWithBlock() {
	p.label()
	if !p.is("declare") && !p.is("begin") {
		p.fail()
		return
	}
	p.block()
}

func (p *plParser) fail() {
	p.failed, p.i = true, p.t.Len()
}

// wordAt is token i in lower case, if it is a word without quotes.
func (p *plParser) wordAt(i int) string {
	text := p.t.Text(i)
	if text == "" || !syntax.IsIdentStart(text[0]) || strings.HasSuffix(text, "'") || strings.HasSuffix(text, `"`) {
		return ""
	}
	return syntax.FoldIdent(text)
}

// is tells whether the token at hand is the word.
func (p *plParser) is(word string) bool { return p.wordAt(p.i) == word }

// sign tells whether the token at hand is the operator or the punctuation.
func (p *plParser) sign(text string) bool { return p.t.Text(p.i) == text }

// accept reads the word if it comes next.
func (p *plParser) accept(word string) bool {
	if !p.is(word) {
		return false
	}
	p.i++
	return true
}

// expect reads what has to come next: a word, or a sign.
func (p *plParser) expect(what ...string) {
	for _, w := range what {
		if !p.is(w) && !p.sign(w) {
			p.fail()
			return
		}
		p.i++
	}
}

// plReserved are the words that PL/pgSQL reserves (pl_reserved_kwlist.h); the reserved words of SQL are none of them.
var plReserved = strings.Fields(`all begin by case declare else end execute for foreach from if in into loop not null
	or strict then to using when while`)

// name reads the name of a variable or a label.
func (p *plParser) name() string {
	switch kind := p.t.Kind(p.i); {
	case kind == ast.Token_IDENT || kind == ast.Token_UIDENT:
		name, ok := p.t.Ident(p.i)
		if !ok || slices.Contains(plReserved, p.wordAt(p.i)) {
			p.fail()
			return ""
		}
		for end := p.t.IdentEnd(p.i); p.t.End(p.i) < end; {
			p.i++
		}
		p.i++
		return name
	case p.wordAt(p.i) == "" || slices.Contains(plReserved, p.wordAt(p.i)):
		p.fail()
		return ""
	}
	p.i++
	return p.wordAt(p.i - 1)
}

// label reads <<name>> if it comes next.
func (p *plParser) label() {
	if !p.sign("<<") {
		return
	}
	p.i++
	p.labels = append(p.labels, p.name())
	p.expect(">>")
}

// endLabel reads the label that may stand behind END.
func (p *plParser) endLabel() {
	if !p.sign(";") && p.i < p.t.Len() {
		p.name()
	}
}

// scan goes to the first of the stops that stands in no brackets (read_sql_construct), and returns the tokens up to it.
func (p *plParser) scan(stops ...string) syntax.Span {
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
func (p *plParser) add(role plRole, in syntax.Span) *plFragment {
	if in.From >= in.To {
		p.fail()
		return &plFragment{}
	}
	f := plFragment{role: role, start: p.t.Start(in.From), end: p.t.End(in.To - 1)}
	switch role {
	case plExpression, plTarget:
		f.prefix = selectPrefix
	case plType:
		f.prefix = typePrefix
	}
	p.fragments = append(p.fragments, f)
	return &p.fragments[len(p.fragments)-1]
}

// What makes a statement of an expression, and of a type.
const (
	selectPrefix = "SELECT "
	typePrefix   = "CREATE FUNCTION f() RETURNS "
)

// expression reads an expression up to one of the stops, which is left.
func (p *plParser) expression(stops ...string) *plFragment {
	return p.add(plExpression, p.scan(stops...))
}

// expressions reads a list of expressions between commas, up to one of the stops.
func (p *plParser) expressions(stops ...string) {
	for {
		p.expression(append(stops, ",")...)
		if !p.sign(",") {
			return
		}
		p.i++
	}
}

// target reads a variable, or a part of one, that gets a value. A variable as a whole is returned by its name.
func (p *plParser) target() (whole string) {
	from := p.i
	whole = p.name()
	for p.sign(".") {
		p.i++
		p.name()
		whole = ""
	}
	p.add(plTarget, syntax.Span{From: from, To: p.i})
	return whole
}

// targets reads a list of variables that get what a row has, and returns those that get it as a whole.
func (p *plParser) targets() (whole []string) {
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
func (p *plParser) into() (whole []string) {
	p.expect("into")
	p.accept("strict")
	return p.targets()
}
