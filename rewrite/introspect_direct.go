package rewrite

import (
	"strconv"
	"strings"

	"github.com/seguedb/segue/rewrite/ast"
	"github.com/seguedb/segue/rewrite/syntax"
)

// direct writes a call that prints names as itself, but for what is of a table that looks different: only there it is read
// through a subquery. That names the arguments several times, so they must be columns or constants. "" means that they are
// not, or that what is printed cannot be told by the table.
func (b *binding) direct(s *scope, f *ast.FuncCall) string {
	name := ast.LastName(f.Funcname)
	p := printings[name]
	open := b.afterIdent(b.functionName(f))
	args, names := b.elements(open), b.views.differing(p)
	if names == nil || p.column != "" || b.catalogs.paired[f] || !b.tokens.Is(open, '(') || len(args) != len(f.Args) || f.FuncVariadic || hasNamedArgument(f) {
		return ""
	}
	texts := make([]string, len(args))
	for i := range args {
		start, end, ok := b.argumentRange(f, i)
		if !ok || !isPlainArgument(f.Args[i]) && (p.keyedBy(i) || !isCalculated(f.Args[i])) || b.changesWithin(start, end) {
			return ""
		}
		texts[i] = b.sql[start:end]
	}
	keys := b.keysOf(s, p, f, texts)
	if keys == nil {
		return ""
	}
	list := "(" + strings.Join(texts, ", ") + ")"
	conditions := make([]string, len(keys))
	for i, key := range keys {
		conditions[i] = b.views.mayDiffer(p, key)
	}
	call := "pg_catalog." + name + list
	if mapped := b.views.called(p, call, texts, keys); mapped != "" {
		return "(CASE WHEN " + strings.Join(conditions, " OR ") + " THEN " + mapped + " ELSE " + call + " END)"
	}
	parts := b.wrapping(p, b.prints(p, f), name, name, len(args))
	wrapped := parts[0]
	for i, text := range texts {
		wrapped += text + parts[i+1]
	}
	return "(CASE WHEN " + strings.Join(conditions, " OR ") + " THEN " + wrapped + " ELSE pg_catalog." + name + list + " END)"
}

// called is the SQL of what a call prints, in the version's names, by the functions of the store; "" where they do not serve.
func (in *introspection) called(p printing, call string, args, keys []string) string {
	if !in.serves(p) {
		return ""
	}
	switch {
	case p.visible != nil:
		return p.visible(&in.names).visible(in, call, keys[0])
	case p.pattern == "":
		return in.names.printedTypes.sql(in, call, keys[0])
	}
	entries := make([]string, max(2, len(keys)))
	for i, key := range keys {
		entries[i] = in.sql(in.differing(p)) + field + key + asText
	}
	return in.defined(p, call, entries[0], entries[1], in.namedIn(p, args, keys))
}

// namedIn is the SQL of the name of a table that stands in a definition with its schema or without, as the session finds it; "NULL" where
// the definition has none such. keys are the OIDs of the tables: that to which the definition belongs, and that to which a foreign key refers.
func (in *introspection) namedIn(p printing, args, keys []string) string {
	if in.names.printed.names == nil {
		return "NULL"
	}
	named := func(key string) string {
		return in.names.printed.sql(in, key+"::pg_catalog.regclass"+asText, key)
	}
	needed := ""
	if in.names.printed.alone && in.hasFunctions() {
		needed = noTemporary + " THEN NULL WHEN " // the name stands as the database has it, but for its words
	}
	switch {
	case p.foreign != "":
		return named(keys[len(keys)-1])
	case p.bare:
		return "CASE WHEN " + needed + "true THEN " + named(keys[0]) + " END"
	case p.pretty > 0 && p.pretty < len(args):
		return "CASE WHEN " + needed + args[p.pretty] + " THEN " + named(keys[0]) + " END"
	}
	return "NULL"
}

// mayDiffer is the SQL of whether a call may print something else, by the OID of what it prints something of: that is near those
// which differ. An OID that has to be looked up is asked for once.
func (in *introspection) mayDiffer(p printing, key string) string {
	within := in.names.entriesWithin
	switch {
	case p.visible != nil:
		within = p.visible(&in.names).within
	case p.pattern == "":
		within = in.names.printedTypes.within
	}
	if strings.HasPrefix(key, "segue.") || strings.HasPrefix(key, "(SELECT ") {
		return in.sql(in.differing(p)) + hasField + key + asText
	}
	return within.sql(key)
}

// serves tells whether the functions of the store map what a function prints.
func (in *introspection) serves(p printing) bool {
	return in.calls(in.differing(p)) && !p.list && p.column == ""
}

// defined is the SQL of a printed definition in the version's names, by the functions of the store: of a table with the entry own, which
// refers to one with the entry other. NULL is the entry of a table that does not differ. named is what namedIn gives.
func (in *introspection) defined(p printing, definition, own, other, named string) string {
	if p.foreign != "" {
		return "segue.constraint_definition(" + definition + ", " + own + ", " + other + ", " + syntax.QuoteLiteral(p.pattern) + ", " +
			syntax.QuoteLiteral(foreignKeyPattern) + ", " + named + ")"
	}
	if named != "NULL" {
		named = ", " + named
	} else {
		named = ""
	}
	return "segue.definition(" + definition + ", " + own + ", " + syntax.QuoteLiteral(p.pattern) + named + ")"
}

// isPlainArgument tells whether an expression costs nothing, and gives the same each time.
func isPlainArgument(n *ast.Node) bool {
	switch n := n.GetNode().(type) {
	case *ast.Node_ColumnRef, *ast.Node_AConst:
		return true
	case *ast.Node_TypeCast:
		return isPlainArgument(n.TypeCast.Arg)
	}
	return false
}

// keyedBy tells whether it may depend on argument i which table is printed of.
func (p printing) keyedBy(i int) bool {
	return i == 0 || strings.Contains(p.table, "s.a"+strconv.Itoa(i+1))
}

// isCalculated tells whether an expression is made of such arguments by operators. It stands in both branches of a CASE then, and is
// evaluated once.
func isCalculated(n *ast.Node) bool {
	x := n.GetAExpr()
	if x == nil || x.Kind != ast.A_Expr_Kind_AEXPR_OP {
		return isPlainArgument(n)
	}
	return (x.Lexpr == nil || isCalculated(x.Lexpr)) && isCalculated(x.Rexpr)
}

// printedOf says for functions that take the OID of a catalog's row in which column of that the table stands, and the one
// that a foreign key refers to.
var printedOf = map[string]struct{ oid, table, foreign string }{
	"pg_index":         {"indexrelid", "indrelid", ""},
	"pg_constraint":    {"oid", "conrelid", "confrelid"},
	"pg_trigger":       {"oid", "tgrelid", ""},
	"pg_statistic_ext": {"oid", "stxrelid", ""},
}

// keysOf is the SQL of the OIDs of the tables, or of the type, that a call prints something of; nil where that is not known.
// Where the argument is the OID of a row that is at hand, the table is taken from there.
func (b *binding) keysOf(s *scope, p printing, f *ast.FuncCall, args []string) []string {
	argument := func(i int) []string { return []string{"(" + args[i] + ")::pg_catalog.oid"} }
	switch {
	case p.table == "" || p.table == "s.a1":
		return argument(0)
	case p.table == "s.a2" && len(args) > 1:
		return argument(1)
	case p.table == "s.a2":
		return nil
	}
	if keys := b.keysAtHand(s, p, f); keys != nil {
		return keys
	}
	var keys []string
	if b.views.calls(b.views.differing(p)) {
		for _, of := range printedOf {
			if !strings.Contains(p.table, of.table) {
				continue
			}
			for _, column := range []string{of.table, of.foreign} {
				if column != "" {
					keys = append(keys, "segue.table_of('"+column+"', "+argument(0)[0]+")")
				}
			}
			return keys
		}
	}
	for _, lookup := range []string{p.table, p.foreign} {
		if lookup != "" { // no name of the look-up comes between the argument and what it means
			keys = append(keys, "(SELECT "+lookup+" FROM (SELECT "+argument(0)[0]+") AS s(a1))")
		}
	}
	return keys
}

// keysAtHand is keysOf where the argument is a column of the very row that says which table it is.
func (b *binding) keysAtHand(s *scope, p printing, f *ast.FuncCall) []string {
	c := b.columns[f.Args[0].GetColumnRef()]
	if c == nil || c.root == nil || c.item != c.root.item || b.groups() {
		return nil
	}
	it := c.item
	if visible, f := s.relation(it.name, inVersion); f != found || visible != it {
		return nil
	}
	if it.rel == nil || it.rel.Schema != "pg_catalog" || it.renamed != "" || !it.relVisible || it.catalog != nil {
		return nil
	}
	of, ok := printedOf[it.rel.Name]
	if !ok || !strings.Contains(p.table, it.rel.Name) || columnOf(it, of.oid) != c.root {
		return nil
	}
	var keys []string
	for _, name := range []string{of.table, of.foreign} {
		if name == "" {
			continue
		}
		key := columnOf(it, name)
		if key == nil || key.physical == "" {
			return nil
		}
		keys = append(keys, syntax.QuoteIdent(it.name)+"."+syntax.QuoteIdent(key.physical))
	}
	return keys
}

// groups tells whether a query of the text groups rows, so that not every column of a row can be had.
func (b *binding) groups() bool {
	for i := range b.tokens.List {
		if b.tokens.Kind(i) == ast.Token_GROUP_P {
			return true
		}
	}
	return false
}

// columnOf is the column of an item that is a column of its relation, whatever an alias calls it.
func columnOf(it *item, name string) *column {
	for i := range it.rel.Columns {
		if it.rel.Columns[i].Name == name && i < len(it.cols) {
			return it.cols[i]
		}
	}
	return nil
}
