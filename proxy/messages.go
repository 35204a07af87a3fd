package proxy

import (
	"bytes"
	"encoding/binary"
	"errors"

	"github.com/seguedb/segue/proxy/prepared"
	"github.com/seguedb/segue/proxy/wire"
	"github.com/seguedb/segue/rewrite"
	"github.com/seguedb/segue/rewrite/prefilter"
)

// maxExpected bounds the answers that may be outstanding before the client is not read from: by then the server has sent
// a good part of them, so waiting cannot block both sides.
const maxExpected = 1 << 16

// errTerminated says that the client has said goodbye.
var errTerminated = errors.New("the client has ended the session")

// serveClient relays what the client sends until it ends the session or the session must stop.
func (s *session) serveClient() error {
	for {
		s.letGo()
		if !s.client.In.Buffered() {
			if err := s.server.Out.Flush(); err != nil {
				return err
			}
			if s.keeping {
				if again, err := s.listen(); err != nil {
					return err
				} else if again {
					continue
				}
			}
		}
		f, err := s.client.In.Next()
		if s.keeping && isTimeout(err) {
			continue // woken by wakeReader
		}
		if err != nil && s.keeping {
			err = errors.Join(s.settleLast(), err)
		}
		if err != nil {
			return err
		}
		s.messages.Add(1)
		s.frame = f
		if err := s.keep(); err != nil {
			return err
		}
		if err := s.message(f.Type); err != nil {
			return err
		}
	}
}

// message handles the message in s.frame.
func (s *session) message(kind byte) error {
	switch kind {
	case wire.Query:
		return s.query()
	case wire.Parse:
		return s.parse()
	case wire.Bind:
		return s.bind()
	case wire.Describe:
		return s.describe()
	case wire.Execute:
		return s.execute()
	case wire.Close:
		return s.closeTarget()
	case wire.Sync:
		return s.pass(expect{kind: kind})
	case wire.FuncCall:
		s.change() // the function has only a number, and may be set_config
		return s.pass(expect{kind: kind})
	case wire.CopyDone, wire.CopyFail:
		return s.pass(expect{kind: wire.CopyDone})
	case wire.Terminate:
		_ = s.relay()
		return errTerminated
	}
	return s.relay() // CopyData and Flush have no answer; the server says what it thinks of any other
}

// pass expects an answer and relays the message as it is.
func (s *session) pass(e expect) error {
	if err := s.queue.push(e); err != nil {
		return err
	}
	return s.relayBounded()
}

// passIn is pass, provided that the binder of the epoch is still in force; else it does nothing and returns errMoved.
func (s *session) passIn(now *epoch, e expect) error {
	if err := s.pushIn(now, e); err != nil {
		return err
	}
	return s.relayBounded()
}

// pushIn is passIn without the message.
func (s *session) pushIn(now *epoch, e expect) error {
	q := &s.queue
	q.mu.Lock()
	switch {
	case q.stop != nil:
		defer q.mu.Unlock()
		return q.stop
	case s.moved(now):
		q.mu.Unlock()
		return errMoved
	}
	q.pipeline.push(e)
	q.mu.Unlock()
	if !now.live && !s.blind {
		s.blind = true
		s.doubtVersion()
	}
	return nil
}

// passMaking is passIn for a text that makes something.
func (s *session) passMaking(now *epoch, e expect, sql []byte, makes []rewrite.Made) error {
	if s.moved(now) {
		return errMoved
	}
	if s.announceAll(now, makes, now.made.changes(s, sql)) && isSingle(sql) {
		e.flags |= unshared
	}
	s.changeBy(now, sql)
	return s.pass(e)
}

// isSingle reports whether a text surely is a single statement.
func isSingle(sql []byte) bool {
	at := bytes.IndexByte(sql, ';')
	return at < 0 || at == len(bytes.TrimRight(sql, " \t\r\n"))-1
}

// moved tells whether texts are to be looked at in another way than in the epoch.
func (s *session) moved(since *epoch) bool {
	now := s.srv.epoch.Load()
	return now.binder != since.binder || now.made != since.made
}

// relay writes the message in s.frame as it is.
func (s *session) relay() error {
	if _, err := s.server.Out.Write(s.frame.Raw); err != nil {
		return err
	}
	if s.frame.Rest == 0 {
		return nil
	}
	return s.client.In.CopyRest(s.server.Out)
}

// relayBounded is relay, and then waits while too many answers are outstanding.
func (s *session) relayBounded() error {
	if err := s.relay(); err != nil {
		return err
	}
	return s.bound()
}

func (s *session) bound() error {
	q := &s.queue
	q.mu.Lock()
	full := q.ring.n > maxExpected
	q.mu.Unlock()
	if !full {
		return nil
	}
	if err := s.server.Out.Flush(); err != nil {
		return err
	}
	return q.until(func() bool { return q.ring.n < maxExpected/2 || q.copyIn })
}

// send expects an answer and writes a message in place of the client's.
func (s *session) send(e expect, message []byte) error {
	if err := s.queue.push(e); err != nil {
		return err
	}
	if _, err := s.server.Out.Write(message); err != nil {
		return err
	}
	return s.bound()
}

// whole reads what is still to come of the message in s.frame.
func (s *session) whole() error {
	f, err := s.client.In.ReadRest(s.frame, wire.MaxMessage)
	if err == nil {
		s.frame = f
	}
	return err
}

// own gives the frame memory of its own.
func own(f wire.Frame) wire.Frame {
	raw := bytes.Clone(f.Raw)
	return wire.Frame{Type: f.Type, Raw: raw, Body: raw[5:], Rest: f.Rest}
}

// query handles a simple Query.
func (s *session) query() error {
	for {
		now := s.srv.epoch.Load()
		var err error
		if now.live {
			err = s.queryIn(now)
		} else {
			err = s.queryUnseen(now)
		}
		if !errors.Is(err, errMoved) {
			return err
		}
	}
}

// queryUnseen handles a simple Query while nothing is live.
func (s *session) queryUnseen(now *epoch) error {
	e := expect{kind: wire.Query, piece: s.piece}
	start, _, ok := cutString(s.frame.Body)
	if !ok {
		start = s.frame.Body
	}
	if s.rewrote || mayPrepare(start) {
		limit := maxParse
		if s.rewrote {
			limit = s.srv.maxText
		}
		if held, err := s.hold(limit); err != nil {
			return err
		} else if !held && s.rewrote {
			return s.passQueryUnseen(now)
		}
		sql, _ := wire.DecodeQuery(s.frame.Body)
		if s.rewrote && prepared.MayExecute(sql) {
			s.frame = own(s.frame)
			sql, _ = wire.DecodeQuery(s.frame.Body)
			err := s.giveBackMentioned(sql)
			if err = s.unseenError(err, wire.Query); !errors.Is(err, errGiven) {
				return err
			}
		}
		e.sql = s.changesIn(sql, s.frame.Rest == 0)
	}
	return s.passIn(now, e)
}

// errGiven says that the message in s.frame is to be sent.
var errGiven = errors.New("send it")

// unseenError turns what giveBackMentioned has returned into what becomes of a text. It returns errGiven when that is to
// be sent.
func (s *session) unseenError(err error, kind byte) error {
	var refused *wire.Error
	switch {
	case err == nil, errors.Is(err, errSkipped), errors.Is(err, errAborted):
		return errGiven
	case !errors.As(err, &refused):
		return err
	case kind == wire.Query:
		e := expect{kind: wire.Query, fail: refused, piece: s.piece}
		return s.send(e, wire.AppendQuery(s.server.Out.AvailableBuffer(), rewrite.StandIn))
	}
	return s.refuse(refused)
}

// queryIn handles a simple Query while a migration is live.
func (s *session) queryIn(now *epoch) error {
	if held, err := s.hold(now.binder.MaxBytes()); err != nil {
		return err
	} else if !held {
		return s.passQuery(now)
	}
	raw := expect{kind: wire.Query, piece: s.piece}
	sql, err := wire.DecodeQuery(s.frame.Body)
	if err != nil {
		return s.pass(raw) // the server finds the same fault
	}
	s.takesSnapshot = takesSnapshotFirst(sql)
	raw.sql = s.changesIn(sql, true)
	hit := s.match(now, sql)
	if hit != prefilter.Miss {
		raw.back = s.goesBack(sql)
	}
	switch hit {
	case prefilter.Miss:
		if controlOf(sql) == begins {
			s.frame = own(s.frame)
			if err := s.controls(now, begins); err != nil {
				return err
			}
		}
		return s.passIn(now, raw)
	case prefilter.StateWords:
		if made := now.binder.Makes(s.clientEncoding(), string(sql)); made != nil {
			return s.passMaking(now, raw, sql, made)
		}
		s.changeBy(now, sql)
		return s.passIn(now, raw)
	}
	text, err := s.choose(sql, nil, nil)
	var refused *wire.Error
	switch {
	case err == nil && text.Pieces != nil:
		return s.runSeries(sql, text.Pieces)
	case err == nil:
		flags := effects(text)
		if s.announce(text) {
			flags |= unshared
		}
		s.count(text)
		s.sent(text)
		e := expect{kind: wire.Query, sql: s.changesOf(text), back: raw.back, text: text, flags: flags, piece: s.piece}
		if !text.Changed {
			return s.pass(e)
		}
		s.srv.metrics.rewritten.Inc()
		return s.send(e, wire.AppendQuery(s.server.Out.AvailableBuffer(), text.SQL))
	case errors.Is(err, errSkipped), errors.Is(err, errAborted):
		return s.pass(raw)
	case errors.As(err, &refused):
		e := expect{kind: wire.Query, fail: refused, piece: s.piece}
		return s.send(e, wire.AppendQuery(s.server.Out.AvailableBuffer(), rewrite.StandIn))
	}
	return err
}

// effects are the flags for what a text does to everybody.
func effects(t *rewrite.Text) expectFlags {
	for i := range t.Statements {
		if t.Statements[i].Effect.Schema {
			return schema
		}
	}
	return 0
}

// cutString splits a message's body behind its first string.
func cutString(body []byte) (text, rest []byte, ok bool) {
	end := bytes.IndexByte(body, 0)
	if end < 0 {
		return nil, nil, false
	}
	return body[:end], body[end+1:], true
}

// typesOf decodes the parameter types at the end of a Parse into dst. ok is false when they are malformed.
func typesOf(dst []uint32, rest []byte) (types []uint32, ok bool) {
	if len(rest) < 2 || len(rest) != 2+4*int(binary.BigEndian.Uint16(rest)) {
		return dst, false
	}
	for rest = rest[2:]; len(rest) > 0; rest = rest[4:] {
		dst = append(dst, binary.BigEndian.Uint32(rest))
	}
	return dst, true
}
