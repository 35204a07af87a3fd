//go:build pg18

package rewrite

import "maps"

// What grammar 18 has besides.
func init() {
	maps.Copy(boundExpressions, words(`JsonArgument JsonBehavior JsonFuncExpr JsonParseExpr JsonScalarExpr JsonSerializeExpr MergeSupportFunc`))
	maps.Copy(boundFromItems, words(`JsonTable`))
	maps.Copy(boundParts, words(`ATAlterConstraint JsonTableColumn JsonTablePathSpec ReturningClause ReturningOption`))
	maps.Copy(analyzedOnly, words(`JsonExpr JsonTablePath JsonTablePathScan JsonTableSiblingJoin ReturningExpr WindowFuncRunCondition`))
}
