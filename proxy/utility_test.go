package proxy

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestWhatPostgresLooksAtWhenItIsExecutedFailsNoEarlier has statements in the extended protocol that must fail, for a name
// that does not exist. Those that PostgreSQL analyzes at Parse fail there.
func TestWhatPostgresLooksAtWhenItIsExecutedFailsNoEarlier(t *testing.T) {
	t.Parallel()
	for name, sql := range map[string]string{
		"PREPARE":       "PREPARE p AS SELECT nope FROM individual",
		"CREATE VIEW":   "CREATE VIEW v AS SELECT nope FROM individual",
		"COPY":          "COPY individual (nope) TO STDOUT",
		"ALTER TABLE":   "ALTER TABLE individual ALTER nope SET NOT NULL",
		"a query":       "SELECT nope FROM individual",
		"EXPLAIN":       "EXPLAIN SELECT nope FROM individual",
		"a cursor":      "DECLARE c CURSOR WITH HOLD FOR SELECT nope FROM individual",
		"CREATE TABLE":  "CREATE TABLE made AS SELECT nope FROM individual",
		"a view's":      "CREATE MATERIALIZED VIEW made AS SELECT nope FROM individual",
		"a column's":    "COMMENT ON COLUMN individual.nope IS 'none'",
		"of statistics": "CREATE STATISTICS s ON nope, id FROM individual",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := script{
				{messages(parse("a", "SELECT last_name FROM individual"), parse("a", sql), syncMsg()), "Z"},
				{messages(parse("b", sql), describe("b"), syncMsg(), bind("", "b"), syncMsg()), "ZZ"},
				{messages(bind("", "b"), execute(""), syncMsg(), parse("", sql), bind("", ""), execute(""), syncMsg()), "ZZ"},
				{messages(simple("BEGIN"), simple("SELECT 1; "+sql+"; SELECT 2"), simple("COMMIT")), "ZZZ"},
			}
			if diff := cmp.Diff(s.directly(t, people), s.renamed(t, people)); diff != "" {
				t.Errorf("the client sees (-directly +through the proxy):\n%s", diff)
			}
		})
	}
}

func TestWhatAnEarlierGroupHasNotMadeIsNotThereWhateverItsTextSays(t *testing.T) {
	t.Parallel()
	for name, failing := range map[string][]byte{
		"its own text":      messages(parse("b", "SELECT nope FROM individual"), syncMsg()),
		"one before it":     messages(parse("", "SELECT nothing"), parse("b", "SELECT nope FROM individual"), syncMsg()),
		"and would succeed": messages(parse("", "SELECT nothing"), parse("b", "SELECT last_name FROM individual"), syncMsg()),
		"a utility":         messages(parse("", "SELECT nothing"), parse("b", "CREATE VIEW v AS SELECT nope FROM individual"), syncMsg()),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := script{
				{simple("SELECT last_name FROM individual ORDER BY id"), "Z"},
				{messages(failing, bind("", "b"), execute(""), syncMsg(), describe("b"), syncMsg()), "ZZZ"},
				{messages(failing, simple("EXECUTE b")), "ZZ"},
			}
			if diff := cmp.Diff(s.directly(t, people), s.renamed(t, people)); diff != "" {
				t.Errorf("the client sees (-directly +through the proxy):\n%s", diff)
			}
		})
	}
}
