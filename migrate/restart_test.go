package migrate

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seguedb/segue/internal/pgcluster"
	"github.com/seguedb/segue/internal/pgtest"
	"github.com/seguedb/segue/rules"
)

// ownCluster starts a cluster that the test may stop.
func ownCluster(t *testing.T) *pgcluster.Cluster {
	t.Helper()
	c, err := pgcluster.Start(t.Context(), pgcluster.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Stop(); err != nil {
			t.Error(err)
		}
	})
	return c
}

func TestARestartOfPostgresInTheMiddleOfATransitionIsSurvived(t *testing.T) {
	t.Parallel()
	c := ownCluster(t)
	f := newFleetAt(t, c.URL("postgres"), 2, shop)
	f.create(surname)
	f.must("surname", activate)
	f.traffics[1].set(func() { f.traffics[1].stuck = true })
	if err := f.instances[0].Request(t.Context(), "surname", cutover); err != nil {
		t.Fatal(err)
	}
	pgtest.Eventually(t, func() bool { return f.traffics[1].count("hold") > 0 }, "a gate is closed")
	c.Halt()
	f.traffics[1].set(func() { f.traffics[1].stuck = false })
	if err := c.Resume(t.Context()); err != nil {
		t.Fatal(err)
	}
	pgtest.Eventually(t, func() bool {
		// The connections of this test are lost too.
		var phase string
		err := f.db.QueryRow(t.Context(), `SELECT phase FROM segue.migration`).Scan(&phase)
		return err == nil && phase == string(rules.Cutover)
	}, "the cutover after the restart")
	for n, i := range f.instances {
		pgtest.Eventually(t, func() bool {
			return i.Ready() == nil && i.Snapshot().Migration("surname").Phase == rules.Cutover && !f.traffics[n].isSuspended()
		}, "instance "+f.traffics[n].id+" serves the outcome")
	}
}

func TestAReplicaIsRefusedAsUpstream(t *testing.T) {
	t.Parallel()
	c := ownCluster(t)
	c.Halt()
	signal := filepath.Join(c.Dir, "data", "standby.signal")
	if err := os.WriteFile(signal, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := c.Own(signal); err != nil {
		t.Fatal(err)
	}
	if err := c.Resume(t.Context()); err != nil {
		t.Fatal(err)
	}
	i, err := NewInstance(Config{Upstream: c.URL("postgres")}, newTraffic(t, "a", nil))
	if err != nil {
		t.Fatal(err)
	}
	if err := i.Start(t.Context()); err == nil || !strings.Contains(err.Error(), "replica") {
		t.Errorf("starting on a replica gives %v", err)
	}
	if err := i.Ready(); err == nil {
		t.Error("an instance without an upstream is ready")
	}
}

func TestConfigurationsThatCannotWorkAreRefused(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name string
		cfg  Config
		want string
	}{
		{"no upstream", Config{}, "connection string"},
		{"a connection string that is none", Config{Upstream: "postgres://%"}, "connection string"},
		{"a lease too short for the drain limit", Config{Upstream: "postgres://h/d", DrainLimit: 4e9}, "lease of 5s is too short"},
		{"a negative duration", Config{Upstream: "postgres://h/d", Poll: -1}, "the poll cannot be negative"},
	} {
		if _, err := NewInstance(tc.cfg, nil); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s gives %v", tc.name, err)
		}
	}
}
