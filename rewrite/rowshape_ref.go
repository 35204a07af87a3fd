package rewrite

import (
	"slices"
	"strconv"

	"github.com/seguedb/segue/catalog"
	"github.com/seguedb/segue/rewrite/ast"
	"github.com/seguedb/segue/rewrite/syntax"
)

// wholeRow is t.* where it is one value, as in count(t.*).
func (b *binding) wholeRow(s *scope, ref *ast.ColumnRef, parts []string) {
	if len(parts) == 0 {
		return // a bare * here is an error of the server's own
	}
	if it, f := b.resolveItem(s, ref, parts); f == found {
		b.wholeRowOf(s, it, ref)
	}
}

// wholeRowOf binds a reference to a row as one value: t, t.* or schema.t.*.
func (b *binding) wholeRowOf(s *scope, it *item, ref *ast.ColumnRef) {
	b.useRow(it)
	for _, c := range it.cols {
		b.concernRows(c)
	}
	v := b.itemValue(it)
	put(&b.rowRefs, ref, v)
	d := b.difference(v)
	switch {
	case it.unknown && !it.plain:
		b.unsupported(int(ref.Location), refusedRow, "the whole row of "+syntax.QuoteIdent(it.name), "has columns that are not known")
	case d == orderDiffers && !b.tolerated[ref]:
		b.unsupported(int(ref.Location), refusedRow, "the whole row of "+syntax.QuoteIdent(it.name), "has its columns in another order in the database")
	}
	b.spliceRow(s, it, ref)
}

// concernRows notes that a column may hold rows of a table under migration.
func (b *binding) concernRows(c *column) {
	l := b.rowIn(c.typ)
	if l == nil && c.rows.typ != 0 {
		l = b.rowIn(c.rows.typ)
	}
	if l != nil {
		b.concern(l)
		b.use(l, "*")
	}
}

// rowColumn looks at a column that may hold rows, where it is used as a value.
func (b *binding) rowColumn(ref *ast.ColumnRef, c *column) {
	b.concernRows(c)
	if !b.tolerated[ref] && b.difference(b.columnValue(c)) == orderDiffers {
		b.unsupported(int(ref.Location), refusedRow, "the column "+syntax.QuoteIdent(c.name), "holds rows whose fields are in another order in the database")
	}
}

// spliceRow writes a reference to a row so that the server takes it for the same.
func (b *binding) spliceRow(s *scope, it *item, ref *ast.ColumnRef) {
	star := ref.Fields[len(ref.Fields)-1].GetAStar() != nil
	parts := ast.StrVals(ref.Fields)
	if star {
		parts = parts[:len(parts)-1]
	}
	if b.meansRow(s, it, parts, star) {
		return
	}
	if b.meansRow(s, it, []string{it.sent()}, star) {
		b.respellRow(ref, parts, it.sent(), star)
		return
	}
	b.aliasLevels(s)
	b.unsupported(int(ref.Location), refusedDoubt, "the row "+syntax.QuoteIdent(it.name), "cannot be named unmistakably in the database")
}

// meansRow tells whether the server takes these words for the row of the item.
func (b *binding) meansRow(s *scope, it *item, parts []string, star bool) bool {
	name := parts[len(parts)-1]
	var at *item
	f := missing
	if len(parts) == 1 {
		if !star && s.column(name, atServer).finding != missing {
			return false
		}
		at, f = s.relation(name, atServer)
	} else if rel := b.physical(parts[len(parts)-2], name); rel != nil {
		at, f = s.relationByOID(rel.OID, atServer)
	}
	return f == found && at == it
}

// respellRow replaces the words before the star, or all words, of a reference to a row.
func (b *binding) respellRow(ref *ast.ColumnRef, from []string, to string, star bool) {
	first := b.tokens.At(int(ref.Location))
	last := b.part(first, len(from)-1)
	if name, ok := b.tokens.Ident(last); !ok || name != from[len(from)-1] {
		b.misplaced(int(ref.Location), from[len(from)-1])
		return
	}
	b.renamed[ref] = !star && from[len(from)-1] != to
	b.replace(b.tokens.Start(first), b.tokens.IdentEnd(last), syntax.QuoteIdent(to), func() {
		fields := []*ast.Node{stringNode(to)}
		if star {
			fields = append(fields, ref.Fields[len(ref.Fields)-1])
		}
		ref.Fields = fields
	})
}

// rowFunctionRef binds t.f, which is another way to write f(t).
func (b *binding) rowFunctionRef(s *scope, it *item, ref *ast.ColumnRef, name string) {
	b.useRow(it)
	v := b.itemValue(it)
	f := b.rowFunction(name, v)
	if f != nil {
		put(&b.rowRefs, ref, b.returned(f))
	}
	if b.shown != nil {
		row := &ast.Node{Node: &ast.Node_ColumnRef{ColumnRef: &ast.ColumnRef{Fields: []*ast.Node{stringNode(it.name)}}}}
		b.noteRow(&ast.FuncCall{Funcname: []*ast.Node{stringNode(name)}, Args: []*ast.Node{row}}, 0, v)
	}
	if b.difference(v) == sameShape && it.table == nil {
		if f == nil && b.functionReturnsRows(name) {
			b.unsupported(int(ref.Location), refusedRow, "the function "+syntax.QuoteIdent(name)+" of a row", "has several forms, of which some return rows")
		}
		return
	}
	_, column := it.column(name, atServer)
	at, named := s.relation(it.sent(), atServer)
	aliased := it.hidden && len(ref.Fields) > 2
	if aliased && column == missing && it.renamed == "" && named == found && at == it {
		b.respell(ref, ast.StrVals(ref.Fields), []string{it.sent(), name})
	}
	switch {
	case column != missing, it.renamed != "", aliased && (named != found || at != it):
		b.unsupported(int(ref.Location), refusedDoubt, "the function "+syntax.QuoteIdent(name)+" of a row", "would be a column in the database, or cannot be written so")
		return
	case f != nil:
	default:
		if result, ok := b.anyRowResult(name, v); ok {
			put(&b.rowRefs, ref, result)
			return
		}
		b.unsupported(int(ref.Location), refusedRow, "the function "+syntax.QuoteIdent(name)+" of a row", "may see the names of its fields")
	}
}

// anyRowResult is what a builtin function of one argument that takes rows of any kind makes of one, where it is written as
// a field, as in t.count. ok is false where it may show the names of the fields, or is not known.
func (b *binding) anyRowResult(name string, v value) (result value, ok bool) {
	own := slices.ContainsFunc(b.cat.Functions(name), func(f *catalog.Function) bool {
		return len(f.ArgTypes) == 1 && !isPolymorphic(f.ArgTypes[0]) && b.ofType(f.ArgTypes[0]).holdsRows()
	})
	if own {
		return value{}, false // one for the very type comes before it, perhaps
	}
	switch b.rowUse(&ast.FuncCall{Funcname: []*ast.Node{stringNode(name)}}) {
	case rowsUnseen:
		return value{}, true
	case rowsReturned:
		return v, true
	case rowsCollected:
		return arrayOf(v), true
	}
	return value{}, false
}

// functionReturnsRows tells whether a function of that name with one argument returns rows that differ at the server.
func (b *binding) functionReturnsRows(name string) bool {
	return slices.ContainsFunc(b.cat.Functions(name), func(f *catalog.Function) bool {
		return len(f.ArgTypes) == 1 && b.difference(b.returned(f)) != sameShape
	})
}

// rowFunction is the function that takes a row and has the name: the only one for its very type, or else for that of a
// table that it inherits from. nil if there is none or a choice, or if it takes other kinds of rows, too.
func (b *binding) rowFunction(name string, v value) *catalog.Function {
	var exact, other []*catalog.Function
	for _, f := range b.cat.Functions(name) {
		if len(f.ArgTypes) != 1 {
			continue
		}
		t := b.ofType(f.ArgTypes[0])
		switch {
		case isPolymorphic(f.ArgTypes[0]):
			if b.difference(v) != sameShape {
				return nil
			}
			other = append(other, f)
		case v.typ == 0:
		case t == value{typ: v.typ}:
			exact = append(exact, f)
		case !t.array && b.inherits(v.typ, t.typ):
			other = append(other, f)
		}
	}
	if len(exact) == 0 {
		exact = other
	}
	if len(exact) != 1 {
		return nil
	}
	return exact[0]
}

// isPolymorphic tells whether the pseudo-type can stand for a row or an array of rows; the numbers are those of
// pg_type.dat.
func isPolymorphic(typ catalog.OID) bool {
	switch typ {
	case 2277, 5078, 2287: // anyarray, anycompatiblearray, record[]
		return true
	}
	return isAnyElement(typ)
}

// fieldNumber is the name that PostgreSQL gives to the i-th field of ROW(…), counted from 0.
func fieldNumber(i int) string { return "f" + strconv.Itoa(i+1) }
