package wal_test

import (
	"context"
	"regexp"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seguedb/segue/internal/pgtest"
	"github.com/seguedb/segue/test/checker/wal"
)

// committed runs the statements, each a transaction, after the table was made, and returns what the log then has, however it is
// followed.
func committed(t *testing.T, table string, statements ...string) []string {
	t.Helper()
	ctx := context.Background()
	url := pgtest.Database(t)
	pgtest.Exec(t, url, table)
	published, err := wal.Follow(ctx, pgtest.Connect(t, url), slotName(url), "public.t")
	if err != nil {
		t.Fatal(err)
	}
	everything, err := wal.FollowAll(ctx, pgtest.Connect(t, url), slotName(url)+"_all", "public.t")
	if err != nil {
		t.Fatal(err)
	}
	for _, sql := range statements {
		pgtest.Exec(t, url, sql)
	}
	out := events(t, published)
	if diff := cmp.Diff(out, events(t, everything)); diff != "" {
		t.Errorf("the two ways to follow the log differ (-published +everything)\n%s", diff)
	}
	return out
}

// events are what a slot has.
func events(t *testing.T, slot *wal.Slot) []string {
	t.Helper()
	all, err := slot.Read(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, transaction := range all {
		if len(transaction.Events) > 0 {
			out = append(out, "begin")
		}
		for _, e := range transaction.Events {
			out = append(out, e.String())
		}
	}
	return out
}

func TestTheLogHasRowsBeforeAndAfterInTheOrderOfCommits(t *testing.T) {
	t.Parallel()
	got := committed(t, "CREATE TABLE t (id int PRIMARY KEY, a text)",
		"INSERT INTO t VALUES (1, 'it''s'), (2, NULL)",
		"BEGIN; "+wal.Say("op", `7 'a' \b`)+"; UPDATE t SET a = 'b' WHERE id = 2; DELETE FROM t WHERE id = 1; COMMIT",
		"BEGIN; UPDATE t SET a = 'c'; ROLLBACK",
		"BEGIN; SAVEPOINT s; "+wal.Say("op", "8")+"; UPDATE t SET a = 'd'; ROLLBACK TO s; UPDATE t SET a = 'e'; COMMIT")
	want := []string{
		"begin", "INSERT public.t: a=it's id=1", "INSERT public.t: a=NULL id=2",
		"begin", `op 7 'a' \b`, "UPDATE public.t: a=NULL id=2 → a=b id=2", "DELETE public.t: a=it's id=1",
		"begin", "UPDATE public.t: a=b id=2 → a=e id=2",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestTheLogHasValuesAsPostgreSQLPrintsThem(t *testing.T) {
	t.Parallel()
	got := committed(t, `CREATE TABLE t (id int PRIMARY KEY, n numeric(8,2), "odd "" name" text[], b bytea, j jsonb, "null" text)`,
		`INSERT INTO t VALUES (1, -1.50, '{"a b",NULL}', 'x', '{"k": "it''s ]:"}', 'null')`, "UPDATE t SET n = NULL, \"null\" = ''", "DELETE FROM t")
	want := []string{
		"begin", `INSERT public.t: b=\x78 id=1 j={"k": "it's ]:"} n=-1.50 null=null odd " name={"a b",NULL}`,
		"begin", `UPDATE public.t: b=\x78 id=1 j={"k": "it's ]:"} n=-1.50 null=null odd " name={"a b",NULL} → b=\x78 id=1 j={"k": "it's ]:"} n=NULL null= odd " name={"a b",NULL}`,
		"begin", `DELETE public.t: b=\x78 id=1 j={"k": "it's ]:"} n=NULL null= odd " name={"a b",NULL}`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestTheLogFollowsColumnsAndPartitions(t *testing.T) {
	t.Parallel()
	got := committed(t, "CREATE TABLE t (id int, p int, a text) PARTITION BY LIST (p); CREATE TABLE t0 PARTITION OF t FOR VALUES IN (0); "+
		"CREATE TABLE t1 PARTITION OF t FOR VALUES IN (1)",
		"INSERT INTO t VALUES (1, 0, 'x')",
		"ALTER TABLE t RENAME a TO b; ALTER TABLE t ADD c int DEFAULT 5",
		"UPDATE t SET p = 1")
	want := []string{
		"begin", "INSERT public.t0: a=x id=1 p=0",
		"begin", "DELETE public.t0: b=x c=5 id=1 p=0", "INSERT public.t1: b=x c=5 id=1 p=1",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestALargeValueThatAnUpdateLeavesAloneIsInTheNewRowToo(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	url := pgtest.Database(t)
	pgtest.Exec(t, url, "CREATE TABLE t (id int PRIMARY KEY, big text); ALTER TABLE t ALTER big SET STORAGE EXTERNAL")
	slot, err := wal.Follow(ctx, pgtest.Connect(t, url), slotName(url), "public.t")
	if err != nil {
		t.Fatal(err)
	}
	pgtest.Exec(t, url, "INSERT INTO t VALUES (1, repeat('x', 100000))", "UPDATE t SET id = 2")
	all, err := slot.Read(ctx)
	if err != nil {
		t.Fatal(err)
	}
	update := all[len(all)-1].Events[0]
	if got := len(update.New["big"].Text); got != 100_000 {
		t.Errorf("the value has %d bytes, want 100000", got)
	}
}

// slotName is the name of the database that a connection string leads to, which no other test's is.
func slotName(url string) string { return regexp.MustCompile(`t\d+_\d+`).FindString(url) }
