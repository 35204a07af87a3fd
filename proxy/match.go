package proxy

import "github.com/seguedb/segue/rewrite/prefilter"

// match looks for what matters in a text that is to be sent now. What the system catalogs show matters only to sessions
// that see other names in them; as long as it is not known which version the session has, it may be one of those.
func (s *session) match(e *epoch, sql []byte) prefilter.Hit {
	return s.matchMore(e, sql, e.binder.Match(sql, s.mayExecute()))
}

// matchMore is match where it is known what the binder finds.
func (s *session) matchMore(e *epoch, sql []byte, hit prefilter.Hit) prefilter.Hit {
	return unlessEmpty(sql, s.matchCode(e, sql, s.matchStatements(e, sql, hit)))
}

// unlessEmpty takes back what was found in a text without statements: nothing is bound, so that nothing must be asked.
func unlessEmpty(sql []byte, hit prefilter.Hit) prefilter.Hit {
	if hit != prefilter.Miss && isEmpty(sql) {
		return prefilter.Miss
	}
	return hit
}

func (s *session) matchStatements(e *epoch, sql []byte, hit prefilter.Hit) prefilter.Hit {
	v := &s.state
	if hit != prefilter.Names && (e.made.named(s, sql) || v.ownNames.In(sql)) {
		return prefilter.Names
	}
	known := v.session != nil && !v.stale && !v.closing && !s.staleHint.Load()
	if hit == prefilter.Names || known && !e.binder.Introspects(v.session) || !e.binder.ShowsCatalogs(sql) {
		return s.matchChanges(e, sql, hit)
	}
	return prefilter.Names
}

// matchPrepared is match for a text that is kept, and may be executed when the session has another version. types are those
// that the client gives its parameters.
func (s *session) matchPrepared(e *epoch, sql []byte, types []uint32) prefilter.Hit {
	return s.matchKept(e, sql, types, s.mayExecute())
}

// matchKept is matchPrepared, where executes says that what a text executes by name is to be found, too.
func (s *session) matchKept(e *epoch, sql []byte, types []uint32, executes bool) prefilter.Hit {
	return s.matchKeptMore(e, sql, types, e.binder.Match(sql, executes))
}

// matchKeptMore is matchKept where it is known what the binder finds.
func (s *session) matchKeptMore(e *epoch, sql []byte, types []uint32, hit prefilter.Hit) prefilter.Hit {
	return unlessEmpty(sql, s.matchCode(e, sql, s.matchKeptStatements(e, sql, types, hit)))
}

func (s *session) matchKeptStatements(e *epoch, sql []byte, types []uint32, hit prefilter.Hit) prefilter.Hit {
	if hit == prefilter.Names || e.binder.ShowsCatalogs(sql) || e.made.named(s, sql) || s.state.ownNames.In(sql) {
		return prefilter.Names
	}
	if rows, _ := e.binder.MatchTypes(types); rows {
		return prefilter.Names
	}
	return s.matchChanges(e, sql, hit)
}

// matchChanges adds to what was found that a text may use what was made a moment ago and changes the session.
func (s *session) matchChanges(e *epoch, sql []byte, hit prefilter.Hit) prefilter.Hit {
	if hit == prefilter.Miss && e.made.changes(s, sql) {
		return prefilter.StateWords
	}
	return hit
}
