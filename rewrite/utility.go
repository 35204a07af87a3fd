package rewrite

import (
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/seguedb/segue/rewrite/ast"
)

// utility binds the commands that name tables without looking into queries, and refuses what is left if it concerns
// an affected table.
func (b *binding) utility(n *ast.Node) {
	switch n := n.Node.(type) {
	case *ast.Node_TruncateStmt:
		b.saw(n.TruncateStmt)
		b.relations(n.TruncateStmt.Relations)
	case *ast.Node_LockStmt:
		b.saw(n.LockStmt)
		b.relations(n.LockStmt.Relations)
	case *ast.Node_VacuumStmt:
		b.vacuum(n.VacuumStmt)
	case *ast.Node_RefreshMatViewStmt:
		b.saw(n.RefreshMatViewStmt)
		b.rangeVar(n.RefreshMatViewStmt.Relation, false)
	case *ast.Node_ClusterStmt:
		b.saw(n.ClusterStmt)
		for _, p := range n.ClusterStmt.Params {
			b.sawAll(p)
		}
		if n.ClusterStmt.Relation != nil {
			b.rangeVar(n.ClusterStmt.Relation, false)
		}
	case *ast.Node_IndexStmt:
		b.indexStmt(n.IndexStmt)
		b.newName(n.IndexStmt.Relation.GetSchemaname(), n.IndexStmt.Idxname, -1) // it is made in the table's schema
		b.statement.Effect.Schema = true
	default:
		if !b.definition(&ast.Node{Node: n}) {
			b.other(&ast.Node{Node: n})
		}
	}
}

// relations binds a list of tables.
func (b *binding) relations(list []*ast.Node) {
	for _, n := range list {
		if rv := n.GetRangeVar(); rv != nil {
			b.rangeVar(rv, false)
		}
	}
}

// vacuum binds VACUUM and ANALYZE, with their lists of columns.
func (b *binding) vacuum(v *ast.VacuumStmt) {
	b.saw(v)
	for _, o := range v.Options {
		b.sawAll(o)
	}
	for _, n := range v.Rels {
		r := n.GetVacuumRelation()
		if r == nil {
			b.notUnderstood(n)
			continue
		}
		b.saw(r)
		rel, _, ok := b.rangeVar(r.Relation, false)
		if ok && rel.table != nil {
			b.columnList(r.VaCols, b.afterName(r.Relation), rel, r.Relation)
		}
	}
}

// afterName is the token after the name of a table.
func (b *binding) afterName(rv *ast.RangeVar) int {
	return b.tableEnd(b.tokens.At(int(rv.Location)), &ast.RangeVar{}) + 1
}

// columnList binds a list of bare column names in the brackets that open at token i.
func (b *binding) columnList(cols []*ast.Node, i int, r named, rv *ast.RangeVar) {
	if len(cols) == 0 {
		return
	}
	var first []int
	if b.tokens.Is(i, '(') {
		first = b.elements(i)
	}
	if len(first) != len(cols) {
		b.misplaced(int(rv.Location), ast.StrVal(cols[0]))
		return
	}
	for k := range cols {
		b.listedColumn(cols, k, first[k], r)
	}
}

// listedColumn binds column k of a list, which stands at token i.
func (b *binding) listedColumn(cols []*ast.Node, k, i int, r named) {
	name := ast.StrVal(cols[k])
	c := r.table.Column(name)
	if c == nil {
		b.lookAgain([]*item{{table: r.table, rel: r.rel}}, name)
		b.fail("42703", -1, r.rel.Column(name) == nil,
			`column "`+name+`" of relation "`+r.table.Logical+`" does not exist`, "")
		return
	}
	b.use(r.table, name)
	if c.Reads() != nil {
		b.notAName(name, b.tokens.Start(i), "a list of columns")
		return
	}
	if c.Physical != name {
		b.renameToken(i, name, c.Physical, func() { cols[k] = stringNode(c.Physical) })
	}
}

// indexStmt binds CREATE INDEX.
func (b *binding) indexStmt(x *ast.IndexStmt) {
	b.saw(x)
	it := b.unaliased(x.Relation)
	open := b.afterName(x.Relation)
	for i := open; i < open+3; i++ {
		if b.tokens.Is(i, '(') {
			open = i
			break
		}
	}
	s := &scope{items: []*item{it}}
	b.indexElements(s, x.IndexParams, open, -1, it)
	if len(x.IndexIncludingParams) > 0 {
		b.indexElements(s, x.IndexIncludingParams, b.closing(open)+2, -1, it)
	}
	for _, o := range x.Options {
		b.sawAll(o)
	}
	b.expr(s, x.WhereClause)
	b.nameIndex(x, it)
}

// unaliased is the item of a table that can have no alias: references qualified by its name are those to it.
func (b *binding) unaliased(rv *ast.RangeVar) *item {
	r, _, ok := b.rangeVar(rv, false)
	if r.made != nil {
		it := r.made.under(rv.Relname)
		it.bare = true
		return it
	}
	it := &item{name: rv.Relname, relVisible: true, colsVisible: true, bare: true, plain: true}
	if r.name != rv.Relname {
		it.renamed = r.name
	}
	if !ok || r.rel == nil {
		it.unknown = true
		return it
	}
	it.rel, it.table = r.rel, r.table
	b.relationColumns(it, r.rel)
	return it
}

// other is every statement that has no case of its own. It passes as it is if it concerns no affected table.
func (b *binding) other(n *ast.Node) {
	b.statement.Effect.Schema = true
	b.statement.Effect.State = true
	tag := nodeName(n)
	switch n.Node.(type) {
	case *ast.Node_DropStmt, *ast.Node_AlterObjectSchemaStmt, *ast.Node_RenameStmt:
		b.resettle("search_path")
	}
	ast.WalkReflect(n.ProtoReflect(), func(m protoreflect.Message) {
		switch x := m.Interface().(type) {
		case *ast.RangeVar:
			b.otherRelation(x, tag)
		case *ast.TypeName:
			b.typeName(x)
		case *ast.List:
			b.otherName(x.Items, tag)
		}
	})
	if o := renamedObject(n); len(o) > 0 {
		b.otherName(o, tag)
	}
	b.refuse(b.statement.Start, tag, "is not understood on a table under migration")
}

// renamedObject is the object of statements that hold its name as one list of words.
func renamedObject(n *ast.Node) []*ast.Node {
	if d := n.GetDropStmt(); d != nil {
		return d.Objects
	}
	return nil
}

// otherRelation looks up a relation that a statement names; that it may not exist yet is no matter here.
func (b *binding) otherRelation(rv *ast.RangeVar, tag string) {
	for _, t := range b.lens.Tables {
		if (rv.Schemaname == "" || rv.Schemaname == t.Schema) && (rv.Relname == t.Logical || rv.Relname == t.Physical) {
			b.concern(t)
			b.use(t, "")
			b.refuse(int(rv.Location), tag, "is not understood on a table under migration")
		}
	}
}

// otherName looks for tables in a dotted name, of which a statement says only by its kind what it is.
func (b *binding) otherName(words []*ast.Node, tag string) {
	for _, w := range words {
		name := ast.StrVal(w)
		for _, t := range b.lens.Tables {
			if name != "" && (name == t.Logical || name == t.Physical) {
				b.concern(t)
				b.use(t, "")
				b.refuse(b.statement.Start, tag, "is not understood on a table under migration")
			}
		}
	}
}
