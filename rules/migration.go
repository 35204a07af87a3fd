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

// Names lists the names that the operations end, in their order.
func (m *Migration) Names() (out []NameChange) {
	for _, op := range m.Operations {
		out = append(out, op.Names()...)
	}
	return out
}

// A Waiver accepts a finding of assess.
type Waiver struct {
	ID     string `json:"id" yaml:"id"`
	Object string `json:"object,omitempty" yaml:"object"` // "": of whatever object
	Reason string `json:"reason" yaml:"reason"`
}
