package wording

import (
	"cmp"
	"regexp"
	"strings"

	"github.com/seguedb/segue/rewrite/ast"
	"github.com/seguedb/segue/rewrite/splice"
	"github.com/seguedb/segue/rewrite/syntax"
)

// cutKey cuts a detail that shows a key with its values into what is before, within and behind the brackets of the key:
// Key (a, lower(b))=(1, x) of an index, and Partition key of the failing row contains (a) = (1). The key is empty when
// there is none.
func cutKey(s string) (before, key, after string) {
	if rest, ok := strings.CutPrefix(s, failingRow); ok {
		// Only of a row of which not all columns may be read are the columns named (ExecBuildSlotValueDescription).
		if names, _, ok := strings.Cut(rest, ") = ("); ok && barenames.MatchString(names) {
			return failingRow, names, rest[len(names):]
		}
		return s, "", "" // these are values
	}
	end, spaced := strings.Index(s, ")=("), strings.Index(s, ") = (")
	if end < 0 || spaced >= 0 && spaced < end {
		end = spaced
	}
	if end < 0 {
		return s, "", ""
	}
	start := opening(s[:end]) + 1
	if start == 0 {
		return s, "", ""
	}
	return s[:start], s[start:end], s[end:]
}

const failingRow = "Failing row contains ("

var barenames = regexp.MustCompile(`^[\pL_][\pL\pN_$]*(, [\pL_][\pL\pN_$]*)*$`)

// replaceSecondKey replaces the key where the detail of an exclusion constraint shows it again.
func replaceSecondKey(after, key, logical string) string {
	for _, conflicts := range []string{" conflicts with existing key (", " conflicts with key ("} {
		if strings.Count(after, conflicts+key+")=(") == 1 {
			return strings.Replace(after, conflicts+key, conflicts+logical, 1)
		}
	}
	return after
}

// findKeyOwner finds the table of which the detail of a violated foreign key shows a key, where it is not the one that the
// fields name: that is always the one which references (ri_ReportViolation in ri_triggers.c). When a row goes away in the
// other table, and not a partition, the message names three things, in all languages: that table, the constraint, and the
// one which references.
func (w *Context) findKeyOwner(r *Report) {
	if !w.isForeignKey() {
		return
	}
	if said := quotedInOrder(r.Message); len(said) == 3 && said[0] != r.Table {
		w.keyOwner = said[0]
	}
}

func (w *Context) isForeignKey() bool { return w.code == "23503" || w.code == "23001" }

// bareNames replaces the columns in a list of their names as they are, as the details of foreign keys and rows have it.
func (w *Context) bareNames(list string) string {
	names := strings.Split(list, ", ")
	for i, name := range names {
		names[i] = w.keyColumn(name)
	}
	return strings.Join(names, ", ")
}

// keyColumn is what the version calls a column of the key in the detail.
func (w *Context) keyColumn(name string) string {
	if w.keyOwner == "" {
		return w.column(name, w.keyTables())
	}
	if l := w.table("", w.keyOwner, w.Affected); l != nil {
		return physicalColumn(l, name, name)
	}
	logical := "" // several tables are called so
	for _, r := range w.Snap.Catalog.Named(w.keyOwner) {
		if r.Column(name) == nil {
			continue
		}
		here := name
		if l := w.Lens.Table(r.OID); l != nil {
			here = physicalColumn(l, name, name)
		}
		if logical != "" && logical != here {
			return name
		}
		logical = here
	}
	return cmp.Or(logical, name)
}

// opening is the offset of the bracket that the text would close next; -1 when there is none. Quoted brackets are none.
func opening(s string) int {
	depth := 0
	var quote byte
	for i := len(s) - 1; i >= 0; i-- {
		switch c := s[i]; {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '"', c == '\'':
			quote = c
		case c == ')':
			depth++
		case c == '(':
			if depth--; depth < 0 {
				return i
			}
		}
	}
	return -1
}

// replaceColumns replaces the columns in expressions as ruleutils.c writes them. Names of functions, types and collations
// stay, though a column may be called the same.
func replaceColumns(exprs string, to func(name string) string) string {
	t, err := syntax.Scan(exprs)
	if err != nil {
		return exprs
	}
	var edits []splice.Edit
	for i := range t.List {
		name, ok := t.Ident(i)
		switch {
		case !ok, t.Is(i+1, '('), t.Is(i-1, '.'), t.Is(i+1, '.'):
			continue
		case t.Kind(i-1) == ast.Token_TYPECAST, t.Kind(i-1) == ast.Token_COLLATE:
			continue
		}
		if logical := to(name); logical != name {
			edits = append(edits, splice.Edit{Start: t.Start(i), End: t.IdentEnd(i), New: syntax.QuoteIdent(logical)})
		}
	}
	return splice.Apply(exprs, edits)
}

// replaceCopy replaces the names in a context as CopyFromErrorCallback in copyfrom.c makes it: COPY table, line 3, column
// name: "value". They are not quoted there, and the value, which is, stays as it is.
func replaceCopy(s string, relation, columnOf func(name string) string) string {
	table, rest, ok := strings.Cut(strings.TrimPrefix(s, "COPY "), ", ")
	if !ok {
		return s
	}
	head := "COPY " + relation(table) + ", "
	line, column, ok := strings.Cut(rest, ", column ")
	if !ok {
		return head + rest
	}
	name, value, more := strings.Cut(column, ": ")
	if more {
		value = ": " + value
	}
	return head + line + ", column " + columnOf(name) + value
}
