package assess

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/seguedb/segue/catalog"
	"github.com/seguedb/segue/rules"
)

// DB is a connection, a transaction or a pool, of which questions are asked.
type DB interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

// A Subject is a migration with what is known of it and around it.
type Subject struct {
	Migration *rules.Migration
	All       []*rules.Migration // every stored one
	Catalog   *catalog.Catalog
	DB        DB
	Fleet     Fleet

	// To is the phase of the transition that asks. Empty: nobody asks for one, and what is found is what concerns the next
	// transitions.
	To     rules.Phase
	Accept Overrides
}

// Overrides is what a request for a transition accepts. It is not looked for, then.
type Overrides struct {
	Force       bool // stored bodies that break; old names that were used lately; sessions without a version
	AllowBypass bool // sessions that come through no instance
	EndSessions bool // sessions of a version that goes

	Differences []string // between the sides of a change, by the object that has no counterpart
}

// Fleet is what is known of clients at the moment of the question. Answers may be given twice.
type Fleet interface {
	// Clients lists the sessions that come through the instances. silent are the instances whose sessions are not known.
	Clients(ctx context.Context) (clients []Client, silent []Silent, err error)

	// Direct lists the sessions on the database that come through no instance. Why is who they are.
	Direct(ctx context.Context) ([]Blocker, error)

	// Holders lists who keeps the tables locked for longer than a gate may be closed, without those who wait for another one.
	// Why is a sentence.
	Holders(ctx context.Context, tables []catalog.OID) ([]Blocker, error)

	// LastOldUse is the last use of a name that goes with contract; nil when there was none.
	LastOldUse(ctx context.Context) (*Use, error)

	// Uses lists which names of the migration's tables were used, latest first.
	Uses(ctx context.Context) ([]Use, error)

	// Watched is for how long uses have been counted without interruption.
	Watched(ctx context.Context) (time.Duration, error)
}

// A Client is a session that comes through an instance.
type Client struct {
	PID         uint32
	User        string
	Application string
	Address     string
	Version     string   // "" when it has chosen none
	Needs       []string // versions whose names it has used, if it has chosen none
	Instance    string
	Refused     Refused
}

// Refused are the statements of a client that were not understood; none by the zero value.
type Refused struct {
	Count  int64
	Last   time.Time
	Reason string // of the last one
}

// Silent is an instance that does not say which sessions it has.
type Silent struct {
	Instance string
	Why      string // a sentence
}

// A Use is the use of one name in one version by one application.
type Use struct {
	Version     string
	Table       string // as the version calls it, with its schema
	Column      string // "" for the table's own name, "*" for all
	User        string // "" where there are so many that they are not told apart
	Application string
	Last        time.Time
	Ago         time.Duration // by the server's clock
}

// before tells whether the migration is not cut over: its next DDL is that of cutover.
func (s *Subject) before() bool { return s.Migration.Phase != rules.Cutover }

// direction is that of the DDL which the transition that asks has, or the next one that has any.
func (s *Subject) direction() rules.Direction {
	switch {
	case s.To == rules.Cutover, s.To == "" && s.before():
		return rules.Forward
	}
	return rules.Backward
}

// runs tells whether DDL is run on the way to the phase that is asked for.
func (s *Subject) runs() bool {
	return s.To == "" || len(rules.Statements(rules.Steps(s.Migration, s.Migration.Phase, s.To))) > 0
}

// tables lists the tables of the migration with all that inherit them; none of a draft that others have overtaken, for
// which another finding says so.
func (s *Subject) tables() ([]catalog.OID, error) {
	oids, err := rules.Affected(s.Migration, s.All, s.Catalog)
	if _, mismatch := errors.AsType[*rules.MismatchError](err); mismatch && !s.Migration.Phase.Live() {
		return nil, nil
	}
	return oids, err
}

// namesGone lists the names that no table and no column of the migration's tables has any more after its DDL.
func (s *Subject) namesGone() []string {
	type name struct {
		column bool
		name   string
	}
	var from, to []name
	for _, n := range s.Migration.Names() {
		from, to = append(from, name{n.Column, n.From}), append(to, name{n.Column, n.To})
	}
	if s.direction() == rules.Backward {
		from, to = to, from
	}
	var gone []string
	for _, n := range from {
		if !slices.Contains(to, n) && !slices.Contains(gone, n.name) {
			gone = append(gone, n.name)
		}
	}
	return gone
}
