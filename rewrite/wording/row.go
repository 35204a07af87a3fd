package wording

import (
	"slices"
	"strings"

	"github.com/seguedb/segue/catalog"
	"github.com/seguedb/segue/rules"
)

// failingRow puts the detail that shows a row (ExecBuildSlotValueDescription in execMain.c) into the columns of the
// version. Values are separated by a comma and a space, and may hold both: where it cannot be told which value is whose,
// and the version has other columns or another order, there is no detail.
func (w *Context) failingRow(s string) string {
	l := w.about
	if l == nil && w.elsewhere == "" && len(w.Affected) == 1 {
		l = w.Affected[0]
	}
	if l == nil {
		if w.code == "44000" && w.mayShowHidden(strings.Count(s, ", ")+1) {
			return ""
		}
		return s
	}
	rel := w.Snap.Catalog.Relation(l.OID)
	if rel == nil || inDatabaseOrder(l, len(rel.Columns)) {
		return s
	}
	body, tail := s[len(failingRow):], ""
	if end := strings.LastIndexByte(body, ')'); end >= 0 {
		body, tail = body[:end], body[end:]
	}
	values := strings.Split(body, ", ")
	if len(values) != len(rel.Columns) {
		return ""
	}
	var shown []string
	for _, c := range l.Columns {
		i := slices.IndexFunc(rel.Columns, func(r catalog.Column) bool { return r.Num == c.Num })
		if i < 0 {
			return ""
		}
		shown = append(shown, values[i])
	}
	return failingRow + strings.Join(shown, ", ") + tail
}

// mayShowHidden reports whether a row with so many values, or fewer if there are commas in some, may be that of a table of which the version
// has not all columns. The server does not say whose row it is that a view's CHECK OPTION rejects.
func (w *Context) mayShowHidden(values int) bool {
	return w.elsewhere == "" && slices.ContainsFunc(w.Lens.Tables, func(l *rules.TableLens) bool {
		rel := w.Snap.Catalog.Relation(l.OID)
		return rel != nil && len(rel.Columns) <= values && len(l.Columns) < len(rel.Columns)
	})
}

// inDatabaseOrder tells whether a version has all of a table's columns, in the order of the database.
func inDatabaseOrder(l *rules.TableLens, columns int) bool {
	return len(l.Columns) == columns && !l.IsMapped() &&
		slices.IsSortedFunc(l.Columns, func(a, b rules.ColumnLens) int { return int(a.Num) - int(b.Num) })
}

// hides tells whether a list of columns has one that the version does not have, or has other values of.
func (w *Context) hides(list string) bool {
	return w.about != nil && slices.ContainsFunc(strings.Split(list, ", "), func(name string) bool {
		shown := w.about.Column(physicalColumn(w.about, name, ""))
		return name != "" && (shown == nil || shown.Reads() != nil)
	})
}
