package migrate

import (
	"context"
	"fmt"

	"github.com/seguedb/segue/catalog"
)

// A relation that is not there has been made in a transaction that has not ended: as a temporary table, perhaps. If it is an
// heir of a table, the backend that has made it holds a lock on that table which no query takes (lockmode of
// MergeAttributes and StoreCatalogInheritance, tablecmds.c).
const heirsSQL = `
	WITH RECURSIVE up(oid) AS (
		SELECT x FROM pg_catalog.unnest($1::pg_catalog.oid[]) x
		UNION
		SELECT i.inhparent FROM up JOIN pg_catalog.pg_inherits i ON i.inhrelid = up.oid
	)
	SELECT EXISTS (SELECT FROM up WHERE oid = ANY ($2::pg_catalog.oid[]))
	    OR EXISTS (SELECT FROM pg_catalog.unnest($1::pg_catalog.oid[]) x WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_class c WHERE c.oid = x))
	       AND EXISTS (SELECT FROM pg_catalog.pg_locks l
	                   WHERE l.pid = $3 AND l.granted AND l.locktype = 'relation' AND l.relation = ANY ($2::pg_catalog.oid[])
	                     AND l.mode IN ('ShareUpdateExclusiveLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock'))`

// Heirs tells whether one of the relations, which the catalog at hand does not have, inherits from one of the tables, or
// may do so: pid is the backend that has used them.
func (i *Instance) Heirs(ctx context.Context, pid uint32, relations, tables []catalog.OID) (heirs bool, err error) {
	pool, err := i.database()
	if err != nil {
		return false, err
	}
	if err := pool.QueryRow(ctx, heirsSQL, numbers(relations), numbers(tables), int64(pid)).Scan(&heirs); err != nil {
		return false, fmt.Errorf("cannot ask for the parents of relations: %w", err)
	}
	return heirs, nil
}
