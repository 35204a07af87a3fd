package ast

import "google.golang.org/protobuf/proto"

// Returns is the RETURNING clause of INSERT, UPDATE, DELETE or MERGE.
type Returns struct {
	Exprs    *[]*Node        // the list of the tree itself; empty where there is no clause
	Old, New string          // the names that it gives to rows as they were and as they are; "" where it gives none
	Nodes    []proto.Message // the clause, and what gives the names
}
