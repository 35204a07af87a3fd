package proxy

import (
	"slices"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/seguedb/segue/internal/pgtest"
	"github.com/seguedb/segue/rules"
)

// TestTheCatalogIsReadOnlyForWhatMayConcernAText has a session make and drop things that a text does not name.
func TestTheCatalogIsReadOnlyForWhatMayConcernAText(t *testing.T) {
	t.Parallel()
	const use = "SELECT last_name FROM individual WHERE id = 1"
	for what, tc := range map[string]struct {
		make []string
		read bool
	}{
		"a table":                             {[]string{"BEGIN", "CREATE TABLE beside (n int)"}, false},
		"a table of a query":                  {[]string{"BEGIN", "CREATE TABLE beside AS SELECT 1 AS n"}, false},
		"an index":                            {[]string{"BEGIN", "CREATE INDEX by_id ON holder (id)", "DROP INDEX by_id"}, false},
		"a temporary table":                   {[]string{"CREATE TEMP TABLE beside (n int)", use, "BEGIN", "DROP TABLE beside"}, false},
		"a temporary table that hides":        {[]string{"CREATE TEMP TABLE holder (n int)", use, "BEGIN", "DROP TABLE holder"}, false},
		"a table of the database":             {[]string{"CREATE TEMP TABLE beside (n int)", use, "BEGIN", "DROP TABLE bystander"}, false},
		"a table beside a temporary one":      {[]string{"CREATE TEMP TABLE holder (n int)", use, "BEGIN", "DROP TABLE public.holder"}, false},
		"a table before the temporary ones":   {[]string{"CREATE TEMP TABLE holder (n int)", "SET search_path = public, pg_temp", use, "BEGIN", "DROP TABLE holder"}, false},
		"a temporary one that went unwatched": {[]string{"CREATE TEMP TABLE holder (n int)", use, "BEGIN", "DROP TABLE holder", "DROP TABLE holder"}, false},
		"a view":                              {[]string{"BEGIN", "CREATE VIEW beside AS SELECT id FROM holder", "DROP VIEW beside"}, false},
		"a view in place of another":          {[]string{"BEGIN", "CREATE OR REPLACE VIEW beside AS SELECT id FROM holder"}, true},
		"a function":                          {[]string{"BEGIN", "CREATE FUNCTION beside() RETURNS int LANGUAGE sql AS 'SELECT 1'"}, false},
		"a type":                              {[]string{"BEGIN", "CREATE TYPE beside AS (n int)", "DROP TYPE beside"}, false},
		"a sequence that goes":                {[]string{"CREATE SEQUENCE beside", "BEGIN", "DROP SEQUENCE beside"}, false},
		"a column":                            {[]string{"BEGIN", "ALTER TABLE holder ADD n int"}, false},
		"a column that gets another name":     {[]string{"BEGIN", "ALTER TABLE holder RENAME id TO n"}, false},
		"a column beside a temporary table":   {[]string{"CREATE TEMP TABLE beside (n int)", use, "BEGIN", "ALTER TABLE holder ADD n int"}, true},
		"a column that takes others with it":  {[]string{"BEGIN", "ALTER TABLE holder DROP id CASCADE"}, true},
		"another name":                        {[]string{"BEGIN", "ALTER TABLE holder RENAME TO beside"}, true},
		"a schema":                            {[]string{"BEGIN", "CREATE SCHEMA beside"}, true},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			p := openProxy(t)
			p.run(parts, "ALTER TABLE individual RENAME last_name TO surname")
			p.Open(p.snapshot(1, migration(t, 1, rules.Cutover, surname)))
			conn := pinnedTo(t, p, rules.Base)
			for _, sql := range append(tc.make, use) {
				if _, err := conn.PgConn().Exec(t.Context(), sql).ReadAll(); err != nil {
					t.Fatalf("%s: %v", sql, err)
				}
			}
			sessions := p.list()
			if err := conn.Close(t.Context()); err != nil {
				t.Fatal(err)
			}
			pgtest.Eventually(t, func() bool { return len(p.list()) == 0 }, "the session ends")
			if read := sessions[0].state.private != nil; read != tc.read {
				t.Errorf("the session has read the catalog: %v, want %v", read, tc.read)
			}
		})
	}
}

// TestWhatIsAlteredBeforeTheCatalogHasWhatShowsItIsSeenThroughThat has the catalog read between a view and a column: it has the view,
// and not yet the column.
func TestWhatIsAlteredBeforeTheCatalogHasWhatShowsItIsSeenThroughThat(t *testing.T) {
	t.Parallel()
	read := make(chan func(), 8)
	p := openProxy(t, func(c *Config) { c.SchemaChanged = func(known func()) { read <- known } })
	p.run(parts, "ALTER TABLE individual RENAME last_name TO surname")
	under := migration(t, 1, rules.Cutover, surname)
	p.Open(p.snapshot(1, under))
	conn, other := pinnedTo(t, p, rules.Base), pinnedTo(t, p, rules.Base)
	columns := func(conn *pgx.Conn) (names []string) {
		t.Helper()
		rows, err := conn.Query(t.Context(), "SELECT (who).* FROM everybody")
		if err != nil {
			t.Fatal(err)
		}
		rows.Close()
		for _, f := range rows.FieldDescriptions() {
			names = append(names, f.Name)
		}
		return names
	}
	exec := func(sql string) {
		t.Helper()
		if _, err := conn.PgConn().Exec(t.Context(), sql).ReadAll(); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
	}
	exec("CREATE VIEW everybody AS SELECT i AS who FROM individual i")
	known := <-read
	between := p.snapshot(1, under)
	exec("ALTER TABLE individual ADD more int")
	<-read
	p.Open(between)
	known()
	for who, conn := range map[string]*pgx.Conn{"the session that made both": conn, "another one": other} {
		if got, want := columns(conn), []string{"id", "last_name", "more"}; !slices.Equal(got, want) {
			t.Errorf("%s sees the columns %v, want %v", who, got, want)
		}
	}
}
