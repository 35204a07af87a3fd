package proxy

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestAnEmptyQueryTakesNoSnapshot sends texts without a statement in a transaction that has no snapshot yet, where names have
// to be asked for.
func TestAnEmptyQueryTakesNoSnapshot(t *testing.T) {
	t.Parallel()
	run := func(sql string) []byte { return messages(parse("", sql), bind("", ""), execute(""), syncMsg()) }
	for name, empty := range map[string][]byte{
		"a comment":                         simple("/* individual */"),
		"a comment up to the end of a line": simple("-- individual"),
		"semicolons and comments":           simple(" ; /* a /* last_name */ */; -- individual\n ;"),
		"by the protocol":                   run("/* individual */"),
		"kept":                              messages(parse("e", "/* individual */"), bind("", "e"), execute(""), syncMsg()),
		"a comment that is not at its end":  simple("/* individual /* */"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			before := script{{simple("SELECT last_name FROM individual"), "Z"}}
			t.Run("at REPEATABLE READ", func(t *testing.T) {
				t.Parallel()
				s := append(before, step{simple("BEGIN ISOLATION LEVEL REPEATABLE READ"), "Z"}, step{simple("SET LOCAL search_path TO public"), "Z"},
					step{simple("SAVEPOINT a"), "Z"}, step{empty, "Z"}, step{simple("ROLLBACK TO a"), "Z"}, step{simple("LOCK TABLE individual"), "Z"})
				got := strings.Join(s.renamed(t, people), "\n")
				if !strings.Contains(got, "would take the snapshot") {
					t.Errorf("heard %s", got)
				}
			})
			t.Run("at READ COMMITTED", func(t *testing.T) {
				t.Parallel()
				s := append(before, step{simple("BEGIN"), "Z"}, step{simple("SET LOCAL search_path TO public"), "Z"}, step{empty, "Z"},
					step{simple("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"), "Z"}, step{simple("SHOW transaction_isolation"), "Z"})
				if diff := cmp.Diff(s.directly(t, people), s.renamed(t, people)); diff != "" {
					t.Errorf("the client sees (-directly +through the proxy):\n%s", diff)
				}
			})
		})
	}
}
