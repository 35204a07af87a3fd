package store

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/seguedb/segue/rules"
)

// keepNames is for how long maps stay that no snapshot of a loading instance has any more: statements that refer to them may
// be on their way, and another instance may be slower to load what is in force.
const keepNames = "1 hour"

// StoreNames sees to it that the maps of the snapshot in force are stored, and forgets others after a while. It returns the
// IDs of those that are there once the transaction has committed, in which every role may read them.
func StoreNames(ctx context.Context, db DB, maps []rules.NameMap) (map[string]bool, error) {
	ids, names := make([]string, len(maps)), make([]string, len(maps))
	stored := make(map[string]bool, len(maps))
	for i, m := range maps {
		ids[i], names[i], stored[m.ID] = m.ID, m.Names, true
	}
	slices.Sort(ids)
	var settled, readable bool
	err := db.QueryRow(ctx, `
		SELECT pg_catalog.count(*) FILTER (WHERE id = ANY ($1) AND superseded_at IS NULL) = pg_catalog.cardinality($1)
		   AND pg_catalog.count(*) FILTER (WHERE id <> ALL ($1) AND superseded_at IS NULL) = 0,
		   pg_catalog.has_schema_privilege('public', 'segue', 'USAGE') AND pg_catalog.has_column_privilege('public', 'segue.names', 'id', 'SELECT')
		   AND pg_catalog.has_column_privilege('public', 'segue.names', 'names', 'SELECT')
		FROM segue.names`, ids).Scan(&settled, &readable)
	switch {
	case err != nil:
		return nil, fmt.Errorf("cannot look for stored names: %w", err)
	case !readable:
		return nil, errors.New("not every role may read segue.names; GRANT USAGE ON SCHEMA segue TO PUBLIC; GRANT SELECT (id, names) ON segue.names TO PUBLIC")
	case settled:
		return stored, nil
	}
	_, err = db.Exec(ctx, `
		INSERT INTO segue.names AS n (id, names)
		SELECT id, names::pg_catalog.jsonb FROM ROWS FROM (pg_catalog.unnest($1::pg_catalog.text[]), pg_catalog.unnest($2::pg_catalog.text[])) AS m(id, names) ORDER BY id
		ON CONFLICT (id) DO UPDATE SET superseded_at = NULL WHERE n.superseded_at IS NOT NULL`, mapIDs(maps), names)
	if err == nil {
		_, err = db.Exec(ctx, `
			UPDATE segue.names SET superseded_at = pg_catalog.clock_timestamp() WHERE id <> ALL ($1) AND superseded_at IS NULL`, ids)
	}
	if err == nil {
		_, err = db.Exec(ctx, `
			DELETE FROM segue.names WHERE superseded_at < pg_catalog.clock_timestamp() - $1::pg_catalog.text::pg_catalog.interval`, keepNames)
	}
	if err != nil {
		return nil, fmt.Errorf("cannot store names: %w", err)
	}
	return stored, nil
}

func mapIDs(maps []rules.NameMap) []string {
	ids := make([]string, len(maps))
	for i, m := range maps {
		ids[i] = m.ID
	}
	return ids
}
