// Package syntax reads SQL by PostgreSQL's lexical rules and writes names and constants by them, without knowing what either
// mean: tokens, which place what the parser gives no location for, identifiers and their quotes, and positions as errors
// count them. [Parse] and [Scan] are the way to the parser, which is C and cannot be interrupted: they bound what it is given.
//
// Texts are UTF-8, and offsets count bytes, if nothing else is said.
package syntax
