package migrate

import (
	"testing"

	"github.com/seguedb/segue/rules"
)

func TestARenameGoesThroughItsPhasesOnTwoInstances(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 2, shop)
	f.create(surname)
	for _, step := range []struct {
		name    string
		request Request
		column  string // that the table physically has afterwards
		live    bool
	}{
		{"activate", activate, "last_name", true},
		{"cutover", cutover, "surname", true},
		{"rollback to active", backToActive, "last_name", true},
		{"cutover again", cutover, "surname", true},
		{"rollback", rollback, "last_name", false},
		{"activate again", activate, "last_name", true},
		{"rollback from active", rollback, "last_name", false},
		{"activate a third time", activate, "last_name", true},
		{"a third cutover", cutover, "surname", true},
		{"contract", contract, "surname", false},
	} {
		before := value[int64](f, `SELECT epoch FROM segue.epoch`)
		f.must("surname", step.request)
		if !f.hasColumn("public.individual", step.column) {
			t.Errorf("%s: the table has no column %s", step.name, step.column)
		}
		for n, tr := range f.traffics {
			if got := tr.epoch(); got != before+1 {
				t.Errorf("%s: instance %s serves epoch %d, want %d", step.name, tr.id, got, before+1)
			}
			if live := f.instances[n].Snapshot().Live(); live != step.live {
				t.Errorf("%s: instance %s serves live versions: %t, want %t", step.name, tr.id, live, step.live)
			}
		}
	}
	if got := f.phase("surname"); got != rules.Contracted {
		t.Errorf("the phase is %s", got)
	}
}
