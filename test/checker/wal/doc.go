// Package wal reads from PostgreSQL's log what was committed: every row that was written, before and after, in the order in
// which the transactions were committed.
//
// That is a witness which nothing on the way to the table can influence or evade: not triggers and those that are disabled, not
// COPY, cascades, partition moves or the rows that an UPDATE wrote and a savepoint took back. Two writes of one row stand in the
// log in the order of their row lock.
//
// A writer says in the log what it is about to do, with Say; the words stand before the rows that it writes, and are gone with
// them when it is rolled back.
package wal
