package proxy

import (
	"bytes"
	"context"
	"errors"
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

// mayAsk is called before a question that would take a snapshot which the client's text does not take. Its error says why it
// must not be asked.
func (s *session) mayAsk() error {
	level, err := s.ask("SHOW transaction_isolation")
	if err != nil {
		return err
	}
	if l := string(level); l != "read committed" && l != "read uncommitted" {
		return errBeforeSnapshot()
	}
	s.queue.mu.Lock()
	s.queue.snapshot = askedSnapshot
	s.queue.mu.Unlock()
	return nil
}

// refreshBySettings is refresh where nothing may be asked that takes a snapshot. All else than settings is as it was when
// the view was read: what changes it takes a snapshot.
func (s *session) refreshBySettings(e *epoch) error {
	v := &s.view
	if v.session == nil || v.probed == nil {
		return s.refreshByAsking(e)
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
	for name, into := range settings {
		answer, err := s.ask("SHOW " + name)
		if err != nil {
			return err
		}
		*into = string(answer)
	}
	if next.Setting != v.probed.Setting || next.role() != v.probed.role() || v.aged {
		path, err := s.pathOf(&next, v.session.SearchPath)
		if err != nil {
			return s.refreshByAsking(e)
		}
		next.Path = path
	}
	s.take(e, &next)
	return nil
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

// errNoPath says that no other connection can tell where a search_path leads.
var errNoPath = errors.New("where the search_path leads is not known")

// pathOf asks on another connection where a search_path leads; before is where it has led until now. The error is errNoPath.
func (s *session) pathOf(p *probed, before []string) ([]string, error) {
	if s.srv.cfg.SearchPath == nil {
		return nil, errNoPath
	}
	ctx, cancel := context.WithTimeout(s.srv.ctx, pathTimeout)
	defer cancel()
	path, err := s.srv.cfg.SearchPath(ctx, p.role(), p.Setting)
	if err != nil {
		s.srv.log.Warn("it cannot be told where a search_path leads", "error", err)
		return nil, errNoPath
	}
	return effectivePath(path, before), nil
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
