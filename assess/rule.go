package assess

import (
	"context"
	"errors"
	"fmt"

	"github.com/seguedb/segue/catalog"
	"github.com/seguedb/segue/rules"
)

var (
	order = &Hazard{
		ID: "order", Group: OfRule, Severity: Block,
		What:   "another migration on the same tables has to move first, or the names that the rule file speaks of are not there any more. As a warning: another draft can only be activated in place of this one",
		Remedy: "move the other one first, as the finding says, or delete one of two that contradict each other",
	}
	notServed = &Hazard{
		ID: "not-served", Group: OfRule, Severity: Block,
		What:   "the database was changed around the instances, so that the stored migrations do not fit it: statements on tables under migration are held",
		Remedy: "give the tables their names back, with the statements that the finding has",
	}
)

// ruleChecks are about the rule file and its place among the others. A file that cannot be stored is no finding but an
// error of the file: see rules.Validate.
var ruleChecks = []check{
	{[]*Hazard{order}, lookOrder},
	{[]*Hazard{reservedWord}, lookKeywords},
	{[]*Hazard{sameName}, lookSameNames},
	{[]*Hazard{unknownWaiver}, lookWaivers},
}

// NotServed is the finding that the stored migrations do not fit the database. Nothing else can be found then.
func NotServed(migration, reason, hint string, mend []string) []Finding {
	r := new(report)
	r.add(notServed, Object{Migration, migration}, Finding{Message: reason, Hint: hint, Mend: mend, Blocks: onTheWay})
	return r.found
}

// onTheWay are the phases to which a migration goes.
var onTheWay = []rules.Phase{rules.Active, rules.Cutover, rules.Contracted, rules.RolledBack}

// lookOrder finds what keeps the next transition from being asked for, and the drafts that contradict this one.
func lookOrder(_ context.Context, s *Subject, r *report) error {
	if f := Order(s.Migration, s.All, s.Catalog, next[s.Migration.Phase]); f != nil {
		r.found = append(r.found, *f)
	}
	if s.Migration.Phase != rules.Draft && s.Migration.Phase != rules.RolledBack {
		return nil
	}
	for _, o := range rules.Clashing(s.Migration, s.All, s.Catalog) {
		r.add(order, Object{Migration, o.ID}, Finding{
			Severity: Warn,
			Message:  fmt.Sprintf("draft %q cannot be activated beside it, neither before nor after: they contradict each other", o.ID),
			Hint:     "delete one of them, or give it other names",
		})
	}
	return nil
}

// next is the phase that follows.
var next = map[rules.Phase]rules.Phase{
	rules.Draft: rules.Active, rules.RolledBack: rules.Active, rules.Active: rules.Cutover, rules.Cutover: rules.Contracted,
}

// Order finds what keeps a migration from getting to a phase because of the other ones, or of names that have changed since
// its file was checked; nil when nothing does. It asks nothing of the database.
func Order(m *rules.Migration, all []*rules.Migration, cat *catalog.Catalog, to rules.Phase) *Finding {
	var err error
	switch {
	case to == rules.Active && m.Phase == rules.Cutover:
		err = rules.CanRollback(m, all, rules.Active)
	case to == rules.Active:
		err = rules.CanActivate(m, all, cat)
	case to == rules.Cutover:
		err = rules.CanCutover(m, all)
	case to == rules.Contracted:
		err = rules.CanContract(m, all)
	case to == rules.RolledBack:
		err = rules.CanRollback(m, all, rules.RolledBack)
	}
	if err == nil {
		return nil
	}
	f := Finding{Message: err.Error(), Blocks: []rules.Phase{to}}
	if other, ok := errors.AsType[*rules.OrderError](err); ok {
		f.Message, f.Hint = other.Message, other.Hint
	} else if mistake, ok := errors.AsType[*rules.FileError](err); ok {
		short := *mistake // as create says it
		short.Hint = ""
		f.Message, f.Hint = short.Error(), mistake.Hint
	}
	r := new(report)
	r.add(order, Object{Transition, transition(m.Phase, to)}, f)
	return &r.found[0]
}

// transition is what leads from one phase to another, as it is asked for.
func transition(from, to rules.Phase) string {
	switch {
	case to == rules.RolledBack, to == rules.Active && from == rules.Cutover:
		return "rollback"
	case to == rules.Active:
		return "activate"
	case to == rules.Contracted:
		return "contract"
	}
	return string(to)
}
