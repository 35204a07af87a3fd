package rules

import (
	"context"
	"fmt"
	"hash/fnv"
	"time"
)

// LockInstance is the class of advisory locks by which processes hold the ids of instances. The letters are SEGI.
const LockInstance int32 = 0x53454749

// instanceLock is the key of an instance's id. Two ids of one key could not run at the same time.
func instanceLock(id string) int32 {
	h := fnv.New32a()
	h.Write([]byte(id)) // never fails
	return int32(h.Sum32())
}

// HoldInstance takes the lock of the id for the session of db, which must be one connection, and returns 0; or the server
// process of the session that holds it. It does not wait.
func HoldInstance(ctx context.Context, db DB, id string) (holder uint32, err error) {
	var held bool
	var pid int64
	err = db.QueryRow(ctx, `
		SELECT pg_catalog.pg_try_advisory_lock($1, $2), coalesce((`+holderOfInstance+`), 0)`,
		LockInstance, instanceLock(id)).Scan(&held, &pid)
	switch {
	case err != nil:
		return 0, fmt.Errorf("cannot take the lock of instance %s: %w", id, err)
	case held:
		return 0, nil
	case pid == 0: // it has gone in between
		return HoldInstance(ctx, db, id)
	}
	return uint32(pid), nil
}

// holderOfInstance finds the server process that holds the lock of class $1 and key $2.
const holderOfInstance = `
	SELECT pid FROM pg_catalog.pg_locks WHERE locktype = 'advisory' AND granted AND objsubid = 2 AND
		database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database()) AND
		classid = $1::pg_catalog.int8::pg_catalog.oid AND objid = ($2::pg_catalog.int8 & 4294967295)::pg_catalog.oid`

// EndHolder ends the session of the server process if it still holds the lock of the id. It does not wait for its end.
func EndHolder(ctx context.Context, db DB, id string, holder uint32) error {
	_, err := db.Exec(ctx, `
		SELECT pg_catalog.pg_terminate_backend(pid) FROM (`+holderOfInstance+`) AS held WHERE pid = $3`,
		LockInstance, instanceLock(id), int64(holder))
	if err != nil {
		return fmt.Errorf("cannot end the lost connection of instance %s: %w", id, err)
	}
	return nil
}

// InstanceHeartbeat is when the instance was heard of last, and how long ago that is by the server's clock; both are zero
// when it has no row.
func InstanceHeartbeat(ctx context.Context, db DB, id string) (at time.Time, silence time.Duration, err error) {
	all, err := LoadInstances(ctx, db, false)
	for _, row := range all {
		if row.ID == id {
			return row.Heartbeat, row.Silence, nil
		}
	}
	return time.Time{}, 0, err
}
