// Package rules holds what is to change and what follows from it: rule files, operations, migrations and their phases, the
// schema that each version sees, and the immutable snapshot that the rest of the program works from. It does no I/O: what
// is stored comes from package store, what the database has from package catalog.
//
// # From a rule file to a snapshot
//
//	Parse      a rule file, YAML or JSON, to a Migration; every mistake has its line, its key and a hint
//	Validate   whether its names are there, and are free, after everything that is live
//	CanX       whether it may move now, or which other migration has to move first (order.go)
//	Steps      what is to be done from one phase to the next: statements, locks, gates
//	Build      what each live version sees of the physical catalog: a Snapshot of one Lens for each version
//
// [Migration.Encode] and [Decode] are its stored form, and of that the digest is made: two files that mean the same are the
// same migration. [Mend] says what would give a database back the names that the phases imply, where somebody has changed
// them by hand.
//
// # How it is done
//
// An operation is a file (rename_column.go, rename_table.go) behind the interface [Operation], and a line in the list of
// kinds. It applies itself to a logical schema and takes itself back; everything else is derived from that. A schema
// (schema.go) is kept as differences from the physical one, tables by OID and columns by attnum, so that a name can change
// hands. A timeline (timeline.go) takes the migrations in phase Cutover back from the physical schema, newest first, which
// gives the base, and applies all live ones in order: one schema for each version, and of each a lens.
//
// # Invariants
//
//   - No name means two things in the physical schema and the live versions together. Validate refuses what would break it,
//     Build what already does. So a text that comes too late fails, and never lies.
//   - Every lens of a snapshot has an entry for every table that any live migration touches, descendants included.
//   - A Snapshot and all that hangs on it is immutable and shared: who has the same pointer has the same meaning of names.
//   - A Migration is not: whoever loads one owns it. Operations never change.
//   - Nothing outside of this package asks of which kind an operation is.
//
// # Errors
//
// A [*FileError] (several are [FileErrors]) is a mistake in a rule file, a [*MismatchError] a database that contradicts the
// stored phases, an [*OrderError] a migration that has to wait for another.
package rules
