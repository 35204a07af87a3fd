package proxy

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestWhatIsSentBehindAFailedGroupFailsForThat sends, without waiting for its answer, texts behind a group that fails the
// transaction.
func TestWhatIsSentBehindAFailedGroupFailsForThat(t *testing.T) {
	t.Parallel()
	failing := messages(execute("nope"), syncMsg())
	for name, sql := range map[string]string{
		"an unknown qualifier": "SELECT last_name.x FROM individual",
		"an unknown column":    "SELECT nope FROM individual",
		"the database's name":  "SELECT surname FROM individual",
		"a syntax error":       "SELECT last_name FROM individual WHERE WHERE",
		"a text that is right": "SELECT last_name FROM individual",
		"several statements":   "ROLLBACK; SELECT last_name FROM individual WHERE id = 1",
		"several, wrong":       "ROLLBACK; SELECT last_name.x FROM individual",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := script{
				{simple("SELECT last_name FROM individual WHERE id = 1"), "Z"}, {simple("BEGIN"), "Z"}, {messages(failing, simple(sql)), "ZZ"},
				{messages(simple("ROLLBACK"), simple(sql)), "ZZ"},
				{simple("BEGIN"), "Z"}, {simple(sql), "Z"}, {messages(simple("SELECT 1"), simple("ROLLBACK")), "ZZ"},
			}
			if diff := cmp.Diff(s.directly(t, people), s.renamed(t, people)); diff != "" {
				t.Errorf("the client sees (-directly +through the proxy):\n%s", diff)
			}
		})
	}
}
