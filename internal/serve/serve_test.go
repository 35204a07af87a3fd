package serve

import (
	"context"
	"errors"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/seguedb/segue/internal/pgtest"
	"github.com/seguedb/segue/migrate"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

func TestAnInstanceServesClientsAndAdminUntilStop(t *testing.T) {
	t.Parallel()
	database := pgtest.Database(t)
	r, err := Start(t.Context(), Config{Upstream: database, Listen: "127.0.0.1:0", AdminListen: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	var one int
	conn := pgtest.Connect(t, pgtest.Through(t, database, r.Addr()))
	if err := conn.QueryRow(t.Context(), "SELECT 1").Scan(&one); err != nil || one != 1 {
		t.Errorf("a client gets %d, %v", one, err)
	}
	if got := status(t, r.AdminURL()+"/readyz"); got != http.StatusOK {
		t.Errorf("/readyz is %d", got)
	}
	ctx, cancel := context.WithTimeout(context.Background(), pgtest.Patience)
	defer cancel()
	if err := r.Stop(ctx); err != nil {
		t.Errorf("stop: %v", err)
	}
	if _, err := pgx.Connect(ctx, pgtest.Through(t, database, r.Addr())); err == nil {
		t.Error("a client is served after Stop")
	}
}

func TestUntilTheServerAnswersTheInstanceIsNotReadyAndTriesAgain(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	admin, clients, upstream := pgtest.FreeAddress(t), pgtest.FreeAddress(t), pgtest.FreeAddress(t)
	failed := make(chan error, 1)
	go func() {
		_, err := Start(ctx, Config{
			Upstream: "postgres://postgres@" + upstream + "/shop?sslmode=disable", Listen: clients, AdminListen: admin,
		})
		failed <- err
	}()
	pgtest.Eventually(t, func() bool { return status(t, "http://"+admin+"/readyz") == http.StatusServiceUnavailable },
		"the admin API answers that the instance is not ready")
	_, err := pgx.Connect(t.Context(), "postgres://postgres@"+clients+"/shop?sslmode=disable")
	var refused *pgconn.PgError
	if !errors.As(err, &refused) || refused.Code != "08006" || !strings.Contains(refused.Message, upstream[len("127.0.0.1:"):]) {
		t.Errorf("a client gets %v", err)
	}
	cancel()
	if err := <-failed; err == nil {
		t.Error("Start has given up without an error")
	}
	if got := status(t, "http://"+admin+"/readyz"); got != 0 {
		t.Errorf("the admin API is left running: %d", got)
	}
}

func TestStartLeavesNothingBehindWhenItFails(t *testing.T) {
	t.Parallel()
	database := pgtest.Database(t)
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	for name, c := range map[string]struct {
		cfg  Config
		want string
	}{
		"the clients' address is taken": {Config{Upstream: database, Listen: taken.Addr().String()}, "cannot listen for clients"},
		"the admin address is taken":    {Config{Upstream: database, Listen: "127.0.0.1:0", AdminListen: taken.Addr().String()}, "admin API"},
		"the URL is wrong":              {Config{Upstream: "postgres://%zz", Listen: "127.0.0.1:0"}, "upstream URL"},
		"there is no such database":     {Config{Upstream: database + "&dbname=no_such_database", Listen: "127.0.0.1:0", AdminListen: "127.0.0.1:0"}, "no_such_database"},
		"the lease is impossible":       {Config{Upstream: database, Listen: "127.0.0.1:0", Migrate: migrate.Config{Lease: -1}}, "lease"},
	} {
		r, err := Start(t.Context(), c.cfg)
		if err == nil {
			t.Errorf("%s: Start succeeds", name)
			_ = r.Stop(t.Context()) // only to let the other tests go on
		} else if !strings.Contains(strings.ToLower(err.Error()), strings.ToLower(c.want)) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

// status is the status of a GET, or 0 when nobody answers.
func status(t *testing.T, url string) int {
	t.Helper()
	req, err := http.NewRequestWithContext(context.Background(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Close = true
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0
	}
	resp.Body.Close()
	return resp.StatusCode
}
