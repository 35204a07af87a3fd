package rewrite

import (
	"slices"
	"strings"

	"github.com/seguedb/segue/rewrite/ast"
	"github.com/seguedb/segue/rewrite/prefilter"
	"github.com/seguedb/segue/rewrite/syntax"
	"github.com/seguedb/segue/rules"
)

// A table in which a change looks values up keeps its name, the columns that are read, and its triggers. Those of the change name it, so that
// every write of the other table would fail; and what changes past them would leave rows behind that are made from what was.

// A lookupFilter finds texts that may alter a table that is looked up. All others about such a table pass unseen. It is nil where there is none.
type lookupFilter struct{ names, verbs *prefilter.Filter }

func newLookupFilter(tables []rules.LookedUp) *lookupFilter {
	if len(tables) == 0 {
		return nil
	}
	var names []string
	for _, t := range tables {
		names = append(names, foldedName(t.Table.Name))
	}
	return &lookupFilter{prefilter.OfNames(names), prefilter.OfNames([]string{"alter", "drop"})}
}

// in reports whether a text may alter one of the tables. Of a text that comes in parts it sees what stands together in one of them; what it
// misses there makes writes fail, and none wrong.
func (f *lookupFilter) in(sql []byte) bool {
	return f != nil && f.names.Match(sql, false) == prefilter.Names && f.verbs.Match(sql, false) == prefilter.Names
}

func sameLookup(a, b rules.LookedUp) bool {
	return a.OID == b.OID && a.Table == b.Table && a.Migration == b.Migration && slices.Equal(a.Columns, b.Columns)
}

// keepsLookedUp refuses what a statement does to a relation, if that is looked up, and to one of its columns, if that is read. what has @ for the
// table.
func (b *binding) keepsLookedUp(schema, name, column, what string, location int) bool {
	if !slices.ContainsFunc(b.snap.LookedUp, func(l rules.LookedUp) bool { return l.Table.Name == name }) {
		return false
	}
	r, f := b.relationNamed(schema, name)
	if f != found || r.rel == nil {
		return false
	}
	for _, l := range b.snap.LookedUp {
		if l.OID == r.rel.OID && (column == "" || slices.Contains(l.Columns, column)) {
			b.refuseLookedUp(l, what, location)
			return true
		}
	}
	return false
}

func (b *binding) refuseLookedUp(l rules.LookedUp, what string, location int) {
	refusal := refusedLookedUp.raise(b.statement.Tag, "segue refuses to "+strings.ReplaceAll(what, "@", syntax.QuoteIdent(l.Table.Name)), b.position(location))
	refusal.Detail = "Values are looked up in it by " + syntax.QuoteIdent(l.Migration) + "."
	b.affected = true
	b.forbidden(refusal)
}

// keepsLookedUpIn refuses what a statement does to a schema that has such a table.
func (b *binding) keepsLookedUpIn(schema, what string) {
	for _, l := range b.snap.LookedUp {
		if l.Table.Schema == schema {
			b.refuseLookedUp(l, what+" the schema of @", -1)
			return
		}
	}
}

// keepsLookedUpCommand looks at a command of ALTER TABLE.
func (b *binding) keepsLookedUpCommand(rv *ast.RangeVar, cmd *ast.AlterTableCmd) {
	column := syntax.QuoteIdent(cmd.Name)
	what := ""
	switch cmd.Subtype {
	case ast.AlterTableType_AT_DropColumn:
		b.keepsLookedUp(rv.GetSchemaname(), rv.GetRelname(), cmd.Name, "drop the column "+column+" of @", -1)
	case ast.AlterTableType_AT_AlterColumnType:
		b.keepsLookedUp(rv.GetSchemaname(), rv.GetRelname(), cmd.Name, "change the type of the column "+column+" of @", -1)
	case ast.AlterTableType_AT_DisableTrig, ast.AlterTableType_AT_DisableTrigAll, ast.AlterTableType_AT_DisableTrigUser, ast.AlterTableType_AT_EnableReplicaTrig:
		if cmd.Name == "" || strings.Contains(cmd.Name, hiddenPrefix) {
			what = "disable the triggers of @ by which what was made from its rows follows them"
		}
	case ast.AlterTableType_AT_EnableRowSecurity:
		what = "turn the row security of @ on"
	case ast.AlterTableType_AT_AddInherit, ast.AlterTableType_AT_AttachPartition:
		what = "let @ inherit or be inherited"
		if other := cmd.Def.GetRangeVar(); other != nil {
			b.keepsLookedUp(other.Schemaname, other.Relname, "", what, int(other.Location))
		}
		if part := cmd.Def.GetPartitionCmd().GetName(); part != nil {
			b.keepsLookedUp(part.Schemaname, part.Relname, "", what, int(part.Location))
		}
	}
	if what != "" {
		b.keepsLookedUp(rv.GetSchemaname(), rv.GetRelname(), "", what, int(rv.GetLocation()))
	}
}

// keepsLookedUpName looks at RENAME.
func (b *binding) keepsLookedUpName(x *ast.RenameStmt) {
	switch rv := x.Relation; x.RenameType {
	case ast.ObjectType_OBJECT_COLUMN, ast.ObjectType_OBJECT_ATTRIBUTE:
		b.keepsLookedUp(rv.Schemaname, rv.Relname, x.Subname, "rename the column "+syntax.QuoteIdent(x.Subname)+" of @", -1)
	case ast.ObjectType_OBJECT_TABCONSTRAINT, ast.ObjectType_OBJECT_TRIGGER, ast.ObjectType_OBJECT_RULE, ast.ObjectType_OBJECT_POLICY:
	default:
		b.keepsLookedUp(rv.Schemaname, rv.Relname, "", "rename @", int(rv.Location))
	}
}

// keepsLookedUpObject looks at one object of DROP, whose name has the words.
func (b *binding) keepsLookedUpObject(words []string, location int) {
	schema := ""
	if len(words) > 1 {
		schema = words[len(words)-2]
	}
	if len(words) > 0 {
		b.keepsLookedUp(schema, words[len(words)-1], "", "drop @", location)
	}
}
