// Package demo shows the whole product on one screen: a web shop on a throw-away PostgreSQL, an old and a new version of
// its app that read and write all the time through two instances, and a column and a table that are renamed under them.
// It counts everything that could go wrong, and Run fails when anything did.
package demo
