package rules

import (
	"encoding/json"
	"fmt"

	"go.yaml.in/yaml/v3"

	"github.com/seguedb/segue/catalog"
)

// An Operation is one change of a rule file. All that is particular to a kind of operation is in its own file, behind this
// interface: nothing else asks which kind it has before it. Operations are values and never change.
type Operation interface {
	// Kind is the operation's key in rule files, in its stored form and in the API.
	Kind() string

	// Target is the table as it is called before this operation is applied.
	Target() Name

	// Names lists the names that the operation ends, each with the one that it gives in its place; none if it changes no name.
	Names() []NameChange

	// Steps lists what is done when the migration goes from one phase to another. From and Phase are for Steps to fill in.
	Steps(from, to Phase) []Step

	// Rights are what the steps, in both directions, demand of a role beside being the target's owner.
	Rights() Rights

	// expanded reports whether the database has what the operation gives beside what it takes, before cutover too.
	expanded() bool

	// apply carries the operation out on a logical schema, or with undo takes it back, and returns the table that it was
	// about. The error says in one clause what the schema has in place of what the operation speaks of.
	apply(s *schema, undo bool) (*catalog.Relation, error)

	// validate checks the operation against the newest version and everything that is live; nil when it may be stored.
	validate(v *validator) *FileError
}

// A NameChange is a name of a table or of one of its columns that gives way to another.
type NameChange struct {
	Table    Name // as it is called before
	Column   bool // the name is that of a column, not of the table
	From, To string
}

// Rights are what a role needs beside the rights of a table's owner.
type Rights struct {
	OwnHeirs bool   // those of the owner of every table that inherits the table
	CreateIn string // CREATE on that schema; "" for none
}

// A kind is how operations of one kind are read.
type kind struct {
	key    string
	parse  func(p *parser, n *yaml.Node, path string) Operation // nil after a mistake
	decode func(stored []byte) (Operation, error)
}

// kinds has a line for each operation that this program knows, in the order in which people are told of them.
var kinds = []kind{
	{key: "rename_column", parse: parseRenameColumn, decode: decoded[RenameColumn]},
	{key: "rename_table", parse: parseRenameTable, decode: decoded[RenameTable]},
	{key: "change_columns", parse: parseChangeColumns, decode: decoded[ChangeColumns]},
	{key: "add_column", parse: parseAddColumn, decode: decoded[AddColumn]},
	{key: "drop_column", parse: parseDropColumn, decode: decoded[DropColumn]},
}

// OperationKinds lists the kinds of operations that this program knows.
func OperationKinds() []string {
	out := make([]string, len(kinds))
	for i, k := range kinds {
		out[i] = k.key
	}
	return out
}

// kindOf finds a kind by its key, or returns nil.
func kindOf(key string) *kind {
	for i := range kinds {
		if kinds[i].key == key {
			return &kinds[i]
		}
	}
	return nil
}

// unserved says what of the migration this program cannot serve; "" where there is nothing.
func (m *Migration) unserved() string {
	for _, c := range m.Changes() {
		switch {
		case c.Resolved() == nil && m.Phase.Live():
			return "a change of columns of which nothing is stored"
		case c.Resolved() != nil && c.Resolved().compiled == nil:
			return fmt.Sprintf("version %d of the protocol by which columns are changed", c.Resolved().Protocol)
		}
	}
	return ""
}

// decoded reads the stored form of an operation, which is that of its fields.
func decoded[T Operation](stored []byte) (Operation, error) {
	var op T
	err := json.Unmarshal(stored, &op)
	return op, err
}

// A storedOperation is an operation as segue.migration keeps it: an object with the kind as its only key.
type storedOperation struct{ Operation }

// MarshalJSON implements json.Marshaler.
func (o storedOperation) MarshalJSON() ([]byte, error) {
	return json.Marshal(map[string]Operation{o.Kind(): o.Operation})
}

// UnmarshalJSON implements json.Unmarshaler.
func (o *storedOperation) UnmarshalJSON(data []byte) error {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(data, &fields); err != nil {
		return err
	}
	for key, body := range fields {
		k := kindOf(key)
		if k == nil || len(fields) != 1 {
			break
		}
		var err error
		o.Operation, err = k.decode(body)
		return err
	}
	return fmt.Errorf("the operation %s is not known to this program; use a newer segue", data)
}
