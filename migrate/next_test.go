package migrate

import (
	"strings"
	"testing"

	"github.com/seguedb/segue/rules"
)

func TestAChangeOfColumnsIsNotToldInWordsOfNames(t *testing.T) {
	t.Parallel()
	for _, phase := range []rules.Phase{rules.RolledBack, rules.Contracted} {
		st := &Status{ID: "money", Phase: phase, Operations: []OperationView{{Kind: "rename_column"}}}
		if says := st.Says(); !strings.Contains(says, "names") || says != Says(phase) {
			t.Errorf("a rename that is %s says %q", phase, says)
		}
		st.Operations = []OperationView{{Kind: "change_columns"}}
		if says := st.Says(); strings.Contains(says, "names") || !strings.Contains(says, "the old columns") {
			t.Errorf("a change that is %s says %q", phase, says)
		}
	}
}
