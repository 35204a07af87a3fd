package rewrite

import (
	"github.com/seguedb/segue/rewrite/ast"
	"github.com/seguedb/segue/rewrite/explain"
)

// bindStatement binds one statement of the text, and says what it does to the session.
func (b *binding) bindStatement(n *ast.Node) {
	switch n := n.Node.(type) {
	case *ast.Node_SelectStmt:
		b.effectOfInto(n.SelectStmt)
		out := b.selectStmt(nil, n.SelectStmt)
		b.statement.Columns = out.predicted()
		b.namesInOutput(n.SelectStmt, out, func(sel *ast.SelectStmt) { n.SelectStmt = sel })
	case *ast.Node_InsertStmt:
		out := b.insertStmt(nil, n.InsertStmt)
		b.statement.Columns = out.predicted()
		b.namesReturned(ast.ReturnsOf(n.InsertStmt), out)
	case *ast.Node_UpdateStmt:
		out := b.updateStmt(nil, n.UpdateStmt)
		b.statement.Columns = out.predicted()
		b.namesReturned(ast.ReturnsOf(n.UpdateStmt), out)
	case *ast.Node_DeleteStmt:
		out := b.deleteStmt(nil, n.DeleteStmt)
		b.statement.Columns = out.predicted()
		b.namesReturned(ast.ReturnsOf(n.DeleteStmt), out)
	case *ast.Node_MergeStmt:
		out := b.mergeStmt(nil, n.MergeStmt)
		b.statement.Columns = out.predicted()
		b.namesReturned(ast.ReturnsOf(n.MergeStmt), out)
	case *ast.Node_CopyStmt:
		b.copyStmt(n.CopyStmt)
	default:
		if !b.wrapped(&ast.Node{Node: n}) && !b.sessionStatement(&ast.Node{Node: n}) {
			b.catalogs.stored = true
			b.utility(&ast.Node{Node: n})
		}
	}
	if b.statement.Columns != nil && b.leftmostInto(n) {
		b.statement.Columns = nil
	}
}

// effectOfInto notes that SELECT INTO makes a table.
func (b *binding) effectOfInto(sel *ast.SelectStmt) {
	for ; sel != nil; sel = sel.Larg {
		if sel.IntoClause != nil {
			b.statement.Effect.Schema = true
		}
	}
}

// leftmostInto tells whether the statement is SELECT INTO, which returns no rows.
func (b *binding) leftmostInto(n *ast.Node) bool {
	for sel := n.GetSelectStmt(); sel != nil; sel = sel.Larg {
		if sel.IntoClause != nil {
			return true
		}
	}
	return false
}

// wrapped binds the statements that hold another one.
func (b *binding) wrapped(n *ast.Node) bool {
	switch n := n.Node.(type) {
	case *ast.Node_ExplainStmt:
		b.saw(n.ExplainStmt)
		for _, o := range n.ExplainStmt.Options {
			b.sawAll(o)
		}
		b.explain(n.ExplainStmt.Query, formatOf(n.ExplainStmt))
		b.statement.Columns = nil
	case *ast.Node_PrepareStmt:
		b.saw(n.PrepareStmt)
		for _, t := range n.PrepareStmt.Argtypes {
			b.typeName(t.GetTypeName())
			b.params = append(b.params, b.namedTypes[t.GetTypeName()])
		}
		b.explain(n.PrepareStmt.Query, explain.Text)
		b.statement.Columns = nil
		b.statement.Effect = Effect{Prepare: &Prepare{
			Name: n.PrepareStmt.Name, Client: b.sql[b.statement.Start:b.statement.End],
		}}
	case *ast.Node_ExecuteStmt:
		b.saw(n.ExecuteStmt)
		b.exprs(nil, n.ExecuteStmt.Params)
		b.statement.Effect.Execute, b.statement.Effect.Names = n.ExecuteStmt.Name, b.namesMoved(n.ExecuteStmt.Params)
	case *ast.Node_DeclareCursorStmt:
		b.saw(n.DeclareCursorStmt)
		b.statement.Effect.Cursor = true
		out := b.query(nil, n.DeclareCursorStmt.Query)
		b.queryInOutput(n.DeclareCursorStmt.Query, out)
	case *ast.Node_CreateTableAsStmt:
		b.saw(n.CreateTableAsStmt)
		b.catalogs.stored = n.CreateTableAsStmt.Objtype == ast.ObjectType_OBJECT_MATVIEW
		b.into(n.CreateTableAsStmt.Into)
		if sel := n.CreateTableAsStmt.Query.GetSelectStmt(); sel != nil {
			b.selectStmt(nil, sel) // what it returns is not printed
		} else {
			b.bindStatement(n.CreateTableAsStmt.Query)
		}
		b.statement.Columns = nil
		b.statement.Effect.Schema = true
	case *ast.Node_ViewStmt:
		b.createView(n.ViewStmt)
	case *ast.Node_CallStmt:
		b.saw(n.CallStmt)
		b.funcCall(nil, n.CallStmt.Funccall)
		b.resettle("") // a procedure can do anything
	default:
		return false
	}
	return true
}

// createView binds CREATE VIEW.
func (b *binding) createView(x *ast.ViewStmt) {
	b.saw(x)
	b.catalogs.stored = true
	b.sawEach(x.Options)
	out := b.query(nil, x.Query)
	b.newRelation(x.View)
	b.statement.Effect.Schema = true
	if b.making != nil {
		it := &item{}
		it.outputColumns(out)
		b.renameColumns(it, &ast.Alias{Colnames: x.Aliases}, -1)
		b.makesInSchema(x.View, it)
	}
}
