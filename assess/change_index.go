package assess

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/seguedb/segue/change"
	"github.com/seguedb/segue/rules"
)

var changeIndex = &Hazard{
	ID: "change-index", Group: OfTable, Severity: Warn,
	What: "an index has columns that a change takes, and none has those that it gives: statements of the new version that look for them read the whole table. " +
		"Found while the migration is active or cut over",
	Remedy: "create one on the new columns, `CONCURRENTLY` and past Segue, before the new version is deployed",
}

// lookChangeIndexes finds indexes on old columns that have no counterpart.
func lookChangeIndexes(ctx context.Context, s *Subject, r *report) error {
	if !s.Migration.Phase.Live() {
		return nil
	}
	for _, op := range s.Migration.Changes() {
		if op.Resolved == nil || op.Resolved.Compiled() == nil || op.Resolved.Stage == rules.Watched {
			continue
		}
		lacking, err := withoutCounterpart(ctx, s.DB, op.Resolved.Compiled())
		if err != nil {
			return err
		}
		for _, index := range lacking {
			r.add(changeIndex, Object{"index", index}, Finding{
				Message: fmt.Sprintf("it is on columns that %s takes, and no index is on those that it gives", s.Migration.ID),
				Hint:    "create one on the new columns: CREATE INDEX CONCURRENTLY",
			})
		}
	}
	return nil
}

// withoutCounterpart lists the indexes on a column of the old side, where there is none on one of the new side.
func withoutCounterpart(ctx context.Context, db DB, c *change.Compiled) ([]string, error) {
	names := func(side []change.Column) (out []string) {
		for _, col := range side {
			out = append(out, col.Physical)
		}
		return out
	}
	rows, err := db.Query(ctx, `
		WITH used AS (
			SELECT i.indexrelid, a.attname, i.indisvalid FROM pg_catalog.pg_index i
			JOIN pg_catalog.pg_class c ON c.oid = i.indrelid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
			JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = i.indexrelid AND d.refobjid = c.oid AND d.refobjsubid > 0
			JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum = d.refobjsubid
			WHERE n.nspname = $1 AND c.relname = $2)
		SELECT DISTINCT indexrelid::pg_catalog.regclass::pg_catalog.text FROM used
		WHERE attname = ANY ($3) AND NOT EXISTS (SELECT FROM used WHERE indisvalid AND attname = ANY ($4)) ORDER BY 1`,
		c.Table.Schema, c.Table.Name, names(c.Old), names(c.New))
	if err != nil {
		return nil, fmt.Errorf("cannot look at the indexes: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}
