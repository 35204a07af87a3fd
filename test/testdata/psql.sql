\set SHOW_CONTEXT always
-- plain reading
SELECT * FROM {{.Table}} ORDER BY id;
TABLE {{.Table}};
SELECT {{.Column}}, upper({{.Column}}), p.{{.Column}} || ', ' || first_name AS full_name FROM {{.Table}} p ORDER BY {{.Column}};
SELECT p.*, o.item FROM {{.Table}} p JOIN orders o ON o.person_id = p.id ORDER BY o.id;
SELECT {{.Table}}.{{.Column}}, count(*) FROM {{.Table}} JOIN orders ON person_id = {{.Table}}.id GROUP BY {{.Table}}.id HAVING count(*) > 1;
WITH w AS (SELECT {{.Column}} FROM {{.Table}} WHERE city IS NOT NULL) SELECT * FROM w ORDER BY 1;
SELECT {{.Column}} FROM {{.Table}} UNION ALL SELECT item FROM orders ORDER BY {{.Column}};
SELECT (SELECT {{.Column}} FROM {{.Table}} WHERE id = o.person_id) FROM orders o ORDER BY o.id;
SELECT {{.Column}}, row_number() OVER (PARTITION BY city ORDER BY {{.Column}}) FROM {{.Table}} ORDER BY 1;
-- writing
INSERT INTO {{.Table}} (first_name, {{.Column}}) VALUES ('Donald', 'Knuth') RETURNING *;
INSERT INTO {{.Table}} VALUES (3, 'Edsger W.', 'Dijkstra') ON CONFLICT (id) DO UPDATE SET {{.Column}} = excluded.{{.Column}} || '!', first_name = excluded.first_name RETURNING {{.Column}}, first_name;
UPDATE {{.Table}} SET {{.Column}} = {{.Column}} || o.item FROM orders o WHERE o.person_id = {{.Table}}.id AND o.item = 'chalk' RETURNING {{.Table}}.*;
DELETE FROM {{.Table}} USING orders WHERE {{.Table}}.{{.Column}} = 'Knuth' RETURNING {{.Column}};
UPDATE orders SET last_name = (SELECT {{.Column}} FROM {{.Table}} WHERE id = person_id);
SELECT * FROM orders ORDER BY id;
-- errors, each with its place
SELECT nonsense FROM {{.Table}};
SELECT 'äöü', nothing.{{.Column}} FROM {{.Table}} WHERE id = 1;
SELECT id,
       {{.Column}} +
       1
FROM {{.Table}};
INSERT INTO {{.Table}} (first_name, {{.Column}}) VALUES ('Nobody', '');
INSERT INTO {{.Table}} (first_name) VALUES ('Nobody');
SELECT * FROM {{.Table}} WHERE;
-- several statements in one message, and what an error in the middle leaves
SELECT 1 AS one\; SELECT {{.Column}} FROM {{.Table}} WHERE id = 1\; SELECT count(*) FROM orders;
INSERT INTO orders (person_id, item) VALUES (1, 'lost')\; SELECT {{.Column}} / 0 FROM {{.Table}}\; SELECT 3;
SELECT count(*) FROM orders WHERE item = 'lost';
-- transactions
BEGIN;
UPDATE {{.Table}} SET {{.Column}} = 'Byron' WHERE id = 1;
SAVEPOINT s;
SELECT no_such_column FROM {{.Table}};
SELECT {{.Column}} FROM {{.Table}} WHERE id = 1;
ROLLBACK TO s;
SELECT {{.Column}} FROM {{.Table}} WHERE id = 1;
ROLLBACK;
SELECT {{.Column}} FROM {{.Table}} WHERE id = 1;
-- cursors
BEGIN;
DECLARE c SCROLL CURSOR FOR SELECT {{.Column}}, first_name FROM {{.Table}} ORDER BY id;
FETCH 2 FROM c;
MOVE LAST FROM c;
FETCH BACKWARD 1 FROM c;
COMMIT;
\set FETCH_COUNT 2
SELECT id, {{.Column}} FROM {{.Table}} ORDER BY id;
\unset FETCH_COUNT
-- variables, prepared statements and what psql does by itself
SELECT {{.Column}} AS name, id FROM {{.Table}} WHERE id = 2 \gset got_
\echo :got_name :got_id
SELECT {{.Column}} FROM {{.Table}} WHERE {{.Column}} = :'got_name';
SELECT id, {{.Column}} FROM {{.Table}} WHERE id < 3 ORDER BY id \gdesc
PREPARE by_name(text) AS SELECT id, {{.Column}} FROM {{.Table}} WHERE {{.Column}} = $1;
EXECUTE by_name('Hopper');
DEALLOCATE by_name;
SELECT id, city, {{.Column}} FROM {{.Table}} WHERE city IS NOT NULL ORDER BY 1 \crosstabview id city {{.Column}}
SELECT format('SELECT %L, {{.Column}} FROM {{.Table}} WHERE id = %s', id, id) FROM {{.Table}} WHERE id < 3 ORDER BY id \gexec
-- copying
\copy {{.Table}} (id, {{.Column}}) to stdout
\copy {{.Table}} to stdout with (format csv)
\copy (SELECT {{.Column}} FROM {{.Table}} ORDER BY id) to stdout with (format csv, header)
\copy {{.Table}} (first_name, {{.Column}}) from stdin
Alan	Turing
John	Backus
\.
\copy {{.Table}} (first_name, {{.Column}}) from stdin with (format csv)
Tony,"Hoare, Sir"
\.
\copy {{.Table}} (first_name, {{.Column}}) from stdin
Nobody
\.
COPY {{.Table}} ({{.Column}}, id) TO STDOUT WHERE false;
SELECT first_name, {{.Column}} FROM {{.Table}} ORDER BY first_name;
EXPLAIN (COSTS OFF) SELECT 1 FROM orders;
