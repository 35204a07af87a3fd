package assess

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/seguedb/segue/internal/pgtest"
)

// clients renames a column and the table that has it.
const clients = `
id: clients
contract_after: 0s
operations:
  - rename_column: { table: public.client, from: first_name, to: given_name }
  - rename_table: { from: public.client, to: customer }
`

// clientShop has the tables of clients, one with the same column that is not renamed, and functions to call.
const clientShop = `
CREATE SCHEMA other;
CREATE TABLE public.client (id int PRIMARY KEY, first_name text, note jsonb);
CREATE TABLE public.page (id int, first_name text, client text, note jsonb);
CREATE TABLE public.log (what text, tab text, row jsonb);
CREATE FUNCTION public.any_json(r anyelement) RETURNS jsonb LANGUAGE sql AS 'SELECT to_jsonb($1)';
CREATE FUNCTION public.any_text(r anyelement) RETURNS text LANGUAGE sql AS 'SELECT $1::text';`

// shownIn lists what is found of the migration on a database with these objects besides, as "object: what".
func shownIn(t *testing.T, sql ...string) []string {
	t.Helper()
	c := on(t, clients, append([]string{clientShop, `SET check_function_bodies = off`}, sql...)...)
	out := []string{}
	for _, f := range c.found(ShownNames) {
		out = append(out, f.Object+": "+f.Message)
	}
	return out
}

// trigger is a function for triggers with that body, and a trigger on the table that calls it.
func trigger(table, body string) []string {
	return []string{`CREATE FUNCTION other.x() RETURNS trigger LANGUAGE plpgsql AS $f$` + body + `$f$`,
		`CREATE TRIGGER t AFTER UPDATE ON ` + table + ` FOR EACH ROW EXECUTE FUNCTION other.x()`}
}

func TestWhatShowsKeysOfWholeRowsIsNamed(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		object string
		sql    []string
	}{
		"view":              {"view other.x", []string{`CREATE VIEW other.x AS SELECT to_jsonb(c) AS j FROM client c`}},
		"star":              {"view other.x", []string{`CREATE VIEW other.x AS SELECT row_to_json(c.*) FROM client c`}},
		"materialized":      {"materialized view other.x", []string{`CREATE MATERIALIZED VIEW other.x AS SELECT json_agg(c) FROM client c`}},
		"nested":            {"view other.x", []string{`CREATE VIEW other.x AS SELECT jsonb_build_object('all', array_agg(c)) FROM client c`}},
		"in a row":          {"view other.x", []string{`CREATE VIEW other.x AS SELECT to_json(ROW(1, c)) FROM client c`}},
		"function's rows":   {"view other.x", []string{`CREATE FUNCTION f() RETURNS SETOF client LANGUAGE sql AS 'SELECT * FROM client'`, `CREATE VIEW other.x AS SELECT to_jsonb(p) FROM f() p`}},
		"polymorphic":       {"view other.x", []string{`CREATE VIEW other.x AS SELECT any_json(c) FROM client c`}},
		"keys read":         {"view other.x", []string{`CREATE VIEW other.x AS SELECT (jsonb_populate_record(NULL::client, p.note)).id FROM page p`}},
		"xml":               {"view other.x", []string{`CREATE VIEW other.x AS SELECT table_to_xml('client', true, false, '')`}},
		"xml of a query":    {"view other.x", []string{`CREATE VIEW other.x AS SELECT query_to_xml('SELECT * FROM client', true, false, '')`}},
		"xml of a schema":   {"view other.x", []string{`CREATE VIEW other.x AS SELECT schema_to_xml('public', true, false, '')`}},
		"tableoid":          {"view other.x", []string{`CREATE VIEW other.x AS SELECT tableoid::regclass AS t, id FROM client`}},
		"regclass":          {"view other.x", []string{`CREATE VIEW other.x AS SELECT 'client'::regclass::text AS t`}},
		"a column of rows":  {"view other.x", []string{`CREATE VIEW v AS SELECT c FROM client c`, `CREATE VIEW other.x AS SELECT to_jsonb(v.c) FROM v`}},
		"rule":              {"rule x on public.client", []string{`CREATE RULE x AS ON UPDATE TO client DO ALSO INSERT INTO log (row) VALUES (to_jsonb(new))`}},
		"policy":            {"policy x on public.client", []string{`CREATE POLICY x ON client USING (to_jsonb(client) ? 'first_name')`}},
		"policy of another": {"policy x on public.page", []string{`CREATE POLICY x ON page WITH CHECK (EXISTS (SELECT FROM client c WHERE to_jsonb(c) = note))`}},
		"check":             {"constraint x on public.client", []string{`ALTER TABLE client ADD CONSTRAINT x CHECK (to_jsonb(client) ? 'first_name')`}},
		"index":             {"index public.x on public.client", []string{`CREATE FUNCTION k(c client) RETURNS jsonb IMMUTABLE LANGUAGE sql AS 'SELECT ''{}''::jsonb'`, `CREATE FUNCTION kept(c anyelement) RETURNS text IMMUTABLE LANGUAGE sql AS 'SELECT to_jsonb($1)::text'`, `CREATE INDEX x ON client (kept(client.*))`}},
		"condition":         {"condition of trigger t on public.client", []string{`CREATE FUNCTION other.x() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'`, `CREATE TRIGGER t AFTER UPDATE ON client FOR EACH ROW WHEN (to_jsonb(new) ? 'first_name') EXECUTE FUNCTION other.x()`}},

		"function":         {"function other.x()", []string{`CREATE FUNCTION other.x() RETURNS SETOF jsonb LANGUAGE sql AS 'SELECT to_jsonb(c) FROM public.client c'`}},
		"kept parsed":      {"function other.x()", []string{`CREATE FUNCTION other.x() RETURNS SETOF jsonb BEGIN ATOMIC SELECT to_jsonb(c) FROM public.client c; END`}},
		"a row's function": {"function other.x(public.client)", []string{`CREATE FUNCTION other.x(public.client) RETURNS jsonb LANGUAGE sql AS 'SELECT to_jsonb($1)'`}},
		"by name":          {"function other.x(public.client)", []string{`CREATE FUNCTION other.x(c public.client) RETURNS jsonb LANGUAGE plpgsql AS 'BEGIN RETURN to_jsonb(c); END'`}},
		"typed variable":   {"function other.x()", []string{`CREATE FUNCTION other.x() RETURNS jsonb LANGUAGE plpgsql AS 'DECLARE r client%ROWTYPE; BEGIN SELECT * INTO r FROM client; RETURN to_jsonb(r); END'`}},
		"record":           {"function other.x()", []string{`CREATE FUNCTION other.x() RETURNS jsonb LANGUAGE plpgsql AS 'DECLARE r record; BEGIN SELECT * INTO r FROM client; RETURN to_jsonb(r); END'`}},
		"loop":             {"function other.x()", []string{`CREATE FUNCTION other.x() RETURNS SETOF jsonb LANGUAGE plpgsql AS 'DECLARE r record; BEGIN FOR r IN SELECT c.* FROM client c LOOP RETURN NEXT row_to_json(r); END LOOP; END'`}},
		"cursor":           {"function other.x()", []string{`CREATE FUNCTION other.x() RETURNS jsonb LANGUAGE plpgsql AS 'DECLARE r record; c CURSOR FOR SELECT * FROM client; BEGIN OPEN c; FETCH c INTO r; RETURN to_jsonb(r); END'`}},
		"procedure":        {"procedure other.x()", []string{`CREATE PROCEDURE other.x() LANGUAGE plpgsql AS 'BEGIN INSERT INTO log (row) SELECT to_jsonb(c) FROM client c; END'`}},
		"returned":         {"function other.x()", []string{`CREATE FUNCTION other.x() RETURNS jsonb LANGUAGE sql AS 'WITH q AS (DELETE FROM client RETURNING *) SELECT jsonb_agg(q) FROM q'`}},
		"star in a body":   {"function other.x()", []string{`CREATE FUNCTION other.x() RETURNS json LANGUAGE sql AS 'SELECT json_agg(q) FROM (SELECT * FROM client) q'`}},
		"WITH in a body":   {"function other.x()", []string{`CREATE FUNCTION other.x() RETURNS json LANGUAGE sql AS 'WITH q AS (SELECT c.*, 1 FROM client c) SELECT json_agg(q) FROM q'`}},
		"constant text":    {"function other.x()", []string{`CREATE FUNCTION other.x() RETURNS jsonb LANGUAGE plpgsql AS $$ DECLARE j jsonb; BEGIN EXECUTE 'SELECT to_jsonb(c) FROM public.client c' INTO j; RETURN j; END $$`}},

		"trigger":           {"trigger t on public.client", trigger("client", `BEGIN INSERT INTO log (row) VALUES (to_jsonb(NEW)); RETURN NULL; END`)},
		"old less new":      {"trigger t on public.client", trigger("client", `DECLARE d jsonb; BEGIN d := to_jsonb(NEW) - 'note'; RETURN NULL; END`)},
		"notify":            {"trigger t on public.client", trigger("client", `BEGIN PERFORM pg_notify('x', row_to_json(OLD)::text); RETURN NULL; END`)},
		"alias of new":      {"trigger t on public.client", trigger("client", `DECLARE r record; BEGIN r := NEW; INSERT INTO log (row) VALUES (to_jsonb(r)); RETURN NULL; END`)},
		"star of new":       {"trigger t on public.client", trigger("client", `BEGIN INSERT INTO log (row) SELECT to_jsonb(q) FROM (SELECT NEW.*) q; RETURN NULL; END`)},
		"fields into new":   {"trigger t on public.client", trigger("client", `BEGIN NEW := jsonb_populate_record(NEW, NEW.note); RETURN NEW; END`)},
		"passed":            {"trigger t on public.client", trigger("client", `BEGIN INSERT INTO log (row) VALUES (any_json(NEW)); RETURN NULL; END`)},
		"passed to audit":   {"trigger t on public.client", append(trigger("client", `BEGIN PERFORM audit(NEW); RETURN NULL; END`), `CREATE FUNCTION audit(r client) RETURNS void LANGUAGE sql AS 'INSERT INTO log (row) VALUES (to_jsonb($1))'`)},
		"audit of any":      {"trigger t on public.client", append(trigger("client", `BEGIN PERFORM audit(NEW); RETURN NULL; END`), `CREATE FUNCTION audit(r record) RETURNS void LANGUAGE plpgsql AS 'BEGIN INSERT INTO log (row) VALUES (to_jsonb(r)); END'`)},
		"of a partition":    {"trigger t on public.client", append([]string{`DROP TABLE client; CREATE TABLE client (id int, first_name text) PARTITION BY LIST (id); CREATE TABLE part PARTITION OF client DEFAULT`}, trigger("client", `BEGIN INSERT INTO log (row) VALUES (to_jsonb(NEW)); RETURN NULL; END`)...)},
		"used":              {"trigger t on public.client", trigger("client", `BEGIN EXECUTE 'INSERT INTO log (row) SELECT to_jsonb($1)' USING NEW; RETURN NULL; END`)},
		"computed":          {"trigger t on public.client", trigger("client", `BEGIN EXECUTE format('INSERT INTO log (row) SELECT to_jsonb(q) FROM %I.%I q', TG_TABLE_SCHEMA, TG_TABLE_NAME); RETURN NULL; END`)},
		"table's name":      {"trigger t on public.client", trigger("client", `BEGIN INSERT INTO log (tab) VALUES (TG_TABLE_NAME); RETURN NULL; END`)},
		"in a message":      {"trigger t on public.client", trigger("client", `BEGIN RAISE NOTICE '%', tg_relname; RETURN NULL; END`)},
		"its OID":           {"trigger t on public.client", trigger("client", `BEGIN INSERT INTO log (tab) VALUES (TG_RELID::regclass::text); RETURN NULL; END`)},
		"what is unread":    {"trigger t on public.client", trigger("client", `BEGIN GARBAGE; INSERT INTO log (row) VALUES (to_jsonb(NEW)); END`)},
		"transition tables": {"trigger t on public.client", []string{`CREATE FUNCTION other.x() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO log (row) SELECT to_jsonb(n) FROM newrows n; RETURN NULL; END $$`, `CREATE TRIGGER t AFTER INSERT ON client REFERENCING NEW TABLE AS newrows FOR EACH STATEMENT EXECUTE FUNCTION other.x()`}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			found := shownIn(t, c.sql...)
			has := false
			for _, f := range found {
				has = has || strings.HasPrefix(f, c.object+": ") && strings.Contains(f, " from cutover on")
			}
			if !has {
				t.Errorf("found %q, want %s", found, c.object)
			}
		})
	}
}

func TestWhatShowsNoKeyThatChangesIsNotNamed(t *testing.T) {
	t.Parallel()
	all := []string{
		`CREATE VIEW another_table AS SELECT to_jsonb(p) FROM page p, client c`,
		`CREATE VIEW own_labels AS SELECT to_jsonb(q) FROM (SELECT id, first_name FROM client) q`,
		`CREATE VIEW kept_labels AS SELECT to_jsonb(q) FROM (SELECT * FROM client) q`,
		`CREATE VIEW one_column AS SELECT to_jsonb(c.first_name) AS a, to_jsonb(c.note) AS b FROM client c`,
		`CREATE VIEW written_out AS SELECT jsonb_build_object('first_name', c.first_name) FROM client c`,
		`CREATE VIEW as_text AS SELECT c::text, any_text(c), format('%s', c), concat(c, 'x') FROM client c`,
		`CREATE VIEW listed AS SELECT r.first_name FROM page p, jsonb_to_record(p.note) AS r(id int, first_name text)`,
		`CREATE VIEW counted AS SELECT count(c), max(c.id) FROM client c`,
		`CREATE VIEW compared AS SELECT id FROM client WHERE tableoid = 'client'::regclass OR tableoid::regclass = 'client'::regclass`,
		`CREATE VIEW other_regclass AS SELECT tableoid::regclass, 'page'::regclass::text FROM page`,
		`CREATE FUNCTION of_page(p page) RETURNS jsonb LANGUAGE sql AS 'SELECT to_jsonb(p) FROM client'`,
		`CREATE FUNCTION listed_again() RETURNS jsonb LANGUAGE sql AS 'SELECT to_jsonb(q) FROM (SELECT c.* FROM client c) AS q(a, b, c)'`,
		`CREATE FUNCTION record_of_page() RETURNS jsonb LANGUAGE plpgsql AS 'DECLARE r record; BEGIN SELECT * INTO r FROM page; PERFORM FROM client; RETURN to_jsonb(r); END'`,
		`CREATE FUNCTION only_text(c client) RETURNS jsonb LANGUAGE plpgsql AS $$ BEGIN RETURN to_jsonb(c::text); END $$`,
		`CREATE FUNCTION no_trigger() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO log VALUES ('x', TG_TABLE_NAME, to_jsonb(NEW)); RETURN NULL; END $$`,
		`CREATE FUNCTION on_page() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO log VALUES ('x', TG_TABLE_NAME, to_jsonb(NEW)); RETURN NULL; END $$`,
		`CREATE TRIGGER t AFTER UPDATE ON page FOR EACH ROW EXECUTE FUNCTION on_page()`,
		`CREATE FUNCTION on_client() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN -- to_jsonb(NEW), TG_TABLE_NAME
			INSERT INTO log VALUES (format('%s', NEW), NEW::text, to_jsonb(NEW.id)); INSERT INTO log SELECT 'TG_TABLE_NAME', tg_table_schema, NEW.note; RETURN NULL; END $$`,
		`CREATE TRIGGER t AFTER UPDATE ON client FOR EACH ROW WHEN (old.* IS DISTINCT FROM new.*) EXECUTE FUNCTION on_client()`,
	}
	if found := shownIn(t, all...); len(found) > 0 {
		t.Errorf("found %s", strings.Join(found, "\n"))
	}
}

// TestWhatIsNamedIsWhatTheServerShowsOtherwise compares what is found of views and of bodies kept as text with what they
// put out before and after the DDL.
func TestWhatIsNamedIsWhatTheServerShowsOtherwise(t *testing.T) {
	t.Parallel()
	queries := []string{
		`SELECT to_jsonb(c) FROM client c`,
		`SELECT to_jsonb(c) FROM client c (a, b)`,
		`SELECT row_to_json(c.*) FROM client c JOIN page USING (id)`,
		`SELECT row_to_json(ROW(c.*)) FROM client c`,
		`SELECT row_to_json(ROW(c.first_name, c.id)) FROM client c`,
		`SELECT to_json(ARRAY[c, c]) FROM client c`,
		`SELECT array_to_json(ARRAY(SELECT c FROM client c))`,
		`SELECT json_object_agg(c.id, c) FROM client c`,
		`SELECT json_object_agg(c.id, c.first_name) FROM client c`,
		`SELECT jsonb_agg(q) FROM (TABLE client) q`,
		`SELECT jsonb_agg(q) FROM (SELECT c.* FROM client c) q`,
		`SELECT jsonb_agg(q) FROM (SELECT * FROM client) AS q (a, b)`,
		`SELECT jsonb_agg(q) FROM (SELECT id, note FROM client) AS q`,
		`SELECT jsonb_agg(q) FROM (SELECT * FROM page) AS q, client`,
		`SELECT jsonb_agg(q.id) FROM (SELECT * FROM client) AS q`,
		`WITH q AS (SELECT * FROM client) SELECT to_jsonb(q) FROM q`,
		`WITH q (a, b, c) AS (SELECT * FROM client) SELECT to_jsonb(q) FROM q`,
		`WITH q AS (SELECT c FROM client c) SELECT to_jsonb(q) FROM q`,
		`WITH q AS (SELECT c FROM client c) SELECT to_jsonb((q.c).id) FROM q`,
		`SELECT to_jsonb(q) FROM (SELECT * FROM (SELECT * FROM client) p) q`,
		`SELECT to_jsonb(q) FROM (SELECT * FROM client UNION ALL SELECT * FROM client) q`,
		`SELECT to_jsonb(q) FROM (SELECT id, note FROM client UNION ALL SELECT id, note FROM client) q`,
		`SELECT to_jsonb(coalesce(c, c)) FROM client c`,
		`SELECT to_jsonb(CASE WHEN c.id > 0 THEN c END) FROM client c`,
		`SELECT to_jsonb(first_value(c) OVER ()) FROM client c`,
		`SELECT to_jsonb(count(c)) FROM client c`,
		`SELECT to_jsonb(c = c) FROM client c`,
		`SELECT to_jsonb(c::text) FROM client c`,
		`SELECT format('%s %s', c, c.id) FROM client c`,
		`SELECT to_jsonb(u) FROM unnest(ARRAY(SELECT c FROM client c)) AS u`,
		`SELECT to_jsonb(l) FROM page p, LATERAL (SELECT c.* FROM client c) l`,
		`SELECT to_jsonb(p) FROM page p LEFT JOIN client c ON c.id = p.id`,
		`SELECT to_jsonb(j) FROM (SELECT c.note, p.* FROM client c, page p) j`,
		`SELECT any_json(c) FROM client c`,
		`SELECT any_json(p) FROM client c, page p`,
		`SELECT any_text(c) FROM client c`,
		`SELECT through(c) FROM client c`,
		`SELECT typed(c) FROM client c`,
		`SELECT typed(p) FROM page p`,
		`SELECT only_id(c) FROM client c`,
		`SELECT all_json() FROM page`,
		`SELECT c.typed FROM client c`,
		`SELECT c.any_json FROM client c`,
		`SELECT c.to_jsonb FROM client c`,
		`SELECT to_jsonb(f) FROM rows_of() f`,
		`SELECT to_jsonb(f.note) FROM rows_of() f`,
		`SELECT * FROM jsonb_populate_record(NULL::page, '{"id": 1, "first_name": "y"}')`,
		`SELECT (jsonb_populate_record(NULL::client, '{"id": 1, "first_name": "y"}'))::text`,
		`SELECT r.* FROM jsonb_to_record('{"id": 1, "first_name": "y"}') AS r (id int, first_name text)`,
		`SELECT r::text FROM jsonb_to_record('{"id": 1, "c": {"first_name": "y"}}') AS r (id int, c client)`,
		`SELECT query_to_xml('SELECT * FROM public.client', true, false, '')::text`,
		`SELECT query_to_xml('SELECT * FROM public.page', true, false, '')::text`,
		`SELECT table_to_xml('public.client', true, false, '')::text`,
		`SELECT hstore(c)::text FROM client c`,
		`SELECT (c #= hstore('first_name', 'z'))::text FROM client c`,
		`SELECT hstore(p)::text FROM page p`,
		`SELECT to_jsonb(h) FROM holder h`,
		`SELECT to_jsonb(h.id) FROM holder h`,
		`SELECT to_jsonb(e) FROM heir e`,
	}
	url := pgtest.Database(t)
	pgtest.Exec(t, url, `CREATE EXTENSION hstore`, clientShop, `
		CREATE FUNCTION through(r anyelement) RETURNS jsonb LANGUAGE plpgsql AS $$ BEGIN RETURN any_json(r); END $$;
		CREATE FUNCTION typed(r client) RETURNS jsonb LANGUAGE sql AS 'SELECT to_jsonb(r)';
		CREATE FUNCTION typed(r page) RETURNS jsonb LANGUAGE sql AS 'SELECT to_jsonb(r)';
		CREATE FUNCTION only_id(r client) RETURNS jsonb LANGUAGE sql AS 'SELECT to_jsonb($1.id)';
		CREATE FUNCTION rows_of() RETURNS SETOF client LANGUAGE sql AS 'SELECT * FROM client';
		CREATE FUNCTION all_json() RETURNS jsonb LANGUAGE plpgsql AS $$ DECLARE r record; BEGIN FOR r IN EXECUTE 'SELECT * FROM client' LOOP RETURN to_jsonb(r); END LOOP; END $$;
		CREATE TABLE holder (id int, held client);
		CREATE TABLE heir (more int) INHERITS (client);
		INSERT INTO client VALUES (1, 'x', '{}');
		INSERT INTO page VALUES (1, 'x', 'y', '{}');
		INSERT INTO holder VALUES (1, ROW(1, 'x', '{}'));
		INSERT INTO heir VALUES (2, 'x', '{}', 3);`)
	shows := map[string]string{} // the query whose output an object shows
	for i, q := range queries {
		for kind, create := range map[string]string{
			"view":     fmt.Sprintf(`CREATE VIEW v%d AS SELECT q::text AS x FROM (%s) q`, i, q),
			"function": fmt.Sprintf(`CREATE FUNCTION f%d() RETURNS SETOF text LANGUAGE sql AS $q$ SELECT q::text FROM (%s) q $q$`, i, q),
			"block":    fmt.Sprintf(`CREATE FUNCTION b%d() RETURNS SETOF text LANGUAGE plpgsql AS $q$ DECLARE got record; BEGIN FOR got IN %s LOOP RETURN NEXT got::text; END LOOP; END $q$`, i, q),
		} {
			pgtest.Exec(t, url, create)
			object := map[string]string{"view": "view public.v%d", "function": "function public.f%d()", "block": "function public.b%d()"}[kind]
			from := map[string]string{"view": "SELECT string_agg(x, ';' ORDER BY x) FROM v%d", "function": "SELECT string_agg(f, ';' ORDER BY f) FROM f%d() f", "block": "SELECT string_agg(f, ';' ORDER BY f) FROM b%d() f"}[kind]
			shows[fmt.Sprintf(object, i)] = fmt.Sprintf(from, i)
		}
	}
	conn := pgtest.Connect(t, url)
	outputs := func() map[string]string {
		out := map[string]string{}
		for object, q := range shows {
			var text *string
			if err := conn.QueryRow(t.Context(), q).Scan(&text); err != nil {
				out[object] = "fails" // it names what is gone, which is another finding
			}
			if text != nil {
				out[object] = *text
			}
		}
		return out
	}
	before := outputs()
	c := &trial{t: t, url: url, file: strings.Replace(clients, "  - rename_table: { from: public.client, to: customer }\n", "", 1)}
	named := map[string]bool{}
	for _, f := range c.found(ShownNames) {
		named[f.Object] = true
	}
	if _, err := conn.Exec(t.Context(), `ALTER TABLE client RENAME first_name TO given_name`); err != nil {
		t.Fatal(err)
	}
	for object, text := range outputs() {
		if before[object] == "" || before[object] == "fails" {
			t.Errorf("%s puts out %q", object, before[object])
		}
		if text == "fails" {
			continue
		}
		i, _ := strconv.Atoi(strings.Trim(object, "viewfunctopbl. ()"))
		if changed := text != before[object]; changed != named[object] {
			t.Errorf("%s, %s: named %v, but it puts out %q and then %q", object, queries[i], named[object], before[object], text)
		}
	}
}
