package checker

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/seguedb/segue/change"
	"github.com/seguedb/segue/test/checker/proof"
)

// A shape that Defers leaves rows for later for which up cannot be computed. While rows are filled, whoever writes such a value meets no
// error, and before the change is complete no such row is left; from then on such a value is rejected.

// uncomputed are the SQLSTATEs of a value for which up cannot be computed, or that is NULL on the new side and must not be.
var uncomputed = []string{"22P02", "23502", checkViolation}

// A lenience is when no write may be rejected because up cannot be computed. It is safe for concurrent use.
type lenience struct {
	now func() time.Duration

	mu     sync.Mutex
	spells []spell
	seen   bool // it was so at the last look
}

// A spell is a time in which it was so.
type spell struct{ from, to time.Duration }

// lasting is the end of a spell that lasts.
const lasting = time.Duration(1<<63 - 1)

// begin says that it is so from now on.
func (l *lenience) begin() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.spells = append(l.spells, spell{l.now(), lasting})
}

// end says that it may not be so any more.
func (l *lenience) end() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if n := len(l.spells); n > 0 && l.spells[n-1].to == lasting {
		l.spells[n-1].to = l.now()
	}
}

// look is for who does not know when it begins and ends: it was so, or was not, at some moment since began.
func (l *lenience) look(so bool, began time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case so && l.seen:
		l.spells[len(l.spells)-1].to = began
	case so:
		l.spells = append(l.spells, spell{l.now(), 0})
	}
	l.seen = so
}

// over reports whether it was so from the beginning of an operation to its end.
func (l *lenience) over(op *proof.Op) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.ContainsFunc(l.spells, func(s spell) bool { return s.from < op.Begun && op.Ended < s.to })
}

// excuses reports whether an operation may have been rejected because up cannot be computed for what it writes.
func (l *lenience) excuses(op *proof.Op) bool {
	given := strings.Contains(op.Text, unknown) || strings.Contains(op.Text, "NULL::") || strings.Contains(op.Text, `\N`)
	return given && op.Side == proof.Old && slices.Contains(uncomputed, op.Code) && !l.over(op)
}

// computed reports whether up can be computed for a value of the old side.
func (s *Shape) computed(t proof.Tuple) bool {
	if !s.Defer || t == nil {
		return true
	}
	_, ok := s.Rule.Derive(proof.Old, t, nil)
	return ok
}

// spares reports whether what is written has to be such that up can be computed.
func (w *worker) spares() bool { return w.table.Defer && w.side == proof.Old && w.table.sparing.Load() }

// mend corrects a row for which up cannot be computed: it writes the old side, or past the proxy the whole of the new one.
func (w *worker) mend(ctx context.Context, sql writer) error {
	var t proof.Tuple
	for t = w.table.Values(w.rand, w.side); w.side == proof.Old && !w.table.computed(t); {
		t = w.table.Values(w.rand, w.side)
	}
	op := w.op(func(proof.Tuple) proof.Tuple { return t })
	code := ident(w.table.Rule.Columns[proof.Old][0])
	where := fmt.Sprintf("t.id = (SELECT id FROM %s WHERE (%s LIKE '%s%%' OR %s IS NULL)%s ORDER BY random() LIMIT 1)", w.table.table(), code, unknown, code, sql.unfilled())
	text := sql.update(set(w.table.Types[w.side], t), op.ID, where)
	// Another may be faster, and then it is a write like any other.
	return w.once(ctx, op, text)
}

// unfilled is a condition for rows at 0, where they can be told.
func (w writer) unfilled() string {
	if w.form != Plain || w.lens.Marker == "" {
		return ""
	}
	return " AND " + ident(w.lens.Marker) + " = 0"
}

// errLeft says that a change is not to be complete, because rows are left.
const errLeft = "UD001"

// complete fills what can be filled until nothing is left, and completes the change.
func (o *operator) complete(ctx context.Context) error {
	defer o.table.sparing.Store(false)
	for {
		if err := o.backfill(ctx); err != nil {
			return err
		}
		if left, err := o.tryComplete(ctx); err != nil || !left {
			return err
		}
	}
}

// tryComplete completes the change, unless rows were left since they were filled.
func (o *operator) tryComplete(ctx context.Context) (left bool, err error) {
	statements := o.table.sql((*change.Compiled).Complete)
	if o.table.Defer && !o.blind {
		statements = append(statements, o.noneLeft())
	}
	err = o.enter(ctx, completing, statements)
	if e, ok := errors.AsType[*pgconn.PgError](err); ok && e.Code == errLeft {
		return true, nil
	}
	return false, err
}

// noneLeft raises an error while rows are left.
func (o *operator) noneLeft() string {
	return "DO $$ BEGIN IF EXISTS (SELECT FROM segue.deferred WHERE change = " + quoted(o.table.compiled.Key) + ") THEN RAISE 'rows are left' USING ERRCODE = '" + errLeft + "'; END IF; END $$"
}

// beginPass forgets what writers have told of, which a pass over the tables finds, and what the last pass has listed.
func (o *operator) beginPass(ctx context.Context) error {
	if !o.table.Defer {
		return nil
	}
	return o.exec(ctx, "DELETE FROM segue.deferred WHERE ctid = ANY (ARRAY(SELECT ctid FROM segue.deferred WHERE change = "+quoted(o.table.compiled.Key)+" FOR UPDATE SKIP LOCKED))")
}

// fillEach fills rows between two pages one by one, and lists those that cannot be filled.
func (o *operator) fillEach(ctx context.Context, name change.Name, page int) error {
	sql := o.table.changes().BackfillRow(name, true)
	at := func(page int) string { return quoted("("+strconv.Itoa(page)+",0)") + "::tid" }
	results, err := o.conn.Exec(ctx, fmt.Sprintf("SELECT ctid, id FROM ONLY %s WHERE ctid >= %s AND ctid < %s AND %s", name.SQL(), at(page), at(page+2), o.table.changes().Unfilled(""))).ReadAll()
	if err != nil {
		return err
	}
	for _, row := range results[0].Rows {
		err := o.exec(ctx, "BEGIN", "SET LOCAL lock_timeout = '50ms'", "SET LOCAL session_replication_role = replica", strings.ReplaceAll(sql, "$1", quoted(string(row[0]))), "COMMIT")
		if err == nil {
			continue
		}
		if rollback := o.exec(ctx, "ROLLBACK"); rollback != nil {
			return rollback
		}
		switch {
		case busy(err):
		case isUncomputed(err):
			err = o.exec(ctx, fmt.Sprintf("INSERT INTO segue.deferred (change, relation, row_key) VALUES (%s, %s::regclass, %s)", quoted(o.table.compiled.Key), quoted(name.SQL()), quoted("id="+string(row[1]))))
			if err != nil {
				return err
			}
		default:
			return err
		}
	}
	return nil
}

// isUncomputed reports whether an error is that up cannot be computed.
func isUncomputed(err error) bool {
	e, ok := errors.AsType[*pgconn.PgError](err)
	return ok && slices.Contains(uncomputed, e.Code)
}

// forgotten checks that nothing is listed of a change that has ended.
func (o *operator) forgotten(ctx context.Context) error {
	if !o.table.Defer {
		return nil
	}
	n, err := o.number(ctx, "SELECT count(*) FROM segue.deferred WHERE change = "+quoted(o.table.compiled.Key))
	if err == nil && n > 0 {
		err = fmt.Errorf("%d rows of %s are still listed", n, o.table.Name)
	}
	return err
}
