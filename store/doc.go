// Package store keeps what the instances of Segue share: plain tables in the schema segue of the database that they serve.
// It says which rows there are and how they are read and written; when that is done, and what follows from it, is the
// protocol of package migrate.
//
// # Tables
//
//	segue.format      how many steps of the schema have been run (install.go, schema.go)
//	segue.epoch       the number that moves with every change of what is served; its row lock orders those changes
//	segue.migration   rule files and their phases
//	segue.transition  the one change of phase that is pending, with its gate
//	segue.instance    the instances: heartbeat, lease, what each has acknowledged and what it reports
//	segue.holder      which server process has what only one session may have
//	segue.usage       which names are used, by whom, and when last
//	segue.audit       the history
//	segue.names       names of tables and columns as versions see them, for statements on the system catalogs to refer to
//
// segue.backfill is kept for operations that copy rows. [Install] makes the schema and upgrades it in place: a released step
// is never edited, a change is a further step. Before anything in the schema is touched, guard.go makes sure that all of it
// is the current role's own.
//
// # Conventions
//
//   - A function takes the connection, pool or transaction to work in, and never commits what the caller has begun: what
//     belongs together is committed together by the caller.
//   - Every name in a statement is qualified. The connections should have search_path set to pg_catalog all the same.
//   - A row that is asked for by its key and is not there gives an error that is [ErrNotStored]; so does a change that has to
//     meet its row (SetPhase, SetGate, DeleteMigration). What may be absent at any time is nil, or zero, and no error: the
//     pending transition, the last use of an old name, the heartbeat of an instance. What a leader writes about a transition
//     that was withdrawn meanwhile is written nowhere, and that is no error either.
//   - A bool result says whether the row was met: false is the ordinary answer to somebody who was too late.
//   - Times are the server's, never those of the instance's clock; durations are measured by the server, too.
//   - What clients and operators say is stored in every encoding (text.go). Where a name cannot be, see [Unstorable].
//
// All functions are as safe for concurrent use as the [DB] that they are given.
package store
