package demo

import (
	"context"
	"errors"
	"fmt"
	"net/url"

	"github.com/seguedb/segue/internal/pgcluster"
	"github.com/seguedb/segue/internal/serve"
	"github.com/seguedb/segue/migrate"
)

// A fleet is the server and the instances in front of it.
type fleet struct {
	cluster   *pgcluster.Cluster
	instances []*serve.Running
}

// startFleet starts a throw-away PostgreSQL with the shop in it, and n instances.
func startFleet(ctx context.Context, n int, o Options) (_ *fleet, err error) {
	f := &fleet{}
	defer func() {
		if err != nil {
			err = errors.Join(err, f.stop())
		}
	}()
	if f.cluster, err = pgcluster.Start(ctx, pgcluster.Options{}); err != nil {
		return nil, err
	}
	if err := createShop(ctx, f.cluster, o.Rows); err != nil {
		return nil, err
	}
	for i := range n {
		r, err := serve.Start(ctx, serve.Config{
			Upstream: f.url(), Listen: "127.0.0.1:0", AdminListen: "127.0.0.1:0",
			Migrate: migrate.Config{ID: fmt.Sprintf("instance-%d", i+1), DrainLimit: drainLimit},
			Log:     o.Log,
		})
		if err != nil {
			return nil, fmt.Errorf("instance %d: %w", i+1, err)
		}
		f.instances = append(f.instances, r)
	}
	return f, nil
}

// url is the shop's database, without any instance between.
func (f *fleet) url() string { return f.cluster.URL(database) }

// clientURLs is the shop's database through each instance, pinned to a schema version as an app would do it: by the
// options of its connection string.
func (f *fleet) clientURLs(version string) (out []string) {
	for _, r := range f.instances {
		out = append(out, fmt.Sprintf("postgres://%s@%s/%s?sslmode=disable&application_name=%s&options=%s",
			f.cluster.Superuser, r.Addr(), database, version, "-c%20segue.version%3D"+url.QueryEscape(version)))
	}
	return out
}

// adminURLs lists the admin API of each instance.
func (f *fleet) adminURLs() (out []string) {
	for _, r := range f.instances {
		out = append(out, r.AdminURL())
	}
	return out
}

// stop ends what was started, in reverse order; the cluster's data is removed.
func (f *fleet) stop() error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	var errs []error
	for _, r := range f.instances {
		errs = append(errs, r.Stop(ctx))
	}
	if f.cluster != nil {
		errs = append(errs, f.cluster.Stop())
	}
	return errors.Join(errs...)
}
