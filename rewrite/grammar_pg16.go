//go:build !pg18

package rewrite

import "github.com/seguedb/segue/rewrite/ast"

// newerExpr binds an expression that newer grammars have: this one has none.
func (b *binding) newerExpr(_ *scope, n *ast.Node) { b.notUnderstood(n) }

// newerFromItem is an item of FROM that newer grammars have; nil where it is none.
func (b *binding) newerFromItem(*scope, *ast.Node) *item { return nil }

// newerLabel is the label of an expression that newer grammars have; "" where it is none.
func newerLabel(*ast.Node) string { return "" }
