package change

import "slices"

// Amend takes the change back and begins it anew as another one of the same columns, in one transaction, as long as rows are being
// filled. What was filled stays hidden until purge: a row would be in step by the old expressions,
// and nothing could tell it from one that is by the new ones.
func (c *Compiled) Amend(to *Compiled) []string { return append(c.Rollback(), to.Expand()...) }

// Leaves lists the columns that Rollback hides, and the marker, which the change that comes in its place has to drop at purge.
func (c *Compiled) Leaves() []string {
	var out []string
	for i := range c.New {
		out = append(out, c.withdrawn(i))
	}
	return append(append(out, c.Marker()), c.Left...)
}

// dropLeft lists the commands that drop what changes have left in whose place this one has come.
func (c *Compiled) dropLeft() []string {
	var out []string
	for _, name := range c.Left {
		out = append(out, "DROP COLUMN IF EXISTS "+quote(name))
	}
	return out
}

// BackToFilling takes Complete back, if it was done, and makes the functions anew.
func (c *Compiled) BackToFilling() []string {
	if c.Alone() {
		return nil
	}
	var out []string
	for _, table := range c.tables() { // see dropTriggers
		out = append(out, "LOCK TABLE "+table.SQL()+" IN ACCESS EXCLUSIVE MODE",
			"DROP TRIGGER IF EXISTS "+quote(c.trigger("first", "finish"))+" ON "+table.SQL())
	}
	var drop []string
	for _, what := range c.constraints() {
		if what != "step" {
			drop = append(drop, "DROP CONSTRAINT IF EXISTS "+quote(c.constraint(what)))
		}
	}
	return slices.Concat(out, c.alter(drop), c.forget(), c.Functions(Filling))
}
