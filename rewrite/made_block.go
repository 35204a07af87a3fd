package rewrite

import (
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"

	"github.com/seguedb/segue/catalog"
	"github.com/seguedb/segue/rewrite/ast"
	"github.com/seguedb/segue/rewrite/dynamic"
	"github.com/seguedb/segue/rewrite/plpgsql"
	"github.com/seguedb/segue/rewrite/syntax"
)

// What a block of code makes stands in its text more often than not. Which of its statements run, and whether an exception
// undoes them, need not be known: a name that nothing has is met as one that is not there. So a block makes what its statements
// make, wherever they stand in it. What does not stand in it are the names in a text that it computes, and what a function of
// the user's does.

// madeByBlock lists what DO makes or alters. cat has the functions that may be called.
func madeByBlock(cat *catalog.Catalog, x *ast.DoStmt) []Made {
	k := &block{cat: cat}
	if !k.read(x) {
		unseen := anything
		unseen.Unseen = true
		return []Made{unseen}
	}
	if k.unnamed {
		k.made = append(k.made, Made{Alone: true})
	}
	return k.made
}

// anything is what code makes of which nothing is known.
var anything = Made{Rows: true, Runs: true, body: true}

// A block is one DO whose statements are looked at.
type block struct {
	cat     *catalog.Catalog
	made    []Made
	unnamed bool // something is made through which nothing is seen, such as an index
}

// read lists what the statements of a block make. ok is false where that is not known.
func (k *block) read(x *ast.DoStmt) (ok bool) {
	var source *ast.Node
	for _, o := range x.Args {
		switch e := o.GetDefElem(); e.GetDefname() {
		case "as":
			source = e.Arg
		case "language":
			if strings.ToLower(ast.StrVal(e.Arg)) != "plpgsql" {
				return false
			}
		}
	}
	text := ast.StrVal(source)
	body, ok := plpgsql.Read(text)
	if !ok {
		return false
	}
	for i := range body.Fragments {
		f := &body.Fragments[i]
		if f.Role == plpgsql.Type {
			continue
		}
		tree, err := syntax.ParseAside(f.SQL(text))
		if err != nil || len(tree.Stmts) != 1 || !k.statements(tree) {
			return false
		}
		if f.Dynamic && !k.executed(tree.Stmts[0].Stmt.GetSelectStmt()) {
			return false
		}
	}
	return true
}

// executed lists what the text makes that an EXECUTE runs, which is what the SELECT puts out.
func (k *block) executed(sel *ast.SelectStmt) (ok bool) {
	if len(sel.GetTargetList()) != 1 {
		return false
	}
	text, ok := dynamic.Text(sel.TargetList[0].GetResTarget().GetVal())
	if !ok {
		return false
	}
	tree, err := syntax.ParseAside(text)
	return err == nil && k.statements(tree)
}

// statements lists what statements make that are run.
func (k *block) statements(tree *ast.ParseResult) (ok bool) {
	for _, raw := range tree.Stmts {
		n := raw.GetStmt()
		if n.GetNode() == nil {
			continue
		}
		if n.GetDoStmt() != nil || !k.callsBuiltins(n) {
			return false
		}
		switch n.Node.(type) {
		case *ast.Node_IndexStmt, *ast.Node_CreateSeqStmt, *ast.Node_AlterSeqStmt, *ast.Node_CreateEnumStmt:
			k.unnamed = true
		}
		for _, m := range madeBy(k.cat, n) {
			if m.Name == "" || strings.Contains(m.Name, dynamic.Hole) {
				return false
			}
			k.unnamed = k.unnamed || m.onlyRuns
			m.Bare = false // what has the name when it runs may be another than now
			k.made = append(k.made, m)
		}
	}
	return true
}

// callsBuiltins reports whether a statement that runs calls none but PostgreSQL's own functions, which make nothing. What a
// statement merely defines is not called by it.
func (k *block) callsBuiltins(n *ast.Node) bool {
	if n.GetCreateFunctionStmt() != nil {
		return true
	}
	only := true
	ast.Walk(n, func(m proto.Message) {
		if f, ok := m.(*ast.FuncCall); ok {
			only = only && k.isBuiltin(ast.StrVals(f.Funcname))
		}
	})
	return only
}

// isBuiltin reports whether a name can mean nothing but functions that come with PostgreSQL.
func (k *block) isBuiltin(name []string) bool {
	if len(name) > 1 {
		return len(name) == 2 && name[0] == "pg_catalog"
	}
	if len(name) == 0 || k.cat == nil {
		return false
	}
	all := k.cat.Functions(name[0])
	return len(all) > 0 && !slices.ContainsFunc(all, func(f *catalog.Function) bool { return f.Schema != "pg_catalog" })
}
