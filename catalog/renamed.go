package catalog

import (
	"maps"
	"slices"
)

// Renamed is the catalog in which the given relations take the place of those with their OIDs, and their row types have
// their names: what it would be after a rename. It has no fingerprint, and cannot be read again.
func (c *Catalog) Renamed(relations []*Relation) *Catalog {
	all, types := maps.Clone(c.relations), maps.Clone(c.types)
	for _, r := range relations {
		all[r.OID] = r
		if t := types[r.RowType]; t != nil {
			renamed := *t
			renamed.Name = r.Name
			types[r.RowType] = &renamed
		}
	}
	var functions []*Function
	for _, list := range c.functions {
		functions = append(functions, list...)
	}
	next := New(c.ServerVersion, slices.Collect(maps.Values(all)), functions, slices.Collect(maps.Values(types)))
	next.SessionChangers, next.Makers, next.Cleared = c.SessionChangers, c.Makers, c.Cleared
	return next
}
