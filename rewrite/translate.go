package rewrite

import (
	"strings"

	"github.com/seguedb/segue/catalog"
	"github.com/seguedb/segue/rules"
)

// names is what a text's errors are translated with. The zero value translates nothing.
type names struct {
	snap *rules.Snapshot
	lens *rules.Lens
}

// quotes are the pairs that servers put names in, in whatever language they speak.
var quotes = [][2]string{{`"`, `"`}, {"«", "»"}, {"„", "“"}, {"“", "”"}, {"‚", "‘"}, {"»", "«"}, {"「", "」"}, {"『", "』"}}

// Translate replaces the physical names of tables and columns in an error's text by the version's: only quoted ones and
// those of a key, as in Key (a, b)=(1, 2), and only names that the lens of the text's version maps.
func (t *Text) Translate(s string) string {
	if t.names.lens == nil || s == "" {
		return s
	}
	if strings.HasPrefix(s, "COPY ") {
		return replaceCopy(s, logicalNames(t.affected()))
	}
	affected := t.affected()
	s = replaceDescribed(s, func(schema, name string) *rules.TableLens { return t.names.table(schema, name, affected) })
	toLogical := t.namesIn(s)
	columns := toLogical
	if len(affected) > 0 { // a key is that of a table that is written, though another one may be mentioned
		columns = logicalNames(affected)
	}
	return replaceNames(s, toLogical, columns)
}

// replaceNames replaces what stands in quotes, and the columns of a key.
func replaceNames(s string, quoted, columns map[string]string) string {
	before, key, after := cutKey(s)
	if key != "" {
		logical := replaceColumns(key, columns)
		key, after = logical, replaceSecondKey(after, key, logical)
	}
	for _, q := range quotes {
		before, after = replaceQuoted(before, q[0], q[1], quoted), replaceQuoted(after, q[0], q[1], quoted)
	}
	return before + key + after
}

// LogicalNames maps the table and column fields of an error or notice to the version's names.
func (t *Text) LogicalNames(schema, table, column string) (string, string) {
	if t.names.lens == nil {
		return table, column
	}
	return t.names.logical(schema, table, column)
}

// logical maps the names of a table and of a column of it.
func (n *names) logical(schema, table, column string) (string, string) {
	for _, l := range n.lens.Tables {
		if l.Schema != schema || l.Physical != table {
			continue
		}
		for _, c := range l.Columns {
			if c.Physical == column {
				return l.Logical, c.Logical
			}
		}
		return l.Logical, column
	}
	return table, column
}

// namesIn are the physical names that may be meant in a message, with the version's names of them. If the message
// itself names relations, the columns are theirs; else they are those of the tables that the text names.
func (t *Text) namesIn(s string) map[string]string {
	var mentioned []*rules.TableLens
	other := false // a relation is mentioned that is not under migration
	for name := range quotedNames(s) {
		for _, r := range t.names.snap.Catalog.Named(name) {
			if l := t.names.lens.Table(r.OID); l != nil {
				mentioned = append(mentioned, l)
			} else if r.Kind != catalog.Index && r.Kind != catalog.PartitionedIndex {
				other = true
			}
		}
	}
	if len(mentioned) == 0 && !other {
		mentioned = t.affected()
	}
	return logicalNames(mentioned)
}

// affected are the tables under migration that the text names.
func (t *Text) affected() (out []*rules.TableLens) {
	for _, oid := range t.Tables {
		if l := t.names.lens.Table(oid); l != nil {
			out = append(out, l)
		}
	}
	return out
}

// logicalNames maps physical names to logical ones. A name that could be two is left alone.
func logicalNames(tables []*rules.TableLens) map[string]string {
	out := map[string]string{}
	add := func(physical, logical string) {
		if known, ok := out[physical]; ok && known != logical {
			logical = physical
		}
		out[physical] = logical
	}
	for _, l := range tables {
		add(l.Physical, l.Logical)
		for _, c := range l.Columns {
			add(c.Physical, c.Logical)
		}
	}
	for physical, logical := range out {
		if physical == logical {
			delete(out, physical)
		}
	}
	return out
}

// quotedNames yields what is between quotes.
func quotedNames(s string) map[string]struct{} {
	out := map[string]struct{}{}
	for _, q := range quotes {
		rest := s
		for {
			_, after, ok := strings.Cut(rest, q[0])
			if !ok {
				break
			}
			name, left, ok := strings.Cut(after, q[1])
			if !ok {
				break
			}
			out[trimQuoted(name)] = struct{}{}
			rest = left
		}
	}
	return out
}

// trimQuoted drops the spaces that French puts inside quotes.
func trimQuoted(name string) string { return strings.Trim(name, " \u00a0\u202f") }

// replaceQuoted replaces the names between a pair of quotes.
func replaceQuoted(s, open, closing string, to map[string]string) string {
	var b strings.Builder
	for {
		before, after, ok := strings.Cut(s, open)
		name, rest, closed := strings.Cut(after, closing)
		if !ok || !closed {
			b.WriteString(s)
			return b.String()
		}
		bare := trimQuoted(name)
		name = strings.Replace(name, bare, replaceDotted(bare, to), 1)
		b.WriteString(before + open + name + closing)
		s = rest
	}
}

// replaceDotted replaces a name or its parts, as in table.column, where nothing in it is quoted.
func replaceDotted(name string, to map[string]string) string {
	if logical := to[name]; logical != "" {
		return logical
	}
	parts := strings.Split(name, ".")
	for i, part := range parts {
		if logical := to[part]; logical != "" {
			parts[i] = logical
		}
	}
	return strings.Join(parts, ".")
}

// replaceCopy replaces the names in a context as CopyFromErrorCallback in copyfrom.c makes it: COPY table, line 3, column
// name: "value". They are not quoted there, and the value, which is, stays as it is.
func replaceCopy(s string, to map[string]string) string {
	table, rest, ok := strings.Cut(strings.TrimPrefix(s, "COPY "), ", ")
	if !ok {
		return s
	}
	if logical := to[table]; logical != "" {
		table = logical
	}
	line, column, ok := strings.Cut(rest, ", column ")
	if !ok {
		return "COPY " + table + ", " + rest
	}
	name, value, more := strings.Cut(column, ": ")
	if logical := to[name]; logical != "" {
		name = logical
	}
	if more {
		value = ": " + value
	}
	return "COPY " + table + ", " + line + ", column " + name + value
}
