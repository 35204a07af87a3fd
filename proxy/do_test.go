package proxy

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/seguedb/segue/proxy/wire"
	"github.com/seguedb/segue/rules"
)

// notice is a DO block that says what an expression is.
func notice(declare, expression string) string {
	return "DO $$ DECLARE " + declare + " BEGIN RAISE NOTICE '%', " + expression + "; END $$"
}

// doScripts are DO blocks that read the system catalogs.
var doScripts = map[string]script{
	"guards": inTurn(
		"DO $$ BEGIN IF NOT EXISTS (SELECT 1 FROM information_schema.columns WHERE table_name = 'individual' AND column_name = 'last_name') THEN RAISE EXCEPTION 'not seen'; END IF; END $$",
		"DO $$ BEGIN IF EXISTS (SELECT 1 FROM information_schema.columns WHERE table_name = 'individual' AND column_name = 'surname') THEN RAISE EXCEPTION 'seen'; END IF; END $$",
		"DO $$ BEGIN IF EXISTS (SELECT 1 FROM information_schema.tables WHERE table_name = 'person') THEN RAISE EXCEPTION 'seen'; END IF; END $$",
		"DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_attribute WHERE attrelid = 'individual'::regclass AND attname = 'last_name') THEN RAISE EXCEPTION 'not seen'; END IF; END $$",
		"DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_tables WHERE tablename = 'individual') THEN RAISE EXCEPTION 'not seen'; END IF; END $$",
		"DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_indexes WHERE tablename = 'individual' AND indexdef LIKE '%(id)') THEN RAISE EXCEPTION 'not seen'; END IF; END $$",
		"DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_constraint WHERE conrelid = 'individual'::regclass AND pg_get_constraintdef(oid) LIKE '%weight%') THEN RAISE EXCEPTION 'not seen'; END IF; END $$",
		"DO $$ BEGIN IF to_regclass('individual') IS NULL OR to_regclass('nope') IS NOT NULL THEN RAISE EXCEPTION 'not seen'; END IF; END $$",
		"DO $$ BEGIN IF NOT EXISTS (SELECT FROM information_schema.columns WHERE table_name = 'individual' AND column_name = 'lane') THEN ALTER TABLE individual ADD COLUMN lane int; END IF; END $$",
		"DO $$ BEGIN IF NOT EXISTS (SELECT FROM information_schema.columns WHERE table_name = 'individual' AND column_name = 'lane') THEN ALTER TABLE individual ADD COLUMN lane int; END IF; END $$",
		"DO $$ BEGIN PERFORM FROM pg_class WHERE relname = 'individual'; IF NOT FOUND THEN RAISE EXCEPTION 'not seen'; END IF; END $$; SELECT lane, last_name FROM individual WHERE id = 1",
		"DO LANGUAGE plpgsql 'BEGIN IF NOT EXISTS (SELECT FROM information_schema.columns WHERE column_name = ''last_name'') THEN RAISE EXCEPTION ''not seen''; END IF; END'",
		"DO $$ BEGIN IF (SELECT count(*) FROM information_schema.columns WHERE table_name = 'individual') <> 4 THEN RAISE EXCEPTION 'other columns'; END IF; END $$",
		"DO $$ BEGIN EXECUTE 'CREATE TABLE kept AS SELECT table_name::text FROM information_schema.tables WHERE table_name IN (''individual'', ''person'')'; END $$; SELECT * FROM kept",
	),
	"names from the catalogs": inTurn(
		"DO $$ DECLARE r record; BEGIN FOR r IN SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'public' ORDER BY 1, 2 LOOP RAISE NOTICE '% %', r.table_name, r.column_name; END LOOP; END $$",
		"DO $$ DECLARE r record; names text := ''; BEGIN FOR r IN SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace ORDER BY 1 LOOP names := names || r.relname || ','; END LOOP; RAISE NOTICE '%', names; END $$",
		"DO $$ DECLARE name text; BEGIN SELECT attname INTO STRICT name FROM pg_attribute WHERE attrelid = 'public.individual'::regclass AND attnum = 2; RAISE NOTICE '%', name; INSERT INTO depot VALUES (2, name); END $$; SELECT * FROM depot WHERE id = 2",
		"DO $$ DECLARE relname text := 'individual'; n int; BEGIN SELECT count(*) INTO n FROM pg_class c WHERE c.relname = 'individual'; RAISE NOTICE '%', n; END $$",
		notice("r regclass := 'individual';", "r = 'individual'::regclass"),
		notice("", "'individual'::regclass"),
		notice("", "(SELECT string_agg(column_name, ',' ORDER BY column_name) FROM information_schema.columns WHERE table_name = 'individual')"),
		notice("", "pg_get_constraintdef((SELECT oid FROM pg_constraint WHERE conname = 'weight_ck'))"),
		notice("n text := 'individual';", "(SELECT count(*) FROM information_schema.tables WHERE table_name = n)"),
		notice("n text := 'individual';", "n::regclass::oid = 'individual'::regclass"),
		"DO $$ DECLARE c CURSOR FOR SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1; BEGIN FOR r IN c LOOP RAISE NOTICE '%', r.tablename; END LOOP; END $$",
	),
	"variables that have names of ours": inTurn(
		"DO $$ DECLARE t record; l text; u int; q text; r record; c int; d int; n text; BEGIN FOR t IN SELECT c.relname, a.attname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid WHERE c.relname = 'individual' AND a.attnum > 0 ORDER BY a.attnum LOOP RAISE NOTICE '% %', t.relname, t.attname; END LOOP; END $$",
		"DO $$ DECLARE t record; BEGIN FOR t IN SELECT table_name, column_name FROM information_schema.columns WHERE table_name = 'individual' ORDER BY 2 LOOP RAISE NOTICE '% %', t.table_name, t.column_name; END LOOP; END $$",
		"DO $$ DECLARE t record; BEGIN FOR t IN SELECT tablename, indexname FROM pg_indexes WHERE tablename = 'individual' ORDER BY 2 LOOP RAISE NOTICE '% %', t.tablename, t.indexname; END LOOP; END $$",
	),
	"a function that is made in a block": inTurn(
		"DO $x$ BEGIN IF NOT EXISTS (SELECT FROM pg_proc WHERE proname = 'f') THEN CREATE FUNCTION f() RETURNS text LANGUAGE sql AS $$ SELECT max(last_name) FROM individual $$; END IF; END $x$; SELECT f()",
	),
}

// TestWhatRunsOnceSeesTheCatalogsOfItsVersion plays the scripts as the old version before and after both renames.
func TestWhatRunsOnceSeesTheCatalogsOfItsVersion(t *testing.T) {
	t.Parallel()
	for name, s := range doScripts {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := openProxy(t, unread)
			p.run(yard, "ALTER TABLE individual RENAME last_name TO surname", "ALTER TABLE individual RENAME TO person")
			p.Open(p.snapshot(1, migration(t, 1, rules.Cutover, surname+"  - rename_table: { from: public.individual, to: person }\n")))
			want := s.directly(t, yard)
			got := s.play(t, p.addr, p.database, wire.Parameter{Name: "segue.version", Value: rules.Base})
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("the client sees (-before +after):\n%s", diff)
			}
		})
	}
}

func TestATextThatIsComputedFromTheCatalogsIsRefused(t *testing.T) {
	t.Parallel()
	p := openProxy(t)
	p.run(yard, "ALTER TABLE individual RENAME last_name TO surname", "ALTER TABLE individual RENAME TO person")
	p.Open(p.snapshot(1, migration(t, 1, rules.Cutover, surname+"  - rename_table: { from: public.individual, to: person }\n")))
	conn := pinnedTo(t, p, rules.Base)
	for sql, code := range map[string]string{
		"DO $$ DECLARE r record; BEGIN FOR r IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' LOOP EXECUTE 'ANALYZE ' || r.tablename; END LOOP; END $$":                     "0A000",
		"DO $$ DECLARE s text; BEGIN SELECT 'DELETE FROM ' || relname INTO s FROM pg_class WHERE relname LIKE 'indiv%' AND relkind = 'r'; EXECUTE s; END $$":                              "0A000",
		"DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'nobody at all') THEN EXECUTE 'CREATE TABLE ' || 'kept (a int)'; END IF; END $$":                                 "",
		"DO $$ DECLARE r record; BEGIN FOR r IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' LOOP PERFORM pg_total_relation_size(r.tablename::regclass); END LOOP; END $$": "",
	} {
		_, err := conn.Exec(t.Context(), sql)
		var refused *pgconn.PgError
		if errors.As(err, &refused) != (code != "") || code != "" && (refused.Code != code || !strings.Contains(refused.Message, "executes a text that it computes")) {
			t.Errorf("%s: %v, want %q", sql, err, code)
		}
	}
}
