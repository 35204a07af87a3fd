package rewrite

import (
	"strings"

	"github.com/seguedb/segue/rewrite/ast"
	"github.com/seguedb/segue/rewrite/syntax"
)

// PostgreSQL keeps what DDL defines by the numbers of tables and columns: constraints, indexes, policies, views and
// functions with a parsed body follow a rename and its rollback. So DDL is spliced like everything else; what is
// refused is what the other live version could not live with, and what copies names.

// definition binds the statements that make, alter or drop objects. It tells whether the statement is one of them.
func (b *binding) definition(n *ast.Node) bool {
	switch n := n.Node.(type) {
	case *ast.Node_AlterTableStmt:
		b.redefines()
		b.alterTable(n.AlterTableStmt)
	case *ast.Node_ImportForeignSchemaStmt:
		b.importSchema(n.ImportForeignSchemaStmt)
	case *ast.Node_CreateSchemaStmt:
		b.createSchema(n.CreateSchemaStmt)
	case *ast.Node_CreateStmt:
		b.redefines()
		b.createTable(n.CreateStmt)
	case *ast.Node_CreateForeignTableStmt:
		b.redefines()
		b.saw(n.CreateForeignTableStmt)
		b.sawEach(n.CreateForeignTableStmt.Options)
		b.createTable(n.CreateForeignTableStmt.BaseStmt)
	case *ast.Node_CompositeTypeStmt:
		b.redefines()
		b.createCompositeType(n.CompositeTypeStmt)
	case *ast.Node_CreateFunctionStmt:
		b.redefines()
		b.createFunction(n.CreateFunctionStmt)
	case *ast.Node_DoStmt:
		b.do(n.DoStmt)
	case *ast.Node_RuleStmt:
		b.redefines() // a rule ON SELECT makes a view of a table
		b.createRule(n.RuleStmt)
	case *ast.Node_RenameStmt:
		b.redefines()
		b.resettle("search_path")
		b.rename(n.RenameStmt)
	case *ast.Node_AlterObjectSchemaStmt:
		b.redefines()
		b.resettle("search_path")
		b.setSchema(n.AlterObjectSchemaStmt)
	case *ast.Node_DropStmt:
		b.redefines()
		b.resettle("search_path")
		b.drop(n.DropStmt)
	case *ast.Node_CreateSeqStmt:
		b.redefines()
		b.saw(n.CreateSeqStmt)
		b.newRelation(n.CreateSeqStmt.Sequence)
		b.sequenceOptions(n.CreateSeqStmt.Options)
	case *ast.Node_AlterSeqStmt:
		b.saw(n.AlterSeqStmt)
		b.existing(n.AlterSeqStmt.Sequence, n.AlterSeqStmt.MissingOk)
		b.sequenceOptions(n.AlterSeqStmt.Options)
	default:
		return b.attachment(&ast.Node{Node: n})
	}
	return true
}

// attachment binds the statements that say something about relations and leave their shape as it is.
func (b *binding) attachment(n *ast.Node) bool {
	switch n := n.Node.(type) {
	case *ast.Node_CreateTrigStmt:
		b.createTrigger(n.CreateTrigStmt)
	case *ast.Node_CreatePolicyStmt:
		b.saw(n.CreatePolicyStmt)
		b.policy(n.CreatePolicyStmt.Table, n.CreatePolicyStmt.Qual, n.CreatePolicyStmt.WithCheck)
	case *ast.Node_AlterPolicyStmt:
		b.saw(n.AlterPolicyStmt)
		b.policy(n.AlterPolicyStmt.Table, n.AlterPolicyStmt.Qual, n.AlterPolicyStmt.WithCheck)
	case *ast.Node_CreateStatsStmt:
		b.createStatistics(n.CreateStatsStmt)
	case *ast.Node_CreatePublicationStmt:
		b.saw(n.CreatePublicationStmt)
		b.sawEach(n.CreatePublicationStmt.Options)
		b.publication(n.CreatePublicationStmt.Pubobjects, false)
	case *ast.Node_AlterPublicationStmt:
		b.saw(n.AlterPublicationStmt)
		b.sawEach(n.AlterPublicationStmt.Options)
		b.publication(n.AlterPublicationStmt.Pubobjects, n.AlterPublicationStmt.Action == ast.AlterPublicationAction_AP_DropObjects)
	case *ast.Node_CommentStmt:
		b.saw(n.CommentStmt)
		b.describedObject(n.CommentStmt.Objtype, n.CommentStmt.Object)
	case *ast.Node_SecLabelStmt:
		b.saw(n.SecLabelStmt)
		b.describedObject(n.SecLabelStmt.Objtype, n.SecLabelStmt.Object)
	case *ast.Node_GrantStmt:
		b.grant(n.GrantStmt)
	case *ast.Node_ReindexStmt:
		b.saw(n.ReindexStmt)
		b.sawEach(n.ReindexStmt.Params)
		b.existing(n.ReindexStmt.Relation, false)
	case *ast.Node_AlterDefaultPrivilegesStmt:
		b.sawAll(n.AlterDefaultPrivilegesStmt) // it names schemas and roles
	case *ast.Node_AlterObjectDependsStmt:
		if n.AlterObjectDependsStmt.Relation == nil {
			return false
		}
		b.saw(n.AlterObjectDependsStmt)
		b.existing(n.AlterObjectDependsStmt.Relation, false)
	default:
		b.newType(&ast.Node{Node: n})
		return false
	}
	return true
}

// redefines notes that relations or functions are others afterwards.
func (b *binding) redefines() {
	b.statement.Effect.Schema, b.statement.Effect.State = true, true
}

// sawEach is sawAll for a list.
func (b *binding) sawEach(list []*ast.Node) {
	for _, n := range list {
		b.sawAll(n)
	}
}

// existing binds the name of a relation that DDL is about, which need not be a table. Only names that one under
// migration has are looked up. missingOK says that the statement does nothing if there is none.
func (b *binding) existing(rv *ast.RangeVar, missingOK bool) named {
	if rv == nil {
		return named{}
	}
	if !b.isAffectedName(rv.Relname) {
		b.saw(rv)
		return named{}
	}
	if missingOK && b.vanished(rv) {
		return named{}
	}
	r, _, _ := b.rangeVar(rv, false)
	return r
}

// vanished tells whether the version has no such relation, in a statement that puts up with it. If the database has
// one, it must not be taken for it.
func (b *binding) vanished(rv *ast.RangeVar) bool {
	if _, f := b.relationNamed(rv.Schemaname, rv.Relname); f != missing {
		return false
	}
	b.sawAll(rv)
	last := b.tokens.At(int(rv.Location))
	for _, before := range []string{rv.Schemaname, rv.Catalogname} {
		if before != "" {
			last = b.part(last, 1)
		}
	}
	b.unmistaken(rv.Schemaname, rv.Relname, last, func(absent string) { rv.Relname = absent })
	return true
}

// unmistaken has a name that only the database has, at token i, mean nothing to the server, which is to say that there is none; set puts
// another name into the tree.
func (b *binding) unmistaken(schema, name string, i int, set func(absent string)) {
	server := b.atServer(name)
	if schema != "" {
		server = b.physical(schema, name)
	}
	if server != nil {
		b.concern(b.lens.Table(server.OID))
		b.affected = true
		b.absent(i, name, set)
	}
}

// absent is unmistaken for a name that is known to be mistaken.
func (b *binding) absent(i int, name string, set func(absent string)) {
	b.renameToken(i, name, absentMark+name, func() { set(absentMark + name) })
}

// subject is the item of the table that a definition is about, whose columns its expressions and lists name.
func (b *binding) subject(rv *ast.RangeVar, missingOK bool) *item {
	if missingOK && b.vanished(rv) {
		return &item{name: rv.Relname, relVisible: true, colsVisible: true, unknown: true, plain: true}
	}
	return b.unaliased(rv)
}

// unplaced binds what the server reports errors of without a position.
func (b *binding) unplaced(bind func()) {
	before := b.failure
	bind()
	if b.failure != before {
		b.failure.Position = 0
	}
}

// whole is the span of the statement at hand, which may be one in CREATE SCHEMA.
func (b *binding) whole() syntax.Span {
	if b.making != nil {
		return b.making.element
	}
	return syntax.Span{From: b.tokens.At(b.statement.Start), To: b.tokens.Before(b.statement.End) + 1}
}

// find is the first token of a kind in a span that stands in no brackets; the end of the span when there is none.
func (b *binding) find(in syntax.Span, kind ast.Token) int {
	for i := in.From; i < in.To; i++ {
		switch {
		case b.tokens.Kind(i) == kind:
			return i
		case b.tokens.Is(i, '('), b.tokens.Is(i, '['):
			i = b.closing(i)
		}
	}
	return in.To
}

// bracket is the first opening bracket in a span; the end of the span when there is none.
func (b *binding) bracket(in syntax.Span) int {
	for i := in.From; i < in.To; i++ {
		if b.tokens.Is(i, '(') {
			return i
		}
	}
	return in.To
}

// commas cuts a span at the commas that stand in no brackets.
func (b *binding) commas(in syntax.Span) []syntax.Span {
	var out []syntax.Span
	from := in.From
	for i := in.From; i < in.To; i++ {
		switch {
		case b.tokens.Is(i, '('), b.tokens.Is(i, '['):
			i = b.closing(i)
		case b.tokens.Is(i, ','):
			out = append(out, syntax.Span{From: from, To: i})
			from = i + 1
		}
	}
	return append(out, syntax.Span{From: from, To: in.To})
}

// names binds bare names of columns of an item, which begin at the tokens given. message is PostgreSQL's, with @
// for the name.
func (b *binding) names(list []*ast.Node, first []int, it *item, location int, message string) {
	for k := range list {
		c, ok := b.columnNamed(it, ast.StrVal(list[k]), location, message)
		if ok {
			ok = b.takesName(c, location, "a list of columns")
		}
		if !ok || c.physical == c.name {
			continue
		}
		if k >= len(first) {
			b.misplaced(location, c.name)
			return
		}
		b.renameToken(first[k], c.name, c.physical, func() { list[k] = stringNode(c.physical) })
	}
}

// nameList is names for a list in the brackets that open at a token.
func (b *binding) nameList(list []*ast.Node, open int, it *item, location int, message string) {
	var first []int
	if b.tokens.Is(open, '(') {
		first = b.elements(open)
	}
	b.names(list, first, it, location, message)
}

// columnNamed finds a column of an item by its bare name. ok is false when it is not known, or fails.
func (b *binding) columnNamed(it *item, name string, location int, message string) (c *column, ok bool) {
	c, f := it.column(name, inVersion)
	if f == found {
		b.use(c.table, c.root.nameInVersion(c))
		return c, true
	}
	if !it.unknown {
		b.lookAgain([]*item{it}, name)
		_, g := it.column(name, atServer)
		message = strings.ReplaceAll(message, "@", name)
		relation := it.name
		if it.rel != nil {
			relation = b.nameInVersion(it)
		}
		message = strings.ReplaceAll(message, "%", relation)
		b.fail("42703", location, g == missing, message, "")
	}
	return nil, false
}

// The messages of PostgreSQL for columns that a relation lacks: @ stands for the column and % for the relation.
const (
	columnOfRelation = `column "@" of relation "%" does not exist`
	columnInKey      = `column "@" named in key does not exist`
	columnInForeign  = `column "@" referenced in foreign key constraint does not exist`
	columnAlone      = `column "@" does not exist`
)

// rowOfTable is an item with the columns of a table.
func (b *binding) rowOfTable(r named) *item {
	it := &item{name: r.name, relVisible: true, colsVisible: true, bare: true, rel: r.rel, table: r.table}
	b.relationColumns(it, r.rel)
	return it
}
