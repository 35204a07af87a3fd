package rewrite

import "testing"

// Statements that write.
var writingStatements = []string{
	// INSERT
	`INSERT INTO {person} ({id}, {surname}) VALUES (10, 'Knuth')`,
	`INSERT INTO {person} VALUES (10, 'Don', 'Knuth')`,
	`INSERT INTO {person} VALUES (10, 'Don', 'Knuth', DEFAULT), (11, 'Tony', 'Hoare', 'Oxford')`,
	`INSERT INTO public.{person} ({id}, {surname}) VALUES (10, 'Knuth') RETURNING {id}, {surname}, city`,
	`INSERT INTO {person} AS p ({id}, {surname}) VALUES (10, 'Knuth') RETURNING p.{surname} AS x, p.*`,
	`INSERT INTO {person} ({id}, {surname}) VALUES (10, 'Knuth') RETURNING *`,
	`INSERT INTO {person} ({id}, {surname}) VALUES (10, 'Knuth') RETURNING {person}.{surname}, {person}.*`,
	`INSERT INTO {person} ({surname}, {id}) SELECT {surname} || 'x', {id} + 100 FROM {person}`,
	`INSERT INTO {person} ({id}, {surname}, tags[1]) VALUES (10, 'Knuth', 'tex')`,
	`INSERT INTO {person} ({surname}, {id}) SELECT name, id + 50 FROM pet RETURNING {surname}`,
	`INSERT INTO {person} ({surname}, {id}) SELECT name, id + 50 FROM pet RETURNING tableoid::regclass, {surname}, CAST(tableoid AS regclass) AS made`,
	`UPDATE {person} SET {surname} = 'x' WHERE {id} = 1 RETURNING tableoid::regclass, {surname}`,
	`WITH gone AS (DELETE FROM {person} WHERE {id} = 5 RETURNING tableoid::regclass AS r) DELETE FROM {line} RETURNING (SELECT r FROM gone LIMIT 1) = '{person}'::regclass`,
	`INSERT INTO {person} SELECT {id} + 100, first_name, {surname} || 'y' FROM {person} WHERE {surname} > 'M'`,
	`INSERT INTO {person} TABLE {person} ON CONFLICT DO NOTHING`,
	`INSERT INTO {person} SELECT * FROM {person} ON CONFLICT ({id}) DO NOTHING`,
	`INSERT INTO {person} SELECT p.* FROM {person} p ON CONFLICT DO NOTHING RETURNING {surname}`,
	`INSERT INTO pet (id) SELECT {id} + 70 FROM {person} WHERE {surname} IN (SELECT last_name FROM book) RETURNING *`,
	`INSERT INTO {line} ({qty}, sku) VALUES (5, 'ink') RETURNING {qty}`,
	`INSERT INTO {line} ({qty}, sku) VALUES (5, 'pen') ON CONFLICT (sku) DO UPDATE SET {qty} = {line}.{qty} + excluded.{qty} RETURNING {qty}`,
	`INSERT INTO {person} ({id}, {surname}) VALUES (1, 'Byron') ON CONFLICT ({id}) DO UPDATE SET {surname} = excluded.{surname}`,
	`INSERT INTO {person} ({id}, {surname}) VALUES (1, 'Byron') ON CONFLICT ({id}) DO UPDATE SET {surname} = excluded.{surname} || {person}.{surname} WHERE {person}.{surname} <> excluded.{surname} RETURNING *`,
	`INSERT INTO {person} AS p ({id}, {surname}) VALUES (1, 'Byron') ON CONFLICT ({id}) DO UPDATE SET {surname} = p.{surname} || '!' RETURNING p.{surname}`,
	`INSERT INTO {person} ({id}, {surname}, city) VALUES (9, 'Turing', 'London') ON CONFLICT ({surname}, city) DO UPDATE SET first_name = 'A.', ({surname}, city) = (excluded.{surname}, 'x')`,
	`INSERT INTO {person} ({id}, {surname}, city) VALUES (9, 'Turing', 'London') ON CONFLICT ON CONSTRAINT city_key DO UPDATE SET {surname} = 'T'`,
	`INSERT INTO {person} ({id}, {surname}) VALUES (1, 'Byron') ON CONFLICT DO NOTHING RETURNING {surname}`,
	`WITH n AS (SELECT 20 AS a, 'Noether' AS {surname}) INSERT INTO {person} ({id}, {surname}) SELECT a, {surname} FROM n RETURNING {surname}`,
	`WITH moved AS (INSERT INTO {person} ({id}, {surname}) VALUES (30, 'Gauss') RETURNING {id}, {surname}) SELECT {surname}, {id} FROM moved`,
	`INSERT INTO orders (individual_id, note) SELECT {id}, {surname} FROM {person} WHERE {surname} LIKE 'L%' ORDER BY {surname} RETURNING note`,
	`INSERT INTO book (surname, last_name) SELECT {surname}, first_name FROM {person} ORDER BY {id}`,
	`INSERT INTO book (surname) VALUES ((SELECT {surname} FROM {person} WHERE {id} = 1)) RETURNING surname, last_name`,

	// UPDATE
	`UPDATE {person} SET {surname} = 'X' WHERE {id} = 1`,
	`UPDATE {person} SET {surname} = upper({surname}), city = {surname} RETURNING {id}, {surname}, city`,
	`UPDATE {person} SET {surname} = {person}.{surname} || '!' WHERE {person}.{surname} > 'M' RETURNING {person}.{surname}`,
	`UPDATE ONLY {person} SET {surname} = 'X' || {id}`,
	`UPDATE {person} AS p SET {surname} = p.first_name FROM orders o WHERE o.individual_id = p.{id} AND o.total > 50 RETURNING p.{surname}, o.total`,
	`UPDATE {person} p SET {surname} = s.{surname} || p.{id} FROM (SELECT {id} AS i, {surname} FROM {person}) s WHERE s.i = p.parent RETURNING *`,
	`UPDATE {person} SET ({surname}, city) = ('A', 'B') WHERE {id} = 2`,
	`UPDATE {person} SET ({surname}, city) = (SELECT {surname} || '2', city FROM {person} q WHERE q.{id} = {person}.{id})`,
	`UPDATE {person} SET ({surname}, city) = ROW(first_name, {surname}) WHERE {id} < 3`,
	`UPDATE {person} SET {surname} = DEFAULT WHERE false`,
	`UPDATE {person} SET tags[2] = {surname}, feeling = 'sad' WHERE {id} = 1 RETURNING tags`,
	`UPDATE {person} SET {surname} = b.last_name || '2' FROM book b WHERE b.surname = {person}.{surname} RETURNING b.*, {person}.{surname}`,
	`UPDATE {person} SET {surname} = b.surname || b.last_name FROM book b WHERE b.person = {person}.{id}`,
	`UPDATE book SET last_name = p.{surname}, surname = NULL FROM {person} p WHERE p.{id} = book.person RETURNING book.*, p.{surname}`,
	`UPDATE book SET surname = (SELECT {surname} FROM {person} WHERE {id} = book.person)`,
	`UPDATE {line} SET {qty} = {qty} + 1, price = {line}.{qty} RETURNING *`,
	`WITH w AS (UPDATE {person} SET {surname} = 'W' WHERE {id} = 1 RETURNING {id}, {surname}) SELECT * FROM w`,
	`WITH w AS (SELECT {id}, {surname} FROM {person}) UPDATE {person} SET city = w.{surname} FROM w WHERE w.{id} = {person}.{id}`,

	// DELETE
	`DELETE FROM {person} WHERE {surname} = 'Liskov'`,
	`DELETE FROM {person} p WHERE p.{surname} = 'Liskov' RETURNING p.{surname}, {id}`,
	`DELETE FROM {person} WHERE {person}.{surname} = 'Liskov' RETURNING *`,
	`DELETE FROM orders USING {person} WHERE orders.individual_id = {person}.{id} AND {surname} = 'Turing' RETURNING orders.order_id, {surname}`,
	`DELETE FROM orders o USING {person} p WHERE o.individual_id = p.{id} AND p.{surname} > 'M' RETURNING *`,
	`DELETE FROM orders WHERE individual_id IN (SELECT {id} FROM {person} WHERE {surname} = 'Turing')`,
	`WITH gone AS (DELETE FROM {person} WHERE {surname} = 'Liskov' RETURNING *) SELECT {surname} FROM gone`,

	// MERGE
	`MERGE INTO {person} USING pet ON pet.id = {person}.{id} WHEN MATCHED THEN UPDATE SET {surname} = pet.name || {surname}
	   WHEN NOT MATCHED THEN INSERT ({id}, {surname}) VALUES (pet.id + 40, pet.name)`,
	`MERGE INTO {person} AS t USING (SELECT {id}, {surname} FROM {person}) s ON s.{id} = t.parent
	   WHEN MATCHED AND t.{surname} > 'Z' THEN DELETE WHEN MATCHED AND s.{surname} = 'Nobody' THEN UPDATE SET {surname} = s.{surname} WHEN NOT MATCHED THEN DO NOTHING`,
	`MERGE INTO {line} l USING (VALUES ('pen', 2), ('jar', 7)) v (sku, n) ON v.sku = l.sku WHEN MATCHED THEN UPDATE SET {qty} = l.{qty} + n
	   WHEN NOT MATCHED THEN INSERT VALUES (n, 1, v.sku)`,

	// utilities
	`TRUNCATE {line}`,
	`TRUNCATE TABLE {person}, orders RESTART IDENTITY CASCADE`,
	`CREATE TEMP TABLE copied AS SELECT {surname}, {id} FROM {person}`,
	`SELECT {surname}, {id} INTO TEMP copied FROM {person}`,
	`CREATE TABLE copied2 AS TABLE {person}`,
	`CREATE VIEW shown AS SELECT upper({surname}), * FROM {line}, (SELECT {surname} FROM {person}) p`,
	`CREATE MATERIALIZED VIEW kept AS SELECT {surname} FROM {person} WITH DATA`,
	`CREATE INDEX ON {person} ({surname}, lower({surname}) DESC) WHERE {surname} > 'A'`,
	`CREATE UNIQUE INDEX some_name ON public.{person} USING btree ({surname} text_pattern_ops, {id}) INCLUDE (first_name)`,
	`CREATE INDEX ON {person} (({person}.{surname} || 'x')) WHERE {person}.{id} > 1`,
	`INSERT INTO {person} ({id}, {surname}) VALUES (1, 'B') ON CONFLICT ({id}) DO UPDATE SET (first_name, {surname}) = (SELECT excluded.first_name, excluded.{surname}) RETURNING *`,
	`UPDATE {person} SET (first_name, {surname}) = (SELECT a.{surname}, b.{surname} FROM {person} a JOIN {person} b USING ({id}) WHERE {id} = 3) WHERE {id} = 4`,
	`UPDATE archive SET at = 2`,
	`INSERT INTO archive VALUES (3, NULL)`,
	`SET LOCAL work_mem = '1MB'; UPDATE {person} SET {surname} = 'S' WHERE {id} = 1`,
	`SAVEPOINT s; DELETE FROM {person} WHERE {surname} = 'Liskov'; ROLLBACK TO s; UPDATE {person} SET {surname} = 'S' WHERE {id} = 1`,
}

func TestWritingIsTheSameUnderTheOtherNames(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"old", "new"} {
		t.Run("a client of the "+version+" names", func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, version)
			for _, sql := range writingStatements {
				w.check(t, sql)
			}
		})
	}
}

// Statements that PostgreSQL itself rejects in the version's schema: the client must get the same SQLSTATE.
var failingStatements = []string{
	`SELECT {other_surname} FROM {person}`,
	`SELECT p.{other_surname} FROM {person} p`,
	`SELECT {person}.{other_surname} FROM {person}`,
	`SELECT {surname} FROM {other_person}`,
	`SELECT {other_person}.{surname} FROM {person}`,
	`SELECT {person}.{surname} FROM {person} p`,
	`SELECT public.{person}.{surname} FROM {person} p`,
	`SELECT {surname}, g FROM {person} a, (SELECT a.{surname} AS g) s`,
	`SELECT 1 FROM ({person} JOIN pet ON true) AS x WHERE {person}.{surname} = ''`,
	`SELECT 1 FROM ({person} q JOIN pet ON true) AS x WHERE q.{surname} = ''`,
	`SELECT x.{surname} FROM {person} q WHERE EXISTS (SELECT {person}.{surname} FROM pet)`,
	`INSERT INTO {person} ({id}, {surname}) VALUES (1, 'x') ON CONFLICT ({id}) DO UPDATE SET city = '' RETURNING excluded.{surname}`,
	`SELECT {surname} FROM {person} ORDER BY {other_surname}`,
	`SELECT {surname} FROM {person} GROUP BY {other_surname}`,
	`SELECT {surname} FROM {person} WHERE EXISTS (SELECT 1 FROM orders WHERE {other_surname} = note)`,
	`SELECT {surname} FROM {person} a, {person} b`,
	`SELECT {surname} FROM {person} JOIN book b USING ({other_surname})`,
	`SELECT * FROM {person} a JOIN {person} b USING ({other_id}_x)`,
	`SELECT nonsense FROM {person}`,
	`SELECT s.{other_surname} FROM (SELECT {surname} FROM {person}) s`,
	`SELECT {other_surname} FROM (SELECT * FROM {person}) s`,
	`WITH w AS (SELECT * FROM {person}) SELECT w.{other_surname} FROM w`,
	`WITH {other_person} AS (SELECT * FROM {other_person}) SELECT * FROM {other_person}`,
	`WITH a AS (SELECT * FROM pet WHERE id IN (SELECT {id} FROM {other_person})), {other_person} AS (SELECT 1) SELECT 1`,
	`WITH a AS (WITH {other_person} AS (SELECT 1) SELECT 1), b AS (SELECT * FROM {other_person}) SELECT 1`,
	`WITH a AS (SELECT 1) UPDATE {person} SET city = (SELECT 1 FROM {other_person})`,
	`INSERT INTO {person} ({id}, {other_surname}) VALUES (10, 'x')`,
	`INSERT INTO {person} ({id}, {other_surname}) SELECT 1, {other_surname} FROM {person}`,
	`INSERT INTO {other_person} ({id}) VALUES (10)`,
	`INSERT INTO {person} ({id}, {surname}) VALUES (1, 'x') ON CONFLICT ({other_surname}) DO NOTHING`,
	`INSERT INTO {person} ({id}, {surname}) VALUES (1, 'x') ON CONFLICT ({id}) DO UPDATE SET {other_surname} = 'x'`,
	`INSERT INTO {person} ({id}, {surname}) VALUES (1, 'x') ON CONFLICT ({id}) DO UPDATE SET {surname} = excluded.{other_surname}`,
	`INSERT INTO {person} ({id}, {surname}) VALUES (1, 'x') ON CONFLICT ({id}) DO UPDATE SET {surname} = {surname}`,
	`INSERT INTO {person} ({id}, {surname}) VALUES (10, 'x') RETURNING {other_surname}`,
	`UPDATE {person} SET {other_surname} = 'x'`,
	`UPDATE {person} SET {surname} = {other_surname}`,
	`UPDATE {person} SET city = 'x' WHERE {other_surname} = 'x'`,
	`UPDATE {other_person} SET city = 'x'`,
	`SELECT {surname}x FROM {person}`,
	`SELECT p.x{surname}, p.{id} FROM {person} p`,
	`SELECT {surname}, first_nam FROM {person}, pet`,
	`SELECT {surname} FROM {person} WHERE cty = 'x'`,
	`SELECT {surname} FROM {person} a, {person} b WHERE a.{id} = b.{id} AND cyti = 'x'`,
	`SELECT c.{surname} FROM {person} a, {person} b, {person} c WHERE naem = 'x'`,
	`SELECT {surname}, (SELECT nam FROM pet) FROM {person}`,
	`SELECT {surname} FROM {person} WHERE pn.city = p.cty`,
	`SELECT a.naame, {surname} FROM {person} p, pet b, pet a`,
	`SELECT x.{surname} FROM (SELECT {surname}, city FROM {person}) x JOIN pet ON pet.name = x.cit`,
	`UPDATE {person} SET {surname} = {surname}_ WHERE true`,
	`DELETE FROM {person} WHERE {other_surname} = 'x'`,
	`DELETE FROM {other_person}`,
	`DELETE FROM {person} WHERE {id} = 1`,
	`UPDATE {person} SET {id} = 100 WHERE {surname} = 'Lovelace'`,
	`WITH p AS (SELECT {id} FROM {person}) UPDATE orders SET individual_id = 99 FROM p WHERE p.{id} = individual_id`,
	`TRUNCATE {other_person}`,
	`LOCK {other_person}`,
	`COPY {other_person} TO STDOUT`,
	`COPY {person} ({other_surname}) TO STDOUT`,
	`COPY {person} ({other_surname}) TO STDOUT WITH (FORMAT csv, HEADER)`,
	`ANALYZE {person} ({other_surname})`,
	`SELECT first_name FROM {person} UNION SELECT {other_surname} FROM {person}`,
	`SELECT first_name FROM {person} UNION SELECT name FROM pet ORDER BY {surname}`,
	`SELECT p.{surname} FROM {person} p FOR UPDATE OF {person}`,
	`SELECT {other_line}.{qty} FROM {line}`,
	`SELECT {person}.{surname}, first_name FROM {person} WHERE {other_line}.price = 1`,
	`PREPARE q AS SELECT {other_surname} FROM {person}`,
	`DECLARE c CURSOR FOR SELECT {other_surname} FROM {person}`,
	`EXPLAIN SELECT {other_surname} FROM {person}`,
	`CREATE TABLE t2 AS SELECT {other_surname} FROM {person}`,
	`SELECT '{other_line}x'::regclass, {surname} FROM {person}`,
	`SELECT pg_get_serial_sequence('{person}', '{other_surname}')`,
	`INSERT INTO {person} ({id}) VALUES ({surname})`,
	`INSERT INTO {person} ({id}) SELECT p.age FROM pet p WHERE {surname} = 'x'`,
	`SELECT {surname}, f FROM {person} a CROSS JOIN (SELECT {surname} AS f) s`,
	`MERGE INTO {person} USING {person} ON {id} = {id} WHEN MATCHED THEN DO NOTHING`,
	`INSERT INTO {person} ({id}) VALUES (1) ON CONFLICT ({surname}x) DO UPDATE SET {surname} = excluded.{surname}`,
	`INSERT INTO {person} VALUES (1) ON CONFLICT ({id}s) DO NOTHING`,
}

func TestWhatTheVersionLacksFailsAsInPostgres(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"old", "new"} {
		t.Run("a client of the "+version+" names", func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, version)
			for _, sql := range failingStatements {
				w.checkFailure(t, sql)
			}
		})
	}
}
