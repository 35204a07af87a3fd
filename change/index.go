package change

import (
	"fmt"
	"strings"
)

// An Index is one that the new side is to have in the place of one on the old side.
type Index struct {
	Of     string // the one on the old side
	Name   string // its own; that of Of where Late
	Late   bool   // it gets its name at Contract, when Of gives it up, and has a hidden one until then
	Unique bool
	Body   string // from USING on, as in CREATE INDEX, over columns by their physical names
	Parsed bool   // it has an expression, of which ANALYZE keeps statistics
}

// hiddenIndex is the name of the index at a place among Indexes while it is made, and until Contract where it is Late.
func (c *Compiled) hiddenIndex(i int) string {
	return fmt.Sprintf("%sindex_%s_%d", hiddenPrefix, c.Key, i+1)
}

// formerIndex is the name of the index that the one at a place stands for, after Contract, where that has its name.
func (c *Compiled) formerIndex(i int) string {
	return fmt.Sprintf("%sformer_%s_%d", hiddenPrefix, c.Key, i+1)
}

// PartIndex is the name of the index at a place on a partition while it is made.
func (c *Compiled) PartIndex(i int, partition uint32) string {
	return fmt.Sprintf("%s_%d", c.hiddenIndex(i), partition)
}

// IndexNames are the names that the index at a place has before Contract: while it is made, and from then on.
func (c *Compiled) IndexNames(i int) (making, made string) {
	if c.Indexes[i].Late {
		return c.hiddenIndex(i), c.hiddenIndex(i)
	}
	return c.hiddenIndex(i), c.Indexes[i].Name
}

// CreateIndex makes the index at a place on one table that holds rows, by a name. Reads and writes go on meanwhile. It cannot run
// in a transaction, and leaves an invalid index behind where it fails.
func (c *Compiled) CreateIndex(i int, name string, table Name) string {
	return c.creating(i) + "INDEX CONCURRENTLY " + quote(name) + " ON " + table.SQL() + " " + c.Indexes[i].Body
}

// CreateEmptyIndex makes the index at a place on a partitioned table alone. It reads no row.
func (c *Compiled) CreateEmptyIndex(i int, name string, table Name) string {
	return c.creating(i) + "INDEX " + quote(name) + " ON ONLY " + table.SQL() + " " + c.Indexes[i].Body
}

func (c *Compiled) creating(i int) string {
	if c.Indexes[i].Unique {
		return "CREATE UNIQUE "
	}
	return "CREATE "
}

// A NamedIndex is an index of the new side with the one that it stands for, as versions call them and as the database does now.
type NamedIndex struct{ Old, OldNow, New, NewNow string }

// IndexesNow lists the indexes of the new side, once they are made.
func (c *Compiled) IndexesNow() []NamedIndex {
	out := make([]NamedIndex, len(c.Indexes))
	for i, x := range c.Indexes {
		_, made := c.IndexNames(i)
		out[i] = NamedIndex{Old: x.Of, OldNow: x.Of, New: x.Name, NewNow: made}
		if x.Late && c.Old[0].Physical == c.kept(0) {
			out[i].OldNow, out[i].NewNow = c.formerIndex(i), x.Name
		}
	}
	return out
}

// index is the name with its schema, of an index on the change's table.
func (c *Compiled) index(name string) string { return Name{c.Table.Schema, name}.SQL() }

// takeIndexNames is the part of Contract that gives indexes which are Late the names of those that they stand for.
func (c *Compiled) takeIndexNames() (out []string) {
	for i, x := range c.Indexes {
		if x.Late {
			out = append(out, c.renameIndex(x.Of, c.formerIndex(i)), c.renameIndex(c.hiddenIndex(i), x.Name))
		}
	}
	return out
}

// returnIndexNames takes takeIndexNames back.
func (c *Compiled) returnIndexNames() (out []string) {
	for i, x := range c.Indexes {
		if x.Late {
			out = append(out, c.renameIndex(x.Name, c.hiddenIndex(i)), c.renameIndex(c.formerIndex(i), x.Of))
		}
	}
	return out
}

// renameIndex renames an index of the change's table. Where somebody has dropped it, there is nothing to do.
func (c *Compiled) renameIndex(from, to string) string {
	return "ALTER INDEX IF EXISTS " + c.index(from) + " RENAME TO " + quote(to)
}

// dropIndexes is the part of Rollback that drops the indexes of the new side, those included that are half made: a unique one would
// reject rows that have nothing in the new columns any more. Who has the name of one on another table keeps it.
func (c *Compiled) dropIndexes() []string {
	if len(c.Indexes) == 0 {
		return nil
	}
	var names []string
	prefix := ""
	for i := range c.Indexes {
		making, made := c.IndexNames(i)
		names = append(names, literal(making), literal(made))
		prefix = fmt.Sprintf("%sindex_%s_", hiddenPrefix, c.Key)
	}
	root := literal(c.Table.SQL()) + "::pg_catalog.regclass"
	return []string{`DO ` + dollar(`DECLARE
	found pg_catalog.text;
BEGIN
	FOR found IN
		SELECT pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(c.relname)
		FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
		WHERE (i.indrelid = `+root+` AND c.relname = ANY (ARRAY[`+strings.Join(names, ", ")+`])
				OR i.indrelid IN (SELECT relid FROM pg_catalog.pg_partition_tree(`+root+`)) AND pg_catalog.starts_with(c.relname, `+literal(prefix)+`))
			AND NOT EXISTS (SELECT FROM pg_catalog.pg_inherits h WHERE h.inhrelid = i.indexrelid)
	LOOP
		EXECUTE 'DROP INDEX ' || found;
	END LOOP;
END
`)}
}

// Duplicates is a query for whether rows of the table have the same key in a unique index: the statement, and the columns of the key
// for people. keys are the columns and expressions of the key as SQL, where is its predicate, or "".
func Duplicates(table Name, keys []string, where string, nullsToo bool) string {
	var conditions []string
	if where != "" {
		conditions = append(conditions, "("+where+")")
	}
	if !nullsToo {
		for _, k := range keys {
			conditions = append(conditions, "("+k+") IS NOT NULL")
		}
	}
	sql := "SELECT EXISTS (SELECT FROM " + table.SQL()
	if len(conditions) > 0 {
		sql += " WHERE " + strings.Join(conditions, " AND ")
	}
	return sql + " GROUP BY " + strings.Join(keys, ", ") + " HAVING pg_catalog.count(*) > 1)"
}

// Analyze gathers what the planner wants to know of the new columns, and of indexes with expressions.
func (c *Compiled) Analyze() string {
	for _, x := range c.Indexes {
		if x.Parsed {
			return "ANALYZE " + c.Table.SQL()
		}
	}
	return "ANALYZE " + c.Table.SQL() + " (" + list(physical(c.New)) + ")"
}
