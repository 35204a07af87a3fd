package rewrite

import (
	"slices"
	"strings"

	"github.com/seguedb/segue/catalog"
	"github.com/seguedb/segue/rewrite/ast"
	"github.com/seguedb/segue/rewrite/syntax"
	"github.com/seguedb/segue/rules"
)

// A named is what the name of a relation means in the version.
type named struct {
	rel    *catalog.Relation // nil when the relation is not known
	table  *rules.TableLens  // nil unless it is under migration
	schema string            // how to write it: "" where the server finds it without
	name   string
	made   *item // its columns, where it is no relation yet, but one that the same CREATE SCHEMA makes
}

// relationNamed resolves the name of a relation in the version's schema. missing means that the version has none of
// that name. A relation that cannot be known yet is found with a nil rel.
func (b *binding) relationNamed(schema, name string) (named, finding) {
	if it := b.madeInSchema(schema, name); it != nil && (schema != "" || b.sess.SearchPath == nil) {
		return named{schema: schema, name: name, made: it}, found
	}
	if schema != "" {
		return b.qualifiedRelation(schema, name)
	}
	r, f := b.searchPath(name)
	if f != found || r.rel == nil {
		return r, f
	}
	if r.rel.Temp && r.table == nil {
		return r, found
	}
	if at := b.atServer(r.name); at == nil || at.OID != r.rel.OID {
		r.schema = r.rel.Schema // the bare name would mean another relation there
		b.affected = true
	}
	return r, found
}

// searchPath mirrors RelnameGetRelid with the version's names.
func (b *binding) searchPath(name string) (named, finding) {
	hiddenHere := false
	for _, schema := range b.schemas(name) {
		if it := b.madeInSchema("", name); it != nil && schema == b.making.name {
			return named{name: name, made: it}, found
		}
		rel, hidden := b.inSchema(schema, name)
		if rel != nil {
			return b.as(rel), found
		}
		hiddenHere = hiddenHere || hidden
	}
	key := rules.Name{Name: name}
	rel, asked := b.sess.Overlay[key]
	switch {
	case rel != nil && !b.isHidden(rel, name):
		return b.as(rel), found
	case asked, hiddenHere && b.sess.SearchPath != nil:
		return b.gone(key, hiddenHere)
	}
	return b.ask(key)
}

// schemas are those to look in, in order. A session whose search_path is not known finds only names that are unique.
func (b *binding) schemas(name string) []string {
	if b.sess.SearchPath != nil {
		return b.sess.SearchPath
	}
	var out []string
	add := func(schema string) {
		if !slices.Contains(out, schema) {
			out = append(out, schema)
		}
	}
	for _, t := range b.lens.Tables {
		if t.Logical == name {
			add(t.Schema)
		}
	}
	for _, r := range b.cat.Named(name) {
		if !b.isHidden(r, name) {
			add(r.Schema)
		}
	}
	if len(out) > 1 {
		return nil
	}
	return out
}

// inSchema finds the relation that has the name in the schema of the version; hidden tells that one has it physically,
// and not in the version.
func (b *binding) inSchema(schema, name string) (rel *catalog.Relation, hidden bool) {
	for _, t := range b.lens.Tables {
		if t.Logical == name && t.Schema == schema {
			if rel := b.current(t.OID); rel != nil {
				return rel, false
			}
		}
	}
	rel = b.physical(schema, name)
	if rel != nil && b.isHidden(rel, name) {
		return nil, true
	}
	return rel, false
}

// isHidden tells whether the version knows the relation under another name.
func (b *binding) isHidden(rel *catalog.Relation, name string) bool {
	t := b.lens.Table(rel.OID)
	return t != nil && t.Logical != name
}

// physical finds the relation that has the name in the schema now; nil when none is known.
func (b *binding) physical(schema, name string) *catalog.Relation {
	if isTempSchema(schema) {
		for _, key := range []rules.Name{{Schema: schema, Name: name}, {Schema: "pg_temp", Name: name}, {Name: name}} {
			if rel := b.sess.Overlay[key]; rel != nil && rel.Temp {
				return rel
			}
		}
		return nil
	}
	if rel := b.sess.Overlay[rules.Name{Schema: schema, Name: name}]; rel != nil {
		return rel
	}
	return b.cat.Lookup(schema, name)
}

func isTempSchema(schema string) bool {
	return schema == "pg_temp" || strings.HasPrefix(schema, "pg_temp_")
}

// atServer is what the server finds under a name without schema; nil when that is not known.
func (b *binding) atServer(name string) *catalog.Relation {
	if b.madeInSchema("", name) != nil {
		return nil // it is in the new schema then, unless a temporary table hides it
	}
	if b.sess.SearchPath == nil {
		if all := b.cat.Named(name); len(all) == 1 {
			return all[0]
		}
		return b.sess.Overlay[rules.Name{Name: name}]
	}
	for _, schema := range b.sess.SearchPath {
		if rel := b.physical(schema, name); rel != nil {
			return rel
		}
	}
	return b.sess.Overlay[rules.Name{Name: name}]
}

func (b *binding) qualifiedRelation(schema, name string) (named, finding) {
	rel, hidden := b.inSchema(schema, name)
	if rel != nil {
		r := b.as(rel)
		r.schema = schema
		return r, found
	}
	key := rules.Name{Schema: schema, Name: name}
	if _, asked := b.sess.Overlay[key]; asked || hidden {
		return b.gone(key, hidden)
	}
	return b.ask(key)
}

// as makes the physical name of a relation that was found.
func (b *binding) as(rel *catalog.Relation) named {
	return named{rel: rel, table: b.lensOf(rel), name: rel.Name}
}

// gone is the answer for a name that nothing has, unless an earlier statement of the text may have made it. A relation that
// is hidden from the version, and which the server would find under the name, is not one that was made.
func (b *binding) gone(key rules.Name, hidden bool) (named, finding) {
	if b.unsettled.relations && !hidden {
		return named{schema: key.Schema, name: key.Name}, found
	}
	return named{}, missing
}

// ask has the session's server asked for a relation.
func (b *binding) ask(key rules.Name) (named, finding) {
	if b.unsettled.relations {
		return named{schema: key.Schema, name: key.Name}, found
	}
	if !slices.Contains(b.need, key) {
		b.need = append(b.need, key)
	}
	return named{schema: key.Schema, name: key.Name}, found
}

// rangeVar resolves a RangeVar that must name an existing relation, and splices its physical name. aliasable says that
// an alias may follow it, so that it stays known by the version's name; added tells whether one was.
func (b *binding) rangeVar(rv *ast.RangeVar, aliasable bool) (r named, added, ok bool) {
	b.saw(rv)
	b.saw(rv.Alias)
	r, f := b.relationNamed(rv.Schemaname, rv.Relname)
	if f == missing {
		b.relationMissing(rv, aliasable)
		return r, false, false
	}
	if r.table != nil {
		b.concern(r.table)
		b.use(r.table, "")
	}
	if r.rel != nil && r.schema == "" && !r.rel.Temp && r.name != rv.Relname {
		// The client's own name is its own risk. One that we put in its place must mean this table whatever else has it: a
		// CTE, or a table that somebody has just made in an earlier schema of the search_path.
		r.schema = r.rel.Schema
	}
	if r.rel == nil || r.name == rv.Relname && r.schema == rv.Schemaname {
		return r, false, true
	}
	return r, b.spliceRelation(rv, r, aliasable), true
}

// relationMissing raises 42P01 in PostgreSQL's words: the parser says where (parserOpenTable), utilities do not.
func (b *binding) relationMissing(rv *ast.RangeVar, placed bool) {
	name := rv.Relname
	if rv.Schemaname != "" {
		name = rv.Schemaname + "." + name
	}
	server := b.atServer(rv.Relname)
	if rv.Schemaname != "" {
		server = b.physical(rv.Schemaname, rv.Relname)
	}
	if server != nil {
		b.concern(b.lens.Table(server.OID))
	}
	location := -1
	if placed {
		location = int(rv.Location)
	}
	if b.failure != nil {
		return
	}
	b.fail("42P01", location, server == nil, `relation "`+name+`" does not exist`, "")
	b.failure.anyway = !placed && rv.Schemaname != "" // perhaps there is no such schema, which a utility says in other words
	if placed && rv.Schemaname == "" && b.isFuture(name) {
		b.failure.Detail = `There is a WITH item named "` + name + `", but it cannot be referenced from this part of the query.`
		b.failure.Hint = "Use WITH RECURSIVE, or re-order the WITH items to remove forward references."
	}
}

// spliceRelation writes the name that the server knows, and adds the version's name as alias where the client gave none.
func (b *binding) spliceRelation(rv *ast.RangeVar, r named, aliasable bool) (added bool) {
	first := b.tokens.At(int(rv.Location))
	last := first
	for _, s := range []string{rv.Catalogname, rv.Schemaname} {
		if s != "" {
			last = b.part(last, 1)
		}
	}
	if name, ok := b.tokens.Ident(last); !ok || name != rv.Relname {
		b.misplaced(int(rv.Location), rv.Relname)
		return false
	}
	text := syntax.QuoteIdent(r.name)
	if r.schema != "" {
		text = syntax.QuoteIdent(r.schema) + "." + text
	}
	if rv.Catalogname != "" {
		text = syntax.QuoteIdent(rv.Catalogname) + "." + text
	}
	logical := rv.Relname
	b.replace(b.tokens.Start(first), b.tokens.IdentEnd(last), text, func() {
		rv.Schemaname, rv.Relname = r.schema, r.name
	})
	if !aliasable || rv.Alias != nil || r.name == logical {
		return false
	}
	after := b.afterIdent(last)
	end := b.tokens.IdentEnd(last)
	switch {
	case b.tokens.Is(after, '*'):
		end = b.tokens.End(after)
	case b.tokens.Is(after, ')') && b.tokens.Is(first-1, '(') && b.tokens.Kind(first-2) == ast.Token_ONLY:
		end = b.tokens.End(after)
	}
	b.replace(end, end, " AS "+syntax.QuoteIdent(logical), func() { rv.Alias = &ast.Alias{Aliasname: logical} })
	return true
}
