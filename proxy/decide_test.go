package proxy

import (
	"errors"
	"math/rand/v2"
	"testing"

	"github.com/seguedb/segue/proxy/wire"
	"github.com/seguedb/segue/rewrite"
)

// TestAQuestionThatFailsIsTheErrorOfItsStatement has the server cancel what is asked before a simple BEGIN: the statement fails, and
// the session goes on.
func TestAQuestionThatFailsIsTheErrorOfItsStatement(t *testing.T) {
	t.Parallel()
	m := newModelSession(t, modelServer(t), rand.New(rand.NewPCG(1, 2)))
	m.doubtPrepared()
	raw := simple("BEGIN")
	m.frame = wire.Frame{Type: raw[0], Raw: raw, Body: raw[5:]}
	var out outcome
	err := m.decide(&out)
	var q *question
	if !errors.As(err, &q) || q.kind != ownQueries {
		t.Fatalf("decided is %+v, %v", out, err)
	}
	g := q.groups[0]
	g.err = cancelError().Fields()
	if out, err = m.settle(q.answered(g.answer())); err != nil {
		t.Fatalf("the session ends: %v", err)
	}
	if out.as != asQuery || out.source != rewrite.StandIn || out.fail == nil || out.fail.Code != "57014" {
		t.Errorf("decided is %+v", out)
	}
}
