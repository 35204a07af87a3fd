package proxy

import (
	"github.com/seguedb/segue/catalog"
	"github.com/seguedb/segue/proxy/wire"
	"github.com/seguedb/segue/rewrite"
	"github.com/seguedb/segue/rules"
)

// A private binder is one for a catalog that was read by the session itself, inside its transaction: so it has the tables,
// partitions, functions and types that the session has just made, as PostgreSQL shows them to it.
type private struct {
	binder *rewrite.Binder
	public *rewrite.Binder // in whose place it is
	made   *made           // what was known to be new when it was read
	code   bool            // it knows which functions that the session has made change the session

	changes, makings uint64 // counts of the state when it was read
	inside           bool   // it was read in a transaction
	lastIdle, txEnds uint64 // counts of the queue when it was read
}

// privateCache is the size of a private binder's cache: it lives for as long as a transaction, or for milliseconds.
const privateCache = 1 << 20

// binderFor is the binder to use for a text: that of the epoch, unless the text may name what its catalog does not have, as
// newer says that it does. With code it is one that knows what the session's own functions do.
func (s *session) binderFor(e *epoch, sql string, types []uint32, newer, code bool) (*rewrite.Binder, error) {
	v := &s.state
	own, _ := e.made.by(s)
	if !newer && !v.lacking && !e.made.concerns(s, []byte(sql)) && !v.ownNames.In([]byte(sql)) {
		if _, known := e.binder.MatchTypes(types); known {
			return e.binder, nil
		}
	}
	if p := v.private; p != nil && s.isCurrent(e, p, own) && (p.code || !code) {
		return p.binder, nil
	}
	if s.at.contradicts == e.binder {
		return nil, s.outrun(e)
	}
	return nil, s.readPrivately(e, code)
}

// isCurrent tells whether a private binder still shows what the session's server would. What the session makes itself is
// counted; what others make, only if the text may be about that.
func (s *session) isCurrent(e *epoch, p *private, own bool) bool {
	v := &s.state
	if p.public != e.binder || p.changes != v.changes || p.makings != v.makings || !own && p.made != e.made {
		return false
	}
	if !p.inside {
		return true
	}
	s.queue.mu.Lock()
	defer s.queue.mu.Unlock()
	return s.queue.lastIdle == p.lastIdle && s.queue.txEnds == p.txEnds
}

// knowsCode tells whether a binder knows what the code does that the session has made.
func (s *session) knowsCode(binder *rewrite.Binder) bool {
	p := s.state.private
	return p != nil && p.code && p.binder == binder
}

// readPrivately asks for the catalog as the session sees it, to make a private binder of it.
func (s *session) readPrivately(e *epoch, code bool) error {
	if err := s.mayAsk(); err != nil {
		return err
	}
	p := &private{public: e.binder, made: e.made, code: code, changes: s.state.changes, makings: s.state.makings}
	s.queue.mu.Lock()
	p.inside = s.queue.status != wire.Idle || s.queue.unsynced
	p.lastIdle, p.txEnds = s.queue.lastIdle, s.queue.txEnds
	s.queue.mu.Unlock()
	public := e.binder.Snapshot()
	q := &question{kind: ownCatalog, base: public.Catalog, code: code}
	q.then = func(err error) error {
		if err != nil {
			return err
		}
		snap, err := rules.Build(public.Epoch, public.Migrations, q.catalog)
		if now := s.srv.epoch.Load(); now.binder != e.binder {
			return errMoved
		}
		if err != nil {
			s.contradicted(e, err)
			return nil
		}
		snap.StoredNames = public.StoredNames
		options := s.srv.cfg.Rewrite
		options.CacheBytes = privateCache
		p.binder = rewrite.NewBinder(snap, options)
		s.state.forget()
		s.state.private = p
		s.state.generation++
		return nil
	}
	return q
}

// searchesSystemFirst tells whether the names of functions and operators are looked for in pg_catalog first. Those in the
// temporary schema are never found.
func searchesSystemFirst(path []string) bool {
	for _, schema := range path {
		if len(schema) < 7 || schema[:7] != "pg_temp" {
			return schema == "pg_catalog"
		}
	}
	return false
}

// lacks takes note of what the server has told about relations that the catalog of the binder does not have: if rows of
// a table under migration can be in one, the text is to be bound by the catalog as the session sees it.
func (s *session) lacks(e *epoch, binder *rewrite.Binder, answers map[rules.Name]*catalog.Relation) {
	cat := binder.Snapshot().Catalog
	for _, r := range answers {
		if r == nil || cat.Relation(r.OID) != nil || r.Schema == "pg_toast" {
			continue
		}
		// A view or a column can show rows of a type that is as new as itself. What not even the session's own catalog has
		// is no such thing, unless it was made since that was read.
		if s.mayHoldRows(e, r) || binder == e.binder && !r.Temp {
			s.state.lacking = true
			s.state.makings++
		}
	}
}

// mayHoldRows tells whether rows of a table under migration can be in a relation, by its parents or its columns.
func (s *session) mayHoldRows(e *epoch, r *catalog.Relation) bool {
	if len(r.Parents) > 0 {
		return true
	}
	types := make([]uint32, len(r.Columns))
	for i := range r.Columns {
		types[i] = uint32(r.Columns[i].Type)
	}
	hit, _ := e.binder.MatchTypes(types)
	return hit
}

// ownTables keeps the names of those temporary tables through which rows of a table under migration can be seen: no
// catalog but the session's own has them.
func (s *session) ownTables(e *epoch, own map[rules.Name]*catalog.Relation) {
	v := &s.state
	v.temporary = nil
	for name, r := range own {
		if name.Schema == "" && e.binder != nil && e.live && s.mayHoldRows(e, r) {
			v.temporary = append(v.temporary, name.Name)
		}
	}
	v.ownNames = rewrite.NewNameFilter(v.temporary)
}
