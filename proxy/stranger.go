package proxy

import (
	"cmp"
	"context"
	"errors"
	"sync"
	"time"

	"github.com/seguedb/segue/catalog"
	"github.com/seguedb/segue/proxy/wire"
)

// A partition that was made around the proxy, or by a function, is in no catalog for some seconds, and a text that uses it
// by its own name is forwarded unseen. But the description of its result names the table by number: one that is not in the
// catalog is a stranger. If a column of it is labelled with a name that the session's version does not use for the column,
// the database is asked whether the stranger is an heir of a table under migration, before the client gets anything.

// strangers knows which relations, of those that the catalog does not have, are no heirs of a table under migration. It
// is safe for concurrent use.
type strangers struct {
	mu       sync.Mutex
	harmless map[catalog.OID]bool
}

// maxHarmless bounds what is remembered: what is forgotten is asked for again.
const maxHarmless = 1 << 14

func (x *strangers) isHarmless(oid catalog.OID) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.harmless[oid]
}

func (x *strangers) add(oids []catalog.OID) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.harmless == nil || len(x.harmless) > maxHarmless {
		x.harmless = make(map[catalog.OID]bool)
	}
	for _, oid := range oids {
		x.harmless[oid] = true
	}
}

// forget is called when the catalog has been read again: a harmless relation can have become an heir.
func (x *strangers) forget() {
	x.mu.Lock()
	x.harmless = nil
	x.mu.Unlock()
}

// heirTimeout bounds how long a result is held back to ask about it.
const heirTimeout = 5 * time.Second

// meet looks at the description of a result to a text that was forwarded unseen. It asks where the result may show a table under
// migration in the names of the database; errStranger: it does.
func (s *session) meet(body []byte) error {
	e := s.srv.epoch.Load()
	if !e.live || s.srv.cfg.Heirs == nil {
		return nil
	}
	moving := s.moving(e)
	if len(moving) == 0 {
		return nil
	}
	var err error
	if s.fields, err = wire.DecodeRowDescription(s.fields, body); err != nil {
		return nil // the client finds the same fault
	}
	var unknown []catalog.OID
	cat := e.binder.Snapshot().Catalog
	for i := range s.fields {
		f := &s.fields[i]
		if f.Table < firstUserOID || !moving[string(f.Name)] || cat.Relation(oid(f.Table)) != nil || s.srv.strangers.isHarmless(oid(f.Table)) {
			continue
		}
		unknown = append(unknown, oid(f.Table))
	}
	if unknown == nil {
		return nil
	}
	q := &question{kind: heirs, relations: unknown, tables: e.binder.Snapshot().Tables}
	q.then = func(err error) error {
		switch {
		case err != nil:
			s.srv.log.Warn("it cannot be told whether a result shows a table under migration", "error", err)
			return nil
		case q.yes:
			return errStranger
		case s.srv.epoch.Load().binder == e.binder:
			s.srv.strangers.add(unknown)
		}
		return nil
	}
	return q
}

// askForHeirs tells whether one of the relations may inherit from one of the tables. It blocks.
func (s *session) askForHeirs(relations, tables []catalog.OID) (bool, error) {
	ctx, cancel := context.WithTimeout(s.srv.ctx, heirTimeout)
	defer cancel()
	return s.srv.cfg.Heirs(ctx, s.link.PID, relations, tables)
}

// moving are the labels that the session's version does not show for columns of tables under migration. As long as it is
// not known which version that is, they are those of any.
func (s *session) moving(e *epoch) map[string]bool {
	if version, known := s.knownVersion(); known {
		return e.binder.Moving(cmp.Or(version, s.srv.cfg.Versions.Default))
	}
	return e.binder.MovingInAny()
}

// firstUserOID is FirstNormalObjectId (access/transam.h): what has a smaller OID was made by initdb.
const firstUserOID = 16384

// errStranger says that a session was ended by refuseStranger.
var errStranger = errors.New("a result was in the names of the database")

// refuseStranger ends the session in place of a result in the names of the database. What was executed is: so nothing but
// the end of the connection, after which a client expects not to know, tells it rightly.
func (s *session) refuseStranger() error {
	s.srv.schemaChanged(nil)
	s.srv.log.Warn("a session was ended before it got the names of the database: a table was made around segue a moment ago")
	_, _ = s.client.Out.Write((raise(&wire.Error{
		Severity: "FATAL", Code: "57P01", Message: "segue: this result is of a table that was made a moment ago, in the names of the database",
		Hint: "Connect again: by then the table is known.",
	})).AppendTo(nil))
	return errStranger
}
