package rules_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seguedb/segue/rules"
)

// What was changed by hand is found, and the statements that Mend lists make the database servable again.
func TestMendTakesBackWhatWasRenamedByHand(t *testing.T) {
	t.Parallel()
	const unknown = "-- nothing"
	for name, c := range map[string]struct {
		phases []rules.Phase // of each migration; that is how far the tables are
		ops    [][]string
		hand   []string
		want   []string // with the last snapshot
		blind  []string // without; nil: the same
	}{
		"a column, to its new name": {
			[]rules.Phase{rules.Active}, [][]string{{"public.t.a > b"}},
			[]string{`ALTER TABLE t RENAME a TO b`}, []string{`ALTER TABLE "public"."t" RENAME COLUMN "b" TO "a"`}, nil},
		"a column that is cut over, to its old name": {
			[]rules.Phase{rules.Cutover}, [][]string{{"public.t.a > b"}},
			[]string{`ALTER TABLE t RENAME b TO a`}, []string{`ALTER TABLE "public"."t" RENAME COLUMN "a" TO "b"`}, nil},
		"a column, to a name that nobody knows": {
			[]rules.Phase{rules.Active}, [][]string{{"public.t.a > b"}},
			[]string{`ALTER TABLE t RENAME a TO "Wh""at"`}, []string{`ALTER TABLE "public"."t" RENAME COLUMN "Wh""at" TO "a"`}, []string{unknown}},
		"a table, to its new name": {
			[]rules.Phase{rules.Active}, [][]string{{"public.t.a > b", "public.t > u"}},
			[]string{`ALTER TABLE t RENAME TO u`}, []string{`ALTER TABLE "public"."u" RENAME TO "t"`}, nil},
		"a table and its column, both to the new names": {
			[]rules.Phase{rules.Active}, [][]string{{"public.t.a > b", "public.t > u"}},
			[]string{`ALTER TABLE t RENAME a TO b`, `ALTER TABLE t RENAME TO u`},
			[]string{`ALTER TABLE "public"."u" RENAME TO "t"`, `ALTER TABLE "public"."t" RENAME COLUMN "b" TO "a"`}, nil},
		"a table and two columns, to names that nobody knows": {
			[]rules.Phase{rules.Active}, [][]string{{"public.t.a > b", "public.t.c > d"}},
			[]string{`ALTER TABLE t RENAME a TO x`, `ALTER TABLE t RENAME c TO y`, `ALTER TABLE t RENAME TO z`},
			[]string{`ALTER TABLE "public"."z" RENAME TO "t"`, `ALTER TABLE "public"."t" RENAME COLUMN "x" TO "a"`, `ALTER TABLE "public"."t" RENAME COLUMN "y" TO "c"`},
			[]string{unknown}},
		"the middle of a chain, to its end": {
			[]rules.Phase{rules.Cutover, rules.Active}, [][]string{{"public.t.a > b"}, {"public.t.b > e"}},
			[]string{`ALTER TABLE t RENAME b TO e`}, []string{`ALTER TABLE "public"."t" RENAME COLUMN "e" TO "b"`}, nil},
		"the middle of a chain, to its beginning": {
			[]rules.Phase{rules.Cutover, rules.Active}, [][]string{{"public.t.a > b"}, {"public.t.b > e"}},
			[]string{`ALTER TABLE t RENAME b TO a`}, []string{`ALTER TABLE "public"."t" RENAME COLUMN "a" TO "b"`}, nil},
		"a column of the new name was added": {
			[]rules.Phase{rules.Active}, [][]string{{"public.t.a > b"}},
			[]string{`ALTER TABLE t ADD b text`}, []string{`ALTER TABLE "public"."t" RENAME COLUMN "b" TO "b_by_hand"; -- or drop it, if nothing needs it`}, nil},
		"a table of the new name was made": {
			[]rules.Phase{rules.Active}, [][]string{{"public.t > u"}},
			[]string{`CREATE TABLE u ()`}, []string{`ALTER TABLE "public"."u" RENAME TO "u_by_hand"; -- or drop it, if nothing needs it`}, nil},
		"a column was dropped": {
			[]rules.Phase{rules.Active}, [][]string{{"public.t.a > b"}},
			[]string{`ALTER TABLE t DROP a`},
			[]string{`ALTER TABLE "public"."t" ADD COLUMN "a" numeric(5,2); -- it was dropped: its values have to come from a backup`}, []string{unknown}},
		"a table was moved": {
			[]rules.Phase{rules.Active}, [][]string{{"public.t.a > b"}},
			[]string{`CREATE SCHEMA away`, `ALTER TABLE t SET SCHEMA away`}, []string{`ALTER TABLE "away"."t" SET SCHEMA "public"`}, []string{unknown}},
		"a table was dropped": {
			[]rules.Phase{rules.Active}, [][]string{{"public.t.a > b"}},
			[]string{`DROP TABLE t CASCADE`}, []string{unknown}, nil},
		"the column of a parent, with its children": {
			[]rules.Phase{rules.Active}, [][]string{{"public.p.a > b"}},
			[]string{`ALTER TABLE p RENAME a TO x`}, []string{`ALTER TABLE "public"."p" RENAME COLUMN "x" TO "a"`}, []string{unknown}},
		"what no migration speaks of": {
			[]rules.Phase{rules.Active}, [][]string{{"public.t.a > b"}},
			[]string{`ALTER TABLE t RENAME c TO other`}, []string{}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			conn := database(t, `CREATE TABLE t (a numeric(5,2), c int)`, `CREATE TABLE p (a int) PARTITION BY LIST (a)`, `CREATE TABLE p1 PARTITION OF p FOR VALUES IN (1)`)
			var all []*rules.Migration
			for i, ops := range c.ops {
				m := stored(t, int64(i+1), c.phases[i], string(rune('m'+i)), ops...)
				if m.Phase == rules.Cutover {
					exec(t, conn, rules.DDL(m, rules.Forward)...)
				}
				all = append(all, m)
			}
			before, err := rules.Build(1, all, load(t, conn))
			if err != nil {
				t.Fatal(err)
			}
			exec(t, conn, c.hand...)
			cat := load(t, conn)
			if c.blind == nil {
				c.blind = c.want
			}
			for with, want := range map[*rules.Snapshot][]string{before: c.want, nil: c.blind} {
				if slices.Equal(want, []string{unknown}) {
					want = nil
				}
				if diff := cmp.Diff(strings.Join(want, "\n"), strings.Join(rules.Mend(all, cat, with), "\n")); diff != "" {
					t.Errorf("with the last snapshot: %t (-want +got):\n%s", with != nil, diff)
				}
			}
			if slices.Equal(c.want, []string{unknown}) {
				return
			}
			exec(t, conn, c.want...)
			if _, err := rules.Build(1, all, load(t, conn)); err != nil {
				t.Errorf("after the statements: %v", err)
			}
		})
	}
}
