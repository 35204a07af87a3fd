package checker

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"

	"github.com/seguedb/segue/test/checker/proof"
	"github.com/seguedb/segue/test/checker/wal"
)

// parts have a code, a text, that becomes a number, which not every code is. Rows of other codes are left for later.
func parts() *Shape {
	s := &Shape{
		Name: "parts", Inline: true, Defer: true,
		Types: [2][]string{{"text"}, {"bigint"}},
		Exprs: [2][]string{{"({0})::pg_catalog.text"}, {"({0})::pg_catalog.int8"}},
	}
	s.Rule = proof.Rule{Name: s.Name, Columns: [2][]string{{"code"}, {"number"}}, Derive: partsDerive}
	s.Values = func(r *rand.Rand, side proof.Side) proof.Tuple {
		n := strconv.Itoa(r.IntN(100_000))
		switch {
		case side == proof.New:
			return proof.Tuple{wal.Text(n)}
		case r.IntN(60) > 0:
			return proof.Tuple{wal.Text(strings.Repeat("0", r.IntN(3)) + n)} // several codes are one number
		case r.IntN(3) == 0:
			return proof.Tuple{wal.Null}
		}
		return proof.Tuple{wal.Text(unknown + n)}
	}
	s.Writes[proof.Old] = []func(r *rand.Rand) Write{
		func(r *rand.Rand) Write {
			digit := strconv.Itoa(r.IntN(10))
			return Write{Exprs: map[int]string{0: fmt.Sprintf("right({0} || '%s', %d)", digit, digits)}, Effect: func(before proof.Tuple) proof.Tuple {
				if !before[0].Set {
					return before
				}
				text := before[0].Text + digit
				return proof.Tuple{wal.Text(text[max(0, len(text)-digits):])}
			}}
		},
		func(r *rand.Rand) Write {
			t := s.Values(r, proof.Old)
			if r.IntN(10) == 0 {
				t = proof.Tuple{wal.Text(unknown)}
			}
			write := set(s.Types[proof.Old], t)
			write.Spoils = !s.computed(t)
			return write
		},
	}
	s.Writes[proof.New] = []func(r *rand.Rand) Write{
		func(r *rand.Rand) Write {
			k := r.Int64N(100)
			return Write{Exprs: map[int]string{0: fmt.Sprintf("{0} + %d", k)}, Effect: func(before proof.Tuple) proof.Tuple {
				if before == nil || !before[0].Set {
					return before
				}
				n, _ := strconv.ParseInt(before[0].Text, 10, 64)
				return proof.Tuple{wal.Text(strconv.FormatInt(n+k, 10))}
			}}
		},
		func(r *rand.Rand) Write { return set(s.Types[proof.New], s.Values(r, proof.New)) },
	}
	return s
}

// digits is how long a code of parts may become.
const digits = 9

// unknown begins each text of parts that is no number.
const unknown = "?"

func partsDerive(from proof.Side, t proof.Tuple, _ proof.Rows) (proof.Tuple, bool) {
	n, err := strconv.ParseUint(t[0].Text, 10, 63)
	switch {
	case err != nil:
		return nil, false
	case from == proof.New:
		return t, true
	}
	return proof.Tuple{wal.Text(strconv.FormatUint(n, 10))}, true
}

// bins are parts in two partitions, between which rows move.
func bins() *Shape {
	s := parts()
	s.rename("bins")
	s.Partitioned = true
	return s
}

// labelled are parts with a trigger of the user's that looks at the old side, by a rule that is computed in functions.
func labelled() *Shape {
	s := parts()
	s.rename("labelled")
	s.Inline = false
	s.Trigger = "IF NEW.code = 'never' THEN RAISE 'it is'; END IF;"
	return s
}
