// Package resolve asks a server what the expressions of a change mean: whether names are there and types fit, what they depend
// on, and how they are written with every name qualified. It asks in a transaction that is rolled back.
package resolve
