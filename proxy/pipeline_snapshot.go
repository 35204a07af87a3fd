package proxy

import (
	"bytes"
	"slices"
	"strings"

	"github.com/seguedb/segue/proxy/wire"
	"github.com/seguedb/segue/rewrite"
)

// Whether the transaction has a snapshot follows from command tags. Where they do not tell, it is taken to have none: then
// less may be asked, but nothing is seen that should not be. p.mu is held in all of this.

// A hasSnapshot says what is known of the transaction's first snapshot (FirstSnapshotSet in snapmgr.c).
type hasSnapshot byte

const (
	noSnapshot    hasSnapshot = iota
	ownSnapshot               // a statement of the client's has taken it
	askedSnapshot             // a question of the proxy's has, at READ COMMITTED, where it does not last
)

// backTo says which statements of a text are ROLLBACK TO.
type backTo []bool

// onlyBack is that of a text which is nothing else.
var onlyBack = &backTo{true}

// goesBack says it of a client's text; nil: none.
func (s *session) goesBack(sql []byte) *backTo {
	if controlOf(sql) != ends && bytes.IndexByte(sql, ';') < 0 {
		return nil
	}
	read := s.reading()
	if list := backTo(rewrite.RollsBackTo(read.Encoding, read.Standard, sql)); list != nil {
		return &list
	}
	return nil
}

// backIn is goesBack for a prepared statement.
func backIn(st *statement) *backTo {
	if st.Memo.analysis.control == ends && backTo(rewrite.RollsBackTo(st.Read.Encoding, st.Read.Standard, st.Text)) != nil {
		return onlyBack
	}
	return nil
}

// at tells whether statement i, counted from 0, is one.
func (b *backTo) at(i int) bool { return b != nil && i < len(*b) && (*b)[i] }

// noteSnapshot takes note of a command tag.
func (p *pipeline) noteSnapshot(tag string, e *expect) {
	switch {
	case p.endsTransaction(tag, e):
		p.snapshot = noSnapshot
	case takesSnapshot(tag) && (e.flags&hidden == 0 || p.snapshot == noSnapshot):
		p.snapshot = ownSnapshot
	}
}

// endsTransaction tells whether a command with that tag has ended its transaction (exec_execute_message in postgres.c), or
// may have.
func (p *pipeline) endsTransaction(tag string, e *expect) bool {
	switch tag {
	case "ROLLBACK":
		return !e.back.at(p.commands)
	case "COMMIT", "PREPARE TRANSACTION":
		return true
	}
	return p.status == wire.Idle && e.kind == wire.Execute && slices.ContainsFunc(notInBlock, func(p string) bool { return strings.HasPrefix(tag, p) })
}

// notInBlock begin the tags of those commands that are, or can be, forbidden in a transaction block. The transaction of a
// group of messages ends behind one.
var notInBlock = []string{
	"COMMIT PREPARED", "ROLLBACK PREPARED", "VACUUM", "CLUSTER", "REINDEX", "CREATE INDEX", "DROP INDEX", "CREATE DATABASE",
	"ALTER DATABASE", "DROP DATABASE", "CREATE TABLESPACE", "DROP TABLESPACE", "ALTER SYSTEM", "CREATE SUBSCRIPTION",
	"ALTER SUBSCRIPTION", "DROP SUBSCRIPTION", "ALTER TABLE", "ALTER TYPE", "DISCARD ALL", "CALL", "DO",
}

// takesSnapshot tells whether a command with that tag has given its transaction a snapshot (PlannedStmtRequiresSnapshot
// in pquery.c lists those that need none).
func takesSnapshot(tag string) bool {
	switch tag {
	case "SET", "RESET", "SHOW", "LOCK TABLE", "BEGIN", "START TRANSACTION", "SAVEPOINT", "RELEASE", "COMMIT", "ROLLBACK",
		"LISTEN", "UNLISTEN", "NOTIFY", "SET CONSTRAINTS", "CHECKPOINT", "PREPARE TRANSACTION":
		return false
	}
	return !strings.HasPrefix(tag, "FETCH") && !strings.HasPrefix(tag, "MOVE")
}

// spoiltLevel is the error of a SET TRANSACTION that comes too late because of a question of the proxy's; nil where it is
// another.
func (p *pipeline) spoiltLevel(body []byte) *wire.Error {
	if p.snapshot != askedSnapshot {
		return nil
	}
	fields, err := wire.DecodeError(body)
	if err != nil || fields.Get(wire.FieldCode) != "25001" || fields.Get(wire.FieldRoutine) == "PreventInTransactionBlock" {
		return nil
	}
	return raise(&wire.Error{
		Code:    "0A000",
		Message: "the properties of this transaction cannot be set any more, because a statement before has named what only a query tells the meaning of",
		Hint:    "Set them in BEGIN, or right after it.",
	})
}
