package assess

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/seguedb/segue/catalog"
	"github.com/seguedb/segue/change/resolve"
	"github.com/seguedb/segue/rules"
)

var unfit = &Hazard{
	ID: "change-unfit", Group: OfTable, Severity: Block,
	What: "the columns cannot be changed as the rule file says: an expression is wrong, or gives something else from one session to the next; or the table or a column " +
		"is of a kind that cannot be kept in step: a partition key, a key or what refers to one, a generated column or one with a sequence, a table that is published, " +
		"inherited, or under FORCE ROW LEVEL SECURITY that the role cannot bypass",
	Remedy:  "what the finding says: [Changing columns](changing-columns.md#what-can-be-changed)",
	refusal: &refusal{each: true, says: func([]Finding) string { return "the columns cannot be changed so" }},
}

// lookChanges asks the server about the changes of columns of a migration that is to be activated.
func lookChanges(ctx context.Context, s *Subject, r *report) error {
	if s.Migration.Phase != rules.Draft && s.Migration.Phase != rules.RolledBack || s.To != "" && s.To != rules.Active {
		return nil
	}
	resolved, err := Resolve(ctx, s.DB, s.Migration, s.Catalog)
	wrong, ok := errors.AsType[*UnfitError](err)
	if err == nil && s.To == "" {
		return tryChanges(ctx, s, resolved, r)
	}
	if !ok {
		return err
	}
	for _, p := range wrong.Problems {
		r.add(unfit, Object{Table, wrong.Table.String()}, Finding{Message: p.Message, Hint: p.Hint, Blocks: []rules.Phase{rules.Active}})
	}
	return nil
}

// An UnfitError says why columns cannot be changed.
type UnfitError struct {
	Table    rules.Name
	Problems []Problem
}

// A Problem is one reason, with what to do about it.
type Problem struct{ Message, Hint string }

func (e *UnfitError) Error() string {
	out := make([]string, len(e.Problems))
	for i, p := range e.Problems {
		out[i] = p.Message
	}
	return fmt.Sprintf("the columns of %s cannot be changed so: %s", e.Table, strings.Join(out, "; "))
}

// Resolve returns the migration with its changes of columns as the server understands them, in the stage in which they begin.
// Nothing of it stays in the database. The error is an *UnfitError where a change cannot be made.
func Resolve(ctx context.Context, db DB, m *rules.Migration, cat *catalog.Catalog) (*rules.Migration, error) {
	for _, op := range m.Changes() {
		begin, ok := db.(resolve.Beginner)
		if !ok {
			return nil, errors.New("expressions cannot be resolved without a transaction of their own")
		}
		r, err := resolveOne(ctx, begin, op, fmt.Sprintf("%d_%d", m.Seq, op.Place+1), nil, cat)
		if err != nil {
			return nil, unfitted(op.Target(), err)
		}
		m = m.Resolve(op.Place, r)
	}
	return m, nil
}

// Amend is Resolve for the operations of a migration, by their places, that come in the place of ones that the database has.
func Amend(ctx context.Context, db DB, was, amended *rules.Migration, places []int, cat *catalog.Catalog) (*rules.Migration, error) {
	begin, ok := db.(resolve.Beginner)
	if !ok {
		return nil, errors.New("expressions cannot be resolved without a transaction of their own")
	}
	for _, place := range places {
		op, _ := amended.ChangeAt(place)
		before, _ := was.ChangeAt(place)
		if before.Resolved() == nil || before.Resolved().Compiled() == nil {
			return nil, fmt.Errorf("nothing is stored of the change of %s", op.Target())
		}
		key, left := before.Resolved().Successor()
		r, err := resolveOne(ctx, begin, op, key, left, cat)
		if err != nil {
			return nil, unfitted(op.Target(), err)
		}
		amended = amended.Resolve(place, r)
	}
	return amended, nil
}

func resolveOne(ctx context.Context, db resolve.Beginner, op rules.Change, key string, left []string, cat *catalog.Catalog) (*rules.ResolvedChange, error) {
	if op.Resolved() != nil {
		return nil, &resolve.Problem{Message: "columns of it are left from before the rollback", Hint: "drop them: segue purge"}
	}
	if what, hint := op.Unsupported(); what != "" {
		return nil, &resolve.Problem{Message: what, Hint: hint}
	}
	described, err := op.Describe(key, cat)
	if err != nil {
		return nil, &resolve.Problem{Message: err.Error()}
	}
	described.Left = left
	resolved, err := resolve.Change(ctx, db, described)
	if err != nil {
		return nil, err
	}
	return rules.NewResolvedChange(resolved, rules.Watched)
}

// unfitted is the error as an *UnfitError, where it is about the change and not about the connection.
func unfitted(table rules.Name, err error) error {
	e := &UnfitError{Table: table}
	for _, p := range resolve.Lines(err) {
		e.Problems = append(e.Problems, Problem{said(p), p.Hint})
	}
	if rejected, ok := resolve.Rejected(err); ok && len(e.Problems) == 0 {
		e.Problems = []Problem{{"the server refuses it: " + rejected.Message, rejected.Hint}}
	}
	if len(e.Problems) == 0 {
		return err
	}
	return e
}

// said is a problem in a sentence.
func said(p *resolve.Problem) string {
	message := p.Message
	if p.Position > 0 {
		message += fmt.Sprintf(" at character %d", p.Position)
	}
	switch {
	case p.Direction == "" || p.Direction == "table":
		return message
	case p.Column == "":
		return p.Direction + ": " + message
	}
	return p.Direction + " of " + p.Column + ": " + message
}
