package rules_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seguedb/segue/catalog"
	"github.com/seguedb/segue/rules"
)

// shown is a lens as "schema.logical=physical(logical=physical …)" for each table that differs, sorted.
func shown(l *rules.Lens) string {
	if l == nil {
		return "none"
	}
	pair := func(logical, physical string) string {
		if logical == physical {
			return logical
		}
		return logical + "=" + physical
	}
	var out []string
	for _, t := range l.Tables {
		if t.Identity {
			continue
		}
		var cols []string
		for _, c := range t.Columns {
			cols = append(cols, pair(c.Logical, c.Physical))
		}
		out = append(out, fmt.Sprintf("%s(%s)", pair(t.Logical, t.Physical), strings.Join(cols, " ")))
	}
	slices.Sort(out)
	return strings.Join(out, " ")
}

func TestBuildGivesEachVersionItsNamesInEveryPhase(t *testing.T) {
	t.Parallel()
	one := []string{"public.t.a > b", "public.t > u"}
	two := []string{"public.u.b > c"}
	for name, c := range map[string]struct {
		one, two rules.Phase
		want     map[string]string
		aliases  map[string]string
	}{
		"draft, draft":        {rules.Draft, rules.Draft, map[string]string{}, nil},
		"active, draft":       {rules.Active, rules.Draft, map[string]string{"base": "", "one": "u=t(id b=a)"}, nil},
		"active, active":      {rules.Active, rules.Active, map[string]string{"base": "", "one": "u=t(id b=a)", "two": "u=t(id c=a)"}, nil},
		"cutover, draft":      {rules.Cutover, rules.Draft, map[string]string{"base": "t=u(id a=b)", "one": ""}, nil},
		"cutover, active":     {rules.Cutover, rules.Active, map[string]string{"base": "t=u(id a=b)", "one": "", "two": "u(id c=b)"}, nil},
		"cutover, cutover":    {rules.Cutover, rules.Cutover, map[string]string{"base": "t=u(id a=c)", "one": "u(id b=c)", "two": ""}, nil},
		"contracted, draft":   {rules.Contracted, rules.Draft, map[string]string{}, map[string]string{"one": "base"}},
		"contracted, active":  {rules.Contracted, rules.Active, map[string]string{"base": "", "two": "u(id c=b)"}, map[string]string{"one": "base"}},
		"contracted, cutover": {rules.Contracted, rules.Cutover, map[string]string{"base": "u(id b=c)", "two": ""}, map[string]string{"one": "base"}},
		"both contracted":     {rules.Contracted, rules.Contracted, map[string]string{}, map[string]string{"one": "base", "two": "base"}},
		"rolled back, draft":  {rules.RolledBack, rules.Draft, map[string]string{}, nil},
		"active, rolled back": {rules.Active, rules.RolledBack, map[string]string{"base": "", "one": "u=t(id b=a)"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			conn := database(t, `CREATE TABLE t (id int, a int); CREATE TABLE other (a int)`)
			all := []*rules.Migration{stored(t, 2, c.two, "two", two...), stored(t, 1, c.one, "one", one...)}
			for _, m := range []*rules.Migration{all[1], all[0]} {
				if m.Phase == rules.Cutover || m.Phase == rules.Contracted {
					exec(t, conn, rules.DDL(m, rules.Forward)...)
				}
			}
			snap, err := rules.Build(7, all, load(t, conn))
			if err != nil {
				t.Fatal(err)
			}
			got := map[string]string{}
			for version, lens := range snap.Lenses {
				got[version] = shown(lens)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
			if c.aliases == nil {
				c.aliases = map[string]string{}
			}
			if diff := cmp.Diff(c.aliases, snap.Aliases); diff != "" {
				t.Error(diff)
			}
			if snap.Epoch != 7 || snap.Live() != (len(c.want) > 0) || snap.Migrations[0].ID != "one" {
				t.Errorf("snapshot is %+v", snap)
			}
			if snap.Live() && !cmp.Equal(snap.Identifiers, []string{"_t", "t", "u"}) && !cmp.Equal(snap.Identifiers, []string{"_u", "t", "u"}) && !cmp.Equal(snap.Identifiers, []string{"_u", "u"}) {
				t.Errorf("identifiers are %q", snap.Identifiers)
			}
		})
	}
}

func TestARenamedColumnReachesPartitionsAndChildren(t *testing.T) {
	t.Parallel()
	conn := database(t, `
		CREATE TABLE q (name text);
		CREATE TABLE "Kid" (own int) INHERITS (q);
		CREATE TABLE p (id int, at date) PARTITION BY RANGE (at);
		CREATE TABLE p1 PARTITION OF p FOR VALUES FROM ('2020-01-01') TO ('2021-01-01') PARTITION BY RANGE (at);
		CREATE TABLE p1a (note text, at date, gone int, id int);
		ALTER TABLE p1a DROP COLUMN note, DROP COLUMN gone;
		ALTER TABLE p1 ATTACH PARTITION p1a FOR VALUES FROM ('2020-01-01') TO ('2020-06-01')`)
	m := stored(t, 1, rules.Active, "x", "public.p.at > day", "public.q.name > title", `public.p1a > "Half"`)
	all := []*rules.Migration{m}
	names := func(cat *catalog.Catalog, oids []catalog.OID) []string {
		var out []string
		for _, oid := range oids {
			out = append(out, cat.Relation(oid).Name)
		}
		slices.Sort(out)
		return out
	}
	cat := load(t, conn)
	snap, err := rules.Build(1, all, cat)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"Kid", "p", "p1", "p1a", "q"}, names(cat, snap.Tables)); diff != "" {
		t.Error(diff)
	}
	if got, want := shown(snap.Lenses["x"]), "Half=p1a(day=at id) Kid(title=name own) p(id day=at) p1(id day=at) q(title=name)"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	affected, err := rules.Affected(m, all, cat)
	if err != nil || !slices.Equal(affected, snap.Tables) {
		t.Errorf("affected are %v, error %v, want %v", affected, err, snap.Tables)
	}
	for _, word := range []string{"half", "kid", "p", "p1", "p1a", "q", "_kid"} {
		if !slices.Contains(snap.Identifiers, word) {
			t.Errorf("identifier %s is missing in %q", word, snap.Identifiers)
		}
	}
	exec(t, conn, rules.DDL(m, rules.Forward)...)
	m.Phase = rules.Cutover
	cat = load(t, conn)
	if snap, err = rules.Build(2, all, cat); err != nil {
		t.Fatal(err)
	}
	if got, want := shown(snap.Lenses["base"]), "Kid(name=title own) p(id at=day) p1(id at=day) p1a=Half(at=day id) q(name=title)"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if cols := snap.Lenses["base"].Table(cat.Named("Half")[0].OID).Columns; cols[0].Num != 2 || cols[1].Num != 4 {
		t.Errorf("columns are %+v, want attnums 2 and 4", cols)
	}
	exec(t, conn, rules.DDL(m, rules.Backward)...)
	m.Phase = rules.Active
	if snap, err = rules.Build(3, all, load(t, conn)); err != nil || shown(snap.Lenses["base"]) != "" {
		t.Errorf("after the way back: %v, error %v", snap, err)
	}
}

func TestADraftAffectsTheTablesThatItWouldRename(t *testing.T) {
	t.Parallel()
	cat := load(t, database(t, `CREATE TABLE t (a int); CREATE TABLE kid () INHERITS (t); CREATE TABLE u (a int)`))
	all := []*rules.Migration{
		stored(t, 1, rules.Active, "one", "public.t > t1"),
		stored(t, 2, rules.Draft, "two", "public.t1.a > b"),
		stored(t, 3, rules.Draft, "three", "public.gone > x"),
	}
	want := []catalog.OID{cat.Named("t")[0].OID, cat.Named("kid")[0].OID}
	got, err := rules.Affected(all[1], all, cat)
	if err != nil || !cmp.Equal(got, want) {
		t.Errorf("affected are %v, error %v, want %v", got, err, want)
	}
	_, err = rules.Affected(all[2], all, cat)
	check(t, err, `…there should be a table public.gone, but there is none…`)
}

func TestALensFindsTablesAndColumns(t *testing.T) {
	t.Parallel()
	cat := load(t, database(t, `CREATE TABLE t (a int, gone int, b int); ALTER TABLE t DROP COLUMN gone; CREATE TABLE u (a int)`))
	snap, err := rules.Build(1, []*rules.Migration{stored(t, 1, rules.Active, "x", "public.t.b > c")}, cat)
	if err != nil {
		t.Fatal(err)
	}
	table := snap.Lens("x").Table(cat.Named("t")[0].OID)
	if c := table.Column("c"); c == nil || c.Physical != "b" || c.Num != 3 {
		t.Errorf("column c is %+v", c)
	}
	if c := table.Column("b"); c != nil {
		t.Errorf("the old name is still known: %+v", c)
	}
	if other := snap.Lens("x").Table(cat.Named("u")[0].OID); other != nil {
		t.Errorf("a table without a migration has a lens: %+v", other)
	}
}

func TestIdentifiersHoldWhateverShowsARow(t *testing.T) {
	t.Parallel()
	conn := database(t, `
		CREATE TABLE t (a int); CREATE VIEW plain AS SELECT a FROM t; CREATE VIEW "Whole" AS SELECT t FROM t;
		CREATE FUNCTION f(t) RETURNS int LANGUAGE sql AS $$ SELECT 1 $$`)
	snap, err := rules.Build(1, []*rules.Migration{stored(t, 1, rules.Active, "x", "public.t > tmp", "public.tmp > u")}, load(t, conn))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"_t", "_whole", "f", "t", "tmp", "u", "whole"}, snap.Identifiers); diff != "" {
		t.Error(diff)
	}
}

func TestAColumnOfSegueIsHiddenFromEveryVersion(t *testing.T) {
	t.Parallel()
	conn := database(t, `CREATE TABLE t (a int, _segue_new int, b int)`)
	snap, err := rules.Build(1, []*rules.Migration{stored(t, 1, rules.Active, "x", "public.t > u")}, load(t, conn))
	if err != nil {
		t.Fatal(err)
	}
	if got := shown(snap.Lenses["base"]) + " " + shown(snap.Lenses["x"]); got != "t(a b) u=t(a b)" {
		t.Errorf("got %s", got)
	}
}

func TestBuildSaysWhatWasRenamedByHand(t *testing.T) {
	t.Parallel()
	conn := database(t, `CREATE TABLE t (a int)`, `CREATE TABLE taken (surname int, last_name int)`, `CREATE TABLE person (a int)`)
	cat := load(t, conn)
	for name, c := range map[string]struct {
		phase rules.Phase
		op    string
		want  string
	}{
		"a column before its cutover":     {rules.Active, "public.t.b > a", `the database contradicts migration "x", which is in phase active: table public.t should have a column b, but has a`},
		"a column after its cutover":      {rules.Cutover, "public.t.a > b", `…in phase cutover: table public.t should have a column b, but has a`},
		"a column that has gone":          {rules.Cutover, "public.t.x > b", `…table public.t should have a column b, but has none of that name`},
		"a column that has come":          {rules.Active, "public.taken.last_name > surname", `…table public.taken should have one column for the names last_name and surname, but has both`},
		"a table before its cutover":      {rules.Active, "public.old > t", `…there should be a table public.old, but there is none`},
		"a table after its cutover":       {rules.Cutover, "public.t > u", `…there should be a table public.u, but there is none`},
		"a table of the new name is made": {rules.Active, "public.t > person", `…there is a table public.person besides public.t`},
		"a table of the old name is made": {rules.Cutover, "public.person > t", `…there is a table public.person besides public.t`},
	} {
		_, err := rules.Build(1, []*rules.Migration{stored(t, 1, c.phase, "x", c.op)}, cat)
		check(t, err, c.want, name)
		if mismatch := (*rules.MismatchError)(nil); !errors.As(err, &mismatch) || mismatch.Migration != "x" {
			t.Errorf("%s: %T does not name the migration", name, err)
		}
	}
}

func TestDDLIsQuotedAndGoesBackInReverse(t *testing.T) {
	t.Parallel()
	m := parse(t, "x", `public."Line""Item"."Qty" > quantity`, `public."Line""Item" > select`, "public.select.id > Key")
	want := []string{
		`ALTER TABLE "public"."Line""Item" RENAME COLUMN "Qty" TO "quantity"`,
		`ALTER TABLE "public"."Line""Item" RENAME TO "select"`,
		`ALTER TABLE "public"."select" RENAME COLUMN "id" TO "key"`,
	}
	if diff := cmp.Diff(want, rules.DDL(m, rules.Forward)); diff != "" {
		t.Error(diff)
	}
	want = []string{
		`ALTER TABLE "public"."select" RENAME COLUMN "key" TO "id"`,
		`ALTER TABLE "public"."select" RENAME TO "Line""Item"`,
		`ALTER TABLE "public"."Line""Item" RENAME COLUMN "quantity" TO "Qty"`,
	}
	if diff := cmp.Diff(want, rules.DDL(m, rules.Backward)); diff != "" {
		t.Error(diff)
	}
}

func TestContractedIdsMeanTheVersionOfWhichTheyArePart(t *testing.T) {
	t.Parallel()
	conn := database(t, `CREATE TABLE a (x int); CREATE TABLE b1 (x int); CREATE TABLE c (x int)`)
	all := []*rules.Migration{
		stored(t, 1, rules.Contracted, "zero", "public.z > z1"),
		stored(t, 2, rules.Active, "one", "public.a > a1"),
		stored(t, 3, rules.Contracted, "two", "public.b > b1"),
		stored(t, 4, rules.Active, "three", "public.c > c1"),
	}
	snap, err := rules.Build(1, all, load(t, conn))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]string{"zero": "base", "two": "one"}, snap.Aliases); diff != "" {
		t.Error(diff)
	}
	if snap.Lens("two") != snap.Lenses["one"] || snap.Lens("zero") != snap.Lenses["base"] || snap.Lens("four") != nil {
		t.Error("aliases are not followed")
	}
	for _, c := range []struct {
		id            string
		with, without []string
	}{
		{"one", []string{"one", "two", "three"}, []string{"base", "zero"}},
		{"three", []string{"three"}, []string{"base", "zero", "one", "two"}},
	} {
		m := snap.Migration(c.id)
		if diff := cmp.Diff(c.with, rules.VersionsWith(m, all)); diff != "" {
			t.Errorf("with %s: %s", c.id, diff)
		}
		if diff := cmp.Diff(c.without, rules.VersionsWithout(m, all)); diff != "" {
			t.Errorf("without %s: %s", c.id, diff)
		}
	}
}
