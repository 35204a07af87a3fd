package resolve

import (
	"slices"

	"github.com/seguedb/segue/change"
)

// needless are the obstacles, by their rank, that matter only where two sides are kept in step: no row is filled, and no
// version writes a column that it does not name.
var needless = []int{2, 11}

// alone completes a change that has columns on one side only: its values for those who do not know of a column as the server prints
// them. Such a value, and the default of a new column, have to be the same for every row, so that no row is rewritten for it.
func (t *table) alone() error {
	for _, col := range t.c.New {
		if err := t.instant(col); err != nil {
			return err
		}
	}
	for _, side := range []struct {
		name    string
		values  *change.Map
		columns []change.Column
	}{{"up", &t.c.Up, t.c.New}, {"down", &t.c.Down, t.c.Old}} {
		resolved := change.Map{}
		for _, col := range side.columns {
			text, ok := (*side.values)[col.Name]
			if !ok {
				continue
			}
			own := col.Default
			col.Default = text
			printed, err := t.makeSide(side.name, []change.Column{col})
			if err != nil {
				return err
			}
			if !printed[0].Constant {
				return &Problem{Direction: side.name, Column: col.Name, Message: text + " is not the same for every row and session", Hint: "give a constant"}
			}
			resolved[col.Name] = printed[0].Default
			if own != printed[0].Default && own != "" && !col.Constant {
				return &Problem{Direction: side.name, Column: col.Name, Message: "the default of the column, " + own + ", is not the same for every row, and cannot be given to one version alone yet",
					Hint: "leave " + side.name + " away: then all versions have that default"}
			}
		}
		*side.values = resolved
	}
	return nil
}

// instant checks that the column can be added without rewriting a row: see ATExecAddColumn in tablecmds.c.
func (t *table) instant(col change.Column) error {
	var constrained bool
	err := t.tx.QueryRow(t.ctx, `
		WITH RECURSIVE base(oid) AS (
			SELECT a.atttypid FROM pg_catalog.pg_attribute a WHERE a.attrelid = $1::pg_catalog.text::pg_catalog.regclass AND a.attname = $2
			UNION SELECT y.typbasetype FROM base JOIN pg_catalog.pg_type y USING (oid) WHERE y.typtype = 'd')
		SELECT EXISTS (SELECT FROM base JOIN pg_catalog.pg_type y USING (oid) WHERE y.typtype = 'd'
			AND (y.typnotnull OR EXISTS (SELECT FROM pg_catalog.pg_constraint k WHERE k.contypid = y.oid)))`, newTable, col.Name).Scan(&constrained)
	if err != nil {
		return err
	}
	if constrained {
		return &Problem{Direction: "to", Column: col.Name, Message: col.Type + " is a domain with a constraint, for which PostgreSQL would rewrite every row",
			Hint: "give the column the domain's type, and the table a CHECK: NOT VALID, then VALIDATE"}
	}
	if col.Default == "" || col.Constant {
		return nil
	}
	var tree string
	if err := t.tx.QueryRow(t.ctx, `SELECT d.adbin::pg_catalog.text FROM pg_catalog.pg_attrdef d JOIN pg_catalog.pg_attribute a ON a.attrelid = d.adrelid AND a.attnum = d.adnum
		WHERE d.adrelid = $1::pg_catalog.text::pg_catalog.regclass AND a.attname = $2`, newTable, col.Name).Scan(&tree); err != nil {
		return err
	}
	u, err := t.uses(tree)
	if err != nil {
		return err
	}
	volatile := slices.ContainsFunc(u.functions, func(f function) bool { return f.volatile == "v" }) || u.session == "a sequence"
	if volatile {
		return &Problem{Direction: "to", Column: col.Name, Message: "its default, " + col.Default + ", is another one for every row, for which PostgreSQL would rewrite every row",
			Hint: "add the column without a default, and give it one after contract"}
	}
	return nil
}
