package proxy

import (
	"cmp"
	"errors"
	"slices"

	"github.com/seguedb/segue/proxy/prepared"
	"github.com/seguedb/segue/proxy/wire"
	"github.com/seguedb/segue/rewrite"
	"github.com/seguedb/segue/rewrite/prefilter"
)

// maxParse is the size of a Parse that is not remembered, and hence not held in memory, while nothing is live.
const maxParse = 1 << 20

// A plan is what was found out about a statement's text, for one binder and one view of the session.
type plan struct {
	binder     *rewrite.Binder
	made       *made
	hit        prefilter.Hit
	control    control
	text       *rewrite.Text   // nil until it was bound
	generation uint64          // of the view that it was bound in
	makes      *[]rewrite.Made // of a text with StateWords, once it is known; nil inside: nothing
}

// A portal is what is known of a portal: the zero value stands for one that does not matter.
type portal struct {
	text     *rewrite.Text
	stateful bool // executing it may change what later texts mean
	sets     bool // and segue.version
	makes    *[]rewrite.Made
	sql      *changes // what executing it does to what is prepared; nil: nothing
	back     *backTo  // set if it is ROLLBACK TO
	bound    moment   // when its Bind was sent
}

// A moment is one at which a message was sent.
type moment struct {
	ready    uint64 // number of the ReadyForQuery that ends its group
	failures uint64 // the queue's
}

// moment is now.
func (q *queue) moment() moment {
	q.mu.Lock()
	defer q.mu.Unlock()
	return moment{q.readyDue(), q.failures}
}

// described is the text of a portal, if it is sure that it is the one: its Bind may have been skipped.
func (s *session) described(name []byte) *rewrite.Text {
	p := s.portal(name)
	if p.text == nil {
		return nil
	}
	q := &s.queue
	q.mu.Lock()
	defer q.mu.Unlock()
	if p.bound.ready != q.readyDue() && (p.bound.ready > q.readies || p.bound.failures != q.failures) {
		return nil
	}
	return p.text
}

// parse handles a Parse.
func (s *session) parse() error {
	for {
		now := s.srv.epoch.Load()
		err := s.parseIn(now)
		if !errors.Is(err, errMoved) {
			return err
		}
	}
}

func (s *session) parseIn(now *epoch) error {
	limit := maxParse
	if now.live {
		limit = now.binder.MaxBytes()
	}
	if held, err := s.hold(limit); err != nil {
		return err
	} else if !held && now.live {
		return s.passParse(now)
	}
	if s.frame.Rest > 0 { // the name is at the beginning of it
		if err := s.begins(); err != nil {
			return err
		}
	}
	name, rest, ok := cutString(s.frame.Body)
	if !ok {
		return s.pass(expect{kind: wire.Parse})
	}
	sql, rest, ok := cutString(rest)
	if s.frame.Rest > 0 {
		return s.passIn(now, expect{kind: wire.Parse, stmt: s.open(name, nil, nil, true)})
	}
	if ok {
		s.types, ok = typesOf(s.types[:0], rest)
	}
	if !ok {
		return s.pass(expect{kind: wire.Parse}) // the server finds the same fault
	}
	s.takesSnapshot = takesSnapshotFirst(sql)
	if !now.live {
		return s.parseUnseen(now, name, sql)
	}
	hit := s.matchPrepared(now, sql, s.types)
	if hit != prefilter.Names {
		st := s.open(name, sql, s.types, false)
		s.follow(st)
		st.Memo.plan = plan{binder: now.binder, made: now.made, hit: hit, control: controlOf(sql)}
		return s.passIn(now, expect{kind: wire.Parse, stmt: st})
	}
	text, err := s.choose(sql, s.types, nil)
	var refused *wire.Error
	switch {
	case err == nil:
		return s.parseAs(text)
	case errors.Is(err, errSkipped), errors.Is(err, errAborted):
		name, rest, _ := cutString(s.frame.Body)
		sql, _, _ := cutString(rest)
		return s.pass(expect{kind: wire.Parse, stmt: s.open(name, sql, s.types, false)})
	case errors.As(err, &refused):
		return s.refuse(refused)
	}
	return err
}

// parseUnseen handles a Parse while nothing is live.
func (s *session) parseUnseen(now *epoch, name, sql []byte) error {
	if s.rewrote && prepared.MayExecute(sql) {
		s.frame = own(s.frame)
		var rest []byte
		name, rest, _ = cutString(s.frame.Body)
		sql, _, _ = cutString(rest)
		if err := s.unseenError(s.giveBackMentioned(sql), wire.Parse); !errors.Is(err, errGiven) {
			return err
		}
	}
	st := s.open(name, sql, s.types, false)
	s.follow(st)
	return s.passIn(now, expect{kind: wire.Parse, stmt: st})
}

// follow notes whether executing the statement changes what is prepared by SQL.
func (s *session) follow(st *statement) { s.follows = s.follows || mayPrepare(st.Text) }

// parseAs sends the Parse in s.frame with the text that was chosen for it.
func (s *session) parseAs(text *rewrite.Text) error {
	name, rest, _ := cutString(s.frame.Body)
	sql, _, _ := cutString(rest)
	st := s.open(name, sql, s.types, false)
	st.Memo.plan = plan{
		binder: s.view.epoch.binder, made: s.view.epoch.made, hit: prefilter.Names, control: controlOf(sql), text: text, generation: s.view.generation,
	}
	if executesByName(text) {
		st.Memo.plan.text = nil
	}
	e := expect{kind: wire.Parse, stmt: st, text: text}
	if !text.Changed {
		return s.pass(e)
	}
	st.Have = servedBy(text)
	st.Coming = st.Have
	s.rewrote = true
	s.srv.metrics.rewritten.Inc()
	if err := s.send(e, wire.AppendParse(s.server.Out.AvailableBuffer(), string(name), text.SQL, s.types)); err != nil || len(name) == 0 {
		return err
	}
	// The client may know the result from a portal only.
	e = expect{kind: wire.Describe, flags: hidden, stmt: st, text: text}
	return s.send(e, wire.AppendDescribe(s.server.Out.AvailableBuffer(), wire.StatementOf, s.sentName(st.Name())))
}

// refuse makes the server fail where it would have failed at the client's message, with an error of ours.
func (s *session) refuse(refused *wire.Error) error {
	return s.refuseAs(refused, s.frame.Type == wire.Parse && s.frame.Body[0] == 0)
}

// refuseAs is refuse; unnamed says that the message is a Parse of the unnamed statement.
func (s *session) refuseAs(refused *wire.Error, unnamed bool) error {
	e := expect{kind: wire.Parse, fail: refused}
	name := reserved
	if unnamed { // one that fails ends the unnamed statement
		name = ""
		e.stmt = s.open(nil, nil, nil, false)
	}
	return s.send(e, wire.AppendParse(s.server.Out.AvailableBuffer(), name, rewrite.StandIn, nil))
}

// bind handles a Bind: what is bound has to be prepared in the text that is right now.
func (s *session) bind() error {
	for {
		now := s.srv.epoch.Load()
		if !now.live && !s.rewrote && !s.follows {
			return s.unlessMoved(now, expect{kind: wire.Bind})
		}
		if err := s.begins(); err != nil {
			return err
		}
		_, name, err := wire.DecodeBind(s.frame.Body)
		if err != nil && s.frame.Rest > 0 {
			return s.refusePassing(raise(&wire.Error{Code: "54000", Message: "the names in this message are too long"}))
		}
		if err != nil {
			return s.pass(expect{kind: wire.Bind})
		}
		p, err := s.current(now, s.keyOf(name))
		if err == nil {
			portalName, _, _ := cutString(s.frame.Body) // only now, for current may move the frame
			if p.text != nil {
				p.bound = s.queue.moment()
			}
			s.setPortal(portalName, p)
			err = s.passChosen(now, expect{kind: wire.Bind, text: p.text})
		}
		if !errors.Is(err, errMoved) {
			return s.answerRefusal(err, expect{kind: wire.Bind})
		}
	}
}

// begins reads as much of the message in s.frame as its names can take. The rest of it is not held.
func (s *session) begins() (err error) {
	if s.frame.Rest > 0 {
		s.frame, err = s.client.In.ReadPart(s.frame, maxNames)
	}
	return err
}

// maxNames bounds the names at the beginning of a message, in bytes. Of each the server takes 63.
const maxNames = 32 << 10

// passChosen is passIn, but what has a text is registered as in flight, and needs no second look.
func (s *session) passChosen(now *epoch, e expect) error {
	if e.text != nil {
		return s.pass(e)
	}
	return s.passIn(now, e)
}

// unlessMoved is passIn for messages that need no second look as long as nothing is live.
func (s *session) unlessMoved(now *epoch, e expect) error {
	err := s.passIn(now, e)
	if errors.Is(err, errMoved) {
		return s.message(s.frame.Type)
	}
	return err
}

// answerRefusal turns an error of current into what becomes of the message in s.frame.
func (s *session) answerRefusal(err error, e expect) error {
	var refused *wire.Error
	switch {
	case errors.Is(err, errSkipped), errors.Is(err, errAborted):
		return s.pass(e)
	case errors.As(err, &refused):
		if err := s.refuse(refused); err != nil {
			return err
		}
		return s.pass(e) // which the server discards
	}
	return err
}

// current sees to it that the server has the statement in the text that is right now, and says what running it means.
// The errors are those of choose.
func (s *session) current(now *epoch, key []byte) (portal, error) {
	if now.live {
		s.rebase(now)
	}
	s.takesSnapshot = s.likelySnapshot(key)
	st, err := s.find(key)
	if st == nil || err != nil {
		return portal{}, err
	}
	s.takesSnapshot = st.Lost || takesSnapshotFirst(st.Text)
	if !now.live {
		return s.currentUnseen(st)
	}
	if st.SQL { // it is what EXECUTE would do
		_, err := s.choose([]byte("EXECUTE "+quoteName(s.sentName(st.Name()))), nil, nil)
		return portal{}, err
	}
	if err := s.look(now, st); err != nil {
		return portal{}, err
	}
	p := &st.Memo.plan
	if p.control != noControl {
		if err := s.controls(now, p.control); err != nil {
			return portal{}, err
		}
	}
	if p.hit != prefilter.Names {
		return s.currentMiss(now, st)
	}
	text, err := s.chooseAgain(st)
	if err != nil {
		return portal{}, err
	}
	has := s.has(st, text)
	if !has || mustFail(text) {
		if there, err := s.isMade(st); err != nil || !there {
			return portal{}, cmp.Or(err, errMoved)
		}
	}
	if !has {
		if err := s.prepareAgain(st, text); err != nil {
			return portal{}, err
		}
		return portal{}, errMoved // what choose has registered as in flight may have landed with that
	}
	return portal{text: text, sql: s.changesOf(text), back: backIn(st)}, nil
}

// mustFail tells whether a statement of the text fails whenever it is executed.
func mustFail(t *rewrite.Text) bool {
	return slices.ContainsFunc(t.Statements, func(st rewrite.Statement) bool { return st.Failure != nil })
}

// isMade tells whether the server has made a statement, or makes it in the open group. It waits for the answers to an earlier
// group, in which the Parse may have failed: then the server is to say that there is no such statement, whatever is wrong with it.
func (s *session) isMade(st *statement) (bool, error) {
	stands := func() bool {
		s.queue.mu.Lock()
		defer s.queue.mu.Unlock()
		return s.queue.stmts.Stands(st)
	}
	if stands() {
		return true, nil
	}
	if err := s.answered(); err != nil {
		return false, err
	}
	return stands(), nil
}

// likelySnapshot tells whether what is prepared under a name takes a snapshot when it is executed, where the server has yet to be
// asked what that is. What was prepared before anything was live is as the client has said, unless it hides its names; where
// something else may have been prepared unseen it is not known, and to ask too early would be wrong.
func (s *session) likelySnapshot(key []byte) bool {
	s.queue.mu.Lock()
	defer s.queue.mu.Unlock()
	st, _ := s.queue.stmts.Find(key)
	return st != nil && !st.Lost && takesSnapshotFirst(st.Text) && (s.unseenBefore || !s.queue.stmts.Unsure(key))
}

// chooseAgain is choose for a statement that was prepared by a Parse.
func (s *session) chooseAgain(st *statement) (*rewrite.Text, error) {
	if !st.Lost {
		return s.choose(st.Text, st.Types, st)
	}
	if t := st.Memo.plan.text; t != nil {
		return s.choose([]byte(t.Client), st.Types, st)
	}
	sql, err := s.clientText(st)
	if err != nil {
		return nil, err
	}
	return s.choose([]byte(sql), st.Types, st)
}

// currentUnseen is current while nothing is live: the server is to have the client's own text, of all that may be executed.
func (s *session) currentUnseen(st *statement) (portal, error) {
	if err := s.giveBackMentioned(st.Text); err != nil && !errors.Is(err, errAborted) {
		return portal{}, err
	}
	return portal{sql: s.changesIn(st.Text, !st.Lost)}, s.giveBack(st)
}

// currentMiss is current for a statement that concerns no table under migration.
func (s *session) currentMiss(now *epoch, st *statement) (portal, error) {
	p := &st.Memo.plan
	stateful := p.hit == prefilter.StateWords
	if stateful && st.Lost {
		p.makes = &[]rewrite.Made{{Runs: true, Changes: true}}
	}
	if stateful && p.makes == nil {
		made := now.binder.Makes(st.Read.Encoding, string(st.Text))
		p.makes = &made
	}
	out := portal{
		stateful: stateful, makes: p.makes, sets: stateful && (st.Lost || now.binder.MaySetVersion(st.Text) || now.made.changes(s, st.Text)),
		sql: s.changesIn(st.Text, !st.Lost), back: backIn(st),
	}
	return out, s.giveBack(st)
}

// controls prepares for a statement that begins or may end a transaction, of the extended protocol or alone in a Query.
//
// Before one that begins, the view is read if it is not fresh, and what is prepared if that is not known. Else it would be read
// by a query inside the transaction, which takes the snapshot that a client at REPEATABLE READ means to take after a LOCK.
func (s *session) controls(now *epoch, c control) error {
	if c == ends {
		s.queue.groupMayEnd()
		return nil
	}
	s.rebase(now)
	fresh, err := s.fresh()
	if err != nil {
		return err
	}
	s.queue.mu.Lock()
	outside := s.queue.quiet() && s.queue.status == wire.Idle
	unsure := s.queue.stmts.Doubtful()
	s.queue.mu.Unlock()
	if !outside {
		return nil
	}
	if unsure {
		if err := s.recount(); err != nil && !errors.Is(err, errAborted) {
			return err
		}
	}
	if fresh && !s.view.aged {
		return nil
	}
	err = s.refresh(now)
	var refused *wire.Error
	if errors.As(err, &refused) {
		s.view.stale = true
		return nil // the first statement that needs the view will say so
	}
	return err
}

// describe handles a Describe.
func (s *session) describe() error {
	for {
		now := s.srv.epoch.Load()
		what, name, err := wire.DecodeTarget(s.frame.Body)
		switch {
		case err != nil:
			return s.pass(expect{kind: wire.Describe})
		case what != wire.StatementOf:
			return s.pass(expect{kind: wire.Describe, text: s.described(name)})
		}
		var p portal
		if now.live || s.rewrote {
			p, err = s.current(now, s.keyOf(name))
			_, name, _ = wire.DecodeTarget(s.frame.Body)
		}
		if err == nil {
			key := s.keyOf(name)
			s.queue.mu.Lock()
			st, sure := s.queue.stmts.Find(key)
			s.queue.mu.Unlock()
			if !sure {
				st = nil
			}
			err = s.passChosen(now, expect{kind: wire.Describe, stmt: st, text: p.text})
		}
		if !errors.Is(err, errMoved) {
			return s.answerRefusal(err, expect{kind: wire.Describe})
		}
	}
}

// execute handles an Execute. The portal's plan holds its locks since Bind, so no gate is to be asked.
func (s *session) execute() error {
	name, _, err := wire.DecodeExecute(s.frame.Body)
	if err != nil {
		return s.pass(expect{kind: wire.Execute})
	}
	p := s.portal(name)
	e := expect{kind: wire.Execute, text: p.text, back: p.back}
	if p.sql != nil {
		s.queue.mu.Lock()
		e.sql = s.queue.stmts.Copy(p.sql)
		s.queue.mu.Unlock()
	}
	if p.makes != nil && len(*p.makes) > 0 {
		if now := s.srv.epoch.Load(); now.live && s.announceAll(now, *p.makes, p.sets && now.made.changes(s, nil)) {
			e.flags |= unshared
		}
	}
	if p.stateful {
		s.changeNames()
	}
	if p.sets {
		s.doubtVersion()
	}
	if p.text != nil {
		if s.announce(p.text) {
			e.flags |= unshared
		}
		s.count(p.text)
		s.sent(p.text)
		e.flags |= effects(p.text)
	}
	return s.pass(e)
}

// closeTarget handles a Close.
func (s *session) closeTarget() error {
	what, name, err := wire.DecodeTarget(s.frame.Body)
	if err != nil || what != wire.StatementOf {
		if err == nil {
			s.setPortal(name, portal{})
		}
		return s.pass(expect{kind: wire.Close})
	}
	key := s.keyOf(name)
	s.queue.mu.Lock()
	closed := s.queue.stmts.Named(key)
	s.queue.mu.Unlock()
	return s.pass(expect{kind: wire.Close, name: closed})
}

// maxPortals bounds the named portals that are known; one that is not known costs its errors the version's names.
const maxPortals = 4096

func (s *session) portal(name []byte) portal {
	if len(name) == 0 {
		return s.unnamed
	}
	return s.portals[string(name)]
}

func (s *session) setPortal(name []byte, p portal) {
	switch {
	case len(name) == 0:
		s.unnamed = p
	case p == portal{}:
		delete(s.portals, string(name))
	default:
		if s.portals == nil || len(s.portals) >= maxPortals {
			s.portals = make(map[string]portal)
		}
		s.portals[string(name)] = p
	}
}
