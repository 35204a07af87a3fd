package store

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// A UsageRow is one row of segue.usage: how often a logical name was used in a version.
type UsageRow struct {
	Migration   string
	Version     string
	Table       string // schema.name as the version calls it
	Column      string // "" for the table's own name, "*" where all columns are meant
	Old         bool   // the name goes with contract
	User        string
	Application string
	Ambiguous   bool
	Count       int64
	Last        time.Time // set by the server's clock when added
	Sample      string
}

// maxNameBytes is the longest name that PostgreSQL knows of a user or application.
const maxNameBytes = 63

// AddUsage adds counts to segue.usage. Rows of migrations that have been deleted meanwhile are left out. What a client says
// never keeps a use from being counted: users, applications and samples are written as far as the database takes them, and
// not at all where it takes them in no form. It sorts rows: all instances lock the rows of the table in one order, because
// they write at the same time, and a deadlock would keep an acknowledgement back.
func AddUsage(ctx context.Context, db DB, rows []UsageRow) error {
	if len(rows) == 0 {
		return nil
	}
	err := addUsage(ctx, db, spoken(rows, func(s said) string { return s.whole() }))
	if refusesData(err) {
		err = addUsage(ctx, db, spoken(rows, func(s said) string { return s.ascii() }))
	}
	if refusesData(err) {
		err = addUsage(ctx, db, spoken(rows, func(said) string { return "" }))
	}
	if err != nil {
		return fmt.Errorf("cannot store usage: %w", err)
	}
	return nil
}

// spoken is a copy of the rows with what clients say of themselves as write writes it.
func spoken(rows []UsageRow, write func(said) string) []UsageRow {
	out := slices.Clone(rows)
	for n := range out {
		r := &out[n]
		r.User, r.Application, r.Sample = name(write(said(r.User))), name(write(said(r.Application))), write(said(r.Sample))
	}
	return out
}

// name cuts a name as PostgreSQL does, so that it fits into an index.
func name(s string) string {
	if len(s) <= maxNameBytes {
		return s
	}
	return strings.ToValidUTF8(s[:maxNameBytes], "")
}

// refusesData tells whether the server says that it cannot hold a value, whoever sends it.
func refusesData(err error) bool {
	pg, ok := errors.AsType[*pgconn.PgError](err)
	return ok && (strings.HasPrefix(pg.Code, "22") || strings.HasPrefix(pg.Code, "54")) // data_exception, program_limit_exceeded
}

// MaxUsage is how many rows of different users and applications segue.usage keeps of one migration. Instances that write at
// the same time may pass it by what each of them adds at once.
const MaxUsage = 1000

// addUsage writes all rows or none; db can be used afterwards.
func addUsage(ctx context.Context, db DB, rows []UsageRow) error {
	rows, err := bounded(ctx, db, rows)
	if err != nil {
		return err
	}
	slices.SortFunc(rows, byKey)
	batch := new(pgx.Batch)
	for _, r := range rows {
		batch.Queue(`
			INSERT INTO segue.usage AS u (migration, version, tab, col, old, user_name, application, ambiguous, count, last, sample)
			SELECT id, $2, $3, $4, $5, $6, $7, $8, $9, pg_catalog.clock_timestamp(), $10
			FROM segue.migration WHERE id = $1 FOR KEY SHARE
			ON CONFLICT (migration, version, tab, col, user_name, application, old, ambiguous) DO UPDATE SET
				count = u.count + excluded.count, last = excluded.last,
				sample = CASE WHEN excluded.sample = '' THEN u.sample ELSE excluded.sample END`,
			r.Migration, r.Version, r.Table, r.Column, r.Old, r.User, r.Application, r.Ambiguous, r.Count, r.Sample)
	}
	return attempt(ctx, db, func(db DB) error {
		sender, ok := db.(interface {
			SendBatch(context.Context, *pgx.Batch) pgx.BatchResults
		})
		if !ok {
			return errors.New("usage can only be added over a connection or transaction")
		}
		return sender.SendBatch(ctx, batch).Close()
	})
}

// bounded is the rows that keep each migration within MaxUsage: what is over is counted in the row of the same name that
// has no user and no application.
func bounded(ctx context.Context, db DB, rows []UsageRow) ([]UsageRow, error) {
	adds := make(map[string]int)
	for _, r := range rows {
		adds[r.Migration]++
	}
	for migration, n := range adds {
		var have int
		if err := db.QueryRow(ctx, `SELECT pg_catalog.count(*) FROM segue.usage WHERE migration = $1`, migration).Scan(&have); err != nil {
			return nil, err
		}
		if have+n <= MaxUsage {
			continue
		}
		kept, err := LoadUsage(ctx, db, migration)
		if err != nil {
			return nil, err
		}
		rows = folded(rows, migration, kept)
	}
	return rows, nil
}

// folded keeps the users and applications of a migration's rows that are among kept, and of others while there is room.
func folded(rows []UsageRow, migration string, kept []UsageRow) []UsageRow {
	known := make(map[UsageRow]bool, len(kept))
	for _, r := range kept {
		known[r.key()] = true
	}
	added := make(map[UsageRow]int) // where in out each key is
	var out []UsageRow
	for _, r := range rows {
		if r.Migration == migration {
			if !known[r.key()] && len(known) >= MaxUsage {
				r.User, r.Application = "", ""
			} else {
				known[r.key()] = true
			}
		}
		if at, twice := added[r.key()]; twice {
			out[at].Count += r.Count
			continue
		}
		added[r.key()] = len(out)
		out = append(out, r)
	}
	return out
}

// key is the row with nothing but what tells it apart from others.
func (r UsageRow) key() UsageRow {
	r.Count, r.Last, r.Sample = 0, time.Time{}, ""
	return r
}

// byKey orders rows as the primary key of segue.usage tells them apart.
func byKey(a, b UsageRow) int {
	flag := func(x, y bool) int {
		switch {
		case x == y:
			return 0
		case y:
			return -1
		}
		return 1
	}
	return cmp.Or(strings.Compare(a.Migration, b.Migration), strings.Compare(a.Version, b.Version),
		strings.Compare(a.Table, b.Table), strings.Compare(a.Column, b.Column), strings.Compare(a.User, b.User),
		strings.Compare(a.Application, b.Application), flag(a.Old, b.Old), flag(a.Ambiguous, b.Ambiguous))
}

// LoadUsage reads the usage of one migration, latest first.
func LoadUsage(ctx context.Context, db DB, migration string) ([]UsageRow, error) {
	rows, err := db.Query(ctx, `
		SELECT migration, version, tab, col, old, user_name, application, ambiguous, count, last, sample
		FROM segue.usage WHERE migration = $1 ORDER BY last DESC, version, tab, col, user_name, application`, migration)
	if err == nil {
		var all []UsageRow
		if all, err = pgx.CollectRows(rows, pgx.RowToStructByPos[UsageRow]); err == nil {
			return all, nil
		}
	}
	return nil, fmt.Errorf("cannot read segue.usage: %w", err)
}

// LastOldUse tells how long ago a name that goes with contract was last used, by the server's clock, and which use it
// was; nil when there was none.
func LastOldUse(ctx context.Context, db DB, migration string) (*UsageRow, time.Duration, error) {
	r := new(UsageRow)
	var micros int64
	err := db.QueryRow(ctx, `
		SELECT migration, version, tab, col, old, user_name, application, ambiguous, count, last, sample,
		       (extract(epoch FROM pg_catalog.clock_timestamp() - last) * 1000000)::pg_catalog.int8
		FROM segue.usage WHERE migration = $1 AND old ORDER BY last DESC LIMIT 1`, migration).Scan(
		&r.Migration, &r.Version, &r.Table, &r.Column, &r.Old, &r.User, &r.Application, &r.Ambiguous, &r.Count, &r.Last, &r.Sample, &micros)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, 0, nil
	}
	if err != nil {
		return nil, 0, fmt.Errorf("cannot read segue.usage: %w", err)
	}
	return r, time.Duration(micros) * time.Microsecond, nil
}
