package checker

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/seguedb/segue/test/checker/proof"
	"github.com/seguedb/segue/test/checker/wal"
)

// names splits a column in two. The old side cannot tell where a first name ends, so the rule is lossy.
func names() *Shape {
	s := &Shape{
		Name: "names", Inline: true, NullOK: true,
		Types: [2][]string{{"text"}, {"text", "text"}},
		Exprs: [2][]string{
			{"({0}) OPERATOR(pg_catalog.||) ' '::pg_catalog.text OPERATOR(pg_catalog.||) ({1})"},
			{"pg_catalog.split_part({0}, ' ', 1)", "CASE WHEN position(' ' IN ({0})) OPERATOR(pg_catalog.=) 0 THEN '' " +
				"ELSE pg_catalog.substr({0}, position(' ' IN ({0})) OPERATOR(pg_catalog.+) 1) END"},
		},
	}
	s.Rule = proof.Rule{Name: s.Name, Columns: [2][]string{{"full_name"}, {"first", "last"}}, Lossy: true, Derive: namesDerive}
	word := func(r *rand.Rand) string {
		return []string{"Anna", "ANNA", "anna", "Anna Maria", "Bo", "", "Li  Wei", "O'Neil", `back\slash`, "Ünal"}[r.IntN(10)]
	}
	s.Values = func(r *rand.Rand, side proof.Side) proof.Tuple {
		switch {
		case r.IntN(20) == 0:
			return make(proof.Tuple, side+1)
		case side == proof.Old && r.IntN(3) == 0:
			return proof.Tuple{wal.Text(word(r))}
		case side == proof.Old:
			return proof.Tuple{wal.Text(word(r) + " " + word(r))}
		}
		return proof.Tuple{wal.Text(word(r)), wal.Text(word(r))}
	}
	suffix := func(i int) func(r *rand.Rand) Write {
		return func(r *rand.Rand) Write {
			letter := string(rune('a' + r.IntN(26)))
			return Write{Exprs: map[int]string{i: fmt.Sprintf("right({%d} || '%s', 30)", i, letter)}, Effect: func(before proof.Tuple) proof.Tuple {
				if !before[i].Set {
					return before
				}
				text := []rune(before[i].Text + letter)
				return with(before, i, wal.Text(string(text[max(0, len(text)-30):])))
			}}
		}
	}
	one := func(i int) func(r *rand.Rand) Write {
		return func(r *rand.Rand) Write { return setOne(i, "text", wal.Text(word(r))) }
	}
	s.Writes[proof.Old] = []func(r *rand.Rand) Write{
		suffix(0), func(r *rand.Rand) Write { return set(s.Types[proof.Old], s.Values(r, proof.Old)) },
	}
	s.Writes[proof.New] = []func(r *rand.Rand) Write{
		suffix(0), suffix(1), one(0), one(1), func(r *rand.Rand) Write { return set(s.Types[proof.New], s.Values(r, proof.New)) },
	}
	return s
}

func namesDerive(from proof.Side, t proof.Tuple, _ proof.Rows) (proof.Tuple, bool) {
	if from == proof.Old {
		if !t[0].Set {
			return proof.Tuple{wal.Null, wal.Null}, true
		}
		first, last, _ := strings.Cut(t[0].Text, " ")
		return proof.Tuple{wal.Text(first), wal.Text(last)}, true
	}
	if !t[0].Set || !t[1].Set {
		return proof.Tuple{wal.Null}, true
	}
	return proof.Tuple{wal.Text(t[0].Text + " " + t[1].Text)}, true
}

// triggered is names with a trigger of the user's that assigns the old side.
func triggered() *Shape {
	s := names()
	s.Name, s.Rule.Name = "triggered", "triggered"
	s.Trigger = "NEW.full_name := lower(NEW.full_name);"
	s.Inline = false
	s.Rule.Assigned = func(side proof.Side, t proof.Tuple) proof.Tuple {
		if side == proof.New || !t[0].Set {
			return t
		}
		return proof.Tuple{wal.Text(lower(t[0].Text))}
	}
	return s
}

// lower is lower() of PostgreSQL in the locale C.UTF-8 of the test's cluster, for the names used.
func lower(s string) string { return strings.ToLower(s) }

// fullNames is names where both sides or none are NULL.
func fullNames() *Shape {
	s := names()
	s.Name, s.NullOK = "full_names", false
	s.Rule.Name = s.Name
	s.Rule.Derive = func(from proof.Side, t proof.Tuple, rows proof.Rows) (proof.Tuple, bool) {
		out, ok := namesDerive(from, t, rows)
		return out, ok && missing(out) == missing(t)
	}
	return s
}

// missing reports whether all values are NULL.
func missing(t proof.Tuple) bool {
	return !slices.ContainsFunc(t, func(v wal.Value) bool { return v.Set })
}
