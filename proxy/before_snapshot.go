package proxy

import (
	"bytes"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/seguedb/segue/proxy/wire"
)

// A transaction at REPEATABLE READ takes its snapshot with its first query, and a client may mean that to be behind a LOCK.
// SET TRANSACTION, too, must come before any query, in every transaction. So in a transaction that has no snapshot yet no
// question is asked that takes one, unless the client's own text takes one at that moment. SHOW takes none: it tells what
// settings are, and where the search_path leads is then asked on another connection. What that does not tell (a table
// that the catalog does not have yet) is asked at READ COMMITTED, where each statement has a snapshot of its own, and else
// refused.

// snapshotless are the first words of those texts that matter here and take no snapshot, all others do
// (PlannedStmtRequiresSnapshot in pquery.c).
var snapshotless = []string{
	"lock", "set", "reset", "show", "begin", "start", "commit", "end", "rollback", "abort", "savepoint", "release",
	"fetch", "move", "listen", "notify", "unlisten", "checkpoint",
}

// takesSnapshotFirst tells whether the first statement of a text takes a snapshot when it is executed. Without a statement
// there is nothing to take one.
func takesSnapshotFirst(sql []byte) bool {
	sql = behindNothing(sql)
	if len(sql) == 0 {
		return false
	}
	word := firstWord(sql)
	return !slices.ContainsFunc(snapshotless, func(w string) bool { return len(w) == len(word) && bytes.EqualFold(word, []byte(w)) })
}

// beforeSnapshot tells whether a question would take a snapshot that the client's text does not take. All that ends a
// transaction or begins one has been answered.
func (s *session) beforeSnapshot() bool {
	q := &s.queue
	q.mu.Lock()
	defer q.mu.Unlock()
	return !s.takesSnapshot && q.snapshot == noSnapshot && (q.status != wire.Idle || q.unsynced)
}

// errBeforeSnapshot is what the client gets where something is not known that only a query tells.
func errBeforeSnapshot() *wire.Error {
	return raise(&wire.Error{
		Code:    "0A000",
		Message: "what this statement names is not known, and to ask for it would take the snapshot of the transaction before the statement does",
		Hint:    "Send a query first, such as SELECT 1, or use no new names and settings between BEGIN and the first query.",
	})
}

// mayAsk is called before a question that takes a snapshot. Its error says why it must not be asked.
func (s *session) mayAsk() error {
	if !s.beforeSnapshot() {
		return nil
	}
	return s.ask("SHOW transaction_isolation", func(level []byte) error {
		if l := string(level); l != "read committed" && l != "read uncommitted" {
			return errBeforeSnapshot()
		}
		s.queue.mu.Lock()
		s.queue.snapshot = askedSnapshot
		s.queue.mu.Unlock()
		return nil
	})
}

// refreshBySettings is refresh where nothing may be asked that takes a snapshot, as far as settings tell what is to be known.
func (s *session) refreshBySettings(e *epoch) error {
	v := &s.state
	if v.session == nil || v.probed == nil {
		return s.refreshByAsking(e)
	}
	if v.moved {
		return s.mayAsk() // after which it is asked
	}
	next := *v.probed
	settings := map[string]*string{
		"standard_conforming_strings": &next.Strings, "client_encoding": &next.Encoding, "application_name": &next.Application,
		"search_path": &next.Setting, "role": &next.Role, "session_authorization": &next.Authorization,
	}
	if _, known := s.knownVersion(); next.Version != nil {
		version := *next.Version
		next.Version = &version
		settings["segue.version"] = next.Version
	} else if !known {
		return s.refreshByAsking(e) // SHOW fails where it was never set
	}
	queries := make(map[*string]*hiddenGroup, len(settings))
	for name, into := range settings {
		queries[into] = ownQuery("SHOW "+name, false)
	}
	return s.askAll(slices.Collect(maps.Values(queries)), true, func() error {
		for into, query := range queries {
			value, err := query.value()
			if err != nil {
				return err
			}
			*into = string(value)
		}
		if next.Setting == v.probed.Setting && next.role() == v.probed.role() && !v.aged {
			s.take(e, &next)
			return nil
		}
		return s.askPath(e, &next)
	})
}

// role is the one whose privileges count.
func (p *probed) role() string {
	if p.Role == "none" {
		return p.Authorization
	}
	return p.Role
}

// pathTimeout bounds how long a statement waits for the answer of another connection.
const pathTimeout = 5 * time.Second

// askPath asks on another connection where the search_path of p leads, and makes the state of it; where that cannot be told,
// the session's own server is asked.
func (s *session) askPath(e *epoch, p *probed) error {
	if s.srv.cfg.SearchPath == nil {
		return s.refreshByAsking(e)
	}
	q := &question{kind: searchPath, role: p.role(), setting: p.Setting}
	q.then = func(err error) error {
		if err != nil {
			s.srv.log.Warn("it cannot be told where a search_path leads", "error", err)
			return s.refreshByAsking(e)
		}
		p.Path = effectivePath(q.path, s.state.session.SearchPath)
		s.take(e, p)
		return nil
	}
	return q
}

// effectivePath adds to the schemas of a setting, in which pg_temp stands for the session's own, what is searched besides
// (recomputeNamespacePath in namespace.c).
func effectivePath(path, before []string) []string {
	temp := slices.IndexFunc(before, func(schema string) bool { return strings.HasPrefix(schema, "pg_temp_") })
	at := slices.Index(path, "pg_temp")
	switch {
	case at >= 0 && temp >= 0:
		path[at] = before[temp]
	case at >= 0:
		path = slices.Delete(path, at, at+1)
	}
	if !slices.Contains(path, "pg_catalog") {
		path = slices.Insert(path, 0, "pg_catalog")
	}
	if at < 0 && temp >= 0 {
		path = slices.Insert(path, 0, before[temp])
	}
	return path
}
