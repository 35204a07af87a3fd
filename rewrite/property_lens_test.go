package rewrite_test

import (
	"fmt"
	"strings"

	"pgregory.net/rapid"

	"github.com/seguedb/segue/catalog"
	"github.com/seguedb/segue/rules"
)

// drawMigrations makes one or two migrations that the rules allow over the catalog of the original schema, all active.
// Names that earlier operations made are renamed again more often than others.
func drawMigrations(t *rapid.T, cat *catalog.Catalog) (all []*rules.Migration) {
	var tables []*catalog.Relation
	cat.Relations(func(r *catalog.Relation) bool {
		if (r.Schema == schemasUsed[0] || r.Schema == schemasUsed[1]) && (r.Kind == catalog.Table || r.Kind == catalog.PartitionedTable) {
			tables = append(tables, r)
		}
		return true
	})
	sortRelations(tables)
	names := map[*catalog.Relation]string{}
	columns := map[*catalog.Relation][]string{}
	for _, r := range tables {
		names[r] = r.Name
		for _, c := range r.Columns {
			columns[r] = append(columns[r], c.Name)
		}
	}
	for range upTo(t, 1, 2) {
		var done []string
		id := fmt.Sprintf("m%d", len(all)+1)
		for range upTo(t, 1, 5) {
			r := oneOf(t, tables...)
			to := oneOf(t, anyNames...)
			target := quoted(r.Schema) + "." + quoted(names[r])
			column := upTo(t, -1, len(columns[r])-1)
			var op string
			if column < 0 {
				op = fmt.Sprintf("- rename_table: {from: '%s', to: '%s'}\n", target, quoted(to))
			} else {
				op = fmt.Sprintf("- rename_column: {table: '%s', from: '%s', to: '%s'}\n", target, quoted(columns[r][column]), quoted(to))
			}
			if _, ok := acceptable(t, id, append(done, op), all, cat); !ok {
				continue
			}
			done = append(done, op)
			if column < 0 {
				names[r] = to
			} else {
				columns[r][column] = to // those of children are renamed too, which acceptable finds out
			}
		}
		if m, ok := acceptable(t, id, done, all, cat); ok {
			m.Phase, m.Seq = rules.Active, int64(len(all)+1)
			all = append(all, m)
		}
	}
	if len(all) == 0 {
		t.Skip("no rename is possible") // rapid draws another schema; the test goes on
	}
	return all
}

// acceptable parses a migration of the operations, and tells whether it could be activated after the others.
func acceptable(t *rapid.T, id string, operations []string, before []*rules.Migration, cat *catalog.Catalog) (*rules.Migration, bool) {
	m, err := rules.Parse(id+".yaml", []byte("id: "+id+"\noperations:\n"+strings.Join(operations, "")))
	if err != nil {
		return nil, false
	}
	if rules.Validate(m, before, cat) != nil {
		return nil, false
	}
	m.Phase = rules.Draft
	m.Seq = int64(len(before) + 1)
	return m, rules.CanActivate(m, append(before[:len(before):len(before)], m), cat) == nil
}
