package rewrite

import (
	"strings"

	"google.golang.org/protobuf/proto"

	"github.com/seguedb/segue/rewrite/ast"
	"github.com/seguedb/segue/rewrite/syntax"
)

// alterTable binds ALTER TABLE, and ALTER of whatever else has columns. Columns that it adds are known to the others of
// its commands.
func (b *binding) alterTable(x *ast.AlterTableStmt) {
	b.saw(x)
	it := b.subject(x.Relation, x.MissingOk)
	parts := b.commas(syntax.Span{From: b.afterName(x.Relation), To: b.whole().To})
	if len(parts) != len(x.Cmds) {
		parts = make([]syntax.Span, len(x.Cmds)) // every name in them is misplaced
	}
	for _, n := range x.Cmds {
		if cmd := n.GetAlterTableCmd(); cmd.GetSubtype() == ast.AlterTableType_AT_AddColumn {
			b.addColumnTo(it, cmd.Def.GetColumnDef())
		}
	}
	for i, n := range x.Cmds {
		cmd := n.GetAlterTableCmd()
		if cmd == nil {
			b.notUnderstood(n)
			continue
		}
		b.saw(cmd)
		b.keepsLookedUpCommand(x.Relation, cmd)
		b.alterCommand(it, cmd, parts[i])
	}
}

// addColumnTo checks the name of a new column, and makes it known. One that the version has already is for the server
// to report, or to skip.
func (b *binding) addColumnTo(it *item, d *ast.ColumnDef) {
	if d == nil {
		return
	}
	c, f := it.column(d.Colname, inVersion)
	switch {
	case f == found:
		if b.takesName(c, int(d.Location), "ADD COLUMN") && c.physical != d.Colname {
			b.renameToken(b.tokens.At(int(d.Location)), d.Colname, c.physical, func() { d.Colname = c.physical })
		}
		return
	case it.table != nil && b.columnTaken(it.rel.OID, d.Colname):
		b.forbid(int(d.Location), refusedTakenName, it.table,
			"add a column "+syntax.QuoteIdent(d.Colname)+" to "+syntax.QuoteIdent(it.table.Logical)+", whose name another version or the database has there")
	}
	if it.rel != nil && it.table == nil {
		b.inheritable(it.rel.OID, d.Colname, int(d.Location), "add a column "+syntax.QuoteIdent(d.Colname)+" to "+syntax.QuoteIdent(it.rel.Name))
	}
	it.newColumn(d.Colname, d.Colname).rows = b.definedRows(d)
}

// definedRows are the rows that a new column holds, which constraints may take apart.
func (b *binding) definedRows(d *ast.ColumnDef) value {
	b.typeName(d.TypeName)
	return b.namedTypes[d.TypeName]
}

// alterCommand binds one command of ALTER TABLE, which stands in the span.
func (b *binding) alterCommand(it *item, cmd *ast.AlterTableCmd, in syntax.Span) {
	t := &defined{scope: &scope{items: []*item{it}}, item: it}
	switch cmd.Subtype {
	case ast.AlterTableType_AT_AddColumn:
		b.unplaced(func() { b.columnDef(t, cmd.Def.GetColumnDef()) })
	case ast.AlterTableType_AT_ColumnDefault:
		b.keepsSide(it, cmd, "change the default of")
		b.alteredColumn(it, cmd, in)
		b.unplaced(func() { b.defaultExpr(cmd.Def, t.scope, b.typeWrittenTo(&ast.ResTarget{Name: cmd.Name}, t.item)) })
	case ast.AlterTableType_AT_DropColumn:
		b.keepsColumn(it, cmd, "drop")
		b.alteredColumn(it, cmd, in)
	case ast.AlterTableType_AT_AlterColumnType:
		if c, f := it.column(cmd.Name, inVersion); f != found || it.rel == nil || !b.hasType(it.rel, c.num, cmd.Def.GetColumnDef()) {
			b.keepsColumn(it, cmd, "change the type of")
		}
		b.alteredColumn(it, cmd, in)
		b.columnDef(t, cmd.Def.GetColumnDef())
	case ast.AlterTableType_AT_AddConstraint:
		b.unplaced(func() { b.constraint(t, cmd.Def.GetConstraint(), in) })
	case ast.AlterTableType_AT_AddInherit:
		b.adopt(it, cmd.Def.GetRangeVar())
	case ast.AlterTableType_AT_DropInherit:
		b.disown(b.existing(cmd.Def.GetRangeVar(), false), "NO INHERIT")
	case ast.AlterTableType_AT_AttachPartition, ast.AlterTableType_AT_DetachPartition, ast.AlterTableType_AT_DetachPartitionFinalize:
		b.partitionCommand(it, cmd)
	case ast.AlterTableType_AT_AddOf:
		if it.rel != nil && b.columnsDiffer(named{rel: it.rel, table: it.table}) {
			b.unsupported(b.tokens.Start(in.From), refusedCopy, "OF", "compares the names that the columns have in the database")
		}
		b.typeName(cmd.Def.GetTypeName())
	default:
		b.alterSetting(it, cmd, in)
	}
}

// alterSetting binds the commands that set or reset something of a column, or of the table, and hold no expression.
func (b *binding) alterSetting(it *item, cmd *ast.AlterTableCmd, in syntax.Span) {
	b.sawAll(cmd.Def)
	switch cmd.Subtype {
	case ast.AlterTableType_AT_DropNotNull, ast.AlterTableType_AT_SetNotNull:
		b.keepsSide(it, cmd, "change NOT NULL of")
	case ast.AlterTableType_AT_AddIdentity, ast.AlterTableType_AT_SetIdentity, ast.AlterTableType_AT_DropIdentity:
		b.keepsSide(it, cmd, "change how values are made for")
	case ast.AlterTableType_AT_DisableTrig, ast.AlterTableType_AT_DisableTrigAll, ast.AlterTableType_AT_DisableTrigUser, ast.AlterTableType_AT_EnableReplicaTrig:
		if it.table != nil && b.isChanged(it.table.OID) && (cmd.Name == "" || strings.Contains(cmd.Name, hiddenPrefix)) {
			b.forbid(b.tokens.Start(in.From), refusedMoving, it.table, "disable the triggers of "+syntax.QuoteIdent(it.table.Logical)+" that keep changed columns in step")
		}
	}
	switch cmd.Subtype {
	case ast.AlterTableType_AT_SetStatistics:
		if cmd.Name != "" { // ALTER INDEX goes by number
			b.alteredColumn(it, cmd, in)
		}
	case ast.AlterTableType_AT_DropNotNull, ast.AlterTableType_AT_SetNotNull, ast.AlterTableType_AT_DropExpression,
		ast.AlterTableType_AT_SetOptions, ast.AlterTableType_AT_ResetOptions,
		ast.AlterTableType_AT_SetStorage, ast.AlterTableType_AT_SetCompression, ast.AlterTableType_AT_AddIdentity,
		ast.AlterTableType_AT_SetIdentity, ast.AlterTableType_AT_DropIdentity, ast.AlterTableType_AT_AlterColumnGenericOptions:
		b.alteredColumn(it, cmd, in)
	case ast.AlterTableType_AT_AlterConstraint, ast.AlterTableType_AT_ValidateConstraint, ast.AlterTableType_AT_DropConstraint,
		ast.AlterTableType_AT_ChangeOwner, ast.AlterTableType_AT_ClusterOn, ast.AlterTableType_AT_DropCluster,
		ast.AlterTableType_AT_SetLogged, ast.AlterTableType_AT_SetUnLogged, ast.AlterTableType_AT_DropOids,
		ast.AlterTableType_AT_SetAccessMethod, ast.AlterTableType_AT_SetTableSpace, ast.AlterTableType_AT_SetRelOptions,
		ast.AlterTableType_AT_ResetRelOptions, ast.AlterTableType_AT_EnableTrig, ast.AlterTableType_AT_EnableAlwaysTrig,
		ast.AlterTableType_AT_EnableReplicaTrig, ast.AlterTableType_AT_DisableTrig, ast.AlterTableType_AT_EnableTrigAll,
		ast.AlterTableType_AT_DisableTrigAll, ast.AlterTableType_AT_EnableTrigUser, ast.AlterTableType_AT_DisableTrigUser,
		ast.AlterTableType_AT_EnableRule, ast.AlterTableType_AT_EnableAlwaysRule, ast.AlterTableType_AT_EnableReplicaRule,
		ast.AlterTableType_AT_DisableRule, ast.AlterTableType_AT_DropOf, ast.AlterTableType_AT_ReplicaIdentity,
		ast.AlterTableType_AT_EnableRowSecurity, ast.AlterTableType_AT_DisableRowSecurity,
		ast.AlterTableType_AT_ForceRowSecurity, ast.AlterTableType_AT_NoForceRowSecurity, ast.AlterTableType_AT_GenericOptions:
		// Constraints, triggers, rules, indexes and options are called the same in every version.
	default:
		b.unsupported(b.tokens.Start(in.From), refusedConstruct, cmd.Subtype.String(), "is not understood")
	}
}

// keepsColumn refuses what would take a migrating column from the version that calls it otherwise.
func (b *binding) keepsColumn(it *item, cmd *ast.AlterTableCmd, verb string) {
	c, f := it.column(cmd.Name, inVersion)
	if f != found || c.table == nil {
		return
	}
	for _, o := range append(b.cat.Descendants(c.table.OID), c.table.OID) {
		rel := b.cat.Relation(o)
		if d := rel.Column(c.physical); c.mapping != nil || d != nil && b.columnMoves(o, d.Num) {
			b.forbid(-1, refusedMoving, c.table, verb+" the migrating column "+syntax.QuoteIdent(cmd.Name)+" of "+syntax.QuoteIdent(c.table.Logical))
			return
		}
	}
}

// keepsSide refuses what would make another column of one side of a change than the one that is kept in step.
func (b *binding) keepsSide(it *item, cmd *ast.AlterTableCmd, verb string) {
	c, f := it.column(cmd.Name, inVersion)
	if f != found || c.table == nil || !b.isSide(c.table.OID, c.num) {
		return
	}
	b.forbid(-1, refusedMoving, c.table, verb+" the migrating column "+syntax.QuoteIdent(cmd.Name)+" of "+syntax.QuoteIdent(c.table.Logical))
}

// alteredColumn binds the column that a command is about: ALTER [COLUMN] name, DROP [COLUMN] [IF EXISTS] name.
func (b *binding) alteredColumn(it *item, cmd *ast.AlterTableCmd, in syntax.Span) {
	if cmd.MissingOk && cmd.Subtype == ast.AlterTableType_AT_DropColumn {
		if _, f := it.column(cmd.Name, inVersion); f == missing {
			if _, g := it.column(cmd.Name, atServer); g != missing {
				b.affected = true
				b.absent(b.alteredToken(cmd, in), cmd.Name, func(absent string) { cmd.Name = absent })
			}
			return
		}
	}
	c, ok := b.columnNamed(it, cmd.Name, -1, columnOfRelation)
	if !ok || !b.takesName(c, -1, "ALTER TABLE") || c.physical == c.name {
		return
	}
	b.renameToken(b.alteredToken(cmd, in), c.name, c.physical, func() { cmd.Name = c.physical })
}

// alteredToken is the token with the name of the column that a command is about.
func (b *binding) alteredToken(cmd *ast.AlterTableCmd, in syntax.Span) int {
	i := in.From + 1
	if b.tokens.Kind(i) == ast.Token_COLUMN {
		i++
	}
	if cmd.MissingOk && cmd.Subtype == ast.AlterTableType_AT_DropColumn {
		i += 2
	}
	return i
}

// adopt binds INHERIT parent. The server goes by the names in the database.
func (b *binding) adopt(child *item, parent *ast.RangeVar) {
	r := b.existing(parent, false)
	if b.columnsDiffer(r) {
		b.unsupported(int(parent.Location), refusedCopy, "INHERIT", "compares the names that the columns have in the database")
	}
	b.newHeir(r, child, int(parent.Location))
}

// disown refuses to part a table from what its columns are mapped with: it would keep the names in the database.
func (b *binding) disown(parent named, construct string) {
	if b.columnsDiffer(parent) {
		b.unsupported(-1, refusedCopy, construct, "leaves a table with the names that the columns have in the database")
	}
}

// newHeir refuses a table that is to inherit and has a column of a name that another version has for one of the parent.
func (b *binding) newHeir(parent named, child *item, location int) {
	if parent.table == nil || parent.rel == nil {
		return
	}
	for _, c := range child.cols {
		if c.table != parent.table && parent.table.Column(c.name) == nil && b.columnTaken(parent.rel.OID, c.name) {
			b.forbid(location, refusedTakenName, parent.table, "let a table inherit from "+syntax.QuoteIdent(parent.table.Logical)+
				" that has a column "+syntax.QuoteIdent(c.name)+", whose name another version or the database has there")
		}
	}
}

// partitionCommand binds ATTACH and DETACH PARTITION.
func (b *binding) partitionCommand(it *item, cmd *ast.AlterTableCmd) {
	p := cmd.Def.GetPartitionCmd()
	b.saw(p)
	b.partitionBound(p.GetBound())
	part := b.existing(p.GetName(), false)
	parent := named{rel: it.rel, table: it.table}
	if cmd.Subtype == ast.AlterTableType_AT_DetachPartition {
		b.disown(parent, "DETACH PARTITION")
	}
	if cmd.Subtype == ast.AlterTableType_AT_AttachPartition && it.table != nil && part.table == nil && b.columnsDiffer(parent) {
		b.unsupported(int(p.GetName().GetLocation()), refusedCopy, "ATTACH PARTITION", "compares the names that the columns have in the database")
	}
}

// namesColumns tells whether an expression has the name of a column in it.
func namesColumns(n *ast.Node) (found bool) {
	ast.Walk(n, func(m proto.Message) {
		_, is := m.(*ast.ColumnRef)
		found = found || is
	})
	return found
}

// partitionBound binds FOR VALUES, which can hold no name of a column: MINVALUE and MAXVALUE are not bound as such, and
// any other name the server rejects, whatever it is.
func (b *binding) partitionBound(p *ast.PartitionBoundSpec) {
	if p == nil {
		return
	}
	b.saw(p)
	for _, list := range [][]*ast.Node{p.Listdatums, p.Lowerdatums, p.Upperdatums} {
		for _, n := range list {
			if namesColumns(n) {
				b.sawAll(n)
				continue
			}
			b.expr(&scope{}, n)
		}
	}
}
