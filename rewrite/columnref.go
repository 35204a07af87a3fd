package rewrite

import (
	"slices"
	"strings"

	"github.com/seguedb/segue/rewrite/ast"
	"github.com/seguedb/segue/rewrite/syntax"
)

// columnRef binds a reference in an expression (transformColumnRef), which is what the node holds, and splices what means
// the same column at the server. captured tells of a bare name whether an output column would take it there; nil where none can.
func (b *binding) columnRef(s *scope, n *ast.Node, captured func(string) bool) {
	ref := n.GetColumnRef()
	b.saw(ref)
	if len(ref.Fields) == 0 || b.namesElsewhere(ref) {
		return
	}
	if ref.Fields[len(ref.Fields)-1].GetAStar() != nil {
		b.wholeRow(s, ref, ast.StrVals(ref.Fields[:len(ref.Fields)-1]))
		return
	}
	parts := ast.StrVals(ref.Fields)
	h, ok := b.resolve(s, ref, parts)
	if !ok {
		return
	}
	if h.col == nil {
		b.checkUnresolved(s, ref, parts)
		return
	}
	b.columns[ref] = h.col
	if h.col.table != nil {
		b.use(h.col.table, h.col.root.nameInVersion(h.col))
	}
	b.rowColumn(ref, h.col)
	if h.col.computed() != nil {
		b.spliceComputed(s, n, parts, h)
		return
	}
	b.splice(s, ref, parts, h, captured)
}

// nameInVersion is the name by which a column of a table is known, whatever a join or an alias calls it.
func (c *column) nameInVersion(as *column) string {
	if c.logical != "" {
		return c.logical
	}
	return as.name
}

// resolve finds what a reference means in the version. ok is false when it is dealt with: it fails, or it is a whole
// row. A hit without column means that an item with unknown columns may have it.
func (b *binding) resolve(s *scope, ref *ast.ColumnRef, parts []string) (h hit, ok bool) {
	name := parts[len(parts)-1]
	if len(parts) == 1 {
		h = s.column(name, inVersion)
		switch {
		case h.finding == ambiguous:
			b.failAmbiguous(s, ref, name)
			return h, false
		case h.finding == found:
			return h, true
		}
		if it, f := s.relation(name, inVersion); f == found {
			if !h.doubtful {
				b.wholeRowOf(s, it, ref)
				return h, false
			}
			if b.difference(b.itemValue(it)) != sameShape {
				b.unsupported(int(ref.Location), refusedRow, "the name "+syntax.QuoteIdent(name), "may be a row or a column")
			}
			return hit{}, true
		}
		if h.doubtful {
			return hit{}, true
		}
		b.columnMissing(s, ref, "", name)
		return h, false
	}
	if b.variableField(s, ref, parts) {
		return h, false
	}
	it, f := b.resolveItem(s, ref, parts[:len(parts)-1])
	if f != found {
		return h, false
	}
	c, f := it.column(name, inVersion)
	switch {
	case f == ambiguous:
		b.fail("42702", int(ref.Location), !b.affected, `column reference "`+name+`" is ambiguous`, "")
		return h, false
	case f == found:
		return hit{finding: found, col: c, item: it}, true
	case it.unknown:
		return hit{item: it}, true
	case b.isFunctionOf(it, name):
		b.rowFunctionRef(s, it, ref, name)
		return h, false
	case it.lacking:
		return hit{item: it}, true
	}
	b.columnMissing(s, ref, parts[len(parts)-2], name)
	return h, false
}

// resolveItem finds the item that the part before the column names: an alias, or a table with its schema.
func (b *binding) resolveItem(s *scope, ref *ast.ColumnRef, parts []string) (*item, finding) {
	name := parts[len(parts)-1]
	var it *item
	f := missing
	if len(parts) == 1 {
		it, f = s.relation(name, inVersion)
	} else if r, g := b.relationNamed(parts[len(parts)-2], name); g == found && r.rel != nil {
		it, f = s.relationByOID(r.rel.OID, inVersion)
	}
	if f == missing && len(parts) == 2 {
		it, f = s.parameterRow(parts[0], name)
	}
	if f == missing {
		b.fromEntryMissing(s, ref, strings.Join(parts[max(0, len(parts)-2):len(parts)-1], ""), name)
	}
	if f == ambiguous {
		b.fail("42P09", int(ref.Location), !b.affected, `table reference "`+name+`" is ambiguous`, "")
	}
	return it, f
}

// checkUnresolved handles a name that can only be a column of an item whose columns are not known. It is left as it
// is, if the server cannot take it for a column that the version does not show.
func (b *binding) checkUnresolved(s *scope, ref *ast.ColumnRef, parts []string) {
	b.unknownField(parts, int(ref.Location))
	if len(parts) > 1 {
		return // the item that is named is the unknown one
	}
	if h := s.column(parts[0], atServer); h.finding != missing {
		b.aliasLevels(s)
		b.unsupported(int(ref.Location), refusedDoubt, "the name "+syntax.QuoteIdent(parts[0]), "may mean another column in the database")
	}
}

// splice writes a reference so that the server finds the same column, if its own words do not do that already.
func (b *binding) splice(s *scope, ref *ast.ColumnRef, parts []string, h hit, captured func(string) bool) {
	own := slices.Clone(parts)
	own[len(own)-1] = h.col.physical
	if h.shadowed && h.col.physical != h.col.name {
		b.aliasLevels(s)
		b.unsupported(int(ref.Location), refusedDoubt, "the name "+syntax.QuoteIdent(h.col.name), "may mean a column that is not known here")
		return
	}
	candidates := [][]string{own}
	if len(parts) == 1 {
		candidates = append(candidates, []string{h.item.sent(), h.col.physical}, []string{h.col.item.sent(), h.col.root.physical})
	} else if h.item.hidden || h.item.renamed != "" || len(parts) > 2 {
		candidates = append(candidates, []string{h.item.sent(), h.col.physical})
		if h.item.rel != nil {
			candidates[0] = []string{h.item.rel.Schema, h.item.rel.Name, h.col.physical}
		}
	}
	for _, c := range candidates {
		same := slices.Equal(c, parts)
		if b.means(s, c, h.col, same, captured) {
			if !same && b.vars.takes(parts, h.col.item) {
				break // the client's own words are those of a variable
			}
			if !same {
				b.respell(ref, parts, c)
			}
			return
		}
	}
	b.aliasLevels(s)
	b.unsupported(int(ref.Location), refusedDoubt, "the column "+syntax.QuoteIdent(parts[len(parts)-1]), "cannot be named unmistakably in the database")
}

// means tells whether the server finds that column under these words. same says that they are the client's own: then a
// doubt that the client's statement has anyway does not count.
func (b *binding) means(s *scope, parts []string, c *column, same bool, captured func(string) bool) bool {
	name := parts[len(parts)-1]
	if name == "" || parts[0] == "" || !same && b.vars.takes(parts, c.item) {
		return false
	}
	if len(parts) == 1 {
		if !same && captured != nil && captured(name) {
			return false
		}
		h := s.column(name, atServer)
		return h.finding == found && h.col.root == c.root && (same || !h.doubtful)
	}
	var it *item
	f := missing
	if len(parts) == 2 {
		it, f = s.relation(parts[0], atServer)
	} else if rel := b.physical(parts[len(parts)-3], parts[len(parts)-2]); rel != nil {
		it, f = s.relationByOID(rel.OID, atServer)
	}
	if f == missing && len(parts) == 3 {
		it, f = s.parameterRow(parts[0], parts[1])
	}
	if f != found {
		return false
	}
	found1, f := it.column(name, atServer)
	return f == found && found1.root == c.root
}

// respell replaces the words of a reference.
func (b *binding) respell(ref *ast.ColumnRef, from, to []string) {
	first := b.tokens.At(int(ref.Location))
	last := b.part(first, len(from)-1)
	k := len(from) - 1
	b.renamed[ref] = from[k] != to[len(to)-1]
	if slices.Equal(from[:k], to[:len(to)-1]) {
		b.renameToken(last, from[k], to[k], func() { ref.Fields[k] = stringNode(to[k]) })
		return
	}
	if name, ok := b.tokens.Ident(last); !ok || name != from[k] {
		b.misplaced(int(ref.Location), strings.Join(from, "."))
		return
	}
	b.affected = true
	b.replace(b.tokens.Start(first), b.tokens.IdentEnd(last), syntax.QuoteQualified(to), func() {
		ref.Fields = columnRefNode(to).GetColumnRef().Fields
	})
}

// useRow counts a use of all columns.
func (b *binding) useRow(it *item) {
	if it.catalog != nil {
		it.catalog.whole = true
	}
	for _, c := range it.cols { // those of a join are columns of others
		if c.item != nil && c.item.catalog != nil {
			c.item.catalog.whole = true
		}
	}
	if it.table != nil {
		b.use(it.table, "*")
		return
	}
	for _, c := range it.cols {
		if c.table != nil {
			b.use(c.table, "*")
		}
	}
}
