package proxy

import "github.com/seguedb/segue/rewrite"

// match looks for what matters in a text that is to be sent now. What the system catalogs show matters only to sessions
// that see other names in them; as long as it is not known which version the session has, it may be one of those.
func (s *session) match(e *epoch, sql []byte) rewrite.Hit {
	return s.matchMore(e, sql, e.binder.Match(sql, s.mayExecute()))
}

// matchMore is match where it is known what the binder finds.
func (s *session) matchMore(e *epoch, sql []byte, hit rewrite.Hit) rewrite.Hit {
	return unlessEmpty(sql, s.matchStatements(e, sql, hit))
}

// unlessEmpty takes back what was found in a text without statements: nothing is bound, so that nothing must be asked.
func unlessEmpty(sql []byte, hit rewrite.Hit) rewrite.Hit {
	if hit != rewrite.Miss && isEmpty(sql) {
		return rewrite.Miss
	}
	return hit
}

func (s *session) matchStatements(e *epoch, sql []byte, hit rewrite.Hit) rewrite.Hit {
	v := &s.view
	if hit != rewrite.Names && (e.made.named(s, sql) || v.ownNames.In(sql)) {
		return rewrite.Names
	}
	known := v.session != nil && !v.stale && !v.closing && !s.staleHint.Load()
	if hit == rewrite.Names || known && !e.binder.Introspects(v.session) || !e.binder.ShowsCatalogs(sql) {
		return hit
	}
	return rewrite.Names
}

// matchPrepared is match for a text that is kept, and may be executed when the session has another version. types are those
// that the client gives its parameters.
func (s *session) matchPrepared(e *epoch, sql []byte, types []uint32) rewrite.Hit {
	return s.matchKept(e, sql, types, s.mayExecute())
}

// matchKept is matchPrepared, where executes says that what a text executes by name is to be found, too.
func (s *session) matchKept(e *epoch, sql []byte, types []uint32, executes bool) rewrite.Hit {
	return s.matchKeptMore(e, sql, types, e.binder.Match(sql, executes))
}

// matchKeptMore is matchKept where it is known what the binder finds.
func (s *session) matchKeptMore(e *epoch, sql []byte, types []uint32, hit rewrite.Hit) rewrite.Hit {
	return unlessEmpty(sql, s.matchKeptStatements(e, sql, types, hit))
}

func (s *session) matchKeptStatements(e *epoch, sql []byte, types []uint32, hit rewrite.Hit) rewrite.Hit {
	if hit == rewrite.Names || e.binder.ShowsCatalogs(sql) || e.made.named(s, sql) || s.view.ownNames.In(sql) {
		return rewrite.Names
	}
	if rows, _ := e.binder.MatchTypes(types); rows {
		return rewrite.Names
	}
	return hit
}
