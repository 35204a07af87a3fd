package rewrite

// maxFuzzyDistance is MAX_FUZZY_DISTANCE of parse_relation.c.
const maxFuzzyDistance = 3

// A suggestion is the column that a misspelled name may have meant (FuzzyAttrMatchState), or two of them.
type suggestion struct {
	distance      int
	first, second *column
}

// suggest makes the hint that PostgreSQL gives with a column that does not exist (searchRangeTableForCol), out of the
// version's names. known is false where it cannot be known: there are tables whose columns are not known here, or the
// column exists and cannot be seen from here, which newer servers word by themselves.
func (b *binding) suggest(s *scope, relation, name string) (hint string, known bool) {
	found := suggestion{distance: maxFuzzyDistance + 1}
	for ; s != nil; s = s.parent {
		entries := s.entries
		if len(entries) == 0 && s.rows == nil {
			entries = s.items
		}
		for _, it := range entries {
			penalty := 0
			if relation != "" {
				penalty = levenshtein(relation, it.name)
			}
			if it.unknown {
				return "", false
			}
			if penalty == 0 && hasColumn(it, name) {
				return b.outOfReach(it, name)
			}
			for _, c := range it.cols {
				found.consider(c, it, name, penalty)
			}
		}
	}
	switch {
	case found.first == nil:
		return "", true
	case found.second == nil:
		return "Perhaps you meant to reference the column " + found.first.suggested() + ".", true
	}
	return "Perhaps you meant to reference the column " + found.first.suggested() + " or the column " + found.second.suggested() + ".", true
}

// outOfReach is the hint about a column that exists and cannot be seen from here. From version 16 on it has a detail, and
// depends on why, so that the server has to word it.
func (b *binding) outOfReach(it *item, name string) (hint string, known bool) {
	if b.cat.ServerVersion >= 160000 {
		return "", false
	}
	return `There is a column named "` + name + `" in table "` + it.name + `", but it cannot be referenced from this part of the query.`, true
}

func hasColumn(it *item, name string) bool {
	for _, c := range it.cols {
		if c.name == name {
			return true
		}
	}
	return false
}

func (c *column) suggested() string { return `"` + c.item.name + "." + c.name + `"` }

// consider mirrors updateFuzzyAttrMatchState.
func (f *suggestion) consider(c *column, it *item, name string, penalty int) {
	if penalty > f.distance || c.name == "" {
		return
	}
	d := levenshtein(c.name, name)
	if d > len(name)/2 {
		return
	}
	d += penalty
	named := &column{name: c.name, item: it} // a join shows columns of other items
	switch {
	case d < f.distance:
		*f = suggestion{distance: d, first: named}
	case d > f.distance:
	case f.second != nil:
		*f = suggestion{distance: d - 1} // too many, so that this distance is too low a bar
	case f.first != nil:
		f.second = named
	case f.distance <= maxFuzzyDistance:
		f.first = named
	}
}

// levenshtein is the number of characters to insert, delete or replace that makes one text the other.
func levenshtein(a, b string) int {
	to := []rune(b)
	row := make([]int, len(to)+1)
	for i := range row {
		row[i] = i
	}
	for i, from := range []rune(a) {
		diagonal := row[0]
		row[0] = i + 1
		for k, r := range to {
			cost := 1
			if from == r {
				cost = 0
			}
			diagonal, row[k+1] = row[k+1], min(row[k]+1, row[k+1]+1, diagonal+cost)
		}
	}
	return row[len(to)]
}
