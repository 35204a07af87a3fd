package resolve_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seguedb/segue/change"
	"github.com/seguedb/segue/change/resolve"
	"github.com/seguedb/segue/internal/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// column is a change of one column of the table t into one of another name.
func column(old, new, up, down string) change.Change {
	return change.Change{
		Key: "k", Table: change.Name{Schema: "public", Name: "t"},
		Old: []change.Column{{Name: "a", Type: old}}, New: []change.Column{{Name: "b", Type: new}},
		Up: change.Map{"b": up}, Down: change.Map{"a": down},
	}
}

const objects = `CREATE SCHEMA segue;
	CREATE TYPE mood AS ENUM ('ok', 'ko');
	CREATE TABLE members (id int PRIMARY KEY, uuid uuid);
	CREATE FUNCTION twice(int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT 2 * $1';
	CREATE FUNCTION moody(int) RETURNS int LANGUAGE sql AS 'SELECT $1';`

func database(t *testing.T) string {
	t.Helper()
	url := pgtest.Database(t)
	pgtest.Exec(t, url, objects)
	return url
}

func TestExpressionsAreResolved(t *testing.T) {
	t.Parallel()
	url := database(t)
	reading := func(c change.Change) change.Change { c.Reads = []string{"members"}; return c }
	pinned := func(c change.Change, name, value string) change.Change {
		c.Pins = map[string]string{name: value}
		return c
	}
	for name, tc := range map[string]struct {
		change   change.Change
		up, down string
		inline   bool
		pins     map[string]string
	}{
		"arithmetic": {column("integer", "numeric(12,2)", "a / 100.0", "(t.b * 100)::integer"),
			"((a)::numeric OPERATOR(pg_catalog./) 100.0)", "((b OPERATOR(pg_catalog.*) (100)::numeric))::integer", true, nil},
		"functions": {column("text", "text", "upper(left(a, 3)) || 'x'", "b"),
			`(pg_catalog.upper(pg_catalog."left"(a, 3)) OPERATOR(pg_catalog.||) 'x'::pg_catalog.text)`, "b", true, nil},
		"a CASE over an enum": {column("text", "public.mood", "CASE WHEN a IN ('y', 'z') THEN 'ok'::mood ELSE 'ko' END", "CASE WHEN b = 'ok' THEN 'y' END"),
			"CASE\n    WHEN (a OPERATOR(pg_catalog.=) ANY (ARRAY['y'::pg_catalog.text, 'z'::pg_catalog.text])) THEN 'ok'::public.mood\n    ELSE 'ko'::public.mood\nEND",
			"CASE\n    WHEN (b OPERATOR(pg_catalog.=) 'ok'::public.mood) THEN 'y'::pg_catalog.text\n    ELSE NULL::pg_catalog.text\nEND", true, nil},
		"other letters":                         {column("text", "text", "a || 'é😀'", "b"), `(a OPERATOR(pg_catalog.||) E'\u00E9\U0001F600'::pg_catalog.text)`, "b", true, nil},
		"an operator that the syntax looks for": {column("integer", "integer", "nullif(a, 0)", "b"), "NULLIF(a, 0)", "b", false, nil},
		"a cast by text to an enum":             {column("text", "public.mood", "a::mood", "b::text"), "(a)::public.mood", "(b)::text", false, nil},
		"a number whose text depends on a setting": {column("double precision", "text", "a::text", "b::float8"), "(a)::text", "(b)::double precision", false,
			map[string]string{"extra_float_digits": "1"}},
		"a time in a zone that is given": {pinned(column("timestamp", "timestamptz", "a::timestamptz", "b::timestamp"), "timezone", "UTC"),
			"(a)::timestamp with time zone", "(b)::timestamp without time zone", false, map[string]string{"timezone": "UTC", "DateStyle": "ISO, MDY", "IntervalStyle": "postgres"}},
		"a time at a zone": {column("timestamp", "timestamptz", "a AT TIME ZONE 'UTC'", "b AT TIME ZONE 'UTC'"),
			"(a AT TIME ZONE 'UTC'::pg_catalog.text)", "(b AT TIME ZONE 'UTC'::pg_catalog.text)", true, nil},
		"a function of one's own": {column("integer", "integer", "twice(a)", "b / 2"), "public.twice(a)", "(b / 2)", false, nil},
		"a lookup": {reading(column("integer", "uuid", "(SELECT m.uuid FROM members m WHERE m.id = a)", "(SELECT id FROM members WHERE uuid = t.b)")),
			"( SELECT m.uuid\n           FROM public.members m\n          WHERE (m.id = t.a))", "( SELECT members.id\n           FROM public.members\n          WHERE (members.uuid = t.b))", false, nil},
		"char(n)": {column("integer", "character(3)", "a::text", "b::integer"), "(a)::pg_catalog.text", "(b)::integer", false, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := resolve.Expressions(context.Background(), pgtest.Connect(t, url), tc.change)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([]string{tc.up, tc.down}, []string{unindented(got.Up["b"]), unindented(got.Down["a"])}, cmp.Transformer("lines", unindented)); diff != "" {
				t.Errorf("they are (-want +got):\n%s", diff)
			}
			if got.Inline != tc.inline {
				t.Errorf("inline: %v", got.Inline)
			}
			pins := tc.pins
			if pins == nil {
				pins = map[string]string{}
			}
			if diff := cmp.Diff(pins, got.Pins); diff != "" {
				t.Errorf("pinned (-want +got):\n%s", diff)
			}
			if _, err := change.Compile(got); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestExpressionsAreRefusedBeforeAnythingIsDone(t *testing.T) {
	t.Parallel()
	url := database(t)
	for name, tc := range map[string]struct {
		change change.Change
		want   string
	}{
		"a function that is not there":        {column("integer", "integer", "thrice(a)", "b"), "up of b: function thrice(integer) does not exist"},
		"a type that does not fit":            {column("text", "integer", "a", "b::text"), `up of b: column "b" is of type integer but expression is of type text`},
		"a volatile function":                 {column("integer", "integer", "moody(a)", "b"), "up of b: it depends on the function moody"},
		"random":                              {column("integer", "double precision", "random() + a", "b::integer"), "up of b: it depends on the function random"},
		"the time":                            {column("integer", "timestamptz", "now() + a * interval '1 s'", "1"), "up of b: it depends on the function now"},
		"the user":                            {column("text", "text", "a || current_user", "b"), "up of b: it depends on the user or the time"},
		"a sequence":                          {column("integer", "integer", "a + nextval('pg_class')", "b"), "up of b: it depends on the function nextval"},
		"a setting":                           {column("text", "text", "a || current_setting('x.y')", "b"), "up of b: it depends on the function current_setting"},
		"the session's zone":                  {column("timestamp", "timestamptz", "a::timestamptz", "b::timestamp"), "up of b: it depends on the setting TimeZone"},
		"the session's zone by assignment":    {column("timestamp", "timestamptz", "a", "b AT TIME ZONE 'UTC'"), "up of b: it depends on the setting TimeZone"},
		"its zone by assignment, back":        {column("timestamp", "timestamptz", "a AT TIME ZONE 'UTC'", "b"), "down of a: it depends on the setting TimeZone"},
		"its zone in a text":                  {column("timestamptz", "text", "a", "b::timestamp AT TIME ZONE 'UTC'"), "up of b: it depends on the setting TimeZone"},
		"a table that is not said to be read": {column("integer", "uuid", "(SELECT uuid FROM members WHERE id = a)", "1"), "up of b: it reads a table that is not among reads"},
		"an aggregate":                        {column("integer", "bigint", "sum(a)", "1"), "up of b: it has an aggregate"},
		"several rows":                        {column("integer", "integer", "generate_series(1, a)", "1"), "up of b: it gives several rows"},
		"a column of the other side":          {column("integer", "integer", "b", "b"), "up of b: b is not a column of the change"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			conn := pgtest.Connect(t, url)
			_, err := resolve.Expressions(context.Background(), conn, tc.change)
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("%v, want %s", err, tc.want)
			}
			if _, ok := errors.AsType[*resolve.Problem](err); !ok && name != "a column of the other side" {
				t.Errorf("%T is not a problem of an expression", err)
			}
		})
	}
}

// unindented is a text without the spaces that begin its lines.
func unindented(s string) string {
	lines := strings.Split(s, "\n")
	for i := range lines {
		lines[i] = strings.TrimSpace(lines[i])
	}
	return strings.Join(lines, "\n")
}
