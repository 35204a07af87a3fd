// Package catalog holds what a database physically has: its relations with their columns and inheritance, its functions and
// its types. It knows nothing of migrations or versions: in it a column has the one name that PostgreSQL has for it.
//
// # Use
//
//	cat, err := catalog.Load(ctx, tx)        // a handful of queries, in a REPEATABLE READ transaction
//	r := cat.Lookup("public", "individual")  // nil where there is no such relation
//	c := r.Column("last_name")
//
// [Catalog.Refresh] makes the catalog of a later moment from one that was read before, and reads only what has changed since;
// [Catalog.Reread] does so for a session that must know what it has made itself. [Fingerprint] tells cheaply whether anything
// has changed. [Catalog.Renamed] is what a catalog would be after a rename.
//
// # What it answers
//
//	names      Lookup, Relation, Functions, TypesNamed: by name, by OID
//	families   Ancestors, Descendants, Family: inheritance and partitioning, of which a rename goes through all
//	row types  RowTypeUsers, RowTypes: through what else a row of a table can be seen (rowtype.go)
//	sessions   SessionChangers: which functions, and what calls them unseen, change what names mean (session_changers.go)
//	makers     Makers: likewise, which make something; bodies that surely make nothing are taken apart (cleared.go)
//
// # How it is read
//
// What initdb has made is the same on all servers of one build: it is read once and kept in the process (system.go), and a
// catalog costs what users have made. load_*.go have one query for each kind of object. What has changed since a catalog was
// read is told by xmin: a row that an older transaction has written looks as it did (reread.go).
//
// # Invariants
//
//   - A Catalog is immutable and safe for concurrent use; what it returns must not be changed.
//   - Relations, functions and types are identified by OID, columns by attnum, with the gaps that dropped columns leave.
//   - Temporary tables of other sessions and TOAST tables are not in it.
//   - All I/O goes through a [Querier], and its errors are wrapped.
package catalog
