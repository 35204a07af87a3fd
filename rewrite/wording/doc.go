// Package wording puts the errors and notices of a server into the names of a version: it knows how PostgreSQL words its
// messages, and decides of each name in one whether it is that of a table or column under migration.
package wording
