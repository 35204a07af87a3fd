package rules

import (
	"fmt"

	"go.yaml.in/yaml/v3"

	"github.com/seguedb/segue/catalog"
	"github.com/seguedb/segue/change"
)

// DropColumn takes a column from a table, which the versions before go on to have.
type DropColumn struct {
	Table Name   `json:"table"`
	Name  string `json:"name"`
	Down  string `json:"down,omitempty"` // a constant: what rows have that are written without the column; "" for its default

	Resolved *ResolvedChange `json:"-"` // nil as long as the database has nothing of it
}

func parseDropColumn(p *parser, n *yaml.Node, path string) Operation {
	fields := p.mapping(n, path, "table", "name", "down")
	if fields == nil {
		return nil
	}
	before := len(p.errs)
	var o DropColumn
	o.Table, _ = p.table(fields["table"], n.Line, path+".table")
	o.Name, _ = p.column(fields["name"], n.Line, path+".name")
	if fields["down"] != nil {
		o.Down, _ = p.text(fields["down"], n.Line, path+".down", "a constant as in SQL; a text needs quotes of its own: \"'en'\"")
	}
	if len(p.errs) > before {
		return nil
	}
	return o
}

// Kind implements Operation.
func (DropColumn) Kind() string { return "drop_column" }

// Target implements Operation.
func (o DropColumn) Target() Name { return o.Table }

// Names implements Operation. The name ends, but none takes its place.
func (DropColumn) Names() []NameChange { return nil }

// Sides are the columns that the operation takes, and those that it gives, for people.
func (o DropColumn) Sides() (from, to []string) { return []string{o.Name}, nil }

// Rights implements Operation.
func (DropColumn) Rights() Rights { return Rights{OwnHeirs: true} }

// Steps implements Operation.
func (o DropColumn) Steps(from, to Phase) []Step {
	column := showIdentifier(o.Name)
	return aloneSteps(o.Resolved, from, to, notes{
		expand:   "the new version does not see " + column + " of " + o.Table.String() + "; no row is read or written",
		contract: column + " is hidden, and kept until purge drops it",
		back:     "every version has " + column + " again",
	})
}

func (o DropColumn) expanded() bool { return o.Resolved.there() }

func (o DropColumn) resolved() *ResolvedChange              { return o.Resolved }
func (o DropColumn) resolvedAs(r *ResolvedChange) Operation { o.Resolved = r; return o }

func (o DropColumn) apply(s *schema, undo bool) (*catalog.Relation, error) {
	r, err := o.Resolved.find(s, o.Table, undo)
	if err != nil {
		return nil, err
	}
	if o.Resolved.there() {
		return r, o.Resolved.apply(s, r, undo)
	}
	if s.column(r, o.Name) == nil {
		return nil, fmt.Errorf("table %s should have a column %s, but has none of that name", Name{r.Schema, r.Name}, showIdentifier(o.Name))
	}
	return r, nil
}

func (o DropColumn) validate(v *validator) *FileError {
	r, mistake := v.changeable(o.Table)
	if mistake != nil {
		return mistake
	}
	c, mistake := v.column("name", r, o.Table, o.Name)
	switch {
	case mistake != nil:
		return mistake
	case c.Inherited > 0:
		return v.fail("name", fmt.Sprintf("column %s of %s is inherited", showIdentifier(o.Name), o.Table), "drop it in the table that it comes from")
	case c.NotNull && !c.Default && c.Identity == 0 && o.Down == "":
		return v.fail("", fmt.Sprintf("column %s of %s is NOT NULL and has no default, so that the new version could insert no row", showIdentifier(o.Name), o.Table),
			"give down: the value of such rows, for as long as another version has the column")
	case (c.Identity != 0 || c.Stored) && o.Down != "":
		return v.fail("down", fmt.Sprintf("column %s of %s is generated, so that nobody can give it a value", showIdentifier(o.Name), o.Table), "leave down away")
	}
	_, err := change.Compile(o.describe("draft", []change.Column{{Name: o.Name, Type: c.TypeName}}))
	return v.expression(err)
}

// describe implements Changing.
func (o DropColumn) describe(key string, old []change.Column) change.Change {
	c := change.Change{Key: key, Table: change.Name{Schema: o.Table.Schema, Name: o.Table.Name}, Old: old}
	if o.Down != "" {
		c.Down = change.Map{o.Name: o.Down}
	}
	return c
}

// Unsupported implements Changing.
func (DropColumn) Unsupported() (what, hint string) { return "", "" }
