package assess

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/seguedb/segue/rules"
)

var changeIndex = &Hazard{
	ID: "change-index", Group: OfTable, Severity: Warn,
	What: "an index has columns that a change takes, and none has those that it gives: statements of the new version that look for them read the whole table, " +
		"and the index ends with purge. Found from the draft on",
	Remedy: "when the new columns are there, create one on them, `CONCURRENTLY` and past Segue, before the new version is deployed",
}

// lookChangeIndexes finds indexes on old columns that have no counterpart.
func lookChangeIndexes(ctx context.Context, s *Subject, r *report) error {
	for _, op := range s.Migration.Changes() {
		side := sidesOf(op, s.Migration.Phase)
		lacking, err := withoutCounterpart(ctx, s.DB, side)
		if err != nil {
			return err
		}
		for _, index := range lacking {
			if side.taken() {
				r.add(changeIndex, Object{"index", index}, Finding{
					Message: fmt.Sprintf("it is on a column that %s takes, and ends with it at purge", s.Migration.ID),
					Hint:    "where it serves statements that look for its other columns, create one on those: CREATE INDEX CONCURRENTLY",
				})
				continue
			}
			r.add(changeIndex, Object{"index", index}, Finding{
				Message: fmt.Sprintf("it is on columns that %s takes, and no index is on those that it gives", s.Migration.ID),
				Hint:    "when the new columns are there, create one on them, past Segue: CREATE INDEX CONCURRENTLY",
			})
		}
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
	out, r := sides{op.Target(), from, []string{}, len(from) == 0 || len(to) == 0}, op.Resolved()
	if !p.Live() || r == nil || r.Compiled() == nil || r.Stage == rules.Watched {
		return out
	}
	for _, c := range r.Compiled().New {
		out.new = append(out.new, c.Physical)
	}
	return out
}

// withoutCounterpart lists the indexes on a column of the old side, where there is none on one of the new side.
func withoutCounterpart(ctx context.Context, db DB, c sides) ([]string, error) {
	rows, err := db.Query(ctx, `
		WITH used AS (
			SELECT i.indexrelid, a.attname, i.indisvalid FROM pg_catalog.pg_index i
			JOIN pg_catalog.pg_class c ON c.oid = i.indrelid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
			JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = i.indexrelid AND d.refobjid = c.oid AND d.refobjsubid > 0
			JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum = d.refobjsubid
			WHERE n.nspname = $1 AND c.relname = $2)
		SELECT DISTINCT indexrelid::pg_catalog.regclass::pg_catalog.text FROM used
		WHERE attname = ANY ($3) AND NOT EXISTS (SELECT FROM used WHERE indisvalid AND attname = ANY ($4)) ORDER BY 1`,
		c.table.Schema, c.table.Name, c.old, c.new)
	if err != nil {
		return nil, fmt.Errorf("cannot look at the indexes: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}
