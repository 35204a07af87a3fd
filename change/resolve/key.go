package resolve

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
)

// A RowKey is how a row of a table is named, which is called t.
type RowKey struct {
	Text    string   // SQL for it, for people: the primary key, or where the row is
	Address string   // SQL for the primary key as jsonb, by which a row is found again; NULL where it is none of PostgreSQL's own types
	Columns []string // of that; none where it is NULL
}

// Key is how rows of a table are named.
func Key(ctx context.Context, db interface {
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}, table uint32) (RowKey, error) {
	var columns []string
	var shipped bool
	err := db.QueryRow(ctx, `SELECT coalesce(pg_catalog.array_agg(a.attname::pg_catalog.text ORDER BY a.attnum), '{}'), coalesce(pg_catalog.bool_and(y.typnamespace = 'pg_catalog'::pg_catalog.regnamespace), false)
		FROM pg_catalog.pg_index i JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey) JOIN pg_catalog.pg_type y ON y.oid = a.atttypid
		WHERE i.indrelid = $1 AND i.indisprimary AND a.attnum = ANY (i.indkey[0:i.indnkeyatts - 1])`, table).Scan(&columns, &shipped)
	if err != nil {
		return RowKey{}, fmt.Errorf("cannot look for the primary key: %w", err)
	}
	if len(columns) == 0 {
		return RowKey{Text: "pg_catalog.concat('ctid=', t.ctid)", Address: "NULL"}, nil
	}
	var text, address []string
	for _, c := range columns {
		text = append(text, literal(c+"=")+", t."+pgx.Identifier{c}.Sanitize())
		address = append(address, literal(c)+", t."+pgx.Identifier{c}.Sanitize())
	}
	k := RowKey{Text: "pg_catalog.concat(" + strings.Join(text, ", ', ', ") + ")", Address: "NULL"}
	if shipped {
		k.Address, k.Columns = "pg_catalog.jsonb_build_object("+strings.Join(address, ", ")+")", columns
	}
	return k, nil
}

func literal(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }
