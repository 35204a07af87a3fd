package assess

import (
	"time"

	"github.com/seguedb/segue/rules"
)

// Severity says what a finding means for the transitions to come.
type Severity string

// The severities.
const (
	Block Severity = "error"   // a transition on the way to contracted will be refused
	Warn  Severity = "warning" // it will not be refused, but somebody will notice; a rule file can waive it
	Note  Severity = "info"    // to know, or a warning that was waived
)

// A Finding is a hazard that one object of the database has.
type Finding struct {
	ID       string        `json:"id"` // of the hazard
	Group    Group         `json:"group"`
	Severity Severity      `json:"severity"`
	Object   string        `json:"object"` // About in words; a waiver can name it
	About    Object        `json:"about"`
	Message  string        `json:"message"`            // one sentence
	Hint     string        `json:"hint,omitempty"`     // what to do
	HintCLI  string        `json:"hint_cli,omitempty"` // the same in commands and flags, where that differs
	Mend     []string      `json:"mend,omitempty"`     // statements that take it away, in order
	Blocks   []rules.Phase `json:"blocks,omitempty"`   // that the migration cannot get to while it is so
	Sessions []Blocker     `json:"sessions,omitempty"` // that it is about
	Waived   string        `json:"waived,omitempty"`   // the reason for which the rule file accepts it

	line string // how a refusal tells it; "" for Message
}

// An Object is what a finding is about.
type Object struct {
	Kind ObjectKind `json:"kind"`
	Name string     `json:"name"` // as SQL writes it, with its schema; of a session its pid
}

// ObjectKind is what sort of thing an object is.
type ObjectKind string

// The kinds of objects. Others are what the server's own words make them: "generated column", "condition of trigger" …
const (
	Table      ObjectKind = "table"
	Role       ObjectKind = "role"
	Migration  ObjectKind = "migration"
	Transition ObjectKind = "transition"
	Name       ObjectKind = "name"
	Column     ObjectKind = "column"
	Instance   ObjectKind = "instance"
	Backend    ObjectKind = "pid"
	Prepared   ObjectKind = "prepared transaction"
	App        ObjectKind = "app"
	Function   ObjectKind = "function"
	Procedure  ObjectKind = "procedure"
	Trigger    ObjectKind = "trigger"
)

// String is the object in words. What tables, columns, roles, migrations and transitions are is clear from their names.
func (o Object) String() string {
	switch o.Kind {
	case Table, Column, Role, Migration, Transition, Name, "":
		return o.Name
	}
	return string(o.Kind) + " " + o.Name
}

// A Blocker is a session that keeps a transition from happening, or, with PID 0, a prepared transaction.
type Blocker struct {
	PID         uint32    `json:"pid"`
	User        string    `json:"user"`
	Application string    `json:"application_name"`
	Address     string    `json:"client_addr,omitempty"`
	Query       string    `json:"query"`
	State       string    `json:"state,omitempty"` // as pg_stat_activity says: active, idle in transaction …
	AgeSeconds  float64   `json:"age_seconds"`
	Since       time.Time `json:"since,omitzero"`   // when its transaction began, if that may be read
	Instance    string    `json:"instance"`         // through which it comes
	Direct      bool      `json:"direct,omitempty"` // it comes through no instance
	Why         string    `json:"why"`

	// Of those who hold locks. Who waits for another one is a victim: when that one ends, it goes on.
	WaitsFor []uint32 `json:"waits_for,omitempty"` // the sessions at the head of the queue; 0: a prepared transaction
	Waiting  int      `json:"waiting,omitempty"`   // how many sessions wait for this one
	End      string   `json:"end,omitempty"`       // the statement that ends it
}
