package plpgsql

import "github.com/seguedb/segue/rewrite/syntax"

// An alternative is one branch of a body whose outermost block is a single IF.
type alternative struct {
	Condition string // as it is written; "" for that of ELSE
	Body      string // the body that has the block of this branch alone
}

// ReadAlternatives takes a body apart whose outermost block is nothing but one IF, and each branch of that a block; nil for
// any other body.
func ReadAlternatives(text string) (out []alternative) {
	t, err := syntax.Scan(text)
	if err != nil {
		return nil
	}
	p := &parser{t: t}
	p.options()
	lead := p.i
	p.expect("begin")
	add := func(condition string) {
		from := p.i
		p.statementWithBlock()
		if p.failed {
			return
		}
		out = append(out, alternative{Condition: condition, Body: text[:t.Start(lead)] + text[t.Start(from):t.End(p.i-1)]})
		p.expect(";")
	}
	for word := "if"; !p.failed; word = "elsif" {
		p.expect(word)
		in := p.scan("then")
		if p.failed || in.From == in.To {
			return nil
		}
		p.expect("then")
		add(text[t.Start(in.From):t.End(in.To-1)])
		if p.accept("else") {
			add("")
			break
		}
	}
	p.expect("end", "if", ";", "end")
	if p.sign(";") {
		p.i++
	}
	if p.failed || p.i != t.Len() {
		return nil
	}
	return out
}
