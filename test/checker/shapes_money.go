package checker

import (
	"fmt"
	"math/big"
	"math/rand/v2"
	"strconv"

	"github.com/seguedb/segue/test/checker/proof"
	"github.com/seguedb/segue/test/checker/wal"
)

// money changes unit and type: cents become an amount. Exact in both directions.
func money() *Shape {
	s := &Shape{
		Name: "money", Inline: true, Defaults: [2]string{"100", "1.00"},
		Types: [2][]string{{"bigint"}, {"numeric(14,2)"}},
		Exprs: [2][]string{{"(({0}) OPERATOR(pg_catalog.*) 100)::bigint"}, {"(({0}) OPERATOR(pg_catalog./) 100.0)::numeric(14,2)"}},
	}
	s.Rule = proof.Rule{Name: s.Name, Columns: [2][]string{{"cents"}, {"amount"}}, Derive: moneyDerive}
	s.Values = func(r *rand.Rand, side proof.Side) proof.Tuple {
		cents := int64(r.IntN(100_000)) - 1000
		if r.IntN(20) == 0 {
			return proof.Tuple{wal.Null}
		}
		if side == proof.Old {
			return proof.Tuple{wal.Text(strconv.FormatInt(cents, 10))}
		}
		return proof.Tuple{wal.Text(amount(cents))}
	}
	add := func(side proof.Side) func(r *rand.Rand) Write {
		return func(r *rand.Rand) Write {
			k := int64(r.IntN(500) - 200)
			expr := fmt.Sprintf("{0} + (%d)", k)
			if side == proof.New {
				expr = fmt.Sprintf("{0} + (%s)", amount(k))
			}
			return Write{Exprs: map[int]string{0: expr}, Effect: func(before proof.Tuple) proof.Tuple {
				if !before[0].Set {
					return before
				}
				if side == proof.Old {
					return plus(before, k)
				}
				return proof.Tuple{wal.Text(amount(centsOf(before[0].Text) + k))}
			}}
		}
	}
	for _, side := range []proof.Side{proof.Old, proof.New} {
		s.Writes[side] = []func(r *rand.Rand) Write{
			add(side), add(side),
			func(r *rand.Rand) Write { return set(s.Types[side], s.Values(r, side)) },
		}
	}
	return s
}

func moneyDerive(from proof.Side, t proof.Tuple, _ proof.Rows) (proof.Tuple, bool) {
	switch {
	case !t[0].Set:
		return proof.Tuple{wal.Null}, true
	case from == proof.Old:
		n, err := strconv.ParseInt(t[0].Text, 10, 64)
		return proof.Tuple{wal.Text(amount(n))}, err == nil
	}
	return proof.Tuple{wal.Text(strconv.FormatInt(centsOf(t[0].Text), 10))}, true
}

// plus adds to cents.
func plus(t proof.Tuple, k int64) proof.Tuple {
	if !t[0].Set {
		return t
	}
	n, _ := strconv.ParseInt(t[0].Text, 10, 64)
	return proof.Tuple{wal.Text(strconv.FormatInt(n+k, 10))}
}

// amount prints cents as PostgreSQL prints a numeric(14,2).
func amount(cents int64) string { return new(big.Rat).SetFrac64(cents, 100).FloatString(2) }

// centsOf reads what amount prints.
func centsOf(s string) int64 {
	r, ok := new(big.Rat).SetString(s)
	if !ok {
		return 0
	}
	r.Mul(r, big.NewRat(100, 1))
	return r.Num().Int64() / r.Denom().Int64()
}

// moving is money in two partitions, between which rows move.
func moving() *Shape {
	s := money()
	s.Name, s.Rule.Name, s.Partitioned = "moving", "moving", true
	return s
}

// repriced is money under one name: what was in cents is an amount afterwards.
func repriced() *Shape {
	s := money()
	s.rename("repriced")
	s.Rule.Columns = [2][]string{{"price"}, {"price"}}
	return s
}

// watched is money with a trigger of the user's that looks at both sides.
func watched() *Shape {
	s := money()
	s.rename("watched")
	s.Trigger = "IF to_jsonb(NEW) ->> 'amount' <> (NEW.cents OPERATOR(pg_catalog./) 100.0)::numeric(14,2)::text THEN RAISE 'it sees % and %', NEW.cents, to_jsonb(NEW) ->> 'amount'; END IF;"
	return s
}

// fractions is money whose new side can hold what the old one cannot, by a rule that no CHECK proves.
func fractions() *Shape {
	s := money()
	s.Name, s.Inline = "fractions", false
	s.Types[proof.New], s.Defaults[proof.New] = []string{"numeric"}, ""
	s.Exprs[proof.New] = []string{"round(({0}) / 100.0, 2)"}
	s.Rule.Name = s.Name
	return s
}
