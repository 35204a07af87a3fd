package proxy

import (
	"testing"

	"github.com/seguedb/segue/proxy/wire"
)

// TestAReportThatComesWithAnAnswerOfOursWaits has the server report search_path while it answers a question of the proxy's, as
// it does from version 18 on.
func TestAReportThatComesWithAnAnswerOfOursWaits(t *testing.T) {
	t.Parallel()
	report := wire.AppendParameterStatus(nil, "search_path", "pg_catalog")[5:]
	p := newPipeline()
	heard := func(when string, want action) {
		t.Helper()
		if v := p.respond(wire.ParameterStatus, report); v.action != want {
			t.Errorf("%s: the action is %d, want %d", when, v.action, want)
		}
	}
	heard("while nothing is due", forward)
	if _, err := ownQuery("SELECT 1", false).start(p); err != nil {
		t.Fatal(err)
	}
	heard("before the answer", later)
	p.hear("312C33")
	heard("before its ReadyForQuery", later)
	p.hear("Z")
	heard("behind it", forward)
	p.say("Q")
	heard("with an answer of the client's", forward)
}
