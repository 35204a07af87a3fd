package rewrite

import (
	"errors"
	"fmt"
	"sort"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// Each row is put into each place, and into places within places: whatever comes of it is what comes of it in the
// client's own database, or a refusal.

// rowSources are expressions that hold a row, or an array of rows, over rowSourcesFrom.
var rowSources = []string{
	`p`, `p.*`, `q`, `(p)`, `s.r`, `(s).r`, `a.who`, `(a).who`, `c`, `c.a`, `(c).b`, `coalesce(q, p)`, `whois(p.{id})`, `x`, `NULL::{person}`, `j`,
	`CASE WHEN p.{id} > 1 THEN p END`, `(SELECT z FROM {person} z WHERE z.{id} = p.parent)`, `(ARRAY[q, p])[2]`, `u.m[1]`, `k`, `(k).boss`, `s`, `one()`, `a`,
	`u.m`, `ARRAY[p, q]`, `ARRAY(SELECT z FROM {person} z ORDER BY z.{id})`, `ROW(p, 1)`, `greatest(p, q)`, `'(8,a,b,c,,,,,)'::{person}`, `l`,
}

const rowSourcesFrom = ` FROM {person} p LEFT JOIN {person} q ON q.{id} = p.parent AND q.{id} < 2
	JOIN (SELECT r, r.{id} AS n FROM {person} r) s ON s.n = p.{id}, archive a, couple c, people() x, everybody() AS u (m), kind k, {line} l,
	(pet CROSS JOIN {line}) AS j
	WHERE p.{id} IN (1, 3) AND x.{id} = 2 AND l.sku = 'pen' AND j.id = 1 AND j.sku = 'cup'`

// rowPlaces are what is done with a row §.
var rowPlaces = []string{
	`§`, `§::text`, `to_json(§)`, `jsonb_agg(§)`, `json_build_object('k', §)`, `(§).{surname}`, `(§).*`, `{surname}(§)`, `(§) IS NULL`, `(§) IS DISTINCT FROM NULL`,
	`count(DISTINCT §)`, `array_agg(§)`, `to_json(array_agg(§))`, `to_json(ROW(§, 2))`, `to_json(coalesce(§))`, `(SELECT to_json(y.v) FROM (SELECT § AS v) y)`,
	`(SELECT to_json(y) FROM (SELECT § AS v, 1 AS n) y)`, `(SELECT (y.v).{surname} FROM (SELECT § AS v) y)`, `(SELECT y FROM (SELECT (§).*) y)`,
	`(SELECT to_json(y) FROM (SELECT (§).*) y)`, `label(§)`, `(§).label`, `concat(§)`, `hstore(§)`, `row_to_json(§)`, `lag(§) OVER (ORDER BY p.{id})`,
	`to_json(first_value(§) OVER (ORDER BY p.{id} DESC))`, `json_agg(§ ORDER BY p.{id})`, `to_jsonb(§) ->> '{surname}'`, `(§ || 'x')`, `to_json(NULLIF(§, NULL))`,
	`(§)[1]`, `((§)[1]).{surname}`, `to_json((§)[1])`, `(SELECT json_agg(y) FROM unnest(§) y)`, `(SELECT y.{surname} FROM unnest(§) y LIMIT 1)`,
	`(SELECT to_json(v) FROM (VALUES (§)) v)`, `(SELECT to_json(v.column1) FROM (VALUES (NULL), (§)) v ORDER BY 1 NULLS LAST LIMIT 1)`,
	`(WITH y AS (SELECT § AS v) SELECT to_json(v) FROM y)`, `(SELECT to_json(y.v) FROM (SELECT NULL AS v UNION ALL SELECT §) y ORDER BY 1::text LIMIT 1)`,
	`(SELECT to_json(v) FROM (SELECT § AS v) y GROUP BY v)`, `(§) = (§)`, `(ARRAY[§])[1]`, `array_to_json(ARRAY(SELECT §))`, `(pair(§, §)).b`,
}

// rowStatement puts a row into one place in another. A place may demand a query level of its own.
func rowStatement(outer, inner, source string) string {
	expr := strings.ReplaceAll(outer, "§", strings.ReplaceAll(inner, "§", source))
	return "SELECT " + expr + rowSourcesFrom
}

// readOnly is run for a statement that only reads.
func readOnly(t *testing.T, conn *pgx.Conn, sql string) (outcome, []*pgconn.Result) {
	t.Helper()
	var o outcome
	results, err := conn.PgConn().Exec(t.Context(), sql).ReadAll()
	var pgErr *pgconn.PgError
	if errors.As(err, &pgErr) {
		o.Error = pgErr.Code
		return o, results
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range results[0].FieldDescriptions {
		o.Labels = append(o.Labels, f.Name)
	}
	for _, row := range results[0].Rows {
		o.Rows = append(o.Rows, fmt.Sprintf("%q", row))
	}
	return o, results
}

// checkOrRefused is check for a statement that may be refused, or may fail by itself; it tells whether neither happened.
func (w *world) checkOrRefused(t *testing.T, template string) bool {
	t.Helper()
	sql := inNames(template, w.names)
	want, _ := readOnly(t, w.client, sql)
	text := w.rewrite(t, sql)
	f := text.Statements[0].Failure
	switch {
	case want.Error != "" && f == nil:
		if got, _ := readOnly(t, w.server, text.SQL); got.Error != want.Error {
			t.Errorf("%s\n=> %s\nfails with %q, in the client's database with %q", sql, text.SQL, got.Error, want.Error)
		}
		return false
	case want.Error != "":
		return false
	case f != nil:
		if f.Code != codeRefused || f.Node == unproven().Node {
			t.Errorf("%s\nfails: %v", sql, f)
		}
		return false
	}
	got, results := readOnly(t, w.server, text.SQL)
	sort.Strings(want.Rows)
	sort.Strings(got.Rows)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s\n=> %s\nbehaves otherwise (-client's database +rewritten):\n%s", sql, text.SQL, diff)
	}
	w.checkPrediction(t, text, results)
	return true
}

func TestRowShapesInPlacesWithinPlacesAreTheSameOrRefused(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"old", "new"} {
		t.Run("a client of the "+version+" names", func(t *testing.T) {
			t.Parallel()
			w := newWorldOf(t, version, rowShapeSchema, "person", "line", "kind")
			for _, conn := range []*pgx.Conn{w.client, w.server} { // any plan will do
				if _, err := conn.Exec(t.Context(), "SET join_collapse_limit = 1; SET from_collapse_limit = 1; SET jit = off"); err != nil {
					t.Fatal(err)
				}
			}
			passed := 0
			for i, source := range rowSources {
				for j, inner := range rowPlaces {
					outer := "§"
					if (i+j)%2 == 0 {
						outer = rowPlaces[(7*i+5*j)%len(rowPlaces)]
					}
					if w.checkOrRefused(t, rowStatement(outer, inner, source)) {
						passed++
					}
				}
			}
			if passed < 700 {
				t.Errorf("only %d statements are rewritten and the same", passed)
			}
		})
	}
}
