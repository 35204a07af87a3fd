package bench

import (
	"fmt"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/seguedb/segue/internal/pgtest"
)

// use is a statement on a table under migration, as the app of version base knows it.
const use = "SELECT last_name FROM individual WHERE id = 7"

// afterDDL are the ways in which a session makes something that changes the meaning of no name. What stands in asked is
// measured, each time that all of it runs.
var afterDDL = []struct {
	name                 string
	before, asked, after []string
}{
	{"nothing", nil, []string{use}, nil},
	{"temp table in the transaction", []string{"BEGIN", "CREATE TEMP TABLE tt (n int) ON COMMIT DROP"}, []string{use}, []string{"COMMIT"}},
	{"temp table, used with the table", []string{"BEGIN", "CREATE TEMP TABLE tt (n int) ON COMMIT DROP", "INSERT INTO tt VALUES (1)"},
		[]string{"SELECT last_name FROM individual WHERE id IN (SELECT n FROM tt) LIMIT 1"}, []string{"COMMIT"}},
	{"temp table, after the transaction", []string{"BEGIN", "CREATE TEMP TABLE tt (n int) ON COMMIT DROP", use, "COMMIT"}, []string{use}, nil},
	{"temp table AS, used alone", []string{"CREATE TEMP TABLE tt AS SELECT id, last_name FROM individual WHERE id < 10"},
		[]string{"SELECT count(*) FROM tt", use}, []string{"DROP TABLE tt"}},
	{"temp view of the table", []string{"CREATE TEMP VIEW tv AS SELECT id, last_name FROM individual"}, []string{use}, []string{"DROP VIEW tv"}},
	{"temp view, used", []string{"CREATE TEMP VIEW tv AS SELECT id, last_name FROM individual"},
		[]string{"SELECT last_name FROM tv WHERE id = 7"}, []string{"DROP VIEW tv"}},
	{"rollback of a temp table", []string{"BEGIN", "CREATE TEMP TABLE tt (n int)", use, "ROLLBACK"}, []string{use}, nil},
	{"rollback to a savepoint", []string{"BEGIN", "SAVEPOINT s", "CREATE TEMP TABLE tt (n int)", use, "ROLLBACK TO s"}, []string{use}, []string{"COMMIT"}},
	{"table and drop, autocommitted", []string{"CREATE TABLE made (n int)", "DROP TABLE made"}, []string{use}, nil},
	{"table in the transaction", []string{"BEGIN", "CREATE TABLE made (n int)"}, []string{use}, []string{"ROLLBACK"}},
	{"table, after the transaction", []string{"BEGIN", "CREATE TABLE made (n int)", use, "COMMIT"}, []string{use}, []string{"DROP TABLE made"}},
	{"index", []string{"CREATE INDEX made ON orders (total)"}, []string{use}, []string{"DROP INDEX made"}},
	{"index on the table", []string{"CREATE INDEX made ON individual (last_name)"}, []string{use}, []string{"DROP INDEX made"}},
	{"index in the transaction", []string{"BEGIN", "CREATE INDEX made ON orders (total)"}, []string{use}, []string{"ROLLBACK"}},
	{"view", []string{"CREATE VIEW made AS SELECT total FROM orders"}, []string{use}, []string{"DROP VIEW made"}},
	{"sequence", []string{"CREATE SEQUENCE made"}, []string{use}, []string{"DROP SEQUENCE made"}},
	{"function", []string{"CREATE FUNCTION made() RETURNS int LANGUAGE sql AS 'SELECT 1'"}, []string{use}, []string{"DROP FUNCTION made()"}},
	{"type", []string{"CREATE TYPE made AS ENUM ('a')"}, []string{use}, []string{"DROP TYPE made"}},
	{"column of another table", []string{"BEGIN", "ALTER TABLE orders ADD made int"}, []string{use}, []string{"ROLLBACK"}},
	{"block of code", []string{"DO 'BEGIN CREATE TEMP TABLE tt (n int); END'"}, []string{use}, []string{"DROP TABLE tt"}},
	{"block of code that writes rows", []string{"DO 'DECLARE n int; BEGIN SELECT 1 INTO n; UPDATE orders SET total = n WHERE id < 0; END'"}, []string{use}, nil},
	{"block of code with a guard", []string{"DO 'BEGIN IF NOT EXISTS (SELECT FROM pg_type WHERE typname = ''made'') THEN CREATE TYPE made AS ENUM (''a''); END IF; END'"},
		[]string{use}, []string{"DROP TYPE made"}},
	{"block of code that computes a text", []string{"DO 'DECLARE name text := ''tt''; BEGIN EXECUTE ''CREATE TEMP TABLE '' || name || '' (n int)''; END'"},
		[]string{use}, []string{"DROP TABLE tt"}},
	{"grant", []string{"GRANT SELECT ON orders TO PUBLIC"}, []string{use}, []string{"REVOKE SELECT ON orders FROM PUBLIC"}},
}

// BenchmarkAfterDDL is a statement on a table under migration right after its session, or another one, has made something
// that changes the meaning of no name, directly and through the proxy, in databases of two sizes.
func BenchmarkAfterDDL(b *testing.B) {
	for _, tables := range []int{200, 2000} {
		b.Run(fmt.Sprintf("%d tables", tables), func(b *testing.B) {
			direct, through := shopsOf(b, tables)
			for _, c := range afterDDL {
				b.Run(c.name, func(b *testing.B) {
					one, other := pgtest.Connect(b, direct), pgtest.Connect(b, through)
					measureAfter(b, c.before, c.asked, c.after, one, other, one, other)
				})
				if c.asked[0] != use {
					continue // it names what only its session can see
				}
				b.Run(c.name+", by another session", func(b *testing.B) {
					measureAfter(b, c.before, c.asked, c.after, pgtest.Connect(b, direct), pgtest.Connect(b, through),
						pgtest.Connect(b, direct), pgtest.Connect(b, through))
				})
			}
		})
	}
}

// measureAfter has the makers run what comes before and after, and the users what is asked between.
func measureAfter(b *testing.B, before, asked, after []string, makeDirect, makeProxy, useDirect, useProxy *pgx.Conn) {
	makers := map[*pgx.Conn]*pgx.Conn{useDirect: makeDirect, useProxy: makeProxy}
	var p pair
	once := func(conn *pgx.Conn) (took time.Duration) {
		for _, sql := range before {
			ask(b, makers[conn], sql)
		}
		for _, sql := range asked {
			took += ask(b, conn, sql)
		}
		for _, sql := range after {
			ask(b, makers[conn], sql)
		}
		return took
	}
	for range 2 {
		p.take(useDirect, useProxy, once)
	}
	p = pair{}
	for b.Loop() {
		p.take(useDirect, useProxy, once)
	}
	p.report(b)
}

// shopsOf makes two shops with so many other tables: one to be asked directly, and one behind a proxy, which is cut over.
// The connection strings are of version base.
func shopsOf(b *testing.B, tables int) (direct, through string) {
	direct, behind := shopOf(b, tables), shopOf(b, tables)
	for _, url := range []string{direct, behind} {
		pgtest.Exec(b, url, "VACUUM ANALYZE")
	}
	return direct, throughProxy(b, behind, rename)
}

// shopOf is a shop with so many other tables.
func shopOf(b *testing.B, tables int) string {
	url := pgtest.Database(b)
	pgtest.Exec(b, url, shop)
	for from := 1; from <= tables; from += 200 { // a transaction has room for so many locks
		pgtest.Exec(b, url, fmt.Sprintf(`DO $$ BEGIN FOR i IN %d..%d LOOP
			EXECUTE format('CREATE TABLE t%%s (id bigint PRIMARY KEY, name text, made timestamptz)', i); END LOOP; END $$`, from, min(from+199, tables)))
	}
	return url
}

// throughProxy starts a proxy before a database and cuts the migration "surname" over. What it returns is for sessions of
// version base.
func throughProxy(b *testing.B, behind, rules string) string {
	running := proxyBefore(b, behind)
	cutOver(b, running.Instance, rules)
	return pgtest.Through(b, behind, running.Addr()) + "&segue.version=base"
}
