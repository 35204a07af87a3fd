package store

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/seguedb/segue/change"
)

// deferred is the step that makes the list of rows that are left for later.
const deferred = change.DeferredTable + `;
COMMENT ON TABLE segue.deferred IS 'Rows of which up could not be computed when they were to be filled: see on_error.';
REVOKE ALL ON TABLE segue.deferred FROM PUBLIC;
DO $$ -- what default privileges have given to others
DECLARE given record;
BEGIN
	FOR given IN SELECT DISTINCT pg_catalog.pg_get_userbyid(a.grantee) AS who FROM pg_catalog.pg_class c, pg_catalog.aclexplode(c.relacl) a
		WHERE c.oid = 'segue.deferred'::pg_catalog.regclass AND a.grantee NOT IN (0, c.relowner)
	LOOP
		EXECUTE pg_catalog.format('REVOKE ALL ON segue.deferred FROM %I', given.who);
	END LOOP;
END $$;
`

// A Deferred is a row that is left for later. It has no value of the row but the primary key.
type Deferred struct {
	Change   string // the key of the first of the changes with which it is filled
	Relation uint32 // the table that holds it
	Table    string // that table's name, qualified; only read
	Key      string // the primary key, or where the row is, for people
	Address  json.RawMessage
	Place    string // its ctid, where it has no Address
	SQLState string
	Message  string
}

// LoadDeferred lists at most so many rows that are left for later of changes with these keys, in the order in which they were found.
func LoadDeferred(ctx context.Context, db DB, changes []string, most int) ([]Deferred, error) {
	rows, err := db.Query(ctx, `
		SELECT change, relation, coalesce(pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(c.relname), ''), row_key, address, coalesce(place::pg_catalog.text, ''), sqlstate, message
		FROM segue.deferred d LEFT JOIN pg_catalog.pg_class c ON c.oid = d.relation LEFT JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
		WHERE change = ANY ($1) AND row_key IS NOT NULL ORDER BY at, row_key LIMIT $2`, changes, most)
	if err != nil {
		return nil, fmt.Errorf("cannot read segue.deferred: %w", err)
	}
	out, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (d Deferred, err error) {
		return d, row.Scan(&d.Change, &d.Relation, &d.Table, &d.Key, &d.Address, &d.Place, &d.SQLState, &d.Message)
	})
	if err != nil {
		return nil, fmt.Errorf("cannot read segue.deferred: %w", err)
	}
	return out, nil
}

// CountDeferred counts the rows that are listed of changes with these keys, and reports whether writers have told of others.
func CountDeferred(ctx context.Context, db DB, changes []string) (listed int64, told bool, err error) {
	err = db.QueryRow(ctx, `SELECT pg_catalog.count(row_key), pg_catalog.count(*) > pg_catalog.count(row_key) FROM segue.deferred WHERE change = ANY ($1)`, changes).Scan(&listed, &told)
	if err != nil {
		err = fmt.Errorf("cannot read segue.deferred: %w", err)
	}
	return listed, told, err
}

// SetDeferred lists a row, in the place of what was listed of it.
func SetDeferred(ctx context.Context, db DB, d *Deferred) error {
	if err := DropDeferred(ctx, db, d); err != nil {
		return err
	}
	var address any
	if d.Address != nil {
		address = string(d.Address)
	}
	_, err := db.Exec(ctx, `INSERT INTO segue.deferred (change, relation, row_key, address, place, sqlstate, message) VALUES ($1, $2, $3, $4, NULLIF($5, '')::pg_catalog.tid, $6, $7)`,
		d.Change, d.Relation, d.Key, address, d.Place, d.SQLState, d.Message)
	if err != nil {
		return fmt.Errorf("cannot list a row in segue.deferred: %w", err)
	}
	return nil
}

// DropDeferred takes a row from the list.
func DropDeferred(ctx context.Context, db DB, d *Deferred) error {
	_, err := db.Exec(ctx, `DELETE FROM segue.deferred WHERE change = $1 AND relation = $2 AND row_key = $3`, d.Change, d.Relation, d.Key)
	if err != nil {
		return fmt.Errorf("cannot take a row from segue.deferred: %w", err)
	}
	return nil
}

// ForgetDeferred takes all rows from the list of changes with these keys. What writers have told stays.
func ForgetDeferred(ctx context.Context, db DB, changes []string) error {
	if _, err := db.Exec(ctx, `DELETE FROM segue.deferred WHERE change = ANY ($1) AND row_key IS NOT NULL`, changes); err != nil {
		return fmt.Errorf("cannot take rows from segue.deferred: %w", err)
	}
	return nil
}

// TakeTold takes away what writers have told of rows that they have left, before these are looked for. What a transaction relies on that
// is not over stays.
func TakeTold(ctx context.Context, db DB, changes []string) error {
	_, err := db.Exec(ctx, `DELETE FROM segue.deferred WHERE ctid = ANY (ARRAY(SELECT ctid FROM segue.deferred WHERE change = ANY ($1) AND row_key IS NULL FOR UPDATE SKIP LOCKED))`, changes)
	if err != nil {
		return fmt.Errorf("cannot take what was told from segue.deferred: %w", err)
	}
	return nil
}
