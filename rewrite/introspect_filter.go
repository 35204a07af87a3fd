package rewrite

import (
	"maps"
	"slices"
	"strings"

	"github.com/seguedb/segue/catalog"
	"github.com/seguedb/segue/rewrite/prefilter"
	"github.com/seguedb/segue/rules"
)

// newCatalogFilter compiles the words without which no text shows names of the system catalogs.
func newCatalogFilter(snap *rules.Snapshot) *prefilter.Filter {
	words := []string{"information_schema", "regclass", "regtype", "regprocedure"}
	for name := range catalogRelations {
		if name, ok := strings.CutPrefix(name, "pg_catalog."); ok {
			words = append(words, name)
		}
	}
	if hasHidden(snap) {
		words = append(words, changeWords()...)
	}
	words = slices.AppendSeq(words, maps.Keys(printings))
	words = slices.AppendSeq(words, maps.Keys(namingFunctions))
	words = append(words, relationFunctions...)
	words = slices.AppendSeq(words, maps.Keys(nameFunctions))
	words = slices.AppendSeq(words, maps.Keys(namesHeldIn(snap.Catalog)))
	return prefilter.OfNames(words)
}

// namesHeldIn are the names of the relations that users have made with a column of an OID alias type, and of the functions
// that return one: what is read of them are names that the version may have otherwise.
func namesHeldIn(cat *catalog.Catalog) map[string]bool {
	out := map[string]bool{}
	alias := func(typ catalog.OID) bool {
		for range maxTypeDepth {
			t := cat.Type(typ)
			if isAlias(typ) || t == nil || t.Base == 0 {
				break
			}
			typ = t.Base
		}
		return isAlias(typ)
	}
	cat.Relations(func(r *catalog.Relation) bool {
		for i := range r.Columns {
			if r.OID >= firstUserOID && alias(r.Columns[i].Type) {
				out[r.Name] = true
			}
		}
		return true
	})
	cat.EachFunction(func(f *catalog.Function) bool {
		if f.OID >= firstUserOID && (alias(f.Return) || slices.ContainsFunc(f.OutTypes, alias)) {
			out[f.Name] = true
		}
		return true
	})
	return out
}

// ShowsCatalogs tells whether a text may show what the system catalogs say of a table under migration, so that it has
// to be given to Rewrite by sessions for which Introspects is true. Like Match it is conservative, and does not allocate.
func (b *Binder) ShowsCatalogs(sql []byte) bool {
	return b.views.filter != nil && b.views.filter.Match(sql, false) == prefilter.Names
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
