package rewrite

import (
	"context"
	"strings"
	"testing"

	"github.com/seguedb/segue/catalog"
	"github.com/seguedb/segue/internal/pgtest"
	"github.com/seguedb/segue/rewrite/prefilter"
	"github.com/seguedb/segue/rules"
)

const movingSchema = `
CREATE TABLE individual (id int PRIMARY KEY, last_name text, city text) PARTITION BY RANGE (id);
CREATE TABLE individual_1 PARTITION OF individual FOR VALUES FROM (1) TO (10);
CREATE TABLE plain (id int, born date);
CREATE TABLE other (a int);
CREATE TABLE parent (name text);
CREATE TABLE uncle () INHERITS (parent);
CREATE TABLE aunt () INHERITS (parent);
CREATE TABLE namesake (name text, given text);
CREATE TABLE titled (title text);
CREATE TABLE thing (made date);
CREATE TABLE owned (note text) INHERITS (thing);
CREATE SCHEMA elsewhere;
`

// movingBinder is one of a database in which a table and two columns are under migration; the base sees everything as
// it is while they are active.
func movingBinder(t *testing.T, phase rules.Phase) *Binder {
	t.Helper()
	url := pgtest.Database(t)
	pgtest.Exec(t, url, movingSchema)
	if phase == rules.Cutover {
		pgtest.Exec(t, url, `ALTER TABLE individual RENAME COLUMN last_name TO surname; ALTER TABLE individual RENAME TO person;
			ALTER TABLE plain RENAME COLUMN born TO birthday; ALTER TABLE parent RENAME COLUMN name TO title;
			ALTER TABLE owned RENAME COLUMN note TO remark`)
	}
	cat, err := catalog.Load(context.Background(), pgtest.Connect(t, url))
	if err != nil {
		t.Fatal(err)
	}
	in := func(name string) rules.Name { return rules.Name{Schema: "public", Name: name} }
	snap, err := rules.Build(1, []*rules.Migration{{ID: "next", Seq: 1, Phase: phase, Operations: []rules.Operation{
		rules.RenameColumn{Table: in("individual"), From: "last_name", To: "surname"},
		rules.RenameTable{From: in("individual"), To: "person"},
		rules.RenameColumn{Table: in("plain"), From: "born", To: "birthday"},
		rules.RenameColumn{Table: in("parent"), From: "name", To: "title"},
		rules.RenameColumn{Table: in("owned"), From: "note", To: "remark"},
	}}}, cat)
	if err != nil {
		t.Fatal(err)
	}
	return NewBinder(snap, Options{})
}

// What the old version may not do, since the new one could not live with it, and what of it is the same in every phase.
var breaking = []string{
	`DROP TABLE individual`,
	`ALTER TABLE thing ADD COLUMN note text`,
	`ALTER TABLE thing ADD remark text`,
	`ALTER TABLE thing RENAME made TO remark`,
	`DROP TABLE other, public.individual CASCADE`,
	`DROP SCHEMA elsewhere, public CASCADE`,
	`DROP /* all */ SCHEMA IF EXISTS public CASCADE`,
	`ALTER SCHEMA public RENAME TO private`,
	`ALTER TABLE individual RENAME TO people`,
	`ALTER TABLE IF EXISTS individual RENAME TO people`,
	`ALTER TABLE individual SET SCHEMA elsewhere`,
	`ALTER TABLE individual DROP COLUMN last_name`,
	`ALTER TABLE individual ADD x int, DROP last_name CASCADE`,
	`ALTER TABLE individual RENAME last_name TO family_name`,
	`ALTER TABLE individual ALTER last_name TYPE varchar(50)`,
	`ALTER TABLE individual ALTER last_name TYPE varchar`,
	`ALTER TABLE individual ALTER last_name TYPE text COLLATE "C"`,
	`ALTER TABLE individual ALTER last_name TYPE text[]`,
	`ALTER TABLE plain ALTER born TYPE timestamp(0)`,
	`ALTER TABLE individual_1 RENAME last_name TO x; ALTER TABLE plain DROP born`,
	`ALTER TABLE individual ADD COLUMN surname text`,
	`ALTER TABLE individual ADD COLUMN IF NOT EXISTS surname text`,
	`ALTER TABLE individual RENAME city TO surname`,
	`ALTER TABLE plain ADD birthday date`,
	`ALTER TABLE plain RENAME TO person`,
	`CREATE TABLE person (id int)`,
	`CREATE TABLE public.person AS SELECT 1 AS a`,
	`SELECT 1 AS a INTO person`,
	`CREATE VIEW person AS SELECT 1 AS a`,
	`CREATE TYPE person AS (a int)`,
	`CREATE SEQUENCE person`,
	`CREATE INDEX person ON individual (city)`,
	`ALTER TABLE other RENAME TO person`,
	`CREATE RULE "_RETURN" AS ON SELECT TO plain DO INSTEAD SELECT 1 AS id, now()::date AS born`,
	`CREATE RULE "_RETURN" AS ON SELECT TO individual_1 DO INSTEAD SELECT 1 AS id, 'a'::text AS last_name, 'b'::text AS city`,
	`CREATE TABLE heir (title text) INHERITS (parent)`,
	`CREATE TABLE heir () INHERITS (parent, titled)`,
	`CREATE TABLE heir () INHERITS (titled, uncle)`,
}

// What the old version may do all the while.
var harmless = []string{
	`DROP TABLE individual_1`,
	`ALTER TABLE individual_1 RENAME TO individual_first`,
	`ALTER TABLE individual_1 SET SCHEMA elsewhere`,
	`ALTER TABLE individual ADD COLUMN extra int, ALTER last_name SET DEFAULT 'x', ALTER city TYPE varchar`,
	`ALTER TABLE thing ADD COLUMN extra int`,
	`ALTER TABLE thing RENAME made TO born`,
	`ALTER TABLE individual DROP COLUMN city`,
	`ALTER TABLE individual RENAME city TO town`,
	`ALTER TABLE individual ADD CONSTRAINT c CHECK (last_name <> '')`,
	`ALTER TABLE plain DROP COLUMN id`,
	`CREATE TABLE elsewhere.person (a int)`,
	`CREATE TABLE individual_2 PARTITION OF individual FOR VALUES FROM (10) TO (20)`,
	`ALTER TABLE individual RENAME CONSTRAINT individual_pkey TO pk`,
	`CREATE TABLE individual (id int)`, // the server says that there is one
	`ALTER TABLE individual ADD COLUMN last_name text`,
	`ALTER TABLE individual ALTER last_name TYPE text, ALTER COLUMN last_name SET DATA TYPE pg_catalog.text USING upper(last_name)::text`,
	`ALTER TABLE plain ALTER born TYPE date USING born`,
	`ALTER TABLE individual RENAME TO individual`,
	`ALTER TABLE individual RENAME last_name TO last_name`,
	`ALTER TABLE individual RENAME last_name TO city`,
	`ALTER TABLE individual SET SCHEMA public`,
	`ALTER TABLE individual ALTER last_name SET NOT NULL, ALTER last_name SET NOT NULL, ALTER last_name SET STORAGE EXTENDED`,
	`DROP VIEW IF EXISTS no_person`,
	`DROP TABLE other`,
	`CREATE TABLE heir (name text) INHERITS (parent)`,
	`CREATE TABLE heir () INHERITS (uncle, aunt)`,
	`CREATE TABLE heir () INHERITS (parent, plain, aunt)`,
}

func TestNoVersionMayTakeFromTheOtherWhatItWasWrittenFor(t *testing.T) {
	t.Parallel()
	for _, phase := range []rules.Phase{rules.Active, rules.Cutover} {
		t.Run(string(phase), func(t *testing.T) {
			t.Parallel()
			b := movingBinder(t, phase)
			s := &Session{Version: rules.Base, StandardStrings: true, SearchPath: []string{"pg_catalog", "public"},
				Overlay: map[rules.Name]*catalog.Relation{{Name: "no_person"}: nil}}
			for _, sql := range breaking {
				if b.Match([]byte(sql), false) != prefilter.Names {
					t.Errorf("%s is not looked at", sql)
				}
				f := failureIn(t, b, s, sql)
				if f == nil || f.Code != codeRefused || !strings.Contains(strings.ToLower(f.Hint), "contract the migration") || !strings.Contains(f.Detail, "next") {
					t.Errorf("%s is not refused as it should be: %+v", sql, f)
				}
			}
			for _, sql := range harmless {
				if f := failureIn(t, b, s, sql); f != nil {
					t.Errorf("%s is refused: %+v", sql, f)
				}
			}
		})
	}
}

// Two tables from which a column would be inherited that moves in one of them: the server could rename it in neither.
func TestAMigratingColumnIsInheritedFromOneTableOnly(t *testing.T) {
	t.Parallel()
	for _, phase := range []rules.Phase{rules.Active, rules.Cutover} {
		b := movingBinder(t, phase)
		s := &Session{Version: rules.Base, StandardStrings: true, SearchPath: []string{"pg_catalog", "public"}}
		for _, sql := range []string{`CREATE TABLE heir () INHERITS (parent, namesake)`, `CREATE TABLE heir () INHERITS (namesake, uncle)`} {
			if f := failureIn(t, b, s, sql); f == nil || f.Code != codeRefused {
				t.Errorf("%s, %s: %+v", phase, sql, f)
			}
		}
	}
}

// failureIn is the first failure among the statements of a text.
func failureIn(t *testing.T, b *Binder, s *Session, sql string) *Error {
	t.Helper()
	text, err := b.Rewrite(s, sql)
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	for _, p := range text.Pieces {
		if f := failureIn(t, b, s, sql[p.Start:p.End]); f != nil {
			return f
		}
	}
	for _, st := range text.Statements {
		if st.Failure != nil {
			return st.Failure
		}
	}
	return nil
}
