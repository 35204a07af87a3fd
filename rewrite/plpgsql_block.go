package rewrite

import (
	"slices"

	"github.com/seguedb/segue/rewrite/syntax"
)

// block reads DECLARE … BEGIN … EXCEPTION … END (pl_block). A label has been read.
func (p *plParser) block() {
	for p.accept("declare") {
		for !p.failed && !p.is("begin") && !p.is("declare") {
			p.declaration()
		}
	}
	p.expect("begin")
	p.statements()
	if p.accept("exception") {
		for p.accept("when") {
			p.conditions()
			p.statements()
		}
	}
	p.expect("end")
	p.endLabel()
}

// conditions reads the errors that a handler is for.
func (p *plParser) conditions() {
	for in := p.scan("then"); in.From < in.To; in.From++ {
		if word := p.wordAt(in.From); word == "" && p.t.Text(in.From)[0] != '\'' && p.t.Text(in.From)[0] != '"' {
			p.fail()
			return
		}
	}
	p.expect("then")
}

// declaration reads one declaration (decl_statement).
func (p *plParser) declaration() {
	name := p.name()
	switch {
	case p.accept("alias"):
		p.expect("for")
		p.alias(name)
	case p.is("cursor"), p.is("scroll") && p.wordAt(p.i+1) == "cursor", p.is("no") && p.wordAt(p.i+1) == "scroll":
		p.cursor(name)
	default:
		p.accept("constant")
		p.variable(name, "not", "collate", "default", ":=", "=", ";")
		if p.accept("collate") {
			p.scan("not", "default", ":=", "=", ";")
		}
		if p.accept("not") {
			p.expect("null")
		}
		if p.is("default") || p.sign(":=") || p.sign("=") {
			p.i++
			value := p.expression(";")
			value.targets, value.strict = []string{name}, true
		}
	}
	p.expect(";")
}

// alias reads what another variable is called so, too: a name, with a label perhaps, or $n.
func (p *plParser) alias(name string) {
	for of := p.scan(";"); of.From < of.To; of.From++ {
		p.variables = append(p.variables, plVariable{name: name, typ: -1, alias: p.t.Text(of.From)})
	}
}

// variable reads the type of a variable, up to one of the stops (read_datatype). %ROWTYPE says nothing that the name
// before it does not say.
func (p *plParser) variable(name string, stops ...string) {
	in := p.scan(stops...)
	if p.wordAt(in.To-1) == "rowtype" && p.t.Text(in.To-2) == "%" {
		in.To -= 2
	}
	p.add(plType, in)
	p.variables = append(p.variables, plVariable{name: name, typ: len(p.fragments) - 1})
}

// cursor reads the declaration of a cursor that is bound to a query.
func (p *plParser) cursor(name string) {
	p.accept("no")
	p.accept("scroll")
	p.expect("cursor")
	p.variables = append(p.variables, plVariable{name: name, typ: -1})
	if p.sign("(") {
		for more := true; more && !p.failed; more = p.sign(",") {
			p.i++
			p.variable(p.name(), ",", ")")
		}
		p.expect(")")
	}
	if !p.accept("is") {
		p.expect("for")
	}
	p.add(plStatement, p.scan(";")).cursor = name
}

// statements reads statements up to a word that ends them, which is left.
func (p *plParser) statements() {
	if p.depth++; p.depth > plMaxDepth {
		p.fail()
	}
	for !p.failed && !p.endsStatements() {
		p.label()
		p.statement()
	}
	p.depth--
}

// endsStatements tells whether the word at hand ends a list of statements. Two of these words can be variables, too.
func (p *plParser) endsStatements() bool {
	switch p.wordAt(p.i) {
	case "end", "else", "when":
		return true
	case "exception", "elsif", "elseif":
		return !p.isAssigned()
	}
	return false
}

// isAssigned tells whether the word at hand is a variable, by what follows it (plpgsql_yylex).
func (p *plParser) isAssigned() bool {
	return slices.Contains([]string{":=", "=", "[", "."}, p.t.Text(p.i+1))
}

// statement reads one statement, its semicolon included.
func (p *plParser) statement() {
	word := p.wordAt(p.i)
	read := plStatements[word]
	if read == nil || !slices.Contains(plReserved, word) && p.isAssigned() {
		p.assignmentOrSQL()
		return
	}
	read(p)
	p.expect(";")
}

// plStatements read the statements of PL/pgSQL, up to the semicolon. It is filled by init, since they hold others.
var plStatements map[string]func(*plParser)

func init() {
	plStatements = map[string]func(*plParser){
		"begin": (*plParser).block, "declare": (*plParser).block,
		"if": (*plParser).ifStatement, "case": (*plParser).caseStatement,
		"loop": (*plParser).loop, "while": (*plParser).while, "for": (*plParser).forLoop, "foreach": (*plParser).foreach,
		"exit": (*plParser).exit, "continue": (*plParser).exit,
		"return": (*plParser).returns, "raise": (*plParser).raise, "assert": (*plParser).assert,
		"execute": (*plParser).execute, "perform": (*plParser).perform, "get": (*plParser).diagnostics,
		"open": (*plParser).open, "fetch": (*plParser).fetch, "move": (*plParser).move, "close": (*plParser).plain,
		"null": (*plParser).plain, "commit": (*plParser).plain, "rollback": (*plParser).plain,
	}
}

// plain reads a statement without SQL in it.
func (p *plParser) plain() {
	for in := p.scan(";"); in.From < in.To; in.From++ {
		if p.wordAt(in.From) == "" && p.t.Text(in.From)[0] != '"' {
			p.fail()
			return
		}
	}
}

// assignmentOrSQL tells by := or = whether a statement is an assignment.
func (p *plParser) assignmentOrSQL() {
	i := p.i
	for more := true; more; {
		switch i++; p.t.Text(i) {
		case ".":
			i++
		case "[":
			i = p.closing(i)
		default:
			more = false
		}
	}
	if text := p.t.Text(i); text != ":=" && text != "=" {
		p.sqlStatement()
		return
	}
	name := ""
	if i == p.i+1 {
		name, _ = p.t.Ident(p.i)
	}
	p.add(plTarget, syntax.Span{From: p.i, To: i})
	p.i = i + 1
	value := p.expression(";")
	value.strict = true
	if name != "" {
		value.targets = []string{name}
	}
	p.expect(";")
}

// closing is the token that closes the bracket at token i.
func (p *plParser) closing(i int) int {
	for depth := 0; i < p.t.Len(); i++ {
		switch p.t.Text(i) {
		case "[", "(":
			depth++
		case "]", ")":
			depth--
		}
		if depth == 0 {
			break
		}
	}
	return i
}

// sqlStatement reads a statement of SQL, in which INTO names variables (make_execsql_stmt).
func (p *plParser) sqlStatement() {
	from := p.i
	first := p.wordAt(from)
	var whole []string
	var blank []syntax.Span
	depth := 0
	for ; !p.failed && (depth != 0 || !p.sign(";")); p.i++ {
		switch word := p.wordAt(p.i); {
		case p.i >= p.t.Len(), first == "create" && word == "atomic":
			p.fail()
		case p.sign("("):
			depth++
		case p.sign(")"):
			depth--
		case word == "into" && first != "import" && !slices.Contains([]string{"insert", "merge"}, p.wordAt(p.i-1)):
			start := p.t.Start(p.i)
			whole = p.into()
			p.i--
			blank = append(blank, syntax.Span{From: start, To: p.t.End(p.i)})
		}
	}
	if len(blank) > 1 {
		p.fail()
	}
	f := p.add(plStatement, syntax.Span{From: from, To: p.i})
	f.blank, f.targets = blank, whole
	p.expect(";")
}
