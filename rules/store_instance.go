package rules

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// An InstanceRow is one row of segue.instance.
type InstanceRow struct {
	ID           string
	Started      time.Time
	Heartbeat    time.Time
	Silence      time.Duration // age of the heartbeat, by the server's clock
	Epoch        int64         // of the snapshot that it serves
	Acknowledged int64         // the attempt whose gate it holds; 0: none
	Expired      bool          // it must register again before it serves affected tables
	PIDs         []uint32      // backends of its sessions
	Versions     map[string]int
	Address      string
}

// A Beat is what an instance reports of itself with its heartbeat.
type Beat struct {
	Epoch    int64
	PIDs     []uint32
	Versions map[string]int // sessions by pinned version; "" for unpinned ones
}

// RegisterInstance writes or renews the row of an instance and lifts its expiry. Call it in a transaction that holds
// LockEpoch, and read the transition in the same transaction: the instance then knows the gate in force.
func RegisterInstance(ctx context.Context, db DB, id, address string, b Beat) error {
	pids, versions, err := b.columns()
	if err != nil {
		return err
	}
	_, err = db.Exec(ctx, `
		INSERT INTO segue.instance (id, address, epoch, pids, versions) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (id) DO UPDATE SET address = excluded.address, epoch = excluded.epoch, pids = excluded.pids, versions = excluded.versions,
			heartbeat = pg_catalog.clock_timestamp(), acknowledged = 0, expired = false`, id, address, b.Epoch, pids, versions)
	if err != nil {
		return fmt.Errorf("cannot register instance %s: %w", id, err)
	}
	return nil
}

// BeatInstance renews the heartbeat. It returns false when the row is gone or expired: the instance must register anew.
func BeatInstance(ctx context.Context, db DB, id string, b Beat) (bool, error) {
	pids, versions, err := b.columns()
	if err != nil {
		return false, err
	}
	tag, err := db.Exec(ctx, `
		UPDATE segue.instance SET heartbeat = pg_catalog.clock_timestamp(), epoch = $2, pids = $3, versions = $4
		WHERE id = $1 AND NOT expired`, id, b.Epoch, pids, versions)
	if err != nil {
		return false, fmt.Errorf("cannot renew the heartbeat of instance %s: %w", id, err)
	}
	return tag.RowsAffected() == 1, nil
}

func (b Beat) columns() (pids []int32, versions string, err error) {
	pids = make([]int32, len(b.PIDs))
	for i, pid := range b.PIDs {
		pids[i] = int32(pid)
	}
	if b.Versions == nil {
		return pids, "{}", nil
	}
	text, err := json.Marshal(b.Versions)
	return pids, string(text), err
}

// Acknowledge writes that the instance holds the gate of that attempt, or with 0 that it holds none. It waits behind the
// leader's row lock. It returns false when the row is gone or expired; with an attempt it is also false when that is no
// longer the one in force.
func Acknowledge(ctx context.Context, db DB, id string, attempt int64) (bool, error) {
	tag, err := db.Exec(ctx, `
		UPDATE segue.instance SET acknowledged = $2, heartbeat = pg_catalog.clock_timestamp()
		WHERE id = $1 AND NOT expired AND ($2 = 0 OR EXISTS (SELECT FROM segue.transition WHERE attempt = $2))`, id, attempt)
	if err != nil {
		return false, fmt.Errorf("cannot write the acknowledgement of instance %s: %w", id, err)
	}
	return tag.RowsAffected() == 1, nil
}

// LoadInstances reads all rows in order of id, and locks them when lock is set.
func LoadInstances(ctx context.Context, db DB, lock bool) ([]*InstanceRow, error) {
	sql := `
		SELECT id, started, heartbeat, (extract(epoch FROM pg_catalog.clock_timestamp() - heartbeat) * 1000000)::pg_catalog.int8,
		       epoch, acknowledged, expired, pids, versions, address
		FROM segue.instance ORDER BY id`
	if lock {
		sql += ` FOR UPDATE`
	}
	rows, err := db.Query(ctx, sql)
	if err == nil {
		var all []*InstanceRow
		if all, err = pgx.CollectRows(rows, scanInstance); err == nil {
			return all, nil
		}
	}
	return nil, fmt.Errorf("cannot read segue.instance: %w", err)
}

func scanInstance(row pgx.CollectableRow) (*InstanceRow, error) {
	r := new(InstanceRow)
	var pids []int32
	var micros int64
	if err := row.Scan(&r.ID, &r.Started, &r.Heartbeat, &micros, &r.Epoch, &r.Acknowledged, &r.Expired, &pids, &r.Versions, &r.Address); err != nil {
		return nil, err
	}
	r.Silence = time.Duration(micros) * time.Microsecond
	for _, pid := range pids {
		r.PIDs = append(r.PIDs, uint32(pid))
	}
	return r, nil
}

// ExpireInstance marks an instance that has been silent for at least that long, by the server's clock. It returns false
// when the instance was heard of meanwhile.
func ExpireInstance(ctx context.Context, db DB, id string, silence time.Duration) (bool, error) {
	tag, err := db.Exec(ctx, `
		UPDATE segue.instance SET expired = true, acknowledged = 0
		WHERE id = $1 AND NOT expired AND heartbeat <= pg_catalog.clock_timestamp() - $2 * interval '1 microsecond'`, id, silence.Microseconds())
	if err != nil {
		return false, fmt.Errorf("cannot expire instance %s: %w", id, err)
	}
	return tag.RowsAffected() == 1, nil
}

// DeleteInstance removes the row of an instance that stops.
func DeleteInstance(ctx context.Context, db DB, id string) error {
	if _, err := db.Exec(ctx, `DELETE FROM segue.instance WHERE id = $1`, id); err != nil {
		return fmt.Errorf("cannot remove instance %s: %w", id, err)
	}
	return nil
}

// PruneInstances removes rows that expired longer ago than age and returns their ids.
func PruneInstances(ctx context.Context, db DB, age time.Duration) ([]string, error) {
	rows, err := db.Query(ctx, `
		DELETE FROM segue.instance WHERE expired AND heartbeat < pg_catalog.clock_timestamp() - $1 * interval '1 microsecond'
		RETURNING id`, age.Microseconds())
	if err == nil {
		var ids []string
		if ids, err = pgx.CollectRows(rows, pgx.RowTo[string]); err == nil {
			return ids, nil
		}
	}
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil
	}
	return nil, fmt.Errorf("cannot prune segue.instance: %w", err)
}
