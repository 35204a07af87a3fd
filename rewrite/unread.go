package rewrite

import (
	"cmp"
	"slices"
	"strings"

	"github.com/seguedb/segue/catalog"
	"github.com/seguedb/segue/rewrite/ast"
	"github.com/seguedb/segue/rewrite/prefilter"
	"github.com/seguedb/segue/rewrite/syntax"
	"github.com/seguedb/segue/rewrite/wording"
	"github.com/seguedb/segue/rules"
)

// Texts that the parser cannot read. The server may have a newer grammar, so that such a text can be right, and where it
// surely means the same in the database it is the server's own: where nothing in it is a name that matters, and where the
// version sees every table as it physically is. All else is refused.

// An unread is a text that the parser cannot read, as its tokens show it.
type unread struct {
	snap    *rules.Snapshot
	lens    *rules.Lens
	tokens  *syntax.Tokens
	words   map[string]bool // by which a table under migration can be seen, as rules.Snapshot.Identifiers are
	strings *NameFilter     // the same
	cast    int             // the first token that may have AS stand before a type
	aliases map[string]bool // that the text gives
}

func newUnread(snap *rules.Snapshot, t *syntax.Tokens) *unread {
	words := slices.Clone(snap.Identifiers)
	for _, lens := range snap.Lenses {
		for _, t := range lens.Tables {
			words = append(words, foldedName(t.Logical), foldedName(t.Physical))
		}
	}
	u := &unread{snap: snap, tokens: t, words: make(map[string]bool, len(words)), strings: NewNameFilter(words), aliases: map[string]bool{}}
	for _, word := range words {
		u.words[word] = true
	}
	u.cast = slices.IndexFunc(t.List, func(t syntax.Token) bool { return t.Kind == ast.Token_CAST || t.Kind == ast.Token_TREAT })
	for i := range t.List {
		if name, ok := t.Ident(i); ok && u.words[foldedName(name)] && u.givesAlias(i) {
			u.aliases[name] = true
		}
	}
	return u
}

// named is the first word of the text by which a table under migration could be seen, or of a string in it where those may
// be names; "" where there is none.
func (u *unread) named(inStrings bool) string {
	for i := range u.tokens.List {
		name, ok := u.tokens.Ident(i)
		switch kind := u.tokens.Kind(i); {
		case ok && u.words[foldedName(name)] && !u.isAlias(i, name), !ok && kind == ast.Token_UIDENT, inStrings && kind == ast.Token_USCONST:
			return u.tokens.Text(i)
		case inStrings && kind == ast.Token_SCONST:
			if u.namedInString(i) {
				return "a string"
			}
		}
	}
	return ""
}

// namedInString tells whether a string may have a word that matters.
func (u *unread) namedInString(i int) bool {
	text := u.tokens.Text(i)
	if b := (&binding{bindInput: &bindInput{sql: u.tokens.SQL, tokens: u.tokens}}); strings.Contains(text, `\`) {
		if l, ok := b.constantAt(i); ok {
			text = l.text
		}
	}
	return u.strings.In([]byte(text))
}

// isAlias tells whether token i is what the text itself calls an output column or an item of FROM, or refers to that.
func (u *unread) isAlias(i int, name string) bool {
	if u.body() {
		return false
	}
	if !u.tokens.Is(i+1, '.') || u.tokens.Is(i-1, '.') {
		return u.givesAlias(i)
	}
	return u.aliases[name]
}

// givesAlias tells whether token i is an alias where it is given, and no type.
func (u *unread) givesAlias(i int) bool {
	if u.tokens.Kind(i-1) == ast.Token_AS {
		return u.cast < 0 || u.cast > i
	}
	from := i - 2 // FROM page individual
	if u.tokens.Is(i-2, '.') {
		from = i - 4
	}
	switch u.tokens.Kind(from) {
	case ast.Token_FROM, ast.Token_JOIN, ast.Token_INTO, ast.Token_UPDATE:
		return u.tokens.Kind(i-1) == ast.Token_IDENT
	}
	return false
}

// readsCatalogs tells whether the text names what sessions see in the names of their version.
func (u *unread) readsCatalogs(v *views) bool {
	if v.snap == nil {
		return false
	}
	for i := range u.tokens.List {
		if name, ok := u.tokens.Ident(i); ok && v.filter.Match([]byte(name), false) == prefilter.Names {
			return true
		}
	}
	return false
}

// makesTriggers tells whether the text is about triggers: their functions name columns without the table.
func (u *unread) makesTriggers() bool {
	return u.makes() && slices.ContainsFunc(u.tokens.List, func(t syntax.Token) bool { return t.Kind == ast.Token_TRIGGER })
}

// looksUp tells whether something in the text may take a string for a name, or run it.
func (u *unread) looksUp() bool {
	for i := range u.tokens.List {
		name, ok := u.tokens.Ident(i)
		switch {
		case !ok && u.tokens.Kind(i) != ast.Token_TYPECAST:
			continue
		case name == "regclass", name == "regtype", name == "regprocedure":
			return true
		case u.tokens.Is(i+1, '(') && slices.ContainsFunc(u.snap.Catalog.Functions(name), mayLookUp):
			return true
		case u.tokens.Is(i+1, '(') && (sqlFunctions[name] || isNaming(name)):
			return true
		case slices.ContainsFunc(u.snap.Catalog.Named(name), hasRegclass):
			return true
		}
	}
	return u.body()
}

func isNaming(name string) bool {
	_, ok := namingFunctions[name]
	return ok || slices.Contains(wholeSchemaFunctions, name)
}

// mayLookUp tells whether a function may find a table by a string that it is given.
func mayLookUp(f *catalog.Function) bool {
	return f.Schema != "pg_catalog" || slices.Contains(f.ArgTypes, regclass) || strings.Contains(f.Name, "_to_xml")
}

// hasRegclass tells whether a relation has a column to which a string is assigned, or with which it is compared, as the
// name of a relation.
func hasRegclass(r *catalog.Relation) bool {
	return slices.ContainsFunc(r.Columns, func(c catalog.Column) bool { return c.Type == regclass })
}

// body tells whether the text has that of a function, or runs one.
func (u *unread) body() bool {
	switch u.tokens.Kind(0) {
	case ast.Token_SELECT, ast.Token_WITH, ast.Token_VALUES, ast.Token_TABLE, ast.Token_INSERT, ast.Token_UPDATE,
		ast.Token_DELETE_P, ast.Token_MERGE:
		return false
	}
	return true
}

// single tells whether the text is one statement, of a kind that makes and follows no prepared statement.
func (u *unread) single() bool {
	n := u.tokens.Len()
	for n > 0 && u.tokens.Is(n-1, ';') {
		n--
	}
	for i := range n {
		if u.tokens.Is(i, ';') {
			return false
		}
		switch u.tokens.Kind(i) {
		case ast.Token_PREPARE, ast.Token_EXECUTE, ast.Token_DEALLOCATE, ast.Token_DISCARD, ast.Token_DECLARE:
			return false
		}
	}
	switch u.tokens.Kind(0) {
	case ast.Token_CREATE, ast.Token_ALTER, ast.Token_EXPLAIN, ast.Token_COPY, ast.Token_VACUUM, ast.Token_ANALYZE:
		return n > 0
	}
	return n > 0 && !u.body()
}

// makes tells whether the text may make or alter something.
func (u *unread) makes() bool {
	switch u.tokens.Kind(0) {
	case ast.Token_CREATE, ast.Token_ALTER:
		return true
	case ast.Token_INSERT, ast.Token_MERGE:
		return false
	}
	return slices.ContainsFunc(u.tokens.List, func(t syntax.Token) bool { return t.Kind == ast.Token_INTO })
}

// movesNothing tells whether a text that makes or alters something leaves the names of tables under migration alone, and
// uses none that another version or the database has.
func (u *unread) movesNothing() bool {
	for i := range u.tokens.List {
		switch u.tokens.Kind(i) {
		case ast.Token_RENAME, ast.Token_DROP, ast.Token_SCHEMA, ast.Token_INHERIT, ast.Token_INHERITS, ast.Token_LIKE, ast.Token_OF,
			ast.Token_PARTITION, ast.Token_ATTACH, ast.Token_DETACH, ast.Token_TYPE_P, ast.Token_RULE:
			return false
		}
	}
	return !u.namesOfOthers()
}

// namesOfOthers tells whether the text has a name of a table or a column that only another version has.
func (u *unread) namesOfOthers() bool {
	others := map[string]bool{}
	for _, lens := range u.snap.Lenses {
		for _, t := range lens.Tables {
			others[t.Logical] = true
			for _, c := range t.Columns {
				others[c.Logical] = true
			}
		}
	}
	for _, t := range u.lens.Tables {
		delete(others, t.Logical)
		for _, c := range t.Columns {
			delete(others, c.Logical)
		}
	}
	for i := range u.tokens.List {
		if name, ok := u.tokens.Ident(i); ok && others[name] {
			return true
		}
	}
	return false
}

// uses are the tables that the text may name, with the names of the version that it may use.
func (u *unread) uses() (tables []catalog.OID, uses []Use) {
	named := map[string]bool{}
	for i := range u.tokens.List {
		if name, ok := u.tokens.Ident(i); ok {
			named[name] = true
		}
	}
	for _, t := range u.lens.Tables {
		tables = append(tables, t.OID) // whatever shows it may do so by another name
		if !named[t.Logical] {
			continue
		}
		uses = append(uses, Use{Table: t.OID, Name: t.Logical})
		for _, c := range t.Columns {
			if named[c.Logical] {
				uses = append(uses, Use{Table: t.OID, Name: t.Logical, Column: c.Logical})
			}
		}
	}
	return tables, uses
}

// serversOwn is a text that the parser cannot read, as one that is sent as it is; nil where it may mean something else in
// the database.
func (r *rewriting) serversOwn() *Text {
	snap, s := r.binder.snap, r.session
	lens := lensOf(snap, s)
	if lens == nil || r.tokens == nil || s.Version == "" && s.Unpinned == UnpinnedRefuse {
		return nil
	}
	u := newUnread(snap, r.tokens)
	u.lens = lens
	if !u.single() {
		return nil
	}
	concerned := u.named(u.looksUp()) != "" || u.readsCatalogs(&r.binder.views) || u.makesTriggers()
	statement := Statement{End: len(r.sql), Effect: Effect{State: true}}
	if u.makes() {
		statement.Effect.Schema, statement.Effect.Made = true, []Made{{Rows: concerned}}
	}
	switch {
	case !concerned:
	case slices.ContainsFunc(lens.Tables, func(t *rules.TableLens) bool { return !t.Identity }):
		return nil
	case u.makes() && !u.movesNothing(), s.Version == "" && s.Unpinned == UnpinnedAuto && u.namesOfOthers():
		return nil
	default:
		statement.Tables, statement.Uses = u.uses()
	}
	t := &Text{SQL: r.sql, Client: r.sql, Version: cmp.Or(s.Version, s.Default, rules.Base), Statements: []Statement{statement}, Tables: statement.Tables, charset: r.charset}
	if !r.charset.IsUTF8() {
		t.clientUTF8, t.sentUTF8 = r.source.UTF8, r.source.UTF8
	}
	if concerned {
		t.tally.concerned = 1
	}
	t.names = wording.Names{Snap: snap, Lens: lens, Path: s.SearchPath}
	return t
}
