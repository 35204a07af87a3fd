package rules

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/seguedb/segue/catalog"
	"github.com/seguedb/segue/change"
)

// Protocols are the versions of what instances agree on about a change of columns: its codes, triggers, names and stages. An
// instance that finds another one stored cannot serve the change.
const (
	protocolAlone   = 2 // columns are added, or taken, and nothing is kept in step
	protocolSides   = 5 // two sides are kept in step. 1 was the same, but for the CHECKs and triggers once every row is filled
	protocolIndexed = 6 // as protocolSides, and the new side has indexes of its own. 4 was to 1 what this is to protocolSides
	protocolBeside  = 7 // any of them, beside other operations about the same table. 3 was so of those that have gone
	protocolDefers  = 8 // any of them, where rows for which up cannot be computed are left and listed
)

// protocols are all that this program can serve.
var protocols = []int{protocolAlone, protocolSides, protocolIndexed, protocolBeside, protocolDefers}

// protocolOf is the version by which a change is made.
func protocolOf(c change.Change) int {
	switch {
	case c.Alone():
		return protocolAlone
	case c.Defer:
		return protocolDefers
	case len(c.Indexes) > 0:
		return protocolIndexed
	}
	return protocolSides
}

// A Stage is how far a change of columns has come in the database.
type Stage string

// The stages, in order; Withdrawn follows a rollback from any of them.
const (
	Watched    Stage = "watched"    // statements on the table are looked at, and the database has nothing of the change yet
	Filling    Stage = "filling"    // both sides are there and kept in step, and rows have to be filled
	Completing Stage = "completing" // whoever writes a row that is not filled fills it
	Served     Stage = "served"     // proved to be complete; both versions are served
	Owned      Stage = "owned"      // the new side owns the truth
	Kept       Stage = "kept"       // the old side is hidden, and still kept in step
	Settled    Stage = "settled"    // as Kept, and the new side has its own names in the database
	Withdrawn  Stage = "withdrawn"  // taken back; the new side is hidden, and not kept in step any more
)

// A ResolvedChange is a change of columns as the database has it: names, types and expressions as its server has them.
// It is stored when the change is made and never changes but for its stage.
type ResolvedChange struct {
	Protocol int
	Stage    Stage
	change   change.Change
	compiled *change.Compiled // by the names that the database has until cutover; nil where the protocol is another one
	renamed  *change.Compiled // by those that it has from then on
}

// NewResolvedChange is a change in a stage.
func NewResolvedChange(c change.Change, stage Stage) (*ResolvedChange, error) {
	compiled, err := change.Compile(c)
	if err != nil {
		return nil, err
	}
	return &ResolvedChange{Protocol: protocolOf(c), Stage: stage, change: compiled.Change, compiled: compiled, renamed: compiled}, nil
}

// DecodeChange reads what Encode has written. Of another protocol nothing is understood but that it is another one.
func DecodeChange(protocol int, stage Stage, stored []byte) (*ResolvedChange, error) {
	if !slices.Contains(protocols, protocol) {
		return &ResolvedChange{Protocol: protocol, Stage: stage}, nil
	}
	var c change.Change
	if err := json.Unmarshal(stored, &c); err != nil {
		return nil, fmt.Errorf("the stored form of the change cannot be read: %w", err)
	}
	return NewResolvedChange(c, stage)
}

// Encode is the change without its stage, as it is stored.
func (r *ResolvedChange) Encode() ([]byte, error) { return json.Marshal(r.change) }

// Compiled makes the statements of the change, by the names that the database has in its stage; nil where the protocol is another one.
func (r *ResolvedChange) Compiled() *change.Compiled {
	switch r.Stage {
	case Owned, Kept, Settled:
		return r.renamed
	}
	return r.compiled
}

// At is the same change in another stage.
func (r *ResolvedChange) At(stage Stage) *ResolvedChange {
	other := *r
	other.Stage = stage
	return &other
}

// Reuses reports whether the new side takes a name of the old one.
func (r *ResolvedChange) Reuses() bool {
	return slices.ContainsFunc(r.compiled.New, func(c change.Column) bool { return c.Physical != c.Name })
}

// reuses reports whether a change of the migration has given the name of an old column to a new one, and the old one is kept.
func (m *Migration) reuses() bool {
	return slices.ContainsFunc(m.Changes(), func(c Change) bool {
		r := c.Resolved()
		return r != nil && r.compiled != nil && r.Reuses()
	})
}

// after is the stage to which a transition to a phase leads.
func (r *ResolvedChange) after(to Phase) Stage {
	switch {
	case to == Cutover:
		return Owned
	case to == Active:
		return Served // it comes from Cutover; from a draft there is nothing resolved that is stored
	case to == Contracted && r.Reuses():
		return Kept
	case to == Contracted:
		return Settled
	}
	return Withdrawn
}

// Unfinished is the earliest stage of the migration's changes while its version cannot be served for them, or its new names
// have not been given; "" otherwise.
func (m *Migration) Unfinished() Stage {
	for _, stage := range []Stage{Watched, Filling, Completing, Kept} {
		for _, c := range m.Changes() {
			if c.Resolved() != nil && c.Resolved().Stage == stage {
				return stage
			}
		}
	}
	return ""
}

// Leftovers reports whether the database holds columns of a change that purge drops.
func (m *Migration) Leftovers() bool {
	for _, c := range m.Changes() {
		if c.Resolved() != nil && !m.Phase.Live() {
			return true
		}
	}
	return false
}

// servable reports whether the version that the migration makes can be served: what it changes is complete.
func (m *Migration) servable() bool {
	for _, c := range m.Changes() {
		if r := c.Resolved(); r == nil || !r.filled() {
			return false
		}
	}
	return true
}

// filled reports whether the database has proved that no row is left to be filled.
func (r *ResolvedChange) filled() bool {
	return r.Stage != Watched && r.Stage != Filling && r.Stage != Completing
}

// there reports whether the database has both sides.
func (r *ResolvedChange) there() bool { return r != nil && r.Stage != Watched }

// apply carries the change out on the schema of the version before it, or with undo makes that schema of what the database has.
func (r *ResolvedChange) apply(s *schema, table *catalog.Relation, undo bool) error {
	c := r.Compiled()
	if c == nil {
		return fmt.Errorf("the change was begun by another release")
	}
	for _, side := range []struct {
		columns    []change.Column
		shown, old bool
	}{{c.Old, undo, true}, {c.New, !undo, false}} {
		for _, col := range side.columns {
			at := table.Column(col.Physical)
			if at == nil {
				return fmt.Errorf("table %s should have a column %s, but has none of that name", Name{table.Schema, table.Name}, showIdentifier(col.Physical))
			}
			name := col.Name
			if side.old { // which has the name that its version gives it, until contract
				name = s.columnName(table, at)
			}
			s.show(table, at, name, side.shown)
		}
	}
	if !c.Alone() && table.Column(c.Marker()) == nil {
		return fmt.Errorf("table %s should have a column %s, but has none of that name", Name{table.Schema, table.Name}, c.Marker())
	}
	r.serve(s, table, served{c, !undo, r.Stage == Owned, r.filled()})
	return nil
}

// serve has the table and its descendants show one side.
func (r *ResolvedChange) serve(s *schema, table *catalog.Relation, side served) {
	for _, oid := range append([]catalog.OID{table.OID}, s.cat.Descendants(table.OID)...) {
		all := slices.DeleteFunc(slices.Clone(s.serves[oid]), func(o served) bool { return o.change.Key == side.change.Key })
		all = append(all, side)
		slices.SortFunc(all, func(a, b served) int { return strings.Compare(a.change.Key, b.change.Key) })
		s.serves[oid] = all
	}
}

// leave gives the names that a version uses to what a change has left that is not live any more.
func (c Change) leave(s *schema) (*catalog.Relation, error) {
	left, phase := c.Resolved(), Contracted
	if left.Stage == Withdrawn {
		phase = RolledBack
	}
	table := c.Table(phase)
	r, err := s.find(table)
	if err != nil || left.compiled == nil || left.Stage == Withdrawn {
		return r, err
	}
	if left.Stage == Settled {
		left.serve(s, r, served{left.renamed.Settled(), true, true, true})
		return r, nil
	}
	left.serve(s, r, served{left.renamed.Contracted(), true, true, true})
	for _, col := range left.renamed.New {
		at := r.Column(col.Physical)
		if at == nil {
			return nil, fmt.Errorf("table %s should have a column %s, but has none of that name", table, showIdentifier(col.Physical))
		}
		s.show(r, at, col.Name, true)
	}
	return r, nil
}

// StageSteps lists what takes a migration's changes to a stage within a phase: Filling, Completing, Served or Settled.
func StageSteps(m *Migration, to Stage) []Step {
	var out []Step
	for _, c := range m.Changes() {
		r := c.Resolved()
		if r == nil || r.compiled == nil {
			continue
		}
		var sql []string
		switch to {
		case Filling:
			sql = r.compiled.Expand()
		case Completing:
			sql = r.compiled.Complete()
		case Served:
			sql = r.compiled.Serve()
		case Settled:
			sql = r.renamed.Settle()
		}
		out = append(out, gatedSteps(m.Phase, m.Phase, sql)...)
	}
	return out
}

// PurgeSteps lists what drops everything that the migration's changes have left.
func PurgeSteps(m *Migration) []Step {
	var out []Step
	for _, c := range m.Changes() {
		switch r := c.Resolved(); {
		case r == nil || r.compiled == nil:
		case r.Stage == Withdrawn:
			out = append(out, gatedSteps(m.Phase, m.Phase, r.compiled.PurgeRolledBack())...)
		case r.Stage == Settled:
			out = append(out, gatedSteps(m.Phase, m.Phase, r.renamed.Purge())...)
		}
	}
	return out
}

func gatedSteps(from, to Phase, sql []string) []Step {
	out := make([]Step, len(sql))
	for i, s := range sql {
		out[i] = Step{From: from, Phase: to, SQL: s, Lock: AccessExclusive, Gated: true}
	}
	return out
}

// Stages lists the stages of the migration's changes: two migrations are equal for those who serve them only if these are.
func (m *Migration) Stages() string {
	var b strings.Builder
	for _, c := range m.Changes() {
		if r := c.Resolved(); r != nil {
			fmt.Fprintf(&b, "%d %s %s;", r.Protocol, r.change.Key, r.Stage)
		}
	}
	return b.String()
}

// After lists the migration's changes, by the operation, as they are when a transition to a phase is done; nil is one that leaves
// nothing in the database.
func (m *Migration) After(to Phase) map[int]*ResolvedChange {
	out := map[int]*ResolvedChange{}
	for _, c := range m.Changes() {
		if r := c.Resolved(); r != nil {
			out[c.Place] = r.at(r.after(to), !to.Live())
		}
	}
	return out
}

// AtStage lists the migration's changes, by the operation, as they are when all that can come to a stage have. One that has
// columns on one side only is served as soon as the database has them.
func (m *Migration) AtStage(stage Stage) map[int]*ResolvedChange {
	out := map[int]*ResolvedChange{}
	for _, c := range m.Changes() {
		switch r := c.Resolved(); {
		case r == nil: // it was over before the others are
		case r.change.Alone() && (stage == Filling || stage == Served):
			out[c.Place] = r.At(Served)
		case r.change.Alone():
			out[c.Place] = r
		default:
			out[c.Place] = r.At(stage)
		}
	}
	return out
}

// at is At, or nil where the change is over and leaves nothing.
func (r *ResolvedChange) at(stage Stage, over bool) *ResolvedChange {
	if over && r.compiled != nil && r.compiled.Empties(stage != Withdrawn) {
		return nil
	}
	return r.At(stage)
}
