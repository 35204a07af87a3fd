package rewrite

import "testing"

// PostgreSQL copies from tables only, and a COPY that has become one of a query must not copy what it would not.
func TestCopyWithAHeaderOfAPartitionedTableFailsAsInPostgres(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"old", "new"} {
		t.Run("a client of the "+version+" names", func(t *testing.T) {
			t.Parallel()
			w := newDDLWorld(t, version)
			for _, sql := range []string{
				`COPY {event} TO STDOUT WITH (FORMAT csv, HEADER)`,
				`COPY {event} ({at}) TO STDOUT CSV HEADER`,
				`COPY public.{event} (kind, {at}) TO STDOUT CSV HEADER`,
			} {
				w.checkFailure(t, sql)
			}
		})
	}
}
