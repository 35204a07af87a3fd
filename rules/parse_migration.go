package rules

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"
)

var validID = regexp.MustCompile(`^[A-Za-z0-9._-]{1,63}$`)

const (
	idHint         = "letters, digits, '.', '_' and '-', at most 63 of them, as in 2026-11-21-surname"
	operationsHint = "give a list of operations, such as `- rename_column: { table: public.t, from: a, to: b }`"
)

func (p *parser) migration(root *yaml.Node, m *Migration) {
	fields := p.mapping(root, "", "id", "operations", "contract_after", "waive")
	if fields == nil {
		return
	}
	if id, ok := p.text(fields["id"], root.Line, "id", idHint); ok {
		switch {
		case !validID.MatchString(id):
			p.fail(fields["id"].Line, "id", fmt.Sprintf("%q cannot be an id", id), idHint)
		case id == Base:
			p.fail(fields["id"].Line, "id", "base is the name of the version before the first migration", "choose another id")
		}
		m.ID = id
	}
	if n := fields["contract_after"]; n != nil {
		if text, ok := p.text(n, n.Line, "contract_after", durationHint); ok {
			d, err := parseDuration(text)
			if err != nil {
				p.fail(n.Line, "contract_after", err.Error(), durationHint)
			}
			m.ContractAfter = d
		}
	}
	if n := fields["waive"]; n != nil {
		p.waivers(n, m)
	}
	p.operations(fields["operations"], root.Line, m)
	if len(p.errs) == 0 {
		p.deferAlike(m)
	}
}

func (p *parser) waivers(n *yaml.Node, m *Migration) {
	if n.Kind != yaml.SequenceNode {
		p.fail(n.Line, "waive", "this must be a list, but is "+kindName(n), "as in [{id: shown-names, reason: why}]")
		return
	}
	for i, item := range n.Content {
		path := fmt.Sprintf("waive[%d]", i)
		fields := p.mapping(item, path, "id", "object", "reason")
		if fields == nil {
			continue
		}
		id, ok := p.text(fields["id"], item.Line, path+".id", "the id of a finding that assess showed")
		reason, ok2 := p.text(fields["reason"], item.Line, path+".reason", "say why the finding is accepted")
		w := Waiver{ID: id, Reason: reason}
		if n := fields["object"]; n != nil {
			w.Object, _ = p.text(n, n.Line, path+".object", "the object of the finding, as assess showed it")
		}
		if ok && ok2 {
			m.Waive = append(m.Waive, w)
		}
	}
}

func (p *parser) operations(n *yaml.Node, parent int, m *Migration) {
	switch {
	case n == nil:
		p.fail(parent, "operations", "this key is missing", operationsHint)
		return
	case n.Kind != yaml.SequenceNode:
		p.fail(n.Line, "operations", "this must be a list, but is "+kindName(n), operationsHint)
		return
	case len(n.Content) == 0:
		p.fail(n.Line, "operations", "there is no operation", operationsHint)
		return
	case len(n.Content) > maxOperations:
		p.fail(n.Line, "operations", fmt.Sprintf("there are %d operations; at most %d are read", len(n.Content), maxOperations), "split the migration")
		return
	}
	for i, item := range n.Content {
		path := fmt.Sprintf("operations[%d]", i)
		p.lines[path] = item.Line
		fields := p.mapping(item, path, OperationKinds()...)
		if fields == nil {
			continue
		}
		if len(item.Content) != 2 {
			p.fail(item.Line, path, fmt.Sprintf("an operation has one key, but this has %d", len(item.Content)/2), "begin each operation with '- '")
			continue
		}
		for key, body := range fields {
			if op := kindOf(key).parse(p, body, path+"."+key); op != nil {
				m.Operations = append(m.Operations, op)
			}
		}
	}
}

// name reads a name of at most two parts.
func (p *parser) name(n *yaml.Node, parent int, path, hint string) ([]string, bool) {
	text, ok := p.text(n, parent, path, hint)
	if !ok {
		return nil, false
	}
	parts, err := parseName(text)
	var long *longNameError
	switch {
	case errors.As(err, &long):
		p.fail(n.Line, path, fmt.Sprintf("%q is no name: %v", text, err), "PostgreSQL has it as "+showIdentifier(long.cut())+": write that, or a shorter one")
	case err != nil:
		p.fail(n.Line, path, fmt.Sprintf("%q is no name: %v", text, err), "other characters need double quotes inside the value, as in '\"Line Item\"'")
	case len(parts) > 2:
		p.fail(n.Line, path, fmt.Sprintf("%q has more than two parts", text), hint)
	default:
		return parts, true
	}
	return nil, false
}

const tableHint = "write it with its schema, as in public.individual"

func (p *parser) table(n *yaml.Node, parent int, path string) (Name, bool) {
	parts, ok := p.name(n, parent, path, tableHint)
	if !ok {
		return Name{}, false
	}
	if len(parts) == 1 {
		p.fail(n.Line, path, fmt.Sprintf("table %s is given without its schema", showIdentifier(parts[0])), "write "+Name{"public", parts[0]}.String()+" if it is in the schema public")
		return Name{}, false
	}
	return Name{Schema: parts[0], Name: parts[1]}, true
}

// newTable reads the new name of a table, with or without its schema, which stays the same.
func (p *parser) newTable(n *yaml.Node, parent int, path string, from Name) (string, bool) {
	parts, ok := p.name(n, parent, path, "the new name of the table, as in person")
	if !ok {
		return "", false
	}
	if len(parts) == 2 && from.Name != "" && parts[0] != from.Schema {
		p.fail(n.Line, path, fmt.Sprintf("a rename cannot move a table from schema %s to %s", showIdentifier(from.Schema), showIdentifier(parts[0])),
			"write "+showIdentifier(parts[1])+" alone")
		return "", false
	}
	return parts[len(parts)-1], true
}

func (p *parser) column(n *yaml.Node, parent int, path string) (string, bool) {
	parts, ok := p.name(n, parent, path, "the name of a column")
	if !ok {
		return "", false
	}
	if len(parts) != 1 {
		p.fail(n.Line, path, fmt.Sprintf("%q has more than one part", n.Value), "write the column's name alone: "+showIdentifier(parts[len(parts)-1]))
		return "", false
	}
	if strings.HasPrefix(parts[0], reservedPrefix) {
		p.fail(n.Line, path, "names that begin with "+reservedPrefix+" are reserved", "choose another name")
		return "", false
	}
	return parts[0], true
}
