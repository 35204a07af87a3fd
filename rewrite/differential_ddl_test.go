package rewrite

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
)

// What DDL leaves behind is compared as a rollback would leave it: the rewritten statement is executed on the database
// with other names, the tables are renamed to the client's names there, and then every definition in the catalogs must
// read as in the client's database, where the statement was executed as the client wrote it.
const ddlSchema = `
CREATE TABLE {person} ({id} int CONSTRAINT id_key PRIMARY KEY, first_name text, {surname} text NOT NULL, city text DEFAULT 'Bern',
  born date, tags text[], parent int, CONSTRAINT city_key UNIQUE ({surname}, city));
CREATE TABLE orders (order_id serial PRIMARY KEY, individual_id int REFERENCES {person}, note text);
CREATE TABLE book (surname text, last_name text, person int, individual text);
CREATE TABLE pet (id int PRIMARY KEY, person_id int, name text);
CREATE TABLE {line} ({qty} int, price int, sku text CONSTRAINT sku_key PRIMARY KEY);
CREATE VIEW adults AS SELECT {id} AS adult, {surname} AS family FROM {person} WHERE born < '2000-01-01';
CREATE SCHEMA other;
CREATE SCHEMA event_2024;
CREATE TABLE other.elsewhere (y int);
INSERT INTO {person} VALUES (1, 'Ada', 'Lovelace', 'London', NULL, NULL, NULL), (2, 'Alan', 'Turing', 'London', '1912-06-23', '{math}', 1);
INSERT INTO {line} VALUES (1, 100, 'pen'), (20, 3, 'cup');
CREATE TABLE {event} ({at} date NOT NULL, kind text, "from" int, CONSTRAINT kind_known CHECK (kind <> '')) PARTITION BY RANGE ({at});
CREATE TABLE event_2024 PARTITION OF {event} FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
CREATE TABLE audit (who text, what text, old_name text, note text);
CREATE TABLE loose (happened_on date NOT NULL, day date NOT NULL, kind text, "from" int);
CREATE FUNCTION noop() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER there BEFORE UPDATE ON {person} FOR EACH ROW EXECUTE FUNCTION noop();
CREATE POLICY known ON {person} USING (true);
CREATE RULE quiet AS ON DELETE TO {person} WHERE OLD.city = 'nowhere' DO INSTEAD NOTHING;
CREATE INDEX city_index ON {person} (city);
CREATE UNIQUE INDEX sku_qty ON {line} (sku, {qty});
CREATE SEQUENCE counter;
CREATE SEQUENCE individual_last_name_idx;
CREATE SEQUENCE person_surname_idx;
CREATE STATISTICS both_names ON first_name, city FROM {person};
CREATE PUBLICATION pub FOR TABLE book;
`

// definitions describes everything that users have defined, by the names of tables and columns as they are. Options whose
// names begin with pg_ are the server's own: some minor releases keep a version of each attribute among them.
const definitions = `
WITH c AS (SELECT * FROM pg_class WHERE relnamespace IN ('public'::regnamespace, 'other'::regnamespace, to_regnamespace('fresh')))
SELECT 'relation', c.oid::regclass::text, concat(relkind, relpersistence, relrowsecurity, relforcerowsecurity, relreplident, relispartition),
  concat(reloptions, relacl), concat(pg_get_expr(relpartbound, c.oid), pg_get_partkeydef(c.oid)) FROM c WHERE relkind <> 'i'
UNION ALL SELECT 'column', c.oid::regclass::text, attname, concat(format_type(atttypid, atttypmod), attnotnull, attidentity, attgenerated, attstattarget, attstorage, attcompression, attislocal, attinhcount),
  concat((SELECT array_agg(o) FROM unnest(attoptions) o WHERE o NOT LIKE 'pg\_%'), attacl, (SELECT pg_get_expr(adbin, adrelid) FROM pg_attrdef WHERE adrelid = c.oid AND adnum = attnum)) FROM c JOIN pg_attribute ON attrelid = c.oid WHERE attnum > 0 AND relkind NOT IN ('i', 'I')
UNION ALL SELECT 'default acl', defaclnamespace::regnamespace::text, defaclobjtype::text, defaclacl::text, '' FROM pg_default_acl
UNION ALL SELECT 'constraint', conrelid::regclass::text, conname, pg_get_constraintdef(o.oid), concat(convalidated, condeferrable) FROM pg_constraint o JOIN c ON c.oid = conrelid
UNION ALL SELECT 'index', indrelid::regclass::text, pg_get_indexdef(indexrelid), concat(indisclustered, indisreplident, indisvalid), '' FROM pg_index JOIN c ON c.oid = indexrelid
UNION ALL SELECT 'statistics', stxrelid::regclass::text, pg_get_statisticsobjdef(o.oid), '', '' FROM pg_statistic_ext o
UNION ALL SELECT 'policy', polrelid::regclass::text, concat(polname, polcmd, polpermissive), pg_get_expr(polqual, polrelid), pg_get_expr(polwithcheck, polrelid) FROM pg_policy
UNION ALL SELECT 'trigger', tgrelid::regclass::text, pg_get_triggerdef(t.oid), tgenabled::text, '' FROM pg_trigger t WHERE NOT tgisinternal
UNION ALL SELECT 'rule', ev_class::regclass::text, pg_get_ruledef(r.oid), ev_enabled::text, '' FROM pg_rewrite r JOIN c ON c.oid = ev_class
UNION ALL SELECT 'comment', pg_describe_object(classoid, objoid, objsubid), description, '', '' FROM pg_description WHERE objoid > 16383
UNION ALL SELECT 'parent', inhrelid::regclass::text, inhparent::regclass::text, inhseqno::text, '' FROM pg_inherits JOIN c ON c.oid = inhrelid WHERE relkind NOT IN ('i', 'I')
UNION ALL SELECT 'publication', pubname, schemaname || '.' || tablename, attnames::text, rowfilter FROM pg_publication_tables
UNION ALL SELECT 'function', p.oid::regprocedure::text, pg_get_functiondef(p.oid), '', '' FROM pg_proc p WHERE pronamespace = 'public'::regnamespace AND prokind IN ('f', 'p')
UNION ALL SELECT 'owner', pg_describe_object(classid, objid, objsubid), pg_describe_object(refclassid, refobjid, refobjsubid), '', '' FROM pg_depend JOIN c ON c.oid = objid
  WHERE classid = 'pg_class'::regclass AND deptype = 'a' AND relkind = 'S'
ORDER BY 1, 2, 3, 4, 5`

// definedBy executes a text in a transaction that is rolled back, with other statements behind it, and describes what
// is there then.
func definedBy(t *testing.T, conn *pgx.Conn, sql string, then ...string) ([]string, error) {
	t.Helper()
	ctx := context.Background()
	tx, err := conn.Begin(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := tx.Rollback(ctx); err != nil {
			t.Fatal(err)
		}
	}()
	if _, err := conn.PgConn().Exec(ctx, sql).ReadAll(); err != nil {
		return nil, err
	}
	for _, s := range append(then, "SET LOCAL jit = off", "SET LOCAL enable_nestloop = off") {
		if _, err := conn.PgConn().Exec(ctx, s).ReadAll(); err != nil {
			t.Fatalf("%s\nafter %s: %v", s, sql, err)
		}
	}
	results, err := conn.PgConn().Exec(ctx, definitions).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, row := range results[0].Rows {
		line := fmt.Sprintf("%s", row)
		for _, names := range differentialNames { // an alias that is the table's name again says nothing
			for table := range migratingColumns {
				name := names[table]
				line = strings.NewReplacer(name+" AS "+name+" ", name+" ", name+" "+name, name).Replace(line)
			}
		}
		out = append(out, line)
	}
	return out, nil
}

// migratingColumns are those whose names differ, by table.
var migratingColumns = map[string][]string{"person": {"surname", "id"}, "line": {"qty"}, "event": {"at"}}

// renamingBack gives the tables of the server's database the client's names.
func (w *world) renamingBack() []string {
	var out []string
	for table, columns := range migratingColumns {
		physical := inNames("{other_"+table+"}", w.names)
		for _, c := range columns {
			if from, to := inNames("{other_"+c+"}", w.names), inNames("{"+c+"}", w.names); from != to {
				out = append(out, "ALTER TABLE "+physical+" RENAME COLUMN "+from+" TO "+to)
			}
		}
		out = append(out, "ALTER TABLE "+physical+" RENAME TO "+inNames("{"+table+"}", w.names))
	}
	return out
}

func (w *world) checkDefinition(t *testing.T, template string) {
	t.Helper()
	sql := inNames(template, w.names)
	text := w.rewrite(t, sql)
	for _, s := range text.Statements {
		if s.Failure != nil {
			t.Errorf("%s\nis not rewritten: %v (%s, at %d)", sql, s.Failure, s.Failure.Node, s.Failure.Position)
			return
		}
	}
	want, err := definedBy(t, w.client, sql)
	if err != nil {
		t.Errorf("%s\nfails by itself: %v", sql, err)
		return
	}
	got, err := definedBy(t, w.server, text.SQL, w.renamingBack()...)
	if err != nil {
		t.Errorf("%s\n=> %s\nfails: %v", sql, text.SQL, err)
		return
	}
	if diff := cmp.Diff(without(want, got), without(got, want)); diff != "" {
		t.Errorf("%s\n=> %s\ndefines something else (-client's database +rewritten, and renamed back):\n%s", sql, text.SQL, diff)
	}
	before, err := definedBy(t, w.client, "SELECT 1")
	if err != nil {
		t.Fatal(err)
	}
	if cmp.Equal(before, want) {
		t.Errorf("%s\nleaves no trace in what is compared", sql)
	}
}

// without is what is in one list and not in the other.
func without(list, other []string) []string {
	return slices.DeleteFunc(slices.Clone(list), func(s string) bool { return slices.Contains(other, s) })
}

func newDDLWorld(t *testing.T, version string) *world {
	t.Helper()
	return newWorldOf(t, version, ddlSchema, "person", "line", "event", "event_2024")
}

func TestDifferentialDDLDefinesTheSame(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"old", "new"} {
		t.Run("a client of the "+version+" names", func(t *testing.T) {
			t.Parallel()
			w := newDDLWorld(t, version)
			for _, list := range [][]string{alterations, creations, attachments} {
				for _, template := range list {
					w.checkDefinition(t, template)
				}
			}
		})
	}
}

// DDL that PostgreSQL itself rejects in the version's schema.
var failingDefinitions = []string{
	`ALTER TABLE {other_person} ADD x int`,
	`ALTER TABLE {person} ALTER {other_surname} SET DEFAULT 'x'`,
	`ALTER TABLE {person} DROP COLUMN nonsense`,
	`ALTER TABLE {person} ADD COLUMN {surname} text`,
	`ALTER TABLE {person} RENAME COLUMN city TO {surname}`,
	`ALTER TABLE {person} RENAME COLUMN {surname} TO {surname}`,
	`ALTER TABLE {person} RENAME TO {person}`,
	`ALTER TABLE {person} ALTER {surname} TYPE text`,
	`ALTER TABLE {person} RENAME COLUMN {other_surname} TO x`,
	`ALTER TABLE {person} ADD CHECK ({other_surname} <> '')`,
	`ALTER TABLE {person} ADD UNIQUE (city, {other_surname})`,
	`ALTER TABLE {person} ADD FOREIGN KEY ({other_surname}) REFERENCES {line}`,
	`ALTER TABLE pet ADD FOREIGN KEY (person_id) REFERENCES {person} ({other_surname})`,
	`ALTER TABLE pet ADD FOREIGN KEY (person_id) REFERENCES {other_person}`,
	`CREATE TABLE {person} (a int)`,
	`CREATE TABLE public.{line} AS SELECT 1 AS a`,
	`CREATE TABLE t (a int REFERENCES {other_person} (x))`,
	`CREATE VIEW v AS SELECT {other_surname} FROM {person}`,
	`CREATE INDEX ON {person} (city, lower({other_surname}))`,
	`CREATE INDEX ON {person} ({other_surname})`,
	`CREATE STATISTICS s ON {other_surname}, city FROM {person}`,
	`CREATE POLICY p ON {person} USING ({other_surname} = 'x')`,
	`CREATE TRIGGER t BEFORE UPDATE OF {other_surname} ON {person} FOR EACH ROW EXECUTE FUNCTION noop()`,
	`CREATE TRIGGER t BEFORE UPDATE ON {person} FOR EACH ROW WHEN (NEW.{other_surname} = 'x') EXECUTE FUNCTION noop()`,
	`CREATE TRIGGER t BEFORE UPDATE ON {other_person} FOR EACH ROW EXECUTE FUNCTION noop()`,
	`CREATE RULE r AS ON UPDATE TO {person} DO ALSO INSERT INTO audit VALUES (NEW.{other_surname})`,
	`CREATE RULE r AS ON INSERT TO {person} WHERE first_name <> '' DO INSTEAD INSERT INTO {line} ({qty}) VALUES ({id})`,
	`CREATE RULE r AS ON INSERT TO {person} DO ALSO INSERT INTO {line} ({qty}) VALUES ({qty})`,
	`CREATE RULE r AS ON INSERT TO {person} DO ALSO INSERT INTO audit VALUES ({surname}s), ('a')`,
	`CREATE RULE r AS ON INSERT TO {person} DO ALSO INSERT INTO audit SELECT {surname} FROM pet`,
	`CREATE RULE r AS ON INSERT TO {person} DO ALSO INSERT INTO audit SELECT wha FROM pet`,
	`CREATE RULE r AS ON INSERT TO {person} WHERE {surname}x = 'a' DO INSTEAD NOTHING`,
	`CREATE RULE r AS ON UPDATE TO {person} DO ALSO DELETE FROM {line} WHERE {surname} = sku`,
	`CREATE RULE r AS ON DELETE TO {person} DO ALSO UPDATE {line} SET sku = (SELECT {surname}x)`,
	`CREATE RULE r AS ON DELETE TO {person} DO ALSO SELECT {id} FROM pet WHERE {surname} = name`,
	`CREATE RULE r AS ON INSERT TO {person} DO ALSO INSERT INTO audit VALUES (OLD.{surname})`,
	`CREATE RULE r AS ON DELETE TO {person} DO ALSO INSERT INTO audit SELECT NEW.{surname}`,
	`CREATE RULE r AS ON INSERT TO {person} WHERE OLD.{surname} = 'a' DO INSTEAD NOTHING`,
	`COMMENT ON COLUMN {person}.{other_surname} IS 'x'`,
	`COMMENT ON TABLE {other_person} IS 'x'`,
	`GRANT SELECT ({other_surname}) ON {person} TO PUBLIC`,
	`GRANT SELECT ON {other_person} TO PUBLIC`,
	`CREATE FUNCTION f(n int) RETURNS text LANGUAGE sql RETURN (SELECT {other_surname} FROM {person})`,
	`CREATE PUBLICATION p FOR TABLE {person} ({other_surname})`,
	`CREATE PUBLICATION p FOR TABLE {person} (nope), pet, {person}`,
	`CREATE PUBLICATION p FOR TABLE {person}, {person} WHERE ({other_surname} = 'x')`,
	`ALTER PUBLICATION p DROP TABLE {person} WHERE ({other_surname} = 'x')`,
	`ALTER TABLE {person} ADD PRIMARY KEY ({other_surname})`,
	`ALTER TABLE {person} ADD UNIQUE ({other_surname})`,
	`ALTER TABLE {person} ADD extra int GENERATED ALWAYS AS (nope * 4) STORED`,
	`ALTER TABLE {person} ADD extra int GENERATED ALWAYS AS ({other_surname} * 4) STORED`,
	`ALTER TABLE {person} ADD extra int CHECK ({id} > nope)`,
	`ALTER TABLE {person} ALTER {id} SET DEFAULT nope`,
	`ALTER TABLE {person} ADD CHECK ({other_surname} > '')`,
	`CREATE TABLE t (a int, FOREIGN KEY (tableoid) REFERENCES {person} ({other_surname}))`,
	`CREATE TABLE t PARTITION OF {event} FOR VALUES FROM (max({at})) TO ('2019-01-01')`,
	`CREATE TABLE t PARTITION OF {event} FOR VALUES FROM ('2019-01-01') TO (nope + 1)`,
	`ALTER TABLE {person} ADD x text GENERATED ALWAYS AS ({other_surname} || 'a') STORED`,
	`ALTER TABLE {person} ADD x text CHECK (x > {person}.{other_surname})`,
	`ALTER TABLE {person} ADD x {other_person}`,
	`ALTER TABLE {line} ALTER COLUMN price TYPE numeric USING {other_qty} * 2`,
	`CREATE TEMP TABLE event_2025 PARTITION OF {event} ({at} DEFAULT '2025-05-05') FOR VALUES FROM ('2025-01-01') TO ('2026-01-01')`,
	`CREATE SCHEMA fresh CREATE VIEW seen AS SELECT {other_surname} FROM {person}`,
	`CREATE SCHEMA fresh CREATE TABLE pet (a int REFERENCES {other_person}) CREATE VIEW seen AS SELECT * FROM pet`,
	`CREATE SCHEMA fresh CREATE TABLE {person} (a int) CREATE VIEW seen AS SELECT {surname} FROM {person}`,
	`CREATE SCHEMA fresh CREATE INDEX ON {person} ({surname})`,
	`CREATE SCHEMA fresh CREATE VIEW seen AS SELECT {surname} FROM other.{person}`,
	`DROP TABLE {other_line}, book`,
	`DROP TRIGGER there ON {other_person}`,
	`REINDEX TABLE {other_person}`,
}

// DDL that changes nothing, as programs send it at each start.
func TestDDLThatChangesNothingPasses(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"old", "new"} {
		w := newDDLWorld(t, version)
		for _, template := range []string{
			`ALTER TABLE {line} ALTER COLUMN {qty} SET DATA TYPE integer USING {qty} * 2; SELECT {qty} FROM {line} ORDER BY 1`,
			`ALTER TABLE {line} ALTER COLUMN {qty} TYPE int4, ALTER {qty} TYPE pg_catalog.int4`,
			`ALTER TABLE {event} ALTER kind TYPE text, ALTER {at} SET NOT NULL`,
			`ALTER TABLE {person} SET SCHEMA public`,
			`CREATE TABLE IF NOT EXISTS {person} (a int)`,
			`CREATE TABLE IF NOT EXISTS public.{line} AS SELECT 1 AS a`,
			`ALTER TABLE {person} ADD COLUMN IF NOT EXISTS {surname} text, ADD IF NOT EXISTS city varchar`,
			`ALTER TABLE IF EXISTS {line} DROP COLUMN IF EXISTS nothing`,
		} {
			w.check(t, template)
		}
	}
}

func TestARowTypeOfATableThatKeepsItsNameMayBeNamedInAString(t *testing.T) {
	t.Parallel()
	w := newDDLWorld(t, "old")
	w.check(t, `SELECT typlen FROM pg_type WHERE oid = 'event_2024[]'::regtype OR oid = to_regtype('event_2024')`)
}

func TestDifferentialDDLFailsAsInPostgres(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"old", "new"} {
		t.Run("a client of the "+version+" names", func(t *testing.T) {
			t.Parallel()
			w := newDDLWorld(t, version)
			for _, sql := range failingDefinitions {
				w.checkFailure(t, sql)
			}
		})
	}
}
