package rewrite

import (
	"regexp"
	"slices"
	"strings"

	"github.com/seguedb/segue/catalog"
	"github.com/seguedb/segue/rewrite/ast"
	"github.com/seguedb/segue/rewrite/charset"
	"github.com/seguedb/segue/rewrite/prefilter"
	"github.com/seguedb/segue/rewrite/syntax"
)

// A Made is something that a statement makes or alters, and that the catalog shows only when it has been read again:
// until then a text that names it must be bound by what the session's own server says.
type Made struct {
	// Name is the last part of its name. It is empty where the names of what is made are not in the text; with Alone, where it has
	// none by which rows could be seen, and is in the catalog all the same.
	Name string
	Temp bool // only the session itself can see it, for as long as it lasts
	// Rows says that rows of a table under migration may be seen through it. What is false for it matters only beside such
	// a table, whose names it may hide or be taken for.
	Rows bool
	// Columns says that what a star stands for may be different afterwards, in the relation and in its heirs.
	Columns bool
	// Alone says that a text in which the name does not stand means what it meant before.
	Alone bool
	// Altered says, with Alone, that it was there before: the names of what uses it count as its own.
	Altered bool
	// Owner says, with Alone, that what it owns goes with it: sequences and indexes, which have names of their own.
	Owner bool
	// Bare says that a table without a schema's name is dropped: a temporary one of the session's, if that has one so called.
	Bare bool
	// Schema says that it is a schema: every relation in it may have been made, moved or dropped.
	Schema bool
	// Runs says that code runs where it is used: it is a function, or it may call one. With Changes that code may change what
	// later texts mean, as far as can be told by the functions in the catalog. See catalog.SessionChanger.
	Runs, Changes bool
	// Makes says, with Runs, that the code may make something, likewise. See catalog.Catalog.Makers.
	Makes bool
	// Unseen says that it is all that a block of code may make when it runs, if it makes anything.
	Unseen bool

	heir     bool // it takes its columns from a parent
	onlyRuns bool
	body     bool // the code stands in the text, or nobody knows where
	tame     bool // and makes nothing by itself
}

// OnlyRuns says that nothing is made that a text could name: it is a trigger or a policy of the table that is named.
func (m *Made) OnlyRuns() bool { return m.onlyRuns }

// Makes lists what a text makes or alters that was not given to Rewrite, because it has no name of a table under migration
// nor of anything that shows its rows: so nothing in it shows them afterwards. The text is in the encoding.
func (b *Binder) Makes(encoding, sql string) []Made {
	if !mayMake(sql) {
		return nil
	}
	text, ok := charset.Decode(encoding, sql)
	if !ok {
		return []Made{{Runs: true, Changes: true, Makes: true}}
	}
	tree, err := syntax.ParseAside(text)
	if err != nil {
		return []Made{{Runs: true, Changes: true, Makes: true}} // a newer server may understand it, or it is too long
	}
	var out []Made
	for _, raw := range tree.Stmts {
		if raw.GetStmt().GetNode() == nil {
			continue
		}
		for _, m := range madeBy(b.snap.Catalog, raw.Stmt) {
			m.Rows = false
			m.Changes, m.Makes = m.changesSession(b.unseen, sql), m.makesMore(b.snap.Catalog, b.makers, sql)
			out = append(out, m)
		}
	}
	return out
}

// standsAlone reports whether all that a statement makes or drops can be met only by the names in it: what is new and nobody's
// heir, or goes without taking with it what others have made of it. What is altered shows in heirs and in what uses it.
func standsAlone(n *ast.Node) bool {
	switch n := n.Node.(type) {
	case *ast.Node_ExplainStmt:
		return standsAlone(n.ExplainStmt.Query)
	case *ast.Node_CreateStmt:
		return n.CreateStmt.OfTypename == nil
	case *ast.Node_CreateTableAsStmt, *ast.Node_CompositeTypeStmt, *ast.Node_CreateDomainStmt:
		return true
	case *ast.Node_CreateFunctionStmt:
		return true // in place of another it has the same arguments and result
	case *ast.Node_DefineStmt:
		return n.DefineStmt.Kind == ast.ObjectType_OBJECT_AGGREGATE || n.DefineStmt.Kind == ast.ObjectType_OBJECT_TYPE
	case *ast.Node_ViewStmt:
		return !n.ViewStmt.Replace // otherwise it may have more columns than before, which its users show
	case *ast.Node_SelectStmt:
		return n.SelectStmt.IntoClause != nil
	case *ast.Node_AlterTableStmt:
		return !slices.ContainsFunc(n.AlterTableStmt.Cmds, func(c *ast.Node) bool {
			return c.GetAlterTableCmd().GetBehavior() == ast.DropBehavior_DROP_CASCADE
		})
	case *ast.Node_RenameStmt:
		return n.RenameStmt.RenameType == ast.ObjectType_OBJECT_COLUMN
	case *ast.Node_DropStmt:
		return n.DropStmt.Behavior == ast.DropBehavior_DROP_RESTRICT && droppedAlone[n.DropStmt.RemoveType]
	}
	return false
}

// droppedAlone are the kinds of objects on which nothing depends that could be named, once they can be dropped without CASCADE.
var droppedAlone = map[ast.ObjectType]bool{
	ast.ObjectType_OBJECT_TABLE: true, ast.ObjectType_OBJECT_VIEW: true, ast.ObjectType_OBJECT_MATVIEW: true, ast.ObjectType_OBJECT_FOREIGN_TABLE: true,
	ast.ObjectType_OBJECT_SEQUENCE: true, ast.ObjectType_OBJECT_INDEX: true, ast.ObjectType_OBJECT_TRIGGER: true,
	ast.ObjectType_OBJECT_FUNCTION: true, ast.ObjectType_OBJECT_PROCEDURE: true, ast.ObjectType_OBJECT_ROUTINE: true, ast.ObjectType_OBJECT_AGGREGATE: true,
	ast.ObjectType_OBJECT_TYPE: true, ast.ObjectType_OBJECT_DOMAIN: true,
}

// changers matches the words without which the text of a function does not change the session by itself.
var changers = regexp.MustCompile(`(?i)temp|search_path|segue|set_config|standard_conforming|client_encoding|discard|reset|drop|execute|` +
	`\bset\s+(session|local|role|schema|names)\b`)

// changesSession tells whether what a text makes may change the session when it runs; unseen finds the functions that do.
func (m *Made) changesSession(unseen *prefilter.Filter, sql string) bool {
	return m.body && changers.MatchString(sql) || m.Runs && unseen != nil && unseen.Match([]byte(sql), false) != prefilter.Miss
}

// mayMake tells whether a text is something else than one statement of those that are often sent and make nothing.
func mayMake(sql string) bool {
	first, _ := prefilter.FirstWord([]byte(sql))
	switch first {
	case "set", "reset":
		return strings.Contains(sql, ";")
	}
	return true
}

// FamilyNames lists the names of the tables under migration that have this one, in some live version or in the database,
// and of those that get their columns or give them theirs; nil when there is none.
func (b *Binder) FamilyNames(name string) []string {
	var family []catalog.OID
	for _, l := range b.snap.Lenses {
		for _, t := range l.Tables {
			if t.Logical == name || t.Physical == name {
				family = append(family, b.snap.Catalog.Family(t.OID)...)
			}
		}
	}
	var names []string
	for _, l := range b.snap.Lenses {
		for _, t := range l.Tables {
			if slices.Contains(family, t.OID) {
				names = append(names, t.Logical, t.Physical)
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// FamilyUsers lists the names of what shows the columns of those tables besides: functions that return their rows, tables and
// views that have one in a column, types.
func (b *Binder) FamilyUsers(name string) (names []string) {
	for _, l := range b.snap.Lenses {
		for _, t := range l.Tables {
			if t.Logical == name || t.Physical == name {
				names = append(names, b.snap.Catalog.Users(t.Physical)...)
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// TableNames lists the names of all tables under migration, in every live version and in the database.
func (b *Binder) TableNames() (names []string) {
	for _, l := range b.snap.Lenses {
		for _, t := range l.Tables {
			names = append(names, t.Logical, t.Physical)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// NamesOf lists the names by which texts meet what was made, once it is Alone. alone is false where it can be met by others.
func (b *Binder) NamesOf(m Made) (names []string, alone bool) {
	names = []string{m.Name}
	if m.Altered {
		names = append(names, b.snap.Catalog.Users(m.Name)...)
	}
	return names, m.Alone && !(m.Owner && b.mayUncover())
}

// mayUncover reports whether a sequence or an index has the name of a table under migration: without it, the name may mean the
// table.
func (b *Binder) mayUncover() bool {
	for _, l := range b.snap.Lenses {
		for _, t := range l.Tables {
			for _, name := range []string{t.Logical, t.Physical} {
				if slices.ContainsFunc(b.snap.Catalog.Named(name), func(r *catalog.Relation) bool {
					return r.Kind == catalog.Sequence || r.Kind == catalog.Index || r.Kind == catalog.PartitionedIndex
				}) {
					return true
				}
			}
		}
	}
	return false
}

// madeBy lists what a statement makes or alters. cat has the functions that it may call.
func madeBy(cat *catalog.Catalog, n *ast.Node) []Made {
	if do := n.GetDoStmt(); do != nil {
		return madeByBlock(cat, do)
	}
	out := listMade(n)
	if standsAlone(n) {
		for i := range out {
			out[i].Alone = out[i].Name != "" && !out[i].heir
		}
	}
	return out
}

// listMade is madeBy but for Made.Alone.
func listMade(n *ast.Node) []Made {
	switch n := n.Node.(type) {
	case *ast.Node_ExplainStmt:
		return listMade(n.ExplainStmt.Query)
	case *ast.Node_SelectStmt:
		for sel := n.SelectStmt; sel != nil; sel = sel.Larg {
			if sel.IntoClause != nil {
				return madeRelation(sel.IntoClause.Rel)
			}
		}
	case *ast.Node_CreateTableAsStmt:
		return madeRelation(n.CreateTableAsStmt.Into.GetRel())
	case *ast.Node_CreateStmt:
		out := madeRelation(n.CreateStmt.Relation)
		for i := range out {
			out[i].heir = len(n.CreateStmt.InhRelations) > 0
		}
		return running(out)
	case *ast.Node_CreateForeignTableStmt:
		return madeRelation(n.CreateForeignTableStmt.BaseStmt.GetRelation())
	case *ast.Node_ViewStmt:
		return running(madeRelation(n.ViewStmt.View))
	case *ast.Node_RuleStmt:
		return running(madeRelation(n.RuleStmt.Relation))
	case *ast.Node_CompositeTypeStmt:
		return madeRelation(n.CompositeTypeStmt.Typevar)
	case *ast.Node_CreateDomainStmt:
		return running(madeObject(n.CreateDomainStmt.Domainname))
	case *ast.Node_CreateFunctionStmt:
		f := n.CreateFunctionStmt
		return []Made{{Name: ast.LastName(f.Funcname), Rows: true, Runs: true, body: true, tame: isTame(f)}}
	case *ast.Node_DefineStmt:
		return running(madeObject(n.DefineStmt.Defnames))
	case *ast.Node_AlterTableStmt:
		return running(madeByAlter(n.AlterTableStmt))
	case *ast.Node_CreateTrigStmt:
		return []Made{{Name: n.CreateTrigStmt.Relation.GetRelname(), Runs: true, onlyRuns: true}}
	case *ast.Node_CreatePolicyStmt:
		return []Made{{Name: n.CreatePolicyStmt.Table.GetRelname(), Runs: true, onlyRuns: true}}
	case *ast.Node_RenameStmt:
		return madeByRename(n.RenameStmt)
	case *ast.Node_CreateSchemaStmt:
		out := []Made{{Name: n.CreateSchemaStmt.Schemaname, Schema: true}}
		for _, element := range n.CreateSchemaStmt.SchemaElts {
			out = append(out, listMade(element)...)
		}
		return out
	case *ast.Node_DropStmt:
		var out []Made
		for _, o := range n.DropStmt.Objects {
			table := n.DropStmt.RemoveType == ast.ObjectType_OBJECT_TABLE
			out = append(out, Made{
				Name: droppedName(o), Columns: true, Owner: table, Schema: n.DropStmt.RemoveType == ast.ObjectType_OBJECT_SCHEMA,
				Bare: table && len(o.GetList().GetItems()) == 1 && n.DropStmt.Behavior == ast.DropBehavior_DROP_RESTRICT,
			})
		}
		return out
	case *ast.Node_AlterObjectSchemaStmt:
		if rv := n.AlterObjectSchemaStmt.Relation; rv != nil {
			return []Made{{Name: rv.Relname, Rows: true, Columns: true}}
		}
		return []Made{{Rows: true, Runs: true}}
	case *ast.Node_IndexStmt, *ast.Node_CreateSeqStmt, *ast.Node_AlterSeqStmt, *ast.Node_CreateEnumStmt:
		return nil
	case *ast.Node_InsertStmt, *ast.Node_UpdateStmt, *ast.Node_DeleteStmt, *ast.Node_MergeStmt, *ast.Node_CopyStmt,
		*ast.Node_VariableSetStmt, *ast.Node_VariableShowStmt, *ast.Node_TransactionStmt, *ast.Node_DiscardStmt,
		*ast.Node_PrepareStmt, *ast.Node_ExecuteStmt, *ast.Node_DeallocateStmt, *ast.Node_DeclareCursorStmt, *ast.Node_CallStmt,
		*ast.Node_GrantStmt, *ast.Node_CommentStmt, *ast.Node_TruncateStmt, *ast.Node_LockStmt, *ast.Node_VacuumStmt,
		*ast.Node_FetchStmt, *ast.Node_ClosePortalStmt, *ast.Node_ConstraintsSetStmt, *ast.Node_ListenStmt, *ast.Node_UnlistenStmt,
		*ast.Node_NotifyStmt, *ast.Node_CheckPointStmt:
		return nil
	default:
		return []Made{anything} // a range type, whose multirange has a name of its own; an extension
	}
	return nil
}

// running is what is made, which may call functions.
func running(made []Made) []Made {
	for i := range made {
		made[i].Runs = true
	}
	return made
}

func madeRelation(rv *ast.RangeVar) []Made {
	if rv == nil {
		return nil
	}
	return []Made{{Name: rv.Relname, Temp: rv.Relpersistence == "t" || isTempSchema(rv.Schemaname), Rows: true}}
}

func madeObject(name []*ast.Node) []Made {
	return []Made{{Name: ast.LastName(name), Rows: true}}
}

// madeByAlter is madeBy for ALTER TABLE: a table shows rows of another when it becomes its heir, or by a column.
func madeByAlter(x *ast.AlterTableStmt) []Made {
	out := []Made{{Name: x.Relation.GetRelname(), Altered: true}}
	for _, c := range x.Cmds {
		cmd := c.GetAlterTableCmd()
		switch cmd.GetSubtype() {
		case ast.AlterTableType_AT_AttachPartition:
			out = append(out, Made{Name: cmd.GetDef().GetPartitionCmd().GetName().GetRelname(), Rows: true, heir: true})
		case ast.AlterTableType_AT_AddInherit, ast.AlterTableType_AT_AddOf:
			out[0].Rows, out[0].heir = true, true
		case ast.AlterTableType_AT_DropColumn:
			out[0].Columns = true
		case ast.AlterTableType_AT_AddColumn, ast.AlterTableType_AT_AlterColumnType:
			out[0].Columns = true
			if !isShipped(cmd.GetDef().GetColumnDef().GetTypeName()) {
				out[0].Rows = true
			}
		}
	}
	return out
}

// isShipped tells whether a type surely holds no rows of a table. int is pg_catalog.int4 by the time that it is parsed.
func isShipped(t *ast.TypeName) bool {
	names := ast.StrVals(t.GetNames())
	return len(names) == 2 && names[0] == "pg_catalog" && shippedTypes[names[1]] || len(names) == 1 && shippedTypes[names[0]]
}

func madeByRename(x *ast.RenameStmt) []Made {
	switch x.RenameType {
	case ast.ObjectType_OBJECT_COLUMN:
		return []Made{{Name: x.Relation.GetRelname(), Columns: true, Altered: true}}
	case ast.ObjectType_OBJECT_ATTRIBUTE, ast.ObjectType_OBJECT_TABCONSTRAINT,
		ast.ObjectType_OBJECT_DOMCONSTRAINT, ast.ObjectType_OBJECT_TRIGGER, ast.ObjectType_OBJECT_RULE, ast.ObjectType_OBJECT_POLICY:
		return []Made{{Name: x.Relation.GetRelname()}}
	}
	out := []Made{{Name: x.Newname, Rows: true, Runs: true, Schema: x.RenameType == ast.ObjectType_OBJECT_SCHEMA}}
	if x.Relation != nil {
		out = append(out, Made{Name: x.Relation.Relname, Columns: true}) // what was hidden by it may be met from now on
	}
	return out
}

// droppedName is the last part of the name of what DROP drops.
func droppedName(o *ast.Node) string {
	switch o := o.Node.(type) {
	case *ast.Node_List:
		return ast.LastName(o.List.Items)
	case *ast.Node_TypeName:
		return ast.LastName(o.TypeName.Names)
	case *ast.Node_ObjectWithArgs:
		return ast.LastName(o.ObjectWithArgs.Objname)
	}
	return ast.StrVal(o)
}

// A NameFilter finds names in texts, as the prefilter of a Binder does: what it does not find in a text is not named
// there. It is safe for concurrent use.
type NameFilter struct{ filter *prefilter.Filter }

// NewNameFilter compiles a filter for names, and for those of the array types that come with them. It is nil when there
// is none.
func NewNameFilter(names []string) *NameFilter {
	if len(names) == 0 {
		return nil
	}
	var both []string
	for _, name := range names {
		both = append(both, foldedName(name), foldedName("_"+name))
	}
	return &NameFilter{prefilter.OfNames(both)}
}

// In tells whether a text may hold one of the names. A nil filter finds nothing.
func (n *NameFilter) In(sql []byte) bool {
	return n != nil && n.filter.Match(sql, false) != prefilter.Miss
}

// foldedName is a name in lower case as the prefilter folds texts: A to Z only.
func foldedName(name string) string {
	out := []byte(name)
	for i, c := range out {
		out[i] = syntax.LowerASCII(c)
	}
	return string(out)
}
