package rules_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seguedb/segue/rules"
)

func TestARenameNeedsDDLAtCutoverAndItsWayBackAlone(t *testing.T) {
	t.Parallel()
	m := parse(t, "x", "public.individual.last_name > surname", "public.individual > person")
	const (
		column = `ALTER TABLE "public"."individual" RENAME COLUMN "last_name" TO "surname"`
		table  = `ALTER TABLE "public"."individual" RENAME TO "person"`
	)
	back := []string{`ALTER TABLE "public"."person" RENAME TO "individual"`, `ALTER TABLE "public"."individual" RENAME COLUMN "surname" TO "last_name"`}
	for _, tc := range []struct {
		from, to rules.Phase
		sql      []string
		lock     rules.Lock
		steps    int
	}{
		{rules.Draft, rules.Active, nil, "", 1},
		{rules.RolledBack, rules.Active, nil, "", 1},
		{rules.Active, rules.Cutover, []string{column, table}, rules.AccessExclusive, 2},
		{rules.Cutover, rules.Active, back, rules.AccessExclusive, 2},
		{rules.Cutover, rules.RolledBack, back, rules.AccessExclusive, 2},
		{rules.Active, rules.RolledBack, nil, rules.AccessExclusive, 1},
		{rules.Cutover, rules.Contracted, nil, rules.AccessExclusive, 1},
		{rules.Draft, rules.RolledBack, nil, "", 0},
	} {
		steps := rules.Steps(m, tc.from, tc.to)
		if diff := cmp.Diff(tc.sql, rules.Statements(steps)); diff != "" {
			t.Errorf("%s → %s runs (-want +got):\n%s", tc.from, tc.to, diff)
		}
		if len(steps) != tc.steps {
			t.Errorf("%s → %s takes %d steps, want %d: %+v", tc.from, tc.to, len(steps), tc.steps, steps)
		}
		if got, want := rules.Gated(steps), tc.lock != ""; got != want {
			t.Errorf("%s → %s is gated: %v", tc.from, tc.to, got)
		}
		for _, s := range steps {
			if s.From != tc.from || s.Phase != tc.to || s.Lock != tc.lock || s.Long || s.Resumable {
				t.Errorf("%s → %s takes the step %+v", tc.from, tc.to, s)
			}
		}
	}
}
