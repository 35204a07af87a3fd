package proof_test

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/seguedb/segue/test/checker/proof"
	"github.com/seguedb/segue/test/checker/wal"
)

// The rule of these tests: the new side is the old one with an x behind it. What begins with ? has no new side, and a new side
// without x no old one.
func rule() *proof.Rule {
	return &proof.Rule{Name: "r", Columns: [2][]string{{"a"}, {"b"}}, Derive: func(from proof.Side, t proof.Tuple, _ proof.Rows) (proof.Tuple, bool) {
		if !t[0].Set {
			return t, true
		}
		if from == proof.Old {
			return proof.Tuple{wal.Text(t[0].Text + "x")}, !strings.HasPrefix(t[0].Text, "?")
		}
		s, ok := strings.CutSuffix(t[0].Text, "x")
		return proof.Tuple{wal.Text(s)}, ok
	}}
}

// A scene is a history that is made by hand: the log, and what clients say of it.
type scene struct {
	t       *testing.T
	rule    *proof.Rule
	history *proof.History
	log     []wal.Transaction
	rows    map[string]wal.Image
}

// on begins with a table that is kept in step.
func on(t *testing.T) *scene {
	s := &scene{t: t, rule: rule(), history: proof.NewHistory(), rows: map[string]wal.Image{}}
	s.lens(proof.Lens{Rule: "r", Tables: []string{"public.r"}, Columns: [2][]string{{"a"}, {"b"}}, Marker: "m"})
	return s
}

func (s *scene) lens(l proof.Lens) {
	text, err := json.Marshal(l)
	if err != nil {
		s.t.Fatal(err)
	}
	s.log = append(s.log, wal.Transaction{Events: []wal.Event{{Kind: wal.Message, Prefix: proof.LensPrefix, Content: string(text)}}})
}

// row is an image: the values of a, b and the marker, the last of which may be followed by a tag.
func row(id, a, b, marker, tag string) wal.Image {
	value := func(s string) wal.Value {
		if s == "NULL" {
			return wal.Null
		}
		return wal.Text(s)
	}
	return wal.Image{"id": wal.Text(id), "a": value(a), "b": value(b), "m": wal.Text(marker), "tag": value(tag)}
}

// writes commits a write of row 1 by an operation, or by nobody if op is nil.
func (s *scene) writes(op *proof.Op, a, b, marker string) {
	id := "0"
	tag := "NULL"
	if old, ok := s.rows["1"]; ok {
		tag = old["tag"].String()
	}
	if op != nil {
		id = strconv.FormatInt(op.ID, 10)
		tag = id
	}
	e := wal.Event{Kind: wal.Insert, Table: "public.r", Old: s.rows["1"], New: row("1", a, b, marker, tag)}
	if e.Old != nil {
		e.Kind = wal.Update
	}
	s.rows["1"] = e.New
	s.log = append(s.log, wal.Transaction{Events: []wal.Event{{Kind: wal.Message, Prefix: proof.OpPrefix, Content: id}, e}})
}

// op is an acknowledged operation of one row of a side, by a version.
func (s *scene) op(side proof.Side, effect func(before proof.Tuple) proof.Tuple) *proof.Op {
	op := &proof.Op{ID: s.history.Number(), Session: "test", Rule: "r", Side: side, Outcome: proof.Committed, Rows: 1}
	if effect != nil {
		op.Effect = func(_ string, before proof.Tuple) proof.Tuple { return effect(before) }
	}
	s.history.Add(op)
	return op
}

func sets(v string) func(proof.Tuple) proof.Tuple {
	return func(proof.Tuple) proof.Tuple { return proof.Tuple{wal.Text(v)} }
}

func appends(v string) func(proof.Tuple) proof.Tuple {
	return func(before proof.Tuple) proof.Tuple { return proof.Tuple{wal.Text(before[0].Text + v)} }
}

func keeps(before proof.Tuple) proof.Tuple { return before }

func (s *scene) anomalies() []proof.Anomaly {
	return proof.Prove([]*proof.Rule{s.rule}, s.history, s.log)
}

func TestAHistoryWithoutFaultHasNoAnomaly(t *testing.T) {
	t.Parallel()
	s := on(t)
	s.writes(s.op(proof.Old, sets("1")), "1", "1x", "1")
	s.writes(s.op(proof.New, sets("2x")), "2", "2x", "-1")
	s.writes(s.op(proof.Old, appends("3")), "23", "23x", "1")
	s.writes(s.op(proof.Old, keeps), "23", "23x", "1")
	s.writes(nil, "23", "23x", "-1")
	read := s.op(proof.New, nil)
	read.Rows, read.Begun = -1, time.Hour
	read.Reads = []proof.Read{{ID: "1", Tag: "4", Tuple: proof.Tuple{wal.Text("23x")}}}
	for _, a := range s.anomalies() {
		t.Error(a)
	}
}

// A trigger of the user's takes trailing blanks. What an upsert takes from its new row has gone through it, and may so be what is
// there already, which alters nothing.
func TestWhatAnUpsertTakesFromItsNewRowHasGoneThroughTheTriggers(t *testing.T) {
	t.Parallel()
	for _, excluded := range []bool{true, false} {
		s := on(t)
		s.rule.Lossy = true
		s.rule.Assigned = func(_ proof.Side, t proof.Tuple) proof.Tuple {
			return proof.Tuple{wal.Text(strings.ReplaceAll(t[0].Text, " ", ""))}
		}
		s.rule.Derive = func(from proof.Side, t proof.Tuple, _ proof.Rows) (proof.Tuple, bool) {
			if from == proof.Old {
				return proof.Tuple{wal.Text(t[0].Text[:1])}, true
			}
			return proof.Tuple{wal.Text(t[0].Text + "!")}, true
		}
		s.writes(s.op(proof.Old, sets("1")), "1", "1", "1")
		op := s.op(proof.New, sets("1 "))
		op.Excluded = excluded
		s.writes(op, "1", "1", "1")
		switch found := s.anomalies(); {
		case excluded && len(found) > 0:
			t.Errorf("a row keeps what was saved unchanged, and that is called %v", found)
		case !excluded && len(found) == 0:
			t.Error("a write that the other side does not follow is not found")
		}
	}
}

func TestEachBrokenPromiseIsFound(t *testing.T) {
	t.Parallel()
	start := func(s *scene) { s.writes(s.op(proof.Old, sets("1")), "1", "1x", "1") }
	tests := []struct {
		name string
		do   func(s *scene)
		want proof.Kind
	}{
		{"the new side does not follow", func(s *scene) { s.writes(s.op(proof.Old, sets("2")), "2", "1x", "1") }, proof.NotInStep},
		{"the other side wins", func(s *scene) { s.writes(s.op(proof.New, sets("2x")), "1", "1x", "1") }, proof.PutGet},
		{"an append is lost", func(s *scene) {
			s.writes(s.op(proof.Old, appends("2")), "12", "12x", "1")
			s.writes(s.op(proof.New, func(before proof.Tuple) proof.Tuple {
				return proof.Tuple{wal.Text(strings.TrimSuffix(before[0].Text, "x") + "3x")}
			}), "13", "13x", "1")
		}, proof.PutGet},
		{"saving changes the other side", func(s *scene) {
			s.rule.Lossy = true
			s.writes(s.op(proof.Old, keeps), "1", "?", "1")
		}, proof.GetPut},
		{"a backfill changes a value", func(s *scene) { s.writes(nil, "2", "2x", "-1") }, proof.SilentChange},
		{"a backfill fills with something else", func(s *scene) {
			s.writes(s.op(proof.Old, sets("1")), "1", "NULL", "0")
			s.writes(nil, "1", "2x", "1")
		}, proof.SilentChange},
		{"DDL changes a value", func(s *scene) {
			s.rows["1"] = row("1", "5", "5x", "1", "1")
			s.writes(nil, "5", "5x", "-1")
		}, proof.SilentChange},
		{"a code is stored", func(s *scene) { s.writes(s.op(proof.Old, keeps), "1", "1x", "2") }, proof.WrongMarker},
		{"a row loses its mark", func(s *scene) { s.writes(s.op(proof.Old, keeps), "1", "1x", "0") }, proof.WrongMarker},
		{"what the old side cannot hold is kept", func(s *scene) { s.writes(s.op(proof.New, sets("2")), "2", "2", "1") }, proof.NotReversible},
		{"an acknowledged write is not there", func(s *scene) { s.op(proof.Old, sets("3")) }, proof.LostWrite},
		{"a write is there that was rolled back", func(s *scene) {
			op := s.op(proof.Old, sets("3"))
			op.Outcome = proof.RolledBack
			s.writes(op, "3", "3x", "1")
		}, proof.UndoneWrite},
		{"a value is read that is not there yet", func(s *scene) {
			s.writes(s.op(proof.Old, sets("1")), "1", "NULL", "0")
			read := s.op(proof.New, nil)
			read.Rows, read.Reads = -1, []proof.Read{{ID: "1", Tag: "2", Tuple: proof.Tuple{wal.Null}}}
		}, proof.NeverWritten},
		{"an old value is read", func(s *scene) {
			s.writes(s.op(proof.Old, sets("2")), "2", "2x", "1")
			read := s.op(proof.Old, nil)
			read.Rows, read.Begun, read.Reads = -1, time.Hour, []proof.Read{{ID: "1", Tag: "1", Tuple: proof.Tuple{wal.Text("1")}}}
		}, proof.StaleRead},
		{"a write fails without need", func(s *scene) {
			op := s.op(proof.Old, sets("2"))
			op.Outcome, op.Code = proof.Failed, "23514"
		}, proof.WrongError},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := on(t)
			start(s)
			tt.do(s)
			found := s.anomalies()
			for _, a := range found {
				if a.Kind == tt.want {
					return
				}
			}
			t.Errorf("not found: %q; found %s", tt.want, fmt.Sprint(found))
		})
	}
}

func TestARowIsLeftWhoseColumnsWereRenamedSinceItWasWritten(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		value string
		left  bool
	}{"it has no new side": {"?1", true}, "it has one": {"1", false}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := on(t)
			s.writes(s.op(proof.Old, sets(c.value)), c.value, "NULL", "0")
			tables := []string{"public.r"}
			s.lens(proof.Lens{Rule: "r", Tables: tables, Columns: [2][]string{{"hidden"}, {"b"}}, Marker: "m"}) // contracted
			s.lens(proof.Lens{Rule: "r", Tables: tables, Columns: [2][]string{{"a"}, nil}})                     // rolled back
			s.lens(proof.Lens{Rule: "r", Tables: tables, Columns: [2][]string{{"a"}, {"b"}}, Marker: "m", Defers: true})
			before := len(s.anomalies())
			s.lens(proof.Lens{Rule: "r", Tables: tables, Columns: [2][]string{{"a"}, {"b"}}, Marker: "m"})
			after := s.anomalies()[before:]
			if left := len(after) == 1 && after[0].Kind == proof.LeftOut; left != c.left {
				t.Errorf("left out is %v, want %v: %v", left, c.left, after)
			}
		})
	}
}

func TestARowThatHasMovedIsNotLeftWhereItWas(t *testing.T) {
	t.Parallel()
	s := on(t)
	parts := proof.Lens{Rule: "r", Tables: []string{"public.r", "public.r2"}, Columns: [2][]string{{"a"}, {"b"}}, Marker: "m", Defers: true}
	s.lens(parts)
	s.writes(s.op(proof.Old, sets("?1")), "?1", "NULL", "0")
	moved, filled := row("1", "?1", "NULL", "0", "1"), row("1", "1", "1x", "1", "NULL")
	s.log = append(s.log,
		wal.Transaction{Events: []wal.Event{{Kind: wal.Message, Prefix: proof.OpPrefix, Content: "0"},
			{Kind: wal.Delete, Table: "public.r", Old: s.rows["1"]}, {Kind: wal.Insert, Table: "public.r2", New: moved}}},
		wal.Transaction{Events: []wal.Event{{Kind: wal.Message, Prefix: proof.OpPrefix, Content: "0"}, {Kind: wal.Update, Table: "public.r2", Old: moved, New: filled}}})
	before := len(s.anomalies())
	parts.Defers = false
	s.lens(parts)
	if after := s.anomalies()[before:]; len(after) > 0 {
		t.Errorf("found %v", after)
	}
}
