package proxy

import (
	"errors"

	"github.com/seguedb/segue/proxy/loop"
	"github.com/seguedb/segue/proxy/startup"
	"github.com/seguedb/segue/proxy/wire"
	"github.com/seguedb/segue/rewrite"
)

// Where both connections of a session can be waited for by a loop, each side is served there whenever nothing has to be waited
// for but the next message: which is nearly always. The handlers below then do what serveClient and serveServer do, with the same
// functions, on what has come. As soon as something would have to be waited for (a question, a gate, a text that is in no cache,
// the rest of a message that is larger than a buffer, a connection that takes nothing), the side leaves the loop, and a goroutine
// goes on at that very place. It gives the side back when it would wait for the next message.

// errInLoop says that the loop serves the side from now on.
var errInLoop = errors.New("the loop goes on")

// errElsewhere says that something has to be waited for, so that a goroutine has to see to it.
var errElsewhere = errors.New("to be done outside of the loop")

// toLoop moves the connections of a link to a loop, if both can be.
func (s *Server) toLoop(l *startup.Link) {
	if s.loops == nil || l.PassThrough {
		return
	}
	to := s.loops.Deal()
	l.Client.Move(to)
	if l.Client.Looped() != nil {
		l.Server.Move(to)
	}
}

// looped tells whether loops can serve the session.
func (s *session) looped() bool { return s.server.Looped() != nil }

// clientToLoop lets the loop go on with the client's side. false: something has come, or may have.
func (s *session) clientToLoop() bool {
	if !s.looped() {
		return false
	}
	s.looping = true
	s.frame = wire.Frame{} // which keeps a buffer
	s.server.Out.Prompt(true)
	if toLoop(s.client, s.clientReady) {
		return true
	}
	s.clientFromLoop()
	return false
}

// clientFromLoop takes back what clientToLoop has said of the client's side.
func (s *session) clientFromLoop() {
	s.looping = false
	s.server.Out.Prompt(false)
}

// serverToLoop is clientToLoop of the server's side.
func (s *session) serverToLoop() bool {
	if !s.looped() {
		return false
	}
	s.client.Out.Prompt(true)
	if toLoop(s.server, s.serverReady) {
		return true
	}
	s.client.Out.Prompt(false)
	return false
}

// toLoop puts a connection into its loop, unless there is something to be read, or to be found out by reading.
func toLoop(c *wire.Conn, handler func() bool) bool {
	of := c.Looped()
	for !of.Hurried() && c.In.More() == loop.ErrAgain {
		if of.Enter(handler) {
			return true
		}
	}
	return false
}

// clientReady is the handler of the client's connection: it handles what has come. more: that was not all.
func (s *session) clientReady() (more bool) {
	of := s.client.Looped()
	stays, first := false, (func() error)(nil)
	s.handling.Store(true)
	if !of.Hurried() {
		switch s.client.In.More() {
		case nil:
			stays, first = s.clientRound()
		case loop.ErrAgain:
			stays = true
		}
	}
	if stays {
		s.client.In.Seen()
		s.handling.Store(false)
		return !of.Drained()
	}
	of.Leave()
	s.clientFromLoop()
	go s.driveClient(first)
	return false
}

// clientRound handles what is in the client's buffer, and writes what came of it. stays is false when a goroutine has to go on,
// with first, which may be nil.
func (s *session) clientRound() (stays bool, first func() error) {
	for s.client.In.Buffered() {
		s.letGo()
		f, err := s.client.In.Next()
		if err != nil {
			return false, nil // which Next says again
		}
		s.messages.Add(1)
		s.frame = f
		if f.Rest > 0 {
			return false, s.handleKept
		}
		switch err := s.keep(); {
		case err == errElsewhere:
			return false, s.handleKept
		case err != nil:
			return false, fails(err)
		}
		done, err := s.handleNow()
		switch {
		case err != nil:
			return false, fails(err)
		case !done:
			return false, s.handleOn
		case s.crowded:
			s.crowded = false
			return false, s.bound
		}
		if s.server.Out.Over() { // what is sent may be much longer than what has come
			if done, err := s.server.Out.FlushNow(); err != nil || !done {
				return false, nil
			}
		}
	}
	s.letGo()
	s.frame = wire.Frame{}
	s.client.In.Release()
	if done, err := s.server.Out.FlushNow(); err != nil || !done {
		return false, nil
	}
	return !s.keeping || !s.listen(), nil
}

// fails is the first thing that ends a side.
func fails(err error) func() error { return func() error { return err } }

// handleKept handles the client's message in s.frame, of which nobody knows yet but that it has come.
func (s *session) handleKept() error {
	if err := s.keep(); err != nil {
		return err
	}
	return s.handle()
}

// handleNow is handle as far as nothing has to be waited for. done is false when handleOn has to go on.
func (s *session) handleNow() (done bool, err error) {
	s.begin()
	var out outcome
	for {
		err := s.decide(&out)
		if _, asks := err.(*question); asks || err == rewrite.ErrPostponed {
			return false, nil
		}
		if err != nil {
			return false, err
		}
		if out.instead != nil {
			return false, nil
		}
		switch err = s.do(&out); {
		case err == nil && s.series == nil:
			return true, nil
		case err != nil && !errors.Is(err, errMoved):
			return false, err
		}
	}
}

// serverReady is the handler of the server's connection.
func (s *session) serverReady() (more bool) {
	of := s.server.Looped()
	stays, first := false, (func() error)(nil)
	if !of.Hurried() {
		switch s.server.In.More() {
		case nil:
			stays, first = s.serverRound()
		case loop.ErrAgain:
			stays = true
		}
	}
	if stays {
		return !of.Drained()
	}
	of.Leave()
	s.client.Out.Prompt(false)
	go s.driveServer(first)
	return false
}

// serverRound is clientRound of what the server has sent.
func (s *session) serverRound() (stays bool, first func() error) {
	for s.server.In.Buffered() {
		f, err := s.server.In.Next()
		if err != nil {
			return false, nil
		}
		if f.Rest > 0 {
			return false, func() error { return s.serveFrame(f) }
		}
		if s.passes(f) {
			if err := s.deliver(f); err != nil {
				return false, fails(err)
			}
			continue
		}
		v := s.queue.respond(f.Type, f.Body)
		asks := s.raises(f, v)
		if asks != nil || v.postponed || s.late != nil || s.plan.raw != nil && endsPlan(f.Type) {
			return false, func() error { return s.responded(f, v, asks) }
		}
		if err := s.responded(f, v, nil); err != nil {
			return false, fails(err)
		}
	}
	clear(s.fields) // they are parts of a buffer
	s.server.In.Release()
	done, err := s.client.Out.FlushNow()
	if err != nil {
		return false, fails(clientError{err})
	}
	return done, nil
}
