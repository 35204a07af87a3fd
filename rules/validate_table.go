package rules

import "github.com/seguedb/segue/catalog"

// tableTaken says what the name stands for in the database or in a live version; "" when it is free. Tables share their
// names with views, sequences, indexes and, through their row types, with types. The array type of a table is no
// obstacle: PostgreSQL makes way for the new name (moveArrayTypeName).
func (v *validator) tableTaken(n Name) string {
	for _, s := range v.everySchema() {
		if r := s.table(n); r != nil {
			if s != v.physical && s != v.now {
				return "a live version uses it for a table"
			}
			return "it is " + relationWord(r.Kind)
		}
	}
	for _, t := range v.physical.cat.TypesNamed(n.Name) {
		if t.Schema == n.Schema && t.Elem == 0 {
			return "it is a type"
		}
	}
	return ""
}

func relationWord(k catalog.Kind) string {
	if k == catalog.Table || k == catalog.PartitionedTable {
		return "a table"
	}
	return kindWord(k)
}
