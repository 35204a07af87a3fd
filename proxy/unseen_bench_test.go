package proxy

import (
	"slices"
	"testing"
	"time"

	"github.com/seguedb/segue/internal/pgtest"
	"github.com/seguedb/segue/proxy/wire"
	"github.com/seguedb/segue/proxy/wiretest"
	"github.com/seguedb/segue/rules"
)

// BenchmarkUnseenCode is what a statement takes that may run code, and the next one, sent around Segue and through it.
func BenchmarkUnseenCode(b *testing.B) {
	p := openProxy(b)
	p.run(parts+"; CREATE TABLE plain (id int)",
		`CREATE TABLE audited (id int); CREATE TABLE audit_audited (id int);
		CREATE FUNCTION audits() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN EXECUTE format('INSERT INTO audit_%s SELECT $1.*', TG_TABLE_NAME) USING new; RETURN new; END $$;
		CREATE TRIGGER a AFTER INSERT ON audited FOR EACH ROW EXECUTE FUNCTION audits()`,
		`CREATE TABLE doubtful (id int);
		CREATE FUNCTION doubts() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN EXECUTE 'INSERT INTO audit_audited VALUES (' || new.id || ')'; RETURN new; END $$;
		CREATE TRIGGER a AFTER INSERT ON doubtful FOR EACH ROW EXECUTE FUNCTION doubts()`,
		"ALTER TABLE individual RENAME last_name TO surname")
	p.Open(p.snapshot(1, migration(b, 1, rules.Cutover, surname)))
	for _, tc := range []struct{ name, sql string }{
		{"plain", "INSERT INTO plain VALUES (1)"},
		{"audited", "INSERT INTO audited VALUES (1)"},
		{"doubtful", "INSERT INTO doubtful VALUES (1)"},
		{"block", "DO $$ DECLARE j text := 'SELECT 1'; BEGIN EXECUTE j || ''; END $$"},
	} {
		b.Run(tc.name+"/direct", func(b *testing.B) {
			pair(b, pgtest.Cluster().Address(), p.database, "surname", tc.sql)
		})
		b.Run(tc.name+"/through", func(b *testing.B) { pair(b, p.addr, p.database, "last_name", tc.sql) })
	}
}

// pair sends a text, and then one that reads a column of the table under migration.
func pair(b *testing.B, addr, database, column, sql string) {
	c := wiretest.Dial(b, addr)
	var version []wire.Parameter
	if column == "last_name" {
		version = []wire.Parameter{{Name: "segue.version", Value: rules.Base}}
	}
	c.Hello(database, version...)
	c.HearUntil(wire.ReadyForQuery)
	first, next := simple(sql), simple("SELECT "+column+" FROM individual WHERE id = 1")
	var took []time.Duration
	for b.Loop() {
		began := time.Now()
		c.Say(first)
		c.HearUntil(wire.ReadyForQuery)
		c.Say(next)
		c.HearUntil(wire.ReadyForQuery)
		took = append(took, time.Since(began))
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[0].Microseconds()), "min-µs")
	b.ReportMetric(float64(took[len(took)/2].Microseconds()), "median-µs")
	b.ReportMetric(0, "ns/op")
}
