package rewrite

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seguedb/segue/internal/pgtest"
	"github.com/seguedb/segue/rewrite/syntax"
)

// TestANameIsLookedUpWhereTheSessionFindsIt has sessions with other search_paths look up the same spellings.
func TestANameIsLookedUpWhereTheSessionFindsIt(t *testing.T) {
	t.Parallel()
	const beside = `; CREATE TABLE other.person (); CREATE TABLE other."order" ()`
	direct, renamed := pgtest.Database(t), pgtest.Database(t)
	pgtest.Exec(t, direct, introspectionSchema+beside)
	pgtest.Exec(t, renamed, introspectionSchema+beside, introspectionRenames)
	var spellings []string
	for _, s := range []string{
		"individual", "INDIVIDUAL", `"individual"`, `"Individual"`, "public.individual", `PUBLIC."individual"`, `"public".individual`, `Public.Individual`,
		"person", `"person"`, "public.person", `"public"."person"`, "other.person", "other.individual", `other."individual"`,
		`"LineItem"`, "LineItem", `public."LineItem"`, "public.lineitem", `"order"`, `public."order"`, `other."order"`, `"public.individual"`, "nobody", "public.nobody",
	} {
		spellings = append(spellings, "("+syntax.QuoteLiteral(s)+")", "("+syntax.QuoteLiteral(s+"[]")+")")
	}
	names := "(VALUES " + strings.Join(spellings, ", ") + ") AS v (n)"
	for _, way := range waysToNames {
		for _, path := range []string{"public", "other, public", "public, other", "other", "pg_catalog"} {
			d, plain := introspect(t, renamed), &introspected{conn: pgtest.Connect(t, direct)}
			d.stored, d.plain = way.stored, way.plain
			for _, conn := range []*introspected{d, plain} {
				conn.ask(t, "SET search_path = "+path)
			}
			d.as(t, "base")
			for _, sql := range []string{
				"SELECT n, (SELECT relnamespace::regnamespace::text || relkind FROM pg_class WHERE n !~ '[[]' AND oid = to_regclass(CASE WHEN n ~ '[[]' THEN 'none' ELSE n END)) FROM " + names,
				"SELECT n, (SELECT typnamespace::regnamespace::text || typtype || typcategory FROM pg_type WHERE oid = to_regtype(n)) FROM " + names,
				"SELECT n, (SELECT relnamespace::regnamespace::text FROM pg_class WHERE oid = n::regclass) FROM " + names + " WHERE n = 'public.individual'",
				"SELECT n, n::regtype = 'public.individual'::regtype FROM " + names + " WHERE n IN ('public.individual', 'pg_catalog.int4')",
			} {
				got, text := d.askAs(t, sql)
				if diff := cmp.Diff(plain.ask(t, sql), got); diff != "" {
					t.Errorf("path %s, %s: %s\n=> %.3000s\n(-direct +through):\n%s", path, way.name, sql, text.SQL, diff)
				}
			}
		}
	}
}
