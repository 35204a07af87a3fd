package rules

import (
	"fmt"
	"slices"

	"go.yaml.in/yaml/v3"

	"github.com/seguedb/segue/catalog"
)

// RenameColumn renames a column of a table; From and To are folded as SQL folds them.
type RenameColumn struct {
	Table Name   `json:"table"`
	From  string `json:"from"`
	To    string `json:"to"`
}

func parseRenameColumn(p *parser, n *yaml.Node, path string) Operation {
	fields := p.mapping(n, path, "table", "from", "to")
	if fields == nil {
		return nil
	}
	table, ok := p.table(fields["table"], n.Line, path+".table")
	from, ok2 := p.column(fields["from"], n.Line, path+".from")
	to, ok3 := p.column(fields["to"], n.Line, path+".to")
	if !ok || !ok2 || !ok3 {
		return nil
	}
	return RenameColumn{Table: table, From: from, To: to}
}

// Kind implements Operation.
func (RenameColumn) Kind() string { return "rename_column" }

// Target implements Operation.
func (o RenameColumn) Target() Name { return o.Table }

// Names implements Operation.
func (o RenameColumn) Names() []NameChange {
	return []NameChange{{Table: o.Table, Column: true, From: o.From, To: o.To}}
}

// Steps implements Operation. Its DDL touches no row.
func (o RenameColumn) Steps(from, to Phase) []Step {
	return renaming(from, to, o.sql(o.From, o.To), o.sql(o.To, o.From))
}

func (o RenameColumn) sql(from, to string) string {
	return "ALTER TABLE " + o.Table.SQL() + " RENAME COLUMN " + quoteIdentifier(from) + " TO " + quoteIdentifier(to)
}

// expanded implements Operation.
func (RenameColumn) expanded() bool { return false }

// Rights implements Operation: whoever renames a column owns the table and all that inherit it (renameatt_check in
// tablecmds.c).
func (RenameColumn) Rights() Rights { return Rights{OwnHeirs: true} }

func (o RenameColumn) apply(s *schema, undo bool) (*catalog.Relation, error) {
	from, to := Direction(undo).turned(o.From, o.To)
	r, err := s.find(o.Table)
	if err != nil {
		return nil, err
	}
	table := Name{r.Schema, r.Name} // as it is called in the database
	c := s.column(r, from)
	if c == nil {
		if s.column(r, to) != nil {
			return nil, fmt.Errorf("table %s should have a column %s, but has %s", table, showIdentifier(from), showIdentifier(to))
		}
		return nil, fmt.Errorf("table %s should have a column %s, but has none of that name", table, showIdentifier(from))
	}
	if other := s.column(r, to); other != nil {
		return nil, &nameError{fmt.Sprintf("table %s should have one column for the names %s and %s, but has both", table, showIdentifier(from), showIdentifier(to)), extra{r, other}}
	}
	s.renameColumn(r, c, to)
	return r, nil
}

func (o RenameColumn) validate(v *validator) *FileError {
	r, mistake := v.table("table", o.Table)
	if mistake != nil {
		return mistake
	}
	c, mistake := v.column("from", r, o.Table, o.From)
	if mistake != nil {
		return mistake
	}
	if mistake := o.inherited(v, r, c); mistake != nil {
		return mistake
	}
	switch {
	case o.To == o.From:
		return v.fail("to", "the new name is the old one", "")
	case catalog.IsSystemColumn(o.To):
		return v.fail("to", fmt.Sprintf("%s is the name of a system column", o.To), "choose another name")
	case hidden(o.To):
		return v.fail("to", "names that begin with "+reservedPrefix+" are reserved", "choose another name")
	}
	if mistake := v.columnFree("to", r, o.To); mistake != nil {
		return mistake
	}
	return v.notAFunction("to", r, o.To)
}

// inherited refuses what renameatt_internal (tablecmds.c) refuses, and children that a rename would break.
func (o RenameColumn) inherited(v *validator, r *catalog.Relation, c *catalog.Column) *FileError {
	name := showIdentifier(o.From)
	if r.OfType != 0 {
		return v.fail("table", fmt.Sprintf("%s is a typed table; its columns belong to its type", o.Table), "")
	}
	if c.Inherited > 0 {
		tops := v.tops(r, c)
		if len(tops) == 1 {
			return v.fail("table", fmt.Sprintf("column %s of %s is inherited", name, o.Table),
				fmt.Sprintf("rename it in %s; the change reaches all partitions and children", v.now.name(tops[0])))
		}
		return v.fail("table", fmt.Sprintf("column %s of %s is inherited from several tables, and cannot be renamed in all of them at once", name, o.Table), "")
	}
	family := append([]catalog.OID{r.OID}, v.now.cat.Descendants(r.OID)...)
	for _, oid := range family[1:] {
		d := v.now.cat.Relation(oid)
		if d.Kind == catalog.ForeignTable {
			return v.fail("table", fmt.Sprintf("%s, a child of %s, is a foreign table; a rename would change the name that is asked of its server", v.now.name(d), o.Table),
				"set the option column_name on it, or detach it")
		}
		within := 0
		for _, p := range d.Parents {
			if slices.Contains(family, p) {
				within++
			}
		}
		if dc := d.Column(c.Name); dc != nil && dc.Inherited > within {
			return v.fail("table", fmt.Sprintf("%s inherits column %s from a table outside of %s's children too", v.now.name(d), name, o.Table),
				"PostgreSQL cannot rename a column in one of several parents")
		}
	}
	return nil
}
