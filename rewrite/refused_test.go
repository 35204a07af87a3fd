package rewrite

import (
	"testing"

	"github.com/seguedb/segue/catalog"
	"github.com/seguedb/segue/rules"
)

// Statements that are not followed where they concern a table whose names differ.
var refusedStatements = []string{
	`SELECT p FROM {person} p`,
	`SELECT {person} FROM {person}`,
	`SELECT row_to_json(p) FROM {person} p`,
	`SELECT row_to_json({person}) FROM {person}`,
	`SELECT row_to_json(p) FROM {person} p (a, b, c, d, e, f, g, h, i)`,
	`SELECT row_to_json(p) FROM people() p (a, b, c, d, e, f, g, h, i)`,
	`SELECT to_jsonb(p.*) FROM {person} p`,
	`SELECT json_agg(p ORDER BY p.{id}) FROM {person} p`,
	`SELECT (p).{surname} FROM {person} p`,
	`SELECT {surname}(p) FROM {person} p`,
	`SELECT (p).* FROM {person} p`,
	`SELECT p::text FROM {person} p`,
	`SELECT count(*) FROM (SELECT p FROM {person} p) s`,
	`SELECT row_to_json(j) FROM ({person} CROSS JOIN pet) AS j`,
	`SELECT NULL::{person}`,
	`SELECT NULL::{person}[]`,
	`SELECT * FROM jsonb_populate_record(NULL::{person}, '{"id": 1}')`,
	`SELECT query_to_xml('SELECT {surname} FROM {person}', true, true, '')`,
	`SELECT ('{person}' || '')::regclass`,
	`SELECT '{person}'::text::regtype`,
	`SELECT * FROM {person} p FULL JOIN book b USING ({surname})`,
	`SELECT people()`,
	`SELECT (people()).*`,
	`SELECT label(p) FROM {person} p`,
	`SELECT p.label FROM {person} p`,
	`SELECT who FROM archive`,
	`SELECT (who).{surname} FROM archive`,
	`SELECT (a.who).{surname} FROM (SELECT * FROM archive) a`,
	`SELECT (a.who).{surname} FROM (SELECT * FROM archive UNION ALL SELECT * FROM archive) a`,
	`SELECT row_to_json(a) FROM archive a`,
	`SELECT (f.who).{surname} FROM one() f`,
	`SELECT (one()).who`,
	`UPDATE archive SET who.{surname} = 'x'`,
	`INSERT INTO archive (at, who.{surname}) VALUES (1, 'x')`,
	`SELECT ARRAY['{person}']::regclass[]`,
	`SELECT 1 FROM pg_class WHERE oid::regclass = ANY (ARRAY['{person}'])`,
	`COPY {person} FROM STDIN WITH (FORMAT csv, HEADER MATCH)`,
	`ALTER TABLE {person} RENAME COLUMN {surname} TO x`,
	`ALTER TABLE {person} RENAME TO x`,
	`ALTER TABLE {person} SET SCHEMA other`,
	`DROP TABLE {person}`,
	`DROP TABLE pet, public.{person}`,
	`ALTER TABLE {person} ADD COLUMN {other_surname} text`,
	`ALTER TABLE {person} RENAME COLUMN city TO {other_surname}`,
	`ALTER TABLE {person} DROP COLUMN {surname}`,
	`ALTER TABLE {person} DROP COLUMN IF EXISTS {other_surname}`,
	`ALTER TABLE {person} ALTER {surname} TYPE varchar`,
	`ALTER TABLE pet RENAME TO {other_person}`,
	`ALTER TABLE pet INHERIT {person}`,
	`DROP TABLE IF EXISTS {other_person}`,
	`CREATE TRIGGER t BEFORE UPDATE ON {person} FOR EACH ROW EXECUTE FUNCTION f('{surname}')`,
	`CREATE TYPE {other_person} AS ENUM ('a')`,
	`CREATE SEQUENCE {other_person}`,
	`CREATE INDEX {other_person} ON {person} ({surname})`,
	`GRANT SELECT ({surname}) ON {person}, book TO public`,
	`GRANT USAGE ON TYPE {person} TO public`,
	`COMMENT ON TYPE {person} IS 'a row'`,
	`ALTER EXTENSION plpgsql ADD TABLE {person}`,
	`CREATE DOMAIN d AS {person}`,
	`CREATE TYPE pair AS (a {person}, b int)`,
	`CREATE TABLE copied (LIKE {person})`,
	`CREATE TABLE child () INHERITS ({person})`,
	`CREATE TABLE {other_person} (a int)`,
	`CREATE VIEW {other_person} AS SELECT 1 AS a`,
	`CREATE FUNCTION f() RETURNS text LANGUAGE sql AS 'SELECT {surname} FROM {person}'`,
	`CREATE FUNCTION f({person}) RETURNS text LANGUAGE sql AS 'SELECT $1::text'`,
	`DO 'BEGIN PERFORM 1 FROM {person}; END'`,
	`PREPARE q ({person}) AS SELECT 1`,
}

func TestWhatIsNotUnderstoodOnAnAffectedTableIsRefused(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"old", "new"} {
		t.Run("a client of the "+version+" names", func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, version)
			for _, template := range refusedStatements {
				sql := inNames(template, w.names)
				text := w.rewrite(t, sql)
				s := text.Statements[0]
				if s.Failure == nil || s.Failure.Code != codeRefused || s.Failure.Node == "" {
					t.Errorf("%s\n=> %s\nis not refused: %v", sql, text.SQL, s.Failure)
				}
			}
		})
	}
}

// identityWorld is a version that sees everything as it is.
func identityWorld(t *testing.T) *world {
	t.Helper()
	w := newWorld(t, "old")
	cat, err := catalog.Load(t.Context(), w.client)
	if err != nil {
		t.Fatal(err)
	}
	var tables []*rules.TableLens
	for _, name := range []string{"individual", "LineItem"} {
		rel := cat.Lookup("public", name)
		l := &rules.TableLens{OID: rel.OID, Schema: "public", Logical: name, Physical: name, Identity: true}
		for _, c := range rel.Columns {
			l.Columns = append(l.Columns, rules.ColumnLens{Logical: c.Name, Physical: c.Name, Num: c.Num})
		}
		tables = append(tables, l)
	}
	w.binder = NewBinder(&rules.Snapshot{
		Lenses:     map[string]*rules.Lens{"v": rules.NewLens("v", tables)},
		Migrations: []*rules.Migration{{ID: "v", Phase: rules.Active}},
		Catalog:    cat,
	}, Options{})
	return w
}

func TestAVersionThatSeesTheTablesAsTheyAreIsRefusedNothing(t *testing.T) {
	t.Parallel()
	w := identityWorld(t)
	for _, list := range [][]string{refusedStatements, readingStatements, writingStatements, capturingStatements, failingStatements} {
		for _, template := range list {
			sql := inNames(template, w.names)
			if text := w.rewrite(t, sql); text.SQL != sql {
				t.Errorf("%s\n=> %s\nis changed: %v", sql, text.SQL, text.Statements)
			}
		}
	}
}

func TestTheTablesAreKnownWhereNothingIsRefusedEither(t *testing.T) {
	t.Parallel()
	w := identityWorld(t)
	for _, template := range refusedStatements {
		sql := inNames(template, w.names)
		if text := w.rewrite(t, sql); len(text.Tables) == 0 && placeholder.MatchString(template) && !mentionsOtherOnly(template) {
			t.Errorf("%s\nis held by no gate: it names no table under migration", sql)
		}
	}
}

// mentionsOtherOnly tells of statements that name a table under migration only as another version does.
func mentionsOtherOnly(template string) bool {
	return !placeholder.MatchString(otherPlaceholder.ReplaceAllString(template, ""))
}
