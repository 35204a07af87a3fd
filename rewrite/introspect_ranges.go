package rewrite

import (
	"maps"
	"slices"
	"strconv"
	"strings"
)

// oidRanges are ranges of OIDs with all keys of an object in them. What is made together has OIDs near each other: most rows of a
// catalog are outside, and need not be looked up.
type oidRanges [][2]int64

// A gap that is worth a range more, and how many ranges there are at most, so that the text does not grow with what is in the object.
const (
	minOIDGap    = 256
	maxOIDRanges = 4
)

// newOIDRanges leaves out the widest gaps between the keys.
func newOIDRanges(o object) oidRanges {
	var oids []int64
	for key := range maps.Keys(o) {
		if oid, err := strconv.ParseInt(key, 10, 64); err == nil {
			oids = append(oids, oid)
		}
	}
	if len(oids) == 0 {
		return nil
	}
	slices.Sort(oids)
	var after []int // the gaps, by the index of the OID before
	for i := range oids[1:] {
		if oids[i+1]-oids[i] >= minOIDGap {
			after = append(after, i)
		}
	}
	slices.SortFunc(after, func(i, j int) int { return int((oids[j+1] - oids[j]) - (oids[i+1] - oids[i])) })
	after = after[:min(len(after), maxOIDRanges-1)]
	slices.Sort(after)
	var out oidRanges
	first := 0
	for _, i := range append(after, len(oids)-1) {
		out = append(out, [2]int64{oids[first], oids[i]})
		first = i + 1
	}
	return out
}

// sql is the SQL of whether a column with an OID is in one of the ranges.
func (r oidRanges) sql(column string) string {
	parts := make([]string, len(r))
	for i, x := range r {
		parts[i] = column + " OPERATOR(pg_catalog.>=) '" + number(x[0]) + "'::pg_catalog.oid AND " + column + " OPERATOR(pg_catalog.<=) '" + number(x[1]) + "'::pg_catalog.oid"
	}
	return "(" + strings.Join(parts, " OR ") + ")"
}
