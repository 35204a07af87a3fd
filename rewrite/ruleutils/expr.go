package ruleutils

import (
	"strings"

	"google.golang.org/protobuf/proto"

	"github.com/seguedb/segue/catalog"
	"github.com/seguedb/segue/rewrite/ast"
	"github.com/seguedb/segue/rewrite/syntax"
)

// columnRef prints the name of a column or of a whole row. What it gives is the name of the column in both namings.
func (r *Printer) columnRef(c *ast.ColumnRef, l *printLevel) (names [bothNamings]string) {
	at := r.tokens.At(int(c.Location))
	fields := ast.StrVals(c.Fields)
	last := len(fields) - 1
	star := c.Fields[last].GetAStar() != nil
	switch {
	case len(fields) == 1 && !star:
		return r.bareColumn(at, fields[0], l)
	case len(fields) == 2:
		return r.columnOf(at, fields[0], fields[1], star, l)
	}
	return names // allKnown finds what matters in it
}

// bareColumn prints a name without a dot.
func (r *Printer) bareColumn(at int, name string, l *printLevel) [bothNamings]string {
	fixed := [bothNamings]string{name, name}
	if l.bare != nil {
		if c := l.bare.column(name); c != nil {
			r.replace(at, at, r.quote(c.shown[inTheVersion]))
			return c.shown
		}
	}
	if _, param := r.params[name]; param {
		r.known[at] = true
	} else if m := l.merging(name); m != nil {
		fixed[inTheVersion] = mergedName(m.merges, name, inTheVersion)
		r.replace(at, at, r.quote(fixed[inTheVersion]))
	}
	return fixed
}

// columnOf prints a column, or the whole row, of an entry.
func (r *Printer) columnOf(at int, of, name string, star bool, l *printLevel) [bothNamings]string {
	fixed := [bothNamings]string{name, name}
	e := r.entryNamed(at, of, l)
	_, param := r.params[name]
	switch {
	case e == nil:
		r.known[at+2] = r.known[at+2] || param // the function's name stands before it
		return fixed
	case star:
		return fixed
	case catalog.IsSystemColumn(name):
		r.known[at+2] = true
		return fixed
	}
	c := e.column(name)
	if c == nil && e.join != nil && e.listed == nil {
		c = r.columnWithin(e, name)
	}
	switch {
	case c != nil:
		r.expect(at+2, name)
		r.replace(at+2, at+2, r.quote(c.shown[inTheVersion]))
		return c.shown
	case e.rel != nil:
		r.unsure()
	}
	r.known[at+2] = true
	return fixed
}

// entryNamed prints the name of an entry, and finds it; nil where it is none.
func (r *Printer) entryNamed(at int, name string, l *printLevel) *printEntry {
	e := l.entry(name)
	if e == nil {
		return nil
	}
	r.expect(at, name)
	r.replace(at, at, r.quote(e.name[inTheVersion]))
	return e
}

// target prints an output column. A plain column has a label only where its name is another (get_target_list).
func (r *Printer) target(t *ast.ResTarget, l *printLevel) {
	c := t.Val.GetColumnRef()
	if c == nil || c.Fields[len(c.Fields)-1].GetAStar() != nil {
		r.walk(t.Val, l)
		return
	}
	names := r.columnRef(c, l)
	if names[inDatabase] == names[inTheVersion] {
		return
	}
	end := r.tokens.At(int(c.Location)) + 2*(len(c.Fields)-1)
	label := t.Name
	switch {
	case t.Name == "":
		label = names[inDatabase]
	case r.tokens.Kind(end+1) != ast.Token_AS:
		r.unsure()
		return
	}
	last := end
	if t.Name != "" {
		last += 2
	}
	// After what columnRef has put in place of the column's last name.
	for i := range r.edits {
		if r.edits[i].Start == r.tokens.Start(end) {
			r.edits[i].End = r.tokens.End(last)
			if label != names[inTheVersion] {
				r.edits[i].New += " AS " + r.quote(label)
			}
		}
	}
}

// wording.typeName prints the name of a row type.
func (r *Printer) typeName(t *ast.TypeName) {
	at := r.tokens.At(int(t.Location))
	names := ast.StrVals(t.Names)
	if len(names) == 0 || len(names) > 2 {
		return
	}
	name := names[len(names)-1]
	last := at + 2*(len(names)-1)
	if got, ok := r.tokens.Ident(last); !ok || got != name {
		return // a type by a name of the grammar's own
	}
	rel := r.Names.rowType(strings.Join(names[:len(names)-1], ""), name)
	if rel == nil || r.Names.relationName(rel, inTheVersion) == rel.Name {
		r.known[last] = true
		return
	}
	if r.Names.visible(rel, inDatabase) != (len(names) == 1) {
		r.unsure()
	}
	shown := r.quote(r.Names.relationName(rel, inTheVersion))
	if !r.Names.visible(rel, inTheVersion) {
		shown = r.quote(rel.Schema) + "." + shown
	}
	r.replace(at, last, shown)
}

// cast prints a cast. A constant of type regclass or regtype is the name of what it means.
func (r *Printer) cast(c *ast.TypeCast, l *printLevel) {
	names := ast.StrVals(c.TypeName.GetNames())
	if k := c.Arg.GetAConst(); k.GetSval() != nil && len(names) > 0 && strings.HasPrefix(names[len(names)-1], "reg") {
		r.registered(k, names[len(names)-1])
	}
	ast.EachChild(c, func(m proto.Message) { r.walk(m, l) })
}

// registered prints a constant that is the name of an object.
func (r *Printer) registered(k *ast.A_Const, typ string) {
	parts, ok := syntax.SplitName(k.GetSval().Sval)
	if typ != "regclass" && typ != "regtype" || !ok || len(parts) > 2 {
		for _, word := range strings.FieldsFunc(k.GetSval().Sval, func(c rune) bool { return strings.ContainsRune(`".,()[] `, c) }) {
			if r.Names.changes(word) {
				r.unsure()
			}
		}
		return
	}
	schema, name := strings.Join(parts[:len(parts)-1], ""), parts[len(parts)-1]
	rel := r.Names.relation(schema, name)
	if typ == "regtype" {
		rel = r.Names.rowType(schema, name)
	}
	if rel == nil || r.Names.relationName(rel, inTheVersion) == rel.Name {
		return
	}
	shown := r.quote(r.Names.relationName(rel, inTheVersion))
	if !r.Names.visible(rel, inTheVersion) {
		shown = r.quote(rel.Schema) + "." + shown
	}
	at := r.tokens.At(int(k.Location))
	r.replace(at, at, strings.TrimPrefix(syntax.QuoteLiteral(shown), " "))
}
