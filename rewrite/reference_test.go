package rewrite

import (
	"testing"

	"github.com/seguedb/segue/internal/pgtest"
)

func TestWhatCannotBeReferredToIsSaidInPostgresWords(t *testing.T) {
	sameForVersions(t, oidAliasSchema, unreachable)
}

func TestARowIsWrittenAsAFunctionOfItAndTheOtherWayRound(t *testing.T) {
	sameForVersions(t, oidAliasSchema, functionalNotation)
}

func TestTheOwnDatabaseMayStandBeforeTheSchema(t *testing.T) {
	t.Parallel()
	url := pgtest.Database(t)
	pgtest.Exec(t, url, introspectionSchema)
	d := &introspected{conn: pgtest.Connect(t, url)}
	var database string
	if err := d.conn.QueryRow(t.Context(), "SELECT quote_ident(current_database())").Scan(&database); err != nil {
		t.Fatal(err)
	}
	queries := []string{
		"SELECT " + database + ".public.individual.last_name FROM individual ORDER BY id",
		"SELECT " + database + ".public.individual.* FROM " + database + ".public.individual ORDER BY id",
		"SELECT '" + database + ".public.individual'::regtype::text",
	}
	var want []string
	for _, q := range queries {
		want = append(want, d.seen(t, q, nil))
	}
	pgtest.Exec(t, url, introspectionRenames)
	d.as(t, "base")
	for i, q := range queries {
		if got := d.seen(t, q, d.rewritten(t, q)); got != want[i] {
			t.Errorf("%s\nis seen as %s\ninstead of %s", q, got, want[i])
		}
	}
}

// unreachable name what is not there, or cannot be seen from where they stand (errorMissingRTE, transformColumnRef), and some
// things that can.
var unreachable = []string{
	`SELECT x.last_name FROM {individual}`,
	`SELECT {individual}.id FROM {individual} p`,
	`SELECT p.id FROM {individual} q`,
	`SELECT public.{individual}.id FROM {individual} p`,
	`SELECT public.{individual}.{last_name} FROM {individual}`,
	`SELECT other.individual.{last_name} FROM {individual}`,
	`SELECT nodb.public.{individual}.{last_name} FROM {individual}`,
	`SELECT nodb.public.{individual}.* FROM {individual}`,
	`SELECT 1 FROM nodb.public.{individual}`,
	`SELECT 1 FROM a.b.public.{individual}`,
	`SELECT a.b.public.{individual}.id FROM {individual}`,
	`UPDATE nodb.public.{individual} SET {last_name} = ''`,
	`INSERT INTO nodb.public.{individual} (id) VALUES (1)`,
	`DELETE FROM nodb.public.{individual}`,
	`TRUNCATE nodb.public.{individual}`,
	`LOCK nodb.public.{individual}`,
	`COPY nodb.public.{individual} TO STDOUT`,
	`SELECT 'nodb.public.{individual}'::regclass`,
	`SELECT to_regclass('nodb.public.{individual}')`,
	`SELECT 'nodb.public.{individual}'::regtype`,
	`ALTER TABLE nodb.public.{individual} ADD x int`,
	`CREATE INDEX ON nodb.public.{individual} (id)`,
	`SELECT NULL::nodb.public.{individual}`,
	`SELECT * FROM {individual} p, (SELECT p.id) q`,
	`SELECT * FROM {individual} p JOIN (SELECT p.id) q ON true`,
	`SELECT * FROM {individual} p JOIN LATERAL (SELECT o.order_id) q ON true JOIN orders o ON true`,
	`SELECT * FROM orders o FULL JOIN LATERAL (SELECT o.order_id) q ON true`,
	`SELECT * FROM {individual} p RIGHT JOIN LATERAL (SELECT p.id) q ON true`,
	`SELECT * FROM {individual} p LEFT JOIN orders o ON x.id = 1 JOIN orders x ON true`,
	`SELECT * FROM orders a, {individual} b JOIN orders c ON a.order_id = c.order_id`,
	`SELECT * FROM orders a, {individual} b JOIN orders c ON {individual}.id = c.order_id`,
	`UPDATE {individual} p SET {last_name} = '' WHERE {individual}.id = 1`,
	`UPDATE {individual} SET {last_name} = '' FROM (SELECT {individual}.id) q`,
	`UPDATE {individual} p SET {last_name} = x.y FROM LATERAL (SELECT p.id) x(y)`,
	`UPDATE {individual} SET {individual}.{last_name} = ''`,
	`DELETE FROM {individual} p USING orders WHERE {individual}.id = 1`,
	`DELETE FROM {individual} USING (SELECT {individual}.id) q`,
	`INSERT INTO {individual} (id) VALUES ({individual}.id)`,
	`INSERT INTO {individual} (id) SELECT {individual}.id`,
	`INSERT INTO {individual} AS p (id) VALUES (1) RETURNING {individual}.id`,
	`INSERT INTO {individual} (id) VALUES (1) ON CONFLICT (id) DO UPDATE SET {last_name} = p.{last_name}`,
	`INSERT INTO {individual} (id) VALUES (1) ON CONFLICT (id) DO NOTHING RETURNING excluded.id`,
	`SELECT id FROM (SELECT id FROM {individual}) q WHERE {individual}.id = 1`,
	`SELECT 1 FROM {individual} WHERE EXISTS (SELECT 1 FROM orders o) AND o.order_id = 1`,
	`WITH c AS (SELECT 1 AS x) SELECT c.x FROM {individual}`,
	`WITH c AS (SELECT 1 AS x) SELECT c.x FROM c d`,
	`WITH c AS (SELECT {individual}.id) SELECT c.id FROM {individual}, c`,
	`SELECT (SELECT {individual}.id FROM orders {individual}) FROM {individual} p LIMIT 0`,
	`SELECT {last_name}.x FROM {individual}`,
	`SELECT ({individual}.nosuch).x FROM {individual}`,
	`SELECT p.{individual} FROM {individual} p`,
	`SELECT {individual} FROM {individual} p`,
	`SELECT {individual}.* FROM {individual} p`,
	`SELECT count({individual}.*) FROM {individual} p`,
	`SELECT a.id FROM {individual} a JOIN {individual} a ON true`,
	`SELECT a.id FROM {individual} a, orders a`,
	`SELECT j.id FROM ({individual} p JOIN orders o ON true) j LIMIT 0`,
	`SELECT p.id FROM ({individual} p JOIN orders o ON true) j LIMIT 0`,
	`SELECT 1 FROM {individual} ORDER BY x.id`,
	`SELECT 1 FROM {individual} GROUP BY p.id`,
	`SELECT 1 FROM {individual} HAVING p.id = 1`,
	`SELECT 1 FROM {individual} FOR UPDATE OF p`,
	`SELECT 1 FROM {individual} p FOR UPDATE OF {individual}`,
	`SELECT 1 FROM {individual} UNION SELECT 1 FROM orders ORDER BY {individual}.id`,
	`SELECT {last_name} FROM {individual} UNION SELECT 'x' ORDER BY {individual}.{last_name}`,
	`MERGE INTO {individual} p USING orders o ON {individual}.id = o.order_id WHEN MATCHED THEN DO NOTHING`,
	`MERGE INTO {individual} p USING orders o ON p.id = o.order_id WHEN NOT MATCHED THEN INSERT (id) VALUES (p.id)`,
	`MERGE INTO {individual} p USING orders o ON p.id = o.order_id WHEN NOT MATCHED THEN INSERT (id) VALUES ({individual}.id)`,
	`SELECT person.id FROM {individual} LIMIT 0`,
	`SELECT individual.id FROM {individual} LIMIT 0`,
	`SELECT public.person.id FROM {individual} LIMIT 0`,
	`SELECT public.individual.id FROM {individual} LIMIT 0`,
	`SELECT person.id FROM orders`,
	`SELECT individual.id FROM orders`,
	`SELECT nodb.public.{individual}.id FROM {individual} WHERE nodb.public.{individual}.{last_name} = ''`,
	`SELECT count(nodb.public.{individual}.*) FROM {individual}`,
	`SELECT nodb.public.nosuch.id FROM {individual}`,
	`SELECT nodb.public.{individual}.nosuch FROM {individual}`,
	`UPDATE {individual} SET {last_name} = nodb.public.{individual}.city`,
	`SELECT 1 FROM {individual} ORDER BY nodb.public.{individual}.id`,
}

// functionalNotation writes fields of rows and functions of rows in both ways, and rows as values where they are ordered and
// grouped by.
var functionalNotation = []string{
	`SELECT count({individual}) FROM {individual}`,
	`SELECT {individual}.count FROM {individual}`,
	`SELECT ({individual}).count FROM {individual}`,
	`SELECT count({individual}.*) FROM {individual}`,
	`SELECT count((p)) FROM {individual} p`,
	`SELECT count(p.*) FROM {individual} p`,
	`SELECT p.count FROM {individual} p`,
	`SELECT (p).count FROM {individual} p`,
	`SELECT (p.*).count FROM {individual} p`,
	`SELECT short(p) FROM {individual} p LIMIT 1`,
	`SELECT p.short FROM {individual} p LIMIT 1`,
	`SELECT (p).short FROM {individual} p LIMIT 1`,
	`SELECT (p.*).short FROM {individual} p LIMIT 1`,
	`SELECT short(p.*) FROM {individual} p LIMIT 1`,
	`SELECT {individual}.short FROM {individual} LIMIT 1`,
	`SELECT public.{individual}.short FROM {individual} LIMIT 1`,
	`SELECT public.short(p) FROM {individual} p LIMIT 1`,
	`SELECT {last_name}(p) FROM {individual} p ORDER BY 1 LIMIT 1`,
	`SELECT {last_name}({individual}) FROM {individual} ORDER BY 1 LIMIT 1`,
	`SELECT {last_name}(p.*) FROM {individual} p ORDER BY 1 LIMIT 1`,
	`SELECT ({individual}).{last_name} FROM {individual} ORDER BY 1 LIMIT 1`,
	`SELECT (p.*).{last_name} FROM {individual} p ORDER BY 1 LIMIT 1`,
	`SELECT first_name(p), id(p) FROM {individual} p ORDER BY 2 LIMIT 1`,
	`SELECT nosuch({individual}) FROM {individual}`,
	`SELECT last_name(p) FROM {individual} p ORDER BY 1 LIMIT 1`,
	`SELECT surname(p) FROM {individual} p ORDER BY 1 LIMIT 1`,
	`SELECT p.last_name FROM {individual} p ORDER BY 1 LIMIT 1`,
	`SELECT (p).surname FROM {individual} p ORDER BY 1 LIMIT 1`,
	`SELECT max(p.{last_name}), max({last_name}(p)), max((p).{last_name}) FROM {individual} p`,
	`SELECT upper({last_name}(p)) FROM {individual} p ORDER BY {last_name}(p) LIMIT 1`,
	`SELECT id FROM {individual} ORDER BY {individual} LIMIT 2`,
	`SELECT id FROM {individual} p ORDER BY p DESC LIMIT 2`,
	`SELECT count(*) FROM {individual} GROUP BY {individual} LIMIT 1`,
	`SELECT p, count(*) FROM {individual} p GROUP BY p ORDER BY p LIMIT 1`,
	`SELECT {individual} FROM {individual} GROUP BY {individual} ORDER BY 1 LIMIT 1`,
	`SELECT DISTINCT {individual} FROM {individual} ORDER BY {individual} LIMIT 1`,
	`SELECT {individual} FROM {individual} ORDER BY id LIMIT 1`,
	`SELECT {individual} AS x FROM {individual} ORDER BY x LIMIT 1`,
	`SELECT DISTINCT ON ({individual}) id FROM {individual} ORDER BY {individual}, id LIMIT 1`,
	`SELECT count(DISTINCT {individual}) FROM {individual}`,
	`SELECT id FROM {individual} WHERE {individual} IS NOT NULL LIMIT 0`,
	`SELECT id FROM {individual} WHERE {individual} = (SELECT p FROM {individual} p WHERE id = 2)`,
	`SELECT row_number() OVER (ORDER BY {individual}) FROM {individual} LIMIT 1`,
	`SELECT array_agg({individual} ORDER BY {individual}) IS NULL FROM {individual}`,
	`SELECT ({individual}).id FROM {individual} ORDER BY ({individual}).{last_name} LIMIT 1`,
	`SELECT ({last_name}(p)) FROM {individual} p WHERE {last_name}(p) = 'l3'`,
	`SELECT to_json(p)->>'{last_name}' FROM {individual} p WHERE id = 1`,
	`SELECT row_to_json({individual}.*) FROM {individual} WHERE id = 1`,
	`SELECT {individual}.text FROM {individual} WHERE id = 1`,
	`SELECT text({individual}) FROM {individual} WHERE id = 1`,
	`SELECT {individual}.name FROM {individual} WHERE id = 1`,
	`SELECT length({individual}::text) FROM {individual} WHERE id = 1`,
	`SELECT id({individual}), tableoid({individual}) > 0 FROM {individual} LIMIT 1`,
	`SELECT ctid({individual}) IS NULL FROM {individual} LIMIT 1`,
	`SELECT (buyer).{last_name}, {last_name}(buyer), buyer FROM orders`,
	`SELECT {last_name}(buyers[1]), (buyers[1]).{last_name} FROM orders`,
	`SELECT short(buyer), (buyer).short FROM orders`,
}
