package ruleutils

import (
	"github.com/seguedb/segue/catalog"
	"github.com/seguedb/segue/rules"
)

// A Table stands for one table or several of one schema that all differ from the database in the same way: partitions, say. A table that is
// renamed is alone in its group.
type Table struct {
	Schema  string
	OIDs    []catalog.OID
	Names   []string // physical
	Columns []rules.ColumnLens
	Later   map[int16][]string // by number: names of columns that differ in later versions;
	Hidden  []catalog.Column

	Declared map[string]*rules.Declared // by physical name: what the version says of columns and the database does not

	Renamed bool
	Logical string      // the table's name in the version
	RowType catalog.OID // 0 where there is none
	Array   catalog.OID // 0 where there is none
}
