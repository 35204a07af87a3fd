package rules

import (
	"fmt"

	"go.yaml.in/yaml/v3"

	"github.com/seguedb/segue/catalog"
)

// RenameTable renames a table within its schema.
type RenameTable struct {
	From Name   `json:"from"`
	To   string `json:"to"`
}

func parseRenameTable(p *parser, n *yaml.Node, path string) Operation {
	fields := p.mapping(n, path, "from", "to")
	if fields == nil {
		return nil
	}
	from, ok := p.table(fields["from"], n.Line, path+".from")
	to, ok2 := p.newTable(fields["to"], n.Line, path+".to", from)
	if !ok || !ok2 {
		return nil
	}
	return RenameTable{From: from, To: to}
}

// Kind implements Operation.
func (RenameTable) Kind() string { return "rename_table" }

// Target implements Operation.
func (o RenameTable) Target() Name { return o.From }

// Names implements Operation.
func (o RenameTable) Names() []NameChange {
	return []NameChange{{Table: o.From, From: o.From.Name, To: o.To}}
}

// Steps implements Operation. Its DDL touches no row.
func (o RenameTable) Steps(from, to Phase) []Step {
	return renaming(from, to, o.sql(o.From.Name, o.To), o.sql(o.To, o.From.Name))
}

func (o RenameTable) sql(from, to string) string {
	return "ALTER TABLE " + Name{o.From.Schema, from}.SQL() + " RENAME TO " + quoteIdentifier(to)
}

// expanded implements Operation.
func (RenameTable) expanded() bool { return false }

// Rights implements Operation: whoever renames a table has CREATE on its schema too (RangeVarCallbackForAlterRelation in
// tablecmds.c).
func (o RenameTable) Rights() Rights { return Rights{CreateIn: o.From.Schema} }

func (o RenameTable) apply(s *schema, undo bool) (*catalog.Relation, error) {
	from, to := Direction(undo).turned(o.From.Name, o.To)
	r, err := s.find(Name{o.From.Schema, from})
	if err != nil {
		return nil, err
	}
	if other := s.table(Name{o.From.Schema, to}); other != nil {
		return nil, &nameError{fmt.Sprintf("there is a table %s besides %s", Name{o.From.Schema, to}, s.name(r)), extra{other, nil}}
	}
	s.renameTable(r, to)
	return r, nil
}

func (o RenameTable) validate(v *validator) *FileError {
	if _, mistake := v.table("from", o.From); mistake != nil {
		return mistake
	}
	to := Name{o.From.Schema, o.To}
	switch {
	case o.To == o.From.Name:
		return v.fail("to", "the new name is the old one", "")
	case hidden(o.To):
		return v.fail("to", "names that begin with "+reservedPrefix+" are reserved", "choose another name")
	}
	if taken := v.tableTaken(to); taken != "" {
		return v.fail("to", fmt.Sprintf("the name %s is taken: %s", to, taken),
			"no name may come to mean something else while a version that used it is live; choose a new one")
	}
	return nil
}
