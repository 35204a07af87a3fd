package proxy

import (
	"github.com/seguedb/segue/proxy/wire"
	"github.com/seguedb/segue/rewrite"
)

// A hiddenGroup is made of messages of the extended protocol that the client does not know of, one behind the other. What
// they do to prepared statements is noted when they are answered.
//
// When nothing is in flight, they end with Sync, and an error is the injection's alone. In an open pipeline they end with Flush, so
// that no implicit transaction is committed; an error, be it of these messages or of earlier ones, then goes to the
// client, the server discards what follows up to Sync, and the answer is errSkipped.
//
// A simple Query is never used: it would destroy the client's unnamed statement and portal.
type hiddenGroup struct {
	injection
	messages []byte
	expects  []expect
	flags    expectFlags             // of all of them
	longer   int                     // characters that the text which is tried first has more than the one that is kept
	text     *rewrite.Text           // in the words of which an error is told that goes to the client
	before   func(p *pipeline) error // called right before it is sent; an error says why it must not be
}

func (g *hiddenGroup) add(kind byte, st *statement) {
	g.expects = append(g.expects, expect{kind: kind, flags: g.flags, stmt: st, text: g.text})
}

// answer is nil when the group has succeeded, and else why not: errSkipped, or what the server says.
func (g *hiddenGroup) answer() error {
	switch {
	case g.err != nil && g.flags&reprepare != 0:
		return verbatim(g.err) // for the client
	case g.err != nil:
		return g.err.Error()
	case g.skipped:
		return errSkipped
	}
	return nil
}

// start has the pipeline expect the answers to the group, and returns what is to be sent. An error says that it must not be.
func (g *hiddenGroup) start(p *pipeline) ([]byte, error) {
	if g.before != nil {
		if err := g.before(p); err != nil {
			return nil, err
		}
	}
	quiet := p.quiet()
	for i, e := range g.expects {
		e.inj = &g.injection
		if quiet {
			e.flags |= captured
		} else if i == len(g.expects)-1 {
			e.flags |= last
		}
		p.push(e)
	}
	if !quiet {
		return wire.AppendFlush(g.messages), nil
	}
	p.push(expect{kind: wire.Sync, flags: g.flags | captured | last, inj: &g.injection})
	return wire.AppendSync(g.messages), nil
}

func (g *hiddenGroup) close(st *statement, name string) {
	g.messages = wire.AppendClose(g.messages, wire.StatementOf, name)
	g.add(wire.Close, st)
}

func (g *hiddenGroup) parse(st *statement, name, sql string, types []uint32) {
	if st == nil {
		g.close(nil, name)
	}
	g.messages = wire.AppendParse(g.messages, name, sql, types)
	g.add(wire.Parse, st)
}

func (g *hiddenGroup) describe(st *statement, name string) {
	g.messages = wire.AppendDescribe(g.messages, wire.StatementOf, name)
	g.add(wire.Describe, st)
}

// run executes a statement without parameters and without a result.
func (g *hiddenGroup) run(st *statement, sql string) {
	g.parse(nil, reserved, sql, nil)
	g.messages = wire.AppendBind(g.messages, reserved, reserved)
	g.add(wire.Bind, nil)
	g.messages = wire.AppendExecute(g.messages, reserved, 0)
	g.add(wire.Execute, st)
	g.messages = wire.AppendClose(g.messages, wire.PortalOf, reserved)
	g.add(wire.Close, nil)
	g.close(nil, reserved)
}
