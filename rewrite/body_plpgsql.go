package rewrite

import (
	"cmp"
	"slices"

	"google.golang.org/protobuf/proto"

	"github.com/seguedb/segue/catalog"
	"github.com/seguedb/segue/rewrite/ast"
	"github.com/seguedb/segue/rewrite/plpgsql"
	"github.com/seguedb/segue/rewrite/syntax"
	"github.com/seguedb/segue/rules"
)

// inPL binds a body in PL/pgSQL. ok is false where it cannot be taken apart.
func (bd *body) inPL(function string, list []parameter, trigger bool) (ok bool) {
	read, ok := plpgsql.Read(bd.literal.text)
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
	bd.computes = read.Computes()
	bd.finish(func(text string) bool { return bd.provePL(read, text) })
	return true
}

// bindPL binds the fragments of a body. ok is false where one of them cannot be read.
func (bd *body) bindPL(read *plpgsql.Body, vars *variables) (ok bool) {
	bd.vars = vars
	bd.vars.conflict = read.Conflict
	bd.outermost = bd.vars.scope
	for i := range read.Fragments {
		f := &read.Fragments[i]
		p, ok := bd.part(f.SQL(bd.literal.text), f.Start, len(f.Prefix))
		if !ok {
			return false
		}
		for _, raw := range p.tree.Stmts {
			bd.vars.made = append(bd.vars.made, definedNames(raw.Stmt)...)
		}
	}
	bd.vars.findRows(read, bd.literal.text)
	bd.declarations(read)
	for _, i := range inOrder(read) {
		bd.bind(bd.parts[i], bd.fragment(read, &read.Fragments[i]))
	}
	if bd.vars.twice != "" {
		bd.unsupported(bd.literal.opened, refusedBody, "the variable "+syntax.QuoteIdent(bd.vars.twice), "is declared more than once, and one of them holds rows of a table under migration")
	}
	for i := range read.Fragments {
		if f := &read.Fragments[i]; f.Returns && f.Role == plpgsql.Expression {
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
	bd.computedFields(read)
	return true
}

// declarations binds the types of variables, and makes the variables.
func (bd *body) declarations(read *plpgsql.Body) {
	for _, name := range read.Labels {
		bd.vars.label(name)
	}
	for _, d := range read.Variables {
		var typ value
		record, other := d.Row || d.Alias != "", d.Alias != ""
		var alias catalog.OID
		if d.Type >= 0 {
			var t *ast.TypeName
			bd.bind(bd.parts[d.Type], func(c *binding, n *ast.Node) output {
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
		if bd.vars.isRow(d.Name) && bd.vars.table != nil {
			typ, record, other = bd.vars.row, false, false
		}
		v := bd.vars.declare(bd.binding, d.Name, typ, record)
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
func (bd *body) fragment(read *plpgsql.Body, f *plpgsql.Fragment) func(*binding, *ast.Node) output {
	switch {
	case f.Role == plpgsql.Statement && f.Returns:
		return bd.returned
	case f.Role == plpgsql.Statement:
		return func(c *binding, n *ast.Node) output {
			if bd.ofPlaces(f) {
				c.placeOnly(n)
			}
			return bd.statementOf(c, n)
		}
	}
	return func(c *binding, n *ast.Node) output {
		sel := n.GetSelectStmt()
		if f.Dynamic {
			text := bd.constantText(c, sel, bd.given(read, f), bd.byPlace && f.Returns || bd.ofPlaces(f))
			put(&bd.texts, f, text)
			f.Known = text != nil
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
		if f.Said {
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
func (bd *body) wantedBy(f *plpgsql.Fragment) catalog.OID {
	if v := bd.filledBy(f); v != nil {
		return v.alias
	}
	if f.Returns && f.Role == plpgsql.Expression {
		return bd.returnType
	}
	return 0
}

// filledBy is the only variable that gets a value; nil where there is none.
func (bd *body) filledBy(f *plpgsql.Fragment) *variable {
	if !f.Strict || len(f.Targets) != 1 {
		return nil
	}
	return bd.vars.known[f.Targets[0]]
}

// fills finds out what the records are filled with.
func (bd *body) fills(read *plpgsql.Body) {
	for i := range read.Fragments {
		f := &read.Fragments[i]
		out := bd.outputOf(f, i)
		known := !f.Strict && !out.unknown
		differs, row := false, value{}
		for _, c := range out.cols {
			row = c.rows
			if !row.holdsRows() {
				row = bd.ofType(c.typ)
			}
			differs = differs || bd.difference(row) != sameShape
		}
		bd.fill(f.Targets, known, differs, bd.parts[i])
		if !f.Strict || len(out.cols) != 1 || row.typ == 0 || row.typ != bd.vars.row.typ {
			bd.fillRow(f.Targets, bd.parts[i])
		}
	}
	for _, f := range read.Fetches {
		queries := 0
		known := true
		for i := range read.Fragments {
			if q := &read.Fragments[i]; q.Cursor == f.Cursor {
				queries++
				known = known && !bd.outputOf(q, i).unknown
			}
		}
		v := bd.vars.known[f.Cursor]
		bd.fill(f.Targets, known && queries > 0 && (v == nil || !v.record), false, nil)
		bd.fillRow(f.Targets, nil)
	}
}

// outputOf is what fragment i puts out, or the text that it executes.
func (bd *body) outputOf(f *plpgsql.Fragment, i int) output {
	switch {
	case !f.Dynamic:
		return bd.parts[i].out
	case f.Known:
		return bd.texts[f].parts[0].out
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
		case v == nil && !u.given && !bd.vars.computes: // of a relation that the server does not know yet
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
func (bd *body) computedText(read *plpgsql.Body) {
	computes := read.Computes()
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
func (bd *body) provePL(read *plpgsql.Body, text string) bool {
	again, ok := plpgsql.Read(text)
	if !ok || len(again.Fragments) != len(read.Fragments) || !slices.Equal(again.Outside, read.Outside) {
		return false
	}
	for i := range again.Fragments {
		f := &again.Fragments[i]
		if f.Role != read.Fragments[i].Role || !bd.parts[i].edited && f.SQL(text) != read.Fragments[i].SQL(bd.literal.text) {
			return false
		}
		if bd.parts[i].edited && !bd.parts[i].same(f.SQL(text)) {
			return false
		}
	}
	return true
}
