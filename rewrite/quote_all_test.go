package rewrite

import (
	"context"
	"testing"

	"github.com/jackc/pgx/v5"
)

// With quote_all_identifiers, which pg_dump sets on demand, definitions have the version's names, too.
func TestDefinitionsWithAllNamesInQuotes(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"old", "new"} {
		t.Run("a client of the "+version+" names", func(t *testing.T) {
			t.Parallel()
			w := newWorldOf(t, version, `
CREATE TABLE {event} (id int CONSTRAINT k PRIMARY KEY, {at} int CONSTRAINT c CHECK ({at} > 0), CONSTRAINT u UNIQUE ({at}, id));
CREATE INDEX by_half ON {event} ((abs({at}) / 2)) WHERE {at} IS NOT NULL;
CREATE FUNCTION noop() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER noticed BEFORE UPDATE OF {at} ON {event} FOR EACH ROW WHEN (NEW.{at} IS DISTINCT FROM OLD.{at}) EXECUTE FUNCTION noop();
CREATE FUNCTION takes({event}, int, {event}[]) RETURNS int LANGUAGE sql AS 'SELECT 1';
`, "event")
			for _, conn := range []*pgx.Conn{w.client, w.server} {
				if _, err := conn.Exec(context.Background(), "SET quote_all_identifiers = on"); err != nil {
					t.Fatal(err)
				}
			}
			for _, sql := range []string{
				`SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE tgname = 'noticed'`,
				`SELECT pg_get_indexdef(indexrelid) FROM pg_index WHERE indrelid = '{event}'::regclass`,
				`SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = '{event}'::regclass`,
				`SELECT indexdef FROM pg_indexes WHERE tablename = '{event}'`,
				`SELECT oid::regprocedure, oid::regprocedure::text FROM pg_proc WHERE proname = 'takes'`,
				`SELECT oid::regclass, reltype::regtype, reltype::regtype::text FROM pg_class WHERE relname = '{event}'`,
			} {
				w.check(t, sql)
			}
		})
	}
}
