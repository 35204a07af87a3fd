package change

import "slices"

// Alone reports whether the change has columns on one side only: it adds some, or takes some, and keeps nothing in step. Then no
// row has a marker, no trigger fires, and no row is filled. The database's default for such a column is what a version gives
// that does not have it (Up of a new column, Down of an old one), for as long as there is such a version; the version that has
// the column declares its own.
func (c *Change) Alone() bool { return len(c.Old) == 0 || len(c.New) == 0 }

// StandIn is the database's default for a column of a change that is Alone, and whether it is another one than the column's own.
func (c *Change) StandIn(col Column) (expression string, differs bool) {
	m := c.Up
	if len(c.New) == 0 {
		m = c.Down
	}
	given, ok := m[col.Name]
	if !ok {
		return col.Default, false
	}
	return given, given != col.Default
}

// Empties reports whether the change leaves nothing in the database when it is over: one that adds columns has nothing to drop
// when it is contracted, and one that takes columns has nothing when it is rolled back.
func (c *Change) Empties(contracted bool) bool {
	if contracted {
		return len(c.Old) == 0
	}
	return len(c.New) == 0
}

// expandAlone adds the new columns, each with a default that PostgreSQL keeps in the catalog for the rows that are there; or has
// the old ones get the default of those who do not know of them.
func (c *Compiled) expandAlone() []string {
	var alter []string
	for _, col := range c.New {
		sql := "ADD COLUMN " + quote(col.Physical) + " " + col.Type + collate(col)
		if value, _ := c.StandIn(col); value != "" {
			sql += " DEFAULT " + value
		}
		if col.NotNull {
			sql += " NOT NULL"
		}
		alter = append(alter, sql)
	}
	return c.alter(append(alter, c.defaults(c.Old, true)...))
}

// defaults gives columns the default of those who do not know of them, or their own again.
func (c *Compiled) defaults(side []Column, standIn bool) []string {
	var alter []string
	for _, col := range side {
		value, differs := c.StandIn(col)
		if !differs {
			continue
		}
		if !standIn {
			value = col.Default
		}
		if value == "" {
			alter = append(alter, "ALTER COLUMN "+quote(col.Physical)+" DROP DEFAULT")
			continue
		}
		alter = append(alter, "ALTER COLUMN "+quote(col.Physical)+" SET DEFAULT "+value)
	}
	return alter
}

// contractAlone hides the old columns, or gives the new ones their own defaults, as everybody knows of them now.
func (c *Compiled) contractAlone() []string {
	out := c.alter(c.defaults(c.New, false))
	for i, col := range c.Old {
		out = append(out, c.rename(col.Physical, c.kept(i)))
	}
	return out
}

// backFromContractAlone takes contractAlone back.
func (c *Compiled) backFromContractAlone() []string {
	var out []string
	for i, col := range c.Old {
		out = append(out, c.rename(c.kept(i), col.Physical))
	}
	return append(out, c.alter(c.defaults(c.New, true))...)
}

// rollbackAlone hides the new columns, which may lack a value from now on, or gives the old ones their own defaults.
func (c *Compiled) rollbackAlone() []string {
	out := c.alter(c.defaults(c.Old, false))
	for i, col := range c.New {
		out = append(out, c.rename(col.Physical, c.withdrawn(i)))
	}
	return out
}

// dropAlone drops columns by the names that they have been hidden under.
func (c *Compiled) dropAlone(side []Column, hidden func(int) string) []string {
	var drop []string
	for i := range side {
		drop = append(drop, "DROP COLUMN IF EXISTS "+quote(hidden(i)))
	}
	return c.alter(drop)
}

// readAlone reads the values that stand in for columns, which may be missing, and can name no column.
func (c *Compiled) readAlone() error {
	for _, side := range []struct {
		name    string
		values  Map
		columns []Column
	}{{"up", c.Up, c.New}, {"down", c.Down, c.Old}} {
		for name, text := range side.values {
			if !slices.ContainsFunc(side.columns, func(col Column) bool { return col.Name == name }) {
				return problem(side.name, name, errNotOfSide)
			}
			if _, err := readExpression(text, c.Alias, nil); err != nil {
				return problem(side.name, name, err)
			}
		}
	}
	return nil
}
