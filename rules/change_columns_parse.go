package rules

import (
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

const (
	toHint  = "a list of columns, as in [{name: amount, type: 'numeric(12,2)'}]"
	mapHint = "an expression for each column, as in {amount: cents / 100.0}"
)

func parseChangeColumns(p *parser, n *yaml.Node, path string) Operation {
	fields := p.mapping(n, path, "table", "from", "to", "up", "down", "map", "reads", "settings", "lossy", "bijective", "null_ok", "down_fail", "on_error", "serve_early")
	if fields == nil {
		return nil
	}
	before := len(p.errs)
	at := func(key string) string { return path + "." + key }
	o := ChangeColumns{
		Lossy: p.flag(fields["lossy"], at("lossy")), Bijective: p.flag(fields["bijective"], at("bijective")), NullOK: p.flag(fields["null_ok"], at("null_ok")),
		OnError: p.oneOf(fields["on_error"], at("on_error"), "reject", deferring), Settings: p.texts(fields["settings"], at("settings")),
	}
	o.Table, _ = p.table(fields["table"], n.Line, at("table"))
	o.From = p.columns(fields["from"], n.Line, at("from"))
	o.To = p.newColumns(fields["to"], n.Line, at("to"))
	o.Reads = p.reads(fields["reads"], at("reads"))
	if early := fields["serve_early"]; early != nil {
		p.fail(early.Line, at("serve_early"), "serve_early is not supported yet by this version", "leave it away: the new version is served once the table is filled")
	}
	if o.Lossy && o.Bijective {
		p.fail(fields["bijective"].Line, at("bijective"), "a change is lossy or bijective, and not both", "remove one of them")
	}
	if given := fields["map"]; given != nil {
		o.Map = p.bijection(given, at("map"), &o, fields)
	} else {
		o.Up = p.expressions(fields["up"], n.Line, at("up"), names(o.To))
		o.Down = p.expressions(fields["down"], n.Line, at("down"), o.From)
	}
	o.DownFail = p.downFail(fields["down_fail"], at("down_fail"), o.From)
	if len(p.errs) > before {
		return nil
	}
	return o
}

// columns reads a list of names of columns, each once.
func (p *parser) columns(n *yaml.Node, parent int, path string) []string {
	var out []string
	for i, item := range p.list(n, parent, path, "a list of columns, as in [cents]") {
		name, ok := p.column(item, item.Line, fmt.Sprintf("%s[%d]", path, i))
		if ok && slices.Contains(out, name) {
			p.fail(item.Line, path, fmt.Sprintf("column %s is given twice", showIdentifier(name)), "remove one of them")
		} else if ok {
			out = append(out, name)
		}
	}
	return out
}

func (p *parser) newColumns(n *yaml.Node, parent int, path string) []NewColumn {
	var out []NewColumn
	for i, item := range p.list(n, parent, path, toHint) {
		path := fmt.Sprintf("%s[%d]", path, i)
		fields := p.mapping(item, path, "name", "type", "not_null", "default", "collation")
		if fields == nil {
			continue
		}
		c, ok := p.newColumn(fields, item.Line, path)
		switch {
		case !ok:
		case slices.Contains(names(out), c.Name):
			p.fail(item.Line, path, fmt.Sprintf("column %s is given twice", showIdentifier(c.Name)), "remove one of them")
		default:
			out = append(out, c)
		}
	}
	return out
}

// expressions reads an expression for each of the columns.
func (p *parser) expressions(n *yaml.Node, parent int, path string, columns []string) map[string]string {
	switch {
	case n == nil:
		p.fail(parent, path, "this key is missing", mapHint)
		return nil
	case n.Kind != yaml.MappingNode:
		p.fail(n.Line, path, "this must be a mapping, but is "+kindName(n), mapHint)
		return nil
	}
	out := map[string]string{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		name, ok := p.column(key, key.Line, join(path, key.Value))
		if !ok {
			continue
		}
		p.lines[join(path, name)] = key.Line
		text, ok := p.text(value, key.Line, join(path, name), mapHint)
		switch _, twice := out[name]; {
		case !slices.Contains(columns, name):
			p.fail(key.Line, join(path, name), fmt.Sprintf("%s is not a column of that side", showIdentifier(name)), suggestName(name, slices.Clone(columns), showIdentifier))
		case twice:
			p.fail(key.Line, join(path, name), "this column is given twice", "remove one of them")
		case ok:
			out[name] = text
		}
	}
	for _, c := range columns {
		if _, ok := out[c]; !ok && !p.failedAt(join(path, c)) {
			p.fail(n.Line, path, fmt.Sprintf("there is no expression for %s", showIdentifier(c)), mapHint)
		}
	}
	return out
}

// failedAt reports whether there is a mistake at a key already.
func (p *parser) failedAt(key string) bool {
	return slices.ContainsFunc(p.errs, func(e *FileError) bool { return e.Key == key })
}

// bijection reads the values of a map.
func (p *parser) bijection(n *yaml.Node, path string, o *ChangeColumns, fields map[string]*yaml.Node) map[string]string {
	for _, key := range []string{"up", "down", "lossy", "down_fail"} {
		if fields[key] != nil {
			p.fail(fields[key].Line, strings.TrimSuffix(path, "map")+key, "a change with map has no "+key, "remove one of them")
		}
	}
	if len(o.From) > 1 || len(o.To) > 1 {
		p.fail(n.Line, path, "map is about one column and one other", "write up and down")
	}
	out := p.texts(n, path)
	seen := map[string]string{}
	for old, new := range out {
		if other, ok := seen[new]; ok {
			p.fail(n.Line, path, fmt.Sprintf("both %q and %q become %q, so that there is no way back", min(old, other), max(old, other), new), "write up and down, and lossy: true")
		}
		seen[new] = old
	}
	return out
}

func (p *parser) downFail(n *yaml.Node, path string, from []string) *DownFail {
	switch {
	case n == nil, n.Kind == yaml.ScalarNode && n.Value == "reject":
		return nil
	}
	fields := p.mapping(n, path, "when", "value")
	if fields == nil {
		return nil
	}
	when, ok := p.text(fields["when"], n.Line, path+".when", "a condition over the new columns")
	if !ok {
		return nil
	}
	value := fields["value"]
	if value != nil && value.Kind == yaml.ScalarNode && len(from) == 1 {
		text, _ := p.text(value, n.Line, path+".value", mapHint)
		return &DownFail{When: when, Value: map[string]string{from[0]: text}}
	}
	return &DownFail{When: when, Value: p.expressions(value, n.Line, path+".value", from)}
}

// reads reads the tables in which expressions look values up: the name alone, or with the columns by which that is done.
func (p *parser) reads(n *yaml.Node, path string) (out []Read) {
	if n == nil {
		return nil
	}
	for i, item := range p.list(n, n.Line, path, readsHint) {
		path := fmt.Sprintf("%s[%d]", path, i)
		table, line := item, item.Line
		var via *yaml.Node
		if item.Kind == yaml.MappingNode {
			fields := p.mapping(item, path, "table", "via")
			if fields == nil {
				continue
			}
			table, via = fields["table"], fields["via"]
		}
		parts, ok := p.name(table, line, path, tableHint)
		if !ok {
			continue
		}
		r := Read{Table: Name{Schema: strings.Join(parts[:len(parts)-1], ""), Name: parts[len(parts)-1]}}
		if slices.ContainsFunc(out, func(o Read) bool { return o.Table == r.Table }) {
			p.fail(line, path, fmt.Sprintf("table %s is given twice", r.Table), "give it once, with all columns in via")
			continue
		}
		if via != nil {
			r.Via = p.via(via, path+".via")
		}
		out = append(out, r)
	}
	return out
}

// via reads a column of a table for each of some columns of the change.
func (p *parser) via(n *yaml.Node, path string) map[string]string {
	out := map[string]string{}
	for column, of := range p.texts(n, path) {
		from, err := parseName(column)
		to, other := parseName(of)
		if err != nil || other != nil || len(from) != 1 || len(to) != 1 {
			p.fail(n.Line, path, fmt.Sprintf("%q and %q are not both the name of a column", column, of), readsHint)
			continue
		}
		out[from[0]] = to[0]
	}
	return out
}

const readsHint = "a list of tables, as in [{table: public.members, via: {member_id: id}}]"

// deferAlike checks that all changes of a table say the same of rows for which up cannot be computed: a row is filled for all of them.
func (p *parser) deferAlike(m *Migration) {
	for i, op := range m.Operations {
		o, ok := op.(ChangeColumns)
		if !ok || o.OnError != deferring {
			continue
		}
		for _, j := range m.beside(i) {
			if other, ok := m.Operations[j].(ChangeColumns); ok && other.OnError != deferring {
				path := fmt.Sprintf("operations[%d]", j)
				p.fail(p.lines[path], path+".change_columns.on_error", "operations["+fmt.Sprint(i)+"] is about the same table and has on_error: defer", "give both the same: a row is filled for both at once")
				return
			}
		}
	}
}
