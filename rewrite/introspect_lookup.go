package rewrite

import (
	"slices"
	"strings"

	"github.com/seguedb/segue/catalog"
	"github.com/seguedb/segue/rewrite/ast"
	"github.com/seguedb/segue/rewrite/ruleutils"
	"github.com/seguedb/segue/rewrite/splice"
	"github.com/seguedb/segue/rewrite/syntax"
	"github.com/seguedb/segue/rules"
)

// relationLookup binds to_regclass(x) and to_regtype(x), and x::regclass and x::regtype where x may be a text that only the
// server knows: a parameter, or what a query has read from the catalogs. The version's names are looked for first, in all
// the ways in which they are usually spelled, and one that only the database has is found by nobody. false means that the
// expression is none of these.
func (b *binding) relationLookup(s *scope, n *ast.Node) bool {
	typ := nameType(n)
	if typ == "regprocedure" {
		return false
	}
	if f := n.GetFuncCall(); f != nil {
		if ast.LastName(f.Funcname) != "to_"+typ || f.Args[0].GetAConst() != nil {
			return false
		}
		lookup := b.namesSQL(typ, absentIsNull)
		if lookup == "" {
			return false
		}
		b.saw(f)
		b.expr(s, f.Args[0])
		open := b.afterIdent(b.functionName(f))
		b.wrapLookup(f.Args[0], lookup, b.tokens.Start(open+1), b.tokens.End(b.closing(open)-1))
		return true
	}
	if typ == "" {
		return false
	}
	c := n.GetTypeCast()
	lookup := b.namesSQL(typ, absentIsMarked)
	if lookup == "" {
		return false
	}
	start, end, ok := b.operandRange(c)
	if !ok || c.Arg.GetAConst() != nil {
		return false
	}
	b.saw(c)
	b.typeName(c.TypeName)
	b.expr(s, c.Arg)
	if b.mayBeText(c.Arg) {
		// What is no text comes out of the detour as it went in, since the type's input function reads numbers, too.
		b.wrapLookup(c.Arg, "pg_catalog."+typ+"in(pg_catalog.textout("+lookup+"))", start, end)
	}
	return true
}

// columnLookup has an argument of a call, a text that only the server knows, mean the version's name of a column. A name
// that the version lacks is given to the server as one that it lacks, too.
func (b *binding) columnLookup(f *ast.FuncCall, column int, table *rules.TableLens) {
	var gone, sql string
	for _, c := range table.Columns {
		if c.Logical != c.Physical && table.Column(c.Physical) == nil {
			gone += " WHEN " + syntax.QuoteLiteral(c.Physical) + " THEN " + syntax.QuoteLiteral(c.Logical)
		}
		if c.Logical != c.Physical {
			sql += " WHEN " + syntax.QuoteLiteral(c.Logical) + " THEN " + syntax.QuoteLiteral(c.Physical)
		}
	}
	if sql == "" {
		return
	}
	b.use(table, "*")
	if start, end, ok := b.argumentRange(f, column); ok {
		b.wrapLookup(f.Args[column], "CASE l.n"+sql+gone+" ELSE l.n END", start, end)
	}
}

// functionName is the token of the last part of a call's name.
func (b *binding) functionName(f *ast.FuncCall) int {
	i := b.tokens.At(int(f.Location))
	for b.tokens.Is(b.afterIdent(i), '.') {
		i = b.part(i, 1)
	}
	return i
}

// operandRange is where the operand of a cast stands.
func (b *binding) operandRange(c *ast.TypeCast) (start, end int, ok bool) {
	i := b.tokens.At(int(c.Location))
	if b.tokens.Kind(i) != ast.Token_CAST {
		start, _, ok = b.castRange(c)
		return start, b.tokens.End(i - 1), ok
	}
	for last := b.closing(i + 1); last > i; last-- {
		if b.tokens.Kind(last) == ast.Token_AS {
			return b.tokens.Start(i + 2), b.tokens.End(last - 1), true
		}
	}
	return 0, 0, false
}

// The types of pg_type.dat that hold text.
var textTypes = map[catalog.OID]bool{18: true, 19: true, 25: true, 1042: true, 1043: true}

// mayBeText tells whether an expression may be a text that is no constant.
func (b *binding) mayBeText(n *ast.Node) bool {
	switch n := n.GetNode().(type) {
	case *ast.Node_ColumnRef:
		c := b.columns[n.ColumnRef]
		return c == nil || c.typ == 0 || b.isText(c.typ)
	case *ast.Node_TypeCast:
		return isTextType(n.TypeCast.TypeName)
	case *ast.Node_FuncCall:
		candidates := b.candidates(n.FuncCall)
		for _, f := range candidates {
			if b.isText(f.Return) || isAnyElement(f.Return) {
				return true
			}
		}
		return len(candidates) == 0
	case *ast.Node_ParamRef, *ast.Node_AExpr, *ast.Node_SubLink, *ast.Node_CaseExpr, *ast.Node_CoalesceExpr:
		return true
	}
	return false
}

// isText tells whether a type, or what a domain is of, holds text.
func (b *binding) isText(typ catalog.OID) bool {
	for t := b.cat.Type(typ); t != nil && t.Base != 0; t = b.cat.Type(typ) {
		typ = t.Base
	}
	return textTypes[typ]
}

// lookupSQL is the SQL of which relation to look up for the text l.n; "" where no table has another name.
func (b *binding) lookupSQL() string { return b.namesSQL("regclass", absentIsLooked) }

// An absence says what becomes of a name that only the database has.
type absence byte

const (
	absentIsLooked absence = iota // it is looked up as it is
	absentIsNull                  // it is NULL
	absentIsMarked                // it is looked up with absentMark before it, so that the server says that there is none
)

// absentMark makes a name one that nothing has; see unmarked.
const absentMark = " "

// namesSQL is the SQL of what to look up for the text l.n as a regclass or regtype; "" where no table has another name. Tables
// of which the session finds all names as they are stored cost nothing more; see spelledNames.
func (b *binding) namesSQL(typ string, absent absence) string {
	sql, any := "", false
	suffixes := []string{""}
	if typ == "regtype" {
		suffixes = append(suffixes, "[]")
	}
	for _, g := range b.views.groups {
		if !g.Renamed {
			continue
		}
		any = true
		own, _ := b.namedAs(typ, "", g.Logical)
		_, qualified := b.namedAs(typ, g.Schema, g.Names[0])
		_, bare := b.namedAs(typ, "", g.Names[0])
		stored := b.views.names.spelled.tables[g.OIDs[0]]
		if stored && own == g.OIDs[0] && (absent == absentIsLooked || qualified && bare) {
			continue
		}
		for _, suffix := range suffixes {
			sql += spelledSQL(spelled(g.Schema, g.Logical, own == g.OIDs[0]), spelled(g.Schema, g.Logical, false), suffix) +
				syntax.QuoteLiteral(syntax.QuoteQualified([]string{g.Schema, g.Names[0]})+suffix)
			if absent != absentIsLooked && qualified {
				sql += absentSQL(g, bare, absent, suffix)
			}
			if stored {
				sql += spelledSQL(spellings(g), spelled(g.Schema, g.Names[0], false), suffix) + "l.n"
			}
		}
	}
	if !any {
		return ""
	}
	rest := "l.n"
	if len(b.views.names.spelled.tables) > 0 {
		rest = b.views.names.spelled.sql(b.views, typ == "regtype", absent)
	}
	if sql == "" {
		return rest
	}
	return "CASE" + sql + " ELSE " + rest + " END"
}

// absentSQL is the part of namesSQL for the names of a table that only the database has; bare says that nothing has it without a
// schema.
func absentSQL(g *ruleutils.Table, bare bool, absent absence, suffix string) (sql string) {
	all := spelled(g.Schema, g.Names[0], false)
	if absent == absentIsNull {
		return spelledSQL(spelled(g.Schema, g.Names[0], bare), all, suffix) + "NULL"
	}
	if bare {
		sql = spelledSQL(spelledBare(g.Names[0]), nil, suffix) + syntax.QuoteLiteral(syntax.QuoteIdent(absentMark+g.Names[0])+suffix)
	}
	return sql + spelledSQL(all, all, suffix) + syntax.QuoteLiteral(syntax.QuoteQualified([]string{g.Schema, absentMark + g.Names[0]})+suffix)
}

// namedAs is the table that a name means for the version, as a relation or by its row type; absent tells that it means
// nothing at all.
func (b *binding) namedAs(typ, schema, name string) (oid catalog.OID, absent bool) {
	if typ == "regtype" {
		typ, rel, certain := b.typeNamed(schema, name)
		if rel != nil && certain {
			oid = rel.OID
		}
		return oid, typ == 0 && rel == nil && !certain
	}
	r, f := b.relationNamed(schema, name)
	if f == found && r.rel != nil {
		oid = r.rel.OID
	}
	return oid, f == missing
}

// spelledSQL is the condition that the text l.k is one of the spellings of a name, or that l.d is, what follows the name of
// the database in it; each with the suffix.
func spelledSQL(spellings, qualified []string, suffix string) string {
	with := func(names []string) string {
		out := make([]string, len(names))
		for i, n := range names {
			out[i] = n + suffix
		}
		return textArray(out)
	}
	sql := " WHEN l.k" + eq + "ANY (" + with(spellings) + ")"
	if len(qualified) > 0 {
		sql += " OR l.d" + eq + "ANY (" + with(qualified) + ")"
	}
	return sql + " THEN "
}

// afterDatabase is the SQL of what follows the name of the database in the text k; NULL where it does not begin so.
func afterDatabase(k string) string {
	sql := "CASE"
	for _, database := range []string{
		"pg_catalog.quote_ident(pg_catalog.current_database())",
		`('"'` + concat + `pg_catalog.replace(pg_catalog.current_database()::pg_catalog.text, '"', '""')` + concat + `'"')`,
	} {
		head := "(" + database + concat + "'.')"
		sql += " WHEN pg_catalog.starts_with(" + k + ", " + head + ") THEN pg_catalog.substr(" + k + ", pg_catalog.length(" + head +
			") OPERATOR(pg_catalog.+) 1)"
	}
	return sql + " END"
}

// spelled are the ways to write a name with its schema, and without it where it is found so.
func spelled(schema, name string, bare bool) []string {
	var out []string
	if bare {
		out = spelledBare(name)
	}
	for _, s := range spelledBare(schema) {
		for _, n := range spelledBare(name) {
			out = append(out, s+"."+n)
		}
	}
	return out
}

// spelledBare are the ways to write one name.
func spelledBare(name string) []string {
	quoted := `"` + strings.ReplaceAll(name, `"`, `""`) + `"`
	if syntax.FoldIdent(name) != name || strings.ContainsAny(name, ".\" \t\n\r\f\v") {
		return []string{quoted}
	}
	return []string{name, quoted}
}

// theName stands for the text that is looked up.
const theName = "l.n"

// lookingUp is what stands before and after an expression whose text is looked up, with AS and a label before FROM; label may be "".
// Without OFFSET the planner would copy the expression into each place that reads it.
func lookingUp(lookup, label string) (before, after string) {
	// Where nothing else of l is read, the expression can stand where its text is read.
	if before, after, _ = strings.Cut(lookup, theName); !strings.Contains(before, "l.") && !strings.Contains(after, "l.") {
		if label == "" {
			return "(" + before + "(", ")" + asText + after + ")"
		}
		return "(SELECT " + before + "(", ")" + asText + after + label + ")"
	}
	return "(SELECT " + lookup + label + " FROM (SELECT l.n, l.k, " + afterDatabase("l.k") +
		` AS d FROM (SELECT l.n, CASE WHEN pg_catalog.strpos(l.n, '"')` + eq +
		"0 THEN pg_catalog.lower(l.n) ELSE l.n END AS k FROM (SELECT (", ")::pg_catalog.text OFFSET 0) AS l(n) OFFSET 0) AS l OFFSET 0) AS l)"
}

// lookedUp is the SQL of what to look up for a text.
func lookedUp(text, lookup string) string {
	before, after := lookingUp(lookup, "")
	return before + text + after
}

// wrapLookup has an expression, from start to end of the text, looked up in the version's names.
func (b *binding) wrapLookup(n *ast.Node, lookup string, start, end int) {
	b.affected, b.catalogs.used = true, true
	// Around what is inside: the first of two insertions at one place comes first.
	l := b.labelOf(n)
	before, after := lookingUp(lookup, " AS "+syntax.QuoteIdent(l.name))
	if l.strength < 2 {
		before, after = lookingUp(lookup, "")
		before, after = "(CASE WHEN true THEN "+before, after+" END)" // CASE gives way to the label of a cast
	}
	b.changes = slices.Insert(b.changes, 0, change{edit: splice.Edit{Start: start, End: start, New: before}})
	b.replace(end, end, after, func() { fillTemplate(n, []string{before, after}, []*ast.Node{{Node: n.Node}}) })
}
