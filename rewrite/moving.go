package rewrite

import (
	"github.com/seguedb/segue/rules"
)

// Moving is the set of the names that columns of tables under migration have in the database and not in the version:
// labels that the version shows for no such column. For a version that is not served it is that of all. It must not be changed.
func (b *Binder) Moving(version string) map[string]bool {
	if b.filter == nil {
		return nil
	}
	return b.moving[b.snap.Lens(version)]
}

// MovingInAny is Moving for a session that may have any version. It must not be changed.
func (b *Binder) MovingInAny() map[string]bool {
	if b.filter == nil {
		return nil
	}
	return b.moving[nil]
}

// findMoving fills in Binder.moving.
func (b *Binder) findMoving() {
	all := map[string]bool{}
	b.moving = map[*rules.Lens]map[string]bool{nil: all}
	for _, l := range b.snap.Lenses {
		names := map[string]bool{}
		for _, t := range l.Tables {
			for _, c := range t.Columns {
				if e := c.Reads(); e != nil {
					for _, p := range e.Columns {
						names[p.Name], all[p.Name] = true, true
					}
				} else if c.Logical != c.Physical {
					names[c.Physical], all[c.Physical] = true, true
				}
			}
		}
		b.moving[l] = names
	}
}
