package checker

import (
	"fmt"
	"math/rand/v2"

	"github.com/seguedb/segue/test/checker/proof"
	"github.com/seguedb/segue/test/checker/wal"
)

// renamed keeps what it is, under another name: writers append, so a write that is lost or done twice shows.
func renamed() *Shape {
	s := &Shape{Name: "renamed", Types: [2][]string{{"text"}, {"text"}}, Defaults: [2]string{"", ""}}
	s.Rule = proof.Rule{Name: s.Name, Columns: [2][]string{{"last_name"}, {"surname"}}}
	s.Rule.Derive = func(_ proof.Side, t proof.Tuple, _ proof.Rows) (proof.Tuple, bool) { return t, true }
	s.Values = func(r *rand.Rand, _ proof.Side) proof.Tuple {
		return proof.Tuple{wal.Text(fmt.Sprintf("n%d", r.IntN(1000)))}
	}
	push := func(r *rand.Rand) Write {
		x := fmt.Sprintf(" x%d", r.IntN(1000))
		return Write{Exprs: map[int]string{0: "right({0} || '" + x + "', 60)"}, Effect: func(before proof.Tuple) proof.Tuple {
			text := before[0].Text + x
			return proof.Tuple{wal.Text(text[max(0, len(text)-60):])}
		}}
	}
	reset := func(r *rand.Rand) Write { return set(s.Types[proof.Old], s.Values(r, proof.Old)) }
	for _, side := range []proof.Side{proof.Old, proof.New} {
		s.Writes[side] = []func(r *rand.Rand) Write{push, push, reset}
	}
	return s
}
