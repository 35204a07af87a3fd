package rewrite

import (
	"cmp"
	"slices"

	"google.golang.org/protobuf/proto"

	"github.com/seguedb/segue/catalog"
	"github.com/seguedb/segue/rewrite/ast"
	"github.com/seguedb/segue/rewrite/syntax"
	"github.com/seguedb/segue/rules"
)

// inPL binds a body in PL/pgSQL. ok is false where it cannot be taken apart.
func (bd *body) inPL(function string, list []parameter, trigger bool) (ok bool) {
	read, ok := readPL(bd.literal.text)
	switch {
	case !ok:
		return false
	case trigger:
		return bd.inTrigger(function, read)
	}
	for _, p := range list {
		if p.input {
			bd.params = append(bd.params, p.value)
		}
	}
	if !bd.bindPL(read, newVariables(bd.binding, function, list)) {
		return false
	}
	bd.computes = read.computes()
	bd.finish(func(text string) bool { return bd.provePL(read, text) })
	return true
}

// bindPL binds the fragments of a body. ok is false where one of them cannot be read.
func (bd *body) bindPL(read *plBody, vars *variables) (ok bool) {
	bd.vars = vars
	bd.vars.conflict = read.conflict
	bd.outermost = bd.vars.scope
	for i := range read.fragments {
		f := &read.fragments[i]
		p, ok := bd.part(f.sql(bd.literal.text), f.start, len(f.prefix))
		if !ok {
			return false
		}
		for _, raw := range p.tree.Stmts {
			bd.vars.made = append(bd.vars.made, definedNames(raw.Stmt)...)
		}
	}
	bd.vars.findRows(read, bd.literal.text)
	bd.declarations(read)
	for i := range read.fragments {
		if f := &read.fragments[i]; f.role != plType {
			bd.bind(bd.parts[i], bd.fragment(f))
		}
	}
	if bd.vars.twice != "" {
		bd.unsupported(bd.literal.opened, refusedBody, "the variable "+syntax.QuoteIdent(bd.vars.twice), "is declared more than once, and one of them holds rows of a table under migration")
	}
	for i := range read.fragments {
		if f := &read.fragments[i]; f.returns && f.role == plExpression {
			bd.returnsRow(bd.parts[i])
		}
	}
	bd.fills(read)
	if bd.shown != nil {
		bd.notePL(read)
	}
	bd.fieldUses()
	bd.catalogsInBlock(read)
	bd.computedText(read)
	return true
}

// declarations binds the types of variables, and makes the variables.
func (bd *body) declarations(read *plBody) {
	for _, name := range read.labels {
		bd.vars.label(name)
	}
	for _, d := range read.variables {
		var typ value
		record, other := d.row || d.alias != "", d.alias != ""
		var alias catalog.OID
		if d.typ >= 0 {
			var t *ast.TypeName
			bd.bind(bd.parts[d.typ], func(c *binding, n *ast.Node) output {
				x := n.GetCreateFunctionStmt()
				t = x.GetReturnType()
				c.saw(x)
				c.typeName(t)
				typ, alias = c.namedTypes[t], c.typeNamedBy(t)
				return output{}
			})
			record = t.GetPctType() || !isShippedType(t)
			other = record && (ast.LastName(t.GetNames()) != "record" || t.GetPctType())
		}
		if bd.vars.isRow(d.name) && bd.vars.table != nil {
			typ, record, other = bd.vars.row, false, false
		}
		v := bd.vars.declare(bd.binding, d.name, typ, record)
		v.other = v.other || other && v.item.unknown
		if v.alias = 0; isAlias(alias) {
			v.alias, v.column.typ = alias, alias
		}
	}
}

// isShippedType tells of types that surely have no fields.
func isShippedType(t *ast.TypeName) bool {
	name := ast.LastName(t.GetNames())
	return shippedTypes[name] && name != "record"
}

// fragment is how a fragment is bound. Labels do not matter where a value is meant.
func (bd *body) fragment(f *plFragment) func(*binding, *ast.Node) output {
	switch {
	case f.role == plStatement && f.returns:
		return bd.returned
	case f.role == plStatement:
		return func(c *binding, n *ast.Node) output {
			if bd.ofPlaces(f) {
				c.placeOnly(n)
			}
			return bd.statementOf(c, n)
		}
	}
	return func(c *binding, n *ast.Node) output {
		sel := n.GetSelectStmt()
		if f.dynamic {
			f.text = bd.constantText(c, sel, bd.byPlace && f.returns || bd.ofPlaces(f))
		}
		if sel == nil || len(sel.SortClause) > 0 || len(sel.GroupClause) > 0 {
			return bd.statementOf(c, n)
		}
		var named []*ast.ResTarget
		for _, n := range sel.TargetList {
			if t := n.GetResTarget(); t != nil && t.Name == "" && !isStar(t.Val) {
				t.Name = "value"
				named = append(named, t)
			}
		}
		out := c.query(bd.outermost, n)
		if typ := bd.wantedBy(f); typ != 0 && len(sel.TargetList) == 1 {
			c.become(sel.TargetList[0].GetResTarget().GetVal(), typ, nil)
		}
		if f.said {
			c.namesInOutput(sel, out, nil)
		}
		for _, t := range named {
			t.Name = ""
		}
		return out
	}
}

// wantedBy is the OID alias type that a fragment's value becomes: that of the variable that it fills, or of what the function
// returns. 0 where it is none.
func (bd *body) wantedBy(f *plFragment) catalog.OID {
	if v := bd.filledBy(f); v != nil {
		return v.alias
	}
	if f.returns && f.role == plExpression {
		return bd.returnType
	}
	return 0
}

// filledBy is the only variable that gets a value; nil where there is none.
func (bd *body) filledBy(f *plFragment) *variable {
	if !f.strict || len(f.targets) != 1 {
		return nil
	}
	return bd.vars.known[f.targets[0]]
}

// constantText binds the text that EXECUTE has in a constant: a statement that sees no variables. It is nil where the text
// is computed, or cannot be read.
func (bd *body) constantText(c *binding, sel *ast.SelectStmt, byPlace bool) *body {
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
	inner.bind(p, inner.returned)
	inner.finish(p.same)
	bd.unsure = bd.unsure || inner.unsure
	return inner
}

// fills finds out what the records are filled with.
func (bd *body) fills(read *plBody) {
	for i := range read.fragments {
		f := &read.fragments[i]
		out := bd.outputOf(f, i)
		known := !f.strict && !out.unknown
		differs, row := false, value{}
		for _, c := range out.cols {
			row = c.rows
			if !row.holdsRows() {
				row = bd.ofType(c.typ)
			}
			differs = differs || bd.difference(row) != sameShape
		}
		bd.fill(f.targets, known, differs, bd.parts[i])
		if !f.strict || len(out.cols) != 1 || row.typ == 0 || row.typ != bd.vars.row.typ {
			bd.fillRow(f.targets, bd.parts[i])
		}
	}
	for _, f := range read.fetches {
		queries := 0
		known := true
		for i := range read.fragments {
			if q := &read.fragments[i]; q.cursor == f.cursor {
				queries++
				known = known && !bd.outputOf(q, i).unknown
			}
		}
		v := bd.vars.known[f.cursor]
		bd.fill(f.targets, known && queries > 0 && (v == nil || !v.record), false, nil)
		bd.fillRow(f.targets, nil)
	}
}

// outputOf is what fragment i puts out, or the text that it executes.
func (bd *body) outputOf(f *plFragment, i int) output {
	switch {
	case !f.dynamic:
		return bd.parts[i].out
	case f.text != nil:
		return f.text.parts[0].out
	}
	return output{unknown: true}
}

// fill notes that variables are filled. A record that gets a row of a table with other names has those names.
func (bd *body) fill(targets []string, known, differs bool, p *part) {
	for _, name := range targets {
		v := bd.vars.known[name]
		if v == nil || !v.record || bd.vars.isRow(name) {
			continue
		}
		v.filled = v.filled || known
		v.other = v.other || !known
		if differs {
			bd.unsupported(bd.literal.place(p.start), refusedRow, "the variable "+syntax.QuoteIdent(name), "is filled with a row whose fields have other names in the database")
		}
	}
}

// fieldUses refuses fields that may be those of a row with the names of the database.
func (bd *body) fieldUses() {
	for _, u := range bd.vars.uses {
		v := bd.vars.known[u.of]
		switch {
		case bd.vars.isRow(u.of):
			if !bd.vars.hidesField(u.field) {
				continue
			}
		case !bd.moving(u.field):
			continue
		case v == nil && !bd.vars.computes: // of a relation that the server does not know yet
			continue
		case v != nil && v.filled && !v.other:
			continue
		}
		refusal := refusedBody.raise("the field "+syntax.QuoteIdent(u.field), "segue cannot rewrite this statement: the field "+
			syntax.QuoteIdent(u.field)+" may be one of a table under migration, and have another name in the database", u.position)
		switch {
		case bd.vars.rows != nil && bd.vars.table == nil:
			bd.vars.doubts = append(bd.vars.doubts, u.field)
			bd.vars.doubt = cmp.Or(bd.vars.doubt, refusal)
		case bd.refusal == nil:
			bd.refusal = refusal
		}
	}
}

// moving tells whether a column of some table has the name in the version or in the database, and another there.
func (b *binding) moving(name string) bool {
	return slices.ContainsFunc(b.lens.Tables, func(t *rules.TableLens) bool {
		return slices.ContainsFunc(t.Columns, func(c rules.ColumnLens) bool {
			return c.Logical != c.Physical && (c.Logical == name || c.Physical == name)
		})
	})
}

// computedText refuses strings that name a table under migration, in a body that computes the text of statements, or asks
// for which table it was called.
func (bd *body) computedText(read *plBody) {
	computes := read.computes()
	bd.walk(func(_ *part, n proto.Message) {
		ref, ok := n.(*ast.ColumnRef)
		computes = computes || ok && (ast.LastName(ref.Fields) == "tg_table_name" || ast.LastName(ref.Fields) == "tg_relname")
		if cast, ok := n.(*ast.TypeCast); ok { // tg_relid::regclass::text
			computes = computes || ast.LastName(cast.Arg.GetTypeCast().GetArg().GetColumnRef().GetFields()) == "tg_relid"
		}
	})
	if !computes {
		return
	}
	bd.walk(func(p *part, n proto.Message) {
		if k, ok := n.(*ast.A_Const); ok && k.GetSval() != nil {
			bd.refuseNamesInText(k.GetSval().Sval, bd.literal.place(p.start+max(0, int(k.Location)-p.prefix)), bd.of)
		}
	})
}

// provePL tells whether a text is the body with its edits: taken apart again, it has the same fragments with the edited
// trees, and the same words around them.
func (bd *body) provePL(read *plBody, text string) bool {
	again, ok := readPL(text)
	if !ok || len(again.fragments) != len(read.fragments) || !slices.Equal(again.outside, read.outside) {
		return false
	}
	for i := range again.fragments {
		f := &again.fragments[i]
		if f.role != read.fragments[i].role || !bd.parts[i].edited && f.sql(text) != read.fragments[i].sql(bd.literal.text) {
			return false
		}
		if bd.parts[i].edited && !bd.parts[i].same(f.sql(text)) {
			return false
		}
	}
	return true
}
