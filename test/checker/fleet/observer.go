package fleet

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/seguedb/segue/rules"
	"github.com/seguedb/segue/test/checker"
)

// migration is the id of the migration of each round.
const migration = "anew"

// An observer reads Segue's tables, past the instances. It connects again when the connection is lost. It is for one goroutine.
type observer struct {
	url  string
	conn *pgx.Conn
}

// with does something with the connection, which is given up after an error.
func (o *observer) with(ctx context.Context, do func(ctx context.Context, conn *pgx.Conn) error) (err error) {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	if o.conn == nil {
		if o.conn, err = pgx.Connect(ctx, o.url); err != nil {
			o.conn = nil
			return err
		}
	}
	if err = do(ctx, o.conn); err != nil {
		o.close()
	}
	return err
}

func (o *observer) close() {
	if o.conn != nil {
		_ = o.conn.Close(context.Background())
		o.conn = nil
	}
}

// A sight is what Segue's tables say of the migration.
type sight struct {
	checker.Standing
	kind      string // of the transition that is asked for; empty: none is
	attempt   int64  // not 0: an attempt is under way, or was when its leader was lost
	committed int64
	leader    string
	attempts  int
	why       string // the last attempt came to nothing, and who is in the way
	paused    bool   // the backfill
	waits     bool   // the backfill, for rows that are left to be corrected
	failure   string // why the backfill has stopped
}

func (s *sight) String() string {
	text := fmt.Sprintf("phase %q, stage %q", s.Phase, s.Stage())
	if s.kind != "" {
		text += fmt.Sprintf(", %s is tried for the %d. time (%s)", s.kind, s.attempts, s.why)
	}
	if s.failure != "" {
		text += ", stopped: " + s.failure
	}
	return text
}

// look reads how the migration stands.
func (o *observer) look(ctx context.Context) (*sight, error) {
	s := new(sight)
	err := o.with(ctx, func(ctx context.Context, conn *pgx.Conn) error {
		var protocol *int
		var stage *string
		var description []byte
		err := conn.QueryRow(ctx, `
			SELECT m.phase, c.protocol, c.stage, c.description, coalesce(t.kind, ''), coalesce(t.attempt, 0), coalesce(t.committed, 0),
				coalesce(t.leader, ''), coalesce(t.attempts, 0), coalesce(t.last_error || ' ' || t.blockers::text, ''),
				coalesce(b.paused, false), coalesce(b.state ->> 'failure', ''),
				coalesce((b.state -> 'waiting')::boolean, false)
			FROM segue.migration m LEFT JOIN segue.change c ON c.migration = m.id LEFT JOIN segue.transition t ON t.migration = m.id
			LEFT JOIN segue.backfill b ON b.migration = m.id WHERE m.id = $1`, migration).Scan(
			&s.Phase, &protocol, &stage, &description, &s.kind, &s.attempt, &s.committed, &s.leader, &s.attempts, &s.why, &s.paused, &s.failure, &s.waits)
		if errors.Is(err, pgx.ErrNoRows) {
			return nil
		}
		if err == nil && stage != nil {
			s.Change, err = rules.DecodeChange(*protocol, rules.Stage(*stage), description)
		}
		return err
	})
	return s, err
}

// atRest is the step in which nothing is done.
const atRest = "at rest"

// step is what is being done to the migration, for who counts.
func (s *sight) step() string {
	switch {
	case s.committed != 0:
		return s.kind + ", committed"
	case s.attempt != 0:
		return s.kind + ", gate closed"
	case s.kind != "":
		return s.kind + ", asked for"
	}
	switch s.Stage() {
	case rules.Filling, rules.Completing, rules.Kept:
		if s.paused {
			return string(s.Stage()) + ", paused"
		}
		return string(s.Stage())
	}
	return atRest
}

// lastEvent is the newest line of the migration's history.
func (o *observer) lastEvent(ctx context.Context) (kind, detail string, err error) {
	err = o.with(ctx, func(ctx context.Context, conn *pgx.Conn) error {
		return conn.QueryRow(ctx, `SELECT kind, detail FROM segue.audit WHERE migration = $1 ORDER BY id DESC LIMIT 1`, migration).Scan(&kind, &detail)
	})
	return kind, detail, err
}

// value is the answer to a query, or nothing.
func (o *observer) value(ctx context.Context, sql string) (answer string, err error) {
	err = o.with(ctx, func(ctx context.Context, conn *pgx.Conn) error {
		err := conn.QueryRow(ctx, sql).Scan(&answer)
		if errors.Is(err, pgx.ErrNoRows) {
			return nil
		}
		return err
	})
	return answer, err
}

// remains lists what of Segue's is in the database outside its schema.
func (o *observer) remains(ctx context.Context) (string, error) {
	var all []string
	err := o.with(ctx, func(ctx context.Context, conn *pgx.Conn) error {
		rows, err := conn.Query(ctx, `
			SELECT 'column ' || attname FROM pg_attribute WHERE attname LIKE '%\_segue\_%' AND NOT attisdropped
			UNION ALL SELECT 'trigger ' || tgname FROM pg_trigger WHERE tgname LIKE '%\_segue\_%'
			UNION ALL SELECT 'constraint ' || conname FROM pg_constraint WHERE conname LIKE '%\_segue\_%'
			UNION ALL SELECT 'function ' || proname FROM pg_proc WHERE proname LIKE '%\_segue\_%'`)
		if err != nil {
			return err
		}
		all, err = pgx.CollectRows(rows, pgx.RowTo[string])
		return err
	})
	return strings.Join(all, ", "), err
}
