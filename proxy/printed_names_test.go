package proxy

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/seguedb/segue/internal/pgtest"
	"github.com/seguedb/segue/rewrite"
	"github.com/seguedb/segue/rules"
	"github.com/seguedb/segue/store"
)

// twoNames is a schema in which {T} and {c} are names of a version, and {O} and {oc} those that the database has for them.
const twoNames = `CREATE TABLE {T} (id int PRIMARY KEY, {c} text NOT NULL CHECK ({c} <> ''));
	INSERT INTO {T} VALUES (1, 'Ada');
	CREATE INDEX by_c ON {T} ({c});
	CREATE TABLE ref (id int, of int CONSTRAINT ref_of REFERENCES {T});
	CREATE STATISTICS stat ON id, {c} FROM {T};
	CREATE VIEW seen AS SELECT t.id, t.{c} AS c FROM {T} t;
	CREATE RULE r AS ON UPDATE TO ref DO ALSO SELECT {c} AS c FROM {T};
	CREATE FUNCTION f({T}) RETURNS text LANGUAGE sql AS 'SELECT 1::text';
	CREATE TRIGGER tr BEFORE UPDATE ON {T} FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger();
	CREATE SCHEMA side; CREATE SCHEMA late`

// twoPhases are those in which a version has other names than the database.
var twoPhases = []struct {
	name, version              string
	phase                      rules.Phase
	table, theirs, column, its string
}{
	{"new before cutover", "surname", rules.Active, "person", "individual", "surname", "last_name"},
	{"old after cutover", rules.Base, rules.Cutover, "individual", "person", "last_name", "surname"},
}

// asInTheVersionsDatabase plays each script in a database that has a version's names, without a proxy, and as that version in one that
// has others. All that is heard is to be the same, notices included.
func asInTheVersionsDatabase(t *testing.T, scripts map[string][]string) {
	t.Helper()
	for _, phase := range twoPhases {
		for name, script := range scripts {
			t.Run(phase.name+"/"+name, func(t *testing.T) {
				t.Parallel()
				mine := strings.NewReplacer("{T}", phase.table, "{O}", phase.theirs, "{c}", phase.column, "{oc}", phase.its)
				server, p := pgtest.Database(t), openProxy(t)
				pgtest.Exec(t, server, mine.Replace(twoNames))
				p.run(strings.NewReplacer("{T}", phase.theirs, "{c}", phase.its).Replace(twoNames))
				p.storeNames(migration(t, 1, phase.phase, shelfRules))
				through := p.url + "&segue.version=" + phase.version
				want, got := listen(t, server), listen(t, through)
				for _, sql := range script {
					sql = mine.Replace(sql)
					if w, g := want(sql), got(sql); w != g {
						t.Errorf("%s\n- %s\n+ %s", sql, w, g)
					}
				}
			})
		}
	}
}

// storeNames opens a migration, with the names that the catalogs show stored.
func (r *running) storeNames(m *rules.Migration) {
	r.t.Helper()
	conn := pgtest.Connect(r.t, r.direct)
	if err := store.Install(context.Background(), conn); err != nil {
		r.t.Fatal(err)
	}
	snap := r.snapshot(1, m)
	var err error
	if snap.StoredNames, err = store.StoreNames(context.Background(), conn, rewrite.NameMaps(snap)); err != nil {
		r.t.Fatal(err)
	}
	r.Open(snap)
}

// listen opens a session, and returns what tells all that is heard of a statement. Names that are printed are texts there.
func listen(t *testing.T, url string) func(sql string) string {
	t.Helper()
	cfg, err := pgx.ParseConfig(url)
	if err != nil {
		t.Fatal(err)
	}
	var heard []string
	cfg.OnNotice = func(_ *pgconn.PgConn, n *pgconn.Notice) {
		heard = append(heard, fmt.Sprintf("%s %s: %s (%s) (%s)", n.Severity, n.Code, n.Message, n.Detail, n.Hint))
	}
	conn, err := pgx.ConnectConfig(context.Background(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(context.Background()) })
	asText := strings.NewReplacer(":2205 ", ":25 ", ":2206 ", ":25 ", ":2202 ", ":25 ", ":2210 ", ":1009 ")
	return func(sql string) string {
		heard = nil
		results, err := conn.PgConn().Exec(context.Background(), sql).ReadAll()
		for _, r := range results {
			heard = append(heard, asText.Replace(shown(r)))
		}
		if e := (*pgconn.PgError)(nil); errors.As(err, &e) {
			heard = append(heard, fmt.Sprintf("%s: %s (%s) (%s) at %d", e.Code, e.Message, e.Detail, e.Hint, e.Position))
		} else if err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
		return strings.Join(heard, "\n")
	}
}

// TestWhatIsPrintedHasItsSchemaWhereTheVersionNeedsIt has other relations take the names of a version and of the database.
func TestWhatIsPrintedHasItsSchemaWhereTheVersionNeedsIt(t *testing.T) {
	t.Parallel()
	asInTheVersionsDatabase(t, printedScripts)
}

var printedScripts = map[string][]string{
	"a temporary table of the version's name": {
		"CREATE TEMP TABLE {T} (n int)",
		"SELECT 'public.{T}'::regclass, '{T}'::regclass::text, 'pg_temp.{T}'::regclass, 'public.{T}'::regtype, '{T}'::regtype, 'f(public.{T})'::regprocedure, to_regclass('{T}'), to_regclass('public.{T}')::text",
		"SELECT relname, oid::regclass, pg_table_is_visible(oid) FROM pg_class WHERE relname IN ('{T}', '{O}') ORDER BY 2",
		"SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = 'ref_of'",
		"SELECT pg_get_statisticsobjdef(oid) FROM pg_statistic_ext",
		"SELECT conrelid::regclass, confrelid::regclass FROM pg_constraint WHERE conname = 'ref_of'",
		"SELECT pg_get_indexdef('by_c'::regclass), pg_get_indexdef('by_c'::regclass, 0, true)",
		"SELECT pg_get_viewdef('seen'::regclass)",
		"SELECT pg_get_triggerdef(oid), pg_get_triggerdef(oid, true) FROM pg_trigger WHERE tgname = 'tr'",
		"SELECT format_type('public.{T}'::regtype, NULL), pg_typeof(t) FROM public.{T} t",
		"SELECT format('%s', 'public.{T}'::regclass), 'public.{T}'::regclass || 'x', concat('public.{T}'::regclass), to_json('public.{T}'::regclass)",
		"SELECT oid::regprocedure FROM pg_proc WHERE proname = 'f'",
		"SELECT pg_get_function_arguments(oid) FROM pg_proc WHERE proname = 'f'",
		"SELECT tableoid::regclass, * FROM public.{T}",
		"SELECT pg_describe_object('pg_class'::regclass, 'public.{T}'::regclass, 0), pg_describe_object('pg_class'::regclass, 'public.{T}'::regclass, 2), pg_describe_object('pg_class'::regclass, '{T}'::regclass, 0)",
		"SELECT pg_get_ruledef(oid) FROM pg_rewrite WHERE rulename = 'r'",
		"SELECT array['public.{T}'::regclass, '{T}'::regclass]",
		"DROP TABLE {T}",
		"SELECT 'public.{T}'::regclass, 'f({T})'::regprocedure",
	},
	"a temporary table of the database's name": {
		"CREATE TEMP TABLE {O} (n int)",
		"SELECT 'public.{T}'::regclass, '{T}'::regclass::text, 'pg_temp.{O}'::regclass, '{O}'::regclass, 'public.{T}'::regtype, '{T}'::regtype, '{O}'::regtype, 'f(public.{T})'::regprocedure, to_regclass('{T}'), to_regclass('public.{O}')::text",
		"SELECT relname, oid::regclass, pg_table_is_visible(oid) FROM pg_class WHERE relname IN ('{T}', '{O}') ORDER BY 2",
		"SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = 'ref_of'",
		"SELECT pg_get_statisticsobjdef(oid) FROM pg_statistic_ext",
		"SELECT conrelid::regclass, confrelid::regclass FROM pg_constraint WHERE conname = 'ref_of'",
		"SELECT pg_get_indexdef('by_c'::regclass), pg_get_indexdef('by_c'::regclass, 0, true)",
		"SELECT pg_get_viewdef('seen'::regclass)",
		"SELECT pg_get_triggerdef(oid), pg_get_triggerdef(oid, true) FROM pg_trigger WHERE tgname = 'tr'",
		"SELECT format_type('public.{T}'::regtype, NULL), pg_typeof(t) FROM public.{T} t",
		"SELECT format('%s', 'public.{T}'::regclass), 'public.{T}'::regclass || 'x', concat('public.{T}'::regclass), to_json('public.{T}'::regclass)",
		"SELECT oid::regprocedure FROM pg_proc WHERE proname = 'f'",
		"SELECT pg_get_function_arguments(oid) FROM pg_proc WHERE proname = 'f'",
		"SELECT tableoid::regclass, * FROM public.{T}",
		"SELECT pg_describe_object('pg_class'::regclass, 'public.{T}'::regclass, 0), pg_describe_object('pg_class'::regclass, '{O}'::regclass, 0)",
		"SELECT pg_get_ruledef(oid) FROM pg_rewrite WHERE rulename = 'r'",
	},
	"a schema before with the version's name": {
		"CREATE TABLE side.{T} (n int)",
		"SET search_path = side, public",
		"SELECT 'public.{T}'::regclass, '{T}'::regclass::text, 'side.{T}'::regclass, 'public.{T}'::regtype, '{T}'::regtype, 'f(public.{T})'::regprocedure",
		"SELECT relname, relnamespace::regnamespace, oid::regclass, pg_table_is_visible(oid) FROM pg_class WHERE relname IN ('{T}', '{O}') ORDER BY 2",
		"SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = 'ref_of'",
		"SELECT pg_get_statisticsobjdef(oid) FROM pg_statistic_ext",
		"SELECT pg_get_indexdef('by_c'::regclass, 0, true)",
		"SELECT pg_get_triggerdef(oid, true) FROM pg_trigger WHERE tgname = 'tr'",
		"SELECT pg_get_viewdef('seen'::regclass)",
		"SELECT typname, pg_type_is_visible(oid), format_type(oid, NULL) FROM pg_type WHERE typname IN ('{T}', '_{T}', '{O}') ORDER BY 3",
		"SELECT pg_get_function_arguments(oid), oid::regprocedure FROM pg_proc WHERE proname = 'f'",
		"SELECT pg_get_ruledef(oid) FROM pg_rewrite WHERE rulename = 'r'",
	},
	"a schema before with the database's name": {
		"CREATE TABLE side.{O} (n int)",
		"SET search_path = side, public",
		"SELECT 'public.{T}'::regclass, '{T}'::regclass::text, 'side.{O}'::regclass, '{O}'::regclass::text, 'public.{T}'::regtype, '{O}'::regtype, 'f(public.{T})'::regprocedure",
		"SELECT relname, relnamespace::regnamespace, oid::regclass, pg_table_is_visible(oid) FROM pg_class WHERE relname IN ('{T}', '{O}') ORDER BY 2",
		"SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = 'ref_of'",
		"SELECT pg_get_statisticsobjdef(oid) FROM pg_statistic_ext",
		"SELECT pg_get_indexdef('by_c'::regclass, 0, true)",
		"SELECT pg_get_triggerdef(oid, true) FROM pg_trigger WHERE tgname = 'tr'",
		"SELECT pg_get_viewdef('seen'::regclass)",
		"SELECT typname, pg_type_is_visible(oid), format_type(oid, NULL) FROM pg_type WHERE typname IN ('{T}', '_{T}', '{O}') ORDER BY 3",
		"SELECT pg_get_function_arguments(oid), oid::regprocedure FROM pg_proc WHERE proname = 'f'",
		"SELECT pg_get_ruledef(oid) FROM pg_rewrite WHERE rulename = 'r'",
	},
	"a schema behind with both names": {
		"CREATE TABLE late.{T} (id int PRIMARY KEY); CREATE TABLE late.{O} (id int PRIMARY KEY); CREATE TABLE late.rr (a int REFERENCES late.{T}, b int REFERENCES late.{O})",
		"SET search_path = public, late",
		"SELECT 'public.{T}'::regclass, '{T}'::regclass::text, 'late.{O}'::regclass, '{O}'::regclass::text, 'late.{T}'::regclass, 'public.{T}'::regtype",
		"SELECT relname, relnamespace::regnamespace, oid::regclass, pg_table_is_visible(oid) FROM pg_class WHERE relname IN ('{T}', '{O}') ORDER BY 1,2",
		"SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = 'rr'::regclass ORDER BY 1",
		"SELECT typname, pg_type_is_visible(oid), format_type(oid, NULL) FROM pg_type WHERE typname IN ('{T}', '_{T}', '{O}') ORDER BY 3",
		"SELECT oid::regclass FROM pg_class WHERE relname = '{O}'",
	},
	"empty path": {
		"SET search_path = ''",
		"SELECT 'public.{T}'::regclass, 'public.{T}'::regtype, 'public.f(public.{T})'::regprocedure",
		"SELECT relname, oid::regclass, pg_table_is_visible(oid) FROM pg_class WHERE relname IN ('{T}', '{O}') ORDER BY 2",
		"SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = 'ref_of'",
		"SELECT pg_get_statisticsobjdef(oid) FROM pg_statistic_ext",
		"SELECT pg_get_viewdef('public.seen'::regclass)",
	},
	"all in quotes": {
		"SET quote_all_identifiers = on",
		"SELECT 'public.{T}'::regclass, 'public.{T}'::regtype, 'f(public.{T})'::regprocedure",
		"SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid IN ('ref'::regclass, '{T}'::regclass) ORDER BY 1",
		"SELECT pg_get_indexdef('by_c'::regclass), pg_get_indexdef('by_c'::regclass, 0, true)",
		"SELECT pg_get_viewdef('seen'::regclass)",
		"SELECT pg_get_ruledef(oid) FROM pg_rewrite WHERE rulename = 'r'",
		"SELECT pg_get_triggerdef(oid), pg_get_triggerdef(oid, true) FROM pg_trigger WHERE tgname = 'tr'",
		"SELECT pg_get_function_arguments(oid), pg_get_functiondef(oid), oid::regprocedure FROM pg_proc WHERE proname = 'f'",
		"SELECT definition FROM pg_views WHERE viewname = 'seen'",
		"SELECT indexdef FROM pg_indexes WHERE indexname = 'by_c'",
		"SELECT format_type('{T}'::regtype, NULL)",
		"SELECT view_definition FROM information_schema.views WHERE table_name = 'seen'",
	},
}

// TestWhatIsPrintedMeansTheSame reads what was printed, also where no names are stored, so that not all that needs no schema has none.
func TestWhatIsPrintedMeansTheSame(t *testing.T) {
	t.Parallel()
	for name, script := range printedScripts {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := openProxy(t)
			p.run(strings.NewReplacer("{T}", "individual", "{c}", "last_name").Replace(twoNames))
			p.Open(p.snapshot(1, migration(t, 1, rules.Active, shelfRules)))
			hear := listen(t, p.url+"&segue.version=surname")
			for _, sql := range script {
				hear(strings.NewReplacer("{T}", "person", "{O}", "individual", "{c}", "surname", "{oc}", "last_name").Replace(sql))
			}
			const look = "SELECT relname, nspname FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace WHERE relname IN ('person', 'individual')"
			if got := hear(look + " AND pg_table_is_visible(c.oid)"); !strings.Contains(got, "person") {
				if !strings.Contains(got, "SELECT 0") || name != "empty path" {
					t.Errorf("what is found is %s", got)
				}
			}
			for _, same := range []string{"c.oid::regclass::text::regclass", "(SELECT typrelid FROM pg_type t WHERE t.oid = c.reltype::regtype::text::regtype)"} {
				if got := hear(look + " AND c.oid <> " + same); !strings.HasSuffix(got, "SELECT 0") {
					t.Errorf("%s is another:\n%s", same, got)
				}
			}
		})
	}
}
