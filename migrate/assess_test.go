package migrate

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seguedb/segue/assess"
	"github.com/seguedb/segue/internal/pgtest"
	"github.com/seguedb/segue/rules"
)

// findings lists what was found as "severity id object".
func findings(t *testing.T, found []assess.Finding, err error) []string {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	out := []string{}
	for _, f := range found {
		object := f.Object
		if strings.HasPrefix(object, "pid ") {
			object = "pid"
		}
		out = append(out, string(f.Severity)+" "+f.ID+" "+object)
		if f.Message == "" || f.Hint == "" {
			t.Errorf("%s %s has message %q and hint %q", f.ID, f.Object, f.Message, f.Hint)
		}
	}
	return out
}

func TestAssessFindsWhatWillBeInTheWay(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 1, shop+`
CREATE FUNCTION public.old_text() RETURNS text LANGUAGE sql AS 'SELECT last_name FROM public.individual LIMIT 1';
`+keptParsed+`
CREATE PUBLICATION everything FOR TABLE public.individual;`)
	ctx, i := t.Context(), f.instances[0]

	want := []string{"error function-body function public.old_text()", "warning publication public.individual"}
	found, err := i.AssessFile(ctx, "surname.yaml", []byte(surname))
	if diff := cmp.Diff(want, f.without(findings(t, found, err))); diff != "" {
		t.Errorf("the file (-want +got):\n%s", diff)
	}
	if all, err := i.List(ctx); err != nil || len(all) != 0 {
		t.Errorf("assessing stored %v, %v", all, err)
	}

	waived := surname + "waive:\n  - { id: publication, reason: nobody subscribes }\n  - { id: function-body, reason: not a warning }\n"
	found, err = i.AssessFile(ctx, "surname.yaml", []byte(waived))
	want[1] = "info publication public.individual"
	if diff := cmp.Diff(want, f.without(findings(t, found, err))); diff != "" {
		t.Errorf("with a waiver (-want +got):\n%s", diff)
	}

	f.create(surname)
	f.must("surname", activate)
	pgtest.Exec(t, f.url, `DROP FUNCTION public.old_text()`, `DROP PUBLICATION everything`)
	found, err = i.Assess(ctx, "surname")
	if diff := cmp.Diff([]string{}, f.without(findings(t, found, err))); diff != "" {
		t.Errorf("when all is out of the way (-want +got):\n%s", diff)
	}

	f.must("surname", cutover)
	pgtest.Exec(t, f.url, `CREATE FUNCTION public.new_text() RETURNS text LANGUAGE sql AS 'SELECT surname FROM public.individual LIMIT 1'`)
	found, err = i.Assess(ctx, "surname")
	want = []string{"warning function-body function public.new_text()"}
	if diff := cmp.Diff(want, f.without(findings(t, found, err))); diff != "" {
		t.Errorf("after cutover (-want +got):\n%s", diff)
	}
}

// without leaves out what the tests' own connections are found for.
func (f *fleet) without(found []string) []string {
	out := []string{}
	for _, line := range found {
		if line != "warning bypass pid" && line != "error contract-proof pid" {
			out = append(out, line)
		}
	}
	return out
}

func TestAssessNamesLongTransactionsAndSessionsThatBypass(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 1, shop)
	f.create(surname)
	f.must("surname", activate)
	conn := pgtest.Connect(t, f.url)
	if _, err := conn.Exec(t.Context(), `BEGIN; SELECT FROM public.individual`); err != nil {
		t.Fatal(err)
	}
	has := func(line string) bool {
		found, err := f.instances[0].Assess(t.Context(), "surname")
		for _, l := range findings(t, found, err) {
			if l == line {
				return true
			}
		}
		return false
	}
	pgtest.Eventually(t, func() bool { return has("warning lock-held pid") }, "the transaction is older than the drain limit, and named")
	if !has("warning bypass pid") {
		t.Error("the session that comes through no instance is not named")
	}
}

func TestAssessSaysWhyADraftCannotBeActivatedAnyMore(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 1, shop)
	f.create(surname)
	f.must("surname", activate)
	f.create("id: later\noperations:\n  - rename_column: { table: public.individual, from: surname, to: family_name }\n")
	f.must("surname", rollback)
	found, err := f.instances[0].Assess(t.Context(), "later")
	if err != nil {
		t.Fatal(err)
	}
	if len(found) == 0 || found[0].ID != "order" || found[0].Severity != assess.Block || !strings.Contains(found[0].Message, "no column surname") {
		t.Errorf("found %+v", found)
	}
}

func TestAssessAnswersAMistakeInAFile(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 1, shop)
	_, err := f.instances[0].AssessFile(t.Context(), "wrong.yaml", []byte(strings.Replace(surname, "from: last_name", "from: last_nam", 1)))
	mistake, ok := errors.AsType[*rules.FileError](err)
	if !ok || mistake.Line == 0 || !strings.Contains(mistake.Hint, "last_name") {
		t.Errorf("the error is %v, want one with a line and a suggestion", err)
	}
	if _, err := f.instances[0].Assess(t.Context(), "nobody"); !errors.Is(err, ErrNotFound) {
		t.Errorf("an unknown id is %v", err)
	}
}

func TestAssessNamesPreparedTransactionsThatHoldATable(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 1, shop)
	f.create(surname)
	pgtest.Exec(t, f.url, `BEGIN; LOCK TABLE public.individual IN ROW EXCLUSIVE MODE; PREPARE TRANSACTION 'of an assessment'`)
	held := func() (out []assess.Finding) {
		t.Helper()
		found, err := f.instances[0].Assess(t.Context(), "surname")
		if err != nil {
			t.Fatal(err)
		}
		for _, x := range found {
			if x.ID == "lock-held" {
				out = append(out, x)
			}
		}
		return out
	}
	found := held()
	if len(found) != 1 || found[0].About != (assess.Object{Kind: assess.Prepared, Name: "'of an assessment'"}) || len(found[0].Sessions) != 1 {
		t.Fatalf("found %+v", found)
	}
	pgtest.Exec(t, f.url, found[0].Sessions[0].End)
	if found := held(); len(found) > 0 {
		t.Errorf("when it is rolled back there is %+v", found)
	}
}
