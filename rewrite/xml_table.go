package rewrite

import (
	"fmt"
	"slices"
	"strings"

	"github.com/seguedb/segue/catalog"
	"github.com/seguedb/segue/rewrite/ast"
	"github.com/seguedb/segue/rewrite/syntax"
	"github.com/seguedb/segue/rules"
)

// table_to_xml and its like (xml.c) print a table with the names that it has in the database: as those of elements, and in
// a schema as values of attributes. They are mapped in the document. Nothing else in it can be taken for a name: values
// are escaped, so that every < and > is of a tag.

// xmlFunctions tell for each whether it prints rows.
var xmlFunctions = map[string]bool{"table_to_xml": true, "table_to_xmlschema": false, "table_to_xml_and_xmlschema": true}

// tableInXML follows the table in a call of one of them. It tells whether the call is one that can be mapped; xmlOfTable
// does that when its arguments have been bound.
func (b *binding) tableInXML(f *ast.FuncCall, name []string) bool {
	last := ast.LastName(f.Funcname)
	rows, ok := xmlFunctions[last]
	users := func(f *catalog.Function) bool { return f.Schema != "pg_catalog" }
	if !ok || !ast.IsBuiltin(name, last) || slices.ContainsFunc(b.functions(name), users) || len(f.Args) != 4 || hasNamedArgument(f) ||
		b.catalogs.stored || b.unsettled.any() {
		return false
	}
	k, namespace := f.Args[0].GetAConst(), textConstant(f.Args[3])
	if k.GetSval() == nil || namespace == nil || strings.ContainsAny(namespace.GetSval().Sval, `<>"`) {
		return false
	}
	t := b.tableNamedBy(k)
	if t == nil || xmlNames(t) == nil || !b.rowItem(b.cat.Relation(t.OID)).ordered || rows && b.holdsXML(t) {
		return false
	}
	b.relationInString(k)
	put(&b.xmlTables, f, t)
	return true
}

// tableNamedBy is the table under migration that a constant names as regclass does; nil where it names none that looks
// different.
func (b *binding) tableNamedBy(k *ast.A_Const) *rules.TableLens {
	parts, ok := syntax.SplitName(k.GetSval().Sval)
	if !ok || len(parts) > 2 {
		return nil
	}
	schema := ""
	if len(parts) > 1 {
		schema = parts[0]
	}
	r, f := b.relationNamed(schema, parts[len(parts)-1])
	if f != found || r.rel == nil || r.table == nil || r.table.Identity {
		return nil
	}
	return r.table
}

// holdsXML tells whether a column of the table may hold XML, which is printed as it is.
func (b *binding) holdsXML(t *rules.TableLens) bool {
	return slices.ContainsFunc(b.cat.Relation(t.OID).Columns, func(c catalog.Column) bool {
		typ := c.Type
		for range maxTypeDepth {
			if typ == xmlType || typ == xmlArray {
				return true
			}
			known := b.cat.Type(typ)
			if known == nil {
				return false
			}
			if typ = known.Base; typ == 0 {
				typ = known.Elem
			}
		}
		return false
	})
}

// The numbers of pg_type.dat.
const (
	xmlType  catalog.OID = 142
	xmlArray catalog.OID = 143
)

// xmlNames are the pairs of names that an element may have at the server and has in the version. nil where it is not
// certain which is meant, or how a name is written.
func xmlNames(t *rules.TableLens) [][2]string {
	if t.IsMapped() {
		return nil
	}
	pairs := [][2]string{{t.Physical, t.Logical}}
	for _, c := range t.Columns {
		pairs = append(pairs, [2]string{c.Physical, c.Logical})
	}
	known := map[string]bool{"row": true, "element": true} // what the document has besides
	for i := range pairs {
		for k, name := range pairs[i] {
			xml, ok := xmlName(name)
			if !ok {
				return nil
			}
			pairs[i][k] = xml
		}
		if known[pairs[i][0]] {
			return nil
		}
		known[pairs[i][0]] = true
	}
	return slices.DeleteFunc(pairs, func(p [2]string) bool { return p[0] == p[1] })
}

// xmlName mirrors map_sql_identifier_to_xml_name, fully escaped, for names in ASCII.
func xmlName(name string) (xml string, ok bool) {
	var b strings.Builder
	for i, c := range []byte(name) {
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_'
		digit := c >= '0' && c <= '9' || c == '-' || c == '.'
		switch {
		case c >= 0x80:
			return "", false
		case c == '_' && strings.HasPrefix(name[i:], "_x"), i == 0 && len(name) > 2 && strings.EqualFold(name[:3], "xml"), !letter && (i == 0 || !digit):
			fmt.Fprintf(&b, "_x%04X_", c)
		default:
			b.WriteByte(c)
		}
	}
	return b.String(), true
}

// A document is cut at each <, and what is between two of them is looked at by itself: that takes time in proportion to its
// length, whereas a search for names through the whole of it would look back to its beginning from each of its places.
//
// xmlTag cuts a piece into what is before the name of an element, the name, and the rest. xmlTypeName cuts the rest of a
// declaration into what is before the table in the name of a type, the table, and what is behind it.
const (
	xmlTag      = `^(/?(?:xsd:element name=")?)([^ "/<>]+)(.*)$`
	xmlTypeName = `^([^<>]*"(?:Row|Table)Type[.][^".<>]*[.][^".<>]*[.])([^"<>]+)(".*)$`
)

// xmlOfTable writes a subquery for a call whose arguments have been bound. It is parsed as XML again, with CONTENT, since a
// document may have any number of roots.
func (b *binding) xmlOfTable(n *ast.Node, t *rules.TableLens) {
	f := n.GetFuncCall()
	b.affected = true
	parts := []string{
		"(SELECT XMLPARSE(CONTENT " + mappedXML(t) + ") AS " + syntax.QuoteIdent(ast.LastName(f.Funcname)) + " FROM (SELECT ",
		"::pg_catalog.text AS d OFFSET 0) AS q)",
	}
	open := b.afterIdent(b.functionName(f))
	if !b.tokens.Is(open, '(') {
		b.misplaced(int(f.Location), ast.LastName(f.Funcname))
		return
	}
	start, end := b.tokens.Start(b.tokens.At(int(f.Location))), b.tokens.End(b.closing(open))
	b.replace(start, start, parts[0], nil)
	call := &ast.Node{Node: n.Node}
	b.replace(end, end, parts[1], func() { fillTemplate(n, parts, []*ast.Node{call}) })
}

// mappedXML is the SQL of a document q.d with the version's names.
func mappedXML(t *rules.TableLens) string {
	element := "CASE"
	for _, p := range xmlNames(t) {
		element += " WHEN w.p[2]" + eq + syntax.QuoteLiteral(p[0]) + " THEN " + syntax.QuoteLiteral(p[1])
	}
	if element += " ELSE w.p[2] END"; element == "CASE ELSE w.p[2] END" {
		element = "w.p[2]"
	}
	from, _ := xmlName(t.Physical)
	to, _ := xmlName(t.Logical)
	inType := func(name string) string { return syntax.QuoteLiteral(strings.ReplaceAll(name, ".", "_x002E_")) }
	table := "CASE WHEN r.p[2]" + eq + inType(from) + " THEN " + inType(to) + " ELSE r.p[2] END"
	rest := "COALESCE((SELECT r.p[1]" + concat + table + concat + "r.p[3] FROM (SELECT pg_catalog.regexp_match(w.p[3], " + syntax.QuoteLiteral(xmlTypeName) +
		") AS p) AS r WHERE r.p IS NOT NULL), w.p[3])"
	return "COALESCE((SELECT pg_catalog.string_agg(COALESCE(w.p[1]" + concat + element + concat + rest + ", w.t), '<' ORDER BY w.i)" +
		" FROM (SELECT s.t, s.i, pg_catalog.regexp_match(s.t, " + syntax.QuoteLiteral(xmlTag) + ") AS p" +
		" FROM pg_catalog.unnest(pg_catalog.string_to_array(q.d, '<')) WITH ORDINALITY AS s(t, i) OFFSET 0) AS w), q.d)"
}
