package rules

import (
	"fmt"

	"go.yaml.in/yaml/v3"

	"github.com/seguedb/segue/catalog"
	"github.com/seguedb/segue/change"
)

// AddColumn gives a table one more column, which the versions before do not have.
type AddColumn struct {
	Table  Name      `json:"table"`
	Column NewColumn `json:"column"`
	Up     string    `json:"up,omitempty"` // a constant: what rows have that were written without the column; "" for its default

	Resolved *ResolvedChange `json:"-"` // nil as long as the database has nothing of it
}

func parseAddColumn(p *parser, n *yaml.Node, path string) Operation {
	fields := p.mapping(n, path, "table", "name", "type", "not_null", "default", "collation", "up")
	if fields == nil {
		return nil
	}
	before := len(p.errs)
	var o AddColumn
	o.Table, _ = p.table(fields["table"], n.Line, path+".table")
	o.Column, _ = p.newColumn(fields, n.Line, path)
	if fields["up"] != nil {
		o.Up, _ = p.text(fields["up"], n.Line, path+".up", "a constant as in SQL; a text needs quotes of its own: \"'en'\"")
	}
	if o.Column.NotNull && o.Column.Default == "" && o.Up == "" && len(p.errs) == before {
		p.fail(n.Line, path, "a column that is not_null needs a value for the rows that are there", "give it a default; or up, for what the other versions' rows have")
	}
	if len(p.errs) > before {
		return nil
	}
	return o
}

// Kind implements Operation.
func (AddColumn) Kind() string { return "add_column" }

// Target implements Operation.
func (o AddColumn) Target() Name { return o.Table }

// Names implements Operation.
func (AddColumn) Names() []NameChange { return nil }

// Sides are the columns that the operation takes, and those that it gives, for people.
func (o AddColumn) Sides() (from, to []string) { return nil, []string{o.Column.Name} }

// Rights implements Operation.
func (AddColumn) Rights() Rights { return Rights{OwnHeirs: true} }

// Steps implements Operation.
func (o AddColumn) Steps(from, to Phase) []Step {
	column := showIdentifier(o.Column.Name)
	return aloneSteps(o.Resolved, from, to, notes{
		expand:   "adds " + column + " to " + o.Table.String() + ", which the versions before do not see; no row is read or written",
		contract: "awaits open transactions; then the versions end that do not have " + column,
		back:     column + " is hidden, and kept until purge",
	})
}

func (o AddColumn) expanded() bool { return o.Resolved.there() }

func (o AddColumn) resolved() *ResolvedChange              { return o.Resolved }
func (o AddColumn) resolvedAs(r *ResolvedChange) Operation { o.Resolved = r; return o }

func (o AddColumn) apply(s *schema, undo bool) (*catalog.Relation, error) {
	r, err := o.Resolved.find(s, o.Table, undo)
	if err != nil || !o.Resolved.there() {
		return r, err
	}
	return r, o.Resolved.apply(s, r, undo)
}

func (o AddColumn) validate(v *validator) *FileError {
	r, mistake := v.changeable(o.Table)
	if mistake != nil {
		return mistake
	}
	if mistake := v.columnUnused("name", r, o.Column.Name); mistake != nil {
		return mistake
	}
	_, err := change.Compile(o.describe("draft", nil))
	return v.expression(err)
}

// describe implements Changing.
func (o AddColumn) describe(key string, _ []change.Column) change.Change {
	c := change.Change{Key: key, Table: change.Name{Schema: o.Table.Schema, Name: o.Table.Name}, New: []change.Column{o.Column.described()}}
	if o.Up != "" {
		c.Up = change.Map{o.Column.Name: o.Up}
	}
	return c
}

// Unsupported implements Changing.
func (AddColumn) Unsupported() (what, hint string) { return "", "" }

// described is the column as package change has it.
func (c NewColumn) described() change.Column {
	return change.Column{Name: c.Name, Type: c.Type, Collation: c.Collation, NotNull: c.NotNull, Default: c.Default}
}

// newColumn reads the keys of a column.
func (p *parser) newColumn(fields map[string]*yaml.Node, line int, path string) (NewColumn, bool) {
	c := NewColumn{NotNull: p.flag(fields["not_null"], path+".not_null")}
	var ok, ok2 bool
	c.Name, ok = p.column(fields["name"], line, path+".name")
	c.Type, ok2 = p.text(fields["type"], line, path+".type", "as in SQL: numeric(12,2)")
	if fields["default"] != nil {
		c.Default, _ = p.text(fields["default"], line, path+".default", "an expression as in SQL; a text needs quotes of its own: \"'en'\"")
	}
	if fields["collation"] != nil {
		c.Collation, _ = p.text(fields["collation"], line, path+".collation", `as in SQL: '"C"'`)
	}
	return c, ok && ok2
}

// columnUnused checks that a name is one that nobody has used for a column of the table. at is the field that gives it.
func (v *validator) columnUnused(at string, r *catalog.Relation, name string) *FileError {
	switch {
	case catalog.IsSystemColumn(name):
		return v.fail(at, fmt.Sprintf("%s is the name of a system column", name), "choose another name")
	case hidden(name):
		return v.fail(at, "names that begin with "+reservedPrefix+" are reserved", "choose another name")
	}
	if mistake := v.columnFree(at, r, name); mistake != nil {
		return mistake
	}
	return v.notAFunction(at, r, name)
}
