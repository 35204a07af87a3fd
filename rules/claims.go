package rules

import (
	"fmt"

	"github.com/seguedb/segue/catalog"
)

// claims are the columns of one table that changes of the file take and give, each with the place of the operation. No other operation
// may be about them: two changes that keep a column in step with others would each undo what the other one does.
type claims struct {
	taken map[int16]int
	given map[string]int
}

// claim notes what the current operation takes and gives.
func (v *validator) claim(r *catalog.Relation) {
	c, ok := v.m.Operations[v.op].(Changing)
	if !ok {
		return
	}
	from, to := c.Sides()
	for _, oid := range append([]catalog.OID{r.OID}, v.now.cat.Descendants(r.OID)...) {
		d := v.now.cat.Relation(oid)
		if v.claims == nil {
			v.claims = map[catalog.OID]*claims{}
		}
		if v.claims[oid] == nil {
			v.claims[oid] = &claims{map[int16]int{}, map[string]int{}}
		}
		for _, name := range from {
			if col := v.now.column(d, name); col != nil {
				v.claims[oid].taken[col.Num] = v.op
			}
		}
		for _, name := range to {
			v.claims[oid].given[name] = v.op
		}
	}
}

// unclaimed refuses an operation about a column that another one of the file takes or gives. at is the field that names it.
func (v *validator) unclaimed(at string, r *catalog.Relation, table Name, name string) *FileError {
	all := v.claims[r.OID]
	if all == nil {
		return nil
	}
	if col := v.now.column(r, name); col != nil {
		if i, ok := all.taken[col.Num]; ok {
			return v.fail(at, fmt.Sprintf("column %s of %s is taken by operations[%d] of the file, and only one of them can be about it", showIdentifier(name), table, i),
				"make one operation of them, or a second file for when the first one is contracted and purged")
		}
	}
	if i, ok := all.given[name]; ok {
		return v.fail(at, fmt.Sprintf("column %s of %s is given by operations[%d] of the file, and no other one can be about it", showIdentifier(name), table, i),
			"have that operation give the column as it is to be in the end")
	}
	return nil
}
