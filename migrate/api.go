package migrate

import (
	"errors"
	"fmt"
	"time"

	"github.com/seguedb/segue/assess"
	"github.com/seguedb/segue/rules"
)

// Kind names a transition.
type Kind string

// The transitions that can be asked for.
const (
	Activate Kind = "activate"
	Cutover  Kind = "cutover"
	Contract Kind = "contract"
	Rollback Kind = "rollback"
	Purge    Kind = "purge"
	Amend    Kind = "amend"
)

// Transitions that nobody asks for: they follow from each other when a change of columns has come so far.
const (
	Expand   Kind = "expand"   // the new columns are added, and kept in step
	Complete Kind = "complete" // no row can be left any more that is not filled
	Serve    Kind = "serve"    // the new version is served
	Settle   Kind = "settle"   // the new columns get their names
)

// A Request asks for a transition of one migration.
type Request struct {
	Kind        Kind          `json:"kind"`
	To          rules.Phase   `json:"to,omitempty"`           // of a rollback: Active, or empty for RolledBack
	Force       bool          `json:"force,omitempty"`        // override what can be overridden; needs Reason, and is audited
	Reason      string        `json:"reason,omitempty"`       //
	AllowBypass bool          `json:"allow_bypass,omitempty"` // contract although sessions bypass the instances
	EndSessions bool          `json:"end_sessions,omitempty"` // rollback, contract: end the sessions pinned to a version that goes
	Deadline    time.Duration `json:"deadline,omitempty"`     // give up after; 0: never
	Source      string        `json:"source,omitempty"`       // of an amend: the file with the corrected expressions
	File        string        `json:"file,omitempty"`         // and its name, for messages
	Actor       string        `json:"actor,omitempty"`        // for the audit

	AcceptDifferences []string `json:"accept_differences,omitempty"` // cutover although these of the old columns have no counterpart
}

// Status is a migration as the admin API shows it.
type Status struct {
	ID         string          `json:"id"`
	Phase      rules.Phase     `json:"phase"`
	Stage      rules.Stage     `json:"stage,omitempty"` // of a change of columns: how far the database is
	Operations []OperationView `json:"operations"`
	CreatedAt  time.Time       `json:"created_at"`
	UpdatedAt  time.Time       `json:"updated_at"`
	Pending    *Pending        `json:"pending,omitempty"` // the transition that is being tried
	Progress   *Progress       `json:"progress,omitempty"`
	WaitingFor []string        `json:"waiting_for,omitempty"`
	Blockers   []Blocker       `json:"blockers,omitempty"`
	NotServed  *Outage         `json:"not_served,omitempty"` // why statements on its tables are held
	Source     string          `json:"source,omitempty"`
}

// OperationView is an operation in words and in parts.
type OperationView struct {
	Kind  string `json:"kind"` // one of rules.OperationKinds
	Table string `json:"table"`
	From  string `json:"from"`
	To    string `json:"to"`
}

// Pending is a transition that has been asked for and is not over.
type Pending struct {
	Kind      Kind        `json:"kind"`
	To        rules.Phase `json:"to,omitempty"`
	Since     time.Time   `json:"since"`
	Attempts  int         `json:"attempts"`
	NextTry   time.Time   `json:"next_try,omitzero"`
	LastError string      `json:"last_error,omitempty"`
	Leader    string      `json:"leader,omitempty"`
	Holds     bool        `json:"holds"` // an attempt is under way, for which statements are held at this moment
}

// Progress of a backfill.
type Progress struct {
	Done    int64   `json:"done"`              // rows that it has filled; others fill some by writing them
	Total   int64   `json:"total"`             // rows, estimated
	Rate    float64 `json:"rate"`              // rows per second
	ETA     float64 `json:"eta_seconds"`       // to the end of this pass over the table
	Paused  bool    `json:"paused"`            // by somebody
	Waits   string  `json:"waits,omitempty"`   // what it waits for, or what is being done
	Failure string  `json:"failure,omitempty"` // why it has stopped, until it is resumed
	Brakes  *Brakes `json:"brakes,omitempty"`  // that somebody has set

	Deferred *Deferred   `json:"deferred,omitempty"` // rows for which up cannot be computed, and which are left for later
	Index    *IndexBuild `json:"index,omitempty"`    // that is being made, once the rows are filled
}

// IndexBuild is how far an index is that is being made for new columns. Done of Total is about its phase alone.
type IndexBuild struct {
	Name   string `json:"name"`   // as it will be called
	Of     string `json:"of"`     // the one on the old columns
	Number int    `json:"number"` // among All, from 1
	All    int    `json:"all"`
	Phase  string `json:"phase,omitempty"` // in PostgreSQL's words
	Done   int64  `json:"done"`            // blocks, rows, or transactions that are waited for
	Total  int64  `json:"total"`
}

// A Blocker is a session that keeps a transition from happening.
type Blocker = assess.Blocker

// Step is one line of a plan: what will be run, with its lock.
type Step struct {
	From      rules.Phase `json:"from"`
	Phase     rules.Phase `json:"phase"` // that the transition leads to
	SQL       string      `json:"sql,omitempty"`
	Lock      string      `json:"lock,omitempty"`
	Gated     bool        `json:"gated"`     // statements on the tables are held meanwhile
	Long      bool        `json:"long"`      // it takes time that grows with the rows
	Resumable bool        `json:"resumable"` // an attempt that was broken off is taken up where it ended
	Note      string      `json:"note,omitempty"`
}

// Event is one line of a migration's history.
type Event struct {
	At        time.Time `json:"at"`
	Migration string    `json:"migration"`
	Kind      string    `json:"kind"`               // created, attempt, failed, done, deleted …
	Detail    string    `json:"detail"`             //
	Actor     string    `json:"actor"`              //
	PauseMS   float64   `json:"pause_ms,omitempty"` // how long the gate was closed, measured by the leader
}

// Usage is the use of one name in one version, as segue.usage keeps it.
type Usage struct {
	Migration   string    `json:"migration"`
	Version     string    `json:"version"`
	Table       string    `json:"table"`
	Column      string    `json:"column,omitempty"`
	Old         bool      `json:"old"` // the name goes with contract
	Count       int64     `json:"count"`
	Last        time.Time `json:"last"`
	Sample      string    `json:"sample"`
	User        string    `json:"user"`
	Application string    `json:"application_name"`
}

// InstanceInfo is one row of segue.instance.
type InstanceInfo struct {
	ID        string    `json:"id"`
	Started   time.Time `json:"started"`
	Heartbeat time.Time `json:"heartbeat"`
	Epoch     int64     `json:"epoch"`
	Expired   bool      `json:"expired"`
	Self      bool      `json:"self"`
	Sessions  int       `json:"sessions"`
	NotServed *Outage   `json:"not_served,omitempty"` // why it holds the statements on tables under migration
}

// ErrNotFound is returned for a migration id that is not stored.
var ErrNotFound = errors.New("migration not found")

// ConflictError is a transition that cannot be had now: out of order, or with proofs missing.
type ConflictError struct {
	Message  string    // one sentence
	Hint     string    // what to do, for who uses the API
	HintCLI  string    // the same in commands and flags; empty where Hint says it
	Allowed  []Kind    // of a wrong order: the transitions that the phase allows instead
	Missing  []string  // proofs that contract lacks, each with its figure
	Blockers []Blocker // who is in the way
	Mend     []string  // statements that take away the cause, in order
}

func (e *ConflictError) Error() string {
	if e.Hint != "" {
		return fmt.Sprintf("%s (%s)", e.Message, e.Hint)
	}
	return e.Message
}
