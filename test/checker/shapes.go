package checker

import (
	"fmt"
	"math/big"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"

	"github.com/seguedb/segue/change"
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

// moving is money in two partitions, between which rows move.
func moving() *Shape {
	s := money()
	s.Name, s.Rule.Name, s.Partitioned = "moving", "moving", true
	return s
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

// Shapes are one of each.
func Shapes() []*Shape {
	return []*Shape{money(), names(), tags(), prices(), floats(), totals(), moving(), triggered(), owners(), lookups(), repriced(), watched(), capped(), trimmed(), documents()}
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
