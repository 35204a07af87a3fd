package rewrite

import (
	"strings"
	"testing"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/seguedb/segue/rewrite/ast"
	"github.com/seguedb/segue/rewrite/syntax"
)

// What the binder does with each kind of node that the parser's tree can hold. Every kind is in exactly one list: one
// that a new grammar brings fails the test until somebody has thought about it.
var (
	boundExpressions = words(`A_ArrayExpr A_Const A_Expr A_Indirection BoolExpr BooleanTest CaseExpr CaseWhen CoalesceExpr
		CollateClause ColumnRef CurrentOfExpr FuncCall GroupingFunc JsonArrayAgg JsonArrayConstructor JsonArrayQueryConstructor
		JsonIsPredicate JsonKeyValue JsonObjectAgg JsonObjectConstructor JsonValueExpr List MinMaxExpr MultiAssignRef NamedArgExpr
		NullTest ParamRef RowExpr SQLValueFunction SetToDefault SortBy SubLink TypeCast XmlExpr XmlSerialize`)

	boundFromItems = words(`JoinExpr RangeFunction RangeSubselect RangeTableFunc RangeTableSample RangeVar`)

	boundStatements = words(`AlterDefaultPrivilegesStmt AlterObjectSchemaStmt AlterPolicyStmt AlterPublicationStmt AlterSeqStmt AlterTableStmt CallStmt CheckPointStmt
		CommentStmt CreateForeignTableStmt CreateFunctionStmt CreatePolicyStmt CreatePublicationStmt CreateSeqStmt CreateStatsStmt CreateSchemaStmt DoStmt
		CompositeTypeStmt CreateStmt CreateTrigStmt DropStmt GrantStmt ReindexStmt RenameStmt RuleStmt SecLabelStmt ClosePortalStmt ClusterStmt ConstraintsSetStmt CopyStmt CreateTableAsStmt
		DeallocateStmt DeclareCursorStmt DeleteStmt DiscardStmt ExecuteStmt ExplainStmt FetchStmt ImportForeignSchemaStmt IndexStmt InsertStmt ListenStmt
		LoadStmt LockStmt MergeStmt NotifyStmt PrepareStmt RefreshMatViewStmt SelectStmt TransactionStmt TruncateStmt
		UnlistenStmt UpdateStmt VacuumStmt VariableSetStmt VariableShowStmt ViewStmt`)

	// Parts of the above, which whoever binds the whole takes apart.
	boundParts = words(`A_Indices A_Star AccessPriv Alias AlterTableCmd BitString Constraint FunctionParameter ObjectWithArgs
		PartitionBoundSpec PartitionCmd PartitionElem PartitionSpec PublicationObjSpec PublicationTable ReplicaIdentityStmt ReturnStmt
		StatsElem TableLikeClause TriggerTransition Boolean CTECycleClause CTESearchClause ColumnDef CommonTableExpr DefElem
		Float GroupingSet IndexElem InferClause Integer IntoClause JsonAggConstructor JsonFormat JsonOutput JsonReturning
		LockingClause MergeWhenClause OnConflictClause RangeTableFuncCol RawStmt ResTarget RoleSpec String TypeName VacuumRelation
		WindowDef WithClause`)

	// Parts of statements that are refused as a whole.
	refusedParts = words(`CreateOpClassItem PartitionRangeDatum`)

	// What only parse analysis, the planner or PL/pgSQL makes; the raw parser never does.
	analyzedOnly = words(`Aggref AlternativeSubPlan ArrayCoerceExpr ArrayExpr CallContext CaseTestExpr CoerceToDomain
		CoerceToDomainValue CoerceViaIO CollateExpr ConvertRowtypeExpr DistinctExpr FieldSelect FieldStore FromExpr FuncExpr
		InferenceElem InlineCodeBlock IntList JsonConstructorExpr MergeAction NextValueExpr NullIfExpr OidList OnConflictExpr OpExpr
		PLAssignStmt Param Query RTEPermissionInfo RangeTblEntry RangeTblFunction RangeTblRef RelabelType RowCompareExpr
		RowMarkClause ScalarArrayOpExpr SetOperationStmt SortGroupClause SubPlan SubscriptingRef TableFunc TableSampleClause
		TargetEntry Var WindowClause WindowFunc WithCheckOption`)
)

func words(s string) map[string]bool {
	out := map[string]bool{}
	for w := range strings.FieldsSeq(s) {
		out[w] = true
	}
	return out
}

// everyKind calls f with an empty node of each kind.
func everyKind(f func(name string, n *ast.Node)) {
	fields := (&ast.Node{}).ProtoReflect().Descriptor().Oneofs().Get(0).Fields()
	for i := range fields.Len() {
		n := &ast.Node{}
		m := n.ProtoReflect()
		m.Set(fields.Get(i), protoreflect.ValueOfMessage(m.NewField(fields.Get(i)).Message()))
		f(string(fields.Get(i).Message().Name()), n)
	}
}

// bindingOf is a binding at work on an affected statement.
func bindingOf(t *testing.T) *binding {
	t.Helper()
	tokens, err := syntax.Scan("SELECT 1")
	if err != nil {
		t.Fatal(err)
	}
	snap := testSnapshot(150000)
	b := &binding{
		bindInput: &bindInput{snap: snap, lens: snap.Lens("surname"), sess: &Session{}, sql: "SELECT 1", tokens: tokens},
		cat:       snap.Catalog,
	}
	b.begin(&ast.RawStmt{Stmt: &ast.Node{}})
	b.affected = true
	return b
}

func TestEveryKindOfNodeIsAccountedFor(t *testing.T) {
	t.Parallel()
	lists := map[string]map[string]bool{
		"expressions": boundExpressions, "FROM items": boundFromItems, "statements": boundStatements,
		"parts": boundParts, "refused parts": refusedParts, "analyzed only": analyzedOnly,
	}
	kinds := map[string]bool{}
	everyKind(func(name string, n *ast.Node) {
		kinds[name] = true
		in := []string{}
		for list, names := range lists {
			if names[name] {
				in = append(in, list)
			}
		}
		statement := strings.HasSuffix(name, "Stmt") // one that is in no list is refused
		if len(in) > 1 || len(in) == 0 && !statement {
			t.Errorf("%s is in the lists %v, want one", name, in)
		}
	})
	for list, names := range lists {
		for name := range names {
			if !kinds[name] {
				t.Errorf("%s is listed under %s, and the parser has no such node", name, list)
			}
		}
	}
}

func TestExpressionsAreBoundOrRefused(t *testing.T) {
	t.Parallel()
	everyKind(func(name string, n *ast.Node) {
		b := bindingOf(t)
		b.expr(&scope{}, n)
		if understood := b.refusal == nil; understood != boundExpressions[name] {
			t.Errorf("%s as an expression: understood = %v", name, understood)
		}
	})
}

func TestFromItemsAreBoundOrRefused(t *testing.T) {
	t.Parallel()
	everyKind(func(name string, n *ast.Node) {
		if name == "RangeVar" || name == "JoinExpr" {
			return // an empty one is no valid input
		}
		b := bindingOf(t)
		b.fromItem(&scope{}, n)
		if understood := b.refusal == nil; understood != boundFromItems[name] {
			t.Errorf("%s in FROM: understood = %v", name, understood)
		}
	})
}

func TestStatementsAreBoundOrRefused(t *testing.T) {
	t.Parallel()
	everyKind(func(name string, n *ast.Node) {
		switch name {
		case "InsertStmt", "UpdateStmt", "DeleteStmt", "MergeStmt", "RefreshMatViewStmt", "IndexStmt", "ExplainStmt", "PrepareStmt",
			"CreateTableAsStmt", "CallStmt", "AlterTableStmt", "CreateForeignTableStmt", "CreatePolicyStmt", "AlterPolicyStmt",
			"CreateStmt", "CreateTrigStmt", "RuleStmt", "CreateStatsStmt":
			return // an empty one is no valid input
		}
		b := bindingOf(t)
		b.bindStatement(n)
		if understood := b.refusal == nil; understood != boundStatements[name] {
			t.Errorf("%s as a statement: understood = %v", name, understood)
		}
	})
}

func TestANodeThatNobodyLookedAtIsRefused(t *testing.T) {
	t.Parallel()
	tree, err := ast.Parse("SELECT a FROM t WHERE b")
	if err != nil {
		t.Fatal(err)
	}
	b := bindingOf(t)
	sel := tree.Stmts[0].Stmt.GetSelectStmt()
	b.saw(sel)
	for _, n := range sel.TargetList {
		b.sawAll(n)
	}
	for _, n := range sel.FromClause {
		b.sawAll(n)
	}
	b.demandAllSeen(tree.Stmts[0].Stmt)
	if b.refusal == nil || b.refusal.Node != "ColumnRef" || b.refusal.Code != codeRefused {
		t.Errorf("the condition was passed over, and the outcome is %v", b.refusal)
	}
}
