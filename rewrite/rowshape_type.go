package rewrite

import (
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"

	"github.com/seguedb/segue/catalog"
	"github.com/seguedb/segue/rewrite/ast"
	"github.com/seguedb/segue/rewrite/syntax"
)

// wording.typeName binds the name of a type. A row type is renamed with its table.
func (b *binding) typeName(t *ast.TypeName) {
	if t == nil {
		return
	}
	b.sawAll(t)
	names := ast.StrVals(t.Names)
	if len(names) == 0 {
		return
	}
	if t.PctType {
		b.columnType(t, names)
		return
	}
	schema, name := "", names[len(names)-1]
	if len(names) > 1 {
		schema = names[len(names)-2]
	}
	b.justMade(int(t.Location), "the type "+syntax.QuoteIdent(name), name, true)
	typ, rel, certain := b.typeNamed(schema, name)
	if !certain {
		if l := b.rowTypeNamed(names); l != nil {
			b.concern(l)
			b.use(l, "*")
			if typ == 0 && rel == nil && b.typeMissing(t, schema, name) {
				return
			}
			b.unsupported(int(t.Location), refusedRowType, "the type "+syntax.QuoteIdent(name), "may be the row type of a table, or hold rows of one")
		} else if typ == 0 && rel == nil && len(b.cat.TypesNamed(name)) == 0 && !shippedTypes[name] && !serialTypes[name] &&
			b.statement.Tag != "DefineStmt" { // there a name of any kind is parsed as a type, and nothing shows rows
			b.mayAppear(int(t.Location), "the type "+syntax.QuoteIdent(name))
		}
		return
	}
	v := b.ofType(typ)
	put(&b.namedTypes, t, value{typ: v.typ, array: v.array || len(t.ArrayBounds) > 0 && v.holdsRows()})
	l := b.rowIn(typ)
	if l == nil {
		return
	}
	b.concern(l)
	b.use(l, "*")
	if b.difference(v) == orderDiffers {
		b.unsupported(int(t.Location), refusedRowType, "the type "+syntax.QuoteIdent(name), "has its fields in another order in the database")
	}
	if rel != nil && rel.Name != name {
		b.spliceType(t, names, rel)
	}
}

// wording.typeNamed resolves the name of a type as LookupTypeName does, with the version's names. certain is false where that
// cannot be known, or the version has none of that name. rel is the relation of which it is the row type.
func (b *binding) typeNamed(schema, name string) (typ catalog.OID, rel *catalog.Relation, certain bool) {
	schemas := []string{schema}
	if schema == "" {
		if schemas = b.sess.SearchPath; schemas == nil {
			return 0, nil, shippedTypes[name]
		}
	}
	for _, s := range schemas {
		if isShippedIn(s, name) {
			return 0, nil, true
		}
		if b.madeInSchema("", name) != nil && s == b.making.name {
			return 0, nil, false
		}
		if rel, _ := b.inSchema(s, name); rel != nil && (rel.RowType != 0 || rel.Temp) {
			if rel.RowType == 0 {
				return 0, rel, false // of a temporary table only the name and the columns are known
			}
			return rel.RowType, rel, b.rowTypeSeen(schema, name, rel)
		}
		for _, t := range b.cat.TypesNamed(name) {
			if t.Schema == s && t.Relation == 0 && !b.hidesArray(t) {
				return t.OID, nil, b.rowTypeSeen(schema, name, nil)
			}
		}
	}
	return 0, nil, false
}

// typeMissing raises 42704 in PostgreSQL's words (typenameType) where the server would find the row type of a table that
// the version knows under another name, and the version nothing.
func (b *binding) typeMissing(t *ast.TypeName, schema, name string) bool {
	title := name
	if schema != "" {
		title = schema + "." + name
	}
	if len(t.ArrayBounds) > 0 {
		title += "[]"
	}
	if b.missingOK && b.typeHidden(schema, name) {
		b.affected = true
		last := b.part(b.tokens.At(int(t.Location)), len(t.Names)-1)
		b.absent(last, name, func(absent string) { t.Names[len(t.Names)-1] = stringNode(absent) })
		return true
	}
	return b.typeMissingAt(schema, name, title, int(t.Location))
}

// typeMissingAt is typeMissing for a name that stands anywhere, and is shown under a title.
func (b *binding) typeMissingAt(schema, name, title string, location int) bool {
	if !b.typeHidden(schema, name) {
		return false
	}
	b.fail("42704", location, false, `type "`+title+`" does not exist`, "")
	return true
}

// typeHidden reports whether the server would find the row type of a table that the version knows under another name, and the version
// nothing.
func (b *binding) typeHidden(schema, name string) bool {
	schemas := []string{schema}
	if schema == "" {
		schemas = b.sess.SearchPath
	}
	hidden := false
	if b.madeInSchema(schema, name) != nil {
		return false
	}
	for _, s := range schemas {
		rel, here := b.inSchema(s, name)
		if rel != nil && !hidden {
			return false
		}
		if here && !hidden {
			b.concern(b.lens.Table(b.physical(s, name).OID))
		}
		hidden = hidden || here
	}
	return hidden
}

// hidesArray tells whether a type is the array that PostgreSQL makes for a table, under a name that the version does
// not know.
func (b *binding) hidesArray(t *catalog.Type) bool {
	rel := b.cat.ByRowType(t.Elem)
	return rel != nil && b.isHidden(rel, rel.Name)
}

// rowTypeSeen tells whether the server, too, finds the type: under the name as it is, or the one that is spliced.
func (b *binding) rowTypeSeen(schema, name string, rel *catalog.Relation) bool {
	if rel != nil && rel.Name != name {
		return true
	}
	at := b.atServer(name)
	if schema != "" {
		at = b.physical(schema, name)
	}
	return at == nil || at == rel || !b.isHidden(at, name)
}

// spliceType writes the row type's name at the server.
func (b *binding) spliceType(t *ast.TypeName, names []string, rel *catalog.Relation) {
	to := append(slices.Clone(names[:len(names)-1]), rel.Name)
	if at := b.atServer(rel.Name); len(names) == 1 && (at == nil || at.OID != rel.OID || shippedTypes[rel.Name] || b.otherTypes(rel)) {
		to = []string{rel.Schema, rel.Name}
	}
	first := b.tokens.At(int(t.Location))
	last := b.part(first, len(names)-1)
	if name, ok := b.tokens.Ident(last); !ok || name != names[len(names)-1] {
		b.misplaced(int(t.Location), names[len(names)-1])
		return
	}
	put(&b.respelled, proto.Message(t), true)
	b.replace(b.tokens.Start(first), b.tokens.IdentEnd(last), syntax.QuoteQualified(to), func() {
		t.Names = nil
		for _, name := range to {
			t.Names = append(t.Names, stringNode(name))
		}
	})
}

// otherTypes tells whether something else than the relation's row type has its name.
func (b *binding) otherTypes(rel *catalog.Relation) bool {
	return slices.ContainsFunc(b.cat.TypesNamed(rel.Name), func(t *catalog.Type) bool { return t.OID != rel.RowType })
}

// columnType binds table.column%TYPE.
func (b *binding) columnType(t *ast.TypeName, names []string) {
	if len(names) < 2 {
		return
	}
	schema, table, column := "", names[len(names)-2], names[len(names)-1]
	if len(names) > 2 {
		schema = names[len(names)-3]
	}
	r, f := b.relationNamed(schema, table)
	if f == found && r.rel != nil && r.table == nil && r.rel.Column(column) != nil {
		put(&b.columnTypes, t, r.rel.Column(column).Type)
	}
	if f != found || r.rel == nil || r.table == nil {
		if l := b.rowTypeNamed(names[:len(names)-1]); l != nil {
			b.concern(l)
			b.unsupported(int(t.Location), refusedRowType, "the type of a column of "+syntax.QuoteIdent(table), "cannot be told")
		}
		return
	}
	b.concern(r.table)
	c := r.table.Column(column)
	if c == nil {
		b.fail("42703", int(t.Location), false, `column "`+column+`" of relation "`+table+`" does not exist`, "")
		return
	}
	b.use(r.table, column)
	if c.Reads() != nil {
		b.notAName(column, int(t.Location), "%TYPE")
		return
	}
	if of := r.rel.ColumnByNum(c.Num); of != nil {
		put(&b.columnTypes, t, of.Type)
	}
	to := []string{r.name, c.Physical}
	if r.schema != "" {
		to = append([]string{r.schema}, to...)
	}
	if len(names) > 3 {
		to = append(names[:len(names)-3:len(names)-3], to...)
	}
	if slices.Equal(to, names) {
		return
	}
	first := b.tokens.At(int(t.Location))
	last := b.part(first, len(names)-1)
	b.replace(b.tokens.Start(first), b.tokens.IdentEnd(last), syntax.QuoteQualified(to), func() {
		t.Names = nil
		for _, name := range to {
			t.Names = append(t.Names, stringNode(name))
		}
	})
}

// serialTypes are no types, but stand for one in the definition of a column (transformColumnDefinition in parse_utilcmd.c).
var serialTypes = map[string]bool{"smallserial": true, "serial2": true, "serial": true, "serial4": true, "bigserial": true, "serial8": true}

// isShippedIn reports whether a schema has a type of that name in every database, which holds no rows: one of shippedTypes, an array of one,
// or a domain of the information schema.
func isShippedIn(schema, name string) bool {
	switch schema {
	case "pg_catalog":
		return shippedTypes[name] || len(name) > 1 && name[0] == '_' && shippedTypes[name[1:]]
	case "information_schema":
		return name == "cardinal_number" || name == "character_data" || name == "sql_identifier" || name == "time_stamp" || name == "yes_or_no"
	}
	return false
}

// shippedTypes are the types of pg_catalog that are neither rows nor arrays (pg_type.dat): where search_path does not
// say otherwise they come before all others.
var shippedTypes = func() map[string]bool {
	out := map[string]bool{}
	for name := range strings.FieldsSeq(`aclitem any anyarray anycompatible anycompatiblearray anycompatiblemultirange
		anycompatiblenonarray anycompatiblerange anyelement anyenum anymultirange anynonarray anyrange bit bool box bpchar bytea char
		cid cidr circle cstring date datemultirange daterange event_trigger fdw_handler float4 float8 gtsvector index_am_handler inet
		int2 int2vector int4 int4multirange int4range int8 int8multirange int8range internal interval json jsonb jsonpath
		language_handler line lseg macaddr macaddr8 money name numeric nummultirange numrange oid oidvector path pg_brin_bloom_summary
		pg_brin_minmax_multi_summary pg_ddl_command pg_dependencies pg_lsn pg_mcv_list pg_ndistinct pg_node_tree pg_snapshot point polygon record
		refcursor regclass regcollation regconfig regdictionary regnamespace regoper regoperator regproc regprocedure regrole regtype
		table_am_handler text tid time timestamp timestamptz timetz trigger tsm_handler tsmultirange tsquery tsrange tstzmultirange
		tstzrange tsvector txid_snapshot unknown uuid varbit varchar void xid xid8 xml`) {
		out[name] = true
	}
	return out
}()
