package store

import (
	"context"
	"encoding/json"
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
	Lease        time.Duration // after a silence of that length the instance serves no affected table by itself
	Epoch        int64         // of the snapshot that it serves
	Acknowledged int64         // the attempt whose gate it holds; 0: none; negative: the attempt that it has withdrawn from
	Expired      bool          // it must register again before it serves affected tables
	Address      string
	Report
	Reported time.Time // when the report was written; long ago when there was none
}

// A Report is what an instance tells about its connections, when it is asked, when it acknowledges, and now and then.
type Report struct {
	Sessions json.RawMessage // its clients' sessions; the store does not look into it
	PIDs     []uint32        // backends of its sessions and of its control connections
	AsOf     time.Time       // when that was so, by the server's clock; zero: when it is written
}

func (r Report) asOf() *time.Time {
	if r.AsOf.IsZero() {
		return nil
	}
	return &r.AsOf
}

func (r Report) columns() (sessions saidJSON, pids []int32) {
	pids = make([]int32, len(r.PIDs))
	for i, pid := range r.PIDs {
		pids[i] = int32(pid)
	}
	if r.Sessions == nil {
		return "[]", pids
	}
	return saidJSON(r.Sessions), pids
}

// RegisterInstance writes or renews the row of an instance and lifts its expiry. With fresh it is that of a process which has
// just started: a row of an earlier process of that id begins anew. Where there was a row, what it has acknowledged of the
// gate that is set is withdrawn, also what is still on its way on a connection that was lost, perhaps by that earlier process.
// Call it in a transaction that holds LockEpoch: nobody then joins between the leader's last check and its commit.
func RegisterInstance(ctx context.Context, db DB, id, address string, lease time.Duration, epoch int64, fresh bool) error {
	_, err := execSaid(ctx, db, `
		INSERT INTO segue.instance AS i (id, address, lease, epoch) VALUES ($1, $2, $3 * interval '1 microsecond', $4)
		ON CONFLICT (id) DO UPDATE SET address = excluded.address, lease = excluded.lease, epoch = excluded.epoch,
			heartbeat = pg_catalog.clock_timestamp(), expired = false,
			acknowledged = coalesce((SELECT -t.attempt FROM segue.transition t), 0),
			started = CASE WHEN $5 THEN excluded.started ELSE i.started END,
			sessions = CASE WHEN $5 THEN excluded.sessions ELSE i.sessions END,
			pids = CASE WHEN $5 THEN excluded.pids ELSE i.pids END,
			reported = CASE WHEN $5 THEN excluded.reported ELSE i.reported END`, id, said(address), lease.Microseconds(), epoch, fresh)
	if err != nil {
		return fmt.Errorf("cannot register instance %s: %w", id, err)
	}
	return nil
}

// BeatInstance renews the heartbeat and the epoch that the instance serves. It waits for nobody: when the leader has
// locked the row, or the row is gone or expired, it returns false, and the lease is not renewed.
func BeatInstance(ctx context.Context, db DB, id string, epoch int64) (bool, error) {
	tag, err := db.Exec(ctx, `
		UPDATE segue.instance SET heartbeat = pg_catalog.clock_timestamp(), epoch = $2
		WHERE NOT expired AND id = (SELECT id FROM segue.instance WHERE id = $1 FOR UPDATE SKIP LOCKED)`, id, epoch)
	if err != nil {
		return false, fmt.Errorf("cannot renew the heartbeat of instance %s: %w", id, err)
	}
	return tag.RowsAffected() == 1, nil
}

// ReportInstance stores what the instance tells about its connections, unless what is stored was true later.
func ReportInstance(ctx context.Context, db DB, id string, r Report) error {
	sessions, pids := r.columns()
	_, err := execSaid(ctx, db, `
		UPDATE segue.instance SET sessions = $2, pids = $3, reported = coalesce($4, pg_catalog.clock_timestamp())
		WHERE id = $1 AND `+later("$4")+` IS NOT TRUE`, id, sessions, pids, r.asOf())
	if err != nil {
		return fmt.Errorf("cannot store the sessions of instance %s: %w", id, err)
	}
	return nil
}

// later is a condition on what is stored: it was true later than at that time. A clock that was set back makes nothing so.
func later(at string) string {
	return "(reported > " + at + "::pg_catalog.timestamptz AND reported <= pg_catalog.clock_timestamp())"
}

// Acknowledge writes that the instance holds the gate of that attempt, serves that epoch and has these connections. It
// waits behind the leader's row lock. It returns false when the row is gone or expired, or the attempt is over.
func Acknowledge(ctx context.Context, db DB, id string, attempt, epoch int64, r Report) (bool, error) {
	sessions, pids := r.columns()
	tag, err := execSaid(ctx, db, `
		UPDATE segue.instance SET acknowledged = $2, epoch = $3,
			sessions = CASE WHEN `+later("$6")+` THEN sessions ELSE $4 END, pids = CASE WHEN `+later("$6")+` THEN pids ELSE $5 END,
			reported = CASE WHEN `+later("$6")+` THEN reported ELSE coalesce($6, pg_catalog.clock_timestamp()) END, heartbeat = pg_catalog.clock_timestamp()
		WHERE id = $1 AND NOT expired AND acknowledged <> -$2::pg_catalog.int8 AND EXISTS (SELECT FROM segue.transition WHERE attempt = $2)`, id, attempt, epoch, sessions, pids, r.asOf())
	if err != nil {
		return false, fmt.Errorf("cannot write the acknowledgement of instance %s: %w", id, err)
	}
	return tag.RowsAffected() == 1, nil
}

// Withdraw takes back the acknowledgement of the attempt, also one that is still on its way on another connection. It
// waits behind the leader's row lock: once it has returned without an error, either the leader's transaction has
// committed before, or it will not count this instance.
func Withdraw(ctx context.Context, db DB, id string, attempt int64) error {
	if _, err := db.Exec(ctx, `UPDATE segue.instance SET acknowledged = -$2::pg_catalog.int8 WHERE id = $1`, id, attempt); err != nil {
		return fmt.Errorf("cannot withdraw the acknowledgement of instance %s: %w", id, err)
	}
	return nil
}

// LoadInstances reads all rows in order of id, and locks them when lock is set.
func LoadInstances(ctx context.Context, db DB, lock bool) ([]*InstanceRow, error) {
	sql := `
		SELECT id, started, heartbeat, (extract(epoch FROM pg_catalog.clock_timestamp() - heartbeat) * 1000000)::pg_catalog.int8,
		       (extract(epoch FROM lease) * 1000000)::pg_catalog.int8, epoch, acknowledged, expired, address, sessions, pids,
		       greatest(reported, '1970-01-01'::pg_catalog.timestamptz)
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
	var silence, lease int64
	if err := row.Scan(&r.ID, &r.Started, &r.Heartbeat, &silence, &lease, &r.Epoch, &r.Acknowledged, &r.Expired, &r.Address,
		&r.Sessions, &pids, &r.Reported); err != nil {
		return nil, err
	}
	r.Silence, r.Lease = time.Duration(silence)*time.Microsecond, time.Duration(lease)*time.Microsecond
	for _, pid := range pids {
		r.PIDs = append(r.PIDs, uint32(pid))
	}
	return r, nil
}

// InstanceHeartbeat is when the instance was heard of last, and how long ago that is by the server's clock; both are zero
// when it has no row, which is no error.
func InstanceHeartbeat(ctx context.Context, db DB, id string) (at time.Time, silence time.Duration, err error) {
	all, err := LoadInstances(ctx, db, false)
	for _, row := range all {
		if row.ID == id {
			return row.Heartbeat, row.Silence, nil
		}
	}
	return time.Time{}, 0, err
}

// ExpireInstance marks an instance that has been silent for at least that long, by the server's clock. It returns false
// when the instance was heard of meanwhile.
func ExpireInstance(ctx context.Context, db DB, id string, silence time.Duration) (bool, error) {
	tag, err := db.Exec(ctx, `
		UPDATE segue.instance SET expired = true, acknowledged = least(acknowledged, 0)
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

// PruneInstances removes the rows of instances that were last heard of longer ago than age and have expired, and of what was
// held by processes that have gone for as long.
func PruneInstances(ctx context.Context, tx pgx.Tx, age time.Duration) error {
	_, err := tx.Exec(ctx, `
		DELETE FROM segue.instance WHERE expired AND heartbeat < pg_catalog.clock_timestamp() - $1 * interval '1 microsecond'`, age.Microseconds())
	if err == nil {
		err = pruneHolders(ctx, tx, age)
	}
	if err != nil {
		return fmt.Errorf("cannot prune segue.instance: %w", err)
	}
	return nil
}
