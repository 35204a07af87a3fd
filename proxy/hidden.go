package proxy

import (
	"github.com/seguedb/segue/proxy/wire"
	"github.com/seguedb/segue/rewrite"
)

// A hiddenGroup is made of messages of the extended protocol that the client does not know of, one behind the other. What
// they do to prepared statements is noted when they are answered.
type hiddenGroup struct {
	messages []byte
	expects  []expect
	text     *rewrite.Text // in the words of which an error is told that goes to the client
}

func (g *hiddenGroup) add(kind byte, st *statement) {
	g.expects = append(g.expects, expect{kind: kind, flags: hidden | reprepare, stmt: st, text: g.text})
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

// runHidden sends the group and waits for its answers. As with ask, an error is returned as a *wire.Error when the session
// is quiet; in the middle of a group of the client's it goes to the client, and errSkipped is returned.
func (s *session) runHidden(g *hiddenGroup) error {
	inj := new(injection)
	q := &s.queue
	q.mu.Lock()
	if q.stop != nil {
		defer q.mu.Unlock()
		return q.stop
	}
	quiet := q.quiet()
	for i := range g.expects {
		e := &g.expects[i]
		e.inj = inj
		if quiet {
			e.flags |= captured
		} else if i == len(g.expects)-1 {
			e.flags |= last
		}
		q.pipeline.push(*e)
	}
	if quiet {
		q.pipeline.push(expect{kind: wire.Sync, flags: hidden | captured | reprepare | last, inj: inj})
		g.messages = wire.AppendSync(g.messages)
	} else {
		g.messages = wire.AppendFlush(g.messages)
	}
	q.mu.Unlock()
	if _, err := s.server.Out.Write(g.messages); err != nil {
		return err
	}
	return s.await(inj)
}

// await waits until an injection is answered.
func (s *session) await(inj *injection) error {
	if err := s.server.Out.Flush(); err != nil {
		return err
	}
	if err := s.queue.until(func() bool { return inj.done || inj.skipped }); err != nil {
		return err
	}
	switch {
	case inj.err != nil:
		return verbatim(inj.err)
	case inj.skipped:
		return errSkipped
	}
	return nil
}
