package plpgsql

import (
	"slices"

	"github.com/seguedb/segue/rewrite/syntax"
)

// block reads DECLARE … BEGIN … EXCEPTION … END (pl_block). A label has been read.
func (p *parser) block() {
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
func (p *parser) conditions() {
	for in := p.scan("then"); in.From < in.To; in.From++ {
		if word := p.wordAt(in.From); word == "" && p.t.Text(in.From)[0] != '\'' && p.t.Text(in.From)[0] != '"' {
			p.fail()
			return
		}
	}
	p.expect("then")
}

// declaration reads one declaration (decl_statement).
func (p *parser) declaration() {
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
			value.Targets, value.Strict = []string{name}, true
		}
	}
	p.expect(";")
}

// alias reads what another variable is called so, too: a name, with a label perhaps, or $n.
func (p *parser) alias(name string) {
	for of := p.scan(";"); of.From < of.To; of.From++ {
		p.Variables = append(p.Variables, Variable{Name: name, Type: -1, Alias: p.t.Text(of.From)})
	}
}

// variable reads the type of a variable, up to one of the stops (read_datatype). %ROWTYPE says nothing that the name
// before it does not say.
func (p *parser) variable(name string, stops ...string) {
	in := p.scan(stops...)
	if p.wordAt(in.To-1) == "rowtype" && p.t.Text(in.To-2) == "%" {
		in.To -= 2
	}
	p.add(Type, in)
	p.Variables = append(p.Variables, Variable{Name: name, Type: len(p.Fragments) - 1})
}

// cursor reads the declaration of a cursor that is bound to a query.
func (p *parser) cursor(name string) {
	p.accept("no")
	p.accept("scroll")
	p.expect("cursor")
	p.Variables = append(p.Variables, Variable{Name: name, Type: -1})
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
	p.add(Statement, p.scan(";")).Cursor = name
}

// statements reads statements up to a word that ends them, which is left.
func (p *parser) statements() {
	if p.depth++; p.depth > maxDepth {
		p.fail()
	}
	for !p.failed && !p.endsStatements() {
		p.label()
		p.statement()
	}
	p.depth--
}

// endsStatements tells whether the word at hand ends a list of statements. Two of these words can be variables, too.
func (p *parser) endsStatements() bool {
	switch p.wordAt(p.i) {
	case "end", "else", "when":
		return true
	case "exception", "elsif", "elseif":
		return !p.isAssigned()
	}
	return false
}

// isAssigned tells whether the word at hand is a variable, by what follows it (plpgsql_yylex).
func (p *parser) isAssigned() bool {
	return slices.Contains([]string{":=", "=", "[", "."}, p.t.Text(p.i+1))
}

// statement reads one statement, its semicolon included.
func (p *parser) statement() {
	word := p.wordAt(p.i)
	read := readers[word]
	if read == nil || !slices.Contains(reserved, word) && p.isAssigned() {
		p.assignmentOrSQL()
		return
	}
	read(p)
	p.expect(";")
}

// readers read the statements of PL/pgSQL, up to the semicolon. It is filled by init, since they hold others.
var readers map[string]func(*parser)

func init() {
	readers = map[string]func(*parser){
		"begin": (*parser).block, "declare": (*parser).block,
		"if": (*parser).ifStatement, "case": (*parser).caseStatement,
		"loop": (*parser).loop, "while": (*parser).while, "for": (*parser).forLoop, "foreach": (*parser).foreach,
		"exit": (*parser).exit, "continue": (*parser).exit,
		"return": (*parser).returns, "raise": (*parser).raise, "assert": (*parser).assert,
		"execute": (*parser).execute, "perform": (*parser).perform, "get": (*parser).diagnostics,
		"open": (*parser).open, "fetch": (*parser).fetch, "move": (*parser).move, "close": (*parser).plain,
		"null": (*parser).plain, "commit": (*parser).plain, "rollback": (*parser).plain,
	}
}

// plain reads a statement without SQL in it.
func (p *parser) plain() {
	for in := p.scan(";"); in.From < in.To; in.From++ {
		if p.wordAt(in.From) == "" && p.t.Text(in.From)[0] != '"' {
			p.fail()
			return
		}
	}
}

// assignmentOrSQL tells by := or = whether a statement is an assignment.
func (p *parser) assignmentOrSQL() {
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
	p.add(Target, syntax.Span{From: p.i, To: i})
	p.i = i + 1
	value := p.expression(";")
	value.Strict = true
	if name != "" {
		value.Targets = []string{name}
	}
	p.expect(";")
}

// closing is the token that closes the bracket at token i.
func (p *parser) closing(i int) int {
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
func (p *parser) sqlStatement() {
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
	f := p.add(Statement, syntax.Span{From: from, To: p.i})
	f.blank, f.Targets = blank, whole
	p.expect(";")
}
