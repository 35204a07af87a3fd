package rewrite

import (
	"slices"

	"google.golang.org/protobuf/proto"

	"github.com/seguedb/segue/rewrite/ast"
	"github.com/seguedb/segue/rewrite/plpgsql"
	"github.com/seguedb/segue/rewrite/syntax"
)

// Texts that EXECUTE runs. They see no variables: what USING gives are their parameters, and a field of a row among these has
// the name that it has in the database. Where the text is a constant, it is bound with the types of what it is given. Where
// it is computed, a constant of the body with the name of such a field is refused.

// givenRows are what USING gives to a text.
type givenRows struct {
	vars   *variables // of the body that runs the text
	names  []string   // for each value, the variable that it is as a whole; "" where it is computed
	values []value    // for each value, what it holds; empty where that is not known
}

// inOrder are the numbers of the fragments with expressions and statements, those of texts behind what USING gives to them.
func inOrder(read *plpgsql.Body) (list []int) {
	for i := range read.Fragments {
		f := &read.Fragments[i]
		if f.Role == plpgsql.Type || len(f.Values) > 0 {
			continue
		}
		list = append(list, i)
		for k := i; f.Using && k >= 0; k-- {
			if v := read.Fragments[k].Values; len(v) > 0 && v[len(v)-1] == i {
				list = append(list, k)
			}
		}
	}
	return list
}

// given is what USING gives to the text of a fragment, all of which has been bound; nil for none.
func (bd *body) given(read *plpgsql.Body, f *plpgsql.Fragment) *givenRows {
	if len(f.Values) == 0 {
		return nil
	}
	g := &givenRows{vars: bd.vars}
	for _, i := range f.Values {
		name, v := "", value{}
		if raw := bd.parts[i].tree.Stmts; len(raw) == 1 {
			if targets := raw[0].Stmt.GetSelectStmt().GetTargetList(); len(targets) == 1 {
				name = bd.vars.named(targets[0].GetResTarget().GetVal())
			}
		}
		if cols := bd.outputOf(&read.Fragments[i], i).cols; len(cols) == 1 {
			if v = cols[0].rows; !v.holdsRows() {
				v = bd.ofType(cols[0].typ)
			}
		}
		g.names, g.values = append(g.names, name), append(g.values, v)
	}
	return g
}

// named is the variable that an expression is as a whole; "" for any other expression.
func (v *variables) named(n *ast.Node) string {
	if name := firstName(n); v.known[name] != nil {
		return name
	}
	return ""
}

// name is the variable that an expression in the text is as a whole; "" for any other expression.
func (g *givenRows) name(n *ast.Node) string {
	if g == nil {
		return ""
	}
	if i := n.GetAIndirection(); i != nil && isStar(n) && len(i.Indirection) == 1 {
		n = i.Arg
	}
	if p := n.GetParamRef(); g.has(p) {
		return g.names[p.Number-1]
	}
	return ""
}

// has tells whether the text is given the parameter.
func (g *givenRows) has(p *ast.ParamRef) bool {
	return g != nil && p.GetNumber() > 0 && int(p.Number) <= len(g.names)
}

// isRow tells whether an expression in the text is a row of the trigger's table.
func (g *givenRows) isRow(n *ast.Node) bool { return g != nil && g.vars.isRow(g.name(n)) }

// givenField notes a field of what a text is given, where only the end of the body tells what row that is, and any field of
// a row of the trigger's table; and a field of a row that is in a field of that row.
func (b *binding) givenField(i *ast.A_Indirection) {
	if len(i.Indirection) == 0 || i.Indirection[0].GetString_() == nil {
		return
	}
	use := fieldUse{field: ast.StrVal(i.Indirection[0]), given: true}
	v := b.valueOf(i.Arg)
	known := v.typ != 0 || v.item != nil
	switch p := i.Arg.GetParamRef(); {
	case p != nil && b.given.has(p):
		if use.of = b.given.name(i.Arg); known && !b.given.isRow(i.Arg) {
			return
		}
	case known || p != nil || !b.rowsField(i.Arg):
		return
	}
	vars := b.vars
	if b.given != nil {
		vars = b.given.vars
	}
	use.position = b.position(b.minLocation(i.Arg))
	vars.uses = append(vars.uses, use)
}

// rowsField tells whether an expression is a field of a row of the trigger's table, or one in that.
func (b *binding) rowsField(n *ast.Node) bool {
	if i := n.GetAIndirection(); i != nil {
		return b.given.isRow(i.Arg) || b.vars != nil && b.vars.isRow(firstName(i.Arg)) || b.rowsField(i.Arg)
	}
	fields := n.GetColumnRef().GetFields()
	return b.vars != nil && len(fields) == 2 && fields[1].GetAStar() == nil && b.vars.isRow(ast.StrVal(fields[0]))
}

// constantText binds the text that EXECUTE has in a constant: a statement that sees no variables. It is nil where the text
// is computed, or cannot be read.
func (bd *body) constantText(c *binding, sel *ast.SelectStmt, given *givenRows, byPlace bool) *body {
	if len(sel.GetTargetList()) != 1 {
		return nil
	}
	k := sel.TargetList[0].GetResTarget().GetVal().GetAConst()
	if k.GetSval() == nil {
		return nil
	}
	inner := &body{binding: c, of: bd.of, session: bd.session, pathKnown: bd.pathKnown, text: k.GetSval(), byPlace: byPlace, once: bd.once}
	var ok bool
	inner.literal, ok = c.constantAt(c.tokens.At(int(k.Location)))
	if !ok || inner.literal.text != k.GetSval().Sval {
		return nil
	}
	p, ok := inner.part(inner.literal.text, 0, 0)
	if !ok {
		return nil
	}
	if given != nil {
		inner.params, p.inner.given = given.values, given
	}
	inner.bind(p, inner.returned)
	inner.finish(p.same)
	bd.unsure = bd.unsure || inner.unsure
	return inner
}

// A rowName is the variable that an expression is as a whole, "" for any other one: a name, or the parameter of a text that
// is executed with it. All of its fields count as the whole.
type rowName func(*ast.Node) string

// walkRows visits every node of the body, and of the texts in constants that it executes. p is the part in which it is.
func (bd *body) walkRows(visit func(p *part, n proto.Message, row rowName)) {
	bd.walk(func(p *part, n proto.Message) { visit(p, n, firstName) })
	for _, text := range bd.texts {
		if text == nil {
			continue
		}
		outer := slices.IndexFunc(bd.parts, func(p *part) bool { return p.inner == text.binding })
		text.walk(func(inner *part, n proto.Message) { visit(bd.parts[outer], n, inner.inner.given.name) })
	}
}

// computedFields refuses a constant that may name a field of a row, or have its fields shown, in a body that gives the row
// to a text that it computes.
func (bd *body) computedFields(read *plpgsql.Body) {
	for i := range read.Fragments {
		f := &read.Fragments[i]
		if !f.Dynamic || f.Known || len(f.Values) == 0 {
			continue
		}
		given := bd.given(read, f)
		for k, v := range given.values {
			bd.givesRows = bd.givesRows || bd.vars.isRow(given.names[k])
			if bd.difference(v) != sameShape {
				bd.affected = true
				bd.refuseFieldsInText(v)
			}
		}
	}
}

// refuseFieldsInText refuses the constants of the body that have the name of a field of the row which is another name in the
// database, or a word that shows the names of fields.
func (bd *body) refuseFieldsInText(v value) {
	bd.walk(func(p *part, n proto.Message) {
		k, ok := n.(*ast.A_Const)
		if !ok || k.GetSval() == nil {
			return
		}
		text := k.GetSval().Sval
		for word := range wordsOf(text) {
			if bd.moving(word) {
				bd.unsupported(bd.literal.place(p.start), refusedString, bd.of, "gives a row to a text that it computes, and names "+syntax.QuoteIdent(word)+" in a string")
				return
			}
		}
		if containsAny(text, showingWords) {
			bd.unsupported(bd.literal.place(p.start), refusedString, bd.of, "gives a row to a text that it computes, which may show the names of its fields")
		}
	})
}
