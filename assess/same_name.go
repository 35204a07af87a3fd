package assess

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/seguedb/segue/catalog"
	"github.com/seguedb/segue/rules"
)

var sameName = &Hazard{
	ID: "same-name", Group: OfRule, Severity: Warn,
	What: "a relation in another schema has the old or the new name of a table that is renamed. Through Segue every version finds its own; " +
		"a session past Segue that writes the name without a schema may find the other one, without an error",
	Remedy: "let all sessions come through Segue, write the schema, or give the other relation another name",
}

// lookSameNames finds relations that a search_path may lead to in place of a table that is renamed.
func lookSameNames(_ context.Context, s *Subject, r *report) error {
	for _, n := range s.Migration.Names() {
		if n.Column {
			continue
		}
		for _, name := range []string{n.From, n.To} {
			var others []string
			for _, rel := range s.Catalog.Named(name) {
				if rel.Schema != n.Table.Schema && !rel.Temp && canBeRead(rel.Kind) {
					others = append(others, rules.Name{Schema: rel.Schema, Name: rel.Name}.String())
				}
			}
			if len(others) == 0 {
				continue
			}
			slices.Sort(others)
			when := "where its schema comes first in the search_path"
			if name == n.From {
				when = "once the table is renamed"
			}
			r.add(sameName, Object{Table, rules.Name{Schema: n.Table.Schema, Name: name}.String()}, Finding{
				Message: fmt.Sprintf("there is %s, too: a session past Segue that writes %s without a schema finds that %s",
					some(others), name, when),
				Hint: "let all sessions come through Segue, write the schema, or give the other one another name",
			})
		}
	}
	return nil
}

// canBeRead tells whether FROM can name relations of that kind.
func canBeRead(k catalog.Kind) bool {
	switch k {
	case catalog.Table, catalog.PartitionedTable, catalog.View, catalog.MaterializedView, catalog.ForeignTable:
		return true
	}
	return false
}

// maxNamed is how many objects a sentence names.
const maxNamed = 5

// some names the first of the objects, and how many more there are.
func some(names []string) string {
	if len(names) <= maxNamed {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:maxNamed], ", "), len(names)-maxNamed)
}
