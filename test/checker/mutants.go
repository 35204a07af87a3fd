package checker

import (
	"context"

	"github.com/seguedb/segue/change"
	"github.com/seguedb/segue/test/checker/proof"
)

// A Mutant is a guard and what goes wrong without it.
type Mutant struct {
	Guard    change.Guard // one of package change, or one that is up to who uses it
	What     string       // one sentence
	Want     proof.Kind   // an anomaly that is found
	shape    func() *Shape
	scenario func(*script)
}

// Play runs the scenario in a database that was prepared, with or without the guard.
func (m Mutant) Play(ctx context.Context, url string, guarded bool) ([]proof.Anomaly, error) {
	return play(ctx, url, m.shape(), m.scenario, m.Guard, guarded)
}

// Rejected writes.
const checkViolation = "23514"

// Mutants are all guards, each with a scenario that needs it.
func Mutants() []Mutant { return append(inSQL(), beside()...) }

// inSQL are the guards of package change.
func inSQL() []Mutant {
	return []Mutant{
		{change.FirstTrigger, "nothing follows what the old side is given", proof.WrongError, money, func(s *script) {
			s.hand("old", proof.Old, Plain).inserts("100")
			s.to(served)
			s.hand("old", proof.Old, Plain).sets("200")
		}},
		{change.LastTrigger, "what a user's trigger assigns is not followed", proof.WrongError, triggered, func(s *script) {
			s.hand("old", proof.Old, Plain).inserts("anna b")
			s.to(served)
			s.hand("new", proof.New, Code).setsOne(0, "BO")
		}},
		{change.FirstInOrder, "a user's trigger sees the old side as it was before the write", proof.PutGet, triggered, func(s *script) {
			s.hand("old", proof.Old, Plain).inserts("anna b")
			s.to(served)
			s.hand("new", proof.New, Code).setsOne(0, "BO")
		}},
		{change.LastInOrder, "what a user's trigger assigns after the last trigger is not followed", proof.NotInStep, triggered, func(s *script) {
			s.hand("old", proof.Old, Plain).inserts("anna b")
			s.to(served)
			s.hand("old", proof.Old, Plain).sets("BO C")
		}},
		{change.AlwaysEnabled, "a worker that applies changes of another database writes one side alone", proof.WrongError, money, func(s *script) {
			s.hand("old", proof.Old, Plain).inserts("100")
			s.to(served)
			s.hand("apply", proof.Old, Plain, replica).sets("200")
		}},
		{change.Code, "a NULL that the new version gives is taken for nothing given", proof.PutGet, money, func(s *script) {
			s.to(served)
			s.hand("new", proof.New, Code).inserts(null)
		}},
		{change.CodeCheck, "a code is stored while triggers are disabled", proof.WrongMarker, money, func(s *script) {
			s.hand("old", proof.Old, Plain).inserts("100")
			s.to(served)
			s.exec("ALTER TABLE " + s.table.table() + " DISABLE TRIGGER USER")
			new := s.hand("new", proof.New, Code)
			new.update(set(s.table.Types[proof.New], tuple([]string{"2.00"})), checkViolation)
		}},
		{change.FlipTest, "sides that do not belong together are said to be in step", proof.NotInStep, floats, func(s *script) {
			s.hand("old", proof.Old, Plain).inserts("1.5")
			s.to(served)
			s.hand("liar", proof.Old, Plain).lies("2.5", "3.5")
		}},
		{change.FlipTurns, "a flip stays in the row, and the next write is taken for one", proof.WrongError, money, func(s *script) {
			s.hand("old", proof.Old, Plain).inserts("100")
			s.to(served)
			s.hand("new", proof.New, Flip).sets("2.00")
			s.hand("old", proof.Old, Plain).sets("300")
		}},
		{change.StepCheck, "one side is written while triggers are disabled and rows are filled", proof.NotInStep, money, func(s *script) {
			s.to(filling)
			s.hand("old", proof.Old, Plain).inserts("100")
			s.exec("ALTER TABLE " + s.table.table() + " DISABLE TRIGGER USER")
			s.hand("old", proof.Old, Plain).update(set(s.table.Types[proof.Old], tuple([]string{"200"})), checkViolation)
		}},
		{change.ServedCheck, "one side is written while triggers are disabled", proof.NotInStep, money, func(s *script) {
			s.hand("old", proof.Old, Plain).inserts("100")
			s.to(served)
			s.exec("ALTER TABLE " + s.table.table() + " DISABLE TRIGGER USER")
			s.hand("old", proof.Old, Plain).update(set(s.table.Types[proof.Old], tuple([]string{"200"})), checkViolation)
		}},
		{change.ImageCompare, "a value that is equal and prints otherwise is not followed", proof.WrongError, prices, func(s *script) {
			s.hand("old", proof.Old, Plain).inserts("1.0")
			s.to(served)
			s.hand("old", proof.Old, Plain).sets("1.00")
		}},
		{change.Completion, "half of a new side that is not filled is taken for the whole", proof.PutGet, names, func(s *script) {
			s.hand("old", proof.Old, Plain).inserts("Anna B")
			s.to(filling)
			s.hand("past", proof.New, Plain).setsOne(0, "Bo")
		}},
		{change.Finish, "a row at 0 cannot be written while completion is proved", proof.WrongError, money, func(s *script) {
			s.hand("old", proof.Old, Plain).inserts("100")
			s.to(filling)
			s.do(func() error { return s.operator.enter(s.ctx, completing, s.table.compiled.Complete()) })
			s.hand("old", proof.Old, Plain).touches()
		}},
		{change.CompleteCheck, "the new version is let in while rows are at 0", proof.NeverWritten, money, func(s *script) {
			s.hand("old", proof.Old, Plain).inserts("100")
			s.to(filling)
			s.do(func() error { return s.operator.enter(s.ctx, completing, s.table.compiled.Complete()) })
			// The backfill says that it has done, and has not.
			s.do(func() error {
				if err := s.operator.patiently(s.ctx, s.table.compiled.Validate()); err == nil {
					return s.operator.enter(s.ctx, served, s.table.compiled.Serve())
				}
				return s.operator.serve(s.ctx)
			})
			s.hand("new", proof.New, Code).reads()
		}},
		{change.PinnedSettings, "what is made depends on how a session prints", proof.NotInStep, floats, func(s *script) {
			s.hand("old", proof.Old, Plain).inserts("1.5")
			s.to(served)
			s.hand("old", proof.Old, Plain, "SET extra_float_digits = -12").sets("0.3333333333333333")
		}},
		{change.RoundTrip, "the old version reads another value than the new one wrote", proof.NotReversible, fractions, func(s *script) {
			s.hand("old", proof.Old, Plain).inserts("100")
			s.to(served)
			s.hand("new", proof.New, Code).update(set(s.table.Types[proof.New], tuple([]string{"1.2345"})), checkViolation)
		}},
		{change.NullFit, "a value of the new side is nothing on the old one", proof.NotReversible, fullNames, func(s *script) {
			s.hand("old", proof.Old, Plain).inserts("Anna B")
			s.to(served)
			s.hand("new", proof.New, Code).update(set(s.table.Types[proof.New], tuple([]string{"Bo", null})), checkViolation)
		}},
		{change.Conflict, "both sides are written and do not belong together", proof.NotInStep, floats, func(s *script) {
			s.hand("old", proof.Old, Plain).inserts("1.5")
			s.to(served)
			s.hand("liar", proof.Old, Plain).contradicts("2.5", "3.5")
		}},
		{change.Noted, "what a user's trigger has taken back is not told from what nobody wrote", proof.NotInStep, triggered, func(s *script) {
			s.hand("old", proof.Old, Plain).inserts("anna b")
			s.to(served)
			s.hand("new", proof.New, Code).setsOne(0, "ANNA")
		}},
		{change.Told, "a row is left for later at the last moment, and the change is complete without it", proof.LeftOut, parts, leftAtLast},
		{change.Followed, "a row that is looked up changes, and what was made from it does not", proof.NotInStep, lookups, func(s *script) {
			s.to(served)
			one := s.hand("one", proof.Old, Plain)
			one.inserts("1")
			if err := one.follow(s.ctx, 1, "changed"); err != nil {
				s.err = err
			}
		}},
		{change.ForShare, "a row that is looked up changes while another is made from it", proof.NotInStep, lookups, func(s *script) {
			s.to(served)
			one := s.hand("one", proof.Old, Plain)
			one.begins("READ COMMITTED")
			one.inserts("1")
			two := s.hand("two", proof.New, Plain)
			follows := s.start(func() error { return two.follow(s.ctx, 1, "changed") })
			s.eventually(func() bool { return follows.over() || s.blocked(two) })
			one.commits()
			follows.wait()
		}},
	}
}

// leftAtLast has a row for which up cannot be computed after all others are filled.
func leftAtLast(s *script) {
	old := s.hand("old", proof.Old, Plain)
	old.inserts("1")
	s.to(filling)
	s.do(func() error { return s.operator.backfill(s.ctx) })
	old.sets(unknown)
	s.do(func() error {
		_, err := s.operator.tryComplete(s.ctx)
		return err
	})
	if s.operator.phase == filling {
		old.sets("3")
		s.to(served)
		s.hand("new", proof.New, Code).reads()
	}
}

// lies says that both sides of row 1 are written, with values that may not belong together.
func (h *hand) lies(old, new string) {
	h.both(old, new, ", "+ident(h.table.compiled.Marker())+" = "+h.table.compiled.Flip("t"))
}

// contradicts writes both sides of row 1, with values that do not belong together, and says nothing.
func (h *hand) contradicts(old, new string) { h.both(old, new, "") }

func (h *hand) both(old, new, marker string) {
	write := set(h.table.Types[proof.Old], tuple([]string{old}))
	h.does(write.Effect, checkViolation, func(w writer, tag int64) string {
		return "UPDATE " + w.table + " AS t SET " + w.sets(write, tag) + ", " + w.columns(proof.New)[0] + " = " + quoted(new) + marker +
			" WHERE t.id = 1"
	})
}
