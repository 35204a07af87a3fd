package checker

import (
	"fmt"
	"math/rand/v2"
	"strings"

	"github.com/seguedb/segue/test/checker/proof"
	"github.com/seguedb/segue/test/checker/wal"
)

// tags keep a list: a text with commas becomes an array. Writers append, so an element that is lost or doubled shows.
func tags() *Shape {
	s := &Shape{
		Name: "tags", Inline: true,
		Types: [2][]string{{"text"}, {"text[]"}},
		Exprs: [2][]string{{"pg_catalog.array_to_string({0}, ',')"}, {"pg_catalog.string_to_array({0}, ',')"}},
	}
	s.Rule = proof.Rule{Name: s.Name, Columns: [2][]string{{"tag_text"}, {"tag_list"}}, Derive: tagsDerive}
	s.Values = func(r *rand.Rand, side proof.Side) proof.Tuple {
		text := fmt.Sprintf("a%d", r.IntN(1000))
		if side == proof.New {
			text = "{" + text + "}"
		}
		return proof.Tuple{wal.Text(text)}
	}
	push := func(side proof.Side) func(r *rand.Rand) Write {
		return func(r *rand.Rand) Write {
			x := fmt.Sprintf("x%d", r.IntN(100_000))
			expr := "{0} || '," + x + "'"
			if side == proof.New {
				expr = "{0} || '" + x + "'::text"
			}
			return Write{Exprs: map[int]string{0: expr}, Effect: func(before proof.Tuple) proof.Tuple {
				switch text := before[0].Text; {
				case !before[0].Set && side == proof.New: // NULL || 'x' is {x}
					return proof.Tuple{wal.Text("{" + x + "}")}
				case !before[0].Set:
					return before
				case side == proof.New:
					return proof.Tuple{wal.Text(strings.TrimSuffix(text, "}") + "," + x + "}")}
				default:
					return proof.Tuple{wal.Text(text + "," + x)}
				}
			}}
		}
	}
	for _, side := range []proof.Side{proof.Old, proof.New} {
		reset := func(r *rand.Rand) Write { return set(s.Types[side], s.Values(r, side)) }
		s.Writes[side] = []func(r *rand.Rand) Write{push(side), push(side), push(side), push(side), reset}
	}
	return s
}

func tagsDerive(from proof.Side, t proof.Tuple, _ proof.Rows) (proof.Tuple, bool) {
	if !t[0].Set {
		return t, true
	}
	if from == proof.Old {
		return proof.Tuple{wal.Text("{" + t[0].Text + "}")}, true
	}
	return proof.Tuple{wal.Text(strings.Trim(t[0].Text, "{}"))}, true
}
