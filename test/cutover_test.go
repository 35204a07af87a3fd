package test

import (
	"testing"

	"github.com/seguedb/segue/migrate"
)

func TestBothVersionsGoOnWhileTheSchemaGoesBackAndForth(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 2, manyPeople)
	old := startLoad(t, f, "base", "individual", "last_name", 100)
	old.rounds(2)
	f.create(t, surname)
	f.transition(t, "surname", activate)
	renamed := startLoad(t, f, "surname", "person", "surname", 110)
	for range 3 {
		renamed.rounds(3)
		old.rounds(3)
		f.transition(t, "surname", cutover)
		renamed.rounds(3)
		old.rounds(3)
		f.transition(t, "surname", backToActive)
	}
	f.transition(t, "surname", cutover)
	old.rounds(3)
	old.end()
	f.gone(t, "base")
	f.transition(t, "surname", contract)
	renamed.rounds(3)
	renamed.end()
}

// chain renames one column twice, and the table once, in two migrations.
const (
	chainFirst = `
id: first
contract_after: 0s
operations:
  - rename_column: { table: public.individual, from: last_name, to: family_name }
`
	chainSecond = `
id: second
contract_after: 0s
operations:
  - rename_column: { table: public.individual, from: family_name, to: surname }
  - rename_table: { from: public.individual, to: person }
`
)

func TestAChainOfMigrationsGoesForwardAndBackUnderLoad(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 2, manyPeople)
	f.create(t, chainFirst)
	f.transition(t, "first", activate)
	f.create(t, chainSecond)
	f.transition(t, "second", activate)
	loads := []*load{
		startLoad(t, f, "base", "individual", "last_name", 100),
		startLoad(t, f, "first", "individual", "family_name", 110),
		startLoad(t, f, "second", "person", "surname", 120),
	}
	for _, step := range []struct {
		id string
		to migrate.Request
	}{
		{"first", cutover}, {"second", cutover}, {"second", backToActive}, {"first", backToActive},
		{"first", cutover}, {"second", cutover},
	} {
		f.transition(t, step.id, step.to)
		for _, l := range loads {
			l.rounds(3)
		}
	}
	loads[0].end()
	f.gone(t, "base")
	f.transition(t, "first", contract)
	loads[1].rounds(3)
	loads[1].end()
	f.gone(t, "first")
	f.transition(t, "second", contract)
	loads[2].rounds(3)
	loads[2].end()
}

func TestTwoMigrationsAreLiveOnOneTable(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 2, manyPeople)
	f.create(t, "id: names\ncontract_after: 0s\noperations:\n  - rename_column: { table: public.individual, from: last_name, to: surname }\n")
	f.create(t, "id: towns\ncontract_after: 0s\noperations:\n  - rename_column: { table: public.individual, from: city, to: town }\n")
	f.transition(t, "names", activate)
	f.transition(t, "towns", activate)
	loads := []*load{
		startLoad(t, f, "base", "individual", "last_name", 100),
		startLoad(t, f, "names", "individual", "surname", 110),
		startLoad(t, f, "towns", "individual", "town", 120),
	}
	f.transition(t, "names", cutover)
	f.transition(t, "towns", cutover)
	for _, l := range loads {
		l.rounds(5)
	}
	f.transition(t, "towns", backToActive)
	f.transition(t, "names", backToActive)
	for _, l := range loads {
		l.rounds(5)
		l.end()
	}
}

func TestAMigrationIsRolledBackFromEachPhaseAndActivatedAgain(t *testing.T) {
	t.Parallel()
	for _, from := range []string{"draft", "active", "cutover"} {
		t.Run("from "+from, func(t *testing.T) {
			t.Parallel()
			f := newFleet(t, 2, manyPeople)
			f.create(t, surname)
			old := startLoad(t, f, "base", "individual", "last_name", 100)
			old.rounds(2)
			for range 2 {
				switch from {
				case "active":
					f.transition(t, "surname", activate)
				case "cutover":
					f.transition(t, "surname", activate)
					f.transition(t, "surname", cutover)
				}
				if from != "draft" {
					renamed := startLoad(t, f, "surname", "person", "surname", 110)
					renamed.rounds(3)
					renamed.end()
				}
				f.gone(t, "surname")
				f.transition(t, "surname", rollback)
				f.transition(t, "surname", rollback) // harmless
				old.rounds(3)
			}
			old.end()
		})
	}
}
