-- Definitions of every sort, in the names of base.

CREATE TABLE individual (id int PRIMARY KEY, first_name text, last_name text, city text, "Home" text);
CREATE TABLE orders (order_id int PRIMARY KEY, individual_id int, last_name text, buyer individual, buyers individual[]);
CREATE TABLE "LineItem" ("Qty" int PRIMARY KEY, price int, order_id int);
CREATE TABLE measure (at date NOT NULL, last_value int) PARTITION BY RANGE (at);
CREATE TABLE measure_1 PARTITION OF measure FOR VALUES FROM ('2020-01-01') TO ('2021-01-01');
CREATE TABLE measure_2 PARTITION OF measure FOR VALUES FROM ('2021-01-01') TO ('2022-01-01');
CREATE TABLE by_value ("Qty" int[], last_value int) PARTITION BY LIST (last_value);
CREATE TABLE by_value_1 PARTITION OF by_value FOR VALUES IN (1, NULL);
CREATE TABLE employee (boss int) INHERITS (individual);
CREATE SCHEMA other;
CREATE SEQUENCE other.s;
CREATE TABLE other.individual (last_name text PRIMARY KEY, surname text);
CREATE TABLE other.person (surname text);
CREATE TABLE log (at int, last_name text, surname text);

CREATE VIEW plain AS SELECT last_name FROM individual;
CREATE VIEW labelled AS SELECT last_name AS surname, first_name AS last_name, 'last_name' AS x, city || last_name FROM individual i WHERE last_name <> 'surname';
CREATE VIEW star AS SELECT * FROM individual;
CREATE VIEW aliased AS SELECT * FROM individual AS person(a, surname, last_name);
CREATE VIEW part_aliased AS SELECT i.a, i.last_name, i.city FROM individual i(a);
CREATE VIEW same_aliased AS SELECT individual.last_name FROM individual AS individual;
CREATE VIEW using_name AS SELECT last_name, first_name, order_id FROM individual JOIN orders USING (last_name);
CREATE VIEW using_other AS SELECT * FROM "LineItem" JOIN (SELECT order_id, last_name AS n FROM orders) o USING (order_id);
CREATE VIEW using_twice AS SELECT last_name, i.city, l.at FROM (individual i JOIN orders o USING (last_name)) LEFT JOIN log l USING (last_name);
CREATE VIEW using_natural AS SELECT last_name, order_id, other.individual.surname FROM orders NATURAL JOIN other.individual;
CREATE VIEW using_natural_own AS SELECT o.order_id, last_name, first_name FROM individual NATURAL JOIN orders o;
CREATE VIEW using_full AS SELECT last_name, i.id, o.order_id FROM individual i FULL JOIN orders o USING (last_name) ORDER BY last_name;
CREATE VIEW using_full_more AS SELECT x.last_name AS a, last_name_2.last_name AS b FROM individual x CROSS JOIN (individual i FULL JOIN orders o USING (last_name)) CROSS JOIN log AS last_name_2;
CREATE VIEW named_join AS SELECT j.last_name, j.first_name, j.order_id FROM (individual JOIN "LineItem" ON id = price) j;
CREATE VIEW named_join_using AS SELECT j.* FROM (individual JOIN (SELECT last_name, at FROM log) l USING (last_name)) j;
CREATE VIEW named_join_columns AS SELECT * FROM (individual JOIN log USING (last_name)) j(n, i, f);
CREATE VIEW ordered AS SELECT last_name, first_name AS surname FROM individual ORDER BY individual.last_name DESC, surname;
CREATE VIEW grouped AS SELECT last_name, count(*), max(i.last_name), grouping(city) FROM individual i GROUP BY last_name, ROLLUP (city) HAVING min(last_name) > 'a';
CREATE VIEW distincts AS SELECT DISTINCT ON (last_name) last_name, id FROM individual ORDER BY last_name, id LIMIT 3;
CREATE VIEW windows AS SELECT row_number() OVER w AS n, last_name, sum(id) OVER (PARTITION BY last_name ORDER BY city) FROM individual WINDOW w AS (PARTITION BY last_name);
CREATE VIEW subselect AS SELECT s.last_name, s.n FROM (SELECT last_name, count(*) AS n FROM individual GROUP BY 1) s;
CREATE VIEW scalar AS SELECT order_id, (SELECT last_name FROM individual WHERE id = o.individual_id) AS who, (SELECT max(last_name) FROM individual) FROM orders o;
CREATE VIEW correlated AS SELECT last_name FROM individual WHERE EXISTS (SELECT 1 FROM individual x WHERE x.last_name = individual.last_name AND x.id <> individual.id);
CREATE VIEW correlated_same AS SELECT last_name FROM individual WHERE EXISTS (SELECT 1 FROM individual WHERE last_name = 'x' AND id IN (SELECT individual_id FROM orders));
CREATE VIEW self_join AS SELECT a.last_name, individual.last_name AS other FROM individual a JOIN individual ON individual.id = a.id JOIN other.individual o ON o.last_name = a.last_name;
CREATE VIEW two_of_a_name AS SELECT individual.last_name, i2.surname FROM individual, other.individual i2;
CREATE VIEW takes_the_new_name AS SELECT individual.last_name, person.at, "order"."Qty" FROM individual, log person, "LineItem" "order";
CREATE VIEW takes_it_within AS SELECT last_name FROM individual WHERE id IN (SELECT at FROM log person WHERE person.surname = individual.last_name);
CREATE VIEW other_person AS SELECT person.surname, individual.last_name FROM other.person, individual;
CREATE VIEW with_query AS WITH x AS (SELECT last_name FROM individual), person AS (SELECT 1 AS surname) SELECT x.last_name, person.surname, individual.city FROM x, person, individual;
CREATE VIEW with_columns AS WITH x(last_name, b) AS MATERIALIZED (SELECT last_name, id FROM individual) SELECT x.*, individual.last_name AS own FROM x JOIN individual ON b = id;
CREATE VIEW with_same_name AS WITH individual AS (SELECT last_name FROM individual) SELECT last_name FROM individual;
CREATE VIEW with_new_name AS WITH person AS (SELECT last_name FROM individual) SELECT last_name FROM person;
CREATE RECURSIVE VIEW recursive (id, last_name) AS SELECT id, last_name FROM individual WHERE id = 1 UNION ALL SELECT i.id, i.last_name FROM individual i JOIN recursive r ON i.id = r.id + 1;
CREATE VIEW search_cycle AS WITH RECURSIVE t(n, last_name) AS (SELECT id, last_name FROM individual UNION ALL SELECT i.id, i.last_name FROM individual i, t WHERE i.id = t.n + 1) SEARCH DEPTH FIRST BY last_name SET seen CYCLE n, last_name SET looped USING path SELECT n, last_name, looped FROM t;
CREATE VIEW union_of AS SELECT last_name, id FROM individual UNION ALL SELECT last_name, order_id FROM orders EXCEPT (SELECT first_name, id FROM individual WHERE last_name = 'x' ORDER BY last_name LIMIT 1) ORDER BY 1;
CREATE VIEW values_joined AS SELECT v.column2, last_name FROM individual JOIN (VALUES (1, 'last_name'), (2, 'b')) v ON v.column1 = id;
CREATE VIEW lateral_join AS SELECT i.last_name, l.n FROM individual i, LATERAL (SELECT count(*) AS n FROM orders WHERE orders.last_name = i.last_name) l;
CREATE VIEW functions_in_from AS SELECT i.last_name, g.g, u.last_name AS e FROM individual i, generate_series(1, i.id) g, unnest(ARRAY[i.last_name]) WITH ORDINALITY u(last_name, o);
CREATE VIEW whole_row AS SELECT individual, individual.last_name, to_json(individual) AS j, row(individual.*) IS NULL AS r FROM individual;
CREATE VIEW whole_row_null AS SELECT i IS NULL AS n, (i).last_name, count(i) OVER () FROM individual i;
CREATE VIEW fields AS SELECT (buyer).last_name, (o.buyers[1]).last_name AS first, o.last_name AS own FROM orders o WHERE (o.buyer).last_name = 'x';
CREATE VIEW casts AS SELECT ROW(1, 'a', 'b', 'c', 'd')::individual AS i, NULL::individual[] AS a, 'individual'::regclass AS c, 'public.individual'::regtype AS t, nextval('other.s'::regclass)
  FROM (SELECT 1) x WHERE false;
CREATE VIEW sampled AS SELECT last_name FROM individual TABLESAMPLE bernoulli (10) REPEATABLE (1);
CREATE VIEW only_one AS SELECT last_name FROM ONLY individual;
CREATE VIEW checked WITH (security_barrier) AS SELECT id, last_name FROM individual WHERE last_name LIKE 'a%' WITH LOCAL CHECK OPTION;
CREATE VIEW on_view AS SELECT p.last_name, star.last_name AS l FROM plain p JOIN star ON star.last_name = p.last_name JOIN individual i ON i.last_name = p.last_name;
CREATE VIEW quoted AS SELECT "Qty", "LineItem"."Qty" + 1 AS "last_value", "Home" FROM "LineItem", individual;
CREATE VIEW of_partitions AS SELECT m.last_value, measure_1.last_value AS one FROM measure m, measure_1, ONLY measure_2;
CREATE VIEW of_children AS SELECT employee.last_name, boss FROM employee;
CREATE VIEW xml_and_case AS SELECT xmlforest(last_name, city AS last_name) AS f, CASE last_name WHEN 'a' THEN last_name ELSE city END, COALESCE(last_name, city), last_name COLLATE "C" AS c, last_name::varchar(3) FROM individual;
CREATE VIEW filtered AS SELECT count(*) FILTER (WHERE last_name = 'a') AS n, string_agg(last_name, ',' ORDER BY last_name), percentile_disc(0.5) WITHIN GROUP (ORDER BY last_name) FROM individual;
CREATE VIEW operators AS SELECT (last_name, city) = ('a', 'b') AS r, last_name IN ('a', 'b') AS i, last_name = ANY (SELECT last_name FROM orders) AS a, (last_name, id) IN (SELECT last_name, order_id FROM orders) AS s, ARRAY(SELECT last_name FROM individual) AS l FROM individual;
CREATE VIEW locked AS SELECT last_name FROM individual FOR UPDATE OF individual;
CREATE VIEW unrelated AS SELECT surname, last_name FROM log;
CREATE MATERIALIZED VIEW kept AS SELECT last_name, id FROM individual;

CREATE RULE also AS ON UPDATE TO individual WHERE old.last_name <> new.last_name DO ALSO INSERT INTO log (at, last_name) VALUES (new.id, old.last_name);
CREATE RULE nothing AS ON DELETE TO individual WHERE last_name = 'x' DO INSTEAD NOTHING;
CREATE RULE several AS ON UPDATE TO log DO ALSO (UPDATE individual SET last_name = new.last_name, city = 'x' WHERE individual.last_name = new.surname; DELETE FROM individual i USING orders o WHERE i.last_name = o.last_name AND o.order_id = new.at; NOTIFY last_name);
CREATE RULE writes AS ON INSERT TO plain DO INSTEAD INSERT INTO individual (id, last_name) VALUES (1, new.last_name) ON CONFLICT (id) DO UPDATE SET last_name = excluded.last_name || individual.last_name WHERE individual.last_name <> excluded.first_name RETURNING individual.last_name;
CREATE RULE writes_select AS ON UPDATE TO plain DO INSTEAD INSERT INTO individual (last_name, id) SELECT new.last_name, i.id FROM individual i WHERE i.last_name = old.last_name;
CREATE RULE writes_alias AS ON DELETE TO plain DO INSTEAD (UPDATE individual AS p SET last_name = NULL, (first_name, city) = (SELECT last_name, 'c' FROM orders WHERE p.last_name = old.last_name LIMIT 1) RETURNING last_name; UPDATE orders SET buyer.last_name = old.last_name);
CREATE RULE writes_elements AS ON UPDATE TO by_value DO INSTEAD UPDATE by_value_1 t SET ("Qty"[1], last_value) = (SELECT new.last_value, new."Qty"[2]) WHERE t."Qty"[new.last_value] = 1 RETURNING new.*;
CREATE RULE writes_fields AS ON INSERT TO log DO ALSO INSERT INTO orders (buyer.last_name, buyers[1].last_name, buyers[2].city) VALUES (new.last_name, 'a', 'b'), (new.surname, 'c', 'd');
CREATE RULE writes_field AS ON DELETE TO orders DO INSTEAD UPDATE orders SET buyers[1].last_name = (orders.buyers[1]).last_name || (old.buyer).last_name WHERE (orders.buyers[1]).id = 1;
CREATE RULE reads AS ON INSERT TO measure DO ALSO SELECT new.last_value, measure.last_value FROM measure;

CREATE FUNCTION named_as(id int) RETURNS SETOF individual BEGIN ATOMIC SELECT * FROM individual WHERE individual.id = named_as.id AND last_name IS NOT NULL; END;
CREATE FUNCTION takes(p individual, last_name text DEFAULT 'last_name') RETURNS text RETURN (p).last_name || last_name;
CREATE FUNCTION several(p individual, OUT last_name text, OUT i individual) BEGIN ATOMIC INSERT INTO orders (last_name) SELECT x.last_name FROM individual x; UPDATE individual SET last_name = (p).last_name WHERE last_name = 'z'; SELECT p.last_name, p; END;
CREATE FUNCTION in_text(p individual[]) RETURNS individual LANGUAGE plpgsql AS 'BEGIN RETURN (SELECT last_name FROM individual); END';
CREATE PROCEDURE does(last_name text) BEGIN ATOMIC DELETE FROM individual WHERE individual.last_name = does.last_name; END;
CREATE FUNCTION gives() RETURNS TABLE (last_name text, n individual) BEGIN ATOMIC SELECT i.last_name, i FROM individual i; END;
CREATE VIEW called AS SELECT (named_as(1)).last_name, f.last_name AS l, takes(i) FROM named_as(2) f, individual i;

ALTER TABLE individual ENABLE ROW LEVEL SECURITY;
CREATE POLICY simple ON individual USING (last_name = CURRENT_USER);
CREATE POLICY looks ON individual USING (EXISTS (SELECT 1 FROM orders WHERE orders.last_name = individual.last_name) AND last_name <> '') WITH CHECK (last_name IN (SELECT last_name FROM individual i));
CREATE POLICY exists ON individual USING (EXISTS (SELECT FROM orders WHERE orders.last_name = individual.last_name)) WITH CHECK (last_name <> 'SELECT');
CREATE POLICY elsewhere ON orders USING (last_name IN (SELECT i.last_name FROM individual i WHERE i.id = individual_id));
CREATE FUNCTION merges(last_value int) RETURNS void BEGIN ATOMIC
  WITH x AS (SELECT last_name FROM individual) MERGE INTO employee USING (x JOIN individual USING (last_name)) s ON s.last_name = employee.last_name AND s.id = merges.last_value
    WHEN MATCHED AND s.city = employee.last_name THEN UPDATE SET last_name = upper(employee.last_name), city = s.last_name
    WHEN MATCHED THEN DELETE WHEN NOT MATCHED AND s.last_name <> '' THEN INSERT (id, last_name) VALUES (s.id, s.last_name) WHEN NOT MATCHED THEN DO NOTHING;
  MERGE INTO by_value_1 b USING measure y ON b.last_value = y.last_value WHEN MATCHED THEN UPDATE SET "Qty"[y.last_value] = b."Qty"[1], last_value = DEFAULT WHEN NOT MATCHED THEN INSERT DEFAULT VALUES;
  MERGE INTO ONLY "LineItem" USING individual ON "Qty" = id WHEN NOT MATCHED THEN INSERT (price, "Qty") VALUES (length(last_name), 1);
END;
