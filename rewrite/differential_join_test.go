package rewrite

import "testing"

// Joins by column names, where the names alone decide which columns are merged.
var joiningStatements = []string{
	// columns of two tables, of which one is under migration
	`SELECT * FROM {person} p FULL JOIN book b USING ({surname}) ORDER BY {surname}, {id}`,
	`SELECT {surname}, p.{surname}, b.{surname} FROM {person} p FULL JOIN book b USING ({surname}) ORDER BY 1`,
	`SELECT * FROM book FULL JOIN {person} USING ({surname}) ORDER BY 1, {id}`,
	`SELECT {surname}, count(*) FROM {person} FULL JOIN book USING ({surname}) GROUP BY {surname} ORDER BY {surname}`,
	`SELECT x.{surname}, x.* FROM {person} p JOIN book USING ({surname}) AS x ORDER BY 1`,
	`SELECT j.*, j.{surname} FROM ({person} p JOIN book USING ({surname})) AS j ORDER BY {surname}`,
	`SELECT j.* FROM ({person} p FULL JOIN book USING ({surname})) AS j (s) ORDER BY s`,
	`SELECT {surname} FROM {person} NATURAL JOIN book ORDER BY 1`,
	`SELECT * FROM {person} NATURAL FULL JOIN book ORDER BY 1, 2, 3`,
	`SELECT * FROM book NATURAL LEFT JOIN {person} ORDER BY 1, 2`,
	`SELECT * FROM book NATURAL JOIN ({person} p JOIN pet ON person_id = p.{id}) ORDER BY 1, 2`,
	`SELECT * FROM {person} NATURAL FULL JOIN {line} ORDER BY {id}, sku`,
	`SELECT * FROM {person} p NATURAL JOIN (SELECT last_name, surname, 1 AS one FROM book) b ORDER BY {id}`,
	`SELECT * FROM {person} p JOIN pet ON p.{id} = pet.id JOIN book USING ({surname}) WHERE p.{surname} <> '' ORDER BY p.{id}`,

	// what is said of the table before the join is known to need an alias list
	`SELECT * FROM ({person} p JOIN pet ON p.{id} = pet.person_id) JOIN book USING ({surname}) ORDER BY pet.id`,
	`SELECT * FROM {person} p JOIN LATERAL (SELECT p.{surname}, upper(p.{surname}) AS u) x USING ({surname}) ORDER BY u`,
	`SELECT * FROM {person} p JOIN LATERAL (SELECT (p).{surname}, p::text AS whole) x USING ({surname}) ORDER BY whole`,
	`SELECT o.total, y.* FROM orders o, LATERAL (SELECT * FROM {person} p JOIN book USING ({surname}) WHERE p.{id} = o.individual_id) y ORDER BY 1`,

	// rows and columns of a table with an alias list
	`SELECT p, p.*, b FROM {person} p FULL JOIN book b USING ({surname}) ORDER BY p.{id}`,
	`SELECT row_to_json(p), to_json(p.*), (p).{surname}, {surname}(p) FROM {person} p JOIN book USING ({surname}) ORDER BY p.{id}`,
	`SELECT label({person}), {person}.label FROM {person} JOIN (SELECT {surname} FROM book) b USING ({surname}) ORDER BY 1`,
	`SELECT public.{person}.{surname}, public.{person}.*, {person}.{id} FROM public.{person} JOIN book USING ({surname}) ORDER BY 1`,
	`SELECT {person}.tableoid IS NULL, {person}.ctid IS NULL FROM ONLY ({person}) LEFT JOIN book USING ({surname}) ORDER BY {id}`,
	`SELECT {surname}, a FROM {person} AS p (a) JOIN book USING ({surname}) ORDER BY {surname}`,
	`SELECT {surname}, a, b FROM {person} p (a, b) FULL JOIN book USING ({surname}) ORDER BY {surname}, a`,
	`SELECT a, c FROM {person} p (a, b, c) JOIN {person} q (x, b, y) USING (b) ORDER BY a`,
	`SELECT a, c FROM {person} p (a, b, {other_surname}, c) JOIN book USING ({other_surname}) ORDER BY a`,
	`SELECT * FROM {person} p JOIN {person} q (k, first_name, {surname}) USING ({surname}) ORDER BY p.{id}`,
	`SELECT * FROM {person} * JOIN book USING ({surname}) ORDER BY {id}`,
	`SELECT {surname} FROM {person} TABLESAMPLE SYSTEM (100) FULL JOIN book USING ({surname}) ORDER BY 1`,
	`SELECT {id}, {surname}, first_name FROM {person} JOIN book USING ({surname}) GROUP BY {person}.{id}, {surname} ORDER BY 1`,
	`SELECT {surname} FROM {person} p JOIN book USING ({surname}) ORDER BY {id} FOR UPDATE OF p`,
	`SELECT {person}.{id} FROM {person} JOIN book USING ({surname}), {person} q WHERE q.{surname} = {person}.{surname} ORDER BY 1`,

	// stars and rows that cannot be written column by column
	`SELECT * FROM ({person} a JOIN {person} b USING ({id})) AS j ORDER BY {id}`,
	`SELECT j.* FROM ({person} a CROSS JOIN {person} b) AS j ORDER BY 1, 10`,
	`SELECT * FROM {line} i LEFT JOIN LATERAL (SELECT *, i.{qty} FROM {line} a, {line} b WHERE a.sku = b.sku) ss ON true ORDER BY 1, 4`,
	`SELECT row_to_json(x.*), x FROM {person} p JOIN {person} q USING ({surname}, {id}) AS x ORDER BY x.{id}`,
	`SELECT row_to_json(j), to_jsonb(j.*) FROM ({person} a JOIN pet ON pet.person_id = a.{id}) AS j ORDER BY j.name`,
	`SELECT json_agg(j) FROM ({line} a JOIN (SELECT 1 AS one) s ON a.{qty} = s.one) AS j`,
	`SELECT (SELECT {surname} FROM many(2) z LIMIT 1) AS s FROM {person} ORDER BY 1`,
	`SELECT {surname} FROM {person} WHERE {surname} IN (SELECT {surname} FROM many(2) z WHERE z.x < {person}.{id}) ORDER BY 1`,

	// functions that return its rows
	`SELECT * FROM people() JOIN book USING ({surname}) ORDER BY {id}`,
	`SELECT p.{id}, {surname}, p.{surname} FROM people() p FULL JOIN book USING ({surname}) ORDER BY 2, 1`,
	`SELECT * FROM people() AS p (k) NATURAL FULL JOIN book ORDER BY {surname}, k`,
	`SELECT row_to_json(people) FROM people() NATURAL JOIN book ORDER BY people.{id}`,

	// deeper, and in other statements
	`SELECT {surname} FROM {person} a JOIN {person} b USING ({id}, {surname}) JOIN book USING ({surname}) ORDER BY 1`,
	`SELECT * FROM ({person} a JOIN book USING ({surname})) JOIN (SELECT {surname}, person AS k FROM book) c USING ({surname}) ORDER BY {id}`,
	`SELECT 1 WHERE EXISTS (SELECT FROM {person} NATURAL JOIN book) AND EXISTS (SELECT FROM {person} p FULL JOIN book USING ({surname}))`,
	`WITH x AS (SELECT * FROM {person} FULL JOIN book USING ({surname})) SELECT {surname} FROM x ORDER BY 1`,
	`INSERT INTO pet SELECT {id} + 100, {id}, {surname} FROM {person} JOIN book USING ({surname})`,
	`UPDATE pet SET name = {surname} FROM {person} p JOIN book USING ({surname}) WHERE person_id = p.{id}`,
	`DELETE FROM {person} USING {person} p JOIN book USING ({surname}) WHERE {person}.{id} = p.{id} AND {person}.{id} > 5`,
	`CREATE TEMP TABLE t AS SELECT * FROM {person} NATURAL FULL JOIN book`,
}

func TestJoinsByColumnNamesAreTheSameUnderTheOtherNames(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"old", "new"} {
		t.Run("a client of the "+version+" names", func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, version)
			for _, sql := range joiningStatements {
				w.check(t, sql)
			}
		})
	}
}
