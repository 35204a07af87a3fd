package assess

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/seguedb/segue/change"
	"github.com/seguedb/segue/rules"
)

var lookupIndex = &Hazard{
	ID: "lookup-index", Group: OfTable, Severity: Warn,
	What: "no index begins with a column by which a change looks rows up in another table (`via`): whenever a row of that one changes or goes, its trigger reads the whole table of the change " +
		"for the rows that were made from it. Found of the old columns from the draft on, and of the new ones once their version is served",
	Remedy: "create one on the column, `CONCURRENTLY` and past Segue; or waive it where the rows that are looked up never change",
}

// indexedBy reports of each of the columns $3 of a table whether a whole index begins with it.
const indexedBy = `
SELECT pg_catalog.quote_ident(a.attname), EXISTS (
	SELECT FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class x ON x.oid = i.indexrelid JOIN pg_catalog.pg_am m ON m.oid = x.relam
	WHERE i.indrelid = a.attrelid AND i.indisvalid AND i.indpred IS NULL AND i.indkey[0] = a.attnum AND m.amname IN ('btree', 'hash'))
FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_class c ON c.oid = a.attrelid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = $1 AND c.relname = $2 AND a.attname = ANY ($3) AND NOT a.attisdropped ORDER BY a.attnum`

// lookLookupIndexes finds columns by which rows are looked up and that have no index.
func lookLookupIndexes(ctx context.Context, s *Subject, r *report) error {
	if s.To != "" {
		return nil // it refuses nothing
	}
	for _, op := range s.Migration.Changes() {
		if c, ok := s.Migration.Operations[op.Place].(rules.ChangeColumns); !ok || len(c.Reads) == 0 {
			continue
		}
		c, err := compiledOf(ctx, s, op)
		if err != nil {
			return err
		}
		if c == nil {
			continue // why it cannot be made is found elsewhere
		}
		rows, err := s.DB.Query(ctx, indexedBy, c.Table.Schema, c.Table.Name, lookedUpBy(c, servedOf(op)))
		if err != nil {
			return fmt.Errorf("cannot look at the indexes: %w", err)
		}
		var column string
		var indexed bool
		table := op.Table(s.Migration.Phase)
		if _, err := pgx.ForEachRow(rows, []any{&column, &indexed}, func() error {
			if indexed {
				return nil
			}
			sql := fmt.Sprintf("CREATE INDEX CONCURRENTLY ON %s (%s)", table.SQL(), column)
			r.add(lookupIndex, Object{Column, table.String() + "." + column}, Finding{
				Message: fmt.Sprintf("no index begins with it, so that all of %s is read whenever a row changes that %s looks up by it", table, s.Migration.ID),
				Hint:    "create one, past Segue: " + sql,
				Mend:    []string{sql},
			})
			return nil
		}); err != nil {
			return fmt.Errorf("cannot look at the indexes: %w", err)
		}
	}
	return nil
}

// servedOf reports whether the new columns are there and have the indexes that Segue makes.
func servedOf(op rules.Change) bool {
	switch r := op.Resolved(); {
	case r == nil:
		return false
	default:
		return r.Stage != rules.Watched && r.Stage != rules.Filling && r.Stage != rules.Completing && r.Stage != rules.Withdrawn
	}
}

// lookedUpBy are the columns of a change by which rows are looked up, as the database calls them.
func lookedUpBy(c *change.Compiled, both bool) (out []string) {
	side := c.Old
	if both {
		side = append(append([]change.Column{}, c.Old...), c.New...)
	}
	for _, col := range side {
		for _, l := range c.Lookups {
			for _, k := range l.Keys {
				if k.Column == col.Name {
					out = append(out, col.Physical)
				}
			}
		}
	}
	return out
}
