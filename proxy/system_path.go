package proxy

import (
	"github.com/seguedb/segue/catalog"
	"github.com/seguedb/segue/proxy/wire"
)

// The queries that read a catalog name types, functions and operators without their schema. In a session whose search_path
// has something before pg_catalog they could reach what a user has made, so for the time of the reading pg_catalog is all
// of search_path.
//
// That is set as SET LOCAL does, and set back in the same way to the text that it had: afterwards, and when the transaction
// ends or goes back to a savepoint, the setting is what it would have been (guc.c, AtEOXact_GUC). Outside a transaction one
// is opened for it.

const (
	setPathSQL = `SELECT pg_catalog.set_config('search_path', pg_catalog.convert_from(pg_catalog.decode($1::pg_catalog.text, 'hex'),` +
		` pg_catalog.getdatabaseencoding()), true)`
	hexPathSQL = `SELECT pg_catalog.encode(pg_catalog.convert_to(pg_catalog.current_setting('search_path'), pg_catalog.getdatabaseencoding()), 'hex')`
)

// onSystemPath calls read while names are looked for in pg_catalog only. It blocks. The errors are those of exchange, and of read.
func (s *session) onSystemPath(read func() error) error {
	if searchesSystemFirst(s.state.session.SearchPath) {
		return read()
	}
	s.queue.mu.Lock()
	alone := s.queue.quiet() && s.queue.status == wire.Idle
	s.queue.mu.Unlock()
	if !alone {
		return s.withPath(read)
	}
	if err := s.exchange(ownQuery("BEGIN", false)); err != nil {
		return err
	}
	err := s.withPath(read)
	if ended := s.exchange(ownQuery("ROLLBACK", false)); err == nil {
		err = ended
	}
	return err
}

// withPath is onSystemPath inside a transaction.
func (s *session) withPath(read func() error) error {
	path := ownQuery(hexPathSQL, false)
	err := s.exchange(path)
	var was []byte
	if err == nil {
		was, err = path.value()
	}
	if err != nil {
		return err
	}
	if err := s.exchange(ownQuery(setPathSQL, false, []byte("70675f636174616c6f67"))); err != nil { // pg_catalog
		return err
	}
	if err := read(); err != nil {
		return err // after which the transaction has failed, or nothing is sent any more
	}
	return s.exchange(ownQuery(setPathSQL, false, was))
}

// readCatalog has a catalog read again by the session itself, with which functions change the session if code says so. It blocks.
func (s *session) readCatalog(base *catalog.Catalog, code bool) (cat *catalog.Catalog, err error) {
	own := &ownServer{s: s}
	read := base.Reread
	if code {
		read = base.RereadCode
	}
	err = s.onSystemPath(func() (err error) {
		if cat, err = read(s.srv.ctx, own); own.err != nil {
			return own.err
		}
		if err != nil {
			return raise(&wire.Error{Code: "XX000", Message: "segue: " + err.Error()})
		}
		return nil
	})
	return cat, err
}
