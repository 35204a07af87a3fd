package change

import (
	"maps"
	"slices"
	"strings"
)

// Choice is the expression that makes values of one column from those of another one by a list. What is not in the list gives
// NULL, which a change rejects that does not allow for it.
func Choice(from, to Column, values map[string]string) string {
	collate := ""
	if from.Type == "text" || strings.HasPrefix(from.Type, "character varying") {
		collate = ` COLLATE pg_catalog."C"` // some collations take other letters for the same
	}
	var b strings.Builder
	b.WriteString("CASE")
	for _, v := range slices.Sorted(maps.Keys(values)) {
		b.WriteString(" WHEN " + quote(from.Name) + collate + " = CAST(" + literal(v) + " AS " + from.Type + ") THEN CAST(" + literal(values[v]) + " AS " + to.Type + ")")
	}
	return b.String() + " END"
}
