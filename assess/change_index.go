package assess

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/seguedb/segue/change"
	"github.com/seguedb/segue/change/resolve"
	"github.com/seguedb/segue/rules"
)

var changeIndex = &Hazard{
	ID: "change-index", Group: OfTable, Severity: Warn,
	What: "an index has columns that a change takes, and none like it has those that it gives, because what it would be is not certain, or because somebody has dropped it: " +
		"statements of the new version that look for them read the whole table, and the index ends with purge. Found from the draft on, but for those that Segue makes itself",
	Remedy: "when the new columns are there, create one on them, `CONCURRENTLY` and past Segue, before the new version is deployed; or waive it. " +
		"Until cutover it is an error and refuses that, unless it is waived or the request accepts it: `--accept-difference`",
	refusal: lacks,
}

// lookChangeIndexes finds indexes on old columns that have no counterpart, and get none.
func lookChangeIndexes(ctx context.Context, s *Subject, r *report) error {
	if !s.looksForDifferences() {
		return nil
	}
	for _, op := range s.Migration.Changes() {
		c, err := compiledOf(ctx, s, op)
		if err != nil {
			return err
		}
		if c == nil {
			continue // why it cannot be made is found elsewhere
		}
		if c.Alone() {
			if err := lookTakenIndexes(ctx, s, op, r); err != nil {
				return err
			}
			continue
		}
		lacking, err := withoutCounterpart(ctx, s, op, c)
		if err != nil {
			return err
		}
		for _, l := range lacking {
			index := rules.Name{Schema: op.Target().Schema, Name: l.Of.Name}.String()
			if l.New == nil {
				s.differs(r, changeIndex, Object{"index", index}, Finding{
					Message: fmt.Sprintf("it is on columns that %s takes, and what it would be on those that it gives is not certain: %s", s.Migration.ID, l.Why),
					Hint:    "when the new columns are there, create one on them, past Segue: CREATE INDEX CONCURRENTLY; or waive it",
				})
				continue
			}
			unique := ""
			if l.Of.Unique {
				unique = "UNIQUE "
			}
			s.differs(r, changeIndex, Object{"index", index}, Finding{
				Message: fmt.Sprintf("it is on columns that %s takes, and no valid index is like it on those that it gives", s.Migration.ID),
				Hint:    fmt.Sprintf("create one, past Segue: CREATE %sINDEX CONCURRENTLY ON %s %s", unique, op.Target().SQL(), l.New.Body()),
			})
		}
	}
	return nil
}

// compiledOf is a change as the database has it, or would have it as a draft; nil where it cannot be made.
func compiledOf(ctx context.Context, s *Subject, op rules.Change) (*change.Compiled, error) {
	if r := op.Resolved(); r != nil || s.Migration.Phase != rules.Draft && s.Migration.Phase != rules.RolledBack {
		if r == nil || r.Stage == rules.Withdrawn {
			return nil, nil
		}
		return r.Compiled(), nil
	}
	m, err := Resolve(ctx, s.DB, s.Migration, s.Catalog)
	if _, unfit := errors.AsType[*UnfitError](err); unfit {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	resolved, _ := m.ChangeAt(op.Place)
	return resolved.Resolved().Compiled(), nil
}

// withoutCounterpart lists the indexes on the old side that have none like them on the new side, and get none.
func withoutCounterpart(ctx context.Context, s *Subject, op rules.Change, c *change.Compiled) ([]resolve.Counterpart, error) {
	var table uint32
	err := s.DB.QueryRow(ctx, `SELECT c.oid FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = $1 AND c.relname = $2`,
		c.Table.Schema, c.Table.Name).Scan(&table)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("cannot look at the indexes: %w", err)
	}
	found, all, err := resolve.Counterparts(ctx, s.DB, c, table)
	if err != nil {
		return nil, err
	}
	made := op.Resolved() != nil && !slices.Contains([]rules.Stage{rules.Watched, rules.Filling, rules.Completing}, op.Resolved().Stage)
	return slices.DeleteFunc(found, func(f resolve.Counterpart) bool {
		if !f.Of.Valid {
			return true
		}
		at := slices.IndexFunc(c.Indexes, func(x change.Index) bool { return x.Of == f.Of.Name })
		switch {
		case at >= 0 && !made:
			return true
		case f.New == nil:
			return false
		}
		body := f.New.Body()
		return slices.ContainsFunc(all, func(x *resolve.Index) bool {
			return x.OID != f.Of.OID && x.Valid && x.Unique == f.Of.Unique && (x.Body() == body || at >= 0 && x.Body() == c.Indexes[at].Body)
		})
	}), nil
}

// lookTakenIndexes finds the indexes on a column that a change takes and gives nothing for.
func lookTakenIndexes(ctx context.Context, s *Subject, op rules.Change, r *report) error {
	side := sidesOf(op, s.Migration.Phase)
	if !side.taken() {
		return nil
	}
	rows, err := s.DB.Query(ctx, `
		SELECT DISTINCT i.indexrelid::pg_catalog.regclass::pg_catalog.text FROM pg_catalog.pg_index i
		JOIN pg_catalog.pg_class c ON c.oid = i.indrelid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
		JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = i.indexrelid AND d.refobjid = c.oid AND d.refobjsubid > 0
		JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum = d.refobjsubid
		WHERE n.nspname = $1 AND c.relname = $2 AND a.attname = ANY ($3) ORDER BY 1`, side.table.Schema, side.table.Name, side.old)
	if err != nil {
		return fmt.Errorf("cannot look at the indexes: %w", err)
	}
	found, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return fmt.Errorf("cannot look at the indexes: %w", err)
	}
	for _, index := range found {
		r.add(changeIndex, Object{"index", index}, Finding{
			Message: fmt.Sprintf("it is on a column that %s takes, and ends with it at purge", s.Migration.ID),
			Hint:    "where it serves statements that look for its other columns, create one on those: CREATE INDEX CONCURRENTLY",
		})
	}
	return nil
}

// sides are the columns of a change by the names that the database has for them now.
type sides struct {
	table    rules.Name
	old, new []string // none is new while it is not there, or withdrawn
	alone    bool     // the change has columns on one side only
}

// taken reports whether the change gives nothing in the place of what it takes.
func (s sides) taken() bool { return s.alone && len(s.old) > 0 }

func sidesOf(op rules.Change, p rules.Phase) sides {
	from, to := op.Sides()
	out, r := sides{op.Table(p), op.Taken(p), []string{}, len(from) == 0 || len(to) == 0}, op.Resolved()
	if !p.Live() || r == nil || r.Compiled() == nil || r.Stage == rules.Watched {
		return out
	}
	for _, c := range r.Compiled().New {
		out.new = append(out.new, c.Physical)
	}
	return out
}
