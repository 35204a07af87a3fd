package assess

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
)

var changeCheck = &Hazard{
	ID: "change-check", Group: OfTable, Severity: Warn,
	What: "a CHECK names columns that a change takes, and ends with them at purge; on the columns that the change gives there are fewer CHECKs than on those. " +
		"Found from the draft on",
	Remedy: "when the new columns are there, add its counterpart on them, past Segue: `ADD CONSTRAINT … CHECK (…) NOT VALID`, then `VALIDATE CONSTRAINT`. " +
		"Waive it where the new columns need none. Until cutover it is an error and refuses that, unless it is waived or the request accepts it: `--accept-difference`",
	refusal: lacks,
}

// lookChangeChecks finds CHECKs on old columns that nothing takes the place of. What a condition means cannot be compared, so
// all of them are found until the new columns have as many.
func lookChangeChecks(ctx context.Context, s *Subject, r *report) error {
	if !s.looksForDifferences() {
		return nil
	}
	for _, op := range s.Migration.Changes() {
		side := sidesOf(op, s.Migration.Phase)
		if side.taken() {
			continue // such a CHECK is about what goes, and nothing else
		}
		rows, err := s.DB.Query(ctx, `
			WITH checks AS (
				SELECT k.conname, pg_catalog.pg_get_constraintdef(k.oid) AS condition,
					pg_catalog.array_agg(a.attname::pg_catalog.text ORDER BY a.attnum) AS columns
				FROM pg_catalog.pg_constraint k
				JOIN pg_catalog.pg_class c ON c.oid = k.conrelid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
				JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum = ANY (k.conkey)
				WHERE k.contype = 'c' AND n.nspname = $1 AND c.relname = $2 AND pg_catalog.strpos(k.conname, '_segue_') <> 1
				GROUP BY k.oid, k.conname),
			old AS (SELECT * FROM checks WHERE columns && $3)
			SELECT pg_catalog.quote_ident(conname), condition FROM old
			WHERE (SELECT count(*) FROM checks WHERE columns && $4) < (SELECT count(*) FROM old) ORDER BY conname`,
			side.table.Schema, side.table.Name, side.old, side.new)
		if err != nil {
			return fmt.Errorf("cannot look at the CHECKs: %w", err)
		}
		given := strings.Join(side.new, ", ")
		if given == "" {
			_, to := op.Sides()
			given = strings.Join(to, ", ") + " when that is there"
		}
		var name, condition string
		_, err = pgx.ForEachRow(rows, []any{&name, &condition}, func() error {
			s.differs(r, changeCheck, Object{"constraint", name + " on " + side.table.String()}, Finding{
				Message: fmt.Sprintf("it is on columns that %s takes, and ends with them at purge: %s", s.Migration.ID, condition),
				Hint: fmt.Sprintf("add its counterpart on %s, past Segue: ALTER TABLE %s ADD CONSTRAINT … CHECK (…) NOT VALID, then VALIDATE CONSTRAINT",
					given, side.table.SQL()),
			})
			return nil
		})
		if err != nil {
			return fmt.Errorf("cannot look at the CHECKs: %w", err)
		}
	}
	return nil
}
