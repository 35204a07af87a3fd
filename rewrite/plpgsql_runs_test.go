package rewrite

import (
	"strings"
	"testing"
)

// The text is another statement under another search_path, or as another user, whose schema may be in it.
func TestATextThatRunsElsewhereStaysAsItIs(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "old")
	for _, f := range []string{"runs_elsewhere", "goes_elsewhere", "runs_as_its_owner"} {
		const query = `'SELECT last_name FROM individual'`
		sql := "SELECT " + f + "(" + query + ")"
		text := w.rewrite(t, sql)
		if text.Statements[0].Failure == nil && !strings.Contains(text.SQL, query) {
			t.Errorf("%s\n=> %s", sql, text.SQL)
		}
	}
}
