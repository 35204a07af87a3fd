package checker

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"

	"github.com/seguedb/segue/rules"
	"github.com/seguedb/segue/test/checker/proof"
	"github.com/seguedb/segue/test/checker/wal"
)

// A Standing is how far a migration is, as the tables segue.migration and segue.change have it.
type Standing struct {
	Phase  rules.Phase           // empty: it is not stored
	Change *rules.ResolvedChange // nil: the database has nothing of a change of columns
}

// Stage is how far the database is; empty where it has nothing of the change.
func (s Standing) Stage() rules.Stage {
	if s.Change == nil {
		return ""
	}
	return s.Change.Stage
}

// phases are those of the checker's own operator for the stages of Segue.
var phases = map[rules.Stage]phase{
	rules.Watched: before, rules.Filling: filling, rules.Completing: completing, rules.Served: served, rules.Owned: owned,
	rules.Kept: contracted, rules.Settled: settled, rules.Withdrawn: withdrawn,
}

// lens says where the sides are.
func (m *Migration) lens(s Standing) (proof.Lens, phase) {
	columns := m.shape.Rule.Columns
	if m.Renames() { // both sides are the one column that there is
		name := columns[proof.Old]
		if s.Phase == rules.Cutover || s.Phase == rules.Contracted {
			name = columns[proof.New]
		}
		return proof.Lens{Rule: m.shape.Name, Tables: m.tables[:], Columns: [2][]string{name, name}}, before
	}
	if s.Change == nil {
		l := proof.Lens{Rule: m.shape.Name, Tables: m.shape.tables()}
		if s.Phase == rules.Contracted {
			l.Columns[proof.New] = columns[proof.New]
			return l, purged
		}
		l.Columns[proof.Old] = columns[proof.Old]
		return l, before
	}
	t := &table{Shape: m.shape, compiled: s.Change.Compiled()}
	p := phases[s.Change.Stage]
	return t.lens(p), p
}

// tableAt is what the table is called in the database.
func (m *Migration) tableAt(s Standing) string {
	if s.Phase == rules.Cutover || s.Phase == rules.Contracted {
		return m.tables[proof.New]
	}
	return m.tables[proof.Old]
}

// tell puts into the log, for who proves, where the sides are: it follows from the rows of Segue's own tables, which are
// written in the transaction that makes it so. The other tables of Segue's are left out.
func (m *Migration) tell(committed []wal.Transaction) ([]wal.Transaction, error) {
	var now Standing
	said := func() wal.Event {
		lens, _ := m.lens(now)
		text, err := json.Marshal(lens)
		if err != nil {
			panic(err) // strings can be marshalled
		}
		return wal.Event{Kind: wal.Message, Prefix: proof.LensPrefix, Content: string(text)}
	}
	out := []wal.Transaction{{Events: []wal.Event{said()}}}
	for _, t := range committed {
		kept := wal.Transaction{XID: t.XID}
		moved := false
		for _, e := range t.Events {
			switch {
			case e.Table == "segue.migration":
				now.Phase, moved = rules.Phase(e.New["phase"].Text), true
			case e.Table == "segue.change":
				change, err := resolved(e.New)
				if err != nil {
					return nil, err
				}
				now.Change, moved = change, true
			case e.Kind == wal.Message || slices.Contains(m.tables[:], e.Table) || slices.Contains(m.shape.tables(), e.Table):
				kept.Events = append(kept.Events, e)
			}
		}
		if moved {
			kept.Events = append(kept.Events, said())
		}
		if len(kept.Events) > 0 {
			out = append(out, kept)
		}
	}
	return out, nil
}

// resolved reads a row of segue.change; nil where it is gone.
func resolved(row wal.Image) (*rules.ResolvedChange, error) {
	if row == nil {
		return nil, nil
	}
	protocol, err := strconv.Atoi(row["protocol"].Text)
	if err != nil {
		return nil, fmt.Errorf("the protocol of a change is %q", row["protocol"])
	}
	return rules.DecodeChange(protocol, rules.Stage(row["stage"].Text), []byte(row["description"].Text))
}
