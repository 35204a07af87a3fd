package rewrite

import (
	"slices"
	"strconv"
	"strings"

	"google.golang.org/protobuf/proto"

	"github.com/seguedb/segue/rewrite/ast"
	"github.com/seguedb/segue/rewrite/syntax"
)

// Names that PostgreSQL makes up: of an index or a constraint that is given none, from those of its table and columns. A
// client that knows the table by other names than the database's also knows what it has made by such a name: DROP INDEX
// person_last_name_idx. So where the name would be another one, the statement is given that which the client expects. Which
// of them is free is asked of the session's server. Names of indexes of partitions, which are made along with
// that of the whole table, cannot be given, and stay what the server makes of them.

// A generatedName is what such a name is made of, as ChooseRelationName and ChooseConstraintName (indexcmds.c,
// pg_constraint.c) take it.
type generatedName struct {
	table, columns, label string
	relation, constraint  bool // of what kinds no other may have the name
}

// namedNotNull is the first version of the server in which NOT NULL is a constraint with a name.
const namedNotNull = 180000

// maxFreeNames bounds how many names are tried.
const maxFreeNames = 20

// names are those that are tried, in order.
func (g generatedName) names() []string {
	out := make([]string, maxFreeNames)
	for i := range out {
		label := g.label
		if i > 0 {
			label += strconv.Itoa(i)
		}
		out[i] = makeObjectName(g.table, g.columns, label)
	}
	return out
}

// makeObjectName mirrors the function of that name (indexcmds.c): of what is too long the longer part is cut.
func makeObjectName(name1, name2, label string) string {
	available := syntax.MaxIdentifier - len(label) - 1
	if name2 != "" {
		available--
	}
	n1, n2 := len(name1), len(name2)
	for n1+n2 > available {
		if n1 > n2 {
			n1--
		} else {
			n2--
		}
	}
	parts := []string{syntax.CutAtCharacter(name1, n1)}
	if name2 != "" {
		parts = append(parts, syntax.CutAtCharacter(name2, n2))
	}
	return strings.Join(append(parts, label), "_")
}

// nameAddition mirrors ChooseIndexNameAddition and ChooseForeignKeyConstraintNameAddition.
func nameAddition(columns []string) string {
	out := ""
	for i, c := range columns {
		if i > 0 {
			out += "_"
		}
		if out += c; len(out) > syntax.MaxIdentifier {
			break
		}
	}
	return out
}

// distinctNames mirrors ChooseIndexColumnNames: a name that is there already gets a number.
func distinctNames(names []string) []string {
	var out []string
	for _, name := range names {
		distinct := name
		for i := 1; slices.Contains(out, distinct); i++ {
			digits := strconv.Itoa(i)
			distinct = syntax.CutAtCharacter(name, syntax.MaxIdentifier-len(digits)) + digits
		}
		out = append(out, distinct)
	}
	return out
}

// indexColumns are the names of the columns of an index, each in the version and in the database. ok is false where one
// is not certain.
func (b *binding) indexColumns(it *item, elements []*ast.Node) (logical, physical []string, ok bool) {
	for _, n := range elements {
		e := n.GetIndexElem()
		name, server := e.GetName(), ""
		switch {
		case e == nil || e.Indexcolname != "":
			return nil, nil, false
		case name == "":
			l := b.figureLabel(e.Expr)
			if l.unsure {
				return nil, nil, false
			}
			if name, server = l.name, l.name; l.strength == 0 {
				name, server = "expr", "expr"
			}
			if l.ref != nil {
				server = it.physicalName(name)
			}
		default:
			server = it.physicalName(name)
		}
		logical, physical = append(logical, name), append(physical, server)
	}
	return distinctNames(logical), distinctNames(physical), true
}

// physicalName is a column's name in the database; the name itself where there is no such column.
func (it *item) physicalName(name string) string {
	if c, f := it.column(name, inVersion); f == found {
		return c.physical
	}
	return name
}

// nameIndex names the index that CREATE INDEX makes.
func (b *binding) nameIndex(x *ast.IndexStmt, it *item) {
	if x.Idxname != "" || it.table == nil {
		return
	}
	logical, physical, ok := b.indexColumns(it, slices.Concat(x.IndexParams, x.IndexIncludingParams))
	at := b.find(b.whole(), ast.Token_ON)
	if !ok || b.tokens.Kind(at) != ast.Token_ON {
		return
	}
	g := generatedName{table: it.table.Logical, columns: nameAddition(logical), label: "idx", relation: true}
	s := g
	s.table, s.columns = it.table.Physical, nameAddition(physical)
	if name := b.expectedName(it, g, s); name != "" {
		b.replace(b.tokens.Start(at), b.tokens.Start(at), syntax.QuoteIdent(name)+" ", func() { x.Idxname = name })
	}
}

// nameConstraint names a constraint of a table that is there already, or of a new column of it.
func (b *binding) nameConstraint(t *defined, c *ast.Constraint) {
	if c.Conname != "" || t.made != nil || t.item.table == nil || c.Indexname != "" || c.Location <= 0 {
		return
	}
	g, s, ok := b.constraintNames(t, c)
	if !ok {
		return
	}
	g.table, s.table = t.item.table.Logical, t.item.table.Physical
	if name := b.expectedName(t.item, g, s); name != "" {
		at := b.tokens.Start(b.tokens.At(int(c.Location)))
		b.replace(at, at, "CONSTRAINT "+syntax.QuoteIdent(name)+" ", func() { c.Conname = name })
	}
}

// constraintNames are what the name of a constraint is made of in the version and in the database, but for the table.
func (b *binding) constraintNames(t *defined, c *ast.Constraint) (version, server generatedName, ok bool) {
	g := generatedName{constraint: true}
	of := func(names []*ast.Node) []string {
		if t.added != "" {
			return []string{t.added}
		}
		return ast.StrVals(names)
	}
	var logical, physical []string
	switch c.Contype {
	case ast.ConstrType_CONSTR_PRIMARY:
		g.label, g.relation = "pkey", true
	case ast.ConstrType_CONSTR_UNIQUE:
		g.label, g.relation = "key", true
		logical, physical, ok = b.indexColumns(t.item, indexElems(slices.Concat(of(c.Keys), ast.StrVals(c.Including))))
		if !ok {
			return g, g, false
		}
	case ast.ConstrType_CONSTR_EXCLUSION:
		g.label, g.relation = "excl", true
		logical, physical, ok = b.indexColumns(t.item, slices.Concat(exclusionElements(c), indexElems(ast.StrVals(c.Including))))
		if !ok {
			return g, g, false
		}
	case ast.ConstrType_CONSTR_NOTNULL:
		if b.cat.ServerVersion < namedNotNull {
			return g, g, false
		}
		g.label = "not_null"
		logical, physical = of(c.Keys), of(c.Keys)
	case ast.ConstrType_CONSTR_FOREIGN:
		g.label = "fkey"
		for _, name := range of(c.FkAttrs) {
			logical, physical = append(logical, name), append(physical, t.item.physicalName(name))
		}
	case ast.ConstrType_CONSTR_CHECK:
		g.label = "check"
		only, ok := b.checkedColumn(t.item, c.RawExpr)
		if !ok {
			return g, g, false
		}
		logical, physical = []string{only}, []string{t.item.physicalName(only)}
	default:
		return g, g, false
	}
	version, server = g, g
	version.columns, server.columns = nameAddition(logical), nameAddition(physical)
	return version, server, true
}

// exclusionElements are what EXCLUDE compares; with each stands an operator.
func exclusionElements(c *ast.Constraint) (elements []*ast.Node) {
	for _, n := range c.Exclusions {
		if pair := n.GetList().GetItems(); len(pair) > 0 {
			elements = append(elements, pair[0])
		}
	}
	return elements
}

func indexElems(columns []string) (elements []*ast.Node) {
	for _, name := range columns {
		elements = append(elements, &ast.Node{Node: &ast.Node_IndexElem{IndexElem: &ast.IndexElem{Name: name}}})
	}
	return elements
}

// checkedColumn is the column that gives a CHECK its name: the only one that it reads (AddRelationNewConstraints), "" where
// there are several. ok is false where that is not certain.
func (b *binding) checkedColumn(it *item, check *ast.Node) (column string, ok bool) {
	var columns []string
	ok = true
	ast.Walk(check, func(n proto.Message) {
		ref, is := n.(*ast.ColumnRef)
		if !is {
			return
		}
		name := ast.LastName(ref.Fields)
		if _, f := it.column(name, inVersion); f != found {
			ok = false
		}
		if !slices.Contains(columns, name) {
			columns = append(columns, name)
		}
	})
	if len(columns) == 1 {
		column = columns[0]
	}
	return column, ok
}

// expectedName is the name that PostgreSQL would make up in a database with the version's names, where in this one it
// would be another; "" where it need not or cannot be given.
func (b *binding) expectedName(it *item, version, server generatedName) string {
	names := version.names()
	if names[0] == server.names()[0] || b.where != nil || b.unsettled.any() {
		return ""
	}
	beyondASCII := func(c byte) bool { return c >= 0x80 }
	if slices.ContainsFunc([]byte(strings.Join(names, "")+it.rel.Schema), beyondASCII) {
		return "" // the question would depend on the encoding
	}
	q := freeNameQuestion(it.rel.Schema, names, version)
	answer, asked := b.sess.Answers[q]
	if !asked {
		b.questions = append(b.questions, q)
		return ""
	}
	b.statement.asked = append(b.statement.asked, q)
	for free := range strings.SplitSeq(answer, ",") {
		n, err := strconv.Atoi(free)
		if err != nil || n < 1 || n > len(names) {
			return ""
		}
		if name := names[n-1]; !slices.Contains(b.generated, name) {
			b.generated = append(b.generated, name)
			return name
		}
	}
	return ""
}

// freeNames is what all questions for names that are free begin with.
const freeNames = "SELECT pg_catalog.string_agg(u.n::pg_catalog.text, ',' ORDER BY u.n) FROM pg_catalog.unnest(ARRAY["

// AsksForFreeName tells whether a question of NeedRelation is one of which the answer holds for one execution only, because
// another session may take the name or give it back at any time.
func AsksForFreeName(question string) bool { return strings.HasPrefix(question, freeNames) }

// freeNameQuestion asks which of the names are free: their places in the list, in order.
func freeNameQuestion(schema string, names []string, g generatedName) string {
	list := make([]string, len(names))
	for i, name := range names {
		list[i] = syntax.QuoteLiteral(name)
	}
	taken := func(table, name, namespace string) string {
		return " AND NOT EXISTS (SELECT FROM pg_catalog." + table + " AS x JOIN pg_catalog.pg_namespace AS s ON s.oid" + eq + "x." + namespace +
			" WHERE x." + name + eq + "u.name AND s.nspname" + eq + syntax.QuoteLiteral(schema) + ")"
	}
	q := freeNames + strings.Join(list, ", ") +
		"]::pg_catalog.name[]) WITH ORDINALITY AS u(name, n) WHERE true"
	if g.relation {
		q += taken("pg_class", "relname", "relnamespace")
	}
	if g.constraint {
		q += taken("pg_constraint", "conname", "connamespace")
	}
	return q
}
