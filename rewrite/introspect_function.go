package rewrite

import (
	"cmp"
	"strconv"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/seguedb/segue/rewrite/ast"
	"github.com/seguedb/segue/rewrite/ruleutils"
	"github.com/seguedb/segue/rewrite/syntax"
	"github.com/seguedb/segue/rules"
)

// A printing is a builtin function that prints names of tables and columns.
type printing struct {
	args    []string // types in pg_catalog to which the arguments are cast; "" leaves one as it is
	table   string   // SQL for the OID of the table that it prints something of, from its arguments s.a1, s.a2, …
	foreign string   // the same for the table that a foreign key refers to
	pattern string   // cuts what it prints into tokens; "" for a name of a type
	column  string   // SQL for the number of the column that it describes; "" for a function that prints no description
	bare    bool     // the name of the table has its schema only where it needs it
	pretty  int      // the argument that says so; 0 for none
	list    bool     // it prints an array of texts

	stored func(args []*ast.Node) []storedForm // what it prints of definitions that are kept as trees; see storedText
	keyed  bool                                // table is the OID of such a definition

	visible func(n *catalogNames) *printedNames // it prints nothing, but tells whether one of these is found by its name alone
}

// lookup is the SQL for a column of the row of a catalog that has the OID s.a1.
func lookup(column, catalog, oid string) string {
	return "(SELECT x." + column + " FROM pg_catalog." + catalog + " AS x WHERE x." + oid + eq + "s.a1)"
}

// printings are the functions of which the output is mapped.
var printings = map[string]printing{
	"pg_get_indexdef": {args: []string{"oid", "int4", "bool"}, pattern: definitionPattern, pretty: 2,
		table: lookup("indrelid", "pg_index", "indexrelid")},
	"pg_get_constraintdef": {args: []string{"oid", "bool"}, pattern: definitionPattern,
		table: lookup("conrelid", "pg_constraint", "oid"), foreign: lookup("confrelid", "pg_constraint", "oid")},
	"pg_get_triggerdef": {args: []string{"oid", "bool"}, pattern: definitionPattern, pretty: 1,
		table: lookup("tgrelid", "pg_trigger", "oid")},
	"pg_get_expr":                    {args: []string{"", "oid", "bool"}, pattern: definitionPattern, table: "s.a2", stored: storedPolicies},
	"pg_get_partition_constraintdef": {args: []string{"oid"}, pattern: definitionPattern, table: "s.a1"},
	"pg_get_partkeydef":              {args: []string{"oid"}, pattern: definitionPattern, table: "s.a1"},
	"pg_get_statisticsobjdef": {args: []string{"oid"}, pattern: statisticsPattern, bare: true,
		table: lookup("stxrelid", "pg_statistic_ext", "oid")},
	"pg_get_statisticsobjdef_columns": {args: []string{"oid"}, pattern: statisticsPattern,
		table: lookup("stxrelid", "pg_statistic_ext", "oid")},
	"pg_get_statisticsobjdef_expressions": {args: []string{"oid"}, pattern: statisticsPattern, list: true,
		table: lookup("stxrelid", "pg_statistic_ext", "oid")},
	"format_type":         {args: []string{"oid", "int4"}},
	"pg_table_is_visible": {args: []string{"oid"}, visible: func(n *catalogNames) *printedNames { return &n.printed }},
	"pg_type_is_visible":  {args: []string{"oid"}, visible: func(n *catalogNames) *printedNames { return &n.printedTypes }},
	"pg_describe_object":  {args: []string{"oid", "oid", "int4"}, table: describedTable, column: describedColumn},

	"pg_get_viewdef":                     {args: []string{"", ""}, stored: storedViews},
	"pg_get_ruledef":                     {args: []string{"oid", "bool"}, stored: storedRules, table: "s.a1", keyed: true},
	"pg_get_functiondef":                 storedFunction("pg_get_functiondef", ruleutils.Function),
	"pg_get_function_sqlbody":            storedFunction("pg_get_function_sqlbody", ruleutils.Body),
	"pg_get_function_arguments":          storedFunction("pg_get_function_arguments", ruleutils.Arguments),
	"pg_get_function_result":             storedFunction("pg_get_function_result", ruleutils.Result),
	"pg_get_function_identity_arguments": storedFunction("pg_get_function_identity_arguments", ruleutils.Arguments),
}

// catalogExpr binds a call that prints names, or a cast of which the text is one, so that the version's are printed.
// false means that the expression is none of these.
func (b *binding) catalogExpr(s *scope, node *ast.Node) bool {
	if b.views == nil || b.catalogs.stored {
		return false
	}
	switch n := node.Node.(type) {
	case *ast.Node_FuncCall:
		if b.isPrinter(n.FuncCall) {
			b.printedOperands(n.FuncCall.Args...)
			return false
		}
		if b.printing(n.FuncCall) == "" {
			if b.printsDeclared(n.FuncCall) {
				b.callArguments(s, n.FuncCall)
				b.declaredExpr(s, node)
				return true
			}
			return b.printedName(s, node) || b.relationLookup(s, node) || b.nameLookup(s, node) || b.relationArguments(s, node)
		}
		b.printingCall(s, node)
		b.declaredExpr(s, node)
		return true
	case *ast.Node_TypeCast:
		return b.printedName(s, node) || b.nameAsText(s, n.TypeCast) || b.relationLookup(s, node) || b.namesLookup(s, node)
	}
	return false
}

// printing is the name of the function that a call means, if it prints names that differ; "" for any other.
func (b *binding) printing(f *ast.FuncCall) string {
	name := ast.LastName(f.Funcname)
	p, ok := printings[name]
	if !ok || !ast.IsBuiltin(ast.StrVals(f.Funcname), name) || len(f.Args) == 0 || len(f.Args) > len(p.args) {
		return ""
	}
	b.catalogs.used = true
	if b.prints(p, f) == "" {
		return ""
	}
	return name
}

// prints is the SQL of what a call prints, q.d, in the version's names; "" if these differ nowhere.
func (b *binding) prints(p printing, f *ast.FuncCall) string {
	if p.stored == nil {
		return b.views.prints(p)
	}
	sql, done := b.catalogs.prints[f]
	if done {
		return sql
	}
	if p.pattern != "" {
		sql = b.views.prints(p)
	}
	pairs := b.mapped(p.stored(f.Args)...)
	if len(pairs) > 0 {
		put(&b.catalogs.paired, f, true)
	}
	sql = choiceSQL("q.d", cmp.Or(sql, "q.d"), pairs, p.concerns)
	if len(pairs) == 0 && p.pattern == "" {
		sql = ""
	}
	put(&b.catalogs.prints, f, sql)
	return sql
}

// concerns is the condition that the key q.k is that of a definition.
func (p printing) concerns(s storedPair) string {
	switch {
	case p.keyed:
		return "q.k" + eq + oidLiteral(s.oid)
	case s.rel != 0:
		return "q.k" + eq + oidLiteral(s.rel)
	}
	return "true"
}

// prints is the SQL of what the function prints, q.d, with the names of the table that has the entry q.e; "" if that differs
// for no table.
func (in *introspection) prints(p printing) string {
	switch {
	case p.column != "":
		return in.describes()
	case in.differing(p) == nil:
		return ""
	case p.visible != nil:
		return p.visible(&in.names).visible(in, "q.d", "q.k")
	case p.pattern == "":
		return in.names.printedTypes.sql(in, "q.d", "q.k")
	case in.serves(p):
		return in.defined(p, "q.d", "q.e", "q.r", "q.m")
	case p.list:
		return eachSQL("q.d", definitionSQL("u.d", "v.e", "", p.pattern), "q.e")
	case p.foreign == "":
		return definitionSQL("q.d", "q.e", "q.m", p.pattern)
	}
	part := func(i int) string { return "q.f[" + strconv.Itoa(i) + "]" }
	own := func(text string) string { return "(" + definitionSQL(text, "q.e", "", p.pattern) + ")" }
	return "CASE WHEN q.f IS NULL THEN " + own("q.d") + " ELSE " + own(part(1)) + concat + "COALESCE(q.m, " + part(2) + ")" + concat +
		"(" + definitionSQL(part(3), "q.r", "", definitionPattern) + ")" + concat + own(part(4)) + " END"
}

// differing are the names of what the function prints something of; nil if none differ.
func (in *introspection) differing(p printing) *rules.NameMap {
	switch {
	case p.stored != nil && p.pattern == "":
		return nil
	case p.visible != nil:
		return p.visible(&in.names).names
	case p.pattern == "" && p.column == "":
		return in.names.printedTypes.names
	}
	if in.names.relations == nil && in.names.columns == nil {
		return nil
	}
	return in.names.entries
}

// printingCall wraps a call: its arguments, where they are, become the columns of a subquery, so that each is evaluated
// once, and the call is made from these.
func (b *binding) printingCall(s *scope, n *ast.Node) {
	f := n.GetFuncCall()
	b.callArguments(s, f)
	if text := b.direct(s, f); text != "" {
		b.affected = true
		first, last := b.tokens.Start(b.tokens.At(int(f.Location))), b.tokens.End(b.closing(b.afterIdent(b.functionName(f))))
		b.replace(first, last, text, func() { fillTemplate(n, []string{text}, nil) })
		return
	}
	b.wrapCall(f, ast.LastName(f.Funcname), func(parts []string) { fillTemplate(n, parts, f.Args) })
}

// wrapCall writes a subquery with one column of that label for a call of which the arguments have been bound. apply does
// the same in the tree, with what stands before, between and after the arguments.
func (b *binding) wrapCall(f *ast.FuncCall, label string, apply func(parts []string)) {
	name := ast.LastName(f.Funcname)
	p := printings[name]
	b.affected = true
	open := b.afterIdent(b.functionName(f))
	args := b.elements(open)
	if !b.tokens.Is(open, '(') || len(args) != len(f.Args) || f.FuncVariadic || hasNamedArgument(f) {
		b.unsupported(int(f.Location), refusedCatalog, "the function "+name, "is called in a way that is not understood")
		return
	}
	parts := b.wrapping(p, b.prints(p, f), name, label, len(args))
	first, last := b.tokens.Start(b.tokens.At(int(f.Location))), b.tokens.End(b.closing(open))
	b.replace(first, b.tokens.End(open), parts[0], nil)
	for i := range args[1:] {
		comma := args[i+1] - 1
		b.replace(b.tokens.Start(comma), b.tokens.End(comma), parts[i+1], nil)
	}
	b.replace(last-1, last, parts[len(parts)-1], func() { apply(parts) })
}

func hasNamedArgument(f *ast.FuncCall) bool {
	for _, a := range f.Args {
		if a.GetNamedArgExpr() != nil {
			return true
		}
	}
	return false
}

// wrapping is what stands before, between and after the arguments.
func (b *binding) wrapping(p printing, prints, name, label string, count int) []string {
	columns, args := make([]string, count), make([]string, count)
	parts := make([]string, count+1)
	for i := range columns {
		columns[i] = "a" + strconv.Itoa(i+1)
		args[i] = "q." + columns[i]
		end := ")"
		if t := p.args[i]; t != "" {
			end += "::pg_catalog." + t
		}
		parts[i+1] = end + ", ("
	}
	key := cmp.Or(p.table, "s.a1")
	call := "pg_catalog." + name + "(s." + strings.Join(columns, ", s.") + ")"
	source := "SELECT s.*, " + call + " AS d, " + key + " AS k"
	if p.foreign != "" {
		source += ", " + p.foreign + " AS r"
	}
	entry := func(key string) string { return b.views.sql(b.views.differing(p)) + field + key + asText }
	above := "SELECT q.d, q.k"
	if b.views.differing(p) != nil {
		above += ", " + entry("q.k") + " AS e"
		if p.pattern != "" {
			above += ", " + b.views.namedIn(p, args, []string{"q.k", "q.r"}[:1+min(len(p.foreign), 1)]) + asText + " AS m"
		}
		if p.column != "" {
			above += ", q.n"
		}
		if p.foreign != "" {
			above += ", " + entry("q.r") + " AS r"
		}
		if p.foreign != "" && !b.views.serves(p) {
			above += ", CASE WHEN pg_catalog.starts_with(q.d, 'FOREIGN KEY') THEN pg_catalog.regexp_match(q.d, " +
				syntax.QuoteLiteral(foreignKeyPattern) + ") END AS f"
		}
	}
	if p.column != "" {
		source += ", " + p.column + " AS n"
	}
	parts[0] = "(SELECT " + prints + " AS " + syntax.QuoteIdent(label) + " FROM (" + above + " FROM (" + source + " FROM (SELECT ("
	last := strings.TrimSuffix(parts[count], ", (")
	parts[count] = last + ") AS s(" + strings.Join(columns, ", ") + ") OFFSET 0) AS q OFFSET 0) AS q)"
	return parts
}

// templateHole stands for an expression of the client's in a template.
const templateHole = "_segue_hole_"

// fillTemplate puts into a node what the text made of parts and holes is parsed to, with the holes filled.
func fillTemplate(n *ast.Node, parts []string, holes []*ast.Node) {
	sel := parseTemplate("SELECT ", parts, holes)
	if sel == nil {
		return // the proof finds that the text does not parse
	}
	n.Node = sel.TargetList[0].GetResTarget().Val.Node
}

// parseTemplate parses a SELECT that begins with the words before and the text made of parts and holes, and fills these.
func parseTemplate(before string, parts []string, holes []*ast.Node) *ast.SelectStmt {
	var text strings.Builder
	text.WriteString(before)
	for i, p := range parts {
		text.WriteString(p)
		if i < len(holes) {
			text.WriteString(templateHole + strconv.Itoa(i))
		}
	}
	tree, err := syntax.Parse(text.String())
	if err != nil {
		return nil
	}
	sel := tree.Stmts[0].Stmt.GetSelectStmt()
	fillHoles(sel.ProtoReflect(), holes)
	return sel
}

// fillHoles replaces the references that stand for the client's expressions.
func fillHoles(m protoreflect.Message, holes []*ast.Node) {
	ast.WalkReflect(m, func(m protoreflect.Message) {
		n, ok := m.Interface().(*ast.Node)
		if !ok || n.GetColumnRef() == nil {
			return
		}
		name, found := strings.CutPrefix(ast.LastName(n.GetColumnRef().Fields), templateHole)
		if i, err := strconv.Atoi(name); found && err == nil && i < len(holes) {
			n.Node = holes[i].Node
		}
	})
}
