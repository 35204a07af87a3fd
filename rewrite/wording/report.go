package wording

import "github.com/seguedb/segue/rules"

// A Report is what a server says in an error or notice, by the fields of the protocol that can hold names of tables and
// columns, and those that tell what the others mean. All texts are UTF-8.
type Report struct {
	Code       string // SQLSTATE. What is about the other side of a change has the one that it would have for the version
	Routine    string // the server's function that has raised it
	Message    string
	Detail     string
	Hint       string
	Where      string // the context
	Schema     string
	Table      string
	Column     string
	Constraint string
	Position   int // 1-based, in characters; 0 for none

	Query         string // the internal query
	QueryPosition int    // in Query
}

// Names is what a text's errors are translated with. The zero value translates nothing.
type Names struct {
	Snap *rules.Snapshot
	Lens *rules.Lens
	Path []string // the session's search_path; nil when it is not known
}
