package main

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seguedb/segue/internal/pgtest"
	"github.com/seguedb/segue/rules"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

func TestBaseSeesEveryTableAsItWasBeforeItWasRenamed(t *testing.T) {
	t.Parallel()
	url := pgtest.Database(t)
	pgtest.Exec(t, url,
		`CREATE TABLE parent (a int, b text)`,
		`CREATE TABLE child (c int) INHERITS (parent)`,
		`CREATE TABLE parts (k int, v text) PARTITION BY RANGE (k)`,
		`CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (0) TO (10)`,
		`CREATE TYPE shape AS (x int)`,
		`CREATE TABLE typed OF shape`,
		`CREATE VIEW seen AS SELECT a FROM parent`,
		`CREATE TABLE "a name that leaves no room for anything behind it in 63 byte" ("Q" int)`,
	)
	r, err := newRenamer(t.Context(), url, true)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.conn.Close(t.Context()) })
	if err := r.rename(t.Context()); err != nil {
		t.Fatal(err)
	}
	if len(r.skipped) > 0 {
		t.Errorf("not renamed: %v", r.skipped)
	}
	pgtest.Exec(t, url, `ALTER TABLE parent ADD later int`)
	if err := r.rename(t.Context()); err != nil { // what came later keeps its name
		t.Fatal(err)
	}
	snap, err := r.snapshot(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string][]string{}
	physical := map[string]bool{}
	for _, table := range snap.Lens(rules.Base).Tables {
		for _, c := range table.Columns {
			got[table.Logical] = append(got[table.Logical], c.Logical)
			physical[c.Physical] = true
		}
	}
	want := map[string][]string{
		"parent": {"a", "b", "later"}, "child": {"a", "b", "c", "later"},
		"parts": {"k", "v"}, "parts_1": {"k", "v"},
		"a name that leaves no room for anything behind it in 63 byte": {"Q"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for _, c := range []string{"a_phys", "c_phys", "k_phys", "Q_phys", "later"} {
		if !physical[c] {
			t.Errorf("no column is called %s in the database: %v", c, physical)
		}
	}
}

func TestAReleasedTableAndItsFamilyAreAsTheyWere(t *testing.T) {
	t.Parallel()
	url := pgtest.Database(t)
	pgtest.Exec(t, url,
		`CREATE TABLE parent (a int)`, `CREATE TABLE child (c int) INHERITS (parent)`, `CREATE TABLE other (o int)`,
	)
	r, err := newRenamer(t.Context(), url, true)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.conn.Close(t.Context()) })
	if err := r.rename(t.Context()); err != nil {
		t.Fatal(err)
	}
	pgtest.Exec(t, url, `CREATE FUNCTION f() RETURNS SETOF int LANGUAGE sql AS 'SELECT c_phys + a_phys FROM child_phys -- a_physics'`)
	for range 2 { // it stays released
		if err := r.rename(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := r.release(t.Context(), []string{"drop", "table", "child"}); err != nil {
			t.Fatal(err)
		}
	}
	var body string
	if err := r.conn.QueryRow(t.Context(), `SELECT prosrc FROM pg_proc WHERE proname = 'f'`).Scan(&body); err != nil {
		t.Fatal(err)
	}
	if want := "SELECT c + a_phys FROM child -- a_physics"; body != want {
		t.Errorf("the function's body is %q, want %q", body, want)
	}
	snap, err := r.snapshot(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, table := range snap.Lens(rules.Base).Tables {
		for _, c := range table.Columns {
			got = append(got, c.Physical)
		}
	}
	if diff := cmp.Diff([]string{"o_phys"}, got); diff != "" {
		t.Errorf("renamed columns (-want +got):\n%s", diff)
	}
}

func TestAColumnWhoseNameIsTakenAgainIsLeftOut(t *testing.T) {
	t.Parallel()
	url := pgtest.Database(t)
	pgtest.Exec(t, url, `CREATE TABLE t (a_phys int, a int, b_phys int)`)
	r, err := newRenamer(t.Context(), url, false)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.conn.Close(t.Context()) })
	snap, err := r.snapshot(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, c := range snap.Lens(rules.Base).Tables[0].Columns {
		got = append(got, c.Logical)
	}
	if diff := cmp.Diff([]string{"a_phys", "a", "b"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
