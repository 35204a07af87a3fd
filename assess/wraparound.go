package assess

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
)

var wraparound = &Hazard{
	ID: "wraparound", Group: OfLocks, Severity: Warn,
	What: "an autovacuum to prevent wraparound runs on a table, or is due: other than usual it does not give way to a statement that wants the table for itself, " +
		"so that cutover waits for its end",
	Remedy: "`VACUUM (FREEZE)` the table in a quiet hour before; wait while it runs, or end it with the statement that the finding names, after which it begins anew",
}

// lookWraparound finds tables that are so old that autovacuum freezes them in any case, as relation_needs_vacanalyze in
// autovacuum.c decides it, and the workers that are at it.
func lookWraparound(ctx context.Context, s *Subject, r *report) error {
	tables, err := s.tables()
	if err != nil || !s.before() || len(tables) == 0 {
		return err
	}
	rows, err := s.DB.Query(ctx, `
		WITH kept AS MATERIALIZED (
			SELECT c.oid, pg_catalog.age(c.relfrozenxid) AS age, least(pg_catalog.current_setting('autovacuum_freeze_max_age')::pg_catalog.int4,
			       (SELECT option_value::pg_catalog.int4 FROM pg_catalog.pg_options_to_table(c.reloptions) WHERE option_name = 'autovacuum_freeze_max_age')) AS most
			FROM pg_catalog.pg_class c WHERE c.oid = ANY ($1::pg_catalog.oid[]) AND c.relkind = 'r'
		)
		SELECT k.oid::pg_catalog.regclass::pg_catalog.text, k.age, k.most,
		       ARRAY(SELECT DISTINCT a.pid FROM pg_catalog.pg_locks l JOIN pg_catalog.pg_stat_activity a ON a.pid = l.pid
		             WHERE l.locktype = 'relation' AND l.relation = k.oid AND a.backend_type = 'autovacuum worker'
		               AND l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())
		             ORDER BY 1)
		FROM kept k WHERE k.age > k.most
		ORDER BY 1`, numbers(tables))
	if err != nil {
		return fmt.Errorf("cannot read how old the tables are: %w", err)
	}
	var table string
	var age, most int
	var workers []int32
	_, err = pgx.ForEachRow(rows, []any{&table, &age, &most, &workers}, func() error {
		f := Finding{
			Message: fmt.Sprintf("its oldest row is %d transactions old, which is more than autovacuum_freeze_max_age (%d): an autovacuum that does not give way may begin at any time", age, most),
			Hint:    "freeze it in a quiet hour before cutover",
			Mend:    []string{"VACUUM (FREEZE) " + table},
		}
		if len(workers) > 0 {
			var end []string
			for _, pid := range workers {
				end = append(end, fmt.Sprintf("SELECT pg_cancel_backend(%d)", pid))
			}
			f.Message = fmt.Sprintf("an autovacuum to prevent wraparound runs on it (pid %d), and does not give way: cutover waits until it has ended", workers[0])
			f.Hint, f.Mend = "wait for its end; to end it, after which it begins anew within autovacuum_naptime: "+strings.Join(end, "; "), nil
		}
		r.add(wraparound, Object{Table, table}, f)
		return nil
	})
	if err != nil {
		return fmt.Errorf("cannot read how old the tables are: %w", err)
	}
	return nil
}
