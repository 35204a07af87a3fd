package migrate

import (
	"testing"

	"github.com/seguedb/segue/catalog"
	"github.com/seguedb/segue/internal/pgtest"
)

// families are a table and a partitioned table, which the catalog has, and relations that it does not have: one made
// around Segue, and a partition.
const families = `
	CREATE TABLE public.visit (day int, surname text) PARTITION BY RANGE (day);
	CREATE TABLE public.around (id int NOT NULL, last_name text, city text);
	CREATE TABLE public.known (id int, surname text);
	CREATE TABLE public.visit_1 PARTITION OF public.visit FOR VALUES FROM (0) TO (100) PARTITION BY RANGE (day);`

// heirTables are those under migration.
var heirTables = []string{"public.individual", "public.visit"}

func TestARelationThatATransactionHasJustMadeIsAnHeirOnlyIfItCanBe(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 1, shop+families)
	for _, tc := range []struct {
		name     string
		does     string // in a transaction
		relation string // that is asked for then
		heir     bool
	}{
		{"an heir", "CREATE TABLE heir () INHERITS (individual)", "heir", true},
		{"a temporary heir", "CREATE TEMP TABLE heir () INHERITS (individual)", "heir", true},
		{"an heir of a table that was locked before", "LOCK individual IN ACCESS EXCLUSIVE MODE; CREATE TABLE heir () INHERITS (individual)", "heir", true},
		{"an heir that was made in a savepoint", "SAVEPOINT s; CREATE TABLE heir () INHERITS (individual); RELEASE s", "heir", true},
		{"an heir of an heir", "CREATE TABLE heir () INHERITS (individual); CREATE TABLE next () INHERITS (heir)", "next", true},
		{"a partition", "CREATE TABLE later PARTITION OF visit FOR VALUES FROM (100) TO (200)", "later", true},
		{"a partition of a partition that the catalog does not have", "CREATE TABLE later PARTITION OF visit_1 FOR VALUES FROM (1) TO (2)", "later", true},
		{"a new table that is attached", "CREATE TABLE later (day int, surname text); ALTER TABLE visit ATTACH PARTITION later FOR VALUES FROM (100) TO (200)", "later", true},
		{"an older table that inherits now", "ALTER TABLE around INHERIT individual", "around", true},
		{"a table made around segue", "SELECT 1", "visit_1", true},

		{"a temporary table beside an update", "UPDATE individual SET last_name = 'x'; CREATE TEMP TABLE t (surname text)", "t", false},
		{"one beside a lock", "LOCK individual IN EXCLUSIVE MODE; CREATE TEMP TABLE t (surname text)", "t", false},
		{"one beside the strongest lock", "LOCK individual IN ACCESS EXCLUSIVE MODE; CREATE TEMP TABLE t (surname text)", "t", false},
		{"one beside a trigger", "LOCK individual IN SHARE ROW EXCLUSIVE MODE; CREATE TEMP TABLE t AS SELECT 1 AS surname", "t", false},
		{"one beside TRUNCATE", "TRUNCATE individual CASCADE; CREATE TABLE t (surname text)", "t", false},
		{"one beside an heir of another", "CREATE TABLE heir () INHERITS (known); CREATE TABLE t (surname text)", "t", false},
		{"an older table beside an heir", "CREATE TABLE heir () INHERITS (individual)", "known", false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			// One after the other: these transactions would meet in locks on the same tables, and in a deadlock.
			ctx := t.Context()
			conn := pgtest.Connect(t, f.url)
			oid := func(name string) (oid catalog.OID) {
				t.Helper()
				if err := conn.QueryRow(ctx, "SELECT $1::text::regclass::oid", name).Scan((*uint32)(&oid)); err != nil {
					t.Fatal(err)
				}
				return oid
			}
			tables := []catalog.OID{oid(heirTables[0]), oid(heirTables[1])}
			if _, err := conn.PgConn().Exec(ctx, "BEGIN; "+tc.does).ReadAll(); err != nil {
				t.Fatal(err)
			}
			heir, err := f.instances[0].Heirs(ctx, conn.PgConn().PID(), []catalog.OID{oid(tc.relation)}, tables)
			if err != nil || heir != tc.heir {
				t.Errorf("%s, asked for %s: %t, %v", tc.does, tc.relation, heir, err)
			}
			if _, err := conn.Exec(ctx, "ROLLBACK"); err != nil {
				t.Fatal(err)
			}
		})
	}
}
