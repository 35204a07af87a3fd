package wording

import (
	"cmp"
	"regexp"
	"slices"
	"strings"

	"github.com/seguedb/segue/catalog"
	"github.com/seguedb/segue/rules"
)

// A Context decides what the names in one error or notice mean.
type Context struct {
	Names
	Affected []*rules.TableLens     // those that the text names; nil when it names none
	Echoes   func(name string) bool // tells whether the server repeats what the client itself has written

	Flips  []string // the markers of the changes both sides of which the text writes itself
	InFlip bool     // the error is in what it has been given for that

	code      string
	about     *rules.TableLens    // the table that the fields name
	elsewhere string              // that table, if it is not under migration
	keyOwner  string              // the table whose key the detail shows, if it is another
	mentioned []*catalog.Relation // those whose names stand in quotes in the same error
}

// Reword replaces the names in all fields.
func (w *Context) Reword(r *Report) {
	message := w.ofChange(r)
	w.rename(r)
	if message != "" {
		r.Message = message
	}
}

// rename replaces the names of tables, columns and types.
func (w *Context) rename(r *Report) {
	if r.Routine == "exec_stmt_raise" { // RAISE: all but the context is the user's
		r.Where = w.context(r.Where)
		return
	}
	w.code = r.Code
	w.findTable(r)
	w.findKeyOwner(r)
	for _, s := range []string{r.Message, r.Detail, r.Hint} {
		for name := range quotedRelations(s) {
			relation, _, _ := strings.Cut(name, ".")
			w.mentioned = append(w.mentioned, w.Snap.Catalog.Named(relation)...)
		}
	}
	if !strings.HasSuffix(r.Routine, "yyerror") { // what is near a syntax error is a part of the text
		r.Message = w.sentence(r.Message)
	}
	r.Detail, r.Hint, r.Where = w.detail(r), w.sentence(r.Hint), w.context(r.Where)
	r.Table, r.Column = w.logical(r.Schema, r.Table, r.Column)
}

// ofRelation is how many messages say whose column it is.
var ofRelation = regexp.MustCompile(`column "[^"]+" of (?:relation|table) "([^"]+)"`)

// findTable looks up the table that the fields name, or the message.
func (w *Context) findTable(r *Report) {
	if r.Table == "" {
		if m := ofRelation.FindStringSubmatch(r.Message); m != nil && w.table("", m[1], w.Affected) == nil {
			w.elsewhere = m[1]
		}
		return
	}
	for _, l := range w.Lens.Tables {
		if l.Schema == r.Schema && l.Physical == r.Table {
			w.about = l
			return
		}
	}
	w.elsewhere = r.Table
}

// logical maps the names of a table and of a column of it, as fields have them.
func (n *Names) logical(schema, table, column string) (string, string) {
	for _, l := range n.Lens.Tables {
		if l.Schema == schema && l.Physical == table {
			return l.Logical, physicalColumn(l, column, column)
		}
	}
	return table, column
}

// physicalColumn is the logical name of a physical column, or otherwise. One from which a single column of the version is
// computed is known by the name of that.
func physicalColumn(l *rules.TableLens, physical, otherwise string) string {
	if physical == "" {
		return otherwise
	}
	computed := ""
	for i := range l.Columns {
		c := &l.Columns[i]
		if c.Physical == physical {
			return c.Logical
		}
		if e := c.Reads(); e != nil && slices.ContainsFunc(e.Columns, func(p rules.PhysicalColumn) bool { return p.Name == physical }) {
			if computed != "" {
				return otherwise
			}
			computed = c.Logical
		}
	}
	return cmp.Or(computed, otherwise)
}

// sentence replaces the names in a message or hint.
func (w *Context) sentence(s string) string {
	if s == "" {
		return ""
	}
	s = replaceDescribed(s, func(schema, name string) *rules.TableLens { return w.table(schema, name, w.Affected) })
	s = w.replaceTypes(s)
	return replaceQuoted(s, w.quoted)
}

// detail replaces the names in a detail. Values in it stay.
func (w *Context) detail(r *Report) string {
	s := r.Detail
	before, key, after := cutKey(s)
	switch {
	case before == failingRow && w.hides(key):
		return ""
	case before == failingRow && key != "", key != "" && w.isForeignKey():
		return before + w.bareNames(key) + w.behindKey(after)
	case key != "":
		return before + w.key(key, after)
	case strings.HasPrefix(s, failingRow):
		return w.failingRow(s)
	}
	return w.sentence(s)
}

// key replaces the columns of a key, and in what stands behind it the columns of the key that conflicts with it, or the
// table that is named last. The values between them may have any signs in them.
func (w *Context) key(key, after string) string {
	logical := replaceColumns(key, func(name string) string { return w.column(name, w.keyTables()) })
	if second := replaceSecondKey(after, key, logical); second != after {
		return logical + second
	}
	return logical + w.behindKey(after)
}

// behindKey replaces the table that is named behind the values of a key.
func (w *Context) behindKey(after string) string {
	end := strings.LastIndexByte(after, ')') + 1
	return after[:end] + replaceQuoted(after[end:], w.quoted)
}

const sqlStatement = `SQL statement "`

// checksForeignKey tells whether a statement in a context is one of those that ri_triggers.c makes, with all names quoted.
func checksForeignKey(line string) bool {
	return strings.Contains(line, `" OPERATOR(`) && strings.Contains(line, `ONLY "`)
}

// keyTables are those of which a key can be: it is that of a table that is written, though another one may be mentioned.
func (w *Context) keyTables() []*rules.TableLens {
	if w.about != nil {
		return []*rules.TableLens{w.about}
	}
	return w.Affected
}

// context replaces the names in a context, which may have several lines. Statements and expressions of functions in it
// stay as they are in the database.
func (w *Context) context(s string) string {
	lines := strings.Split(s, "\n")
	for i, line := range lines {
		switch {
		case strings.HasPrefix(line, "COPY "):
			lines[i] = replaceCopy(line, w.relation, func(name string) string { return w.column(name, w.keyTables()) })
		case strings.HasPrefix(line, "while "):
			lines[i] = replaceQuoted(line, w.quoted)
		case strings.HasPrefix(line, sqlStatement) && checksForeignKey(line):
			lines[i] = sqlStatement + replaceQuoted(line[len(sqlStatement):len(line)-1], w.quoted) + line[len(line)-1:]
		}
	}
	return strings.Join(lines, "\n")
}

// quoted is what a quoted name becomes; noun is the word before it.
func (w *Context) quoted(noun, name string) string {
	if name == "" || w.Echoes != nil && w.Echoes(name) {
		return name
	}
	kind := nounKinds[noun]
	if kind == namesOther || kind == namesAny && !namesTables(w.code) {
		return name
	}
	if relation, column, dotted := strings.Cut(name, "."); dotted {
		return w.dotted(name, relation, column)
	}
	if kind != namesColumn {
		if logical := w.relation(name); logical != name || kind == namesRelation {
			return logical
		}
	}
	return w.column(name, nil)
}

// dotted is for table.column and schema.table.
func (w *Context) dotted(name, first, second string) string {
	if l := w.table(first, second, nil); l != nil && first != "" {
		return first + "." + l.Logical
	}
	l := w.table("", first, slices.Concat(w.tables(), w.Affected))
	if l != nil && physicalColumn(l, second, "") != "" {
		return l.Logical + "." + physicalColumn(l, second, second)
	}
	for _, r := range w.Snap.Catalog.Named(first) {
		if w.Lens.Table(r.OID) == nil && r.Column(second) != nil {
			return name
		}
	}
	return first + "." + w.column(second, nil) // of an alias
}

// tables are those that the fields name.
func (w *Context) tables() []*rules.TableLens {
	if w.about == nil {
		return nil
	}
	return []*rules.TableLens{w.about}
}

// relation is what the version calls a table; the same where it is not certain that the table is meant.
func (w *Context) relation(name string) string {
	if name == w.elsewhere { // a temporary table, perhaps, of which the catalog does not know
		return name
	}
	if l := w.table("", name, slices.Concat(w.tables(), w.Affected)); l != nil {
		return l.Logical
	}
	return name
}

func (w *Context) unknown(r *catalog.Relation) bool { return w.Lens.Table(r.OID) == nil }

// column is what the version calls a column. Whose it is: that of the table that the fields name; else one of those that
// the error mentions; else one of those that the text names; else it must be called so wherever the database has such a
// column. At each step the tables must agree.
func (w *Context) column(name string, only []*rules.TableLens) string {
	if w.elsewhere != "" {
		return name
	}
	for _, tables := range [][]*rules.TableLens{only, w.tables()} {
		if logical, ok := agreedName(tables, name); ok {
			return logical
		}
	}
	var mentioned []*rules.TableLens
	for _, r := range w.mentioned {
		if l := w.Lens.Table(r.OID); l != nil {
			mentioned = append(mentioned, l)
		} else if r.Column(name) != nil && r.Kind != catalog.Index && r.Kind != catalog.PartitionedIndex {
			return name
		}
	}
	for _, tables := range [][]*rules.TableLens{mentioned, w.Affected} {
		if logical, ok := agreedName(tables, name); ok {
			return logical
		}
	}
	return w.columnAnywhere(name)
}

// agreedName is the logical name that all tables which have the column give it. ok is false when none has it; where they
// differ it is the name itself.
func agreedName(tables []*rules.TableLens, physical string) (logical string, ok bool) {
	for _, l := range tables {
		switch c := physicalColumn(l, physical, ""); {
		case c == "":
		case ok && c != logical:
			return physical, true
		default:
			logical, ok = c, true
		}
	}
	return logical, ok
}

// columnAnywhere is the logical name of a column of which nothing says whose it is.
func (w *Context) columnAnywhere(name string) string {
	logical, ok := agreedName(w.Lens.Tables, name)
	if !ok || logical == name {
		return name
	}
	w.Snap.Catalog.Relations(func(r *catalog.Relation) bool {
		if r.Kind != catalog.Index && r.Kind != catalog.PartitionedIndex && w.unknown(r) && r.Column(name) != nil {
			logical = name
			return false
		}
		return true
	})
	return logical
}

// table finds the table of a physical name. One without schema must be that of no other relation, or of one of the
// tables preferred.
func (n *Names) table(schema, name string, preferred []*rules.TableLens) *rules.TableLens {
	var hit *rules.TableLens
	for _, l := range n.Lens.Tables {
		if l.Physical == name && (schema == "" || schema == l.Schema) {
			if hit != nil {
				hit = nil
				break
			}
			hit = l
		}
	}
	if schema != "" || hit != nil && len(n.Snap.Catalog.Named(name)) == 1 {
		return hit
	}
	for _, l := range preferred {
		if l.Physical == name {
			return l
		}
	}
	return nil
}
