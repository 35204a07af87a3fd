package proxy

import (
	"github.com/seguedb/segue/proxy/wire"
	"github.com/seguedb/segue/rewrite"
	"github.com/seguedb/segue/rewrite/prefilter"
)

// Code that runs unseen (a function, a trigger, a DO that computes a text) may make something that no text names. Whether it has, the
// session's own server tells by one number, which grows with each row that the session writes to a catalog, whether that is rolled
// back or not. So the number is asked for when such code was sent, before the session's next text is looked at. If it is what it was,
// nothing was made. Otherwise something was, perhaps: then every text is looked at, and is bound by the catalog as the session sees it.

// An unseenCode is what is known of the code that a session has run.
type unseenCode struct {
	open  bool       // some was sent, and the number has not been asked for since
	armed bool       // what it has put off may run at the end of its transaction, or before
	ready uint64     // number of the ReadyForQuery that ends what was sent of it last
	by    *statement // whose Parse is all that was sent of it since the number was asked for; nil: there is more

	known  bool   // the number is
	number string // as the server has told it last
}

// writtenSQL asks for the number: of pg_class, pg_attribute, pg_type, pg_inherits, pg_rewrite, pg_depend, pg_proc and pg_namespace, by OID
// because eight names take a sixth of its time. What other sessions write counts when their statistics are flushed, which is a false
// alarm. It is NULL where nothing is counted.
const writtenSQL = `SELECT CASE WHEN pg_catalog.current_setting('track_counts') OPERATOR(pg_catalog.=) 'on' THEN (SELECT pg_catalog.sum(
 pg_catalog.pg_stat_get_tuples_inserted(c) OPERATOR(pg_catalog.+) pg_catalog.pg_stat_get_xact_tuples_inserted(c) OPERATOR(pg_catalog.+)
 pg_catalog.pg_stat_get_tuples_updated(c) OPERATOR(pg_catalog.+) pg_catalog.pg_stat_get_xact_tuples_updated(c) OPERATOR(pg_catalog.+)
 pg_catalog.pg_stat_get_tuples_deleted(c) OPERATOR(pg_catalog.+) pg_catalog.pg_stat_get_xact_tuples_deleted(c))::pg_catalog.text
 FROM pg_catalog.unnest('{1259,1249,1247,2611,2618,2608,1255,2615}'::pg_catalog.oid[]) c) END`

// countsWritten is the first server_version_num for which the number is right at any time: before, what is flushed is missing for a while.
const countsWritten = 150000

// mayMake tells whether a text that is about to be sent may run code that makes something unseen.
func (s *session) mayMake(e *epoch, sql []byte) bool {
	return e.binder.MayMake(sql) || e.made.makes(s, sql) || s.state.code.armed && rewrite.RunsPutOff(sql)
}

// severalMake tells whether a text is a string of statements of which one may make what a later one must know.
func (s *session) severalMake(e *epoch, sql []byte) bool {
	if isSingle(sql) || !s.state.code.armed && !s.mayMake(e, sql) && !rewrite.RunsBlock(sql) && !rewrite.MayMakeWithin(sql) {
		return false
	}
	return rewrite.Several(string(sql))
}

// isMissed tells whether a text may have a block of code in it that makes something, though it has no word that is looked for.
func isMissed(sql []byte) bool {
	word := firstWord(sql)
	return len(word) == 2 && word[0]|0x20 == 'd' && word[1]|0x20 == 'o' && rewrite.RunsBlock(sql)
}

// matchCode adds to what was found that a text may make something unseen.
func (s *session) matchCode(e *epoch, sql []byte, hit prefilter.Hit) prefilter.Hit {
	switch {
	case hit == prefilter.Names:
	case s.state.code.open, s.severalMake(e, sql):
		return prefilter.Names
	case hit == prefilter.Miss && isMissed(sql):
		return prefilter.StateWords
	}
	return hit
}

// runCode takes note that code is about to be sent that may make something unseen.
func (s *session) runCode() {
	c := &s.state.code
	c.open, c.armed, c.by = true, true, nil
	s.queue.mu.Lock()
	c.ready = s.queue.readyDue()
	s.queue.mu.Unlock()
}

// parseCode is runCode for the Parse of a statement: constants are read then, which the CHECK of a domain may do in code.
func (s *session) parseCode(st *statement) {
	if s.state.code.open {
		s.runCode()
		return
	}
	s.runCode()
	s.state.code.by = st
}

// inherit takes note that the open transaction may have run code that nobody has looked at.
func (s *session) inherit(e *epoch) {
	s.queue.mu.Lock()
	inside := s.queue.status != wire.Idle || s.queue.unsynced
	s.queue.mu.Unlock()
	if inside && e.binder.HasMakers() && !s.beforeSnapshot() {
		s.runCode()
		s.state.code.known = false
	}
}

// settleCode sees to it that it is known what the code has made that was sent before a text, which is about to be looked at and may
// be executed at once. The errors are those of choose.
func (s *session) settleCode(e *epoch, sql []byte) error {
	c := &s.state.code
	if !c.armed && (c.known || sql == nil) {
		return nil
	}
	if c.armed && !c.open {
		s.queue.mu.Lock()
		c.open = s.queue.readyDue() > c.ready && (s.queue.readies < c.ready || s.queue.lastIdle >= c.ready)
		s.queue.mu.Unlock()
	}
	first := !c.open && !c.known && (s.mayMake(e, sql) || isMissed(sql)) && !s.beforeSnapshot()
	if !c.open && !first {
		return nil
	}
	if failed, err := s.inFailed(true); failed || err != nil {
		return err
	}
	if e.binder.Snapshot().Catalog.ServerVersion < countsWritten {
		if c.open {
			s.codeAnswered(e, "")
			return errMoved
		}
		return nil
	}
	return s.ask(writtenSQL, func(number []byte) error {
		s.codeAnswered(e, string(number))
		return nil
	})
}

// codeAnswered takes note of the number after all that was sent; "" where it is not known.
func (s *session) codeAnswered(e *epoch, number string) {
	c := &s.state.code
	made := c.open && !(c.known && c.number == number && number != "")
	s.queue.mu.Lock()
	idle := s.queue.status == wire.Idle && s.queue.quiet()
	c.armed = c.armed && s.queue.lastIdle < c.ready
	s.queue.mu.Unlock()
	defer func() { c.open, c.by, c.known, c.number = false, nil, number != "", number }()
	if !made {
		return
	}
	s.change()
	s.announceAll(e, []rewrite.Made{{Rows: true, Runs: true, Changes: true, Makes: true}}, false)
	if !idle {
		return
	}
	// The transaction has ended in which it was made, so that the catalog is to be read at once.
	q := &s.queue
	q.mu.Lock()
	last := len(q.makings) - 1
	ended := []openMaking{q.makings[last]}
	q.makings = q.makings[:last]
	q.mu.Unlock()
	s.srv.madeEnded(ended)
}
