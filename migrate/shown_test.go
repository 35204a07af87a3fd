package migrate

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seguedb/segue/assess"
	"github.com/seguedb/segue/rules"
)

// clients renames a column and the table that has it.
const clients = `
id: clients
contract_after: 0s
operations:
  - rename_column: { table: public.client, from: first_name, to: given_name }
  - rename_table: { from: public.client, to: customer }
`

// clientShop has the tables of clients, one with the same column that is not renamed, and functions to call.
const clientShop = `
CREATE SCHEMA other;
CREATE TABLE public.client (id int PRIMARY KEY, first_name text, note jsonb);
CREATE TABLE public.page (id int, first_name text, client text, note jsonb);
CREATE TABLE public.log (what text, tab text, row jsonb);
CREATE FUNCTION public.any_json(r anyelement) RETURNS jsonb LANGUAGE sql AS 'SELECT to_jsonb($1)';
CREATE FUNCTION public.any_text(r anyelement) RETURNS text LANGUAGE sql AS 'SELECT $1::text';`

// trigger is a function for triggers with that body, and a trigger on the table that calls it.
func trigger(table, body string) []string {
	return []string{`CREATE FUNCTION other.x() RETURNS trigger LANGUAGE plpgsql AS $f$` + body + `$f$`,
		`CREATE TRIGGER t AFTER UPDATE ON ` + table + ` FOR EACH ROW EXECUTE FUNCTION other.x()`}
}

func TestAssessAndPlanNameWhatShowsOtherKeys(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 1, clientShop+`
		CREATE VIEW other.keys AS SELECT to_jsonb(c) AS j FROM public.client c;`+
		strings.Join(trigger("public.client", `BEGIN INSERT INTO public.log VALUES ('x', TG_TABLE_NAME, to_jsonb(NEW)); RETURN NULL; END`), ";"))
	ctx, i := t.Context(), f.instances[0]
	whole := func(when, old, new, table, renamed string) []string {
		keys := `rows of public.` + table + ` with other keys: "` + old + `" is "` + new + `" ` + when
		return []string{
			`trigger t on public.` + table + `: its function other.x() runs: to_jsonb has ` + keys +
				`; TG_TABLE_NAME shows the table's name: "` + table + `" is "` + renamed + `" ` + when,
			`view other.keys: to_jsonb has ` + keys,
		}
	}
	named := func(found []assess.Finding, err error) []string {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		out := []string{}
		for _, f := range found {
			if f.ID == assess.ShownNames.ID {
				out = append(out, f.Object+": "+f.Message)
				if f.Severity != assess.Warn || f.Hint == "" {
					t.Errorf("%s is %q with hint %q", f.Object, f.Severity, f.Hint)
				}
			}
		}
		return out
	}
	want := whole("from cutover on", "first_name", "given_name", "client", "customer")
	found, err := i.AssessFile(ctx, "clients.yaml", []byte(clients))
	if diff := cmp.Diff(want, named(found, err)); diff != "" {
		t.Errorf("the file (-want +got):\n%s", diff)
	}
	f.create(clients)
	f.must("clients", activate)
	steps, err := i.Plan(ctx, "clients")
	notes := []string{}
	for _, s := range steps {
		if s.Phase == rules.Cutover && s.SQL == "" {
			notes = append(notes, s.Note)
		}
	}
	if diff := cmp.Diff(append(want, assess.HintShown), notes); err != nil || diff != "" {
		t.Errorf("the plan: %v (-want +got):\n%s", err, diff)
	}
	f.must("clients", cutover)
	found, err = i.Assess(ctx, "clients")
	want = whole("again after a rollback", "given_name", "first_name", "customer", "client")
	if diff := cmp.Diff(want, named(found, err)); diff != "" {
		t.Errorf("after cutover (-want +got):\n%s", diff)
	}

	waived, err := i.AssessFile(ctx, "clients.yaml", []byte(clients+"waive:\n  - { id: shown-names, reason: nobody reads them }\n"))
	for _, f := range waived {
		if f.ID == assess.ShownNames.ID && f.Severity != assess.Note {
			t.Errorf("what is waived is %q: %v", f.Severity, err)
		}
	}
}
