package bench

import (
	"flag"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/seguedb/segue/internal/pgtest"
)

// settled has both sessions free a large block before anything is measured. The allocator of a server on Linux (glibc) gives memory back
// beyond twice the largest block that the process has freed, and the planner's blocks double: so a statement that needs a block more than
// any before it, on either side, gets its pages anew each time that it runs, until a larger one comes. On a virtual machine that can be
// more than the rest of its time, and it depends on the order of the statements. Without settled that is part of what is measured.
var settled = flag.Bool("settled", false, "measure introspection by sessions that keep the memory they have used")

// databases are the sizes of what is asked about: how many tables there are, and of how many the name and that of a column differ.
var databases = []struct {
	name            string
	tables, renamed int
}{
	{"500 operations", 300, 250},
	{"2000 tables", 2000, 1},
	{"500 operations of 2000 tables", 2000, 250},
}

// BenchmarkIntrospection is each of the introspections directly and through the proxy, with migrations cut over: about a table that is
// called otherwise in the database. Both are asked in the same database, the one by the names that it has, since renames leave
// their marks in the catalogs.
func BenchmarkIntrospection(b *testing.B) {
	for _, d := range databases {
		b.Run(d.name, func(b *testing.B) { introspect(b, d.tables, d.renamed) })
	}
}

func introspect(b *testing.B, tables, renamed int) {
	database := shopOf(b, tables)
	pgtest.Exec(b, database, `ALTER TABLE t1 ADD owner bigint REFERENCES t8; CREATE INDEX by_name ON t1 (name); ALTER TABLE t1 ADD CHECK (name <> '');
		CREATE VIEW named AS SELECT id, name FROM t1`)
	var rules strings.Builder
	rules.WriteString("id: surname\noperations:\n")
	for i := range renamed {
		fmt.Fprintf(&rules, "  - rename_column: { table: public.t%d, from: name, to: label }\n  - rename_table: { from: public.t%d, to: u%d }\n", i+1, i+1, i+1)
	}
	through := throughProxy(b, database, rules.String())
	pgtest.Exec(b, database, "VACUUM ANALYZE")
	one, other := pgtest.Connect(b, database), pgtest.Connect(b, through)
	var oid uint32
	if err := one.QueryRow(b.Context(), "SELECT 'u1'::regclass::oid").Scan(&oid); err != nil {
		b.Fatal(err)
	}
	for _, conn := range []*pgx.Conn{one, other} {
		if *settled {
			ask(b, conn, "SELECT length(repeat('x', 4000000))")
		}
	}
	tableOf := map[*pgx.Conn]string{one: "u1", other: "t1"}
	for _, q := range introspections {
		b.Run(q.name, func(b *testing.B) {
			sql := strings.ReplaceAll(q.sql, "{oid}", fmt.Sprint(oid))
			once := func(conn *pgx.Conn) time.Duration {
				return ask(b, conn, strings.ReplaceAll(sql, "{table}", tableOf[conn]))
			}
			var p pair
			for range 2 {
				p.take(one, other, once)
			}
			p = pair{}
			for b.Loop() {
				p.take(one, other, once)
			}
			p.report(b)
		})
	}
}
