package rewrite

import "testing"

// Statements in which the database's names would catch references that mean something else in the version. The table
// book has columns of both names; so have some aliases and labels.
var capturingStatements = []string{
	`SELECT {other_surname} FROM book, {person} WHERE person = {person}.{id} ORDER BY 1`,
	`SELECT {other_surname}, {person}.{surname} FROM {person} JOIN book ON book.person = {person}.{id} ORDER BY 1`,
	`SELECT {other_surname} AS a FROM book WHERE EXISTS (SELECT 1 FROM {person} WHERE {other_surname} > 'H' AND book.person = {person}.{id}) ORDER BY 1`,
	`SELECT (SELECT {other_surname} FROM {person} WHERE {id} = person) FROM book ORDER BY 1`,
	`SELECT (SELECT max({other_surname} || p.first_name) FROM {person} p WHERE p.{id} = person) FROM book ORDER BY 1`,
	`WITH {other_person} AS (SELECT 1 AS n) UPDATE {person} SET {surname} = {surname} || n FROM {other_person} RETURNING {surname}`,
	`WITH {other_person} AS (SELECT 1 AS n) INSERT INTO {person} ({id}, {surname}) SELECT n + 60, 'W' FROM {other_person}`,
	`WITH {other_person} AS (SELECT 1 AS n) SELECT (SELECT max({surname}) FROM {person}), n FROM {other_person}`,
	`SELECT b.{other_surname} FROM book b WHERE b.person IN (SELECT {id} FROM {person} WHERE {surname} <> b.{other_surname}) ORDER BY 1`,
	`SELECT first_name AS {other_surname} FROM {person} GROUP BY {other_surname} ORDER BY {other_surname}`,
	`SELECT first_name AS {other_surname}, count(*) FROM {person} GROUP BY {other_surname} HAVING max({surname}) > 'A' ORDER BY 1`,
	`SELECT city AS {other_surname}, first_name FROM {person} GROUP BY GROUPING SETS (({other_surname}, first_name), ({other_surname})) ORDER BY 1, 2`,
	`SELECT first_name AS {other_surname} FROM {person} ORDER BY {other_surname}`,
	`SELECT first_name AS {other_surname} FROM {person} ORDER BY {surname}`,
	`SELECT first_name AS {other_surname} FROM {person} ORDER BY {person}.{surname} DESC`,
	`SELECT first_name AS {other_surname} FROM {person} p ORDER BY {surname} || p.{surname}`,
	`SELECT DISTINCT ON ({surname}) first_name AS {other_surname}, {surname} FROM {person} ORDER BY {surname}`,
	`SELECT {surname} AS {other_surname}, first_name AS {surname} FROM {person} ORDER BY {surname}`,
	`SELECT {surname} AS {other_surname} FROM {person} GROUP BY {surname} ORDER BY 1`,
	`SELECT {surname} AS {other_surname} FROM {person} GROUP BY {other_surname} ORDER BY 1`,
	`SELECT *, first_name AS {other_surname} FROM {person} ORDER BY {surname}`,
	`SELECT *, first_name AS {other_surname} FROM {person} ORDER BY {other_surname}`,
	`SELECT {surname}, {other_surname} FROM {person}, LATERAL (SELECT {surname} || '!' AS {other_surname}) l ORDER BY 1`,
	`SELECT {other_surname} FROM {person} p, LATERAL (SELECT p.{surname} AS {other_surname}) l ORDER BY 1`,
	`SELECT l.* FROM {person} p, LATERAL (SELECT {surname} AS {other_surname}, 1 AS {other_id}) l ORDER BY 1`,
	`SELECT p.{surname}, q.{other_surname} FROM {person} p JOIN (SELECT {id}, {surname} AS {other_surname} FROM {person}) q ON q.{id} = p.{id} ORDER BY 1`,
	`SELECT {surname}, {other_surname} FROM {person} p JOIN (SELECT {id}, {surname} AS {other_surname} FROM {person}) q USING ({id}) ORDER BY 1`,
	`SELECT * FROM {person} p JOIN (SELECT {id}, {surname} AS {other_surname} FROM {person}) q USING ({id}) ORDER BY 1`,
	`SELECT * FROM {person} p LEFT JOIN (SELECT {id}, city AS {other_surname}, 3 AS {other_id} FROM {person}) q USING ({id}) ORDER BY 1`,
	`SELECT * FROM {person} p RIGHT JOIN (SELECT {id}, city AS {other_surname} FROM {person}) q USING ({id}) ORDER BY 1`,
	`SELECT p.*, b.{surname} FROM {person} p JOIN book b USING ({surname}) ORDER BY 1`,
	`SELECT {surname}, b.{other_surname}, first_name FROM {person} p JOIN book b USING ({surname}) ORDER BY 1`,
	`SELECT * FROM {person} p JOIN book b USING ({surname}) ORDER BY p.{id}`,
	`SELECT * FROM book b LEFT JOIN {person} p USING ({surname}) ORDER BY b.person`,
	`SELECT {surname}, count(*) FROM book b LEFT JOIN {person} p USING ({surname}) GROUP BY {surname} ORDER BY {surname}`,
	`SELECT * FROM book b RIGHT JOIN {person} p USING ({surname}) ORDER BY p.{id}`,
	`SELECT {surname} FROM book b RIGHT JOIN {person} p USING ({surname}) ORDER BY {surname}`,
	`SELECT * FROM {person} p NATURAL JOIN book b ORDER BY p.{id}`,
	`SELECT * FROM book b NATURAL JOIN {person} AS p ORDER BY p.{id}`,
	`SELECT {surname}, {other_surname} FROM {person} NATURAL LEFT JOIN book ORDER BY {person}.{id}`,
	`SELECT count(*) FROM {person} NATURAL JOIN orders`,
	`SELECT count(*) FROM orders NATURAL JOIN {person}`,
	`SELECT count(*) FROM pet NATURAL JOIN {person}`,
	`SELECT * FROM {person} NATURAL JOIN {line} ORDER BY 1, sku`,
	`SELECT * FROM {person} JOIN orders ON orders.individual_id = {person}.{id} JOIN book b ON b.{other_surname} = {person}.{surname} OR true ORDER BY 1, order_id, b.person`,
	`SELECT {other_surname} FROM {person} JOIN orders ON orders.individual_id = {person}.{id} CROSS JOIN book ORDER BY order_id, 1`,
	`WITH {other_person} AS (SELECT {surname} AS {other_surname} FROM {person}) SELECT {other_surname} FROM {other_person} ORDER BY 1`,
	`WITH {other_person} AS (SELECT 1 AS n) SELECT {person}.{surname}, n FROM {person}, {other_person} ORDER BY 1`,
	`SELECT {other_person}.{surname} FROM {person} AS {other_person} ORDER BY 1`,
	`SELECT {other_person}.{surname}, {person}.total FROM {person} AS {other_person}, orders AS {person} ORDER BY 1, 2`,
	`SELECT x.{other_surname} FROM (SELECT {surname} AS {other_surname}, first_name AS {surname} FROM {person}) x ORDER BY {surname}`,
	`SELECT {surname} FROM {person} p WHERE EXISTS (SELECT 1 FROM {person} WHERE {person}.{surname} = p.{surname} AND {surname} > 'D') ORDER BY 1`,
	`SELECT o.n FROM {person} p CROSS JOIN LATERAL (SELECT count(*) AS n FROM orders WHERE individual_id = {id}) o ORDER BY 1`,
	`SELECT total FROM orders WHERE EXISTS (SELECT 1 FROM {person} WHERE {id} = orders.individual_id AND {surname} = 'Turing') ORDER BY 1`,
	`INSERT INTO book ({other_surname}) SELECT {surname} FROM {person} RETURNING {other_surname}`,
	`UPDATE book SET {other_surname} = {person}.{surname} FROM {person} WHERE {person}.{id} = book.person RETURNING {other_surname}`,
	`UPDATE {person} SET {surname} = {other_surname} || 'z' FROM book WHERE person = {id}`,
	`UPDATE {person} SET {surname} = {surname} || (SELECT max({other_surname}) FROM book) WHERE {id} = 1 RETURNING {surname}`,
	`DELETE FROM book USING {person} WHERE {other_surname} > 'M' AND person = {id} RETURNING {other_surname}`,
	`MERGE INTO {person} p USING book ON p.{id} = person WHEN MATCHED THEN UPDATE SET {surname} = {other_surname} || 'm'`,
	`SELECT i.last_name, {person}.{surname} FROM other.individual i, {person} WHERE {id} = x`,
	`SELECT {surname}, k FROM {person} p, jsonb_each_text('{"a": 1}') AS j (k, v) ORDER BY 1`,
	`SELECT {surname}, key FROM {person} p, jsonb_each_text('{"a": 1}') ORDER BY 1`,
	`SELECT {surname}, t.* FROM {person} p, json_to_record('{"a": 1}') AS t (a int) ORDER BY 1`,
}

func TestTheDatabasesNamesCatchNoReference(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"old", "new"} {
		t.Run("a client of the "+version+" names", func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, version)
			for _, sql := range capturingStatements {
				w.check(t, sql)
			}
		})
	}
}
