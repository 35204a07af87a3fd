package rewrite

import (
	"github.com/seguedb/segue/rewrite/ast"
	"github.com/seguedb/segue/rewrite/splice"
	"github.com/seguedb/segue/rewrite/syntax"
)

// columnMissing raises 42703 in PostgreSQL's words (errorMissingColumn).
func (b *binding) columnMissing(s *scope, ref *ast.ColumnRef, relation, name string) {
	for up := s; up != nil; up = up.parent {
		b.lookAgain(up.items, name)
	}
	message := `column "` + name + `" does not exist`
	if relation != "" {
		message = "column " + relation + "." + name + " does not exist"
	}
	hint, known := b.suggest(s, relation, name)
	fresh := b.failure == nil
	if b.fail("42703", int(ref.Location), b.missingAtServer(s, relation, name), message, hint); fresh {
		b.failure.worded = known
	}
	if relation == "" {
		b.askFor(s, ref, name)
	}
	if b.vars != nil && b.vars.rows != nil && b.vars.table == nil {
		b.unknownField([]string{name}, int(ref.Location)) // of a transition table, perhaps
	}
}

// missingAtServer tells whether the server has no such column either. A text of which a part cannot be bound is sent only
// where it is part of a body; elsewhere finish looks whether the client's own text would be sent.
func (b *binding) missingAtServer(s *scope, relation, name string) bool {
	if b.where == nil {
		return true
	}
	if relation == "" {
		return s.column(name, atServer).finding == missing
	}
	it, f := s.relation(relation, atServer)
	if f == found {
		_, f = it.column(name, atServer)
	}
	return f == missing
}

// askFor has the server be asked for a column that cannot be seen from here under the name that it has there, since then
// the server's words tell where it is.
func (b *binding) askFor(s *scope, ref *ast.ColumnRef, name string) {
	i := b.tokens.At(int(ref.Location))
	if written, ok := b.tokens.Ident(i); !ok || written != name {
		return
	}
	for ; s != nil; s = s.parent {
		for _, it := range s.entries {
			if it.table == nil {
				continue
			}
			if c := it.table.Column(name); c != nil && c.Physical != name {
				b.asked = []splice.Edit{{Start: b.tokens.Start(i), End: b.tokens.IdentEnd(i), New: syntax.QuoteIdent(c.Physical)}}
				return
			}
		}
	}
}

// failAmbiguous raises 42702 in PostgreSQL's words (colNameToVar).
func (b *binding) failAmbiguous(s *scope, ref *ast.ColumnRef, name string) {
	natural := s.column(name, atServer).finding == ambiguous
	b.fail("42702", int(ref.Location), natural, `column reference "`+name+`" is ambiguous`, "")
}

// fromEntryMissing raises 42P01 in PostgreSQL's words (errorMissingRTE): the table has an alias, or cannot be seen
// from here, or is not there at all.
func (b *binding) fromEntryMissing(s *scope, ref *ast.ColumnRef, schema, name string) {
	message := `missing FROM-clause entry for table "` + name + `"`
	detail, hint := "", ""
	worded := s.cte(name) == nil // the server would take a table that has an alias in what is sent for another one
	if it := b.entryNamed(s, schema, name); it != nil {
		message = `invalid reference to FROM-clause entry for table "` + name + `"`
		if seen, f := s.relation(it.name, inVersion); it.name != name && !it.bare && f == found && seen == it {
			hint = `Perhaps you meant to reference the table alias "` + it.name + `".`
		} else if there := `There is an entry for table "` + it.name + `", but it cannot be referenced from this part of the query.`; b.cat.ServerVersion >= 160000 {
			detail, worded = there, false // there may be a hint, too
		} else {
			hint = there
		}
	}
	fresh := b.failure == nil
	_, at := s.relation(name, atServer)
	b.fail("42P01", int(ref.Location), b.where == nil || at == missing, message, hint)
	if fresh {
		b.failure.Detail, b.failure.worded = detail, worded
	}
}

// entryNamed mirrors searchRangeTableForRel: the FROM item of that table or alias, wherever it stands.
func (b *binding) entryNamed(s *scope, schema, name string) *item {
	r, f := b.relationNamed(schema, name)
	for ; s != nil; s = s.parent {
		for _, it := range s.entries {
			if it.rel != nil && f == found && r.rel != nil && it.rel.OID == r.rel.OID || it.name == name {
				return it
			}
		}
	}
	return nil
}

// nameInVersion is what the version calls the relation of an item.
func (b *binding) nameInVersion(it *item) string {
	if it.table != nil {
		return it.table.Logical
	}
	return it.rel.Name
}
