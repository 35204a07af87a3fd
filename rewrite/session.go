package rewrite

import (
	"strings"

	"github.com/seguedb/segue/rewrite/ast"
)

// versionSetting is the setting by which a session chooses its version.
const versionSetting = "segue.version"

// sessionStatement binds the statements that name no relation and concern the session alone.
func (b *binding) sessionStatement(n *ast.Node) bool {
	switch n := n.Node.(type) {
	case *ast.Node_VariableSetStmt:
		b.variableSet(n.VariableSetStmt)
	case *ast.Node_DiscardStmt:
		b.sawAll(n.DiscardStmt)
		b.resettle("")
		b.statement.Effect.DropAll = n.DiscardStmt.Target == ast.DiscardMode_DISCARD_ALL
	case *ast.Node_DeallocateStmt:
		b.sawAll(n.DeallocateStmt)
		b.statement.Effect.Deallocate = n.DeallocateStmt.Name
		b.statement.Effect.DropAll = n.DeallocateStmt.Name == ""
	case *ast.Node_TransactionStmt, *ast.Node_VariableShowStmt, *ast.Node_FetchStmt, *ast.Node_ClosePortalStmt,
		*ast.Node_ListenStmt, *ast.Node_UnlistenStmt, *ast.Node_NotifyStmt, *ast.Node_ConstraintsSetStmt,
		*ast.Node_CheckPointStmt, *ast.Node_LoadStmt:
		b.sawAll(&ast.Node{Node: n})
	default:
		return false
	}
	return true
}

// variableSet binds SET and RESET.
func (b *binding) variableSet(v *ast.VariableSetStmt) {
	b.sawAll(v)
	if v.Kind == ast.VariableSetKind_VAR_RESET_ALL {
		b.resettle("")
		return
	}
	name := strings.ToLower(v.Name)
	if b.resettle(name); name == versionSetting {
		b.checkVersion(v)
	}
}

// checkVersion refuses the choice of a version that is not served.
func (b *binding) checkVersion(v *ast.VariableSetStmt) {
	if v.Kind != ast.VariableSetKind_VAR_SET_VALUE || len(v.Args) != 1 {
		return
	}
	k := v.Args[0].GetAConst()
	version := k.GetSval().GetSval()
	if k.GetSval() == nil || version == "" || b.snap.Chosen(version) != nil {
		return
	}
	e := versionNotServed(b.snap, version)
	b.fail(e.Code, -1, false, e.Message, e.Hint)
}
