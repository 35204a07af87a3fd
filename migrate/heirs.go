package migrate

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/seguedb/segue/catalog"
)

// inheritsSQL asks for what has been committed.
const inheritsSQL = `
	WITH RECURSIVE up(oid) AS (
		SELECT x FROM pg_catalog.unnest($1::pg_catalog.oid[]) x
		UNION
		SELECT i.inhparent FROM up JOIN pg_catalog.pg_inherits i ON i.inhrelid = up.oid
	)
	SELECT EXISTS (SELECT FROM up WHERE oid = ANY ($2::pg_catalog.oid[]))`

// mayInheritSQL asks whether a transaction that has not ended may have made a relation an heir. A transaction that does
// holds, up to its end, an AccessExclusiveLock on the heir, be it new or not, and on the parent (tablecmds.c) a
// ShareUpdateExclusiveLock for CREATE TABLE … INHERITS, ALTER TABLE … INHERIT and ATTACH PARTITION (DefineRelation,
// ATExecAddInherit, AlterTableGetLockLevel), or for CREATE TABLE … PARTITION OF an AccessExclusiveLock (DefineRelation).
// Each mode that a backend holds is listed by itself, whatever stronger one it holds besides. Servers before version 12
// attach partitions under an AccessExclusiveLock, too.
//
// The parent can also be one that is below the tables, and not in the catalog either.
const mayInheritSQL = `
	WITH RECURSIVE family(oid) AS (
		SELECT x FROM pg_catalog.unnest($2::pg_catalog.oid[]) x
		UNION
		SELECT i.inhrelid FROM family JOIN pg_catalog.pg_inherits i ON i.inhparent = family.oid
	), held AS MATERIALIZED (
		SELECT l.relation, l.mode FROM pg_catalog.pg_locks l
		WHERE l.pid = $3 AND l.granted AND l.locktype = 'relation'
	)
	SELECT EXISTS (SELECT FROM held WHERE mode = 'AccessExclusiveLock' AND relation = ANY ($1::pg_catalog.oid[]))
	   AND EXISTS (SELECT FROM held h JOIN family f ON f.oid = h.relation
	               WHERE h.mode = 'ShareUpdateExclusiveLock'
	                  OR h.mode = 'AccessExclusiveLock'
	                     AND EXISTS (SELECT FROM pg_catalog.pg_class c WHERE c.oid = h.relation AND c.relkind = 'p'))`

// Heirs tells whether one of the relations, which the catalog at hand does not have, inherits from one of the tables, or
// may do so: pid is the backend that has used them. It may not, and be told all the same, if its transaction has made it
// or altered it, and has done something else to one of the tables that takes the same lock.
func (i *Instance) Heirs(ctx context.Context, pid uint32, relations, tables []catalog.OID) (heirs bool, err error) {
	pool, err := i.database()
	if err != nil {
		return false, err
	}
	// Locks first: a transaction that holds none any more has ended before the second question, which sees what it has left.
	if heirs, err = asksHeirs(ctx, pool, mayInheritSQL, numbers(relations), numbers(tables), int64(pid)); heirs || err != nil {
		return heirs, err
	}
	return asksHeirs(ctx, pool, inheritsSQL, numbers(relations), numbers(tables))
}

func asksHeirs(ctx context.Context, pool *pgxpool.Pool, sql string, args ...any) (yes bool, err error) {
	if err := pool.QueryRow(ctx, sql, args...).Scan(&yes); err != nil {
		return false, fmt.Errorf("cannot ask for the parents of relations: %w", err)
	}
	return yes, nil
}
