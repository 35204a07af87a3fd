package store_test

import (
	"testing"

	"github.com/seguedb/segue/store"
)

func TestTheEpochMovesInTheCallersTransaction(t *testing.T) {
	t.Parallel()
	conn := installed(t)
	tx, err := conn.Begin(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if epoch, err := store.NextEpoch(ctx, tx); err != nil || epoch != 2 {
		t.Errorf("epoch is %d, error %v", epoch, err)
	}
	if err := tx.Rollback(ctx); err != nil {
		t.Fatal(err)
	}
	if epoch, err := store.LockEpoch(ctx, conn); err != nil || epoch != 1 {
		t.Errorf("epoch is %d, error %v", epoch, err)
	}
}
