// Package catalog holds what a database physically has: its relations, their columns, and the functions and types
// through which a row of a relation can be seen. It is read with a handful of queries (see Load), is immutable
// afterwards, and says nothing about migrations.
package catalog
