package change

import "slices"

// Called is the change by the names that its table and columns of the old side have, where the description calls them otherwise: in
// expressions, too. old has a name for each column of the old side. The error is that of Compile.
func (c Change) Called(table Name, old map[string]string) (Change, error) {
	if c.Table == table && !slices.ContainsFunc(c.Old, func(col Column) bool { return old[col.Name] != col.Name }) {
		return c, nil
	}
	from, err := Compile(c)
	if err != nil {
		return c, err
	}
	out := c
	out.Table, out.Alias = table, ""
	out.Old, out.New = slices.Clone(from.Old), slices.Clone(from.New) // the new side has its names, none of which is on the old one
	for i := range out.Old {
		name := old[out.Old[i].Name]
		out.Old[i].Name, out.Old[i].Physical = name, name
	}
	overOld := func(at int) string { return quote(out.Old[at].Name) }
	overNew := func(at int) string { return quote(out.New[at].Name) }
	if c.Alone() {
		out.Down = renamedKeys(c.Down, old)
		return out, nil
	}
	out.Up, out.Down = Map{}, Map{}
	for i, col := range out.New {
		out.Up[col.Name] = from.up[i].over(false, overOld)
	}
	for i, col := range out.Old {
		out.Down[col.Name] = from.down[i].over(false, overNew)
	}
	if c.DownFail != nil {
		fail := &DownFail{When: from.fails.over(false, overNew), Then: Map{}}
		for i, col := range out.Old {
			fail.Then[col.Name] = from.failed[i].over(false, overNew)
		}
		out.DownFail = fail
	}
	return out, nil
}

func renamedKeys(m Map, to map[string]string) Map {
	if m == nil {
		return nil
	}
	out := Map{}
	for name, text := range m {
		out[to[name]] = text
	}
	return out
}

// Renamed is the change after its table, and columns of the old side, have got other names in the database. Functions are to be made
// anew then.
func (c *Compiled) Renamed(table Name, old []string) *Compiled {
	after := *c
	after.Table, after.Old = table, slices.Clone(c.Old)
	for i := range after.Old {
		after.Old[i].Physical = old[i]
	}
	return &after
}
