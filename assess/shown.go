package assess

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/seguedb/segue/catalog"
	"github.com/seguedb/segue/rewrite"
	"github.com/seguedb/segue/rules"
)

// ShownNames is the hazard of stored objects that show names which the DDL changes.
var ShownNames = &Hazard{
	ID: "shown-names", Group: OfBreak, Severity: Warn,
	What: "a stored object shows names that the DDL changes: a trigger, function, view, rule, policy, constraint or index that makes JSON of whole rows, or shows a table's name. " +
		"Nothing breaks, but whoever reads it sees other keys, or another value",
	Remedy: "let what reads it take both names, or write the keys out as in `jsonb_build_object('key', column)`",
}

// lookShown finds what shows names that the next DDL changes. It breaks nothing, and so refuses nothing.
func lookShown(ctx context.Context, s *Subject, r *report) error {
	after, err := rules.Renaming(s.Migration, s.direction(), s.Catalog)
	if _, mismatch := errors.AsType[*rules.MismatchError](err); mismatch {
		return nil // the DDL cannot be carried out on the names of now
	}
	if err != nil {
		return err
	}
	found, err := shownNames(ctx, s.DB, after, s.Catalog, s.direction())
	for _, n := range found {
		r.add(ShownNames, n.about, Finding{Message: n.what, Hint: HintShown})
	}
	return err
}

// HintShown is what to do about what shows names.
const HintShown = "let what reads it take both names, or write the keys out as in jsonb_build_object('key', column), which in a view or a " +
	`BEGIN ATOMIC function keeps them; a rule file accepts it by waive: [{ id: shown-names, reason: "..." }]`

// A shownName is what a stored object shows of names that the DDL changes.
type shownName struct {
	about Object
	what  string // what it shows, and what becomes of that, as a sentence
}

// shownNames lists the stored objects that show names which the DDL changes, in whatever schema they are. Members of
// extensions are left out.
func shownNames(ctx context.Context, db DB, after *rules.Snapshot, cat *catalog.Catalog, d rules.Direction) ([]shownName, error) {
	objects, err := storedObjects(ctx, db, after)
	if err != nil {
		return nil, err
	}
	list := make([]rewrite.StoredObject, len(objects))
	for i := range objects {
		list[i] = objects[i].StoredObject
	}
	moment := "from cutover on"
	if d == rules.Backward {
		moment = "again after a rollback"
	}
	var found []shownName
	for i, showings := range rewrite.Shown(after, cat, list) {
		for on, list := range byTrigger(showings) {
			abouts := []Object{objects[i].about}
			what := sentence(list, moment, cat)
			if on != 0 {
				abouts = objects[i].triggers[on]
				what = "its " + objects[i].about.String() + " runs: " + what
			}
			for _, about := range abouts {
				found = append(found, shownName{about, what})
			}
		}
	}
	slices.SortFunc(found, func(a, b shownName) int { return strings.Compare(a.about.String(), b.about.String()) })
	return found, nil
}

// byTrigger are the showings by the table on which the trigger is that calls the function, 0 for all others.
func byTrigger(list []rewrite.Showing) map[catalog.OID][]rewrite.Showing {
	out := map[catalog.OID][]rewrite.Showing{}
	for _, s := range list {
		out[s.On] = append(out[s.On], s)
	}
	return out
}

// sentence says what is shown, each table's names together.
func sentence(list []rewrite.Showing, moment string, cat *catalog.Catalog) string {
	var parts []string
	for len(list) > 0 {
		first := list[0]
		same := func(s rewrite.Showing) bool {
			return s.By == first.By && s.Through == first.Through && s.Table == first.Table && s.Column == first.Column
		}
		var changes []string
		for _, s := range list {
			if same(s) {
				changes = append(changes, fmt.Sprintf("%q is %q %s", s.From, s.To, moment))
			}
		}
		list = slices.DeleteFunc(list, same)
		by := first.By
		if first.Through != "" {
			by += " in " + first.Through + "()"
		}
		what := " shows the table's name: "
		if first.Column {
			what = " has rows with other keys: "
			if rel := cat.Relation(first.Table); rel != nil {
				what = " has rows of " + rel.Schema + "." + rel.Name + " with other keys: "
			}
		}
		parts = append(parts, by+what+strings.Join(changes, ", "))
	}
	return strings.Join(parts, "; ")
}
