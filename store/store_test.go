package store_test

import (
	"context"
	"testing"

	"github.com/seguedb/segue/internal/pgtest"
	"github.com/seguedb/segue/store"
)

func TestNotifyReachesThoseWhoListen(t *testing.T) {
	t.Parallel()
	conn := installed(t)
	other := pgtest.Connect(t, conn.Config().ConnString())
	exec(t, other, "LISTEN "+store.Channel)
	if err := store.Notify(ctx, conn, "hello"); err != nil {
		t.Fatal(err)
	}
	limited, cancel := context.WithTimeout(ctx, pgtest.Patience)
	defer cancel()
	n, err := other.WaitForNotification(limited)
	if err != nil || n.Channel != store.Channel || n.Payload != "hello" {
		t.Errorf("notification is %+v, error %v", n, err)
	}
}
