package resolve_test

import (
	"context"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/seguedb/segue/change"
	"github.com/seguedb/segue/change/resolve"
	"github.com/seguedb/segue/internal/pgtest"
)

// What a role owns that may do less than the role of the instance is not run by the triggers of a change, nor for the rows that
// are filled: as a superuser's, as a plain owner's, and as that of one who is a member of the other role.
func TestCodeOfRolesThatMayDoLessIsRefused(t *testing.T) {
	t.Parallel()
	super := database(t)
	parsed, err := pgx.ParseConfig(super)
	if err != nil {
		t.Fatal(err)
	}
	other, owner, member := "other_"+parsed.Database, "owner_"+parsed.Database, "member_"+parsed.Database
	pgtest.Exec(t, super, `CREATE ROLE `+other, `CREATE ROLE `+owner, `CREATE ROLE `+member+` IN ROLE `+other,
		`GRANT ALL ON SCHEMA public, segue TO `+other+`, `+owner+`, `+member,
		`CREATE FUNCTION theirs(int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT $1'; ALTER FUNCTION theirs(int) OWNER TO `+other,
		`CREATE FUNCTION theirs(int, int) RETURNS boolean IMMUTABLE LANGUAGE sql AS 'SELECT $1 = $2'; ALTER FUNCTION theirs(int, int) OWNER TO `+other,
		`CREATE OPERATOR === (LEFTARG = int, RIGHTARG = int, FUNCTION = theirs)`,
		`CREATE DOMAIN theirdomain AS int; ALTER DOMAIN theirdomain OWNER TO `+other, `CREATE DOMAIN byoperator AS int CHECK (VALUE === 1)`,
		`CREATE DOMAIN ourdomain AS int CHECK (theirs(VALUE) > 0)`, `CREATE DOMAIN harmless AS int CHECK (VALUE > 0)`,
		`CREATE TYPE pair AS (a text, b theirdomain[])`)
	t.Cleanup(func() {
		pgtest.Exec(t, super, `DROP OWNED BY `+other+`, `+owner+`, `+member+` CASCADE`, `DROP ROLE `+other+`, `+owner+`, `+member)
	})
	plain := column("integer", "bigint", "a", "b::integer")
	defaulting := func(value string) change.Change {
		c := column("integer", "bigint", "a", "b::integer")
		c.New[0].Default = value
		return c
	}
	for name, c := range map[string]struct {
		table  string
		change change.Change
		want   string // "": it is not refused
	}{
		"a function in an expression":      {"a int", column("integer", "bigint", "theirs(a)", "b::integer"), "belongs to another role"},
		"a domain in an expression":        {"a int", column("integer", "bigint", "a::theirdomain", "b::integer"), "belongs to another role"},
		"a domain of the old side":         {"a theirdomain", plain, "belongs to another role"},
		"a domain of the new side":         {"a int", column("integer", "theirdomain", "a", "b::integer"), "belongs to another role"},
		"a domain within a composite type": {"a pair", column("pair", "text", "a::text", "b::pair"), "belongs to another role"},
		"a function in a domain's CHECK":   {"a ourdomain", plain, "belongs to another role"},
		"a function in a default":          {"a int DEFAULT theirs(1)", plain, "belongs to another role"},
		"a function in a CHECK":            {"a int, c int CHECK (theirs(c) > 0)", plain, "would run for every row"},
		"a function in an index":           {"a int, c int); CREATE INDEX ON t (theirs(c)", plain, "would run for every row"},
		"a function in an index predicate": {"a int, c int); CREATE INDEX ON t (c) WHERE (theirs(c) > 0", plain, "would run for every row"},
		"a function in a generated column": {"a int, c int, d int GENERATED ALWAYS AS (theirs(c)) STORED", plain, "would run for every row"},
		"an operator in a CHECK":           {"a int, c int CHECK (c === 1)", plain, "would run for every row"},
		"a domain in a CHECK":              {"a int, c int CHECK (c::theirdomain > 0)", plain, "would run for every row"},
		"an operator in a domain's CHECK":  {"a byoperator", plain, "belongs to another role"},
		"a function in a partition key":    {"a int, c int) PARTITION BY RANGE (theirs(c)", plain, "would run for every row"},
		"a function in statistics":         {"a int, c int); CREATE STATISTICS s ON a, (theirs(c)) FROM t; SELECT (1", plain, "would run for every row"},
		"a function in a new default":      {"a int", defaulting("theirs(1)"), "belongs to another role"},
		"a domain of a superuser":          {"a harmless, c int CHECK (twice(c) > 0)", plain, ""},
	} {
		for role, reset := range map[string]string{"a superuser": "RESET ROLE", "the owner": "SET ROLE " + owner, "a member of the other role": "SET ROLE " + member} {
			t.Run(name+", as "+role, func(t *testing.T) {
				ctx, conn := context.Background(), pgtest.Connect(t, super)
				if strings.HasSuffix(name, "in statistics") && conn.PgConn().ParameterStatus("server_version") < "14" {
					t.Skip("statistics have no expressions before PostgreSQL 14")
				}
				tx, err := conn.Begin(ctx)
				if err != nil {
					t.Fatal(err)
				}
				defer tx.Rollback(ctx)
				if _, err := tx.Exec(ctx, reset+"; CREATE TABLE t ("+c.table+")"); err != nil {
					t.Fatal(err)
				}
				got, err := resolve.Table(ctx, tx, c.change)
				if err == nil {
					_, err = resolve.Expressions(ctx, tx, got)
				}
				if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
					t.Errorf("got %v", err)
				}
			})
		}
	}
}

// Segue's own triggers are told by their functions: anybody who may make a trigger may give it such a name.
func TestATriggerWithANameLikeSeguesIsNotSegues(t *testing.T) {
	t.Parallel()
	super := database(t)
	parsed, err := pgx.ParseConfig(super)
	if err != nil {
		t.Fatal(err)
	}
	owner := "owner_" + parsed.Database
	pgtest.Exec(t, super, `CREATE ROLE `+owner, `GRANT ALL ON SCHEMA public, segue TO `+owner, `CREATE TABLE t (a int)`, `ALTER TABLE t OWNER TO `+owner,
		`CREATE TRIGGER a_segue_x AFTER UPDATE ON t FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()`)
	t.Cleanup(func() { pgtest.Exec(t, super, `DROP OWNED BY `+owner+` CASCADE`, `DROP ROLE `+owner) })
	ctx, conn := context.Background(), pgtest.Connect(t, super)
	if _, err := conn.Exec(ctx, `SET ROLE `+owner); err != nil {
		t.Fatal(err)
	}
	if _, err := resolve.Table(ctx, conn, column("integer", "bigint", "a", "b::integer")); err == nil || !strings.Contains(err.Error(), "trigger a_segue_x on public.t would fire") {
		t.Errorf("got %v", err)
	}
}

// A default is not evaluated before it is known whose functions it calls, also where it belongs to a version, or stands in for one.
func TestADefaultOfAnotherRoleIsNotRunToBeLookedAt(t *testing.T) {
	t.Parallel()
	super := database(t)
	parsed, err := pgx.ParseConfig(super)
	if err != nil {
		t.Fatal(err)
	}
	other := "other_" + parsed.Database
	pgtest.Exec(t, super, `CREATE ROLE `+other, `GRANT ALL ON SCHEMA public TO `+other, `CREATE TABLE t (a int)`, `CREATE SEQUENCE ran`,
		`CREATE FUNCTION theirs() RETURNS int IMMUTABLE LANGUAGE plpgsql AS 'BEGIN PERFORM nextval(''public.ran''); RETURN 1; END'; ALTER FUNCTION theirs OWNER TO `+other)
	t.Cleanup(func() { pgtest.Exec(t, super, `DROP OWNED BY `+other+` CASCADE`, `DROP ROLE `+other) })
	table := change.Name{Schema: "public", Name: "t"}
	changed := column("integer", "bigint", "a", "b::integer")
	changed.New[0].Default = "theirs()"
	for name, c := range map[string]change.Change{
		"a changed column":       changed,
		"an added column":        {Key: "k", Table: table, New: []change.Column{{Name: "b", Type: "integer", Default: "theirs()"}}},
		"a value that stands in": {Key: "k", Table: table, New: []change.Column{{Name: "b", Type: "integer"}}, Up: change.Map{"b": "theirs()"}},
		"one of a column taken":  {Key: "k", Table: table, Old: []change.Column{{Name: "a", Type: "integer"}}, Down: change.Map{"a": "theirs()"}},
	} {
		ctx, conn := context.Background(), pgtest.Connect(t, super)
		if _, err := resolve.Change(ctx, conn, c); err == nil || !strings.Contains(err.Error(), "belongs to another role") {
			t.Errorf("%s: got %v", name, err)
		}
		var ran bool
		if err := conn.QueryRow(ctx, "SELECT is_called FROM ran").Scan(&ran); err != nil {
			t.Fatal(err)
		}
		if ran {
			t.Fatalf("%s: what belongs to another role ran", name)
		}
	}
}
