package rewrite

import "testing"

// What is easily forgotten: clauses and statements that are written seldom, one case for each.
var namedStatements = []string{
	`WITH RECURSIVE t AS (SELECT {id}, parent, {surname} FROM {person} WHERE parent IS NULL UNION ALL SELECT p.{id}, p.parent, p.{surname} FROM {person} p JOIN t ON p.parent = t.{id})
	   SEARCH BREADTH FIRST BY {surname}, {id} SET ord SELECT {surname}, ord IS NOT NULL FROM t ORDER BY ord`,
	`WITH RECURSIVE t (n, boss) AS (SELECT {id}, parent FROM {person} UNION ALL SELECT {id}, parent FROM {person}, t WHERE {id} = boss) CYCLE n SET again TO 'y' DEFAULT 'n' USING way SELECT count(*), again FROM t GROUP BY again ORDER BY 2`,
	`WITH a AS (INSERT INTO {person} ({id}, {surname}) VALUES (90, 'Q') RETURNING *), b AS (UPDATE {line} SET {qty} = 0 RETURNING {qty}) SELECT a.{surname}, b.{qty} FROM a, b`,
	`SELECT p.{surname}, r.* FROM {person} p, LATERAL ROWS FROM (generate_series(1, p.{id}), json_to_recordset('[{"x": 1}]') AS (x int)) WITH ORDINALITY AS r (g, x, o) ORDER BY 1, 2`,
	`SELECT {surname}, f.* FROM {person}, json_to_record(json_build_object('a', {surname})) AS f (a text) ORDER BY 1`,
	`SELECT x.* FROM {person} p, XMLTABLE('/r/v' PASSING XMLPARSE(DOCUMENT '<r><v>' || p.{surname} || '</v></r>') COLUMNS {surname} text PATH '.', n FOR ORDINALITY, d text PATH 'd' DEFAULT p.{surname}) AS x ORDER BY 1`,
	`SELECT x.a FROM {person}, XMLTABLE(XMLNAMESPACES('http://x' AS n), '/r' PASSING (xmlelement(name r, {person}.{surname})) COLUMNS a text PATH '.') AS x (a) ORDER BY 1`,
	`SELECT xmlserialize(content xmlelement(name p, xmlattributes({surname}, {id} AS n), xmlforest(city)) AS text) FROM {person} ORDER BY {id}`,
	`SELECT xmlagg(xmlelement(name x, {surname}) ORDER BY {id}) IS DOCUMENT, xmlpi(name p, max({surname})) IS NOT NULL FROM {person}`,
	`SELECT x.{id} + 0, a.{surname} FROM {person} a JOIN {person} b USING ({id}) AS x JOIN orders o ON o.individual_id = x.{id} ORDER BY order_id`,
	`SELECT ({surname}) FROM (({person} JOIN orders o ON o.individual_id = {person}.{id})) ORDER BY o.order_id`,
	`SELECT p.b, o.note FROM ({person} AS p (a, b) CROSS JOIN orders o) ORDER BY p.a, o.order_id`,
	`SELECT sum({id}) OVER w2, first_value({surname}) OVER (w ORDER BY {surname}) FROM {person} WINDOW w AS (PARTITION BY city), w2 AS (w ORDER BY {id} RANGE UNBOUNDED PRECEDING) ORDER BY 1, 2`,
	`SELECT {surname} FROM {person} ORDER BY {surname} COLLATE "C", ({id} + 1) FETCH FIRST (2) ROWS WITH TIES`,
	`SELECT p.{surname} FROM {person} p JOIN orders o ON o.individual_id = p.{id} ORDER BY o.order_id FOR NO KEY UPDATE OF p SKIP LOCKED FOR KEY SHARE OF o`,
	`SELECT GROUPING({surname}, city), {surname} FROM {person} GROUP BY DISTINCT ROLLUP ({surname}, city), CUBE ({surname}) ORDER BY 1, 2`,
	`SELECT mode() WITHIN GROUP (ORDER BY {surname}), count(*) FILTER (WHERE {surname} > 'H') FROM {person}`,
	`SELECT U&"\0070".{surname}, "p".{surname} FROM {person} AS U&"!0070" UESCAPE '!' ORDER BY 1`,
	`SELECT "p".{surname} FROM "public".{person} AS "p" ORDER BY "p".{id}`,
	`SELECT {surname}, (born, born) OVERLAPS (born, '2020-01-01') FROM {person} ORDER BY 1`,
	`SELECT overlay({surname} PLACING 'x' FROM 1), position('a' IN {surname}), trim(BOTH 'x' FROM {surname}), substring({surname} FROM 1 FOR 2) FROM {person} ORDER BY 1`,
	`INSERT INTO {person} ({id}, {surname}) OVERRIDING SYSTEM VALUE SELECT {id} + 200, {surname} || '9' FROM {person} RETURNING {surname}`,
	`ALTER TABLE {line} ALTER sku SET DEFAULT 'x', ALTER {qty} SET DEFAULT 4; INSERT INTO {line} DEFAULT VALUES ON CONFLICT DO NOTHING RETURNING {qty}, *`,
	`CREATE UNIQUE INDEX low ON {person} (lower({surname})) WHERE {id} > 0; INSERT INTO {person} ({id}, {surname}) VALUES (77, 'TURING') ON CONFLICT (lower({surname})) WHERE {id} > 0 DO UPDATE SET first_name = excluded.{surname} WHERE {person}.{id} < excluded.{id}`,
	`DECLARE c CURSOR FOR SELECT * FROM {person} ORDER BY {surname} FOR UPDATE; FETCH 2 FROM c; UPDATE {person} SET {surname} = {surname} || 'c' WHERE CURRENT OF c; FETCH c; DELETE FROM {person} WHERE CURRENT OF c`,
	`DECLARE c SCROLL CURSOR WITH HOLD FOR SELECT {surname} FROM {person} ORDER BY 1; FETCH LAST c; CLOSE c`,
	`PREPARE q (int) AS SELECT {surname} FROM {person} WHERE {id} = $1; EXECUTE q (2); DEALLOCATE q`,
	`PREPARE q AS UPDATE {person} SET ({surname}, city) = (SELECT upper({surname}), 'x') WHERE {id} = $1 RETURNING {surname}; EXECUTE q (1 + 1); DEALLOCATE q`,
	`ANALYZE {person} ({surname}, {id}), {line} ({qty})`,
	`LOCK TABLE ONLY {person}, public.{line} IN SHARE MODE NOWAIT`,
	`REINDEX (VERBOSE) TABLE {person}`,
	`CREATE INDEX here ON {line} ({qty}); CLUSTER {line} USING here; SELECT {qty} FROM {line} ORDER BY 1`,
	`CREATE MATERIALIZED VIEW m AS SELECT {surname} FROM {person}; REFRESH MATERIALIZED VIEW m`,
	`MERGE INTO {person} t USING (SELECT * FROM {person} WHERE {surname} > 'M') s ON t.{id} = s.{id} + 100 WHEN NOT MATCHED AND s.{surname} <> 'x' THEN INSERT ({surname}, {id}, city) OVERRIDING USER VALUE VALUES (s.{surname} || 'm', s.{id} + 100, DEFAULT) WHEN MATCHED THEN UPDATE SET ({surname}, city) = ROW (s.city, t.{surname})`,
	`WITH s AS (SELECT {id} AS {id}, 'New' AS {surname} FROM {person}) MERGE INTO ONLY {person} USING s ON {person}.{id} = s.{id} WHEN MATCHED AND {person}.{surname} > 'H' THEN UPDATE SET {surname} = s.{surname} || {person}.{id} WHEN MATCHED THEN DO NOTHING`,
	`TRUNCATE ONLY {line}, orders CONTINUE IDENTITY RESTRICT`,
	`SELECT current_setting('search_path') <> '', {surname} FROM {person} ORDER BY 2`,
	`SELECT nextval(pg_get_serial_sequence('orders', 'order_id')) > 0, {surname} FROM {person} ORDER BY 2`,
	`SELECT name FROM pet WHERE id IN (SELECT {id} FROM {person}) OR EXISTS (TABLE {person}) ORDER BY 1`,
}

func TestDifferentialNamedStatements(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"old", "new"} {
		t.Run("a client of the "+version+" names", func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, version)
			for _, sql := range namedStatements {
				w.check(t, sql)
			}
		})
	}
}
