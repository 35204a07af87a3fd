package rewrite

import "github.com/seguedb/segue/rewrite/ast"

// columnMissing raises 42703 in PostgreSQL's words (errorMissingColumn).
func (b *binding) columnMissing(s *scope, ref *ast.ColumnRef, relation, name string) {
	message := `column "` + name + `" does not exist`
	if relation != "" {
		message = "column " + relation + "." + name + " does not exist"
	}
	b.fail("42703", int(ref.Location), true, message, "")
}

// failAmbiguous raises 42702 in PostgreSQL's words (colNameToVar).
func (b *binding) failAmbiguous(s *scope, ref *ast.ColumnRef, name string) {
	natural := s.column(name, atServer).finding == ambiguous
	b.fail("42702", int(ref.Location), natural, `column reference "`+name+`" is ambiguous`, "")
}

// fromEntryMissing raises 42P01 in PostgreSQL's words (errorMissingRTE).
func (b *binding) fromEntryMissing(s *scope, ref *ast.ColumnRef, name string) {
	for up := s; up != nil; up = up.parent {
		for _, it := range up.items {
			if it.rel == nil || it.bare || b.nameInVersion(it) != name {
				continue
			}
			b.fail("42P01", int(ref.Location), true, `invalid reference to FROM-clause entry for table "`+name+`"`,
				`Perhaps you meant to reference the table alias "`+it.name+`".`)
			return
		}
	}
	b.fail("42P01", int(ref.Location), true, `missing FROM-clause entry for table "`+name+`"`, "")
}

// nameInVersion is what the version calls the relation of an item.
func (b *binding) nameInVersion(it *item) string {
	if it.table != nil {
		return it.table.Logical
	}
	return it.rel.Name
}
