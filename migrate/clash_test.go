package migrate

import (
	"strings"
	"testing"
)

func TestAssessTellsOfDraftsThatContradictEachOther(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 1, shop)
	f.create("id: one\noperations:\n  - rename_column: { table: public.individual, from: last_name, to: surname }\n")
	f.create("id: other\noperations:\n  - rename_column: { table: public.individual, from: last_name, to: family_name }\n")
	f.create("id: apart\noperations:\n  - rename_column: { table: public.individual, from: city, to: town }\n")
	clashes := func(id string) (out []string) {
		t.Helper()
		found, err := f.instances[0].Assess(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		for _, x := range found {
			if x.ID == "order" {
				out = append(out, string(x.Severity)+" "+x.Object)
			}
		}
		return out
	}
	for id, want := range map[string]string{"one": "warning other", "other": "warning one", "apart": ""} {
		if got := strings.Join(clashes(id), ", "); got != want {
			t.Errorf("%s clashes with %q, want %q", id, got, want)
		}
	}
	f.must("one", activate)
	if got := strings.Join(clashes("other"), ", "); got != "error activate" {
		t.Errorf("beside the one that is active there is %q", got)
	}
}
