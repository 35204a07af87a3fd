package migrate

import (
	"context"
	"fmt"
)

// searchPathSQL reads a search_path as recomputeNamespacePath in namespace.c does.
const searchPathSQL = `
	WITH setting AS (
		SELECT CASE WHEN m.part[1] IS NOT NULL THEN pg_catalog.replace(m.part[1], '""', '"') ELSE pg_catalog.lower(m.part[2]) END AS name, m.at
		FROM pg_catalog.regexp_matches($1, '"((?:[^"]|"")*)"|([^",[:space:]]+)', 'g') WITH ORDINALITY m(part, at)
	), named AS (
		SELECT CASE WHEN name = '$user' THEN $2 ELSE name END AS name, at FROM setting
	), known AS (
		SELECT n.name, pg_catalog.min(n.at) AS at FROM named n
		WHERE n.name = 'pg_temp' OR EXISTS (SELECT FROM pg_catalog.pg_namespace s
			WHERE s.nspname = n.name AND pg_catalog.has_schema_privilege($2, s.oid, 'USAGE'))
		GROUP BY n.name
	)
	SELECT COALESCE(pg_catalog.array_agg(name ORDER BY at), '{}') FROM known`

// SearchPath tells in which schemas a role looks for names with that search_path, as the setting is written: those that
// exist and that it may use. pg_temp stands for the temporary schema of its session; what is searched besides is left out.
func (i *Instance) SearchPath(ctx context.Context, role, setting string) (path []string, err error) {
	pool, err := i.database()
	if err != nil {
		return nil, err
	}
	if err := pool.QueryRow(ctx, searchPathSQL, setting, role).Scan(&path); err != nil {
		return nil, fmt.Errorf("cannot ask where a search_path leads: %w", err)
	}
	return path, nil
}
