package rewrite

import (
	"slices"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/seguedb/segue/rewrite/ast"
	"github.com/seguedb/segue/rewrite/syntax"
	"github.com/seguedb/segue/rules"
)

// A naming says which arguments of a builtin function name a relation, and a column of it; by their place from the
// left, or from the right when negative (the functions have optional first arguments).
type naming struct {
	relation, column int
	fromRight        bool
}

// namingFunctions take names as text.
var namingFunctions = map[string]naming{
	"to_regclass":              {relation: 0, column: -1},
	"pg_get_serial_sequence":   {relation: 0, column: 1},
	"has_table_privilege":      {relation: 1, column: -1, fromRight: true},
	"has_any_column_privilege": {relation: 1, column: -1, fromRight: true},
	"has_column_privilege":     {relation: 2, column: 1, fromRight: true},
	"row_security_active":      {relation: 0, column: -1},
}

// sqlFunctions take SQL, or names in a form that is not followed, as text; or they print the names of columns.
var sqlFunctions = map[string]bool{
	"dblink": true, "dblink_exec": true, "dblink_send_query": true, "dblink_open": true,
	"query_to_xml": true, "query_to_xmlschema": true, "query_to_xml_and_xmlschema": true, "cursor_to_xml": true,
	"table_to_xml": true, "table_to_xmlschema": true, "table_to_xml_and_xmlschema": true,
	"crosstab": true, "crosstab2": true, "crosstab3": true, "crosstab4": true, "connectby": true, "xpath_table": true,
	"ts_stat": true, "ts_rewrite": true, "to_regtype": true,
	"regclass": true, "regtype": true,
}

// namesInArguments rewrites the names of relations and columns that a call has in constants.
func (b *binding) namesInArguments(f *ast.FuncCall, name []string) {
	last := ""
	if len(name) > 0 {
		last = name[len(name)-1]
	}
	if (last == "to_regclass" || last == "to_regtype") && len(f.Args) == 1 && b.absentInString(f.Args[0].GetAConst(), last == "to_regtype") {
		return
	}
	if n, ok := namingFunctions[last]; ok {
		b.namingCall(f, last, n)
		return
	}
	if last == "regclass" && len(f.Args) == 1 && f.Args[0].GetAConst().GetSval() != nil {
		b.relationInString(f.Args[0].GetAConst())
		return
	}
	if slices.Contains(wholeSchemaFunctions, last) {
		b.printsSchema(f, last)
		return
	}
	if b.queryCall(f, name) || b.tableInXML(f, name) {
		return
	}
	if last == "to_regtype" && len(f.Args) == 1 && f.Args[0].GetAConst().GetSval() != nil && b.typeInString(f.Args[0].GetAConst()) {
		return
	}
	if last == "to_regprocedure" && len(f.Args) == 1 && f.Args[0].GetAConst().GetSval() != nil {
		b.nameInConstant(f.Args[0].GetAConst(), regprocedure)
		return
	}
	if sqlFunctions[last] {
		for _, a := range f.Args {
			if last == "to_regtype" {
				b.refuseTableNamesIn(a, "the function "+last)
			} else {
				b.refuseNamesIn(a, "the function "+last)
			}
		}
		return
	}
	b.textsToRun(f, name)
	for i, a := range f.Args {
		if k := a.GetAConst(); k.GetSval() != nil && b.takesRegclass(name, i, len(f.Args)) {
			b.relationInString(k)
		}
	}
}

// takesRegclass tells whether argument i of the function can only be a regclass.
func (b *binding) takesRegclass(name []string, i, args int) bool {
	found := false
	for _, f := range b.functions(name) {
		if f.Args != args || i >= len(f.ArgTypes) {
			continue
		}
		if f.ArgTypes[i] != regclass {
			return false
		}
		found = true
	}
	return found
}

func (b *binding) namingCall(f *ast.FuncCall, name string, n naming) {
	at := func(i int) *ast.Node {
		if i = n.argument(f, i); i < 0 {
			return nil
		}
		return f.Args[i]
	}
	relation, column := at(n.relation), at(n.column)
	if relation == nil {
		return
	}
	k := relation.GetAConst()
	if _, looked := b.catalogs.looked[f]; looked && k.GetSval() == nil {
		return
	}
	if k.GetSval() == nil {
		b.refuseNamesIn(relation, "the function "+name)
		return
	}
	table := b.relationInString(k)
	if table == nil || column == nil {
		return
	}
	if c := column.GetAConst(); c.GetSval() != nil {
		b.columnInString(c, table)
	} else if _, looked := b.catalogs.looked[f]; looked {
		b.catalogs.looked[f] = table
	} else if name == "pg_get_serial_sequence" && !table.Identity {
		b.columnLookup(f, n.argument(f, n.column), table)
	} else if !table.Identity && column.GetAConst().GetIval() == nil {
		b.unsupported(int(f.Location), refusedComputedName, "the function "+name, "names a column of "+syntax.QuoteIdent(table.Logical)+" in a way that cannot be followed")
	}
}

// relationInString rewrites a constant that names a relation as regclass does.
func (b *binding) relationInString(k *ast.A_Const) *rules.TableLens {
	text := k.GetSval().GetSval()
	sent, table := b.relationWritten(text, int(k.Location))
	if sent != text {
		b.replaceString(k, sent)
	}
	return table
}

// absentInString has a constant in which to_regclass or to_regtype looks for something that only the database has, and not the
// version, name what the database lacks, so that the answer is NULL: that is the version's name of the same table, which
// nothing may have while the migration is live. false means that it is nothing of the kind.
func (b *binding) absentInString(k *ast.A_Const, ofType bool) bool {
	if k.GetSval() == nil {
		return false
	}
	text := strings.TrimSpace(k.GetSval().GetSval())
	array := ""
	if element, is := strings.CutSuffix(text, "[]"); is && ofType {
		text, array = element, "[]"
	}
	parts, ok := syntax.SplitName(text)
	if !ok || len(parts) > 2 {
		return false
	}
	schema, name := "", parts[len(parts)-1]
	server := b.atServer(name)
	if len(parts) > 1 {
		schema = parts[0]
		server = b.physical(schema, name)
	}
	if server == nil {
		return false
	}
	table := b.lens.Table(server.OID)
	if table == nil || table.Logical == server.Name {
		return false
	}
	if ofType {
		if typ, rel, certain := b.typeNamed(schema, name); certain || typ != 0 || rel != nil {
			return false
		}
	} else if _, found := b.relationNamed(schema, name); found != missing {
		return false
	}
	b.concern(table)
	b.replaceString(k, syntax.QuoteQualified([]string{server.Schema, table.Logical})+array)
	return true
}

// relationWritten is how the database writes the name of a relation as regclass reads it (stringToQualifiedNameList): the
// text itself where that means the same, or is not known to mean anything. The table is one under migration, or nil.
func (b *binding) relationWritten(text string, location int) (sent string, table *rules.TableLens) {
	parts, ok := syntax.SplitName(text)
	if !ok || len(parts) > 3 || strings.Trim(text, "0123456789") == "" || text == "-" {
		return text, nil // regclassin takes digits for an OID
	}
	database, schema, name := "", "", parts[len(parts)-1]
	if len(parts) > 1 {
		schema = parts[len(parts)-2]
	}
	if len(parts) > 2 {
		database = syntax.QuoteIdent(parts[0]) + "." // the server says if it is another
	}
	r, f := b.relationNamed(schema, name)
	if f == missing {
		b.nameMissingInString(schema, name, location)
		return text, nil
	}
	if r.table == nil && r.schema == schema {
		return text, nil
	}
	b.concern(r.table)
	b.use(r.table, "")
	if r.name == name && r.schema == schema {
		return text, r.table
	}
	if sent = syntax.QuoteIdent(r.name); r.schema != "" {
		sent = database + syntax.QuoteIdent(r.schema) + "." + sent
	}
	return sent, r.table
}

// typeInString rewrites a constant that names the row type of a table, or the array of it, as regtype does. false means that
// it is not certain what it names.
func (b *binding) typeInString(k *ast.A_Const) bool {
	text := k.GetSval().Sval
	sent, known := b.typeWritten(text, int(k.Location))
	if sent != text {
		b.replaceString(k, sent)
	}
	return known
}

// typeWritten is how the database writes the name of the row type of a table, or of the array of it; known is false where
// it is not certain what a text names that has the name of a table under migration in it.
func (b *binding) typeWritten(text string, location int) (sent string, known bool) {
	if len(b.namedIn(text)) == 0 {
		return text, true
	}
	name, array := strings.CutSuffix(strings.TrimSpace(text), "[]")
	parts, ok := syntax.SplitName(name)
	if !ok || len(parts) > 3 {
		return text, false
	}
	database, schema, last := "", "", parts[len(parts)-1]
	if len(parts) > 1 {
		schema = parts[len(parts)-2]
	}
	if len(parts) > 2 {
		database = syntax.QuoteIdent(parts[0]) + "." // the server says if it is another
	}
	typ, rel, certain := b.typeNamed(schema, last)
	if !certain && typ == 0 && rel == nil {
		title := strings.TrimSpace(text)
		return text, b.typeMissingAt(schema, last, title, location)
	}
	if !certain {
		return text, false
	}
	if rel == nil {
		return text, true
	}
	table := b.lens.Table(rel.OID)
	if table == nil {
		return text, true
	}
	b.concern(table)
	b.use(table, "")
	if rel.Name == last {
		return text, true
	}
	if sent = database + syntax.QuoteQualified([]string{rel.Schema, rel.Name}); array {
		sent += "[]"
	}
	return sent, true
}

// nameMissingInString raises 42P01 in PostgreSQL's words (RangeVarGetRelidExtended) for a constant that names a relation
// which only the server has.
func (b *binding) nameMissingInString(schema, name string, location int) {
	server := b.atServer(name)
	title := name
	if schema != "" {
		server = b.physical(schema, name)
		title = schema + "." + name
	}
	if server != nil {
		b.concern(b.lens.Table(server.OID))
		b.fail("42P01", location, false, `relation "`+title+`" does not exist`, "")
	}
}

// columnInString rewrites a constant that is the name of a column, not folded and not quoted.
func (b *binding) columnInString(k *ast.A_Const, table *rules.TableLens) {
	name := k.GetSval().GetSval()
	if c := table.Column(name); c != nil {
		b.use(table, name)
		if c.Reads() != nil {
			b.notAName(name, int(k.Location), "a name in a string")
			return
		}
		if c.Physical != name {
			b.replaceString(k, c.Physical)
		}
		return
	}
	for _, c := range table.Columns {
		if c.Physical == name {
			b.fail("42703", -1, false, `column "`+name+`" of relation "`+table.Logical+`" does not exist`, "")
			return
		}
	}
	if table.NamesSide(name) { // the other side of a change, or its marker
		b.fail("42703", -1, false, `column "`+name+`" of relation "`+table.Logical+`" does not exist`, "")
	}
}

// replaceString writes another string constant.
func (b *binding) replaceString(k *ast.A_Const, text string) {
	i := b.tokens.At(int(k.Location))
	if kind := b.tokens.Kind(i); kind != ast.Token_SCONST {
		b.unsupported(int(k.Location), refusedComputedName, "a name in a string", "is written with Unicode escapes")
		return
	}
	literal := "'" + strings.ReplaceAll(text, "'", "''") + "'"
	if strings.Contains(text, `\`) {
		b.unsupported(int(k.Location), refusedComputedName, "a name in a string", "has a backslash in the database")
		return
	}
	b.replace(b.tokens.Start(i), b.tokens.End(i), literal, func() { k.GetSval().Sval = text })
}

// refuseNamesIn refuses an expression if a string in it holds a name that differs between version and database.
func (b *binding) refuseNamesIn(n *ast.Node, construct string) {
	if n == nil {
		return
	}
	ast.WalkReflect(n.ProtoReflect(), func(m protoreflect.Message) {
		if k, ok := m.Interface().(*ast.A_Const); ok && k.GetSval() != nil {
			b.refuseNamesInText(k.GetSval().Sval, int(k.Location), construct)
		}
	})
}

// refuseTableNamesIn is refuseNamesIn for what can name tables and no columns: a table of one name stays what it is.
func (b *binding) refuseTableNamesIn(n *ast.Node, construct string) {
	ast.WalkReflect(n.ProtoReflect(), func(m protoreflect.Message) {
		k, ok := m.Interface().(*ast.A_Const)
		if !ok || k.GetSval() == nil {
			return
		}
		for _, t := range b.namedIn(k.GetSval().Sval) {
			b.concern(t)
			b.use(t, "")
			if t.Logical != t.Physical {
				b.unsupported(int(k.Location), refusedComputedName, construct, "names "+syntax.QuoteIdent(t.Logical)+" in a string")
			}
		}
	})
}

// namesMoved tells whether there is a constant in expressions that may name a table which the database calls otherwise.
func (b *binding) namesMoved(list []*ast.Node) (moved bool) {
	for _, n := range list {
		ast.WalkReflect(n.ProtoReflect(), func(m protoreflect.Message) {
			if k, ok := m.Interface().(*ast.A_Const); ok && k.GetSval() != nil {
				moved = moved || slices.ContainsFunc(b.namedIn(k.GetSval().Sval), isMoved)
			}
		})
	}
	return moved
}

// refuseNamesInText refuses a text that is SQL, or holds names, if it concerns a table under migration.
func (b *binding) refuseNamesInText(text string, location int, construct string) {
	for _, t := range b.namedIn(text) {
		b.concern(t)
		b.use(t, "")
		b.unsupported(location, refusedString, construct, "names "+syntax.QuoteIdent(t.Logical)+" in a string")
	}
}

// NamesMoved reports whether a value that is looked up as a name may be that of a table which the database calls otherwise, for
// the session; where that is nil, for any. In a session without a version it may if the name is that of something else there.
func (b *Binder) NamesMoved(s *Session, value string) bool {
	if s != nil && s.Version != "" {
		lens := b.snap.Lens(s.Version)
		return lens != nil && slices.ContainsFunc(namedIn(lens, value), isMoved)
	}
	for _, lens := range b.snap.Lenses {
		for _, t := range namedIn(lens, value) {
			if isMoved(t) && (s == nil || len(b.snap.Catalog.Named(t.Logical)) > 0) {
				return true
			}
		}
	}
	return false
}

func isMoved(t *rules.TableLens) bool { return t.Logical != t.Physical }

// namedIn are the tables under migration that a text names, by their name in the version or in the database.
func (b *binding) namedIn(text string) []*rules.TableLens { return namedIn(b.lens, text) }

func namedIn(lens *rules.Lens, text string) (out []*rules.TableLens) {
	lower := strings.ToLower(text)
	for _, t := range lens.Tables {
		if syntax.ContainsWord(lower, strings.ToLower(t.Logical)) || syntax.ContainsWord(lower, strings.ToLower(t.Physical)) {
			out = append(out, t)
		}
	}
	return out
}
