package store

import (
	"context"
	"fmt"
)

// LoadEpoch reads the epoch: the number that moves with every change of what is served.
func LoadEpoch(ctx context.Context, db DB) (int64, error) {
	var epoch int64
	if err := db.QueryRow(ctx, `SELECT epoch FROM segue.epoch`).Scan(&epoch); err != nil {
		return 0, fmt.Errorf("cannot read segue.epoch: %w", err)
	}
	return epoch, nil
}

// NextEpoch moves the epoch on and returns the new one. Its row lock orders all changes of phases: take it before
// anything is decided.
func NextEpoch(ctx context.Context, db DB) (int64, error) {
	var epoch int64
	err := db.QueryRow(ctx, `UPDATE segue.epoch SET epoch = epoch + 1, changed_at = pg_catalog.now() RETURNING epoch`).Scan(&epoch)
	if err != nil {
		return 0, fmt.Errorf("cannot move segue.epoch: %w", err)
	}
	return epoch, nil
}

// LockEpoch locks the epoch's row until the transaction ends, and returns the epoch: registration of an instance and
// the leader's last check both take it, so that nobody joins between check and commit.
func LockEpoch(ctx context.Context, db DB) (int64, error) {
	var epoch int64
	if err := db.QueryRow(ctx, `SELECT epoch FROM segue.epoch FOR UPDATE`).Scan(&epoch); err != nil {
		return 0, fmt.Errorf("cannot lock segue.epoch: %w", err)
	}
	return epoch, nil
}
