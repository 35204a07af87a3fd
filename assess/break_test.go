package assess

import (
	"strings"
	"testing"
)

func TestForeignTablesThatLeadBackAreFound(t *testing.T) {
	t.Parallel()
	const columns = "id: x\noperations:\n  - rename_column: { table: public.individual, from: last_name, to: surname }\n"
	c := on(t, columns, peopleShop, `CREATE EXTENSION postgres_fdw`, `CREATE SERVER back FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '127.0.0.1')`,
		`CREATE SERVER away FOREIGN DATA WRAPPER postgres_fdw OPTIONS (dbname 'elsewhere')`, `CREATE SCHEMA far`,
		`CREATE FOREIGN TABLE far.named (id int, last_name text) SERVER back OPTIONS (schema_name 'public', table_name 'individual')`,
		`CREATE FOREIGN TABLE far.listed (id int, surname text OPTIONS (column_name 'last_name')) SERVER back OPTIONS (schema_name 'public', table_name 'individual')`,
		`CREATE FOREIGN TABLE far.other (id int, city text) SERVER back OPTIONS (schema_name 'public', table_name 'individual')`,
		`CREATE FOREIGN TABLE far.individual (id int, last_name text) SERVER back`,
		`CREATE FOREIGN TABLE far.away (id int, last_name text) SERVER away OPTIONS (schema_name 'public', table_name 'individual')`)
	objects := []string{"foreign table far.listed", "foreign table far.named"}
	c.remedied(foreignTable, objects, `ALTER FOREIGN TABLE far.listed ALTER COLUMN surname OPTIONS (SET column_name 'surname')`,
		`ALTER FOREIGN TABLE far.named ALTER COLUMN last_name OPTIONS (ADD column_name 'surname')`)
	c.file = people // which renames the table, too
	c.remedied(foreignTable, []string{"foreign table far.listed", "foreign table far.named", "foreign table far.other"},
		`ALTER SERVER back OPTIONS (ADD dbname 'elsewhere')`)
}

func TestFunctionsThatComputeTheirSQLAreFound(t *testing.T) {
	t.Parallel()
	c := on(t, people, peopleShop,
		`CREATE FUNCTION counts(t text) RETURNS bigint LANGUAGE plpgsql AS $$ DECLARE n bigint; BEGIN EXECUTE format('SELECT count(*) FROM %I', t) INTO n; RETURN n; END $$`,
		`CREATE PROCEDURE cleans(t text) LANGUAGE plpgsql AS $$ BEGIN EXECUTE 'TRUNCATE ' || t; END $$`,
		`CREATE FUNCTION constant() RETURNS int LANGUAGE plpgsql AS $$ DECLARE n int; BEGIN EXECUTE 'SELECT 1 FROM page WHERE id = $1' INTO n USING 1; RETURN n; END $$`,
		`CREATE FUNCTION looped() RETURNS int LANGUAGE plpgsql AS $$ DECLARE r record; BEGIN FOR r IN EXECUTE 'SELECT ''it''''s''' LOOP NULL; END LOOP; RETURN 1; END $$`,
		`CREATE PROCEDURE grants() LANGUAGE plpgsql AS $$ BEGIN GRANT EXECUTE ON FUNCTION counts(text) TO PUBLIC; END $$`,
		`CREATE PROCEDURE names(t text) LANGUAGE plpgsql AS $$ BEGIN EXECUTE 'UPDATE ' || t || ' SET last_name = 1'; END $$`) // which is a broken body
	c.file = people + "waive: [{ id: dynamic-sql, object: procedure public.cleans(text), reason: looked at }]\n"
	found := c.remedied(dynamicSQL, []string{"procedure public.cleans(text)", "function public.counts(text)"},
		`CREATE OR REPLACE FUNCTION counts(t text) RETURNS bigint LANGUAGE plpgsql AS $$ BEGIN RETURN (SELECT count(*) FROM page); END $$`, `DROP PROCEDURE cleans`)
	if found[0].Severity != Note || found[0].Waived != "looked at" || found[1].Severity != Warn {
		t.Errorf("with a waiver for one there is %+v", found)
	}
}

// TestJobsOfCronThatHaveTheNamesAreFound has a stand-in for pg_cron, which is not everywhere: its table, as the member of an
// extension of that name.
func TestJobsOfCronThatHaveTheNamesAreFound(t *testing.T) {
	t.Parallel()
	c := on(t, people, peopleShop, `CREATE SCHEMA cron`, `CREATE TABLE cron.job (jobid bigint, schedule text, command text, database text)`,
		`INSERT INTO cron.job VALUES (1, '@daily', 'DELETE FROM Individual WHERE city IS NULL', current_database()), (2, '@daily', 'VACUUM page', current_database()),
			(3, '@daily', 'SELECT last_name FROM individual', 'elsewhere')`)
	if found := c.found(cronJob); len(found) > 0 {
		t.Errorf("a table that anybody could have made is read: %+v", found)
	}
	c.run(`CREATE EXTENSION hstore`, `UPDATE pg_extension SET extname = 'pg_cron' WHERE extname = 'hstore'`, `ALTER EXTENSION pg_cron ADD TABLE cron.job`)
	found := c.remedied(cronJob, []string{"job 1"}, `UPDATE cron.job SET command = 'DELETE FROM person WHERE city IS NULL' WHERE jobid = 1`)
	if !strings.Contains(found[0].Message, "individual") {
		t.Errorf("found %+v", found)
	}
}
