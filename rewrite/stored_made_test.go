package rewrite

import (
	"testing"
)

// What is made through Segue calls its tables by aliases that nobody wrote.
func TestWhatIsMadeAsAVersionIsPrintedAsItWasWritten(t *testing.T) {
	madeAlike(t,
		[]string{
			"CREATE VIEW m1 AS SELECT last_name FROM individual",
			"CREATE VIEW m2 AS SELECT individual.last_name, individual FROM public.individual WHERE individual.id > 1",
			"CREATE VIEW m3 AS SELECT a.last_name FROM individual a JOIN individual ON a.id = individual.id",
			"CREATE VIEW m4 AS SELECT (SELECT max(last_name) FROM individual) AS m, individual.id FROM individual",
			"CREATE VIEW m5 AS SELECT last_name FROM individual UNION SELECT first_name FROM individual JOIN orders ON order_id = id",
			"CREATE VIEW m6 AS SELECT o.order_id FROM orders o WHERE EXISTS (SELECT FROM individual WHERE individual.last_name = o.last_name)",
			"CREATE VIEW m7 AS SELECT last_name, id FROM individual JOIN orders USING (last_name)",
			`CREATE VIEW m8 AS SELECT "Qty" FROM "LineItem" TABLESAMPLE SYSTEM (100)`,
			"CREATE VIEW m9 AS WITH w AS (SELECT last_name FROM individual) SELECT w.last_name, individual.id FROM w, individual, LATERAL (SELECT individual.last_name AS n) l",
			"CREATE VIEW m10 AS SELECT p.last_name FROM individual AS p",
			"CREATE MATERIALIZED VIEW m11 AS SELECT id, last_name FROM individual WITH NO DATA",
			"CREATE RULE mr AS ON INSERT TO orders DO ALSO UPDATE individual SET last_name = new.last_name WHERE individual.id = new.order_id",
			"CREATE RULE md AS ON DELETE TO orders DO ALSO DELETE FROM individual WHERE last_name = old.last_name",
			"CREATE RULE mi AS ON UPDATE TO orders DO ALSO INSERT INTO individual (id, last_name) VALUES (new.order_id, new.last_name)",
			"CREATE FUNCTION mf() RETURNS bigint LANGUAGE sql BEGIN ATOMIC UPDATE individual SET last_name = 'x'; SELECT count(last_name) FROM individual; END",
			"CREATE POLICY mp ON orders USING (EXISTS (SELECT FROM individual WHERE individual.last_name = orders.last_name))",
		},
		[]string{
			"SELECT c.relname, pg_get_viewdef(c.oid) FROM pg_class c WHERE relkind IN ('v', 'm') AND relname ~ '^m[0-9]' ORDER BY c.oid",
			"SELECT c.relname, pg_get_viewdef(c.oid, true) FROM pg_class c WHERE relkind IN ('v', 'm') AND relname ~ '^m[0-9]' ORDER BY c.oid",
			"SELECT rulename, definition FROM pg_rules WHERE rulename ~ '^m[rdi]$' ORDER BY 1",
			"SELECT proname, pg_get_functiondef(oid) FROM pg_proc WHERE proname = 'mf'",
			"SELECT policyname, qual FROM pg_policies WHERE policyname = 'mp'",
		})
}
