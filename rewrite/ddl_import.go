package rewrite

import (
	"slices"

	"github.com/seguedb/segue/rewrite/ast"
	"github.com/seguedb/segue/rewrite/syntax"
	"github.com/seguedb/segue/rules"
)

// importSchema binds IMPORT FOREIGN SCHEMA. Its lists name tables of the remote server, but what it makes here has just
// their names (IsImportableForeignTable). A table under migration in that schema must be met in none of its names: in the
// database's, the server says so.
func (b *binding) importSchema(x *ast.ImportForeignSchemaStmt) {
	b.redefines()
	b.resettle("search_path")
	b.sawAll(x)
	var listed []string
	for _, n := range x.TableList {
		listed = append(listed, n.GetRangeVar().GetRelname())
	}
	for _, t := range b.lens.Tables {
		if t.Schema != x.LocalSchema {
			continue
		}
		for _, name := range b.namesOf(t) {
			if !importable(x.ListType, listed, name) {
				continue
			}
			b.concern(t)
			if name != t.Physical {
				b.forbid(-1, refusedTakenName, t, "import a table that may be called "+syntax.QuoteIdent(name)+
					", which "+syntax.QuoteIdent(t.Logical)+" has in some version")
				return
			}
		}
	}
}

// importable tells whether a foreign table of that name is imported if the remote schema has one.
func importable(kind ast.ImportForeignSchemaType, listed []string, name string) bool {
	switch kind {
	case ast.ImportForeignSchemaType_FDW_IMPORT_SCHEMA_LIMIT_TO:
		return slices.Contains(listed, name)
	case ast.ImportForeignSchemaType_FDW_IMPORT_SCHEMA_EXCEPT:
		return !slices.Contains(listed, name)
	}
	return true
}

// namesOf are the names that a table has in the live versions and in the database.
func (b *binding) namesOf(t *rules.TableLens) []string {
	names := []string{t.Logical, t.Physical}
	for _, seen := range b.asSeen(t.OID) {
		names = append(names, seen.Logical, seen.Physical)
	}
	slices.Sort(names)
	return slices.Compact(names)
}
