package assess

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
)

var cronJob = &Hazard{
	ID: "cron-job", Group: OfBreak, Severity: Warn,
	What:   "a job of `pg_cron` has a word that is a name which goes: its commands are kept as text, and run past Segue. Found by a scan of its words",
	Remedy: "give the job the new names when you cut over, with `cron.alter_job`, or pause it",
}

// lookCron finds jobs by their commands. The table is read only where it is the extension's: what anybody can make would be
// read with the rights of the upstream's role.
func lookCron(ctx context.Context, s *Subject, r *report) error {
	gone := s.namesGone()
	var there bool
	err := s.DB.QueryRow(ctx, `
		SELECT EXISTS (
			SELECT FROM pg_catalog.pg_class c
			JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace AND n.nspname = 'cron'
			JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = c.oid AND d.deptype = 'e'
			JOIN pg_catalog.pg_extension x ON d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass AND x.oid = d.refobjid AND x.extname = 'pg_cron'
			WHERE c.relname = 'job' AND c.relkind = 'r'
			  AND pg_catalog.has_schema_privilege(n.oid, 'USAGE') AND pg_catalog.has_table_privilege(c.oid, 'SELECT'))`).Scan(&there)
	if err != nil {
		return fmt.Errorf("cannot look for the jobs of pg_cron: %w", err)
	}
	if !there || len(gone) == 0 {
		return nil
	}
	rows, err := s.DB.Query(ctx, `SELECT jobid::pg_catalog.text, command FROM cron.job WHERE database = pg_catalog.current_database() ORDER BY jobid`)
	if err != nil {
		return fmt.Errorf("cannot read the jobs of pg_cron: %w", err)
	}
	var id, command string
	_, err = pgx.ForEachRow(rows, []any{&id, &command}, func() error {
		if names := namedIn(command, "sql", gone); len(names) > 0 {
			r.add(cronJob, Object{"job", id}, Finding{
				Message: "its command has the word " + strings.Join(names, ", ") + ", and runs past Segue: it may fail once that is gone",
				Hint:    fmt.Sprintf("when you cut over, give it the new names: SELECT cron.alter_job(%s, command := ...)", id),
			})
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("cannot read the jobs of pg_cron: %w", err)
	}
	return nil
}
