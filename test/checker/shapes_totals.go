package checker

import (
	"fmt"
	"math/rand/v2"
	"strconv"

	"github.com/seguedb/segue/change"
	"github.com/seguedb/segue/test/checker/proof"
	"github.com/seguedb/segue/test/checker/wal"
)

// totals get a wider type under the name that they have.
func totals() *Shape {
	s := &Shape{
		Name: "totals", Inline: true,
		Types: [2][]string{{"integer"}, {"bigint"}},
		Exprs: [2][]string{{"({0})::integer"}, {"({0})::bigint"}},
	}
	s.Rule = proof.Rule{Name: s.Name, Columns: [2][]string{{"total"}, {"total"}}, Derive: same}
	s.Values = func(r *rand.Rand, _ proof.Side) proof.Tuple {
		return proof.Tuple{wal.Text(strconv.Itoa(r.IntN(1_000_000)))}
	}
	for _, side := range []proof.Side{proof.Old, proof.New} {
		s.Writes[side] = []func(r *rand.Rand) Write{func(r *rand.Rand) Write {
			k := r.IntN(100)
			return Write{Exprs: map[int]string{0: fmt.Sprintf("{0} + %d", k)}, Effect: func(before proof.Tuple) proof.Tuple {
				n, _ := strconv.Atoi(before[0].Text)
				return proof.Tuple{wal.Text(strconv.Itoa(n + k))}
			}}
		}}
	}
	return s
}

// capped are numbers of which the old side holds the largest it can where the new one holds more.
func capped() *Shape {
	s := totals()
	s.rename("capped")
	const most = 2147483647
	s.Rule.Columns = [2][]string{{"small"}, {"large"}}
	s.Rule.Lossy = true
	s.DownFail = &change.DownFail{
		When: fmt.Sprintf("large OPERATOR(pg_catalog.>) %d", most), Then: change.Map{"small": fmt.Sprint(most)},
	}
	s.Rule.Derive = func(from proof.Side, t proof.Tuple, _ proof.Rows) (proof.Tuple, bool) {
		if n, err := strconv.ParseInt(t[0].Text, 10, 64); from == proof.New && err == nil && n > most {
			return proof.Tuple{wal.Text(fmt.Sprint(most))}, true
		}
		return t, true
	}
	s.Values = func(r *rand.Rand, side proof.Side) proof.Tuple {
		n := int64(r.IntN(1000))
		if side == proof.New && r.IntN(2) == 0 {
			n += most
		}
		return proof.Tuple{wal.Text(fmt.Sprint(n))}
	}
	for _, side := range []proof.Side{proof.Old, proof.New} {
		s.Writes[side] = []func(r *rand.Rand) Write{func(r *rand.Rand) Write { return set(s.Types[side], s.Values(r, side)) }}
	}
	return s
}
