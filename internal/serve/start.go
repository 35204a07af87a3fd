package serve

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/seguedb/segue/migrate"
)

// startEvery is the time between two tries to reach the server at start.
const startEvery = time.Second

// startInstance starts the instance, and tries again for as long as the server cannot be reached or says that it is
// not ready for connections.
func startInstance(ctx context.Context, i *migrate.Instance, log hclog.Logger) error {
	for {
		err := i.Start(ctx)
		if err == nil || !unreachable(err) {
			return err
		}
		log.Warn("the upstream cannot be reached, trying again", "error", err)
		select {
		case <-ctx.Done():
			return err
		case <-time.After(startEvery):
		}
	}
}

// unreachable tells whether err may go away by itself: nobody answers, or the server is starting up or shutting down
// (class 57P) or has no connection to spare (class 53).
func unreachable(err error) bool {
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok {
		return strings.HasPrefix(pg.Code, "57P") || strings.HasPrefix(pg.Code, "53")
	}
	_, ok := errors.AsType[*pgconn.ConnectError](err)
	return ok
}
