package checker

import (
	"fmt"
	"math/rand/v2"
	"strconv"

	"github.com/seguedb/segue/test/checker/proof"
	"github.com/seguedb/segue/test/checker/wal"
)

// parents is how many rows of the other table there are.
const parents = 20

// owners refer to another table, whose foreign key writes their old side by itself.
func owners() *Shape {
	s := totals()
	s.Name, s.Parent = "owners", "public.owner"
	s.Beside = []string{"CREATE TABLE public.owner (id bigint PRIMARY KEY)", fmt.Sprintf("INSERT INTO public.owner SELECT generate_series(1, %d)", parents)}
	s.Types = [2][]string{{"bigint"}, {"text"}}
	s.Exprs = [2][]string{{"pg_catalog.substr({0}, 2)::bigint"}, {"'o' OPERATOR(pg_catalog.||) ({0})::pg_catalog.text"}}
	s.Rule = proof.Rule{Name: s.Name, Columns: [2][]string{{"owner_id"}, {"owner_name"}}, Derive: func(from proof.Side, t proof.Tuple, _ proof.Rows) (proof.Tuple, bool) {
		switch {
		case !t[0].Set:
			return t, true
		case from == proof.Old:
			return proof.Tuple{wal.Text("o" + t[0].Text)}, true
		}
		return proof.Tuple{wal.Text(t[0].Text[1:])}, true
	}}
	s.Values = func(r *rand.Rand, side proof.Side) proof.Tuple {
		id := strconv.Itoa(1 + r.IntN(parents))
		if side == proof.New {
			id = "o" + id
		}
		return proof.Tuple{wal.Text(id)}
	}
	for _, side := range []proof.Side{proof.Old, proof.New} {
		s.Writes[side] = []func(r *rand.Rand) Write{func(r *rand.Rand) Write { return set(s.Types[side], s.Values(r, side)) }}
	}
	return s
}

// lookups find their new side in another table. Half of its rows change, and what was made from them is then changed too.
func lookups() *Shape {
	s := &Shape{
		Types:  [2][]string{{"bigint"}, {"text"}},
		Exprs:  [2][]string{{"(SELECT m.id FROM {reads} m WHERE m.code = {0})"}, {"(SELECT m.code FROM {reads} m WHERE m.id = {0})"}},
		Beside: []string{"CREATE TABLE {reads} (id bigint PRIMARY KEY, code text NOT NULL UNIQUE)"},
		After:  []string{fmt.Sprintf("INSERT INTO {reads} SELECT n, 'k' || n FROM generate_series(1, %d) n", parents)},
	}
	s.Rule.Reads = "yes"
	s.rename("lookups")
	s.Rule.Columns = [2][]string{{"member_id"}, {"member_code"}}
	s.Rule.Derive = func(from proof.Side, t proof.Tuple, rows proof.Rows) (proof.Tuple, bool) {
		columns := [2]string{"id", "code"}
		row := rows.Find(s.Rule.Reads, columns[from], t[0])
		return proof.Tuple{row[columns[from.Other()]]}, row != nil || !t[0].Set
	}
	s.Values = func(r *rand.Rand, side proof.Side) proof.Tuple {
		if side == proof.New {
			return proof.Tuple{wal.Text(fmt.Sprintf("k%d", 1+changing+r.IntN(parents-changing)))}
		}
		return proof.Tuple{wal.Text(strconv.Itoa(1 + r.IntN(parents)))}
	}
	for _, side := range []proof.Side{proof.Old, proof.New} {
		s.Writes[side] = []func(r *rand.Rand) Write{func(r *rand.Rand) Write { return set(s.Types[side], s.Values(r, side)) }}
	}
	return s
}

// changing is how many of the rows that are looked up change, from the first on.
const changing = parents / 2
