package plpgsql

import (
	"slices"

	"github.com/seguedb/segue/rewrite/syntax"
)

// ifStatement reads IF … THEN … END IF (stmt_if).
func (p *parser) ifStatement() {
	for more := true; more && !p.failed; more = p.is("elsif") || p.is("elseif") {
		p.i++
		p.expression("then")
		p.i++
		p.statements()
	}
	if p.accept("else") {
		p.statements()
	}
	p.expect("end", "if")
}

// caseStatement reads CASE … END CASE (stmt_case).
func (p *parser) caseStatement() {
	p.i++
	if !p.is("when") {
		p.expression("when")
	}
	for p.accept("when") {
		p.expression("then")
		p.i++
		p.statements()
	}
	if p.accept("else") {
		p.statements()
	}
	p.expect("end", "case")
}

// loopBody reads LOOP … END LOOP.
func (p *parser) loopBody() {
	p.expect("loop")
	p.statements()
	p.expect("end", "loop")
	p.endLabel()
}

func (p *parser) loop() { p.loopBody() }

func (p *parser) while() {
	p.i++
	p.expression("loop")
	p.loopBody()
}

// exit reads EXIT and CONTINUE.
func (p *parser) exit() {
	p.i++
	if !p.is("when") && !p.sign(";") {
		p.name()
	}
	if p.accept("when") {
		p.expression(";")
	}
}

// returns reads RETURN, RETURN NEXT and RETURN QUERY.
func (p *parser) returns() {
	p.i++
	switch {
	case p.accept("query"):
		n := len(p.Fragments)
		if p.is("execute") {
			p.execute()
		} else {
			p.add(Statement, p.scan(";"))
		}
		if n < len(p.Fragments) {
			p.Fragments[n].Returns = true
		}
		return
	case p.accept("next"):
	}
	if !p.sign(";") {
		p.expression(";").Returns = true
	}
}

// raise reads RAISE: a text with values, or a condition, and options (stmt_raise).
func (p *parser) raise() {
	p.i++
	if slices.Contains([]string{"exception", "warning", "notice", "info", "log", "debug"}, p.wordAt(p.i)) {
		p.i++
	}
	switch {
	case p.sign(";"), p.is("using"):
	case p.isString():
		p.i++
		for p.sign(",") {
			p.i++
			p.expression(",", ";", "using").Said = true
		}
	case p.accept("sqlstate"):
		p.i++
	default:
		p.name()
	}
	if !p.is("using") {
		return
	}
	for more := true; more && !p.failed; more = p.sign(",") {
		p.i++
		p.name()
		p.assignSign()
		p.expression(",", ";")
	}
}

func (p *parser) isString() bool {
	text := p.t.Text(p.i)
	return text != "" && (text[0] == '\'' || text[0] == '$' || text[len(text)-1] == '\'')
}

func (p *parser) assignSign() {
	if !p.sign("=") && !p.sign(":=") {
		p.fail()
	}
	p.i++
}

func (p *parser) assert() {
	p.i++
	p.expressions(";")
}

// execute reads EXECUTE: its text is only known when it runs (stmt_dynexecute).
func (p *parser) execute() {
	p.i++
	n := len(p.Fragments)
	p.expression("into", "using", ";")
	for !p.failed && !p.sign(";") {
		if p.is("into") {
			whole := p.into()
			p.Fragments[n].Targets = append(p.Fragments[n].Targets, whole...)
			continue
		}
		p.expect("using")
		p.values(n, "into", ";")
	}
	if n < len(p.Fragments) {
		p.Fragments[n].Dynamic = true
	}
}

// perform reads PERFORM, a SELECT whose result is dropped.
func (p *parser) perform() {
	p.i++
	p.add(Statement, p.scan(";")).Prefix = SelectPrefix
}

// diagnostics reads GET DIAGNOSTICS variable = item, …
func (p *parser) diagnostics() {
	p.i++
	if !p.accept("current") {
		p.accept("stacked")
	}
	p.expect("diagnostics")
	p.i--
	for more := true; more && !p.failed; more = p.sign(",") {
		p.i++
		p.add(Target, p.scan("=", ":=", ";"))
		p.assignSign()
		p.name()
	}
}

// open reads OPEN: a cursor with a query of its own, or one that was declared with it.
func (p *parser) open() {
	p.i++
	cursor := p.name()
	if p.sign("(") {
		p.cursorArguments()
		return
	}
	if p.accept("no") || p.is("scroll") {
		p.expect("scroll")
	}
	if !p.accept("for") {
		return
	}
	if p.is("execute") {
		n := len(p.Fragments)
		p.execute()
		if n < len(p.Fragments) {
			p.Fragments[n].Cursor = cursor
		}
		return
	}
	p.add(Statement, p.scan(";")).Cursor = cursor
}

// cursorArguments reads the values for the arguments of a cursor (read_cursor_args).
func (p *parser) cursorArguments() {
	for more := true; more && !p.failed; more = p.sign(",") {
		p.i++
		if next := p.t.Text(p.i + 1); next == ":=" || next == "=>" {
			p.i += 2
		}
		p.expression(",", ")")
	}
	p.expect(")")
}

// fetch reads FETCH … INTO variables.
func (p *parser) fetch() {
	cursor := p.fetched("into")
	p.Fetches = append(p.Fetches, Fetch{Cursor: cursor, Targets: p.into()})
}

func (p *parser) move() { p.fetched(";") }

// fetched reads which row of which cursor is meant. What is computed there is not understood.
func (p *parser) fetched(stop string) (cursor string) {
	p.i++
	in := p.scan(stop)
	for i := in.From; i < in.To; i++ {
		text := p.t.Text(i)
		if p.wordAt(i) == "" && text != "-" && text[0] != '"' && !syntax.IsDigit(text[0]) {
			p.fail()
		}
	}
	cursor, _ = p.t.Ident(in.To - 1)
	return cursor
}

// values reads what USING gives to the text in fragment n, up to one of the stops.
func (p *parser) values(n int, stops ...string) {
	k := len(p.Fragments)
	for p.expressions(stops...); k < len(p.Fragments); k++ {
		p.Fragments[k].Using = true
		p.Fragments[n].Values = append(p.Fragments[n].Values, k)
	}
}
