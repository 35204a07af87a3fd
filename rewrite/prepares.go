package rewrite

import (
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/seguedb/segue/catalog"
	"github.com/seguedb/segue/rewrite/ast"
	"github.com/seguedb/segue/rewrite/charset"
	"github.com/seguedb/segue/rewrite/syntax"
)

// A PreparedBy is what one statement of a text does to what is prepared in the session; it is zero where that is nothing.
type PreparedBy struct {
	Prepare    string // the name that a PREPARE makes
	Deallocate string // the name that a DEALLOCATE does away with
	All        bool   // DEALLOCATE ALL, DISCARD ALL

	Start, End int // of a PREPARE: its bytes in the text
	Before     int // and the characters before it
}

// PreparedIn lists what the statements of a text do to what is prepared, one for each statement, where no Binder has looked
// at the text. The text is in the encoding. ok is false where it cannot be read, or not as the server does, or is too long
// to be read aside: standardStrings is standard_conforming_strings.
func PreparedIn(encoding string, standardStrings bool, sql string) (list []PreparedBy, ok bool) {
	tree, d, ok := parseIn(encoding, standardStrings, sql)
	if !ok {
		return nil, false
	}
	for _, raw := range tree.Stmts {
		p := preparedBy(raw.GetStmt())
		if p.Prepare != "" {
			start, end := extent(d.UTF8, raw)
			p.Start, p.End = d.Original(start), d.Original(end)
			p.Before = utf8.RuneCountInString(d.UTF8[:start])
		}
		list = append(list, p)
	}
	return list, true
}

// TakesNames tells whether the text of a PREPARE gives a parameter an OID alias type, so that an argument of EXECUTE names a
// table as regclass does. It does not see to which names these are in the database. It is true of what cannot be read.
func (b *Binder) TakesNames(encoding string, standardStrings bool, sql string) bool {
	tree, _, ok := parseIn(encoding, standardStrings, sql)
	if !ok {
		return true
	}
	bound := &binding{cat: b.snap.Catalog}
	for _, raw := range tree.Stmts {
		for _, t := range raw.GetStmt().GetPrepareStmt().GetArgtypes() {
			name := ast.LastName(t.GetTypeName().GetNames())
			if aliasTypes[name] != 0 {
				return true
			}
			for _, known := range b.snap.Catalog.TypesNamed(name) {
				if base := bound.baseOf(known.OID); isAlias(base) || bound.holdsAlias(base) {
					return true
				}
			}
		}
	}
	return false
}

// TakesNames is that of the types which a Parse gives its parameters.
func TakesNames(types []uint32) bool {
	return slices.ContainsFunc(types, func(t uint32) bool { return isAlias(catalog.OID(t)) })
}

// parseIn parses a text in the encoding, aside. ok is false as for PreparedIn.
func parseIn(encoding string, standardStrings bool, sql string) (tree *ast.ParseResult, d charset.Text, ok bool) {
	c, known := charset.Named(encoding)
	if !known && !charset.IsASCII(sql) || !standardStrings && strings.IndexByte(sql, '\\') >= 0 {
		return nil, d, false
	}
	d, err := c.Decode(sql)
	if err != nil {
		return nil, d, false
	}
	tree, err = syntax.ParseAside(d.UTF8)
	return tree, d, err == nil
}

func preparedBy(n *ast.Node) PreparedBy {
	switch n := n.GetNode().(type) {
	case *ast.Node_PrepareStmt:
		return PreparedBy{Prepare: n.PrepareStmt.Name}
	case *ast.Node_DeallocateStmt:
		return PreparedBy{Deallocate: n.DeallocateStmt.Name, All: n.DeallocateStmt.Name == ""}
	case *ast.Node_DiscardStmt:
		return PreparedBy{All: n.DiscardStmt.Target == ast.DiscardMode_DISCARD_ALL}
	}
	return PreparedBy{}
}

// extent is the range of a statement in its text, without the white space and the comments before it.
func extent(sql string, raw *ast.RawStmt) (start, end int) {
	start, end = syntax.FirstToken(sql, int(raw.StmtLocation)), len(sql)
	if raw.StmtLen > 0 {
		end = int(raw.StmtLocation + raw.StmtLen)
	}
	return start, start + len(strings.TrimRight(sql[start:end], " \t\r\n\f\v"))
}

// PrepareUnder is a single PREPARE statement, in any encoding, that makes the same under another name, which is a plain
// identifier. ok is false where the place of the name is not found.
func PrepareUnder(sql, name string) (changed string, ok bool) {
	list := syntax.FirstTokens(sql, 2)
	if len(list) < 2 || !strings.EqualFold(sql[list[0].Start:list[0].End], "prepare") {
		return "", false
	}
	t := list[1]
	if t.Kind == ast.Token_UIDENT { // UESCAPE may follow
		return "", false
	}
	return sql[:t.Start] + name + sql[t.End:], true
}
