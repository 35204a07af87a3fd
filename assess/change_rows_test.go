package assess

import (
	"fmt"
	"strings"
	"testing"
)

// coded makes a number of a text, in a table docs.
func coded(up, down, more string) string {
	return fmt.Sprintf(`
id: coded
operations:
  - change_columns:
      table: public.docs
      from: [code]
      to: [{ name: number, type: bigint }]
      up: { number: %q }
      down: { code: %q }
%s`, up, down, more)
}

const codes = `CREATE TABLE public.docs (id int PRIMARY KEY, code text)`

func TestExpressionsAreTriedOnRowsThatAreThere(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		rule   string
		schema []string
		want   string // what is said, or nothing
		remedy string
	}{
		"rows for which up raises": {
			rule:   coded("code::bigint", "number::text", ""),
			schema: []string{codes, `INSERT INTO docs SELECT i, CASE WHEN i IN (70, 71, 290, 300) THEN 'SECRET' || i ELSE i::text END FROM generate_series(1, 300) AS i`},
			want:   "up cannot be computed for 4 of 300 rows that were tried: id=70; id=71; id=290; and 1 more: invalid input syntax for type bigint: ... (SQLSTATE 22P02, invalid text representation)",
			remedy: `UPDATE docs SET code = '0' WHERE code LIKE 'S%'`,
		},
		"rows that down makes otherwise": {
			rule:   coded("code::bigint", "number::text", ""),
			schema: []string{codes, `INSERT INTO docs VALUES (1, '1'), (2, ' 2'), (3, NULL)`},
			want:   "of 1 of 3 rows that were tried, down makes another value than the row has: id=2",
			remedy: `UPDATE docs SET code = '2' WHERE id = 2`,
		},
		"a change that is lossy": {
			rule:   coded("code::bigint", "number::text", "      lossy: true\n"),
			schema: []string{codes, `INSERT INTO docs VALUES (1, ' 1')`},
		},
		"rows for whose new side down raises": {
			rule:   coded("code::bigint", "(100 / number)::text", ""),
			schema: []string{codes, `INSERT INTO docs VALUES (1, '0')`},
			want:   "down cannot be computed of what up makes of rows that are there: division by zero (SQLSTATE 22012, division by zero)",
			remedy: `DELETE FROM docs`,
		},
		"values that the type of the new column does not take": {
			rule:   strings.Replace(coded("code", "number", ""), "bigint", "varchar(3)", 1),
			schema: []string{codes, `INSERT INTO docs VALUES (1, 'four'), (2, 'two')`},
			want:   "up cannot be computed for 1 of 2 rows that were tried: id=1: value too long for type character varying(3) (SQLSTATE 22001, string data right truncation)",
			remedy: `DELETE FROM docs WHERE id = 1`,
		},
		"a table in partitions, without a key": {
			rule: coded("code::bigint", "number::text", ""),
			schema: []string{`CREATE TABLE docs (id int, code text) PARTITION BY HASH (id)`, `CREATE TABLE docs_1 PARTITION OF docs FOR VALUES WITH (MODULUS 2, REMAINDER 0)`,
				`CREATE TABLE docs_2 PARTITION OF docs FOR VALUES WITH (MODULUS 2, REMAINDER 1)`, `INSERT INTO docs VALUES (1, 'x')`},
			want:   "up cannot be computed for 1 of 1 row that was tried: ctid=(0,1): invalid input syntax for type bigint: ... (SQLSTATE 22P02, invalid text representation)",
			remedy: `DELETE FROM docs`,
		},
		"a large table": {
			rule:   coded("code::bigint", "number::text", ""),
			schema: []string{codes, `INSERT INTO docs SELECT i, i::text || repeat(' ', 200) FROM generate_series(1, 20000) AS i`},
			want:   "of 1000 of 1000 rows that were tried, down makes another value than the row has: ",
			remedy: `TRUNCATE docs`,
		},
		"rows that are looked up": {
			rule:   lookedUp,
			schema: []string{`CREATE TABLE members (id int PRIMARY KEY, uuid uuid NOT NULL UNIQUE)`, `CREATE TABLE posts (id int PRIMARY KEY, member_id int)`, `INSERT INTO posts VALUES (1, 7)`},
			want:   "of 1 of 1 row that was tried, down makes another value than the row has: id=1",
			remedy: `INSERT INTO members VALUES (7, '00000000-0000-0000-0000-000000000007')`,
		},
		"a type of the user's, names in quotes, and no equality": {
			rule: `
id: odd
operations:
  - change_columns:
      table: '"Odd"."made"'
      from: ['"N"', t]
      to: [{ name: '"Mood"', type: '"Odd".mood' }, { name: tried, type: json }]
      up: { '"Mood"': '"N"::"Odd".mood', tried: to_json(t) }
      down: { '"N"': '"Mood"::text', t: "tried #>> '{}'" }
`,
			schema: []string{`CREATE SCHEMA "Odd"`, `CREATE TYPE "Odd".mood AS ENUM ('sad', 'glad')`, `CREATE TABLE "Odd"."made" ("Key" int PRIMARY KEY, "N" text, t text)`,
				`INSERT INTO "Odd"."made" VALUES (1, 'sad', 'x'), (2, 'SECRET', 'y'), (3, 'glad', NULL)`},
			want:   "up cannot be computed for 1 of 3 rows that were tried: Key=2: invalid input value for enum ... (SQLSTATE 22P02",
			remedy: `DELETE FROM "Odd"."made" WHERE "Key" = 2`,
		},
		"an old column without equality": {
			rule:   strings.NewReplacer("[code]", "[doc]", "code", "doc", "bigint", "jsonb").Replace(coded("code::jsonb", "number::json", "")),
			schema: []string{`CREATE TABLE docs (id int PRIMARY KEY, doc json)`, `INSERT INTO docs VALUES (1, '{"a": 1,  "a": 2}')`},
		},
		"a domain that is NOT NULL": {
			rule:   strings.Replace(coded("nullif(code, '')", "number", ""), "bigint", "public.filled", 1),
			schema: []string{`CREATE DOMAIN filled AS text NOT NULL CHECK (value <> 'x')`, codes, `INSERT INTO docs VALUES (1, 'x'), (2, ''), (3, 'y')`},
			want:   "up cannot be computed for 2 of 3 rows that were tried: id=1; id=2: ",
			remedy: `UPDATE docs SET code = 'y'`,
		},
		"settings that an expression depends on": {
			rule:   strings.Replace(coded("code::date", "number::text", ""), "bigint", "date", 1),
			schema: []string{codes, `INSERT INTO docs VALUES (1, '2026-11-30')`},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			on := on(t, c.rule, append([]string{`CREATE SCHEMA segue`}, c.schema...)...)
			for _, f := range on.found(unfit) {
				t.Errorf("found %+v", f)
			}
			found := on.found(changeRows)
			if c.want == "" {
				if len(found) > 0 {
					t.Errorf("found %+v", found)
				}
				return
			}
			if len(found) != 1 || !strings.HasPrefix(found[0].Message, c.want) || found[0].Severity != Warn {
				t.Errorf("found %+v\nwant %s", found, c.want)
			}
			if strings.Contains(fmt.Sprint(found), "SECRET") {
				t.Errorf("a value is shown: %+v", found)
			}
			on.remedied(changeRows, []string{found[0].Object}, c.remedy)
		})
	}
}
