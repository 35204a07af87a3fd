package store_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/seguedb/segue/internal/pgtest"
	"github.com/seguedb/segue/store"
)

// evil makes, in a schema of the current role's, a function that would tell under whose rights it runs.
const evil = `
CREATE SCHEMA lair;
CREATE TABLE lair.caught (who text);
GRANT USAGE ON SCHEMA lair TO PUBLIC; GRANT ALL ON lair.caught TO PUBLIC;
CREATE FUNCTION lair.spring() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN INSERT INTO lair.caught VALUES (current_user); RETURN NEW; END';
CREATE FUNCTION lair.value() RETURNS boolean LANGUAGE plpgsql AS 'BEGIN INSERT INTO lair.caught VALUES (current_user); RETURN true; END';
CREATE FUNCTION lair.same(text) RETURNS text IMMUTABLE LANGUAGE plpgsql AS 'BEGIN INSERT INTO lair.caught VALUES (current_user); RETURN $1; END';
CREATE DOMAIN lair.checked AS text CHECK (lair.value());
`

// forged is a schema as Segue would find it if it had made it.
const forged = `
CREATE SCHEMA segue;
CREATE TABLE segue.format (one boolean PRIMARY KEY DEFAULT true CHECK (one), version integer NOT NULL);
INSERT INTO segue.format (version) VALUES (0);
CREATE TRIGGER t BEFORE INSERT OR UPDATE ON segue.format FOR EACH ROW EXECUTE FUNCTION lair.spring();
`

// guarded runs f with the connection strings of the owner of a new database and of another role, which may make schemas and
// is, with member, a member of the owner's role.
func guarded(t *testing.T, member bool, f func(super *pgx.Conn, owner, other string)) {
	t.Helper()
	super := database(t)
	var db string
	if err := super.QueryRow(ctx, `SELECT current_database()`).Scan(&db); err != nil {
		t.Fatal(err)
	}
	owner, other := "owner_"+db, "other_"+db
	exec(t, super, `CREATE ROLE `+owner, `CREATE ROLE `+other, `GRANT CREATE ON DATABASE `+db+` TO `+owner+`, `+other)
	defer exec(t, super, `RESET ROLE`, `DROP OWNED BY `+owner+` CASCADE`, `DROP OWNED BY `+other+` CASCADE`, `DROP ROLE `+owner+`, `+other)
	if member {
		exec(t, super, `GRANT `+owner+` TO `+other)
	}
	f(super, owner, other)
}

// untouched fails if any of the traps has sprung.
func untouched(t *testing.T, super *pgx.Conn) {
	t.Helper()
	exec(t, super, `RESET ROLE`)
	rows, err := super.Query(ctx, `SELECT who FROM lair.caught`)
	if err != nil {
		t.Fatal(err)
	}
	if who, err := pgx.CollectRows(rows, pgx.RowTo[string]); err != nil || len(who) > 0 {
		t.Errorf("code of somebody else has run as %v, error %v", who, err)
	}
}

func TestASchemaThatSomebodyElseHasMadeIsNotTouched(t *testing.T) {
	t.Parallel()
	for name, schema := range map[string]string{"with tables": forged, "with a view": `CREATE SCHEMA segue; CREATE VIEW segue.format AS SELECT 0 AS version WHERE lair.value()`, "empty": `CREATE SCHEMA segue`} {
		for _, member := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, member %v", name, member), func(t *testing.T) {
				t.Parallel()
				guarded(t, member, func(super *pgx.Conn, owner, other string) {
					exec(t, super, `SET ROLE `+other, evil, schema, `RESET ROLE`)
					check(t, store.Install(ctx, super), "schema segue belongs to another role, "+other+"…")
					if !member { // then the owner is one of the other's
						exec(t, super, `GRANT `+other+` TO `+owner)
					}
					exec(t, super, `SET ROLE `+owner)
					check(t, store.Install(ctx, super), "schema segue belongs to another role, "+other+"…")
					untouched(t, super)
				})
			})
		}
	}
}

func TestWhatAMemberOfTheOwnersRoleHangsOnTheTablesStopsTheStart(t *testing.T) {
	t.Parallel()
	for name, trap := range map[string]struct{ sql, says string }{
		"a trigger":          {`CREATE TRIGGER t BEFORE UPDATE ON segue.epoch FOR EACH ROW EXECUTE FUNCTION lair.spring()`, "…trigger t on table segue.epoch…"},
		"a rule":             {`CREATE RULE r AS ON INSERT TO segue.audit DO ALSO SELECT lair.value()`, "…rule r on table segue.audit…"},
		"a policy":           {`CREATE POLICY p ON segue.migration USING (lair.value())`, "…policy p on table segue.migration…"},
		"row security":       {`ALTER TABLE segue.migration ENABLE ROW LEVEL SECURITY`, "…row security of table segue.migration…"},
		"a default":          {`ALTER TABLE segue.epoch ADD extra boolean DEFAULT lair.value()`, "…function lair.value()…"},
		"a check":            {`ALTER TABLE segue.epoch ADD CHECK (lair.value()) NOT VALID`, "…function lair.value()…"},
		"an index":           {`CREATE INDEX ON segue.migration (lair.same(id))`, "…function lair.same(text)…"},
		"a generated column": {`ALTER TABLE segue.migration ADD extra text GENERATED ALWAYS AS (lair.same(id)) STORED`, "…function lair.same(text)…"},
		"a type":             {`ALTER TABLE segue.migration ADD extra lair.checked`, "…type lair.checked…"},
		"a table":            {`CREATE TABLE segue.mine ()`, "…table segue.mine of role other_…"},
		"a function":         {`CREATE FUNCTION segue.f() RETURNS int LANGUAGE sql AS 'SELECT 1'`, "…function segue.f() of role other_…"},
		"a sequence":         {`CREATE SEQUENCE segue.s`, "…sequence segue.s of role other_…"},
		"an operator":        {`CREATE OPERATOR segue.=== (FUNCTION = int4eq, LEFTARG = int, RIGHTARG = int)`, "…operator segue.===(integer,integer) of role other_…"},
		"an heir":            {`CREATE TABLE lair.heir () INHERITS (segue.audit)`, "…table lair.heir, which inherits from table segue.audit…"},
		"a foreign key":      {`CREATE TABLE lair.child (id text REFERENCES segue.migration ON DELETE CASCADE)`, "…on table lair.child…"},
		"a view instead":     {`DROP TABLE segue.holder; CREATE VIEW segue.holder AS SELECT lair.value()`, "…view segue.holder…"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			guarded(t, true, func(super *pgx.Conn, owner, other string) {
				exec(t, super, `SET ROLE `+owner)
				check(t, store.Install(ctx, super), "")
				exec(t, super, `RESET ROLE`, `SET ROLE `+other, evil)
				exec(t, super, trap.sql)
				exec(t, super, `RESET ROLE`, `DELETE FROM lair.caught`, `SET ROLE `+owner)
				check(t, store.Install(ctx, super), trap.says)
				untouched(t, super)
			})
		})
	}
}

func TestWhatTheOwnerAndSuperusersHaveMadeIsTrusted(t *testing.T) {
	t.Parallel()
	guarded(t, false, func(super *pgx.Conn, owner, _ string) {
		exec(t, super, `SET ROLE `+owner)
		check(t, store.Install(ctx, super), "")
		exec(t, super, `CREATE VIEW segue.mine AS SELECT id FROM segue.migration`, `RESET ROLE`,
			`CREATE VIEW segue.watch AS SELECT count(*) FROM segue.audit`, `SET ROLE `+owner)
		check(t, store.Install(ctx, super), "")
	})
}

func TestDefaultPrivilegesGiveNobodyTheTables(t *testing.T) {
	t.Parallel()
	guarded(t, false, func(super *pgx.Conn, owner, other string) {
		exec(t, super, `SET ROLE `+owner, `ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO `+other+`, PUBLIC`, `ALTER DEFAULT PRIVILEGES GRANT ALL ON SCHEMAS TO `+other)
		check(t, store.Install(ctx, super), "")
		rows, err := super.Query(ctx, `
			SELECT relname::text || ' ' || p FROM pg_class, unnest('{INSERT,UPDATE,DELETE,TRUNCATE,TRIGGER,REFERENCES}'::text[]) AS p
			WHERE relnamespace = 'segue'::regnamespace AND relkind = 'r' AND has_table_privilege($1, oid, p)`, other)
		if err != nil {
			t.Fatal(err)
		}
		if granted, err := pgx.CollectRows(rows, pgx.RowTo[string]); err != nil || len(granted) > 0 {
			t.Errorf("%s may write: %s, error %v", other, strings.Join(granted, ", "), err)
		}
	})
}

func TestTheSchemaIsMadeByOneOfManyAlsoWhereItIsThereEmpty(t *testing.T) {
	t.Parallel()
	url := pgtest.Database(t)
	pgtest.Exec(t, url, `CREATE SCHEMA segue`)
	done := make(chan error)
	for range 6 {
		conn := pgtest.Connect(t, url)
		go func() { done <- store.Install(ctx, conn) }()
	}
	for range 6 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}
