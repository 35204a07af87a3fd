package rewrite

import (
	"slices"

	"github.com/seguedb/segue/rewrite/syntax"
)

// ifStatement reads IF … THEN … END IF (stmt_if).
func (p *plParser) ifStatement() {
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
func (p *plParser) caseStatement() {
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
func (p *plParser) loopBody() {
	p.expect("loop")
	p.statements()
	p.expect("end", "loop")
	p.endLabel()
}

func (p *plParser) loop() { p.loopBody() }

func (p *plParser) while() {
	p.i++
	p.expression("loop")
	p.loopBody()
}

// exit reads EXIT and CONTINUE.
func (p *plParser) exit() {
	p.i++
	if !p.is("when") && !p.sign(";") {
		p.name()
	}
	if p.accept("when") {
		p.expression(";")
	}
}

// returns reads RETURN, RETURN NEXT and RETURN QUERY.
func (p *plParser) returns() {
	p.i++
	switch {
	case p.accept("query"):
		n := len(p.fragments)
		if p.is("execute") {
			p.execute()
		} else {
			p.add(plStatement, p.scan(";"))
		}
		if n < len(p.fragments) {
			p.fragments[n].returns = true
		}
		return
	case p.accept("next"):
	}
	if !p.sign(";") {
		p.expression(";").returns = true
	}
}

// raise reads RAISE: a text with values, or a condition, and options (stmt_raise).
func (p *plParser) raise() {
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
			p.expression(",", ";", "using").said = true
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

func (p *plParser) isString() bool {
	text := p.t.Text(p.i)
	return text != "" && (text[0] == '\'' || text[0] == '$' || text[len(text)-1] == '\'')
}

func (p *plParser) assignSign() {
	if !p.sign("=") && !p.sign(":=") {
		p.fail()
	}
	p.i++
}

func (p *plParser) assert() {
	p.i++
	p.expressions(";")
}

// execute reads EXECUTE: its text is only known when it runs (stmt_dynexecute).
func (p *plParser) execute() {
	p.i++
	n := len(p.fragments)
	p.expression("into", "using", ";")
	for !p.failed && !p.sign(";") {
		if p.is("into") {
			whole := p.into()
			p.fragments[n].targets = append(p.fragments[n].targets, whole...)
			continue
		}
		p.expect("using")
		k := len(p.fragments)
		p.expressions("into", ";")
		p.areUsed(k)
	}
	if n < len(p.fragments) {
		p.fragments[n].dynamic = true
	}
}

// perform reads PERFORM, a SELECT whose result is dropped.
func (p *plParser) perform() {
	p.i++
	p.add(plStatement, p.scan(";")).prefix = selectPrefix
}

// diagnostics reads GET DIAGNOSTICS variable = item, …
func (p *plParser) diagnostics() {
	p.i++
	if !p.accept("current") {
		p.accept("stacked")
	}
	p.expect("diagnostics")
	p.i--
	for more := true; more && !p.failed; more = p.sign(",") {
		p.i++
		p.add(plTarget, p.scan("=", ":=", ";"))
		p.assignSign()
		p.name()
	}
}

// open reads OPEN: a cursor with a query of its own, or one that was declared with it.
func (p *plParser) open() {
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
		n := len(p.fragments)
		p.execute()
		if n < len(p.fragments) {
			p.fragments[n].cursor = cursor
		}
		return
	}
	p.add(plStatement, p.scan(";")).cursor = cursor
}

// cursorArguments reads the values for the arguments of a cursor (read_cursor_args).
func (p *plParser) cursorArguments() {
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
func (p *plParser) fetch() {
	cursor := p.fetched("into")
	p.fetches = append(p.fetches, plFetch{cursor: cursor, targets: p.into()})
}

func (p *plParser) move() { p.fetched(";") }

// fetched reads which row of which cursor is meant. What is computed there is not understood.
func (p *plParser) fetched(stop string) (cursor string) {
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

// areUsed says of all fragments from number k on that they are values for a text that is executed.
func (p *plParser) areUsed(k int) {
	for ; k < len(p.fragments); k++ {
		p.fragments[k].using = true
	}
}
