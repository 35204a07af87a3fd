package rules

import "github.com/seguedb/segue/catalog"

// Clashing lists the drafts of which only one can be activated beside m, because neither is right after the other: both
// give a table the same name, say. m itself can be activated now.
func Clashing(m *Migration, stored []*Migration, cat *catalog.Catalog) []*Migration {
	live := bySeq(stored, func(o *Migration) bool { return o.ID != m.ID && o.Phase.Live() })
	if validateAfter(live, m, cat) != nil {
		return nil
	}
	after := func(first, second *Migration) error {
		return validateAfter(append(live[:len(live):len(live)], first), second, cat)
	}
	var out []*Migration
	for _, o := range bySeq(stored, func(o *Migration) bool { return o.ID != m.ID && o.Phase == Draft }) {
		if validateAfter(live, o, cat) == nil && after(o, m) != nil && after(m, o) != nil {
			out = append(out, o)
		}
	}
	return out
}
