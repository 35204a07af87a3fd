package rules

import (
	"slices"
	"strings"
)

// Closest finds the candidate that was probably meant by a word that is none of them; "" when none is near.
func Closest(word string, candidates []string) string { return closest(word, candidates) }

// closest finds the candidate that was probably meant: the one of the smallest edit distance, if that is small for the
// length; "" when none is near. Differences of case count least.
func closest(word string, candidates []string) string {
	best, bestDistance := "", max(2, len(word)/3)*2+1
	for _, c := range candidates {
		d := 2 * editDistance(strings.ToLower(word), strings.ToLower(c))
		if c != word {
			d++
		}
		if d < bestDistance {
			best, bestDistance = c, d
		}
	}
	return best
}

// editDistance counts insertions, deletions, replacements and swaps of neighbours (optimal string alignment), in runes.
func editDistance(a, b string) int {
	x, y := []rune(a), []rune(b)
	var before []int
	last := make([]int, len(y)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(x); i++ {
		row := make([]int, len(y)+1)
		row[0] = i
		for j := 1; j <= len(y); j++ {
			cost := 1
			if x[i-1] == y[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && x[i-1] == y[j-2] && x[i-2] == y[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last = last, row
	}
	return last[len(y)]
}

// suggestKey is the hint for an unknown key.
func suggestKey(key string, known []string) string {
	if c := closest(key, known); c != "" {
		return "did you mean " + c + "?"
	}
	return "known here: " + strings.Join(known, ", ")
}

// suggestName is the hint for an unknown table or column: the nearest real names, as a rule file would write them.
func suggestName(name string, real []string, show func(string) string) string {
	slices.Sort(real)
	c := closest(name, real)
	switch {
	case c == "":
		return ""
	case strings.EqualFold(c, name):
		return "did you mean " + show(c) + "? Capitals need double quotes inside the value, as in '" + show(c) + "'"
	}
	return "did you mean " + show(c) + "?"
}
