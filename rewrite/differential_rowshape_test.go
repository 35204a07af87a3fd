package rewrite

import "testing"

// rowShapeSchema adds more that holds rows: functions, tables with rows of tables, and a child with columns of its own.
const rowShapeSchema = differentialSchema + `
CREATE EXTENSION hstore;
CREATE FUNCTION whois(int) RETURNS {person} LANGUAGE sql AS 'SELECT x FROM {person} x WHERE {id} = $1';
CREATE FUNCTION everybody() RETURNS {person}[] LANGUAGE sql AS 'SELECT array_agg(x ORDER BY {id}) FROM {person} x WHERE {id} < 3';
CREATE TABLE couple (a {person}, b {person});
INSERT INTO couple SELECT whois(1), whois(2);
CREATE FUNCTION pair({person}, {person}) RETURNS couple LANGUAGE sql AS 'SELECT $1, $2';
CREATE TABLE kind (boss {person}) INHERITS ({person});
INSERT INTO kind SELECT 11, 'Kim', 'Kind', 'Kiel', NULL, NULL, NULL, 3, 1.5, whois(3);
CREATE FUNCTION lines({person}) RETURNS SETOF public.{line} LANGUAGE sql AS 'SELECT * FROM {line} WHERE {qty} = $1.{id}';
CREATE FUNCTION peer(public.{line}) RETURNS SETOF {person} LANGUAGE sql AS 'SELECT * FROM {person} WHERE {id} = $1.{qty}';
CREATE FUNCTION bought(orders) RETURNS SETOF public.{line} LANGUAGE sql AS 'SELECT * FROM {line} WHERE {qty} = $1.order_id';
CREATE FUNCTION holder(orders, OUT at int, OUT who {person}) LANGUAGE sql AS 'SELECT 1, p FROM {person} p WHERE {id} = $1.order_id';
`

// Statements with rows as values.
var rowStatements = []string{
	// functions of any row, written as fields
	`SELECT {person}.count FROM {person}`,
	`SELECT p.count, (p).count, count(p), (p.*).count FROM {person} p`,
	`SELECT city, max({id}) FROM {person} GROUP BY city ORDER BY {person}.count, city`,
	`SELECT p.num_nulls, p.pg_typeof IS NULL, p.pg_column_size > 0, p.concat, (p).quote_literal FROM {person} p ORDER BY p.{id}`,
	`SELECT p.array_agg FROM (SELECT * FROM {person} ORDER BY {id}) p`,
	`SELECT to_json(x.array_agg[1]) IS NULL FROM (SELECT p.array_agg FROM {person} p) x`,
	`SELECT city FROM {person} GROUP BY city HAVING {person}.count > 1 ORDER BY 1`,
	`SELECT c.count FROM couple c`,
	`SELECT (c.a).count FROM couple c`,
	`SELECT k.count FROM kind k`,
	// where nobody sees the names of the fields
	`SELECT p FROM {person} p ORDER BY p.{id}`,
	`SELECT {person} FROM {person} ORDER BY 1`,
	`SELECT p FROM {person} p ORDER BY p`,
	`SELECT p::text FROM {person} p ORDER BY 1`,
	`SELECT label(k), label(k.*) FROM kind k`,
	`SELECT CAST(p AS varchar) FROM {person} p ORDER BY 1`,
	`SELECT p IS NULL, p IS NOT NULL, p IS DISTINCT FROM NULL FROM {person} p ORDER BY p.{id}`,
	`SELECT count(p), count(DISTINCT p), count(p.*) FROM {person} p`,
	`SELECT DISTINCT p FROM {person} p ORDER BY p`,
	`SELECT p, count(*) FROM {person} p GROUP BY p ORDER BY p`,
	`SELECT p.{surname} FROM {person} p, {person} q WHERE p = q ORDER BY 1`,
	`SELECT p.{surname} FROM {person} p WHERE p IN (SELECT q FROM {person} q WHERE q.{id} < 3) ORDER BY 1`,
	`SELECT p.{surname} FROM {person} p WHERE p = ANY (ARRAY(SELECT q FROM {person} q WHERE q.{id} < 3)) ORDER BY 1`,
	`SELECT p.{surname} FROM {person} p WHERE p = (SELECT q FROM {person} q WHERE {id} = 1)`,
	`SELECT coalesce(p, q) FROM {person} p LEFT JOIN {person} q ON q.{id} = p.parent ORDER BY p.{id}`,
	`SELECT coalesce(q, p) FROM {person} p LEFT JOIN {person} q ON q.{id} = p.parent ORDER BY p.{id}`,
	`SELECT CASE WHEN p.{id} > 2 THEN p END FROM {person} p ORDER BY p.{id}`,
	`SELECT array_agg(p ORDER BY p.{id}) FROM {person} p`,
	`SELECT array_agg(p ORDER BY p.{id})::text FROM {person} p`,
	`SELECT array_length(array_agg(p), 1) FROM {person} p`,
	`SELECT ARRAY[p, q] FROM {person} p, {person} q WHERE p.{id} = 1 AND q.{id} = 2`,
	`SELECT ROW(p, 1), ROW(p.*, 1) FROM {person} p ORDER BY p.{id}`,
	`SELECT 'x' || p FROM {person} p ORDER BY p.{id}`,
	`SELECT p || 'x' FROM {person} p ORDER BY p.{id}`,
	`SELECT concat(p, ' ', 1), format('%s', p) FROM {person} p ORDER BY p.{id}`,
	`SELECT q FROM {person} p LEFT JOIN {person} q ON q.{id} = p.parent ORDER BY p.{id}`,
	`SELECT (SELECT q FROM {person} q WHERE q.{id} = p.parent) FROM {person} p ORDER BY p.{id}`,
	`SELECT s.p FROM (SELECT p FROM {person} p) s ORDER BY 1`,
	`SELECT * FROM (SELECT p, 1 AS one FROM {person} p) s ORDER BY 1`,
	`WITH w AS (SELECT p FROM {person} p) SELECT p FROM w ORDER BY 1`,
	`SELECT p FROM {person} p UNION SELECT q FROM {person} q ORDER BY 1`,
	`SELECT NULL UNION ALL SELECT q FROM {person} q ORDER BY 1`,
	`SELECT lag(p) OVER (ORDER BY p.{id}) FROM {person} p ORDER BY p.{id}`,
	`SELECT first_value(p) OVER (PARTITION BY p.city ORDER BY p.{id}) FROM {person} p ORDER BY p.{id}`,
	`SELECT rank() OVER (ORDER BY p) FROM {person} p ORDER BY 1`,
	`SELECT greatest(p, q) FROM {person} p, {person} q WHERE p.{id} = 1 ORDER BY q.{id}`,
	`SELECT pg_column_size(p) > 0 FROM {person} p`,
	`SELECT xmlforest(p AS x) FROM {person} p WHERE {id} = 1`,
	`SELECT string_agg(p::text, ',' ORDER BY p) FROM {person} p`,
	`SELECT public.{person}.* IS NULL FROM public.{person} WHERE {id} = 1`,
	`SELECT l FROM {line} l ORDER BY l`,
	`SELECT {line}.*::text FROM {line} ORDER BY 1`,

	// fields
	`SELECT (p).{surname} FROM {person} p ORDER BY 1`,
	`SELECT ((p)).{surname}, ((p).{surname}) FROM {person} p ORDER BY 1`,
	`SELECT (p.*).{surname} FROM {person} p ORDER BY 1`,
	`SELECT upper((p).{surname}) FROM {person} p ORDER BY 1`,
	`SELECT {surname}(p) FROM {person} p ORDER BY 1`,
	`SELECT {surname}(p) || {id}(p) FROM {person} p ORDER BY 1`,
	`SELECT (p).{surname}::varchar(3) FROM {person} p ORDER BY 1`,
	`SELECT (p).tags[1], (p).{id} FROM {person} p ORDER BY 2`,
	`SELECT (s.p).{surname}, (s.p).city FROM (SELECT p FROM {person} p) s ORDER BY 1`,
	`SELECT (s.p).{surname} AS x FROM (SELECT p FROM {person} p) s ORDER BY x`,
	`SELECT (coalesce(q, p)).{surname} FROM {person} p LEFT JOIN {person} q ON q.{id} = p.parent ORDER BY p.{id}`,
	`SELECT (SELECT q FROM {person} q WHERE q.{id} = p.parent).{surname} FROM {person} p ORDER BY p.{id}`,
	`SELECT (array_agg(p ORDER BY p.{id}))[1].{surname} FROM {person} p`,
	`SELECT ((array_agg(p ORDER BY p.{id}))[2]).{surname} FROM {person} p`,
	`SELECT (a.l)[2].{surname} FROM (SELECT array_agg(p ORDER BY p.{id}) AS l FROM {person} p) a`,
	`SELECT a.l[2].{surname} FROM (SELECT array_agg(p ORDER BY p.{id}) AS l FROM {person} p) a`,
	`SELECT (CASE WHEN p.{id} > 2 THEN p END).{surname} FROM {person} p ORDER BY p.{id}`,
	`SELECT (p).* FROM {person} p ORDER BY 1`,
	`SELECT (p).*, (p).{surname} FROM {person} p ORDER BY 1`,
	`SELECT (s.p).* FROM (SELECT p FROM {person} p) s ORDER BY 1`,
	`SELECT (coalesce(q, p)).* FROM {person} p LEFT JOIN {person} q ON q.{id} = p.parent ORDER BY p.{id}`,
	`SELECT 1, (coalesce(q, (SELECT x FROM {person} x WHERE x.{surname} = 'Turing'))).*, 2 FROM {person} p LEFT JOIN {person} q ON q.{id} = p.parent ORDER BY p.{id}`,
	`SELECT ((array_agg(p ORDER BY p.{id}))[1]).* FROM {person} p`,
	`SELECT * FROM (SELECT (p).* FROM {person} p) s ORDER BY {id}`,
	`SELECT x.{surname} FROM (SELECT (p).* FROM {person} p) x ORDER BY 1`,
	`SELECT a, (p).a FROM {person} AS p (a, b) ORDER BY 1`,
	`SELECT (p).* FROM {person} AS p (a, b) ORDER BY a`,
	`SELECT (coalesce(q, p)).*, (coalesce(p, q)).{surname} FROM {person} AS p (a, b, c), {person} AS q (a, b) WHERE p.a = q.a ORDER BY q.a`,
	`SELECT (array_agg(p ORDER BY a))[1].{surname} FROM {person} AS p (a, b, c)`,
	`SELECT (s.p).{surname}, (s.p).* FROM (SELECT p FROM {person} AS p (a, b, c)) s ORDER BY 1`,
	`SELECT count(*) FROM {person} p WHERE (p).{surname} = {surname}(p)`,
	`SELECT {surname} FROM {person} p ORDER BY (p).{surname}`,
	`SELECT (p).{surname}, count(*) FROM {person} p GROUP BY (p).{surname} ORDER BY 1`,
	`SELECT x.{surname} FROM unnest(ARRAY(SELECT p FROM {person} p)) x ORDER BY 1`,
	`SELECT x.* FROM (SELECT array_agg(p) AS l FROM {person} p) a, unnest(a.l) x ORDER BY 1`,
	`SELECT (unnest(ARRAY(SELECT p FROM {person} p))).{surname} ORDER BY 1`,
	`SELECT {qty}(l), (l).{qty} FROM {line} l ORDER BY 1`,

	// columns and functions with rows
	`SELECT who FROM archive`,
	`SELECT (who).{surname} FROM archive`,
	`SELECT (who).* FROM archive`,
	`SELECT (a.who).{surname}, (a).who FROM archive a`,
	`SELECT ((a).who).{surname}, (a).who.{surname} FROM archive a`,
	`SELECT (((a)).who).{surname} FROM archive a`,
	`SELECT (a.who).{surname} FROM (SELECT * FROM archive) a`,
	`SELECT (a.who).{surname} FROM (SELECT * FROM archive UNION ALL SELECT * FROM archive) a`,
	`SELECT (f.who).{surname} FROM one() f`,
	`SELECT (one()).who`,
	`SELECT (one()).*`,
	`SELECT ((one()).who).{surname}, (one()).who.{surname}`,
	`SELECT people() ORDER BY 1`,
	`SELECT (people()).* ORDER BY 1`,
	`SELECT (people()).{surname} ORDER BY 1`,
	`SELECT label(p) FROM {person} p ORDER BY 1`,
	`SELECT p.label FROM {person} p ORDER BY 1`,
	`SELECT (p).label FROM {person} p ORDER BY 1`,
	`SELECT label(who) FROM archive`,
	`SELECT label(x) FROM people() x ORDER BY 1`,
	`SELECT x.label, (x).{surname} FROM people() x ORDER BY 1`,
	`SELECT {surname}(x) FROM people() x ORDER BY 1`,
	`SELECT column1 FROM (VALUES ((SELECT p FROM {person} p WHERE {id} = 1))) v`,
	`SELECT (column1).{surname} FROM (VALUES (NULL), ((SELECT p FROM {person} p WHERE {id} = 1))) v ORDER BY 1`,

	// functions of rows, written as their fields, and fields written as functions
	`SELECT {qty}(p.lines) FROM {person} p ORDER BY p.{id}`,
	`SELECT {qty}(p.lines) FROM {person}* p ORDER BY p.{id}`,
	`SELECT {surname}(peer(p.lines)), (p.lines).{qty} FROM {person} p ORDER BY p.{id}`,
	`SELECT (p.lines).peer.{surname}, (p.lines).{qty} FROM ONLY {person} p ORDER BY p.{id}`,
	`SELECT k.label, (k).label, (k.lines).sku, {qty}(k.lines), {qty}(lines(k)) FROM kind k`,
	`SELECT {qty}(o.bought), (o.bought).{qty}, {qty}(bought(o)), (bought(o)).* FROM orders o`,
	`SELECT (o).bought.{qty}, o FROM orders o`,
	`SELECT o.holder, (o.holder).who FROM orders o`,
	`SELECT (o.holder).who.{surname}, (o).holder.who.{surname}, {surname}((o.holder).who), {surname}(who(o.holder)) FROM orders o`,
	`SELECT to_json(o.bought), (o.bought).* FROM orders o`,
	`SELECT ((o.holder).who).* FROM orders o`,

	// where the names show
	`SELECT row_to_json(p) FROM {person} p ORDER BY p.{id}`,
	`SELECT row_to_json({person}) FROM {person} ORDER BY {id}`,
	`SELECT row_to_json(p, true) FROM {person} p ORDER BY p.{id}`,
	`SELECT to_json(p), to_jsonb(p.*) FROM {person} p ORDER BY p.{id}`,
	`SELECT to_jsonb({person}.*) FROM {person} ORDER BY {id}`,
	`SELECT to_jsonb(public.{person}.*) FROM public.{person} ORDER BY {id}`,
	`SELECT pg_catalog.to_json(p) AS j FROM {person} p ORDER BY p.{id}`,
	`SELECT to_jsonb(p) ->> '{surname}' FROM {person} p ORDER BY 1`,
	`SELECT to_jsonb(p) - 'city' FROM {person} p ORDER BY p.{id}`,
	`SELECT json_agg(p ORDER BY p.{id}) FROM {person} p`,
	`SELECT json_agg(p ORDER BY p.{surname}) FILTER (WHERE p.{id} > 1) FROM {person} p`,
	`SELECT jsonb_agg(p ORDER BY p) FROM {person} p`,
	`SELECT jsonb_agg(DISTINCT p) FROM {person} p`,
	`SELECT coalesce(json_agg(p ORDER BY {id}), '[]') FROM {person} p`,
	`SELECT city, json_agg(p ORDER BY {id}) FROM {person} p GROUP BY city ORDER BY 1`,
	`SELECT json_agg(p) OVER (ORDER BY p.{id}) FROM {person} p ORDER BY p.{id}`,
	`SELECT json_object_agg({surname}, p ORDER BY {id}) FROM {person} p`,
	`SELECT jsonb_object_agg({id}, p) FROM {person} p`,
	`SELECT json_build_object('p', p, 'n', 1), json_build_array(p, 1) FROM {person} p ORDER BY p.{id}`,
	`SELECT jsonb_build_object('{surname}', {surname}, 'p', p) FROM {person} p ORDER BY p.{id}`,
	`SELECT row_to_json(p) FROM {person} p GROUP BY p.{id} ORDER BY p.{id}`,
	`SELECT row_to_json(p) FROM {person} p GROUP BY p ORDER BY p`,
	`SELECT to_json(q), to_json(p) FROM {person} p LEFT JOIN {person} q ON q.{id} = p.parent ORDER BY p.{id}`,
	`SELECT json_agg(q ORDER BY p.{id}) FROM {person} p LEFT JOIN {person} q ON q.{id} = p.parent`,
	`SELECT o.order_id, to_json(p) FROM orders o FULL JOIN {person} p ON p.{id} = o.individual_id ORDER BY 1, p.{id}`,
	`SELECT to_json((SELECT q FROM {person} q WHERE q.{id} = p.parent)) FROM {person} p ORDER BY p.{id}`,
	`SELECT to_json(coalesce(q, p)) FROM {person} p LEFT JOIN {person} q ON q.{id} = p.parent ORDER BY p.{id}`,
	`SELECT to_json(CASE WHEN p.{surname} > 'L' THEN p END) FROM {person} p ORDER BY p.{id}`,
	`SELECT to_json(lag(p) OVER (ORDER BY p.{id})) FROM {person} p ORDER BY p.{id}`,
	`SELECT array_to_json(array_agg(p ORDER BY {id})) FROM {person} p`,
	`SELECT to_json(array_agg(p ORDER BY {id})) FROM {person} p`,
	`SELECT to_json(ARRAY(SELECT p FROM {person} p ORDER BY p.{id}))`,
	`SELECT array_to_json(ARRAY(SELECT p AS x FROM {person} p ORDER BY {surname}), true)`,
	`SELECT json_build_object('all', (SELECT array_agg(p ORDER BY {id}) FROM {person} p))`,
	`SELECT to_json(ARRAY[p, q]) FROM {person} p, {person} q WHERE p.{id} = 1 AND q.{id} = 2`,
	`SELECT to_json(ROW(1, p)) FROM {person} p ORDER BY p.{id}`,
	`SELECT to_json((1, p)) FROM {person} p ORDER BY p.{id}`,
	`SELECT to_json(r) FROM {person} r, (SELECT 1 AS w, 2 AS v) x ORDER BY r.{id}`,
	`SELECT to_json(v.v), r, w FROM {person} r, LATERAL (SELECT r AS v, 2 AS w) v ORDER BY r.{id}`,
	`SELECT to_json(r) FROM (SELECT ROW(p, 1) AS r, {id} FROM {person} p) x ORDER BY {id}`,
	`SELECT to_json(s) FROM (SELECT p, 1 AS one FROM {person} p ORDER BY {id}) s`,
	`SELECT to_json(s.p) FROM (SELECT p FROM {person} p ORDER BY {id}) s`,
	`SELECT row_to_json(s) FROM (SELECT {surname}, {id} FROM {person}) s ORDER BY s.{id}`,
	`SELECT row_to_json(s) FROM (SELECT * FROM {person}) s ORDER BY s.{id}`,
	`SELECT row_to_json(j) FROM ({person} CROSS JOIN (SELECT 1 AS z) y) AS j ORDER BY j.{id}`,
	`WITH w AS (SELECT p FROM {person} p) SELECT to_json(w), to_json(w.p) FROM w ORDER BY (p).{id}`,
	`SELECT to_json(x.p) FROM (SELECT NULL AS p UNION ALL SELECT p FROM {person} p) x ORDER BY (p).{id}`,
	`SELECT to_json(p) FROM (SELECT p FROM {person} p) v FULL JOIN (SELECT p FROM {person} p) w USING (p) ORDER BY (p).{id}`,
	`SELECT to_json(x), x.to_json FROM adults x ORDER BY adult`,
	`SELECT s.to_json FROM (SELECT {surname} FROM {person}) s WHERE false`,
	`SELECT to_json(whois(1)), (whois(2)).{surname}, whois(3)`,
	`SELECT to_json(m[1]), m, m[1].{surname} FROM everybody() m`,
	`SELECT json_agg(c) FROM couple c`,
	`SELECT to_json(c), (c.a).{surname}, (c).b.{surname}, c FROM couple c`,
	`SELECT (c.a).*, 1 FROM couple c`,
	`SELECT to_json(c.*), to_json(pair(c.a, c.b)), ((pair(c.a, c.b)).b).{surname} FROM couple c`,
	`SELECT hstore(p) -> '{surname}' FROM {person} p ORDER BY 1`,
	`SELECT (each(hstore(p))).key FROM {person} p ORDER BY 1`,
	`SELECT json_agg(k) FROM kind k`,
	`SELECT to_json(k), to_json(k.*), (k).boss, ((k).boss).{surname} FROM kind k ORDER BY 1::text`,
	`SELECT to_json(a), to_json(a.who), to_json((a).who) FROM archive a`,
	`SELECT row_to_json(f), to_json(f.who) FROM one() f`,
	`SELECT to_json(one())`,
	`SELECT to_json(x) FROM people() x ORDER BY x.{id}`,
	`SELECT to_json(x) FROM people() WITH ORDINALITY x ORDER BY x.{id}`,
	`SELECT to_json(p) FROM {person} AS p (a, b) ORDER BY a`,
	`SELECT to_json(l), (SELECT json_agg(x ORDER BY x.{qty}) FROM {line} x) FROM {line} l ORDER BY l.{qty}`,
	`SELECT e.key, e.value FROM {person} p, json_each(to_json(p)) e WHERE p.{id} = 1`,
	`SELECT e.key FROM {person} p, LATERAL jsonb_each_text(to_jsonb(p)) AS e WHERE e.value IS NULL ORDER BY p.{id}, 1`,
	`SELECT p.{id} FROM {person} p WHERE to_jsonb(p) @> '{"{surname}": "Turing"}'`,
	`SELECT p.{id} FROM {person} p JOIN pet ON to_jsonb(p) ->> '{surname}' = 'Turing' ORDER BY 1, pet.id`,
	`SELECT json_agg(x.p ORDER BY (x.p).{id}) FROM (SELECT p FROM {person} p UNION SELECT p FROM {person} p) x`,
	`SELECT json_agg(row_to_json(p) ORDER BY p.{id}) FROM {person} p`,
	`SELECT to_json(p)::text || to_json(p)::text FROM {person} p ORDER BY p.{id}`,
	`SELECT /* p */ to_json( /* a */ p /* b */ ) FROM {person} p ORDER BY {id}`,

	// types
	`SELECT NULL::{person}`,
	`SELECT NULL::{person}[]`,
	`SELECT CAST(NULL AS public.{person})`,
	`SELECT ('(1,a,b,c,,,,,)'::{person}).{surname}`,
	`SELECT (CAST(ROW(1, 'a', 'b', 'c', NULL, NULL, NULL, NULL, NULL) AS {person})).*`,
	`SELECT to_json(ROW(1, 'a', 'b', 'c', NULL, NULL, NULL, NULL, NULL)::{person})`,
	`SELECT to_json(p::{person}) FROM {person} p ORDER BY {id}`,
	`SELECT coalesce(q, NULL::{person}) FROM {person} q ORDER BY 1`,
	`SELECT ARRAY[]::{person}[]`,
	`PREPARE q1 ({person}) AS SELECT ($1).{surname}`,
	`PREPARE q2 (public.{person}[]) AS SELECT 1`,
	`SELECT '{1,2,3}'::line`,
	`COMMENT ON TYPE {person} IS 'a row'`,
	`CREATE FUNCTION f({person}) RETURNS text LANGUAGE sql AS 'SELECT $1::text'; SELECT 1`,
	`CREATE TABLE members (who {person}, more {person}[])`,
	`CREATE FUNCTION f(x {person}.{surname}%TYPE) RETURNS text LANGUAGE sql AS 'SELECT x'`,
	`ALTER TABLE pet ADD COLUMN owner {person}`,

	// writing
	`INSERT INTO archive SELECT 2, p FROM {person} p`,
	`INSERT INTO archive (at, who) SELECT 2, p FROM {person} p WHERE {surname} = 'Turing' RETURNING who, (who).{surname}, to_json(who)`,
	`INSERT INTO archive (at, who.{surname}) VALUES (3, 'x') RETURNING archive`,
	`UPDATE archive SET who.{surname} = 'x' RETURNING (who).*`,
	`UPDATE archive SET who.{surname} = (who).{surname} || '!', at = 2`,
	`UPDATE archive SET who = (SELECT p FROM {person} p WHERE {id} = 3)`,
	`UPDATE archive SET who = ROW(7, 'a', 'b', 'c', NULL, NULL, NULL, NULL, NULL)::{person}`,
	`UPDATE {person} SET {surname} = to_jsonb({person}) ->> '{surname}' RETURNING {person}`,
	`UPDATE {person} p SET city = 'X' RETURNING p, to_json(p), (p).{surname}`,
	`DELETE FROM {person} p WHERE {id} = 5 RETURNING row_to_json(p)`,
	`DELETE FROM {person} p WHERE {id} = 5 RETURNING p.*, (p).*`,
	`INSERT INTO {person} ({id}, {surname}) VALUES (9, 'N') RETURNING row_to_json({person})`,
	`INSERT INTO {person} AS p ({id}, {surname}) VALUES (9, 'N') RETURNING p`,
	`INSERT INTO {person} ({id}, {surname}) VALUES (1, 'N') ON CONFLICT ({id}) DO UPDATE SET {surname} = (EXCLUDED).{surname}, city = to_jsonb(EXCLUDED) ->> '{surname}' RETURNING {person}`,
	`INSERT INTO {person} ({id}, {surname}) VALUES (1, 'N') ON CONFLICT ({id}) DO UPDATE SET city = EXCLUDED::text`,
	`INSERT INTO orders (note) SELECT p::text FROM {person} p`,
	`INSERT INTO orders (note) SELECT to_json(p)::text FROM {person} p`,
	`WITH d AS (DELETE FROM {person} WHERE {id} > 3 RETURNING {person}) SELECT to_json(d.{person}) FROM d ORDER BY 1::text`,
	`WITH u AS (UPDATE {person} p SET city = 'Y' RETURNING p) INSERT INTO archive SELECT 5, p FROM u`,
	`COPY (SELECT to_json(p) FROM {person} p ORDER BY {id}) TO STDOUT`,
	`DECLARE c CURSOR FOR SELECT to_json(p) FROM {person} p ORDER BY {id}; FETCH 2 FROM c; CLOSE c`,
}

func TestRowShapesAreTheSameUnderTheOtherNames(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"old", "new"} {
		t.Run("a client of the "+version+" names", func(t *testing.T) {
			t.Parallel()
			w := newWorldOf(t, version, rowShapeSchema, "person", "line", "kind")
			for _, sql := range rowStatements {
				w.check(t, sql)
			}
		})
	}
}

func TestRowsInATableThatTheSameStringMakesAreRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "old")
	for _, template := range []string{
		`CREATE TABLE made AS SELECT p FROM {person} p; SELECT to_json(p) FROM made`,
		`SELECT p INTO made FROM {person} p; SELECT (p).{surname} FROM made`,
		`CREATE TABLE made AS SELECT who FROM archive; SELECT * FROM made`,
	} {
		text := w.rewrite(t, inNames(template, w.names))
		if f := text.Statements[0].Failure; f != nil {
			t.Errorf("%s: the first statement fails: %v", template, f)
		}
		if f := text.Statements[1].Failure; f == nil || f.Code != codeRefused {
			t.Errorf("%s: the second statement is not refused: %v", template, f)
		}
	}
}

// Statements that name what the version's rows do not have.
var failingRowStatements = []string{
	`SELECT (p).{other_surname} FROM {person} p`,
	`SELECT 'ü', (p.*).{other_surname} FROM {person} p`,
	`SELECT {other_surname}(p) FROM {person} p`,
	`SELECT (p).nothing FROM {person} p`,
	`SELECT p.nothing FROM {person} p`,
	`SELECT (who).{other_surname} FROM archive`,
	`SELECT (a).who.{other_surname} FROM archive a`,
	`SELECT (who).nothing FROM archive`,
	`SELECT (coalesce(p, p)).{other_surname} FROM {person} p`,
	`SELECT (s.p).{other_surname} FROM (SELECT p FROM {person} p) s`,
	`SELECT (one()).nothing`,
	`SELECT ((one()).who).{other_surname}`,
	`SELECT NULL::{other_person}`,
	`SELECT NULL::public.{other_person}[], {surname} FROM {person}`,
	`UPDATE archive SET who.{other_surname} = 'x'`,
	`UPDATE archive SET who.nothing = 'x'`,
	`INSERT INTO archive (at, who.{other_surname}) VALUES (1, 'x')`,
	`SELECT to_json(x.p) FROM {person} p`,
	`SELECT (array_agg(p))[1].{other_surname} FROM {person} p`,
	`SELECT (coalesce(p, p)).a FROM {person} AS p (a)`,
	`SELECT (p).{surname}.x FROM {person} p`,
}

func TestRowShapesWithoutTheFieldFailAsInPostgres(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"old", "new"} {
		t.Run("a client of the "+version+" names", func(t *testing.T) {
			t.Parallel()
			w := newWorldOf(t, version, rowShapeSchema, "person", "line", "kind")
			for _, sql := range failingRowStatements {
				w.checkFailure(t, sql)
			}
		})
	}
}
