package migrate

import (
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seguedb/segue/internal/pgtest"
	"github.com/seguedb/segue/rules"
)

// chain is three migrations on one table and one column, each of which speaks of what the one before left.
var chain = []string{`
id: m1
contract_after: 0s
operations:
  - rename_column: { table: public.individual, from: last_name, to: surname }`, `
id: m2
contract_after: 0s
operations:
  - rename_table: { from: public.individual, to: person }`, `
id: m3
contract_after: 0s
operations:
  - rename_column: { table: public.person, from: surname, to: family_name }`,
}

func TestAChainOfMigrationsLivesTogetherAndMovesInOrder(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 2, shop)
	for n, file := range chain {
		f.create(file)
		f.must(fmt.Sprintf("m%d", n+1), activate)
	}
	stop := f.clients("base", "m1", "m2", "m3")
	for _, tc := range []struct {
		id  string
		r   Request
		hit string // the migration in the way; empty: it works
	}{
		{"m2", cutover, "m1"},
		{"m1", rollback, "m"},
		{"m1", cutover, ""},
		{"m3", cutover, "m2"},
		{"m2", cutover, ""},
		{"m3", cutover, ""},
		{"m1", backToActive, "m"},
		{"m3", backToActive, ""},
		{"m2", backToActive, ""},
		{"m2", cutover, ""},
		{"m3", cutover, ""},
		{"m2", contract, "m1"},
	} {
		if tc.hit == "" {
			f.must(tc.id, tc.r)
		} else if e := f.refused(tc.id, tc.r); !strings.Contains(e.Error(), `"`+tc.hit) {
			t.Errorf("%s of %s is refused with %q, want %s named", tc.r.Kind, tc.id, e, tc.hit)
		}
	}
	stop()
	f.must("m1", contract)
	f.must("m2", contract)
	f.must("m3", contract)
	if !f.hasColumn("public.person", "family_name") {
		t.Error("the table is not what the chain ends in")
	}
}

func TestEachRollbackOfAChainGivesTheSchemaBefore(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 1, shop)
	for n, file := range chain {
		f.create(file)
		f.must(fmt.Sprintf("m%d", n+1), activate, cutover)
	}
	for _, step := range []struct{ id, table, column string }{
		{"m3", "public.person", "surname"},
		{"m2", "public.individual", "surname"},
		{"m1", "public.individual", "last_name"},
	} {
		f.must(step.id, rollback)
		if !f.hasColumn(step.table, step.column) {
			t.Errorf("after the rollback of %s there is no %s.%s", step.id, step.table, step.column)
		}
	}
	if f.instances[0].Snapshot().Live() {
		t.Error("something is live")
	}
}

func TestCreateChecksTheFileBeforeAnythingIsStored(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 2, shop)
	i := f.instances[0]
	var mistake *rules.FileError
	bad := strings.NewReplacer("id: surname", "id: other", "last_name", "last_nam").Replace(surname)
	if _, _, err := i.Create(t.Context(), "f.yaml", []byte(bad), "test"); !errors.As(err, &mistake) || mistake.Line != 5 || !strings.Contains(mistake.Hint, "last_name") {
		t.Errorf("an unknown column gives %v", err)
	}
	f.create(surname)
	if st, created, err := f.instances[1].Create(t.Context(), "again.yaml", []byte(surname), "test"); err != nil || created || st.Phase != rules.Draft {
		t.Errorf("the same file again: %+v %t %v", st, created, err)
	}
	var conflict *ConflictError
	if _, _, err := i.Create(t.Context(), "f", []byte(strings.Replace(surname, "to: surname", "to: family", 1)), "test"); !errors.As(err, &conflict) {
		t.Errorf("other content under the same id gives %v", err)
	}
	all, err := i.List(t.Context())
	if err != nil || len(all) != 1 {
		t.Fatalf("stored are %+v %v", all, err)
	}
	want := []OperationView{{Kind: "rename_column", Table: `public.individual`, From: "last_name", To: "surname"}}
	if diff := cmp.Diff(want, all[0].Operations, cmp.Transformer("unquote", func(s string) string { return strings.ReplaceAll(s, `"`, "") })); diff != "" {
		t.Errorf("operations (-want +got):\n%s", diff)
	}
}

func TestThePlanListsWhatIsToCome(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 1, shop)
	f.create(surname)
	for _, tc := range []struct {
		reach Request
		want  []rules.Phase
	}{
		{Request{}, []rules.Phase{rules.Active, rules.Cutover, rules.Contracted, rules.RolledBack, rules.RolledBack}},
		{activate, []rules.Phase{rules.Cutover, rules.Contracted, rules.RolledBack, rules.RolledBack}},
		{cutover, []rules.Phase{rules.Contracted, rules.RolledBack}},
		{contract, nil},
	} {
		if tc.reach.Kind != "" {
			f.must("surname", tc.reach)
		}
		steps, err := f.instances[0].Plan(t.Context(), "surname")
		if err != nil {
			t.Fatal(err)
		}
		var got []rules.Phase
		for _, s := range steps {
			got = append(got, s.Phase)
			renames := s.Phase == rules.Cutover || s.From == rules.Cutover && s.Phase == rules.RolledBack
			if renames != strings.Contains(s.SQL, "RENAME COLUMN") {
				t.Errorf("the step from %s to %s runs %q", s.From, s.Phase, s.SQL)
			}
			if held := s.Phase != rules.Active; s.Gated != held || held != (s.Lock == "ACCESS EXCLUSIVE") {
				t.Errorf("the step from %s to %s is %+v", s.From, s.Phase, s)
			}
		}
		if diff := cmp.Diff(tc.want, got); diff != "" {
			t.Errorf("after %q (-want +got):\n%s", tc.reach.Kind, diff)
		}
	}
}

func TestExitSQLFinishesOrUndoesAMigrationByHand(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name   string
		reach  []Request
		to     rules.Phase
		column string
	}{
		{"finish an active one", []Request{activate}, rules.Contracted, "surname"},
		{"finish one that is cut over", []Request{activate, cutover}, rules.Contracted, "surname"},
		{"undo an active one", []Request{activate}, rules.RolledBack, "last_name"},
		{"undo one that is cut over", []Request{activate, cutover}, rules.RolledBack, "last_name"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			f := newFleet(t, 1, shop)
			f.create(surname)
			f.must("surname", tc.reach...)
			script, err := f.instances[0].ExitSQL(t.Context(), "surname", tc.to)
			if err != nil {
				t.Fatal(err)
			}
			if out, err := f.psql(script); err == nil || !strings.Contains(out, "an instance of Segue is running") {
				t.Fatalf("with an instance running psql says: %s %v", out, err)
			}
			if err := f.instances[0].Stop(t.Context()); err != nil {
				t.Fatal(err)
			}
			if out, err := f.psql(script); err != nil {
				t.Fatalf("psql says: %s %v", out, err)
			}
			if f.phase("surname") != tc.to || !f.hasColumn("public.individual", tc.column) {
				t.Errorf("the phase is %s and the column %s is there: %t", f.phase("surname"), tc.column, f.hasColumn("public.individual", tc.column))
			}
		})
	}
	if _, err := exitSQL(&rules.Migration{ID: "m", Phase: rules.Contracted}, nil, rules.RolledBack); err == nil {
		t.Error("a contracted migration can be undone")
	}
}

func (f *fleet) psql(script string) (string, error) {
	cmd := exec.CommandContext(f.t.Context(), pgtest.Bin("psql"), "--no-psqlrc", "--set", "ON_ERROR_STOP=1", "--file", "-", f.url)
	cmd.Stdin = strings.NewReader(script)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func TestSubscribersSeeTheHistoryAsItHappens(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 2, shop)
	events := f.instances[1].Subscribe(t.Context())
	f.create(surname)
	f.must("surname", activate)
	var got []string
	for e := range events {
		got = append(got, e.Kind)
		if e.Kind == eventDone {
			break
		}
	}
	if diff := cmp.Diff([]string{eventCreated, eventRequested, eventCommitted, eventDone}, got); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
}
