package checker

import (
	"math/rand/v2"
	"strconv"
	"strings"

	"github.com/seguedb/segue/test/checker/proof"
	"github.com/seguedb/segue/test/checker/wal"
)

// prices become text. Equal numbers can print differently, and then they are different texts.
func prices() *Shape {
	s := &Shape{
		Name: "prices", Inline: true,
		Types: [2][]string{{"numeric"}, {"text"}},
		Exprs: [2][]string{{"({0})::numeric"}, {"({0})::pg_catalog.text"}},
	}
	s.Rule = proof.Rule{Name: s.Name, Columns: [2][]string{{"price"}, {"label"}}, Derive: same}
	s.Values = func(r *rand.Rand, _ proof.Side) proof.Tuple {
		return proof.Tuple{wal.Text([]string{"1", "1.0", "1.00", "2.5", "2.50", "-3.000"}[r.IntN(6)])}
	}
	for _, side := range []proof.Side{proof.Old, proof.New} {
		s.Writes[side] = []func(r *rand.Rand) Write{func(r *rand.Rand) Write { return set(s.Types[side], s.Values(r, side)) }}
	}
	return s
}

// same is a rule whose sides print alike.
func same(_ proof.Side, t proof.Tuple, _ proof.Rows) (proof.Tuple, bool) { return t, true }

// floats become text. How PostgreSQL prints them depends on a setting of the session, so the rule must pin it.
func floats() *Shape {
	s := prices()
	s.Name, s.Inline = "floats", false
	s.Pins = map[string]string{"extra_float_digits": "1"}
	s.Unprinted[proof.Old] = true
	s.Types = [2][]string{{"double precision"}, {"text"}}
	s.Exprs = [2][]string{{"({0})::double precision"}, {"({0})::text"}}
	s.Rule = proof.Rule{Name: s.Name, Columns: [2][]string{{"reading"}, {"printed"}}, Derive: same}
	s.Values = func(r *rand.Rand, _ proof.Side) proof.Tuple {
		return proof.Tuple{wal.Text(strconv.FormatFloat(float64(r.IntN(1_000_000)+1)/3, 'g', -1, 64))}
	}
	for _, side := range []proof.Side{proof.Old, proof.New} {
		s.Writes[side] = []func(r *rand.Rand) Write{func(r *rand.Rand) Write { return set(s.Types[side], s.Values(r, side)) }}
	}
	return s
}

// trimmed are texts that lose their spaces: several old ones are one new one.
func trimmed() *Shape {
	s := prices()
	s.rename("trimmed")
	s.Types = [2][]string{{"text"}, {"text"}}
	s.Exprs = [2][]string{{"({0})"}, {"pg_catalog.btrim({0}, ' ')"}}
	s.Rule.Columns, s.Rule.Lossy = [2][]string{{"raw"}, {"clean"}}, true
	s.Rule.Derive = func(from proof.Side, t proof.Tuple, _ proof.Rows) (proof.Tuple, bool) {
		if from == proof.New || !t[0].Set {
			return t, true
		}
		return proof.Tuple{wal.Text(strings.Trim(t[0].Text, " "))}, true
	}
	s.Values = func(r *rand.Rand, side proof.Side) proof.Tuple {
		if side == proof.New {
			return proof.Tuple{wal.Text([]string{"a", "b", "", " c"}[r.IntN(4)])}
		}
		return proof.Tuple{wal.Text([]string{"a", " a", "a ", "b", " b ", " ", ""}[r.IntN(7)])}
	}
	return s
}

// documents get a type that has no equality.
func documents() *Shape {
	s := prices()
	s.rename("documents")
	s.Types = [2][]string{{"text"}, {"json"}}
	s.Exprs = [2][]string{{"({0})::pg_catalog.text"}, {"({0})::pg_catalog.json"}}
	s.Rule.Columns = [2][]string{{"body"}, {"document"}}
	s.Values = func(r *rand.Rand, _ proof.Side) proof.Tuple {
		return proof.Tuple{wal.Text([]string{`{"a":1}`, `{"a": 1}`, `[]`, `"\u00e9"`, `{"a":1,"a":2}`}[r.IntN(5)])}
	}
	return s
}
