package checker

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/seguedb/segue/test/checker/proof"
	"github.com/seguedb/segue/test/checker/wal"
)

// A client is one session of an app, or of somebody past the proxy. It writes all that it does into the history. It is for one
// goroutine.
type client struct {
	name    string
	conn    *pgconn.PgConn
	rand    *rand.Rand
	history *proof.History

	answered time.Duration // when what the server answered last was asked

	// excuses says whether an error of an operation that began then is no anomaly; nil: it never is.
	excuses func(code string, began time.Duration) bool
}

// odd are settings under which a session prints and reads values in its own way, and in which names mean something else. What a
// rule makes must not depend on them.
var odd = []string{
	"SET timezone = 'Asia/Kathmandu'", "SET datestyle = 'German, DMY'", "SET extra_float_digits = -12", "SET bytea_output = 'escape'",
	"SET intervalstyle = 'sql_standard'", "SET search_path = trap, pg_catalog, public", "SET quote_all_identifiers = on",
	"SET standard_conforming_strings = off", "SET lc_numeric = 'C'", "SET array_nulls = off", "SET jit = off",
}

// trap is a schema whose functions have names of PostgreSQL's: who resolves names by the session's search_path runs into it.
const trap = `CREATE SCHEMA trap;
CREATE FUNCTION trap.split_part(text, text, integer) RETURNS text LANGUAGE sql AS $$ SELECT 'trapped' $$;
CREATE FUNCTION trap.substr(text, integer) RETURNS text LANGUAGE sql AS $$ SELECT 'trapped' $$;
CREATE FUNCTION trap.string_to_array(text, text) RETURNS text[] LANGUAGE sql AS $$ SELECT '{trapped}'::text[] $$;
CREATE FUNCTION trap.divide(bigint, numeric) RETURNS numeric LANGUAGE sql AS $$ SELECT 0.0 $$;
CREATE OPERATOR trap./ (LEFTARG = bigint, RIGHTARG = numeric, FUNCTION = trap.divide);
GRANT USAGE ON SCHEMA trap TO PUBLIC`

// connect opens a session, with some of the odd settings.
func connect(ctx context.Context, url, name string, r *rand.Rand, h *proof.History) (*client, error) {
	conn, err := pgconn.Connect(ctx, url)
	if err != nil {
		return nil, err
	}
	c := &client{name: name, conn: conn, rand: r, history: h}
	settings := []string{"SET application_name = " + quoted(name)}
	for _, s := range odd {
		if r.IntN(3) == 0 {
			settings = append(settings, s)
		}
	}
	return c, c.plain(ctx, strings.Join(settings, ";"))
}

// plain runs statements that are no part of the history.
func (c *client) plain(ctx context.Context, sql string) error {
	asked := c.history.Now()
	_, err := c.conn.Exec(ctx, sql).ReadAll()
	if err == nil {
		c.answered = asked
	}
	return err
}

func (c *client) close() { _ = c.conn.Close(context.Background()) }

// A block is one transaction of a client.
type block struct {
	*client
	isolation string // empty: READ COMMITTED
	alone     bool   // each operation is a transaction of its own; there can be only one
	began     time.Duration
	ops       []*proof.Op
	failed    bool
}

// errFailed says that an operation was rejected, which is in the history.
var errFailed = errors.New("rejected")

// transact runs body in a transaction and notes how it ended. The error is about what must not happen, not about operations
// that the server rejected.
func (c *client) transact(ctx context.Context, isolation string, body func(*block) error) error {
	b := &block{client: c, isolation: isolation, began: c.history.Now()}
	begin := "BEGIN"
	if isolation != "" {
		begin += " ISOLATION LEVEL " + isolation
	}
	if err := c.plain(ctx, begin); err != nil {
		return err
	}
	err := body(b)
	if err != nil && !errors.Is(err, errFailed) {
		b.end(proof.RolledBack)
		return err
	}
	if b.failed || errors.Is(err, errFailed) {
		b.end(proof.RolledBack)
		return c.plain(ctx, "ROLLBACK")
	}
	return b.commit(ctx)
}

func (b *block) commit(ctx context.Context) error {
	err := b.plain(ctx, "COMMIT")
	var rejected *pgconn.PgError
	switch {
	case err == nil:
		b.end(proof.Committed)
	case errors.As(err, &rejected) && rejected.Severity == "ERROR":
		b.end(proof.RolledBack)
		return nil
	default:
		b.end(proof.Unknown)
	}
	return err
}

// end gives the operations that have no outcome yet theirs, and puts all into the history.
func (b *block) end(outcome proof.Outcome) {
	now := b.history.Now()
	for _, op := range b.ops {
		if op.Outcome == proof.Unknown {
			op.Outcome, op.Ended = outcome, now
		}
	}
	b.history.Add(b.ops...)
	b.ops = nil
}

// once runs one operation that is a transaction by itself.
func (c *client) once(ctx context.Context, op *proof.Op, sql string) error {
	b := &block{client: c, alone: true}
	err := b.run(ctx, op, sql)
	switch {
	case errors.Is(err, errFailed):
		b.end(proof.RolledBack)
		return nil
	case err != nil:
		b.end(proof.Unknown)
		return err
	}
	b.end(proof.Committed)
	return nil
}

// run runs an operation. The rows that it returns are reads of its own writes if it writes.
func (b *block) run(ctx context.Context, op *proof.Op, sql string) error {
	op.Session, op.Text = b.name, sql
	op.Begun = b.history.Now()
	if b.isolation != "" && !b.alone {
		op.Begun = b.began
	}
	b.ops = append(b.ops, op)
	writes := op.Effect != nil
	text := sql
	if writes {
		text = wal.Say(proof.OpPrefix, fmt.Sprint(op.ID)) + ";" + sql
	}
	asked := b.history.Now()
	results, err := b.conn.Exec(ctx, text).ReadAll()
	if b.rejected(op, err) {
		return errFailed
	}
	if err != nil {
		return err
	}
	b.answered = asked
	last := results[len(results)-1]
	op.Rows = -1
	if writes {
		op.Rows = last.CommandTag.RowsAffected()
	}
	if op.Cascade != nil {
		op.Rows = -1 // the rows are those of another table
	}
	for _, row := range last.Rows {
		r := proof.Read{ID: string(row[0]), Own: writes}
		if row[1] != nil {
			r.Tag = string(row[1])
		}
		for _, v := range row[2:] {
			value := wal.Null
			if v != nil {
				value = wal.Text(string(v))
			}
			r.Tuple = append(r.Tuple, value)
		}
		op.Reads = append(op.Reads, r)
	}
	return nil
}

// announce says in the log that what follows belongs to an operation.
func (b *block) announce(ctx context.Context, op *proof.Op) error {
	return b.plain(ctx, wal.Say(proof.OpPrefix, fmt.Sprint(op.ID)))
}

// rejected reports whether the server has rejected an operation, and notes it.
func (b *block) rejected(op *proof.Op, err error) bool {
	var e *pgconn.PgError
	if !errors.As(err, &e) || e.Severity != "ERROR" {
		return false
	}
	op.Outcome, op.Code, op.Error, op.Ended = proof.Failed, e.Code, e.Message, b.history.Now()
	if b.excuses != nil && b.excuses(e.Code, op.Begun) {
		op.Allowed = append(op.Allowed, e.Code)
	}
	b.failed = true
	return true
}

// savepoint runs body in a subtransaction and takes it back if it was rejected, or if keep is false.
func (b *block) savepoint(ctx context.Context, keep bool, body func() error) error {
	if err := b.plain(ctx, "SAVEPOINT s"); err != nil {
		return err
	}
	first := len(b.ops)
	err := body()
	if err != nil && !errors.Is(err, errFailed) {
		return err
	}
	if keep && err == nil {
		return b.plain(ctx, "RELEASE SAVEPOINT s")
	}
	b.failed = false
	for _, op := range b.ops[first:] {
		if op.Outcome == proof.Unknown {
			op.Outcome, op.Ended = proof.RolledBack, b.history.Now()
		}
	}
	return b.plain(ctx, "ROLLBACK TO SAVEPOINT s")
}
