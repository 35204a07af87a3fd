package rewrite

import (
	"slices"
	"strings"

	"github.com/seguedb/segue/rules"
)

// A Wording translates an error or notice that the server gave to a text which was sent as it came, because it names no
// table under migration: it may speak of one all the same, as that of a foreign key does.
type Wording struct {
	names   names
	quoted  map[string]string // what may stand in quotes
	columns map[string]string // what may stand in Key (a, b)=(1, 2)
}

// Wording makes one for a version and for the schema and table fields of the error, which may be empty. It is nil when
// nothing can need translation. Whether a name in quotes is that of a table is not to be seen: so it is taken for one only
// if the database has no other relation of that name, and for a column only if the error is about its table.
func (b *Binder) Wording(version, schema, table string) *Wording {
	if !b.snap.Live() {
		return nil
	}
	lens := b.snap.Lens(version)
	if lens == nil {
		return nil
	}
	w := &Wording{names: names{snap: b.snap, lens: lens}}
	var renamed, about []*rules.TableLens
	for _, l := range lens.Tables {
		switch {
		case l.Identity:
		case table == l.Physical && schema == l.Schema:
			about = append(about, l)
		case table == l.Physical && schema != "": // a temporary table, perhaps, of which the catalog does not know
		case l.Physical != l.Logical && len(b.snap.Catalog.Named(l.Physical)) == 1:
			renamed = append(renamed, &rules.TableLens{Logical: l.Logical, Physical: l.Physical})
		}
	}
	w.quoted, w.columns = logicalNames(append(renamed, about...)), logicalNames(about)
	if len(w.quoted) == 0 && !slices.ContainsFunc(lens.Tables, func(l *rules.TableLens) bool { return !l.Identity }) {
		return nil
	}
	return w
}

// Translate replaces the physical names of tables and columns in one text of the error by the version's.
func (w *Wording) Translate(s string) string {
	if s == "" || strings.HasPrefix(s, "COPY ") { // what is quoted behind that is a value
		return s
	}
	s = replaceDescribed(s, func(schema, name string) *rules.TableLens { return w.names.table(schema, name, nil) })
	return replaceNames(s, w.quoted, w.columns)
}

// LogicalNames maps the table and column fields of the error.
func (w *Wording) LogicalNames(schema, table, column string) (string, string) {
	return w.names.logical(schema, table, column)
}
