package rewrite

import (
	"strconv"
	"strings"

	"github.com/seguedb/segue/rewrite/ast"
	"github.com/seguedb/segue/rewrite/syntax"
)

// plainConstants finds the constants of a tree that the binder does not look into: those in conditions, VALUES, SET and LIMIT,
// as far as they are compared and calculated with, and are no arguments of functions. What is not on this way, such as ORDER
// BY 1, 'person'::regclass, and the key behind ->>, is no plain constant. A tree that binding has changed tells it no more.
func plainConstants(tree *ast.ParseResult) []*ast.A_Const {
	var c constants
	for _, raw := range tree.GetStmts() {
		c.query(raw.GetStmt())
	}
	return c.plain
}

type constants struct{ plain []*ast.A_Const }

// query goes through the clauses of a statement.
func (c *constants) query(n *ast.Node) {
	switch n := n.GetNode().(type) {
	case *ast.Node_SelectStmt:
		c.selectStmt(n.SelectStmt)
	case *ast.Node_InsertStmt:
		c.with(n.InsertStmt.WithClause)
		c.query(n.InsertStmt.SelectStmt)
		if on := n.InsertStmt.OnConflictClause; on != nil {
			c.assignments(on.TargetList)
			c.expr(on.WhereClause)
		}
	case *ast.Node_UpdateStmt:
		c.with(n.UpdateStmt.WithClause)
		c.assignments(n.UpdateStmt.TargetList)
		c.from(n.UpdateStmt.FromClause)
		c.expr(n.UpdateStmt.WhereClause)
	case *ast.Node_DeleteStmt:
		c.with(n.DeleteStmt.WithClause)
		c.from(n.DeleteStmt.UsingClause)
		c.expr(n.DeleteStmt.WhereClause)
	}
}

func (c *constants) selectStmt(x *ast.SelectStmt) {
	if x == nil {
		return
	}
	c.with(x.WithClause)
	c.selectStmt(x.Larg)
	c.selectStmt(x.Rarg)
	c.exprs(x.ValuesLists)
	c.from(x.FromClause)
	c.expr(x.WhereClause)
	c.expr(x.HavingClause)
	c.expr(x.LimitOffset)
	c.expr(x.LimitCount)
}

func (c *constants) with(w *ast.WithClause) {
	for _, cte := range w.GetCtes() {
		c.query(cte.GetCommonTableExpr().GetCtequery())
	}
}

func (c *constants) from(list []*ast.Node) {
	for _, n := range list {
		switch n := n.GetNode().(type) {
		case *ast.Node_JoinExpr:
			c.from([]*ast.Node{n.JoinExpr.Larg, n.JoinExpr.Rarg})
			c.expr(n.JoinExpr.Quals)
		case *ast.Node_RangeSubselect:
			c.query(n.RangeSubselect.Subquery)
		}
	}
}

func (c *constants) assignments(list []*ast.Node) {
	for _, n := range list {
		c.expr(n.GetResTarget().GetVal())
	}
}

func (c *constants) exprs(list []*ast.Node) {
	for _, n := range list {
		c.expr(n)
	}
}

// expr goes through an expression as far as it is made of what is named here.
func (c *constants) expr(n *ast.Node) {
	switch n := n.GetNode().(type) {
	case *ast.Node_AConst:
		c.plain = append(c.plain, n.AConst)
	case *ast.Node_AExpr:
		if plainOperators[ast.StrVal(onlyNode(n.AExpr.Name))] && !castsOddly(n.AExpr.Lexpr) && !castsOddly(n.AExpr.Rexpr) {
			c.expr(n.AExpr.Lexpr)
			c.expr(n.AExpr.Rexpr)
		}
	case *ast.Node_BoolExpr:
		c.exprs(n.BoolExpr.Args)
	case *ast.Node_NullTest:
		c.expr(n.NullTest.Arg)
	case *ast.Node_BooleanTest:
		c.expr(n.BooleanTest.Arg)
	case *ast.Node_List:
		c.exprs(n.List.Items)
	case *ast.Node_RowExpr:
		c.exprs(n.RowExpr.Args)
	case *ast.Node_AArrayExpr:
		c.exprs(n.AArrayExpr.Elements)
	case *ast.Node_CoalesceExpr:
		c.exprs(n.CoalesceExpr.Args)
	case *ast.Node_CaseExpr:
		c.expr(n.CaseExpr.Arg)
		for _, w := range n.CaseExpr.Args {
			c.expr(w.GetCaseWhen().GetExpr())
			c.expr(w.GetCaseWhen().GetResult())
		}
		c.expr(n.CaseExpr.Defresult)
	case *ast.Node_TypeCast:
		if !castsOddly(&ast.Node{Node: n}) {
			c.expr(n.TypeCast.Arg)
		}
	case *ast.Node_SubLink:
		c.expr(n.SubLink.Testexpr)
		c.query(n.SubLink.Subselect)
	}
}

// plainOperators only calculate and compare, whatever their operands are. (BETWEEN, IN, LIKE and the like have names, too.)
var plainOperators = map[string]bool{
	"=": true, "<>": true, "<": true, ">": true, "<=": true, ">=": true,
	"+": true, "-": true, "*": true, "/": true, "%": true, "||": true,
	"~": true, "~*": true, "!~": true, "!~*": true, "~~": true, "~~*": true, "!~~": true, "!~~*": true,
	"BETWEEN": true, "NOT BETWEEN": true, "BETWEEN SYMMETRIC": true, "NOT BETWEEN SYMMETRIC": true,
	"@>": true, "<@": true, "&&": true, "@@": true,
}

// plainTypes are those to which a constant is cast without naming anything.
var plainTypes = map[string]bool{
	"bool": true, "int2": true, "int4": true, "int8": true, "float4": true, "float8": true, "numeric": true, "money": true,
	"text": true, "varchar": true, "bpchar": true, "bytea": true, "uuid": true, "json": true, "jsonb": true, "inet": true, "cidr": true,
	"date": true, "time": true, "timetz": true, "timestamp": true, "timestamptz": true, "interval": true,
}

// castsOddly tells whether a node is a cast to another type than those.
func castsOddly(n *ast.Node) bool {
	cast := n.GetTypeCast()
	if cast == nil {
		return false
	}
	names := ast.StrVals(cast.GetTypeName().GetNames())
	return len(names) == 0 || len(names) > 2 || len(names) == 2 && names[0] != "pg_catalog" || !plainTypes[names[len(names)-1]]
}

func onlyNode(list []*ast.Node) *ast.Node {
	if len(list) != 1 {
		return nil
	}
	return list[0]
}

// freeSlots tells which of the slots may read otherwise: comments, and plain constants that the parser has read at their
// place. The tokens are those of the text.
func freeSlots(t *syntax.Tokens, slots []slot, plain []*ast.A_Const) []bool {
	free := make([]bool, len(slots))
	at := make(map[int]int, len(slots)) // by place: which slot begins there
	for i, p := range slots {
		free[i] = p.class == classComment
		at[p.start] = i
	}
	for _, k := range plain {
		place := int(k.Location)
		sign := ""
		if place >= 0 && place < len(t.SQL) && t.SQL[place] == '-' { // the grammar makes one constant of a minus and a number
			sign, place = "-", t.Start(t.At(place+1))
		}
		if i, ok := at[place]; ok && !free[i] && reads(k, sign, t.SQL[slots[i].start:slots[i].end]) {
			free[i] = true
		}
	}
	return free
}

// reads tells whether a constant of the tree is what stands in the text.
func reads(k *ast.A_Const, sign, text string) bool {
	switch v := k.Val.(type) {
	case *ast.A_Const_Sval:
		return sign == "" && text[0] == '\'' && text == "'"+strings.ReplaceAll(v.Sval.Sval, "'", "''")+"'"
	case *ast.A_Const_Ival:
		n, err := strconv.ParseInt(sign+text, 10, 64)
		return err == nil && n == int64(v.Ival.GetIval())
	case *ast.A_Const_Fval:
		return v.Fval.Fval == sign+text
	}
	return false
}
