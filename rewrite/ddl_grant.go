package rewrite

import (
	"github.com/seguedb/segue/rewrite/ast"
	"github.com/seguedb/segue/rewrite/syntax"
)

// grant binds GRANT and REVOKE. One list of columns holds for all the tables, so they must agree on it.
func (b *binding) grant(x *ast.GrantStmt) {
	b.saw(x)
	var items []*item
	for _, n := range x.Objects {
		switch rv := n.GetRangeVar(); {
		case rv != nil && x.Objtype == ast.ObjectType_OBJECT_TABLE:
			items = append(items, b.subject(rv, false))
		case rv != nil:
			b.existing(rv, false)
		case x.Objtype == ast.ObjectType_OBJECT_TYPE:
			b.typeOf(n)
		default:
			b.objectWithArgs(n.GetObjectWithArgs())
		}
	}
	var open []int // the brackets of the lists
	all := b.whole()
	for i := all.From; i < b.find(all, ast.Token_ON); i++ {
		if b.tokens.Is(i, '(') {
			open = append(open, i)
			i = b.closing(i)
		}
	}
	for _, n := range x.Privileges {
		p := n.GetAccessPriv()
		if p == nil {
			b.notUnderstood(n)
			continue
		}
		b.saw(p)
		if len(p.Cols) == 0 {
			continue
		}
		at := -1
		if len(open) > 0 {
			at, open = open[0], open[1:]
		}
		b.grantedColumns(p, at, items)
	}
}

// grantedColumns binds the columns of one privilege.
func (b *binding) grantedColumns(p *ast.AccessPriv, open int, items []*item) {
	for _, n := range p.Cols {
		physical := map[string]bool{}
		for _, it := range items {
			if c, f := it.column(ast.StrVal(n), inVersion); f == found {
				if c.mapping != nil {
					b.notAName(c.name, -1, "a list of privileges")
					return
				}
				physical[c.physical] = true
			}
		}
		if len(physical) > 1 {
			b.unsupported(-1, refusedSharedList, "the column "+syntax.QuoteIdent(ast.StrVal(n)), "has several names in the database")
			return
		}
	}
	for k, it := range items {
		if k == 0 {
			b.nameList(p.Cols, open, it, -1, columnOfRelation)
			continue
		}
		for _, n := range p.Cols { // spliced for the first one
			b.columnNamed(it, ast.StrVal(n), -1, columnOfRelation)
		}
	}
}
