package rules

import (
	"time"
)

// Base names the schema version before the first live migration.
const Base = "base"

// Phase is where a migration stands.
type Phase string

// The phases, in order; RolledBack can follow any of the first three.
const (
	Draft      Phase = "draft"
	Active     Phase = "active"
	Cutover    Phase = "cutover"
	Contracted Phase = "contracted"
	RolledBack Phase = "rolled_back"
)

// Live tells whether the migration keeps two versions alive: active or cutover.
func (p Phase) Live() bool { return p == Active || p == Cutover }

// A Name is the name of a table, already folded as SQL folds it.
type Name struct {
	Schema string `json:"schema"`
	Name   string `json:"name"`
}

// A Migration is one rule file and where it stands.
type Migration struct {
	ID            string
	Operations    []Operation
	ContractAfter time.Duration // silence of the old names that contract demands
	Waive         []Waiver
	Source        string // the rule file as given
	Digest        string // of the meaning of the rule file: the same digest is the same migration

	Phase     Phase
	Seq       int64 // order of creation, by which versions are ordered
	CreatedAt time.Time
	UpdatedAt time.Time

	origin *origin
}

// A Waiver accepts a finding of assess.
type Waiver struct {
	ID     string `json:"id" yaml:"id"`
	Reason string `json:"reason" yaml:"reason"`
}

// An Operation is one change of a rule file: RenameColumn or RenameTable.
type Operation interface {
	// Target is the table as it is called before this operation is applied.
	Target() Name
	operation()
}

// RenameColumn renames a column of a table; From and To are folded as SQL folds them.
type RenameColumn struct {
	Table    Name   `json:"table"`
	From, To string `json:"-"`
}

// RenameTable renames a table within its schema.
type RenameTable struct {
	From Name   `json:"from"`
	To   string `json:"to"`
}

// Target implements Operation.
func (o RenameColumn) Target() Name { return o.Table }

// Target implements Operation.
func (o RenameTable) Target() Name { return o.From }

func (RenameColumn) operation() {}
func (RenameTable) operation()  {}
