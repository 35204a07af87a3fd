package rewrite

import "strings"

// newCatalogFilter compiles the words without which no text shows names of the system catalogs.
func newCatalogFilter() *prefilter {
	f := &prefilter{buckets: make([][]candidate, 1)}
	f.add(word{text: "information_schema", meaning: meansName})
	for name := range catalogRelations {
		if name, ok := strings.CutPrefix(name, "pg_catalog."); ok {
			f.add(word{text: name, meaning: meansName})
		}
	}
	for name := range printings {
		f.add(word{text: name, meaning: meansName})
	}
	for name := range namingFunctions {
		f.add(word{text: name, meaning: meansName})
	}
	for _, name := range relationFunctions {
		f.add(word{text: name, meaning: meansName})
	}
	f.add(word{text: "regclass", meaning: meansName})
	f.add(word{text: "regtype", meaning: meansName})
	return f
}

// ShowsCatalogs tells whether a text may show what the system catalogs say of a table under migration, so that it has
// to be given to Rewrite by sessions for which Introspects is true. Like Match it is conservative, and does not allocate.
func (b *Binder) ShowsCatalogs(sql []byte) bool {
	return b.views.filter != nil && b.views.filter.match(sql, false) == Names
}

// Introspects tells whether the system catalogs look different to the session than they are, or did so under another
// snapshot: sessions that are pinned to a version, and all while a table has columns that are Segue's own.
func (b *Binder) Introspects(s *Session) bool {
	return b.views.snap != nil && (s.Version != "" || len(b.views.unpinned.groups) > 0)
}

// relationFunctions are the builtin functions that take a regclass which may be the name of a table.
var relationFunctions = []string{
	"pg_relation_size", "pg_table_size", "pg_indexes_size", "pg_total_relation_size", "pg_relation_filenode",
	"pg_relation_filepath", "pg_relation_is_updatable", "pg_column_is_updatable", "pg_partition_root",
}
