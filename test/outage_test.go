package test

import (
	"context"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/seguedb/segue/internal/pgcluster"
	"github.com/seguedb/segue/internal/pgtest"
	"github.com/seguedb/segue/internal/serve"
	"github.com/seguedb/segue/migrate"
	"github.com/seguedb/segue/rules"
)

func TestWhileTheServerIsDownClientsAreToldSoAndAfterwardsTheyAreServed(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 5*pgtest.Patience)
	defer cancel()
	c, err := pgcluster.Start(ctx, pgcluster.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Stop(); err != nil {
			t.Error(err)
		}
	})
	f := &fleet{direct: c.URL("postgres")}
	pgtest.Exec(t, f.direct, shop)
	f.start(t, "instance-1", func(c *serve.Config) { c.Migrate = migrate.Config{ID: "instance-1"} })
	f.create(t, surname)
	f.phase(t, "surname", rules.Cutover)
	read := func() error {
		conn, err := pgx.Connect(ctx, f.url(t, 0, rules.Base))
		if err != nil {
			return err
		}
		defer conn.Close(ctx)
		var name string
		return conn.QueryRow(ctx, "SELECT last_name FROM individual WHERE id = 1").Scan(&name)
	}
	if err := read(); err != nil {
		t.Fatal(err)
	}
	c.Halt()
	if got := sqlState(read()); got != "08006" {
		t.Errorf("while the server is down a client is told %q", got)
	}
	pgtest.Eventually(t, func() bool { return f.instances[0].Instance.Ready() != nil }, "the instance reports that it is not ready")
	if err := c.Resume(ctx); err != nil {
		t.Fatal(err)
	}
	pgtest.Eventually(t, func() bool { return f.instances[0].Instance.Ready() == nil && read() == nil }, "clients are served again")
}
