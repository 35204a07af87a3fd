package rewrite

import (
	"context"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/seguedb/segue/catalog"
	"github.com/seguedb/segue/internal/pgtest"
)

// TestATypeThatEveryDatabaseHasIsNoneThatMayBeMadeAtThisMoment takes them from a server.
func TestATypeThatEveryDatabaseHasIsNoneThatMayBeMadeAtThisMoment(t *testing.T) {
	t.Parallel()
	conn := pgtest.Connect(t, pgtest.Database(t))
	cat, err := catalog.Load(context.Background(), conn)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := conn.Query(context.Background(), "SELECT typnamespace::regnamespace || '.' || quote_ident(typname) FROM pg_type WHERE oid < 16384 AND typrelid = 0 AND typnamespace <> 'pg_toast'::regnamespace"+
		" AND (typelem = 0 OR NOT EXISTS (SELECT FROM pg_type e WHERE e.oid = pg_type.typelem AND e.typrelid <> 0)) AND typname !~ '^_(cardinal|character_data|sql|time_stamp|yes)'")
	if err != nil {
		t.Fatal(err)
	}
	types, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil || len(types) < 100 {
		t.Fatal(len(types), err)
	}
	b, s := manyRenames(t, cat, 1)
	s.Unsettled = true
	for _, typ := range types {
		text, err := b.Rewrite(s, "CREATE FUNCTION a("+typ+") RETURNS int LANGUAGE sql AS 'SELECT 1'")
		if err != nil {
			t.Errorf("%s: %v", typ, err)
		} else if f := text.Statements[0].Failure; f != nil {
			t.Errorf("%s: %v", typ, f)
		}
	}
	text, err := b.Rewrite(s, "CREATE FUNCTION a(public.fresh) RETURNS int LANGUAGE sql AS 'SELECT 1'")
	if err != nil || !text.AwaitsMaking() {
		t.Errorf("a type that is not known is not awaited: %v", err)
	}
}
