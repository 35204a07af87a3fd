package plpgsql

import (
	"slices"

	"github.com/seguedb/segue/rewrite/syntax"
)

// forLoop reads FOR: over numbers, the rows of a query, of a cursor, or of a text that is executed (stmt_for).
func (p *parser) forLoop() {
	p.i++
	from := p.i
	list := p.scan("in")
	p.expect("in")
	switch in := p.i; {
	case p.is("execute"):
		whole := p.loopTargets(list)
		p.i = in + 1
		n := len(p.Fragments)
		f := p.expression("loop", "using")
		f.Dynamic, f.Targets = true, whole
		if p.accept("using") {
			p.values(n, "loop")
		}
	case p.isCursor():
		whole := p.loopTargets(list)
		p.i = in
		p.declareLoop(whole)
		p.Fetches = append(p.Fetches, Fetch{Cursor: p.name(), Targets: whole})
		if p.sign("(") {
			p.cursorArguments()
		}
	default:
		p.accept("reverse")
		first := p.scan("..", "loop")
		if p.is("loop") {
			whole := p.loopTargets(list)
			p.i = first.To
			p.add(Statement, syntax.Span{From: in, To: first.To}).Targets = whole
			break
		}
		p.numbers(from, list, first)
	}
	p.loopBody()
}

// loopTargets reads the variables of a loop once it is known that they are variables.
func (p *parser) loopTargets(list syntax.Span) (whole []string) {
	if p.failed {
		return nil
	}
	p.i = list.From
	whole = p.targets()
	if p.i != list.To {
		p.fail()
	}
	return whole
}

// declareLoop makes the record that a loop over a cursor declares for itself.
func (p *parser) declareLoop(names []string) {
	for _, name := range names {
		p.Variables = append(p.Variables, Variable{Name: name, Type: -1, Row: true})
	}
}

// numbers reads the rest of a loop over numbers, which declares its variable.
func (p *parser) numbers(from int, list, first syntax.Span) {
	at := p.i
	p.i = from
	name := p.name()
	if p.i != list.To {
		p.fail()
		return
	}
	p.Variables = append(p.Variables, Variable{Name: name, Type: -1})
	p.add(Expression, first)
	p.i = at + 1
	p.expression("by", "loop")
	if p.accept("by") {
		p.expression("loop")
	}
}

// isCursor tells whether a loop is over a cursor that was declared with its query.
func (p *parser) isCursor() bool {
	name, ok := p.t.Ident(p.i)
	if next := p.t.Text(p.i + 1); !ok || next != "(" && p.wordAt(p.i+1) != "loop" {
		return false
	}
	return slices.ContainsFunc(p.Fragments, func(f Fragment) bool { return f.Cursor == name })
}

// foreach reads FOREACH, over the elements of an array.
func (p *parser) foreach() {
	p.i++
	whole := p.targets()
	if p.accept("slice") {
		p.i++
	}
	p.expect("in", "array")
	f := p.expression("loop")
	f.Targets, f.Strict = whole, true
	p.loopBody()
}
