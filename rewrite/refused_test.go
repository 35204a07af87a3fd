package rewrite

import (
	"testing"

	"github.com/seguedb/segue/catalog"
	"github.com/seguedb/segue/rules"
)

// Statements that are not followed where they concern a table whose names differ.
var refusedStatements = []string{
	`SELECT * FROM jsonb_populate_record(NULL::{person}, '{"id": 1}')`,
	`SELECT jsonb_populate_record(p, '{"id": 1}') FROM {person} p`,
	`SELECT * FROM json_to_record('{}') AS r (who {person})`,
	`SELECT to_json(people())`,
	`SELECT p.row_to_json FROM {person} p`,
	`SELECT (p).to_json FROM {person} p`,
	`SELECT to_json('{}'::{person}[])`,
	`SELECT to_json((p).who) FROM (SELECT ARRAY(SELECT p FROM {person} p) AS who) p`,
	`SELECT json_agg(DISTINCT p ORDER BY p) FROM {person} p`,
	`SELECT json_build_object(VARIADIC ARRAY[p]) FROM {person} p`,
	`SELECT p -> 'x' FROM {person} p`,
	`SELECT query_to_xml('SELECT {surname} FROM {person}' || '', true, true, '')`,
	`SELECT query_to_xml('DELETE FROM {person} RETURNING {surname}', true, true, '')`,
	`CREATE VIEW v AS SELECT query_to_xml('SELECT {surname} FROM {person}', true, true, '')`,
	`SELECT runs('SELECT p <-> p FROM {person} p')`,
	`SELECT runs('SELECT {other_surname} FROM {person}')`,
	`SELECT * FROM people() WITH ORDINALITY FULL JOIN book b USING ({surname})`,
	`COPY {person} FROM STDIN WITH (FORMAT csv, HEADER MATCH)`,
	`ALTER TABLE {person} RENAME COLUMN {surname} TO x`,
	`ALTER TABLE {person} RENAME TO x`,
	`ALTER TABLE {person} SET SCHEMA other`,
	`DROP TABLE {person}`,
	`DROP TABLE pet, public.{person}`,
	`ALTER TABLE {person} ADD COLUMN {other_surname} text`,
	`ALTER TABLE {person} RENAME COLUMN city TO {other_surname}`,
	`ALTER TABLE {person} DROP COLUMN {surname}`,
	`ALTER TABLE {person} ALTER {surname} TYPE varchar`,
	`ALTER TABLE pet RENAME TO {other_person}`,
	`ALTER TABLE pet INHERIT {person}`,
	`ALTER TABLE {person} OF some_type`,
	`CREATE TRIGGER t BEFORE UPDATE ON {person} FOR EACH ROW EXECUTE FUNCTION f('{surname}')`,
	`CREATE TYPE {other_person} AS ENUM ('a')`,
	`CREATE SEQUENCE {other_person}`,
	`CREATE INDEX {other_person} ON {person} ({surname})`,
	`GRANT SELECT ({surname}) ON {person}, book TO public`,
	`GRANT USAGE ON TYPE {person} TO public`,
	`ALTER EXTENSION plpgsql ADD TABLE {person}`,
	`CREATE DOMAIN d AS {person}`,
	`IMPORT FOREIGN SCHEMA s FROM SERVER there INTO public`,
	`IMPORT FOREIGN SCHEMA s LIMIT TO (pet, {person}) FROM SERVER there INTO public`,
	`IMPORT FOREIGN SCHEMA s LIMIT TO ({person}) FROM SERVER there INTO public`,
	`IMPORT FOREIGN SCHEMA s EXCEPT ({other_person}, line, "LineItem") FROM SERVER there INTO public`,
	`CREATE SCHEMA fresh CREATE TABLE child (LIKE {person})`,
	`CREATE SCHEMA fresh CREATE TABLE {other_person} (a int) CREATE VIEW seen AS SELECT NULL::{other_person} FROM {person}`,
	`CREATE TABLE copied (LIKE {person})`,
	`CREATE TABLE child () INHERITS ({person}, book)`,
	`CREATE TEMP TABLE child () INHERITS ({person})`,
	`CREATE TABLE {other_person} (a int)`,
	`CREATE VIEW {other_person} AS SELECT 1 AS a`,
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
	w.server = w.client
	w.binder = NewBinder(&rules.Snapshot{
		Lenses:     map[string]*rules.Lens{"v": rules.NewLens("v", tables)},
		Migrations: []*rules.Migration{{ID: "v", Phase: rules.Active}},
		Catalog:    cat,
	}, Options{})
	return w
}

func TestAQueryInAStringIsRefusedBehindAStatementThatMakesARelation(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "old")
	text := w.rewrite(t, inNames(`CREATE TABLE fresh (a int); SELECT query_to_xml('SELECT {surname} FROM {person}, fresh', true, true, '')`, w.names))
	if f := text.Statements[1].Failure; f == nil || f.Code != codeRefused {
		t.Errorf("%s\nis not refused: %v", text.SQL, f)
	}
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
